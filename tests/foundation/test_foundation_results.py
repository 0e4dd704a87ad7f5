"""Results: read-only arrays whose declarations determine years, quantiles, tables and datasets."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError, ScenarioError, UnknownParameterError
from costmodel.foundation.results import Result, derived, output, outputs_of, ratio
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import TimeGrid
from costmodel.foundation.tables import Linked, Table, figure, shown_unit
from costmodel.foundation.version import VERSION

GRID = TimeGrid(dt.date(2026, 7, 1), 8, "quarter")
"""Return a grid of half of 2026, all of 2027 and half of 2028: one whole year."""


class Shop(Scenario):
    @property
    def grid(self) -> TimeGrid:
        return GRID


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales(Result):
    sold: FloatArray = output("token", kind="flow", dims=("shop", "step"), label="sold")
    cash: FloatArray = output("USD", kind="stock", dims=("bound",), label="cash")
    power: FloatArray = output("W", kind="rate", dims=("step",), label="power")
    stored: FloatArray = output("token", kind="stock", dims=("step",), label="stored at the end of the step")
    held: FloatArray = output("1", kind="code", dims=("step",), label="limit", words=("none", "chips", "power"))
    total: FloatArray = output("USD", label="total")
    passed: FloatArray = output("1", kind="date", label="passed")
    low: Any = output("1", label="whether cash is low")

    def coords(self) -> dict[str, Any]:
        return {"shop": ["north", "south"]}

    @derived("token", kind="flow", dims=("step",), label="tokens")
    def tokens(self) -> FloatArray:
        """Tokens of all shops."""
        return self.sold[0] + self.sold[1]

    @derived("USD", kind="flow", dims=("step",), label="revenue")
    def revenue(self) -> FloatArray:
        """Revenue."""
        return self.cash[1:] - self.cash[:-1]

    @derived("USD/token", kind=ratio(of="revenue", over="tokens"), dims=("step",), label="price")
    def price(self) -> FloatArray:
        """Revenue over tokens."""
        return self.revenue / self.tokens


STEPS = np.arange(1.0, 9.0)


def sales(draws: int | None = None, **changes: Any) -> Sales:
    sold, bounds = np.stack([STEPS, 10.0 * STEPS]), np.arange(9.0) ** 2
    factor = 1.0 if draws is None else np.arange(1.0, draws + 1.0)

    def spread(values: Any) -> Any:
        return np.multiply.outer(values, factor) if draws else np.asarray(values)

    fields: dict[str, Any] = {
        "sold": spread(sold),
        "cash": spread(bounds),
        "power": spread(STEPS),
        "stored": spread(STEPS),
        "held": np.array([0.0, 0.0, 2.0, 2.0, 1.0, 2.0, 0.0, 0.0]),
        "total": spread(4.0),
        "passed": spread(1.0) * 0.0 + 2027.25,
        "low": np.asarray(factor) > 2.0,
    }
    return Sales(scenario=Shop(name="s", model="toy", title="Two shops"), **{**fields, **changes})


@pytest.mark.contract
def test_arrays_are_read_only_and_named() -> None:
    result = sales(3)
    with pytest.raises(ValueError, match="read-only"):
        result.cash[0, 0] = 1.0
    assert result.draws == 3 and sales().draws is None
    assert result["cash"] is result.cash
    assert (result["revenue"] == result.revenue).all()
    with pytest.raises(UnknownParameterError, match="did you mean 'cash'"):
        result["cassh"]


@pytest.mark.closed_form
def test_a_year_is_formed_as_the_kind_says() -> None:
    result = sales()
    figures = {name: result.by_year(name)[1] for name in ("sold", "cash", "power", "stored", "held", "tokens", "price")}
    assert result.by_year("cash")[0] == (2027,)  # the steps 2 to 5
    assert figures["sold"].tolist() == [[3 + 4 + 5 + 6, 30 + 40 + 50 + 60]]
    assert figures["cash"].tolist() == [6**2]  # at the bound that ends the year
    assert figures["power"].tolist() == [(3 + 4 + 5 + 6) / 4]
    assert figures["stored"].tolist() == [6]
    assert figures["held"].tolist() == [2]  # three quarters of power, one of chips
    assert figures["tokens"].tolist() == [11 * (3 + 4 + 5 + 6)]
    assert figures["price"].tolist() == [(6**2 - 2**2) / (11 * 18)]  # not the mean of four prices
    ensemble = sales(3)
    assert ensemble.by_year("sold")[1].shape == (1, 2, 3)
    assert ensemble.by_year("price")[1][0] == pytest.approx([32 / 198] * 3, rel=1e-15)


@pytest.mark.contract
def test_what_has_no_year_is_refused() -> None:
    with pytest.raises(DomainError, match="no axis of time"):
        sales().by_year("total")
    with pytest.raises(DomainError, match="no axis of time"):
        sales().by_year("passed")
    with pytest.raises(UnknownParameterError, match="did you mean 'revenue'"):
        sales().by_year("revenu")


@pytest.mark.contract
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dims": ("step",)}, "declare kind='flow'"),
        ({"dims": ("asset", "bound")}, "no kind"),
        ({"kind": "flows", "dims": ("step",)}, "did you mean 'flow'"),
        ({"kind": "flow", "dims": ("bound",)}, "must have the axis 'step'"),
    ],
)
def test_a_declaration_that_leaves_a_year_open_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        output("USD", label="x", **arguments)
    with pytest.raises(ScenarioError, match=message):
        derived("USD", label="x", **arguments)


@pytest.mark.contract
def test_stored_and_derived_outputs_are_listed_apart() -> None:
    stored = [spec.name for spec in outputs_of(Sales, derived=False)]
    assert stored == ["sold", "cash", "power", "stored", "held", "total", "passed", "low"]
    assert [spec.name for spec in outputs_of(Sales) if spec.derived] == ["tokens", "revenue", "price"]
    assert Sales.price.__doc__ == "Revenue over tokens."


@pytest.mark.closed_form
def test_quantiles_are_draws() -> None:
    result = sales(4)  # total is 4, 8, 12, 16
    assert result.quantile("total", [0.0, 0.25, 0.26, 0.5, 1.0]).tolist() == [4, 4, 8, 8, 16]
    assert float(result.quantile("total", 0.75)) == 12.0
    assert result.summary()["total"]["p50"] == 8.0 and result.summary()["total"]["mean"] == 10.0
    assert sales().summary()["cash"]["value"].tolist() == [k**2 for k in range(9)]
    assert sales().quantile("total", [0.1, 0.9]).tolist() == [4.0, 4.0]
    with pytest.raises(DomainError, match="rank"):
        sales().quantile("total", 1.5)


@pytest.mark.closed_form
def test_draws_left_out_count_in_no_statistic() -> None:
    result = sales(4, left_out=np.array([False, False, False, True]), excluded={"cash": 1})
    assert result.quantile("total", 1.0) == 12.0
    assert result.summary()["total"]["mean"] == 8.0


@pytest.mark.contract
def test_results_are_equal_by_value() -> None:
    blank = np.array([1.0, np.nan])
    assert sales(3) == sales(3)
    assert sales(3, total=blank) == sales(3, total=blank)
    assert sales(3) != sales(4)
    assert sales(3) != sales(3, total=np.array([1.0, 2.0, 3.0]))
    assert sales(3) != 5


@pytest.mark.contract
def test_text_of_a_result_is_short_and_has_units() -> None:
    text = repr(sales(3))
    assert len(text.splitlines()) <= 10
    assert "Sales of 's' (toy, 3 draws" in text
    assert "revenue, 2027: 32 / 64 / 96 USD" in text
    assert sales().table("held").rows == (("limit", "", "power"),)


@pytest.mark.contract
def test_tables_by_year_and_by_output() -> None:
    table = sales().table("sold", "price")
    assert table.columns == ("output", "unit", "2027")
    assert table.rows == (
        ("sold, north", "token", 18.0),
        ("sold, south", "token", 180.0),
        ("price", "USD/token", 32 / 198),
    )
    assert table.shown().rows[2] == ("price", "USD/Mtoken", figure(1e6 * 32 / 198))
    assert sales().table("total").rows == (("total", "USD", 4.0),)
    assert sales(3).table("total").rows == (("total", "USD", (4.0, 8.0, 12.0)),)
    assert sales(3).table("total").shown().rows == (("total", "USD", "4 / 8 / 12"),)
    assert sales(3).table("total").to_csv() == "output,unit,value p5,value p50,value p95\ntotal,USD,4.0,8.0,12.0\n"
    assert str(sales(3).table("passed")).splitlines()[2].split()[-1] == "2027.25"
    with pytest.raises(ScenarioError, match="total: has no yearly figures"):
        sales().table("sold", "total")


@pytest.mark.contract
def test_a_table_is_text_html_and_csv() -> None:
    table = Table(("output", "2030"), (("=A1", -1.5), ("<b>", 1000.0)), "a & b", ("note",))
    assert str(table).splitlines() == ["a & b", "output   2030", "=A1      -1.5", "<b>     1,000", "note"]
    assert "&lt;b&gt;" in table._repr_html_() and "<b>" not in table._repr_html_()
    assert table.to_csv() == "output,2030\n'=A1,-1.5\n<b>,1000.0\n"
    with pytest.raises(DomainError, match="other lengths"):
        Table(("output", "2030"), (("a",),))


@pytest.mark.contract
def test_figures_of_one_row_or_column_share_a_unit_that_suits_them_all() -> None:
    by_row = Table(("output", "unit", "2023", "2030"), (("capex", "USD", 8e10, 1.8e12), ("power", "W", 9e8, 1.4e11)))
    assert by_row.shown().rows == (("capex", "B USD", "80", "1,800"), ("power", "GW", "0.9", "140"))
    by_column = Table.of([{"part": "chip", "cost": 2e9}, {"part": "site", "cost": None}], units={"cost": "USD"})
    assert by_column.shown().columns == ("part", "cost [B USD]")
    assert by_column.shown().rows == (("chip", "2"), ("site", ""))
    assert by_column.to_csv() == "part,cost [USD]\nchip,2000000000.0\nsite,\n"
    assert Table(("works",), ((True,), (False,))).shown().rows == (("yes",), ("no",))
    written = Table(("path", "value", "unit"), (("price", "3e-06", "USD/token"),))
    assert written.shown().rows == written.rows, "words keep the unit that they were written in"


@pytest.mark.contract
def test_a_table_in_a_notebook_keeps_its_size_and_says_what_is_cut() -> None:
    long = Table(("path", "meaning"), tuple((f"path.{i}", "some words " * 5) for i in range(400)))
    text = long._repr_html_()
    assert len(text) < 10_000
    shown = text.count("<tr>") - 1
    assert f"{shown} of 400 rows" in text and shown > 20


@pytest.mark.contract
def test_a_link_that_is_no_address_of_the_web_stays_text() -> None:
    rows = ((Linked("good", "https://a.b/?x=1&y=2"), Linked("bad", "javascript:alert(1)")),)
    text = Table(("one", "two"), rows).to_html()
    assert '<a href="https://a.b/?x=1&amp;y=2" rel="noopener noreferrer">good</a>' in text
    assert "javascript" not in text and "<td" in text


@pytest.mark.contract
def test_units_are_shown_with_a_prefix_that_fits() -> None:
    assert shown_unit("USD", 2.5e9) == ("B USD", 1e-9)
    assert shown_unit("Wh/token") == ("Wh/Mtoken", 1e6)
    assert shown_unit("token/year", 3e13) == ("Ttoken/year", 1e-12)
    assert shown_unit("hour", 1e9) == ("hour", 1.0)
    assert shown_unit("USD", 999.0) == ("USD", 1.0)


@pytest.mark.contract
def test_labelled_forms() -> None:
    pytest.importorskip("xarray")
    data = sales(3).to_xarray()
    assert data["sold"].dims == ("shop", "step", "draw") and data["cash"].attrs["units"] == "USD"
    assert data["revenue"].attrs == {"units": "USD", "long_name": "revenue", "kind": "flow"}
    assert data["price"].attrs["kind"] == "ratio of revenue over tokens"
    assert data["held"].attrs["codes"] == "0: none, 1: chips, 2: power"
    assert data["step"].values[0] == np.datetime64("2026-07-01") and data["bound"].values.shape == (9,)
    assert list(data["shop"].values) == ["north", "south"]
    assert data.attrs["costmodel_version"] == VERSION and data.attrs["title"] == "Two shops"
    assert "design" not in data.attrs
    frame = sales().to_frame(("step",))
    assert frame["revenue"].tolist() == [2 * k + 1 for k in range(8)] and frame.attrs["units"]["revenue"] == "USD"
    assert sales().to_frame(()).shape == (1, 3)
    with pytest.raises(ScenarioError, match="no output has the axes"):
        sales(3).to_frame(("vintage",))


@pytest.mark.contract
def test_dates_of_steps_are_real_days() -> None:
    assert GRID.dates[:3] == (dt.date(2026, 7, 1), dt.date(2026, 10, 1), dt.date(2027, 1, 1))
    halves = TimeGrid(dt.date(2026, 2, 1), 3, "half-month").dates
    assert halves == (dt.date(2026, 2, 1), dt.date(2026, 2, 15), dt.date(2026, 3, 1), dt.date(2026, 3, 17))
    months = TimeGrid(dt.date(2025, 12, 1), 2, "month").dates
    assert months == (dt.date(2025, 12, 1), dt.date(2026, 1, 1), dt.date(2026, 2, 1))


@pytest.mark.contract
def test_a_file_that_is_no_result_is_refused_in_one_line(tmp_path: Any) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    from costmodel import load_result

    other, broken = tmp_path / "other.nc", tmp_path / "broken.nc"
    xarray.Dataset({"x": ("t", [1.0])}).to_netcdf(other, engine="h5netcdf")
    broken.write_bytes(b"\x89HDF\r\n\x1a\nno more")
    with pytest.raises(ScenarioError, match="not a result of costmodel: it lacks"):
        load_result(other)
    with pytest.raises(ScenarioError, match="cannot be read as netCDF"):
        load_result(broken)
    with pytest.raises(ScenarioError, match="there is no such file"):
        load_result(tmp_path / "absent.nc")
    with pytest.raises(ScenarioError, match=r"must end in \.nc"):
        sales().save(tmp_path / "run.csv")
