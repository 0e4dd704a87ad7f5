"""Small parts by hand: traced numbers, loops, draws that are left out, texts of results, sheets and progress."""

from __future__ import annotations

import datetime as dt
import math
import re
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from costmodel.foundation import formulas, notebooks, row_loops, table_files
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError, NonFiniteResultError, ScenarioError, UnknownParameterError
from costmodel.foundation.executors import ordered_map, workers_of
from costmodel.foundation.files import csv_rows
from costmodel.foundation.inputs import is_place, set_path
from costmodel.foundation.outputs import OutputSpec, remembered, year_value
from costmodel.foundation.outside import needed_number
from costmodel.foundation.provenance import Grade, Provenance, parse_grade, weakest
from costmodel.foundation.ranges import Range, bound
from costmodel.foundation.restated import along
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.running import checked, place_of
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import TimeGrid
from costmodel.foundation.tables import Table
from costmodel.foundation.trace_graph import Graph, TracingError, answered
from costmodel.foundation.tracing import Index, Traced
from costmodel.foundation.tracing import Table as TracedTable
from costmodel.foundation.vector_code import Writer
from costmodel.foundation.vector_needs import Phase

ANSWERS = {"lt": (True, False, False), "le": (True, True, False), "eq": (False, True, False),
           "ge": (False, True, True), "gt": (False, False, True)}  # fmt: skip
"""Whether 2, 3 and 4 stand so to 3."""


@pytest.mark.closed_form
def test_the_step_number_in_sums_and_comparisons() -> None:
    graph = Graph()
    step = Index(graph)
    assert [(step + 2).offset, (2 + step).offset, (step - 3).offset, ((step + 5) - (step + 2))] == [2, 2, -3, 3]
    for traced, kind, operands in (
        (3 - step, "subtract", (3.0, None)), (step * 2, "multiply", (None, 2.0)), (2 * step, "multiply", (None, 2.0)),
        (step / 4, "divide", (None, 4.0)), (step + 0.5, "add", (None, 0.5)), (step - 0.5, "subtract", (None, 0.5)),
    ):  # fmt: skip
        node = traced.only
        assert node.kind == kind
        assert tuple(arg.data[0] if arg.kind == "constant" else None for arg in node.args) == operands
    for how, expected in ANSWERS.items():
        assert tuple(answered(how, number, 3) for number in (2, 3, 4)) == expected
        rich = getattr(step, f"__{how}__")
        graph.now = 2
        assert tuple(getattr(step + more, f"__{how}__")(3) for more in (0, 1, 2)) == expected
        assert rich(step) is ANSWERS[how][1]
    assert [answered("multiple", number, 3) for number in (0, 2, 3, -3)] == [True, False, True, True]
    with pytest.raises(TracingError, match="only be compared with 0"):
        assert step % 4 == 1
    for other in (0.5, "a"):
        with pytest.raises(TracingError, match="cannot be compared with"):
            assert step < other
    with pytest.raises(TracingError, match="cannot be compared"):
        assert Index(graph, 0, graph.add("row")) < 3


@pytest.mark.closed_form
def test_an_operation_with_a_neutral_number_is_its_operand() -> None:
    graph = Graph()
    x = graph.add("read", data=("x", 0))
    for name, values in (("add", (x, 0.0)), ("add", (0.0, x)), ("multiply", (x, 1.0)), ("multiply", (1.0, x)),
                         ("divide", (x, 1.0))):  # fmt: skip
        assert graph.apply(name, *values) is x
    for name, values in (("divide", (1.0, x)), ("subtract", (x, 0.0)), ("add", (x, 1.0)), ("multiply", (0.0, x)),
                         ("maximum", (x, 0.0)), ("power", (x, 1.0)), ("multiply", (x, 0.0)),
                         ("add", (x, x))):  # fmt: skip
        assert graph.apply(name, *values).kind == name
    assert graph.apply("subtract", 5.0, 3.0).data[0] == 2.0
    assert graph.apply("log", 0.0).data[0] == -math.inf
    mask = graph.apply("greater", x, 2.0)
    assert (mask.kind, mask.data) == ("compare", "ogt")
    chosen = graph.apply("add", mask, 1.0).args[0]
    assert (chosen.kind, [arg.data[0] for arg in chosen.args[1:]]) == ("select", [1.0, 0.0])
    assert graph.apply("logical_and", mask, mask).data == "and"
    assert graph.apply("invert", mask).data == "not"
    assert (graph.apply("isnan", x).data, graph.apply("isfinite", x).data) == ("uno", "olt")
    assert (graph.select(True, x, 2.0), graph.select(False, 2.0, x), graph.select(mask, x, x)) == (x, x, x)
    assert graph.select(x, 1.0, 2.0).args[0].data == "une"
    with pytest.raises(TracingError, match="between two masks"):
        graph.select(mask, mask, graph.apply("less", x, 1.0))
    assert graph.constant(0.0) is not graph.constant(-0.0)
    assert graph.constant(0.0) is graph.node(0)


