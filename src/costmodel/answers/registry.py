"""The questions, in the order of their documents."""

from __future__ import annotations

from concurrent.futures import Executor

from costmodel.answers.capex import depreciation_wave, meta_margin, plans_of_2026, required_revenue
from costmodel.answers.flywheel_page import (
    inference_passes_training,
    price_in_growth,
    spend_and_unit_cost,
    spend_of_2030,
    who_pays,
)
from costmodel.answers.plans import commitments_by_year, plans_of_2025, reality_labs_apart
from costmodel.answers.question import Answer, Question
from costmodel.answers.runs import discovery_pays, training_ladder
from costmodel.answers.selling import custom_silicon, meta_compute
from costmodel.answers.shocks import bust, efficiency_shock, kernel_across_fleets, named_shocks, who_fails_first
from costmodel.answers.usage import agent_network, buyers_bill, same_tasks_later, task_by_sandbox
from costmodel.answers.work import task_until_done, voices_in_reasoning
from costmodel.foundation.errors import DomainError

BOND, FEBRUARY_2025, FEBRUARY_2026 = "BOND 2025, p. 116", "February 2025", "February 2026"
META, JULY_2026 = "Meta", "July 2026"

_INDUSTRY = ("bond-flywheel",)
_LADDER = ("frontier-ladder",)
_PLANS_2025 = tuple(f"capex-2025-{name}" for name in ("alphabet", "amazon", "meta", "microsoft"))
_PLANS_2026 = tuple(f"capex-2026-{name}" for name in ("alphabet", "amazon", "meta", "microsoft"))
_EFFICIENCY = tuple(f"shock-{kind}-{times}" for kind in ("serving", "training") for times in (3, 10))
_NAMED = tuple(f"shock-{name}" for name in ("power", "export-limits", "capital-withdrawal", "price-war"))

QUESTIONS: tuple[Question, ...] = (
    Question(BOND, "Does user spend rise as unit cost falls, and would it without?", spend_and_unit_cost, _INDUSTRY),
    Question(BOND, "How large is user spend in 2030?", spend_of_2030, _INDUSTRY),
    Question(BOND, "When does inference pass training?", inference_passes_training, _INDUSTRY),
    Question(BOND, "How much of the growth do falling prices carry?", price_in_growth, _INDUSTRY),
    Question(BOND, "Who pays, and who is paid?", who_pays, _INDUSTRY),
    Question(BOND, "When do training runs pass 100 M, 1 B and 10 B USD?", training_ladder, _LADDER),
    Question(FEBRUARY_2025, "What became of the plans of 2025?", plans_of_2025, _PLANS_2025),
    Question(FEBRUARY_2025, "Custom or merchant silicon: what does an hour cost?", custom_silicon, ("industry-five",)),
    Question(
        FEBRUARY_2025, "What does an efficiency shock do to user spend and capex?", efficiency_shock,
        ("from-2026", *_EFFICIENCY),
    ),
    Question(FEBRUARY_2026, "Do the plans of 2026 sum to more than 630 B USD?", plans_of_2026, _PLANS_2026),
    Question(FEBRUARY_2026, "What depreciation follows the plans?", depreciation_wave, _PLANS_2026),
    Question(FEBRUARY_2026, "When does a run that finds a faster kernel pay?", discovery_pays, ("discovered-kernel",)),
    Question(
        FEBRUARY_2026, "What does a discovered kernel do to unit cost and spend?", kernel_across_fleets,
        ("discovered-kernel-fleet",),
    ),
    Question(FEBRUARY_2026, "What does an agent task cost by kind of sandbox?", task_by_sandbox, ("agent-task",)),
    Question(FEBRUARY_2026, "How much token demand is a network of agents?", agent_network, ("moltbook-agents",)),
    Question(FEBRUARY_2026, "What does a task cost that is tried until it is done?", task_until_done, ("office-task",)),
    Question(FEBRUARY_2026, "What do voices in reasoning add?", voices_in_reasoning, ("society-of-thought",)),
    Question(META, "Does Meta's margin fall through 2027?", meta_margin, ("capex-2026-meta",)),
    Question(META, "What is Meta's margin without Reality Labs?", reality_labs_apart, ("capex-2026-meta",)),
    Question(META, "When do Meta's commitments fall due?", commitments_by_year, ("meta-commitments",)),
    Question(META, "What do the same tasks cost a buyer two years later?", same_tasks_later, _INDUSTRY),
    Question(
        META, "What does an enterprise's year of AI cost in 2026 and 2028, and was its bill right?", buyers_bill,
        ("buyers-year",),
    ),
    Question(JULY_2026, "Which revenue does AI capital require?", required_revenue, _INDUSTRY),
    Question(JULY_2026, "Does idle capacity pay, sold raw or hosted?", meta_compute, ("meta-compute",)),
    Question(JULY_2026, "What does a bust do, and how long does it last?", bust, ("from-2026", "bust")),
    Question(JULY_2026, "Who loses in a bust, and who fails first?", who_fails_first, ("industry-five", "bust-five")),
    Question(JULY_2026, "What do other shocks do to spend, capex and rent?", named_shocks, _NAMED),
)  # fmt: skip
"""All questions; a question's number is its place, from 1."""


def answered(
    number: int | None = None, executor: Executor | None = None
) -> tuple[tuple[Question, tuple[Answer, ...]], ...]:
    """Answer one question or all.

    Parameters
    ----------
    number
        Place of the question in :data:`QUESTIONS`, from 1; all where absent.
    executor
        Executor that answers questions in parallel; absent: one after another.

    Returns
    -------
    tuple
        Questions, each with its answers.

    Raises
    ------
    DomainError
        If there is no question of that number.
    """
    asked = QUESTIONS
    if number is not None:
        if not 1 <= number <= len(QUESTIONS):
            raise DomainError(f"question {number}: there are questions 1 to {len(QUESTIONS)}; costmodel answer --list")
        asked = (QUESTIONS[number - 1],)
    if executor is None:
        return tuple((question, question.answer()) for question in asked)
    waiting = [executor.submit(question.answer) for question in asked]
    return tuple((question, done.result()) for question, done in zip(asked, waiting, strict=True))


def by_document() -> dict[str, tuple[tuple[int, Question], ...]]:
    """Return the questions by their document, each with its number, in order."""
    numbered = list(enumerate(QUESTIONS, 1))
    names = dict.fromkeys(question.document for question in QUESTIONS)
    return {name: tuple(item for item in numbered if item[1].document == name) for name in names}
