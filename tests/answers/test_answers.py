"""The answers: checks of signs and magnitudes by arguments from outside the model."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

import costmodel
from costmodel.answers.flywheel_page import _first_year
from costmodel.answers.question import Answer, Question, over_draws, table_of
from costmodel.answers.registry import QUESTIONS, answered, by_document
from costmodel.foundation.errors import DomainError


@pytest.fixture(scope="module")
def every() -> dict[str, tuple[Answer, ...]]:
    """Answers to every question, computed once."""
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
    growth, without, ratio = every["Does user spend rise as unit cost falls, and would it without?"]
    # The median elasticity is -1.1, below -1: a falling price raises spend even without capability.
    assert ratio.value > 1.0
    assert growth.value > without.value
    # The weakest elasticity, -0.6, is above -1: there the lower price removes more spend than usage adds.
    assert ratio.low < 1.0


@pytest.mark.law
def test_spend_of_2030_spans_the_elasticities(every: dict[str, tuple[Answer, ...]]) -> None:
    spend, capex = every["How large is user spend in 2030?"]
    assert capex.value > spend.value > spend.low
    assert capex.high / capex.low > spend.high / spend.low > 2.0
    # Above the 2026 fit's 58 to 120 billion, below 1.5 % of a world product of some 140 trillion.
    assert 120e9 < spend.low < spend.high < 0.015 * 140e12


@pytest.mark.law
def test_inference_passes_training_in_compute_no_later_than_in_cost(every: dict[str, tuple[Answer, ...]]) -> None:
    compute, cost = every["When does inference pass training?"]
    # Training's cost includes staff and data besides its share of capacity; inference's does not.
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
    assert len(answers) == 4 * 3 * 2
    late = {times: answers[f"serving gets {times}× as efficient in Q2 2027: user spend in 2030"] for times in (3, 10)}
    for shock in late.values():
        # with elasticity -0.6 spend falls, with -1.6 it rises
        assert shock.low < 0.0 < shock.high
    # a factor of ten has a larger effect than three, in either direction, since spend is a power of price
    assert late[10].low < late[3].low
    assert late[10].high > late[3].high
    # with an elasticity of -0.6 and prices that follow cost, spend is at least 3^(0.6 - 1) of its former level
    assert late[3].low > 3.0**-0.4 - 1.0 - 0.05
    trained = answers["training gets 3× as efficient in Q2 2027: user spend in 2030"]
    assert trained.low > 0.0, "more capable models at the same price raise demand"


@pytest.mark.law
def test_a_bust_lowers_rents_and_orders_and_ends_as_orders_fall(every: dict[str, tuple[Answer, ...]]) -> None:
    rent, orders, years, *written = every["What does a bust do, and how long does it last?"]
    assert [answer.value for answer in written] == sorted(answer.value for answer in written)
    assert rent.high < 0.0
    assert orders.high < 0.0
    # Fewer orders show after the 0.4 years from order to service; accelerators live 6 years at most.
    assert 0.4 < years.value < 6.0


@pytest.mark.published
def test_the_plans_sum_as_guided(every: dict[str, tuple[Answer, ...]]) -> None:
    (plans,) = every["Do the plans of 2026 sum to more than 630 B USD?"]
    # Alphabet 175 to 185, Amazon 200, Meta 115 to 135, Microsoft 105 by calendar year
    assert plans.low == pytest.approx((175 + 200 + 115 + 105) * 1e9, rel=1e-12)
    # or twice the second half of Microsoft's fiscal year, 145 less 72.4
    assert plans.high == pytest.approx((185 + 200 + 135 + 2 * (145 - 72.4)) * 1e9, rel=1e-9)
    assert plans.value == pytest.approx((180 + 200 + 125 + 2 * (145 - 72.4)) * 1e9, rel=1e-9)
    assert plans.says.startswith("yes, with Microsoft at its fiscal pace; not with")


@pytest.mark.law
def test_depreciation_follows_the_plans(every: dict[str, tuple[Answer, ...]]) -> None:
    first, last, growth = every["What depreciation follows the plans?"]
    assert growth.value == pytest.approx(last.value / first.value, rel=1e-12)
    # Some 650 billion a year, of which more than half for 6 years, adds at least 650 × 0.5 / 6 = 54 billion a year.
    assert last.value - first.value > 4 * 54e9
    # A life of 3 against one of 6 years doubles depreciation of new servers, and at most that of all assets.
    assert 1.0 < first.high / first.low < 2.0


@pytest.mark.law
def test_a_margin_falls_with_the_plan_and_rises_with_the_life(every: dict[str, tuple[Answer, ...]]) -> None:
    drawn, by_life = every["Does Meta's margin fall through 2027?"]
    # Operating income 83.3 of revenue 201.0 billion in 2025.
    assert "from 41.4% reported" in drawn.says
    assert drawn.high < 83.3 / 201.0
    # Straight line: about 45 billion of short-lived assets a year cost 1/4 - 1/6 of their price more a year at a life
    # of 4 than of 6 years; over the first two years' revenue of some 250 billion that is 2 to 8 points.
    assert 0.02 < by_life.high - by_life.low < 0.08


@pytest.mark.law
def test_a_training_run_passes_each_round_figure_at_the_trend(every: dict[str, tuple[Answer, ...]]) -> None:
    answers = every["When do training runs pass 100 M, 1 B and 10 B USD?"]
    first, second, third = answers[::2]
    for trend, scattered in zip(answers[::2], answers[1::2], strict=True):
        # a factor of two is ln 2 / ln 2.77 = 0.68 years either way, apart from the uncertainty of the growth rate
        late, early = (math.hypot(0.68, end - trend.value) for end in (trend.high, trend.low))
        assert scattered.high == pytest.approx(trend.value + late, abs=0.25)
        assert scattered.low == pytest.approx(trend.value - early, abs=0.25)
    # A factor of ten at 2.77 times a year takes ln 10 / ln 2.77 = 2.26 years.
    assert second.value - first.value == pytest.approx(math.log(10) / math.log(2.77), abs=0.05)
    assert third.value - second.value == pytest.approx(math.log(10) / math.log(2.77), abs=0.05)
    # 40.16 million in early 2023.2 passes 100 million ln(2.49) / ln 2.77 = 0.90 years later.
    assert first.value == pytest.approx(2023.2 + math.log(100 / 40.16) / math.log(2.77), abs=0.05)


@pytest.mark.law
def test_a_discovery_pays_on_a_fleet_of_some_size(every: dict[str, tuple[Answer, ...]]) -> None:
    fleet, hours, net = every["When does a run that finds a faster kernel pay?"]
    # 447 USD a try and 7 tries; a kernel at a tenth of the time, twice as fast, frees a twentieth of a fleet worth
    # 1.4 USD an hour each, for some 2,000 hours: 3,129 / (0.05 × 1.4 × 2,000) = 22 accelerators.
    assert fleet.value == pytest.approx(447 * 7 / (0.05 * 1.4 * 2000), rel=0.25)
    assert net.low < 0.0 < net.high
    assert hours.low > 0.0


@pytest.mark.law
def test_a_slower_sandbox_makes_a_task_dearer(every: dict[str, tuple[Answer, ...]]) -> None:
    tasks = every["What does an agent task cost by kind of sandbox?"]
    assert [task.value for task in tasks] == sorted(task.value for task in tasks)
    # Tokens are most of the cost: 280,000, nine tenths at 0.04 USD per million and the rest at 0.1 to 1.1.
    assert 0.01 < tasks[0].value < 0.1
    assert tasks[-1].value < 1.1 * tasks[0].value


@pytest.mark.law
def test_the_same_tokens_get_cheaper_and_growing_tasks_eat_part_of_it(every: dict[str, tuple[Answer, ...]]) -> None:
    answers = every["What do the same tasks cost a buyer two years later?"]
    for same, growing in zip(answers[::2], answers[1::2], strict=True):
        assert same.high < 1.0
        # with log growth of 0.26 for hardware and up to 1.8 for software, two years give no less than e^-4
        assert same.low > math.exp(-2 * (0.36 + 1.8))
        assert growing.value > same.value


@pytest.mark.law
def test_required_revenue_lies_between_straight_line_and_double(every: dict[str, tuple[Answer, ...]]) -> None:
    first, second, third = every["Which revenue does AI capital require?"]
    assert first.value < second.value < third.value
    for revenue in (first, second, third):
        # an annuity over five years is 0.277 of the price at 12 %, 0.250 at 8 %; for sites 0.134 and 0.102
        assert 1.0 < revenue.high / revenue.low < 0.134 / 0.102


@pytest.mark.law
def test_an_agent_network_is_a_small_part_of_token_demand(every: dict[str, tuple[Answer, ...]]) -> None:
    share, tokens, spend = every["How much token demand is a network of agents?"]
    # 17,000 owners with some 126 agents, a third of them active, 1,800 acts a year each including replies, of 16,000
    # tokens: 2e13, at 0.5 USD per million 10 M USD. One company alone reported 1e15 tokens a month in 2025.
    assert tokens.value == pytest.approx(17e3 * 126 * 0.33 * 1800 * 16e3, rel=0.5)
    assert spend.value == pytest.approx(0.5e-6 * tokens.value, rel=1e-9)
    assert share.high < tokens.high / 12e15


@pytest.mark.law
def test_funders_put_in_what_users_do_not_bring(every: dict[str, tuple[Answer, ...]]) -> None:
    funders, chips, sites = every["Who pays, and who is paid?"]
    # Accelerators cost more than their sites: 15,000 USD each against 0.88 kW at 11.5 USD per watt.
    assert chips.value > sites.value
    # Someone pays for all purchases: users alone would have to pay 2.2 trillion, but they spend 0.8.
    assert funders.low < chips.high + sites.high


@pytest.mark.published
def test_what_was_spent_in_2025_is_held_against_the_plans(every: dict[str, tuple[Answer, ...]]) -> None:
    answers = {answer.claim: answer for answer in every["What became of the plans of 2025?"]}
    # Alphabet 91.447 of 75; Amazon 131.819 of 105; Meta 69.691 and 2.524 of leases of 60 to 65
    assert answers["Alphabet's capex of 2025 over its plan of February 2025"].value == pytest.approx(91.447 / 75)
    assert answers["Amazon's capex of 2025 over its plan of February 2025"].value == pytest.approx(131.819 / 105)
    meta = answers["Meta's capex of 2025 over its plan of February 2025"]
    assert meta.low == pytest.approx(72.215 / 65)
    assert meta.high == pytest.approx(72.215 / 60)
    # Microsoft's year: 64.551 in cash and 46.172 - 27.145 more owed on finance leases, of 80
    microsoft = answers["Microsoft's capex of 2025 over its plan of February 2025"]
    assert microsoft.value == pytest.approx((64.551 + 46.172 - 27.145) / 80)
    assert "misses the 41.4% reported" in " ".join(answer.says for answer in answers.values()), "a miss stands"


@pytest.mark.published
def test_reality_labs_apart_lifts_the_margin_of_2025(every: dict[str, tuple[Answer, ...]]) -> None:
    past, coming = every["What is Meta's margin without Reality Labs?"]
    assert past.value == pytest.approx((83.276 + 19.193) / (200.966 - 2.207), rel=1e-12)
    assert coming.high < past.value


@pytest.mark.closed_form
def test_commitments_fall_due_as_stated_or_evenly(every: dict[str, tuple[Answer, ...]]) -> None:
    rest, following, *_ = every["When do Meta's commitments fall due?"]
    # nine months after the date: evenly over five years 0.75 / 5; as in 2024, 11,321 of 32,139 by 0.25 years and 16,466
    # more by 1.25 years, so half of these by 0.75
    evenly, stated = 0.75 / 5, (11_321 + 16_466 / 2) / 32_139
    assert rest.low == pytest.approx(evenly * 182.9e9, rel=5e-3)
    assert rest.high == pytest.approx(stated * 237.67e9, rel=5e-3)
    assert rest.value == pytest.approx((evenly + stated) / 2 * 182.9e9, rel=5e-3)
    assert following.value < rest.value


@pytest.mark.law
def test_custom_silicon_is_cheaper_by_peak_than_by_measured_tokens(every: dict[str, tuple[Answer, ...]]) -> None:
    answers = every["Custom or merchant silicon: what does an hour cost?"]
    inside, outside, token = answers[:3]
    assert inside.high < 1.0
    assert outside.high < 1.0
    # 0.181 over 0.222 and 0.276 USD per million tokens
    assert token.low == pytest.approx(0.181 / 0.276, rel=1e-9)
    assert token.high == pytest.approx(0.181 / 0.222, rel=1e-9)
    assert sum("no price of it was read" in answer.says for answer in answers) == 3


@pytest.mark.law
def test_idle_capacity_pays_raw_and_carries_itself_from_a_fill(every: dict[str, tuple[Answer, ...]]) -> None:
    raw, own, others, fill, *_, deal = every["Does idle capacity pay, sold raw or hosted?"]
    # a rent of 2.6 to 4.0 less 15 % of fees is above an energy cost of 0.25 at every fill
    assert raw.low > 0.0
    # 1.63 of fixed cost over 3.3 × 0.85 - 0.18 at the middle
    assert fill.value == pytest.approx(1.63 / (3.3 * 0.85 - 0.18), rel=0.05)
    assert others.value < own.value
    # 1.25 billion a month over 300 MW and 1.87 kW
    assert deal.value == pytest.approx(1.25e9 * 12 / 8766 / 300e3 * 1.87, rel=2e-3)


@pytest.mark.law
def test_a_task_tried_until_done_costs_mostly_the_person_who_checks(every: dict[str, tuple[Answer, ...]]) -> None:
    cost, tokens, ratio = every["What does a task cost that is tried until it is done?"]
    # some 4 minutes at 23 USD an hour and a few cents of tokens, times three
    assert cost.value == pytest.approx((4.2 / 60 * 23.05 + 0.07) / 0.33, rel=0.3)
    assert tokens.value < 0.5
    assert ratio.low < 1.0 < ratio.high


@pytest.mark.law
def test_a_kernel_across_fleets_lowers_unit_cost_by_its_share(every: dict[str, tuple[Answer, ...]]) -> None:
    first, *_ = every["What does a discovered kernel do to unit cost and spend?"]
    # Amdahl: a share of 1 to 20 % twice as fast saves 0.5 to 10.3 % of compute
    assert -0.103 - 0.01 < first.low < first.high < -0.005


@pytest.mark.law
def test_the_four_large_companies_outlast_a_bust(every: dict[str, tuple[Answer, ...]]) -> None:
    rest, *large = every["Who loses in a bust, and who fails first?"]
    assert all("end in 0 % of draws" in answer.says for answer in large)
    assert "end in 100 % of draws" in rest.says


@pytest.mark.law
def test_named_shocks_have_their_sign(every: dict[str, tuple[Answer, ...]]) -> None:
    answers = {answer.claim: answer for answer in every["What do other shocks do to spend, capex and rent?"]}
    assert len(answers) == 4 * 3
    assert answers["power is short and dear from 2027 on: capex of 2028"].high < 0.0
    assert answers["suppliers deliver two fifths less from 2027 on: rent of 2028"].low > 0.0
    assert answers["mark-ups on tokens fall to nothing from 2027 on: rent of 2028"].low > 0.0


@pytest.mark.contract
def test_every_scenario_of_a_question_is_built_in() -> None:
    named = {name for question in QUESTIONS for name in question.scenarios}
    assert named <= set(costmodel.scenario_names())
    asked = [item for items in by_document().values() for item in items]
    assert [number for number, _ in asked] == list(range(1, len(QUESTIONS) + 1)), "documents stand together"


README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- answers: begin -->\n", "<!-- answers: end -->\n"
_FIGURE = re.compile(r"[-+]?[0-9][0-9,]*(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")


def readme_table(every: dict[str, tuple[Answer, ...]]) -> str:
    """Return the first answer to each question as a table in Markdown."""
    found = table_of([(question, every[question.text][:1]) for question in QUESTIONS])
    lines = [f"| {' | '.join(found.columns)} |", f"|{'---|' * len(found.columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in found.rows)]) + "\n"


@pytest.mark.regression
def test_the_readme_shows_the_answers_of_today(every: dict[str, tuple[Answer, ...]], request) -> None:
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    shown, tail = rest.split(END)
    table = readme_table(every)
    if request.config.getoption("--update-regression"):
        README.write_text(f"{head}{BEGIN}{table}{END}{tail}", encoding="utf-8")
        return
    assert _FIGURE.sub("#", shown) == _FIGURE.sub("#", table), "run pytest --update-regression on this test"
    figures = [[float(item.replace(",", "")) for item in _FIGURE.findall(text)] for text in (shown, table)]
    np.testing.assert_allclose(figures[0], figures[1], rtol=0.03, atol=0.02)