@pytest.mark.closed_form
def test_a_read_is_known_until_a_table_changes() -> None:
    graph = Graph()
    first = graph.add("read", data=("x", 0))
    total = graph.apply("add", first, 1.0)
    assert graph.add("read", data=("x", 0)) is first
    graph.stored({"y"})
    assert graph.add("read", data=("x", 0)) is first
    graph.stored({"x"})
    assert graph.add("read", data=("x", 0)) is not first
    assert graph.apply("add", first, 1.0) is total


@pytest.mark.closed_form
@pytest.mark.parametrize("width", [2, 4, 8])
def test_a_draw_s_own_memory_is_aligned_to_a_vector(width: int) -> None:
    """Vectors of 8-byte numbers: arrays of the caller at 8 bytes, a draw's own memory at a vector's size."""
    graph = Graph()
    flow, kept = TracedTable(graph, "flow", (3,)), TracedTable(graph, "kept", (3,))
    total, late = TracedTable(graph, "total", ()), TracedTable(graph, "late", ())
    step = Index(graph)
    kept[step] = flow[step] + np.exp(late * 3.0)
    more = total + row_loops.rows_at(kept, late) + row_loops.summed(kept[0 : step + 1])
    phase = Phase(graph, [("out", 0, 0, graph.number(more.only))], {"total": [more.only]})
    shapes = {"flow": (3,), "kept": (3,), "total": (), "late": ()}
    writer = Writer([phase], shapes, ["total"], {"kept"}, shapes, width)
    text = writer.text()
    assert set(re.findall(r"align (\d+)", text)) == {"8", str(8 * width)}
    assert set(re.findall(r'vector-width"="(\d+)"', text)) == {str(64 * width)}
    own = [line for line in text.splitlines() if re.search(r"(load|store) <\d+ x double>", line)]
    assert own and all(f"<{width} x double>" in line for line in own)
    assert writer.plan.slots == {"total": 0}
    assert writer.plan.tables == {"kept": 1}
    # the total, three rows, and two values that no step changes: when it is late, and the exponential
    assert writer.plan.size == 6
    assert set(writer.plan.inputs) == set(shapes)
    assert f"mul i64 %v, {8 * width * 6}" in text


