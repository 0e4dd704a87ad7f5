"""What is saved and read back, at its edges: masks and ranks of draws, sizes, damage; tables as files; switches."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from costmodel.foundation import moves, notebooks, rates, result_files, row_loops
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.datasets import dataset_of, result_of
from costmodel.foundation.design import Design
from costmodel.foundation.errors import DomainError, MissingExtraError, ScenarioError
from costmodel.foundation.files import read_json
from costmodel.foundation.formulas import Formula
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.rates import VaryingRate
from costmodel.foundation.restated import _restated, real_factor
from costmodel.foundation.results import Result, output
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import Schedule
from costmodel.foundation.table_files import save_table, stacked
from costmodel.foundation.tables import Linked, Table
from costmodel.foundation.trace_graph import Graph, TracingError
from costmodel.foundation.tracing import Index
from costmodel.foundation.tracing import Table as TracedTable


class Shop(Scenario):
    model: str = "toy"
    fee: Parameter = parameter("USD", default=1.0, description="Fee.")
    toll: Parameter = parameter("USD", default=2.0, description="Toll.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales(Result):
    cost: FloatArray = output("USD", dims=("shop",), label="cost")

    def coords(self) -> dict[str, Any]:
        return {"shop": ["a", "b"]}


UNIFORM = {"dist": "uniform", "low": 0.0, "high": 4.0}


def sales() -> Sales:
    design = Design.from_ranks({"fee": [0.25, 0.5, 0.75]})
    return Sales(
        scenario=Shop(name="s", fee=UNIFORM), design=design, cost=np.arange(6.0).reshape(2, 3),
        left_out=np.array([False, True, False]), excluded={"cost not finite": 1}, remarks=("one", "two"),
    )  # fmt: skip


@pytest.mark.contract
def test_masks_ranks_and_remarks_are_read_back(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    one = sales()
    data = dataset_of(one)
    assert data["left_out"].dims == ("draw",)
    assert data["design_ranks"].values.tolist() == [[0.25, 0.5, 0.75]]
    assert (data.attrs["excluded"], data.attrs["remarks"]) == ('{"cost not finite": 1}', '["one", "two"]')
    again = result_of(data, one.scenario, Sales, "mine")
    assert again == one
    assert (again.remarks, again.design.given.tolist()) == (("one", "two"), [[0.25, 0.5, 0.75]])  # type: ignore[union-attr]
    plain = dataset_of(replace(one, design=None, left_out=None, excluded={}, remarks=()))
    assert {"left_out", "design_ranks"}.isdisjoint(plain) and {"excluded", "remarks", "design"}.isdisjoint(plain.attrs)
    with pytest.raises(ScenarioError, match="mine: the output 'cost' of Sales is missing"):
        result_of(data.drop_vars("cost"), one.scenario, Sales, "mine")
    with pytest.raises(ScenarioError, match=r"mine: 'cost' has the axes \('draw', 'shop'\), not \('shop',\)"):
        result_of(data.transpose(), one.scenario, Sales, "mine")
    for damaged in ("{", "{}", '{"paths": 3, "correlations": [[1]]}'):
        with pytest.raises(ScenarioError, match="mine: the design in it is damaged"):
            result_of(data.assign_attrs(design=damaged), one.scenario, Sales, "mine")


@pytest.mark.contract
@pytest.mark.parametrize(("suffix", "package"), [(".nc", "h5netcdf"), (".zarr", "zarr"), (".parquet", "pyarrow")])
def test_a_file_that_declares_too_much_is_not_loaded(
    suffix: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xarray")
    pytest.importorskip(package)
    path, data = tmp_path / f"r{suffix}", dataset_of(sales())
    result_files.save_dataset(data, path)
    size = 8 * (6 + 3 + 3) if suffix == ".parquet" else int(result_files.read_dataset(path).nbytes)
    monkeypatch.setattr(result_files, "MAX_RESULT_BYTES", size)
    assert result_files.read_dataset(path)["cost"].values.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    monkeypatch.setattr(result_files, "MAX_RESULT_BYTES", size - 1)
    with pytest.raises(ScenarioError, match=f"declares {size} bytes; the limit is {size - 1}"):
        result_files.read_dataset(path)
    with pytest.raises(ScenarioError, match="no such file"):
        result_files.read_dataset(tmp_path / "other.nc")
    if suffix == ".zarr":
        with pytest.raises(ScenarioError, match="exists; Zarr folders are not overwritten"):
            result_files.save_dataset(data, path)
        with pytest.raises(ScenarioError, match="No such file"):
            result_files.save_dataset(data, tmp_path / "none" / "r.zarr")


@pytest.mark.contract
def test_parquet_holds_figures_and_all_of_them(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path, data = tmp_path / "r.parquet", dataset_of(sales())
    result_files.save_dataset(data, path)
    whole = parquet.read_table(path)
    assert whole.column("shop").to_pylist()[:6] == ["a"] * 3 + ["b"] * 3
    assert whole.column("draw").to_pylist()[:6] == [0, 1, 2] * 2
    parquet.write_table(whole.slice(0, 5), path)
    with pytest.raises(ScenarioError, match="the output 'cost' has only 5 of 6 figures"):
        result_files.read_dataset(path)
    parquet.write_table(pyarrow.table({"value": [1.0]}), path)
    with pytest.raises(ScenarioError, match="not a result of costmodel: it lacks its attributes"):
        result_files.read_dataset(path)
    with pytest.raises(ScenarioError, match="cost: a Parquet file of figures cannot hold text"):
        result_files.save_dataset(data.assign(cost=data["cost"].astype(str)), path)
    assert list(result_files._labels(data, "none", 2)) == [0, 1]


@pytest.mark.contract
def test_tables_are_saved_with_their_links_and_mixed_columns(tmp_path: Path) -> None:
    table = Table(("part", "note"), ((Linked("chip", "https://a.b"), 1.5), ("site", "none"), ("land", None)), "T/1")
    pandas, openpyxl = pytest.importorskip("pandas"), pytest.importorskip("openpyxl")
    pytest.importorskip("pyarrow")
    pytest.importorskip("xlsxwriter")
    save_table(table, tmp_path / "t.parquet")
    frame = pandas.read_parquet(tmp_path / "t.parquet")
    assert (frame["note"].tolist()[:2], frame["note"].isna().tolist()) == (["1.5", "none"], [False, False, True])
    assert frame["part"].tolist() == ["chip", "site", "land"]
    save_table(table, tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["T 1"]
    assert (book["T 1"]["A2"].hyperlink.target, book["T 1"]["A2"].value) == ("https://a.b", "chip")
    assert [book["T 1"][f"B{row}"].value for row in (1, 2, 3, 4)] == ["note", 1.5, "none", None]


SWITCH = {"description": "Both.", "moves": {"fee": 1.0, "toll": 2.0}}


@pytest.mark.closed_form
def test_switches_and_documents_of_a_scenario() -> None:
    shop = Shop(
        name="s", switches={"both": SWITCH}, fee={"value": 1.0, "source": "b", "grade": "reported"},
        sources={"b": {"title": "Book"}, "c": {"title": "Not used"}},
    )  # fmt: skip
    assert shop.describe("both").rows[0][:5] == ("both", "switch", "", "", "Both. Moves fee, toll × 2.")
    assert shop.bibliography().records()[0]["source"] == "Book"
    assert shop.bibtex().startswith("@misc{b,") and "Not used" not in shop.bibtex()
    assert (shop.replace({"both": 3.0}).fee, shop.replace({"both": 3.0}).toll) == (3.0, 6.0)
    with pytest.raises(DomainError, match=r"^both: give a number in 'USD'; got True"):
        shop.replace({"both": True})
    for moved, said in (({"fee": 0.0}, "fee has the factor 0.0"), ({"fee": float("inf")}, "factor inf"), ({}, "moves")):
        with pytest.raises(ScenarioError, match=said):
            Shop(name="s", switches={"both": {**SWITCH, "moves": moved}})
    html = Shop(name="s").diff(Shop(name="t", fee=3.0))._repr_html_()
    assert "<td>3</td>" in html or ">3<" in html


@pytest.mark.closed_form
def test_a_switch_s_ends_and_a_rate_that_is_scheduled() -> None:
    rate = VaryingRate(np.array([0.0, 1.0]), np.array([0.2, 0.4]), "linear", 2.0)
    assert rate.at(np.array([-1.0, 0.5, 2.0])).tolist() == pytest.approx([0.4, 0.6, 0.8])
    rising = Schedule.parse({"knots": [["2026-01", 1.0], ["2027-01", UNIFORM]], "interpolation": "step"}, "1")
    assert [value if isinstance(value, float) else value.median() for _, value in rising.scaled(3.0).knots] == [
        3.0,
        6.0,
    ]
    assert rising.scaled(3.0).interpolation == "step"
    kept = Schedule.parse({"knots": [["2026-01", rising.knots[1][1]]]}, "1")
    assert kept.knots[0][1] is rising.knots[1][1]
    with pytest.raises(ScenarioError, match="x is scheduled, and its schedule must contain the fade too: do so"):
        rates.refuse_fade("x", rising, "do so")
    rates.refuse_fade("x", 1.0, "do so")
    with pytest.raises(ScenarioError, match=r"a formula takes formula and unit; given also \['x'\]"):
        Formula.parse({"formula": "1", "x": 1}, "1")
    assert moves._figure(sales(), sales().spec("cost")) == []
    fixed = replace(sales(), cost=np.array([1.0, 2.0]))
    assert moves._figure(fixed, fixed.spec("cost")) == []


@dataclass(frozen=True, slots=True, kw_only=True)
class Yearly(Result):
    cost: FloatArray = output("USD", dims=("year",), label="cost")

    def coords(self) -> dict[str, Any]:
        return {"year": [2026, 2027, 2028]}


@pytest.mark.closed_form
def test_a_parameter_moves_the_figure_of_the_last_year() -> None:
    """Of an output with years the last one counts, under its own name."""
    yearly = Yearly(scenario=Shop(name="s"), cost=np.array([3.0, 4.0, 6.0]))
    assert moves._figures(yearly) == {"cost@2028": 6.0}


@pytest.mark.contract
def test_what_is_no_formula_is_shown_up_to_forty_characters() -> None:
    for form in ({"formula": [7] * 50}, {"formula": "1", "unit": ["a" * 50]}):
        with pytest.raises(ScenarioError) as refused:
            Formula.parse(form, "1")
        shown = [str(form["formula"])[:40], str(form.get("unit"))[:40]]
        assert str(refused.value) == f"formula and unit are texts; given {shown[0]!r} and {shown[1]!r}"


@pytest.mark.closed_form
def test_money_of_outputs_selected_by_year_and_with_two_times() -> None:
    shop = Shop(name="s")
    spec = sales().spec("cost")
    timed = shop.replace({"price_year": 2022})
    factor, said = real_factor(timed, (spec,), {}, 2023, "US CPI-U", None)
    assert said == "money of 2023 by US CPI-U"
    # US CPI-U, annual averages of 2022 and 2023: 292.655 and 304.702 (Bureau of Labor Statistics)
    assert factor(spec) == pytest.approx(304.702 / 292.655, rel=1e-6)

    class Planned(Shop):
        @property
        def grid(self) -> Any:
            from costmodel.foundation.schedules import TimeGrid

            return TimeGrid(dt.date(2022, 1, 1), 2, "year")

    factor, said = real_factor(Planned(name="p"), (spec,), {"step": [dt.date(2022, 1, 1)]}, 2023, "US CPI-U", 0.02)
    assert said == "money of 2023 by US CPI-U, 0.02 a year after it ends"
    assert factor(replace(spec, name="cost@2023")) == 1.0
    assert factor(spec) == pytest.approx(304.702 / 292.655, rel=1e-6)
    assert factor(replace(spec, dims=("step",))).tolist() == pytest.approx([304.702 / 292.655], rel=1e-6)  # type: ignore[union-attr]
    with pytest.raises(DomainError, match=r"output 'cost' has two axes of time \('step', 'year'\)"):
        factor(replace(spec, dims=("step", "year")))
    with pytest.raises(ScenarioError, match="s: the price year of its amounts is not stated"):
        real_factor(shop, (spec,), {}, 2023, "US CPI-U", None)
    doubled = _restated(sales(), lambda spec: 2.0, "EUR", "twice")
    assert doubled["cost"].tolist() == (2.0 * sales().cost).tolist()
    assert (doubled.spec("cost").unit, doubled.remarks) == ("EUR", ("one", "two", "twice"))


@pytest.mark.contract
def test_a_notebook_of_jupyter_is_updated_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, Any]] = []

    class ZMQInteractiveShell:
        pass

    handle = SimpleNamespace(update=lambda text: seen.append(("update", text)))

    def display(text: str, display_id: bool) -> Any:
        seen.append(("display", text))
        return handle

    monkeypatch.setitem(sys.modules, "marimo", SimpleNamespace(running_in_notebook=lambda: False))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=ZMQInteractiveShell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(HTML=lambda text: text, display=display))
    bar = notebooks.shown_progress(None, "a")
    assert bar is not None
    bar(1, 3)
    bar(2, 3)
    bar(3, 3)
    assert [kind for kind, _ in seen] == ["display", "update", "update"]
    assert seen[-1] == ("update", "")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object()))
    assert notebooks.shown_progress(None, "a") is None


@pytest.mark.contract
def test_what_is_not_json_or_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.json"
    file.write_text("{")
    with pytest.raises(ScenarioError, match=r"a\.json: not JSON: Expecting property name"):
        read_json(file)
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(MissingExtraError, match="needs the extra 'frames'"):
        sales().to_xarray()
    monkeypatch.setattr(result_files, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"saving \.nc needs the extra 'frames'"):
        result_files.save_dataset(None, tmp_path / "r.nc")


@pytest.mark.closed_form
def test_more_of_what_a_traced_array_can_do() -> None:
    graph = Graph()
    table = TracedTable(graph, "x", (3,))
    assert [item.only.data for item in table] == [("x", 0), ("x", 1), ("x", 2)]
    held = table.copy().astype(int)
    held[0] = 5.0
    held[1:] = table[0]
    assert [graph.node(node).data[0] for node in held.nodes] == [5.0, "x", "x"]
    assert [node.data for node in held.nodes[1:]] == [("x", 0)] * 2
    more = table[0]
    more += 1.0
    less = table[0]
    less -= 1.0
    assert (more.only.kind, less.only.kind) == ("add", "subtract")
    assert np.max(table.reshape(3, 1)).only.kind == "maximum" and np.min(table).only.kind == "minimum"
    one, other = np.broadcast_arrays(table, 2.0)
    assert (one.shape, np.shape(other)) == ((3,), (3,))
    step = Index(graph)
    assert np.add(step, 0.5).only.args[1].data[0] == 0.5
    late = table[table[1]].only
    assert late.kind == "read" and late.args[0].data == ("x", 1)
    found = row_loops.row_numbers(0, step + 1)
    row = Index(graph, 0, graph.add("row"))
    assert found.at(row).only.kind in ("row", "add")
    assert row_loops.changed(found) is None
    assert row_loops.changed(table[0]).only.data == "une"
    with pytest.raises(TracingError, match="an array without operations"):
        type(table[0])(graph, None).nodes  # noqa: B018


@pytest.mark.closed_form
def test_tables_without_units_are_stacked_below_each_other() -> None:
    words, more = Table(("part", "maker"), (("chip", "A"),), "makers"), Table(("part", "site"), (("hall", "B"),))
    one = stacked([words, more])
    assert one.columns == ("table", "part", "maker", "site")
    assert one.rows == (("makers", "chip", "A", None), ("table 2", "hall", None, "B"))
    assert not any(one.units)
