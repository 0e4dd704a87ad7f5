"""Derived figures against arithmetic and printed rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from costmodel.catalog import formulas
from costmodel.catalog.access import Catalog
from costmodel.catalog.money import in_money_of, to_real
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.provenance import Grade
from costmodel.validation.catalog import run_utilisation

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
@pytest.mark.reference("costmodel.catalog.money:to_real")
def test_money_there_and_back() -> None:
    there = to_real(100.0, 118.126, 122.475)
    assert there == pytest.approx(100 * 122.475 / 118.126, rel=1e-12)
    assert to_real(there, 122.475, 118.126) == pytest.approx(100.0, rel=1e-12)


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
    assert run_utilisation(run) == pytest.approx(printed, rel=0.02)


@pytest.mark.contract
def test_a_missing_input_is_named() -> None:
    with pytest.raises(CatalogError, match="chip_hours"):
        run_utilisation("Gemma3-27B")


@pytest.mark.closed_form
def test_money_of_another_year() -> None:
    paid = CATALOG.company("Alphabet").annual("capex")[2020]
    real = in_money_of(2024, paid)
    assert real.number == pytest.approx(paid.number * 313.689 / 258.811, rel=1e-12)
    assert (real.price_year, real.unit) == (2024, "USD")
    assert "money of 2020 in money of 2024 by US CPI-U" in (real.note or "")
    assert list(Grade).index(real.grade) >= list(Grade).index(paid.grade)
    span = replace(paid, price_year=2023, value=None, low=1.0, high=2.0)
    hosting = in_money_of(2025, span, index="US PPI data processing and hosting")
    assert (hosting.value, hosting.low, hosting.high) == (
        None,
        pytest.approx(122.475 / 118.126),
        pytest.approx(2 * 122.475 / 118.126),
    )
    assert in_money_of(2020, paid) is paid


@pytest.mark.contract
def test_what_is_no_money_stays_as_it_is_and_a_year_without_index_is_not_extrapolated() -> None:
    peak = CATALOG.accelerator("H100-SXM").datum("bf16")
    assert in_money_of(2027, peak) is peak
    with pytest.raises(CatalogError, match="2027"):
        in_money_of(2027, CATALOG.company("Alphabet").annual("capex")[2020])
