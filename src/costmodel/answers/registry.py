"""The questions, in the order of their documents."""

from __future__ import annotations

from costmodel.answers.capex import depreciation_wave, meta_margin, plans_of_2026, required_revenue
from costmodel.answers.flywheel_page import (
    inference_passes_training,
    price_in_growth,
    spend_and_unit_cost,
    spend_of_2030,
    who_pays,
)
from costmodel.answers.question import Answer, Question
from costmodel.answers.runs import discovery_pays, training_ladder
from costmodel.answers.shocks import bust, efficiency_shock
from costmodel.answers.usage import agent_network, same_tasks_later, task_by_sandbox
from costmodel.foundation.errors import DomainError

BOND, FEBRUARY_2025, FEBRUARY_2026 = "BOND 2025, p. 116", "February 2025", "February 2026"
META, JULY_2026 = "Meta", "July 2026"

QUESTIONS: tuple[Question, ...] = (
    Question(BOND, "Does total user spend rise as unit cost falls, and would it without?", spend_and_unit_cost),
    Question(BOND, "How large is user spend in 2030?", spend_of_2030),
    Question(BOND, "When does inference pass training?", inference_passes_training),
    Question(BOND, "How much of the growth do falling prices carry?", price_in_growth),
    Question(BOND, "Who pays, and who is paid?", who_pays),
    Question(BOND, "When do training runs pass 100 M, 1 B and 10 B USD?", training_ladder),
    Question(FEBRUARY_2025, "What does an efficiency shock do to user spend and capex?", efficiency_shock),
    Question(FEBRUARY_2026, "Do the plans of 2026 sum to more than 630 B USD?", plans_of_2026),
    Question(FEBRUARY_2026, "What depreciation follows the plans?", depreciation_wave),
    Question(FEBRUARY_2026, "When does a run that finds a faster kernel pay?", discovery_pays),
    Question(FEBRUARY_2026, "What does an agent task cost by kind of sandbox?", task_by_sandbox),
    Question(FEBRUARY_2026, "How much token demand is a network of agents?", agent_network),
    Question(META, "Does Meta's margin fall through 2027?", meta_margin),
    Question(META, "What do the same tasks cost a buyer two years later?", same_tasks_later),
    Question(JULY_2026, "Which revenue does AI capital require?", required_revenue),
    Question(JULY_2026, "What does a bust do, and how long does it last?", bust),
)
"""All questions; a question's number is its place, from 1."""


def answered(number: int | None = None) -> tuple[tuple[Question, tuple[Answer, ...]], ...]:
    """Answer one question or all.

    Parameters
    ----------
    number
        Place of the question in :data:`QUESTIONS`, from 1; all where absent.

    Returns
    -------
    tuple
        Questions, each with its answers.

    Raises
    ------
    DomainError
        If there is no question of that number.
    """
    if number is None:
        return tuple((question, question.answer()) for question in QUESTIONS)
    if not 1 <= number <= len(QUESTIONS):
        raise DomainError(f"question {number}: there are questions 1 to {len(QUESTIONS)}; costmodel answer --list")
    question = QUESTIONS[number - 1]
    return ((question, question.answer()),)
