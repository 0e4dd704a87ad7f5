"""Corners that whole models rarely reach: tables by item, rows of a loop, folders, packages, lost docstrings."""

from __future__ import annotations

import datetime as dt
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from costmodel.foundation import arrays, engines, machine_code, packages, running
from costmodel.foundation.arrays import FloatArray, formula
from costmodel.foundation.design import Design
from costmodel.foundation.errors import CostModelError, DomainError, ScenarioError, UnknownParameterError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.ranges import documented_ranges
from costmodel.foundation.result_tables import cell_of, long_of, long_table, written_rows
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import Schedule, TimeGrid
from costmodel.foundation.tables import Table, Tabled, TabledByOutput
from costmodel.foundation.toml import check_keys, parse_toml
from costmodel.foundation.trace_graph import Graph, TracingError
from costmodel.foundation.tracing import Index, Rows, Traced
from costmodel.foundation.tracing import Table as TracedTable
from costmodel.foundation.units import conversion_factor


class Shop(Scenario):
    model: str = "toy"
    fee: Parameter = parameter("USD", default=1.0, description="Fee.")

    @property
    def grid(self) -> TimeGrid:
        return TimeGrid(dt.date(2026, 1, 1), 2, "year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales(Result):
    SIDE_BY_SIDE: ClassVar[tuple[str, ...]] = ("shop",)
    HEADLINES: ClassVar[tuple[str, ...]] = ("total", "gone")

    sold: FloatArray = output("token", kind="flow", dims=("shop", "step"), label="sold")
    power: FloatArray = output("W", kind="rate", dims=("year",), label="power")
    rent: FloatArray = output("USD", dims=("shop",), label="rent", basis="per month", blank="where it is shut")
    kind: FloatArray = output("1", dims=("shop",), label="kind", words=("", "new"))
    total: FloatArray = output("USD", label="total")

    def coords(self) -> dict[str, Any]:
        return {"shop": ["a", "b"]}

    @derived("USD", label="double")
    def double(self) -> FloatArray:
        """Twice the total."""
        return 2.0 * self.total


def sales(draws: int = 0) -> Sales:
    factor = np.arange(1.0, draws + 1.0) if draws else np.array(1.0)
    return Sales(
        scenario=Shop(name="s", title="Shops"),
        sold=np.multiply.outer(np.array([[1.0, 2.0], [3.0, 4.0]]), factor),
        power=np.multiply.outer(np.array([5.0, 6.0]), factor),
        rent=np.multiply.outer(np.array([7.0, np.nan]), factor),
        kind=np.array([1.0, 0.0]),
        total=8.0 * factor,
        remarks=("said",),
    )


@pytest.mark.closed_form
def test_outputs_in_tables_by_their_axes() -> None:
    tables = sales().tables()
    assert list(tables) == ["Outputs", "By year", "By shop", "By year and shop"]
    assert tables["Outputs"].rows == (("total", "USD", 8.0), ("double", "USD", 16.0))
    assert tables["By year"].rows == (("power", "W", 5.0, 6.0),)
    by_shop = tables["By shop"]
    assert (by_shop.columns, by_shop.units) == (("shop", "rent", "kind"), ("", "USD", ""))
    assert [row[0] for row in by_shop.rows] == ["a", "b"]
    assert (by_shop.rows[0][1:], by_shop.rows[1][2]) == ((7.0, "new"), "nothing")
    assert by_shop.notes == ("rent: per month", "rent: blank where it is shut", "said")
    assert sales(3).tables()["By shop"].notes[0] == "3 draws: 5 / 50 / 95 %"
    assert sales(3).tables()["By shop"].rows[0][1] == (7.0, 14.0, 21.0)
    assert tables["By year and shop"].rows == (("sold, a", "token", 1.0, 2.0), ("sold, b", "token", 3.0, 4.0))
    assert sales().table("rent").columns == ("output", "unit", "value", "basis")
    assert sales().table("rent").rows[0] == ("rent, a", "USD", 7.0, "per month")
    assert sales().by_year("power")[0] == (2026, 2027)
    assert [spec.name for spec in sales()._common()] == ["rent", "kind"]
    assert cell_of(sales(), sales().spec("total"), np.array("z" * 61)) == "z" * 60


@pytest.mark.closed_form
def test_outputs_with_a_row_for_each_figure() -> None:
    one = sales()
    assert written_rows(one, "sold") == ["sold[a]", "sold[b]"]
    assert (written_rows(one, "total"), written_rows(one, "power")) == (["total"], ["power"])
    long = long_of(one, ["sold", "total"])
    assert long.columns == ("year", "output", "unit", "value")
    assert long.rows == (
        (2026, "sold[a]", "token", 1.0), (2027, "sold[a]", "token", 2.0), (2026, "sold[b]", "token", 3.0),
        (2027, "sold[b]", "token", 4.0), (None, "total", "USD", 8.0),
    )  # fmt: skip
    assert len(long_of(one).rows) == 4 + 2 + 2 + 2 + 1 + 1
    drawn = long_of(sales(3), ["total", "kind"])
    assert drawn.columns == ("year", "output", "unit", "p5", "p50", "p95")
    assert drawn.rows[:2] == ((None, "total", "USD", 8.0, 16.0, 24.0), (None, "kind[a]", "", "new", "new", "new"))
    plain = Table(("output", "unit", "2026"), (("x", "W", (1.0, 2.0)),), ranks=(0.1, 0.9))
    assert long_table(["x"], plain).rows == ((2026, "x", "W", 1.0, 2.0),)
    assert long_table(["x"], Table(("output", "unit", "value", "basis"), (("x", "W", 1.0, "b"),))).rows == (
        (None, "x", "W", 1.0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing(Result):
    """A result without outputs."""


@pytest.mark.contract
def test_results_without_outputs_or_a_grid() -> None:
    with pytest.raises(ScenarioError, match="Nothing declares no output"):
        Nothing(scenario=Shop(name="s")).table()
    plain = Scenario(name="p", model="toy")
    with pytest.raises(DomainError, match="output 'sold': the scenario has no time grid"):
        replace(sales(), scenario=plain).by_year("sold")
    assert list(sales()) == ["sold", "power", "rent", "kind", "total", "double"]
    assert sales().first() == ("total",)
    assert (sales().refusal(), sales().explain_nonfinite("x"), sales().basis("rent")) == ("", "", "per month")


@pytest.mark.contract
def test_draws_of_a_run_must_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def model(scenario: Any) -> Sales:
        raise AssertionError("it is not run")

    monkeypatch.setattr("costmodel.foundation.budgets.memory_of_machine", lambda: 8 * 9000 * 7 - 1)
    uncertain = Shop(name="s", fee={"dist": "uniform", "low": 0.0, "high": 1.0})
    # 9,000 draws of one input and of 2 + 1 + 1 + 1 + 1 cells: two steps of what is sold, one of each other output
    with pytest.raises(DomainError, match="a result of 9,000 draws takes at least 0 GB"):
        running.run_model(model, uncertain, draws=9000, rng=0)
    monkeypatch.setattr("costmodel.foundation.budgets.memory_of_machine", lambda: 8 * 9000 * 7)
    with pytest.raises(AssertionError, match="not run"):
        running.run_model(model, uncertain, draws=9000, rng=0)
    with pytest.raises(AssertionError, match="not run"):
        running.run_model(model, uncertain, draws=8192, rng=0)


class Listed(Tabled):
    def table(self) -> Table:
        return Table(("n",), tuple((number,) for number in range(14)), "all")


class Several(TabledByOutput):
    outputs: tuple[str, ...] = tuple("abcdef")
    long = 10

    def table(self, output: str | None = None) -> Table:
        return Table((str(output),), tuple(("w" * 8,) for _ in range(self.long)))


@pytest.mark.closed_form
def test_studies_show_a_few_rows_and_outputs() -> None:
    lines = repr(Listed()).splitlines()
    assert (lines[:3], lines[-1]) == (["Listed", "all", "n"], "12 of 14 rows")
    assert len(lines) == 3 + 12 + 1
    text = repr(Several()).splitlines()
    assert text[0] == "Several of a, b, c, d and 2 more outputs"
    assert (text[1], len(text)) == ("a", 1 + 1 + 10)
    four, none = Several(), Several()
    four.outputs, none.outputs = tuple("abcd"), ()
    assert repr(four).splitlines()[0] == "Several of a, b, c, d"
    assert repr(none) == "Several of "
    one = Several()
    one.outputs = ("a",)
    assert one._repr_html_() == one.table("a")._repr_html_()
    assert four._repr_html_().count("<p>") == 4
    four.long = 100
    page = four._repr_html_()
    shown = page.count("<style>")
    assert 0 < shown < 4 and page.endswith(f"<p>and {4 - shown} more outputs: .table(output)</p>")
    assert len(page) < 9000 + 60
    for kind in (Tabled, TabledByOutput):
        with pytest.raises(NotImplementedError):
            kind().table()


@pytest.mark.contract
def test_compiled_steps_lie_in_the_user_s_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COSTMODEL_CACHE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/u"))
    for platform, folder in (("linux", "/u/.cache"), ("darwin", "/u/Library/Caches"), ("win32", "/u/AppData/Local")):
        monkeypatch.setattr(sys, "platform", platform)
        assert machine_code.cache_folder() == Path(folder) / "costmodel"
    monkeypatch.setenv("LOCALAPPDATA", "/l")
    assert machine_code.cache_folder() == Path("/l/costmodel")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert machine_code.cache_folder() == Path("/x/costmodel")
    monkeypatch.setenv("COSTMODEL_CACHE", "/c")
    assert machine_code.cache_folder() == Path("/c")


@pytest.mark.contract
def test_compiled_code_has_a_digest_of_its_text_and_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    one = machine_code.digest("a", "b")
    assert len(one) == 32 and one == machine_code.digest("a", "b") != machine_code.digest("a", "c")
    monkeypatch.setattr(machine_code, "OPTIMIZATION", 3)
    assert machine_code.digest("a", "b") != one
    binding = machine_code.llvm()
    for features, width in (({"avx512f": True, "avx": True}, 8), ({"avx": True}, 4), ({}, 2)):
        machine_code.machine.cache_clear()
        held = SimpleNamespace(get=features.get, flatten=lambda: "f")
        monkeypatch.setattr(binding, "get_host_cpu_features", lambda held=held: held)
        assert machine_code.machine()[1:] == ("f", width)
    machine_code.machine.cache_clear()


@pytest.mark.contract
def test_what_packages_provide_is_loaded_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("bad")

    points = [SimpleNamespace(name=name, value=f"{name}:x", load=load) for name, load in
              (("b", lambda: 2), ("a", lambda: 1), ("c", broken))]  # fmt: skip
    monkeypatch.setattr(packages, "_points", lambda group: points)
    assert packages.provided_names("g") == ("a", "b", "c")
    assert packages.provided("g", "a") == [1]
    assert packages.provided("g", "d") == []
    for name in ("c", None):
        with pytest.raises(CostModelError, match=r"^g 'c' \(c:x\): ValueError: bad$"):
            packages.provided("g", name)
    assert (packages.called(3), packages.called(lambda: 4)) == (3, 4)


@pytest.mark.contract
def test_engines_are_chosen_by_request_and_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    for installed, expected in ((object(), "compiled"), (None, "numpy")):
        monkeypatch.setattr(engines, "find_spec", lambda name, installed=installed: installed)
        assert [engines.chosen_engine("auto", draws) for draws in (None, 8191, 8192)] == ["numpy", "numpy", expected]
    with pytest.raises(CostModelError, match="engine='compiled' needs the extra 'fast'"):
        engines.chosen_engine("compiled", None)
    with pytest.raises(DomainError, match="engine must be one of 'auto', 'numpy', 'compiled'; got 'c'"):
        engines.chosen_engine("c", None)
    assert (engines.present_engine(), engines.asked_outputs()) == ("numpy", None)
    with engines.using("compiled", frozenset({"a"})):
        assert (engines.present_engine(), engines.asked_outputs()) == ("compiled", {"a"})
    assert (engines.present_engine(), engines.asked_outputs()) == ("numpy", None)


@pytest.mark.closed_form
def test_a_formula_takes_named_numbers_and_refuses_a_pole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "FORMULAS", {})

    @formula()
    def quotient(one, other, kind: str = "a"):  # type: ignore[no-untyped-def]
        """Divide.

        Parameters
        ----------
        one, other
            Numbers, signed [1].
        """
        return (one / other, one)

    assert list(arrays.FORMULAS) == [
        f"{__name__}:test_a_formula_takes_named_numbers_and_refuses_a_pole.<locals>.quotient"
    ]
    found = quotient(np.float32(1.0), other=[2, 4], kind="b")
    assert found[0].tolist() == [0.5, 0.25]
    assert found[1].dtype == np.float64
    with pytest.raises(DomainError, match=r"^quotient: has no value at these arguments, since it divides by 0"):
        quotient(1.0, 0.0)
    traced = TracedTable(Graph(), "x", ())
    assert arrays.as_array(traced) is arrays.readonly(traced) is traced  # type: ignore[comparison-overlap]
    assert [arrays._as_double(value) for value in (True, "a")] == [1.0, "a"]
    wide = np.zeros(1, dtype=np.longdouble)
    assert arrays._as_double(wide) is wide


def undocumented(share: float, other: float) -> float:
    """Work.

    Parameters
    ----------
    share
        Share, 0 to 1 [1].
    other
        Other, at least 2 [1].
    """
    return share * other


@pytest.mark.contract
def test_ranges_are_read_from_the_source_where_docstrings_are_dropped() -> None:
    kept, undocumented.__doc__ = undocumented.__doc__, None
    try:
        found = {name: str(span) for name, span in documented_ranges(undocumented).items()}
    finally:
        undocumented.__doc__ = kept
    assert found == {"share": "0 to 1", "other": "at least 2"}
    assert documented_ranges(eval("lambda share: share")) == {}


def rows(graph: Graph, among: Traced | None = None) -> Rows:
    table = TracedTable(graph, "kept", (3, 2))
    found = table[0 : Index(graph) + 1]
    found.among = among
    return found


@pytest.mark.closed_form
def test_rows_of_a_loop_are_combined_row_by_row() -> None:
    graph = Graph()
    mask = TracedTable(graph, "x", ()) > 0.0
    one = rows(graph)
    assert one.any() is True and one.ndim == 2 and one.begin == 0
    both = one * 2.0 + rows(graph, mask)
    assert both.among is mask
    row = Index(graph, 0, graph.add("row"))
    node = both.at(row).nodes[1]
    assert [arg.kind for arg in node.args] == ["multiply", "read"]
    assert np.where(one > 1.0, one, 0.0).at(row).nodes[0].kind == "select"
    assert one[..., 1].at(row).only.data == ("kept", 1)
    assert one[:, 0].at(row).only.data == ("kept", 0)
    with pytest.raises(TracingError, match="a row cannot be selected by number"):
        one[0]
    with pytest.raises(TracingError, match="cumsum of rows"):
        np.cumsum(one)
    with pytest.raises(TracingError, match=r"add\.reduce on rows"):
        np.add.reduce(one)
    with pytest.raises(TracingError, match=r"add\.reduce with"):
        np.add.reduce(mask)


@pytest.mark.contract
def test_small_refusals_are_one_line() -> None:
    with pytest.raises(CostModelError, match="'W' has the wrong dimension: it must convert to 'USD'"):
        conversion_factor("W", "USD")
    for text, said in (("a = [" + "[" * 5000, "nested too deeply"), ("a = ", "^mine: not TOML: ")):
        with pytest.raises(ScenarioError, match=said):
            parse_toml(text, "mine")
    check_keys("note = 'x' a sentence " + "with.many.dots " * 20 + " = 1", "mine")

    class Part(Inputs):
        x: Parameter = parameter("1", default=1.0, description="X.")

    class Whole(Scenario):
        model: str = "whole"
        part: Part = Part()
        parts: dict[str, Part] = Field(default_factory=dict)
        x: Parameter = parameter("1", optional=True, description="X.")

    with pytest.raises(UnknownParameterError, match=r"^part\.xx: there is no such entry; did you mean 'x'\?$"):
        Whole(name="w", part={"xx": 1.0})
    with pytest.raises(UnknownParameterError, match=r"^parts\.a\.xx: there is no such entry"):
        Whole(name="w", parts={"a": {"xx": 1.0}})
    with pytest.raises(ScenarioError, match="x is absent, so it cannot be scaled"):
        Whole(name="w").scale({"x": 2.0})
    with pytest.raises(ScenarioError, match="x: this model has no time grid, so nothing can be scheduled"):
        Whole(name="w").resolved(_resolver_of(Schedule.parse({"knots": [["2026-01", 1.0]]}, "1")))
    assert Whole(name="w", part=Part(x=2.0), parts={"a": Part(x=3.0)}).written()["parts"] == {"a": {"x": 3.0}}
    spread = Shop(name="s", fee={"dist": "uniform", "low": 0.0, "high": 1.0})
    with pytest.raises(ScenarioError, match="cannot be written; write the original"):
        spread.resolve(Design.random(spread, 2, rng=0)).to_toml()
    with pytest.raises(ScenarioError, match="'w' cannot be the base: its model is 'whole', not 'toy'"):
        spread.to_toml(base=Whole(name="w"))
    assert math.isnan(float(sales().rent[1]))


def _resolver_of(schedule: Schedule) -> Any:
    from costmodel.foundation.values import Resolver

    class Scheduled(Resolver):
        def resolve(self, path: str, value: Any, spec: Any) -> Any:
            return super().resolve(path, schedule, spec) if path == "x" else value

    return Scheduled(None, None)
