"""Predictions of the flywheel at past dates: outcomes by hand, scores by definition, and the current page."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from costmodel.entry import load_scenario
from costmodel.flywheel.simulate import simulate
from costmodel.validation.after_cutoff import AI_SHARE, companies_after, power_of_chips, rate, spent, spread
from costmodel.validation.predictions import ACCOUNTS, KINDS, MID_2026, prediction_rows, prediction_sums, predictions

ACCURACY = Path(__file__).parents[2] / "docs" / "accuracy.md"
BEGIN, END = "<!-- predictions: begin -->\n", "<!-- predictions: end -->\n"
TESTED = ("2024-12-31", MID_2026)
"""Dates from which the tests forecast; the page has all dates, and an update writes all."""


@pytest.fixture(scope="module")
def found():
    return predictions(dates=TESTED)


@pytest.mark.published
def test_capex_of_a_period_is_its_quarters_sum():
    # Microsoft's four quarters of 2024 in the shared facts, million USD
    assert spent("Microsoft", "2024") == pytest.approx((10952 + 13873 + 14923 + 15804) * 1e6, rel=1e-12)
    assert spent("Alphabet", "2025-04-01/2026-03-31") == pytest.approx((22446 + 23953 + 27851 + 35674) * 1e6, rel=1e-12)
    assert spent("Oracle", "2026Q2") is None, "not held, so not made up"
    assert spent("Microsoft", "2023") is None


@pytest.mark.law
def test_nothing_known_at_a_date_counts_as_a_prediction_of_it():
    for date, accounts in ACCOUNTS.items():
        for item in companies_after(accounts):
            assert item.observation.date > accounts[-10:], (date, item.observation.output)
    assert {item.observation.output for item in companies_after(ACCOUNTS[MID_2026])} == {
        "capex of Microsoft in 2026Q2",
        "capex of Alphabet in 2026Q2",
    }
    wider = [item.error for item in companies_after("2023") if "Meta" in item.observation.output]
    assert wider == sorted(wider), "spread grows with the time ahead"


@pytest.mark.closed_form
def test_only_the_part_for_ai_grows_as_the_industry():
    run = simulate(load_scenario("bond-flywheel").replace({"time.end": "2027-01-01"}), draws=4, rng=0)
    (item,) = (one for one in companies_after("2024") if one.observation.output == "capex of Meta in 2025")
    years, capex = run.by_year("capex")
    growth = capex[list(years).index(2025)] / capex[list(years).index(2024)]
    np.testing.assert_allclose(rate(run, "2025"), capex[list(years).index(2025)], rtol=1e-12)
    np.testing.assert_allclose(item.read(run, np.array(AI_SHARE[0])), 37.256e9 * (0.7 + 0.3 * growth), rtol=1e-12)
    (first,) = (one for one in companies_after("2025") if one.observation.output == "capex of Meta in 2026Q1")
    np.testing.assert_allclose(first.read(run, np.array(0.0)), 69.691e9 / 4, rtol=1e-12)


@pytest.mark.published
def test_power_is_chips_times_server_and_site():
    # Epoch, end of 2025, MW of chips; 1.821 from Cottier et al.; a PUE of 1.15
    power = power_of_chips().observation.value
    assert power == pytest.approx((8562 + 2223 + 762 + 840) * 1e6 * 1.821 * 1.15, rel=1e-12)
    assert 0.1 < spread(2023) < 0.6, "yearly growth of a company strays by tens of per cent, not by multiples"


@pytest.mark.closed_form
def test_scores_follow_their_definitions(found):
    for item in found:
        row = item.forecast
        low, high, met = math.log(row.low), math.log(row.high), math.log(row.observation.value)
        miss = max(low - met, 0.0) + max(met - high, 0.0)
        assert item.interval_score == pytest.approx(high - low + 10.0 * miss, rel=1e-9)  # 2/(1 − 0.8) = 10
        assert row.inside == (miss == 0.0)
        assert item.log_error == pytest.approx(math.log(row.median) - met, abs=1e-12)
        # the score of a point forecast at a draw is its error; an ensemble's lies between 0 and the largest of them
        assert 0.0 < row.crps < abs(item.log_error) + (high - low)


@pytest.mark.contract
def test_a_figure_stands_once_a_date_in_either_kind(found):
    names = [
        (item.as_of, item.kind, item.forecast.observation.output, item.forecast.observation.date) for item in found
    ]
    assert len(names) == len(set(names))
    assert len(prediction_rows(found).rows) == len(found) / 2
    last = [item for item in found if item.as_of == MID_2026]
    assert {item.group for item in last} == {"capex by company"}, "the capex of 2026 was guided by then"
    assert {item.group for item in found} >= {
        "tokens",
        "rents",
        "revenue",
        "training share",
        "power",
        "capex by company",
    }
    plain, whole = prediction_sums(found).records()[-2:]
    assert (plain["as of"], plain["forecast"], whole["as of"], whole["forecast"]) == ("all", KINDS[0], "all", KINDS[1])
    assert plain["figures"] == whole["figures"] == len(found) / 2
    assert whole["inside"] == sum(item.forecast.inside for item in found if item.kind == KINDS[1])


def as_markdown(sums):
    lines = [f"| {' | '.join(sums.columns)} |", f"|{'---|' * len(sums.columns)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in sums.rows)]


@pytest.mark.regression
def test_the_page_shows_the_sums_of_today(found, request):
    text = ACCURACY.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    shown, tail = rest.split(END)
    if request.config.getoption("--update-regression"):
        table = "\n".join(as_markdown(prediction_sums(predictions()))) + "\n"
        ACCURACY.write_text(f"{head}{BEGIN}{table}{END}{tail}", encoding="utf-8")
        return
    lines = shown.splitlines()
    assert lines[0] == as_markdown(prediction_sums(found))[0], "run pytest --update-regression on this test"
    cells = [line.strip("| ").split(" | ") for line in lines[2:]]
    numbers = {(date, kind): [float(cell) for cell in row] for date, kind, *row in cells}
    assert list(numbers) == [(date, kind) for date in (*ACCOUNTS, "all") for kind in KINDS]
    for date, kind, *row in prediction_sums(found).rows[:-2]:
        # a figure at the edge of an interval may fall on either side of it
        allowed = [0.0, 1.0, 0.03, 0.03, 0.06]
        assert np.all(np.abs(np.subtract(numbers[date, kind], row)) <= allowed), (date, kind, row)
    for kind in KINDS:
        counts = np.sum([numbers[date, kind][:2] for date in ACCOUNTS], axis=0)
        assert counts.tolist() == numbers["all", kind][:2]
    assert numbers["all", KINDS[1]][0] >= 20
