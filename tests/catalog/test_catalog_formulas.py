"""Derived figures against arithmetic and printed rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import linregress

from costmodel.catalog import formulas
from costmodel.catalog.access import Catalog
from costmodel.catalog.derived import (
    accelerator_power_per_flop_per_second,
    accelerator_price_per_flop_per_second,
    change_between,
    fit_trend,
    in_money_of,
    run_utilisation,
    trend_of,
)
from costmodel.catalog.records import Datum
from costmodel.foundation.errors import CatalogError, DomainError
from costmodel.foundation.provenance import Grade, Source

CATALOG = Catalog()


@pytest.mark.published
@pytest.mark.reference("costmodel.catalog.formulas:implied_utilisation")
def test_utilisation_of_gpt3() -> None:
    """Patterson et al. 2021, Table 4: 24.6 TFLOP/s of 125 TFLOP/s on V100 is 19.7 %."""
    assert formulas.implied_utilisation(175e9, 0.3e12, 3_552_000, 125e12) == pytest.approx(24.6 / 125, rel=2e-3)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.catalog.formulas:implied_utilisation")
def test_utilisation_is_one_when_every_second_is_used() -> None:
    assert formulas.implied_utilisation(1e9, 1e12, 6e21 / (3600 * 1e15), 1e15) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.catalog.formulas:price_per_flop_per_second")
def test_price_per_flop_per_second() -> None:
    assert formulas.price_per_flop_per_second(33_810.0, 989.4e12) == pytest.approx(33_810 / 989.4 * 1e-12, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.catalog.formulas:power_per_flop_per_second")
def test_power_per_flop_per_second() -> None:
    assert formulas.power_per_flop_per_second(700.0, 989.4e12) == pytest.approx(700 / 989.4 * 1e-12, rel=1e-12)


@pytest.mark.published
@pytest.mark.reference("costmodel.catalog.formulas:relative_change")
def test_change_of_aws_p5() -> None:
    """Daily list prices of p5.48xlarge: 98.32 → 55.04 USD/hour is −44.02 %."""
    assert formulas.relative_change(98.32, 55.04) == pytest.approx(-0.4402, abs=5e-5)


@pytest.mark.published
@pytest.mark.reference("costmodel.catalog.formulas:annual_fold")
def test_llmflation() -> None:
    """a16z: 60 → 0.06 USD per Mtoken in three years is 10.0-fold a year."""
    assert formulas.annual_fold(0.06, 60.0, 3.0) == pytest.approx(10.0, abs=0.05)


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("first", "last", "years", "printed"),
    [
        (5400, 290, 10, -0.254),
        (5000, 435, 8, -0.263),
        (5500, 2200, 6, -0.142),
        (10500, 1100, 6, -0.313),
        (8500, 7500, 4, -0.031),
        (15000, 12500, 2, -0.087),
        (36742, 23238, 3, -0.142),
    ],
)
@pytest.mark.reference("costmodel.catalog.formulas:annual_change")
def test_list_price_decay(first: float, last: float, years: float, printed: float) -> None:
    """Yearly decay of accelerator list prices, to the printed digit."""
    assert formulas.annual_change(first, last, years) == pytest.approx(printed, abs=5e-4)


@pytest.mark.published
@pytest.mark.reference("costmodel.catalog.formulas:change_from_orders")
def test_hardware_trend() -> None:
    """0.14 orders of magnitude a year (Epoch AI) is −27.56 % a year."""
    assert formulas.change_from_orders(-0.14) == pytest.approx(-0.2756, abs=5e-5)
    assert formulas.change_from_orders(1.0) == pytest.approx(9.0, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.catalog.formulas:doubling_time")
def test_doubling_time() -> None:
    assert formulas.doubling_time(math.log(4.0)) == pytest.approx(0.5, rel=1e-12)
    assert formulas.doubling_time(-math.log(2.0)) == pytest.approx(-1.0, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.catalog.formulas:doubling_time_error")
def test_error_of_doubling_time_is_the_slope_of_the_formula() -> None:
    slope, step = 0.7, 1e-6
    rise = formulas.doubling_time(slope + step) - formulas.doubling_time(slope - step)
    assert formulas.doubling_time_error(slope, 0.01) == pytest.approx(abs(rise) / (2 * step) * 0.01, rel=1e-6)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.catalog.formulas:to_real")
def test_money_there_and_back() -> None:
    there = formulas.to_real(100.0, 118.126, 122.475)
    assert there == pytest.approx(100 * 122.475 / 118.126, rel=1e-12)
    assert formulas.to_real(there, 122.475, 118.126) == pytest.approx(100.0, rel=1e-12)


@pytest.mark.peer
def test_trend_agrees_with_scipy() -> None:
    years = [2020.0, 2021.0, 2021.5, 2023.0, 2024.0]
    values = [1.0, 2.1, 2.6, 9.0, 14.0]
    ours, theirs = fit_trend(years, values), linregress(years, np.log(values))
    assert ours.log_slope == pytest.approx(theirs.slope, rel=1e-12)
    assert ours.standard_error == pytest.approx(theirs.stderr, rel=1e-10)
    assert ours.doubling_time == pytest.approx(math.log(2) / theirs.slope, rel=1e-12)
    assert ours.doubling_time_error == pytest.approx(math.log(2) * theirs.stderr / theirs.slope**2, rel=1e-10)
    assert ours.fold_per_year == pytest.approx(math.exp(theirs.slope), rel=1e-12)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("years", "values"),
    [
        ([2020.0, 2021.0], [1.0, 2.0]),
        ([2020.0, 2021.0, 2022.0], [1.0, 2.0]),
        ([2020.0, 2020.0, 2020.0], [1.0, 2.0, 3.0]),
        ([2020.0, 2021.0, 2022.0], [1.0, 0.0, 3.0]),
        ([2020.0, 2021.0, math.nan], [1.0, 2.0, 3.0]),
        ([2020.0, 2021.0, 2022.0], [1.0, 2.0, math.inf]),
    ],
)
def test_trend_refuses(years: list[float], values: list[float]) -> None:
    with pytest.raises(DomainError):
        fit_trend(years, values)


@pytest.mark.published
@pytest.mark.parametrize(
    ("run", "printed"),
    [
        ("GPT-3 175B", 0.197),
        ("OPT-175B", 0.214),
        ("BLOOM 176B", 0.318),
        ("LLaMA-65B", 0.477),
        ("Llama2-7B", 0.391),
        ("Llama2-13B", 0.378),
        ("Llama2-70B", 0.435),
        ("Falcon-180B", 0.481),
        ("MegaScale 175B (test)", 0.543),
        ("Llama3-8B", 0.156),
        ("Llama3-70B", 0.279),
        ("Llama3.1-8B", 0.139),
        ("Llama3.1-70B", 0.255),
        ("Llama3.1-405B", 0.345),
        ("Llama4-Scout", 0.229),
        ("Llama4-Maverick", 0.265),
        ("DeepSeek-V2", 0.205),
        ("DeepSeek-V3", 0.346),
        ("Phi-4 14B", 0.24),
        ("Olmo3-7B", 0.31),
        ("Olmo3-32B", 0.30),
        ("PaLM 540B", 0.304),
    ],
)
def test_utilisation_of_recorded_runs(run: str, printed: float) -> None:
    """The 6ND column of a compilation of training runs; sizes are disclosed to two or three digits."""
    assert run_utilisation(run, catalog=CATALOG).value == pytest.approx(printed, rel=0.02)


@pytest.mark.contract
def test_derived_figure_is_no_stronger_than_its_weakest_input() -> None:
    check = run_utilisation("DeepSeek-V3", catalog=CATALOG)
    assert {datum.field for datum in check.inputs} == {"active_parameters", "tokens", "chip_hours", "bf16"}
    grades = [datum.grade for datum in check.inputs]
    assert check.grade is max(grades, key=list(Grade).index)


@pytest.mark.contract
def test_a_missing_input_is_named() -> None:
    with pytest.raises(CatalogError, match="chip_hours"):
        run_utilisation("Gemma3-27B", catalog=CATALOG)


@pytest.mark.closed_form
def test_price_and_power_of_recorded_chips() -> None:
    paid = CATALOG.accelerator_price("H100").datum("server", "2024-02-21")
    assert accelerator_price_per_flop_per_second("H100-SXM", paid).value == pytest.approx(33_810 / 989.4e12, rel=1e-12)
    assert accelerator_power_per_flop_per_second("B200").value == pytest.approx(1000 / 2.25e15, rel=1e-12)


@pytest.mark.closed_form
def test_change_between_recorded_prices() -> None:
    k40 = CATALOG.accelerator_price("K40").series("card")
    assert change_between(k40[0], k40[-1]).value == pytest.approx((290 / 5400) ** (1 / 10) - 1, rel=1e-3)


@pytest.mark.contract
def test_change_needs_order_and_one_unit() -> None:
    k40 = CATALOG.accelerator_price("K40").series("card")
    with pytest.raises(CatalogError, match="later time"):
        change_between(k40[-1], k40[0])
    with pytest.raises(CatalogError, match="USD"):
        change_between(k40[0], CATALOG.users("ChatGPT").series("weekly_users")[-1])


@pytest.mark.contract
def test_trend_of_figures_without_a_period_is_refused() -> None:
    datum = Datum(
        kind="trends",
        record="x",
        field="fold",
        value=1.0,
        unit="1",
        source=Source("s"),
        source_key="s",
        grade=Grade.ASSUMED,
        file="f.csv",
        line=3,
    )
    with pytest.raises(CatalogError, match=r"f\.csv:3"):
        trend_of([datum] * 3)


@pytest.mark.closed_form
def test_money_of_another_year() -> None:
    assert in_money_of(2024, 100.0, 2020) == pytest.approx(100 * 313.689 / 258.811, rel=1e-12)
    hosting = "US PPI data processing and hosting"
    assert in_money_of(2025, 1.0, 2023, index=hosting) == pytest.approx(122.475 / 118.126, rel=1e-12)


@pytest.mark.contract
def test_a_year_without_index_is_not_extrapolated() -> None:
    with pytest.raises(CatalogError, match="2026"):
        in_money_of(2026, 100.0, 2020)
