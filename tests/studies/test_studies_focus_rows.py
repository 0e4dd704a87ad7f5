"""A priced log as a FOCUS table: its rows add up to the total and are read back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from costmodel.formats import focus
from costmodel.studies.bill import read_bill
from costmodel.studies.price_books import PriceBook, PricedModel, Rates
from costmodel.studies.usage_cost import focus_rows, price_usage


class Flat(PriceBook):
    """One price for all models, and one for each call."""

    name = "flat"

    def find(self, provider: str, model: str, processing: str = "", service_tier: str = "") -> PricedModel:
        return Same()


class Same(PricedModel):
    def rates(self, when: object, prompt: int) -> Rates:
        return Rates(input=2e-6, cache_read=1e-6, cache_write=2.5e-6, output=8e-6, reasoning=8e-6, request=0.01)


@pytest.mark.closed_form
def test_rows_add_up_to_the_total_with_what_is_charged_by_the_call(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "time,provider,model,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens\n"
        "2026-05-01T12:00:00Z,p,a,1000,200,700,700\n2026-05-02T12:00:00Z,p,a,1000,0,100,0\n",
        encoding="utf-8",
    )
    cost = price_usage(path, prices=Flat(), counting="inclusive")
    expected = (800 + 1000) * 2e-6 + 200 * 1e-6 + 100 * 8e-6 + 700 * 8e-6 + 2 * 0.01
    assert cost.total == pytest.approx(expected)
    text = focus.write(focus_rows(cost, "account"))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sum(float(row["BilledCost"]) for row in rows) == pytest.approx(expected)
    assert {row["SkuMeter"] for row in rows} == {
        "input tokens", "cache read tokens", "output tokens", "reasoning tokens", "requests",
    }  # fmt: skip
    for row in rows:
        assert float(row["ListUnitPrice"]) * float(row["PricingQuantity"]) == pytest.approx(float(row["ListCost"]))
    (tmp_path / "focus.csv").write_text(text, encoding="utf-8")
    back = read_bill(tmp_path / "focus.csv")
    assert back.total()["USD"] == pytest.approx(expected)
    assert {line.side: line.unit_price() for line in back.select("tokens") if line.side == "input"} == {
        "input": pytest.approx(2e-6)
    }
    assert {*focus.KNOWN_1_2} <= set(rows[0])


@pytest.mark.contract
def test_a_count_too_small_to_be_priced_by_the_million_has_no_row(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "time,provider,model,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens\n"
        "2026-05-01T12:00:00Z,p,a,1000,0,1e-320,0\n",
        encoding="utf-8",
    )
    rows = focus_rows(price_usage(path, prices=Flat(), counting="inclusive"), "account")
    assert [row["SkuMeter"] for row in rows] == ["input tokens", "requests"]
