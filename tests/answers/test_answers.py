"""The answers: their signs and sizes, by reasons that stand outside the model."""

from __future__ import annotations

import math

import numpy as np
import pytest

from costmodel.answers.flywheel_page import _first_year
from costmodel.answers.question import Answer, Question, over_draws, table_of
from costmodel.answers.registry import QUESTIONS, answered
from costmodel.foundation.errors import DomainError


@pytest.fixture(scope="module")
def every() -> dict[str, tuple[Answer, ...]]:
    """Every question, answered once."""
    return {question.text: answers for question, answers in answered()}


@pytest.mark.contract
def test_every_question_has_answers_with_ordered_intervals(every: dict[str, tuple[Answer, ...]]) -> None:
    assert len(every) == len(QUESTIONS), "no two questions have the same text"
    for text, answers in every.items():
        assert answers, text
        for answer in answers:
            assert not math.isnan(answer.value), answer.claim
            assert math.isnan(answer.low) == math.isnan(answer.high), answer.claim
            if not math.isnan(answer.low):
                assert answer.low <= answer.value <= answer.high, answer.claim
            assert answer.rests_on, answer.claim


@pytest.mark.contract
def test_no_claim_is_answered_twice(every: dict[str, tuple[Answer, ...]]) -> None:
    claims = [answer.claim for answers in every.values() for answer in answers]
    assert len(claims) == len(set(claims))


@pytest.mark.contract
@pytest.mark.parametrize("number", [0, -1, len(QUESTIONS) + 1])
def test_an_unknown_number_is_refused(number: int) -> None:
    with pytest.raises(DomainError, match=f"question {number}"):
        answered(number)


@pytest.mark.closed_form
def test_a_year_counts_from_which_the_condition_lasts() -> None:
    # draw 0 from 2024 on; draw 1 holds in 2023 but not after it; draw 2 in 2025 alone; draw 3 always
    ahead = np.array([[0, 1, 0, 1], [1, 0, 0, 1], [1, 0, 1, 1]], dtype=bool)
    assert _first_year(ahead, (2023, 2024, 2025)).tolist() == [2024.0, math.inf, 2025.0, 2023.0]


@pytest.mark.closed_form
def test_an_interval_over_draws_keeps_draws_that_never_come() -> None:
    # of 101 draws the median is the 51st; 11 infinite ones reach the 95 % quantile, the 96th
    draws = np.array([*range(90), *[math.inf] * 11])
    assert over_draws(draws) == (50.0, 5.0, math.inf)


@pytest.mark.closed_form
def test_a_table_shows_each_answer_with_its_document() -> None:
    dated = Answer(claim="when", says="from", value=2026.36, low=2025.94, high=math.inf, unit="date", rests_on="trend")
    table = table_of([(Question("a document", "when?", lambda: (dated,)), (dated,))])
    assert table.columns == ("claim", "document", "answer", "interval", "rests on")
    assert table.rows == (("when", "a document", "from: 2026.4", "2025.9 … never", "trend"),)


@pytest.mark.law
def test_spend_grows_faster_with_technical_progress(every: dict[str, tuple[Answer, ...]]) -> None:
    growth, without, ratio = every["Does total user spend rise as unit cost falls, and would it without?"]
    # The median elasticity is -1.1, beyond -1: a falling price adds spend even before capability does.
    assert ratio.value > 1.0
    assert growth.value > without.value
    # The low end of elasticity, -0.6, lies above -1: there the price takes more off than usage adds.
    assert ratio.low < 1.0


@pytest.mark.law
def test_spend_of_2030_spans_the_elasticities(every: dict[str, tuple[Answer, ...]]) -> None:
    (spend,) = every["How large is user spend in 2030?"]
    # Above the 2026 fit's 58 to 120 billion, below 1.5 % of a world product of some 140 trillion.
    assert 120e9 < spend.low < spend.high < 0.015 * 140e12


@pytest.mark.law
def test_inference_passes_training_in_compute_no_later_than_in_cost(every: dict[str, tuple[Answer, ...]]) -> None:
    compute, cost = every["When does inference pass training?"]
    # Training's cost holds staff and data besides its share of capacity; inference's does not.
    assert compute.value <= cost.value
    assert compute.high <= cost.high


@pytest.mark.law
def test_net_of_the_fall_in_price_is_below_gross(every: dict[str, tuple[Answer, ...]]) -> None:
    gross, net = every["How much of the growth do falling prices carry?"]
    assert net.value < gross.value
    assert net.high < gross.high


@pytest.mark.law
def test_an_efficiency_shock_has_the_sign_of_the_elasticity(every: dict[str, tuple[Answer, ...]]) -> None:
    answers = {answer.claim: answer for answer in every["What does an efficiency shock do to user spend and capex?"]}
    assert len(answers) == 3 * 2 * 2
    late = {times: answers[f"serving gets {times}× as efficient in Q2 2027: user spend in 2030"] for times in (3, 10)}
    for shock in late.values():
        # elasticity -0.6 loses what -1.6 gains
        assert shock.low < 0.0 < shock.high
    # ten times moves further than three times, either way, since both follow price to a power
    assert late[10].low < late[3].low
    assert late[10].high > late[3].high
    # with an elasticity of -0.6 throughout and prices down with cost, spend goes to 3^(0.6 - 1) of what it was at least
    assert late[3].low > 3.0**-0.4 - 1.0 - 0.05
    trained = answers["training gets 3× as efficient in Q2 2027: user spend in 2030"]
    assert trained.low > 0.0, "more capable models at the same price raise demand"


@pytest.mark.law
def test_a_bust_lowers_rents_and_orders_and_ends_as_orders_fall(every: dict[str, tuple[Answer, ...]]) -> None:
    rent, orders, _, years = every["What does a bust do, and how long does it last?"]
    assert rent.high < 0.0
    assert orders.high < 0.0
    # Capacity ordered less shows after the 0.4 years from order to service; the fleet lives 6 years at most.
    assert 0.4 < years.value < 6.0