@pytest.mark.closed_form
def test_loops_over_plain_arrays() -> None:
    tries: list[float] = []

    def halve(state: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
        tries.append(float(state[0][0]))
        return (state[0] / 2.0,)

    start = (np.array([8.0, 1.0]),)
    ended = row_loops.repeat(9, halve, start, lambda state: state[0] <= 2.0)
    assert ended[0].tolist() == [2.0, 0.25] and tries == [8.0, 4.0]
    assert row_loops.repeat(1, halve, start, lambda state: state[0] <= 2.0)[0].tolist() == [4.0, 0.5]
    assert row_loops.repeat(0, halve, start, lambda state: state[0] <= 2.0) is start
    table = np.arange(12.0).reshape(3, 2, 2)
    assert row_loops.summed(table).tolist() == [[12.0, 15.0], [18.0, 21.0]]
    assert row_loops.summed(table[:0]).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert row_loops.summed(table[:1]).tolist() == table[0].tolist()
    assert row_loops.row_numbers(2, 5).tolist() == [2.0, 3.0, 4.0]
    assert row_loops.row_of(table, 5, 4).tolist() == table[1].tolist()
    assert row_loops.rows_at(table, np.array([2, 0])).tolist() == [[8.0, 1.0], [10.0, 3.0]]
    assert row_loops.rows_at(np.array([[1.0], [2.0]]), np.array([1, 0, 1])).tolist() == [2.0, 1.0, 2.0]
    assert row_loops.earliest(np.array([3.0, 2.0])) == 2
    assert row_loops.changed(np.array([1.0, 2.0])) is None


@pytest.mark.closed_form
def test_a_year_of_each_kind() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    figures = {}
    for kind in ("flow", "stock", "rate", "code"):
        for axis in ("step", "bound"):
            spec = OutputSpec("x", (axis,), "1", "x", kind=kind)
            figures[kind, axis] = float(year_value(spec, values, slice(1, 3)))
    # two steps: flows 2 and 4; at the end, step 2 or bound 3; bounds 2 and 3 end the two steps
    assert figures == {
        ("flow", "step"): 6.0, ("flow", "bound"): 6.0, ("stock", "step"): 4.0, ("stock", "bound"): 8.0,
        ("rate", "step"): 3.0, ("rate", "bound"): 6.0, ("code", "step"): 2.0, ("code", "bound"): 2.0,
    }  # fmt: skip
    codes = np.array([[0.0, 2.0], [2.0, 2.0], [2.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    assert year_value(OutputSpec("x", ("step",), "1", "x", kind="code"), codes, slice(0, 5)).tolist() == [0.0, 1.0]
    with pytest.raises(DomainError, match="output 'x' is a date: it has no yearly figure"):
        year_value(OutputSpec("x", ("step",), "1", "x", kind="date"), values, slice(0, 1))
    assert along(np.array([2.0, 3.0]), OutputSpec("x", ("shop", "step"), "1", "x"), 3).shape == (1, 2, 1)
    assert along(np.array(2.0), OutputSpec("x", ("step",), "1", "x"), 2).shape == ()


class Shop(Scenario):
    @property
    def grid(self) -> TimeGrid:
        return TimeGrid(dt.date(2026, 1, 1), 2, "year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales(Result):
    sold: FloatArray = output("token", kind="flow", dims=("shop", "step"), label="sold")
    price: FloatArray = output("USD", label="price", blank="where nothing is sold")
    code: FloatArray = output("1", label="limit", words=("none", "chips"))
    open: Any = output("1", label="open")
    said: Any = output("1", label="said")
    passed: FloatArray = output("1", kind="date", label="passed")

    def coords(self) -> dict[str, Any]:
        return {"shop": ["a", "b", "c", "d"]}

    @derived("USD", label="revenue")
    def revenue(self) -> FloatArray:
        """Revenue."""
        CALLS.append(1)
        return self.price * 1e9


CALLS: list[int] = []


def sales(draws: int = 0, **changes: Any) -> Sales:
    factor = np.arange(1.0, draws + 1.0) if draws else 1.0
    sold = np.multiply.outer(np.arange(1.0, 9.0).reshape(4, 2), factor)
    fields: dict[str, Any] = {
        "sold": sold, "price": 2.0 * np.asarray(factor), "code": 1.0 * np.asarray(factor > 1.0),
        "open": np.asarray(factor) > 1.0, "said": np.array("x" * 70), "passed": np.asarray(factor) * 0.0 + 2027.256,
    }  # fmt: skip
    return Sales(scenario=Shop(name="s", model="toy"), **{**fields, **changes})


@pytest.mark.closed_form
def test_a_result_says_its_outputs_in_a_line_each() -> None:
    one = sales()
    assert [one._line(name) for name in one] == [
        "sold, 2027: 2, 4, 6 … token",
        "price: 2 USD",
        "limit: none",
        "open: no",
        f"said: {'x' * 60}",
        "passed: 2027.26",
        "revenue: 2 B USD",
    ]
    three = sales(3)
    assert [three._line(name) for name in ("sold", "price", "code", "open", "passed", "revenue")] == [
        "sold, 2027: 2 / 4 / 6, 4 / 8 / 12, 6 / 12 / 18 … token",
        "price: 2 / 4 / 6 USD",
        "limit: chips; none",
        "open: in 2 of 3",
        "passed: 2027.26 / 2027.26 / 2027.26",
        "revenue: 2 / 4 / 6 B USD",
    ]
    text = repr(three).splitlines()
    assert len(text) == 8
    assert text[0].startswith("Sales of 's' (toy, 3 draws, costmodel ")
    assert text[1] == "  revenue: 2 / 4 / 6 B USD"
    assert text[-1].startswith("  passed")


@pytest.mark.closed_form
def test_derived_outputs_are_computed_once_where_they_are_remembered() -> None:
    one = sales()
    CALLS.clear()
    with remembered():
        assert one.revenue is one.revenue
    assert len(CALLS) == 1
    assert one.revenue == one.revenue
    assert len(CALLS) == 3


@pytest.mark.closed_form
def test_draws_that_are_not_finite_are_named_or_left_out() -> None:
    sold = np.ones((4, 2, 5))
    sold[2, 1, 3] = sold[3, 0, 4] = np.nan
    price = np.array([1.0, np.inf, np.nan, 1.0, 1.0])
    spoilt = sales(5, sold=sold, price=price)
    with pytest.raises(
        NonFiniteResultError, match=r"^sold is not finite, first at shop c, step 2027-01-01 in draw 3 \(and 1 more\)$"
    ):
        checked(spoilt, "raise")
    kept = checked(spoilt, "mask")
    # the price may be blank but not infinite, and revenue neither: each counts the draws that it is the first to spoil
    assert kept.left_out.tolist() == [False, True, True, True, True]
    assert kept.excluded == {"sold not finite": 2, "price not finite": 1, "revenue not finite": 1}
    with pytest.raises(NonFiniteResultError, match=r"^price is not finite$"):
        checked(sales(price=np.array(np.inf)), "mask")
    with pytest.raises(NonFiniteResultError, match="no draw is left after masking"):
        checked(sales(2, price=np.full(2, np.inf)), "mask")
    with pytest.raises(DomainError, match="on_nonfinite must be 'raise' or 'mask'; got 'skip'"):
        checked(sales(), "skip")  # type: ignore[arg-type]
    spec = OutputSpec("x", ("shop", "step"), "1", "x")
    bad = np.zeros((2, 3, 4), dtype=bool)
    bad[1, 2, 1] = bad[0, 1, 2] = True
    assert place_of(bad, spec, {"shop": ["a"]}, 100) == ", first at shop 1, step 2 in draw 101 (and 1 more)"
    assert place_of(bad[..., 1], spec, {"shop": ["a", "b"]}) == ", first at shop b, step 2"
    assert place_of(bad[1, 2], OutputSpec("x", (), "1", "x"), {}) == " in draw 1 (and 0 more)"


class Counting(Executor):
    """Runs each call when its answer is asked for, and counts what waits."""

    _max_workers = 3

    def __init__(self) -> None:
        self.waiting, self.most = 0, 0

    def submit(self, function: Any, /, *given: Any, **named: Any) -> Future[Any]:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        future: Future[Any] = Future()

        def result(timeout: float | None = None) -> Any:
            self.waiting -= 1
            return function(*given, **named)

        future.result = result  # type: ignore[method-assign]
        return future


@pytest.mark.closed_form
def test_a_few_calls_are_in_flight_at_once() -> None:
    """Two for each of three workers and two more, or as many as asked for."""
    for asked, most in ((None, 8), (1, 1), (3, 3)):
        pool = Counting()
        assert list(ordered_map(lambda item: -item, range(20), pool, in_flight=asked)) == [-item for item in range(20)]
        assert pool.most == most
    with pytest.raises(DomainError, match="in_flight must be at least 1; got 0"):
        list(ordered_map(abs, [1], in_flight=0))
    client = SimpleNamespace(nthreads=lambda: {"a": 2, "b": 3})
    assert workers_of(SimpleNamespace(_client=client)) == 5  # type: ignore[arg-type]
    assert workers_of(SimpleNamespace(_max_workers=0)) == 4  # type: ignore[arg-type]
    assert workers_of(None) == 1


@pytest.mark.closed_form
def test_progress_and_pages_in_a_notebook() -> None:
    written: list[str] = []
    bar = notebooks._Bar("a & b", written.append)
    bar(5, 5)
    assert written == []  # all at once: nothing to show
    bar(1500, 2000)
    bar(2000, 2000)
    assert written == ['<label>a &amp; b <progress max="2000" value="1500"></progress> 1,500 of 2,000</label>', ""]
    head = "<div><strong>t</strong><p>l</p>"
    assert notebooks.page_of("t", ["", "l"], ["x" * 9, "y" * 10, "z"], len(head) + 10) == f"{head}{'x' * 9}</div>"
    assert notebooks.page_of("t", ["l"], ["x" * 10, "z"], len(head) + 10) == f"{head}z</div>"
    seen: list[Any] = []
    assert notebooks.shown_progress(seen.append, "a") == seen.append  # type: ignore[arg-type]


class Taken(set[str]):
    """Names that are asked for a few times only, so that a search without end shows."""

    asked = 0

    def __contains__(self, name: object) -> bool:
        self.asked += 1
        assert self.asked < 9
        return super().__contains__(name)


@pytest.mark.closed_form
def test_names_of_sheets_and_tables_below_each_other() -> None:
    names = {"a/b": "a b", "'q'": "q", "": "table", "x" * 40: "x" * 31, "[:]": "table"}
    assert {name: table_files._sheet_name(name, set()) for name in names} == names
    assert table_files._sheet_name("Cost", Taken({"cost"})) == "Cost 2"
    assert table_files._sheet_name("Cost", Taken({"cost", "cost 2"})) == "Cost 3"
    assert table_files._sheet_name("y" * 31, Taken({"y" * 31})) == f"{'y' * 27} 2"
    numbers = {"1.5": 1.5, True: None, None: None, "x": None, math.inf: None, 3: 3.0}
    assert {cell: table_files._number(cell) for cell in numbers} == numbers
    one = Table(("part", "cost"), (("a", 1.0),), "first", units=("", "USD"))
    two = Table(("part", "cost"), (("b", 2.0),), "", units=("", "EUR"))
    both = table_files.stacked([one, two])
    assert both.columns == ("table", "part", "cost [USD]", "cost [EUR]")
    assert both.rows == (("first", "a", 1.0, None), ("table 2", "b", None, 2.0))
    assert both.units == ("", "", "", "")
    assert table_files.stacked([one]) is one
    other = table_files.stacked([one, Table(("part", "life"), (("a", 5.0),), "second", units=("", "year"))])
    assert (other.columns, other.units) == (("table", "part", "cost", "life"), ("", "", "USD", "year"))
    with pytest.raises(DomainError, match=r"must end in \.csv, \.xlsx, \.parquet"):
        table_files.save_table(one, "a.txt")


@pytest.mark.contract
def test_texts_of_what_is_refused_stay_short() -> None:
    formulas.Formula.parse({"formula": "1" * 1000}, "1")
    with pytest.raises(ScenarioError, match="at most 1,000 characters; this one has 1,001"):
        formulas.Formula.parse({"formula": "1" * 1001}, "1")
    assert formulas._shown("a" * 60) == repr("a" * 60)
    assert formulas._shown("a" * 61) == repr("a" * 57 + "…")
    assert [formulas._number(value, 2026.0, "x") for value in (2, 2.5)] == [2.0, 2.5]
    for value, said in ((math.inf, "gives inf in 2026.12"), (True, "a value of type bool"), (10**400, "of type int")):
        with pytest.raises(DomainError, match=said):
            formulas._number(value, 2026.1234, "x")
    with pytest.raises(DomainError, match=f"^x = '{'a' * 38}': a finite number is needed"):
        needed_number("a" * 38, "x")
    with pytest.raises(DomainError, match=f"^x = '{'a' * 39}…: a finite number is needed"):
        needed_number("a" * 39, "x")
    assert needed_number(2.0, "x", least=2.0) == 2.0
    with pytest.raises(DomainError, match="a finite number above 2 is needed"):
        needed_number(2.0, "x", least=2.0, above=True)
    longest = "b" * 131_072
    assert csv_rows(f"a\n{longest}\n", "mine")[0]["a"] == longest
    with pytest.raises(ScenarioError, match=r"mine: row 2: field larger than field limit \(131072\)"):
        csv_rows(f"a\n1\n{longest}b\n", "mine")


@pytest.mark.closed_form
def test_grades_from_strongest_to_weakest() -> None:
    order = ["reported", "published", "secondary", "estimated", "unverified", "assumed"]
    assert [str(grade) for grade in Grade] == order
    for place, name in enumerate(order):
        assert weakest(parse_grade(other) for other in order[: place + 1]) == name
    assert Provenance("a", Grade.REPORTED, "n").written() == {"source": "a", "grade": "reported", "note": "n"}
    assert Provenance().beside(1.0) == {"value": 1.0, "grade": "assumed"}
    assert Provenance(None, Grade.REPORTED).beside(1.0)["grade"] == "unverified"
    with pytest.raises(ScenarioError, match=r"unknown grade 'reportd': .*did you mean 'reported'"):
        parse_grade("reportd")


@pytest.mark.closed_form
def test_places_in_lists_and_ends_of_ranges() -> None:
    names = {"0": True, "123456789": True, "1234567890": False, "²": False, "-1": False, "": False}
    assert {name: is_place(name) for name in names} == names
    form: dict[str, Any] = {"a": [{"b": 1.0}, 2.0]}
    set_path(form, "a.1", 3.0, [])
    set_path(form, "a.0.b", 4.0, [])
    assert form == {"a": [{"b": 4.0}, 3.0]}
    for path in ("a.2", "a.-1", "a.x.b", "c", "a.0.b.d"):
        with pytest.raises(UnknownParameterError):
            set_path(form, path, 1.0, ["a"])
    assert bound("a / b", {"a": 6.0, "b": 3.0}) == 2.0
    assert bound("1 / b", {"b": 4.0}) == 0.25
    assert (bound("a", {}), bound(None, {}), bound(2.0, {})) == (None, None, 2.0)
    assert str(Range(high=3.0)) == "at most 3" and str(Range(low="a", above=True)) == "above a"


@pytest.mark.closed_form
def test_a_traced_array_is_rearranged_like_an_array() -> None:
    graph = Graph()
    table = TracedTable(graph, "x", (2, 3))
    assert (table.size, table.ndim, len(table), table.cells) == (6, 2, 2, 3)
    cells = np.array([[node.data[1] for node in row] for row in table.nodes])
    assert cells.tolist() == [[0, 1, 2], [3, 4, 5]]

    def places(traced: Traced) -> list[int]:
        return [node.data[1] for node in traced.nodes.reshape(-1)]

    plain = np.arange(6).reshape(2, 3)
    assert places(table.swapaxes(0, 1)) == plain.swapaxes(0, 1).reshape(-1).tolist()
    assert places(np.moveaxis(table, 1, 0)) == plain.T.reshape(-1).tolist()
    assert places(np.concatenate([table[1:], table[:1]])) == [3, 4, 5, 0, 1, 2]
    assert places(np.broadcast_to(table[0], (2, 3))) == [0, 1, 2, 0, 1, 2]
    assert (np.shape(table), np.any(table), np.all(table)) == ((2, 3), True, False)
    assert [node.data[0] for node in np.full_like(table, 7.0).nodes.reshape(-1)] == [7.0] * 6
    assert [float(node.data[0]) for node in np.ones_like(table[0]).nodes] == [1.0] * 3
    clipped = np.clip(table[0, 0], 1.0, 2.0).only
    assert (clipped.kind, clipped.args[0].kind) == ("minimum", "maximum")
    highest = table.max().nodes
    assert highest.shape == (3,) and {node.kind for node in highest} == {"maximum"}
    assert [node.kind for node in table.min().nodes] == ["minimum"] * 3
    assert sorted(arg.data[1] for arg in highest[1].args) == [1, 4]
    blank = np.nan_to_num(table[0, 0]).only
    assert (blank.kind, blank.args[0].data, blank.args[1].data[0]) == ("select", "uno", 0.0)
