"""The questions, in the order of their documents."""

from __future__ import annotations

from costmodel.answers.flywheel_page import (
    inference_passes_training,
    price_in_growth,
    spend_and_unit_cost,
    spend_of_2030,
)
from costmodel.answers.question import Answer, Question
from costmodel.answers.shocks import bust, efficiency_shock
from costmodel.foundation.errors import DomainError

BOND, FEBRUARY_2025, JULY_2026 = "BOND 2025, p. 116", "February 2025", "July 2026"

QUESTIONS: tuple[Question, ...] = (
    Question(BOND, "Does total user spend rise as unit cost falls, and would it without?", spend_and_unit_cost),
    Question(BOND, "How large is user spend in 2030?", spend_of_2030),
    Question(BOND, "When does inference pass training?", inference_passes_training),
    Question(BOND, "How much of the growth do falling prices carry?", price_in_growth),
    Question(FEBRUARY_2025, "What does an efficiency shock do to user spend and capex?", efficiency_shock),
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
