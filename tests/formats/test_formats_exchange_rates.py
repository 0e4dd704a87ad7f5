"""Reference rates: non-business days, months, and invalid files."""

from __future__ import annotations

import os
import zipfile
from datetime import date
from pathlib import Path

import pytest

import costmodel
from costmodel.formats import exchange_rates
from costmodel.foundation.errors import CatalogError, CostModelError, ScenarioError

TABLE = "Date,USD,JPY,RUB,\n2026-05-15,1.10,165.0,N/A,\n2026-05-14,1.20,168.0,N/A,\n2026-04-30,1.00,150,80,\n"


def rates(folder: Path, text: str = TABLE, name: str = "eurofxref-hist.csv") -> exchange_rates.ReferenceRates:
    path = folder / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as held:
            held.writestr("eurofxref-hist.csv", text)
    else:
        path.write_text(text, encoding="utf-8")
    return exchange_rates.read(path)


@pytest.mark.closed_form
@pytest.mark.parametrize("name", ["eurofxref-hist.csv", "eurofxref-hist.zip"])
def test_rates_are_dollars_for_one_by_the_last_day_of_business(tmp_path: Path, name: str) -> None:
    table = rates(tmp_path, name=name)
    assert table.usd("EUR", date(2026, 5, 17)) == 1.10
    assert table.usd("JPY", date(2026, 5, 15)) == pytest.approx(1.10 / 165.0)
    assert table.usd("USD", date(1990, 1, 1)) == 1.0
    assert table.monthly("EUR", "2026-05") == pytest.approx((1.10 + 1.20) / 2)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("code", "day", "said"),
    [
        ("EUR", date(2026, 5, 30), "no reference rate for 2026-05-30"),
        ("EUR", date(2020, 1, 1), "no reference rate"),
        ("RUB", date(2026, 5, 15), "no rate of RUB on 2026-05-15"),
        ("CHF", date(2026, 5, 15), "no rate of CHF"),
        ("ABC", date(2026, 5, 15), "ISO 4217"),
    ],
)
def test_a_rate_that_is_not_there_is_named(tmp_path: Path, code: str, day: date, said: str) -> None:
    with pytest.raises(CostModelError, match=said):
        rates(tmp_path).usd(code, day)
    with pytest.raises(CatalogError, match="no reference rate for 2026-06"):
        rates(tmp_path).monthly("EUR", "2026-06")


@pytest.mark.contract
@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Date,USD\n", "Date,USD\n2026-05-15,-1\n", "Date,USD\nMay,1\n",
                                  "Date,USD,JPY,\n2026-05-15,1.1\n", "Date,USD\n2026-05-15,1_1\n"])  # fmt: skip
def test_a_file_that_is_no_table_of_rates_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CostModelError, match="eurofxref-hist"):
        rates(tmp_path, text)


@pytest.mark.published
def test_the_shipped_rates_are_the_banks() -> None:
    """1 euro was 1.1172 USD, 0.83380 GBP and 175.68 JPY on 30 October 2026."""
    pytest.importorskip("currency_converter")
    day = date(2026, 10, 30)
    assert exchange_rates.reference_rate("EUR", day) == 1.1172
    assert exchange_rates.reference_rate("GBP", day) == pytest.approx(1.1172 / 0.83380)
    yen = costmodel.run("h100-hour").in_currency("JPY", on="2026-10-30")
    assert float(yen.total) == pytest.approx(float(costmodel.run("h100-hour").total) * 175.68 / 1.1172)


@pytest.mark.contract
def test_a_damaged_archive_and_a_pipe_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "eurofxref-hist.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as held:
        held.writestr("eurofxref-hist.csv", "Date,USD\n" + "2026-05-15,1.1\n" * 50)
    whole = path.read_bytes()
    path.write_bytes(whole[:60] + bytes(20) + whole[80:])
    with pytest.raises(ScenarioError, match=r"eurofxref-hist\.zip: "):
        exchange_rates.read(path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "rates.csv")
        with pytest.raises(ScenarioError, match="is a pipe"):
            exchange_rates.read(tmp_path / "rates.csv")
