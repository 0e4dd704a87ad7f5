"""Published declines, flagship lines, quotes, and the rent of an H100 that scarcity predicts."""

import numpy as np
import pytest

from costmodel.catalog import rental, trend
from costmodel.estimation.fixed_capability import years_of_rise
from costmodel.estimation.price_history import FLAGSHIP_LINES, blended_price, flagship_moves, published_declines
from costmodel.estimation.scarcity import contract_rents, foretold_rent, rent_backtest
from costmodel.foundation.errors import DomainError
from costmodel.foundation.provenance import Grade
from costmodel.market.commitment_terms import quoted_terms

# Tightness of the fleet and levelized cost of a new accelerator-hour at mid-quarter, from a first calibration of
# the industry's history with one operator (grade: assumed). The flywheel's own path takes their place.
TIGHTNESS = {2025.625: 0.817313, 2025.875: 0.823593, 2026.125: 0.867946, 2026.375: 0.894274, 2026.625: 0.902006}
HOUR_COST = {2025.625: 0.905652, 2025.875: 0.873596, 2026.125: 0.842693, 2026.375: 0.812901, 2026.625: 0.773809}
TIGHTNESS_ERROR = 0.02
"""One standard deviation of the ratio of two tightnesses, relative: assumed."""


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.estimation.price_history:blended_price")
def test_three_to_one_blend():
    assert blended_price(1.25, 10.0, 0.75) == (3 * 1.25 + 10.0) / 4


@pytest.mark.published
def test_price_at_fixed_capability_fell_ten_to_forty_times_a_year():
    declines = {decline.ability: decline for decline in published_declines()}
    # a16z (2024-11): 60 → 0.06 USD per million in three years, printed as ten times a year
    assert declines["MMLU 42"].yearly_fall == pytest.approx((60 / 0.06) ** (1 / 3), rel=1e-12)
    # AI Index (2025): 20 → 0.07, November 2022 to October 2024; the printed "about 18 months" would give 43
    assert declines["MMLU 64.8"].years == pytest.approx(23 / 12, rel=1e-12)
    assert declines["MMLU 64.8"].yearly_fall == pytest.approx((20 / 0.07) ** (12 / 23), rel=1e-12)
    assert declines["MMLU 64.8"].yearly_fall == pytest.approx(19, abs=0.2)
    # a16z: 62 times from March 2023 to November 2024
    assert declines["MMLU 83"].yearly_fall == pytest.approx(62 ** (12 / 20), rel=1e-12)
    assert declines["GPQA, GPT-4 level"].yearly_fall == 40.0
    falls = [decline.yearly_fall for decline in declines.values()]
    assert (min(falls), max(falls)) == pytest.approx((10.0, 40.0), rel=1e-9)
    # Epoch (2025-03-12): 9 to 900 times a year, by benchmark
    epoch = next(datum for datum in trend("Epoch token prices").all("fold_per_year") if datum.low is not None)
    assert (epoch.low, epoch.high) == (9, 900)
    assert epoch.low <= min(falls) < max(falls) <= epoch.high


@pytest.mark.published
def test_flagship_list_prices_rose_in_2025_and_2026_while_ability_got_cheaper():
    moves = flagship_moves("openai", until="2026-11")
    assert sorted({move.year for move in moves if move.ratio > 1}) == [2023, 2025, 2026]
    # from GPT-5 (1.25/10) to mid-2026 (5/30), three to one: 3.4375 → 11.25
    steps = [move.ratio for move in moves if 2025.61 < move.time < 2026.55]
    assert np.prod(steps) == pytest.approx((0.75 * 5 + 0.25 * 30) / (0.75 * 1.25 + 0.25 * 10), rel=1e-12)
    # higher at the end of the year than at its start: 4.375 → 4.8125 in 2025
    assert years_of_rise(moves) == (2025,)
    # a year counts to its end
    assert flagship_moves("openai", until="2025") == flagship_moves("openai", until="2025-12-31")
    assert len(flagship_moves("openai", until="2025-01-01")) < len(flagship_moves("openai", until="2025"))
    assert years_of_rise(flagship_moves("anthropic", until="2026-11")) == (2024,)
    assert years_of_rise(flagship_moves("google", until="2026-11")) == (2024, 2025)
    # announced: the promotion of gemini-4-argon ends on 2026-12-01
    assert years_of_rise(flagship_moves("google")) == (2024, 2025, 2026)


@pytest.mark.contract
def test_flagship_lines_are_in_the_price_table_and_unknown_makers_are_refused():
    for maker in FLAGSHIP_LINES:
        assert len(flagship_moves(maker)) >= 4
    with pytest.raises(DomainError, match="did you mean 'google'"):
        flagship_moves("gogle")


@pytest.mark.published
def test_recorded_discounts_agree_with_those_that_epoch_used():
    # Cottier et al. (2024): AWS .41/.64, GCP .37/.56 off for one and three years
    discounts = {name: quoted_terms(name).discounts for name in ("AWS A100", "GCP TPU-v4")}
    used = {
        "AWS A100": [rental("AWS discounts").value(f"discount_{years}y") for years in (1, 3)],
        "GCP TPU-v4": [rental("GCP discounts").value(f"discount_{years}y") for years in (1, 3)],
    }
    for name in used:
        assert discounts[name] == pytest.approx(used[name], abs=0.012)


def backtest(tightness=None):
    dates = np.array(list(TIGHTNESS))
    path = np.array(list(TIGHTNESS.values())) if tightness is None else tightness
    return rent_backtest(dates, path, list(HOUR_COST.values()), [(r.time, r.rent) for r in contract_rents()])


@pytest.mark.published
def test_h100_rent_identifies_the_scarcity_exponent_and_foretells_june_2026():
    assert [rent.rent for rent in contract_rents()] == [1.70, 2.35, 2.65]
    assert all(rent.grade is Grade.SECONDARY for rent in contract_rents())
    test = backtest()
    # exactly identified: two rents, one exponent; mid-October is 2/3 and mid-March 1/3 of the way between quarters
    tight = [0.817313 ** (1 / 3) * 0.823593 ** (2 / 3), 0.867946 ** (2 / 3) * 0.894274 ** (1 / 3)]
    cost = [0.905652 ** (1 / 3) * 0.873596 ** (2 / 3), 0.842693 ** (2 / 3) * 0.812901 ** (1 / 3)]
    by_hand = np.log(2.35 / 1.70 * cost[0] / cost[1]) / np.log(tight[1] / tight[0])
    assert test.exponent == pytest.approx(by_hand, rel=1e-9)
    assert test.exponent == pytest.approx(5.9, abs=0.05)
    # June 2026 was not used: 2.58 against 2.65, an error of -2.6 %
    assert test.foretold == pytest.approx(2.58, abs=0.01)
    assert test.error == pytest.approx(-0.026, abs=0.002)


@pytest.mark.published
def test_the_spread_of_tightness_is_carried_through_to_the_exponent_and_the_forecast():
    rng = np.random.default_rng(0)
    spread = np.exp(rng.normal(0.0, TIGHTNESS_ERROR / np.sqrt(2), (len(TIGHTNESS), 20_000)))
    test = backtest(np.array(list(TIGHTNESS.values()))[:, np.newaxis] * spread)
    assert test.identified_share > 0.98
    low, middle, high = test.interval("exponent")
    assert 3.5 < low < 5.0 < middle < 6.5 < high < 14.0
    below, _, above = test.interval("foretold")
    assert below < 2.65 < above
    assert np.all(np.isnan(test.exponent) == ~test.identified)


@pytest.mark.law
def test_a_slice_of_drawn_tightness_is_the_scalar_backtest():
    paths = np.array(list(TIGHTNESS.values()))[:, np.newaxis] * np.array([[1.0, 0.5, 1.0]])
    paths[2:, 2] = paths[0, 2] * 0.9  # tightness falls: the exponent is not identified
    together = backtest(paths)
    assert together.identified.tolist() == [True, True, False]
    for draw in (0, 1):
        assert together.exponent[draw] == backtest(paths[:, draw]).exponent
        assert together.foretold[draw] == backtest(paths[:, draw]).foretold
    with pytest.raises(DomainError, match="nothing is identified"):
        backtest(paths[:, 2]).interval("exponent")


@pytest.mark.published
def test_without_scarcity_the_h100_rent_only_falls_and_misses_2026():
    october, march, june = contract_rents()
    path = np.array(list(HOUR_COST.values()))
    assert np.all(np.diff(foretold_rent(october.rent, path / path[0], np.array(list(TIGHTNESS.values())), 0.0)) < 0)
    without = backtest().without_scarcity
    assert without < october.rent < march.rent
    assert without / june.rent - 1 == pytest.approx(-0.42, abs=0.01)


@pytest.mark.contract
def test_rents_outside_the_paths_are_refused():
    with pytest.raises(DomainError, match="three rents dated"):
        rent_backtest([2025.0, 2026.0], [0.8, 0.9], [1.0, 0.9], [(2025.0, 2.0), (2025.5, 2.0), (2026.5, 3.0)])
    with pytest.raises(DomainError, match="tightness"):
        rent_backtest([2025.0, 2026.0], [0.8], [1.0, 0.9], [(2025.0, 2.0), (2025.5, 2.0), (2026.0, 3.0)])
