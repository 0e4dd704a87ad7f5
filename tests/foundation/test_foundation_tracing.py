"""Traced arrays: they record the operations of NumPy, and make no decision that depends on draws."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.foundation import machine_code, row_loops, tracing
from costmodel.foundation.trace_graph import Graph, TracingError, answered
from costmodel.foundation.tracing import Index, Table, Traced
from costmodel.foundation.vector_code import Writer
from costmodel.foundation.vector_math import AVX512
from costmodel.foundation.vector_needs import Needs, Phase
from costmodel.foundation.vector_run import FIELDS, LINE

pytestmark = pytest.mark.closed_form
WIDTH = 4
"""Draws in a vector of most tests [1]; any machine supports it."""


def computed(
    step, arrays: dict[str, np.ndarray], shape: tuple[int, ...], steps: int = 1, width: int = WIDTH, often: bool = False
):
    """Trace a step that reads tables, compile it, run it over the draws of the tables, and return its outputs.

    ``step`` is called with a graph's index and the tables; it returns its output, and the carried values by path.
    """
    pytest.importorskip("llvmlite")
    graph = Graph()
    tables = {name: Table(graph, name, array.shape[:-1]) for name, array in arrays.items()}
    value, carried = step(Index(graph), tables)
    nodes = np.broadcast_to(tracing.nodes_of(graph, value), shape).reshape(-1)
    puts = [("out", 0, cell, graph.number(graph.node(node))) for cell, node in enumerate(nodes)]
    kept_nodes = {
        path: [graph.number(graph.node(node)) for node in tracing.nodes_of(graph, item).reshape(-1)]
        for path, item in carried.items()
    }
    shapes = {name: array.shape[:-1] for name, array in arrays.items()}
    written = {node.data[0] for node in _all_nodes(graph.blocks[0]) if node.kind == "write"}
    end = Graph()
    writer = Writer(
        [Phase(graph, puts, kept_nodes, often), Phase(end, [], {})], shapes, kept_nodes, written, shapes, width
    )
    code = machine_code.Loaded(machine_code.compiled(writer.text()), "run", 8)
    draws = next(iter(arrays.values())).shape[-1]
    rows = []
    for name in writer.plan.inputs:
        array = arrays[name]
        rows.append((array.ctypes.data, int(np.prod(array.shape[1:], dtype=int)), draws, 1))
    room = np.full(steps * int(np.prod(shape, dtype=int)) * draws + LINE, np.nan)
    begin = -room.ctypes.data // 8 % LINE  # outputs begin at a line of the cache
    out = room[begin : begin + room.size - LINE].reshape(steps, *shape, draws)
    places = np.array([(out.ctypes.data, int(np.prod(shape, dtype=int)) * draws, draws, 1)], dtype=np.int64)
    context = np.empty(1 + FIELDS * len(rows), dtype=np.int64)
    context[0] = places.ctypes.data
    context[1:] = np.array(rows, dtype=np.int64).reshape(-1)
    kinds = np.array([0] * steps + [1], dtype=np.int64)
    scratch = np.empty(writer.plan.size * width + 64)
    start = scratch.ctypes.data + (-scratch.ctypes.data % 64)
    code(context.ctypes.data + 8, 0, -(-draws // width), steps, draws - width, kinds.ctypes.data, start, 1)
    return out


def _all_nodes(block):
    for node in block:
        yield node
        if node.kind == "loop":
            yield from _all_nodes(node.data.body)


SAMPLES = np.concatenate([
    np.linspace(-740.0, 709.0, 20_001), np.linspace(-1e-3, 1e-3, 2001), np.geomspace(1e-300, 1e300, 5001),
    [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1e-310, 709.5, 709.9, -745.2],
])  # fmt: skip


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p"])
def test_exponentials_and_logarithms_are_those_of_numpy_to_the_last_bits(name: str) -> None:
    function = getattr(np, name)
    x = np.append(SAMPLES, np.ones(-len(SAMPLES) % AVX512))
    got = computed(lambda step, tables: (function(tables["x"]), {}), {"x": x}, ())[0]
    with np.errstate(all="ignore"):
        expected = function(x)
    normal = np.abs(expected) > 1e-300
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_array_equal(got[~np.isfinite(expected)], expected[~np.isfinite(expected)])
    close = normal & np.isfinite(expected)
    np.testing.assert_allclose(got[close], expected[close], rtol=4.5e-16)
    np.testing.assert_allclose(got[~normal], expected[~normal], rtol=0.0, atol=1e-300)


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p"])
def test_bits_do_not_depend_on_the_draws_in_a_vector(name: str) -> None:
    """AVX-512 takes and sets exponents by operations of its own."""
    pytest.importorskip("llvmlite")
    if machine_code.machine()[2] < AVX512:
        pytest.skip("this processor has no vectors of eight draws")
    x = np.append(SAMPLES, np.ones(-len(SAMPLES) % AVX512))
    few, many = (
        computed(lambda step, tables: (getattr(np, name)(tables["x"]), {}), {"x": x}, (), width=width)
        for width in (2, AVX512)
    )
    np.testing.assert_array_equal(many, few)


def test_inlined_functions_give_the_same_bits() -> None:
    def step(k, tables):
        x = tables["x"]
        return np.exp(x) + np.expm1(x) * np.log1p(np.abs(x)) + np.power(np.abs(x), 0.3) * np.log(np.abs(x) + 2.0), {}

    x = np.linspace(-3.0, 3.0, 400)
    called, inlined = (computed(step, {"x": x}, (), often=often)[0] for often in (False, True))
    np.testing.assert_array_equal(inlined, called)
    assert np.isfinite(called).all()


def test_powers_are_those_of_numpy() -> None:
    x, y = (item.reshape(-1) for item in np.meshgrid(np.geomspace(1e-6, 1e6, 40), np.linspace(-3.0, 3.0, 40)))
    edges = np.array(
        [[0.0, 2.0], [0.0, 0.0], [1.0, np.inf], [np.inf, 0.5], [5.0, 0.0], [0.0, -1.0], [2, 0.5], [4, 0.5]]
    )
    x, y = np.append(x, edges[:, 0]), np.append(y, edges[:, 1])
    got = computed(lambda step, tables: (np.power(tables["x"], tables["y"]), {}), {"x": x, "y": y}, ())[0]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(got, np.power(x, y), rtol=2e-14)


def test_what_is_not_a_number_stays_so_in_the_larger_and_the_smaller() -> None:
    x, y = np.array([np.nan, 1.0, np.nan, 2.0]), np.array([1.0, np.nan, np.nan, 3.0])
    for function in (np.maximum, np.minimum):
        for operation in (
            lambda x, y, function=function: function(x, y),
            lambda x, y, function=function: function(y, 7.0),
            lambda x, y, function=function: function(7.0, y),
        ):
            got = computed(lambda step, t, of=operation: (of(t["x"], t["y"]), {}), {"x": x, "y": y}, ())[0]
            np.testing.assert_array_equal(got, operation(x, y))


def test_a_carried_value_and_a_row_of_the_step() -> None:
    flow = np.arange(12.0).reshape(3, 4)  # (step, draw)

    def step(k, tables):
        total = tables["total"] + tables["flow"][k]
        return total * (k + 1), {"total": total}

    got = computed(step, {"flow": flow, "total": np.zeros((1, 4))}, (1,), steps=3)
    np.testing.assert_array_equal(got[:, 0], np.cumsum(flow, axis=0) * np.array([[1.0], [2.0], [3.0]]))


def test_rows_are_written_read_late_and_summed_up_to_the_present_step() -> None:
    lag = np.array([[0.0, 1.0, 2.0, 1.0]])
    table = np.zeros((4, 4))

    def step(k, tables):
        tables["kept"][k] = tables["flow"][k]
        late = row_loops.rows_at(tables["kept"], np.maximum(k - tables["lag"][0], 0.0))
        return late + 100.0 * row_loops.summed(tables["kept"][0 : k + 1]), {}

    flow = np.arange(16.0).reshape(4, 4)
    got = computed(step, {"flow": flow, "kept": table, "lag": lag}, (), steps=4)
    rows = np.maximum(np.arange(4)[:, None] - lag, 0.0).astype(int)
    np.testing.assert_array_equal(got, flow[rows, np.arange(4)] + 100.0 * np.cumsum(flow, axis=0))


def test_each_draw_reads_its_own_late_row_of_each_cell_of_two_written_tables() -> None:
    """The second table has two cells a row, and begins where the first with its three rows ends."""
    flow = np.arange(1.0, 13.0).reshape(3, 4)
    lag = np.array([2.0, 0.0, 1.0, 3.0])

    def step(k, tables):
        tables["first"][k] = 1000.0 * tables["flow"][k]
        tables["second"][k] = tables["flow"][k] * np.array([1.0, 100.0])
        late = np.maximum(k - tables["lag"], 0.0)
        return row_loops.rows_at(tables["second"], late) + row_loops.rows_at(tables["first"], late), {}

    given = {"flow": flow, "first": np.zeros((3, 4)), "lag": lag, "second": np.zeros((3, 2, 4))}
    got = computed(step, given, (2,), steps=3)
    rows = np.maximum(np.arange(3)[:, None] - lag, 0.0).astype(int)
    late = flow[rows, np.arange(4)]
    np.testing.assert_array_equal(got, late[:, None] * np.array([[1001.0], [1100.0]]))


def test_a_row_is_read_again_after_it_was_written() -> None:
    """A row is 0 at first, the flow after the first write, and twice the flow after the second."""

    def step(k, tables):
        before = tables["kept"][k]
        tables["kept"][k] = before + tables["flow"][k]
        middle = tables["kept"][k]
        tables["kept"][k] = 2.0 * middle
        return 100.0 * before + 10.0 * middle + tables["kept"][k], {}

    flow = np.arange(8.0).reshape(2, 4)
    got = computed(step, {"flow": flow, "kept": np.zeros((2, 4))}, (), steps=2)
    np.testing.assert_array_equal(got, 12.0 * flow)


def test_rows_are_multiplied_in_place_up_to_the_present_step() -> None:
    """Each step writes a row of ones and doubles all rows so far, only in the second draw."""

    def step(k, tables):
        tables["kept"][k] = np.ones_like(tables["factor"])
        factor = tables["factor"]

        def double(row):
            tables["kept"][row] *= factor

        row_loops.each_row(0, k + 1, double, row_loops.changed(factor))
        return row_loops.summed(tables["kept"][0 : k + 1]), {}

    factor = np.array([[1.0, 2.0, 1.0, 1.0]])
    got = computed(step, {"factor": factor, "kept": np.zeros((3, 1, 4))}, (1,), steps=3)
    np.testing.assert_array_equal(got[:, 0], [[1.0, 2.0, 1.0, 1.0], [2.0, 6.0, 2.0, 2.0], [3.0, 14.0, 3.0, 3.0]])


def test_what_is_read_is_read_again_only_where_a_step_writes_it() -> None:
    graph = Graph()
    written, fixed, looped = (Table(graph, name, (3,)) for name in ("written", "fixed", "looped"))
    before = [table[Index(graph)].only for table in (written, fixed, looped)]
    written[Index(graph)] = fixed[Index(graph)]
    middle = [table[Index(graph)].only for table in (written, fixed, looped)]
    assert [one is other for one, other in zip(before, middle, strict=True)] == [False, True, True]

    inside = []

    def write(row: Index) -> None:
        inside.append(looped[Index(graph)].only)
        looped[row] = looped[row] * 2.0

    row_loops.each_row(0, Index(graph, 1), write)
    assert inside[-1] is not middle[2]  # an earlier iteration may have written it
    after = [table[Index(graph)].only for table in (written, fixed, looped)]
    assert [one is other for one, other in zip(middle, after, strict=True)] == [True, True, False]


def test_a_loop_ends_for_each_draw_on_its_own() -> None:
    """Halve until at most 1: a draw that has converged keeps its value while others go on."""
    x = np.array([1.0, 8.0, 5.0, 1024.0])

    def halve(state):
        return (np.where(state[0] <= 1.0, state[0], state[0] / 2.0), state[1] + 1.0)

    def step(k, tables):
        start = tables["x"]
        return row_loops.repeat(9, halve, (start, np.zeros_like(start)), lambda state: state[0] <= 1.0)[0], {}

    got = computed(step, {"x": x}, ())[0]
    np.testing.assert_array_equal(got, [1.0, 1.0, 0.625, 2.0])


def test_a_short_cut_that_all_draws_must_agree_on_is_not_taken() -> None:
    array = Table(Graph(), "x", (2,))
    assert (array > 0.0).any() and not (array > 0.0).all() and not np.all(array > 0.0)


def test_what_cannot_be_traced_is_named() -> None:
    array = Table(Graph(), "x", (2,))
    with pytest.raises(TracingError, match="cos"):
        np.cos(array)
    with pytest.raises(TracingError, match="sort"):
        np.sort(array)
    with pytest.raises(TypeError):
        float(array[0])
    with pytest.raises(TracingError, match="at the step number"):
        array[0] = 1.0


def test_what_a_step_asks_of_its_number_is_kept() -> None:
    graph = Graph()
    graph.now = 3
    step = Index(graph)
    assert (step == 0) is False and (step + 1) % 4 == 0 and step >= 2
    assert graph.guards == [("eq", 0, 0, False), ("multiple", 1, 4, True), ("ge", 0, 2, True)]
    assert all(answered(how, 7 + more, of) == answer for how, more, of, answer in graph.guards)
    assert not all(answered(how, 4 + more, of) == answer for how, more, of, answer in graph.guards)


def test_numbers_are_computed_once_and_equal_operations_are_one() -> None:
    graph = Graph()
    x = Table(graph, "x", ())
    one, other = np.exp(x * 2.0), np.exp(x * 2.0)
    assert one.nodes[()] is other.nodes[()]
    assert Traced(graph, np.array(graph.constant(2.0), dtype=object)).nodes[()] is graph.apply("multiply", 1.0, 2.0)


@pytest.mark.closed_form
def test_plain_rows_are_written_each_and_in_order() -> None:
    written: list[int] = []
    row_loops.each_row(2, 6, written.append)
    assert written == [2, 3, 4, 5]
    row_loops.each_row(6, 6, written.append)
    assert written == [2, 3, 4, 5]


def test_every_operation_of_a_number_is_numpys() -> None:
    x = np.array([-2.5, -0.0, 0.0, 2.25, 9.0, -1.0, 1.0, 4.0])
    operations = {
        "sign": np.sign, "absolute": np.abs, "floor": np.floor, "ceil": np.ceil, "negative": np.negative,
        "less": lambda y: (y < 1.0) * 2.0, "at most": lambda y: (y <= 1.0) + 0.0, "equal": lambda y: (y == 1.0) * 3.0,
        "other": lambda y: (y != 1.0) + 1.0, "more": lambda y: (y > 1.0) * 2.0, "at least": lambda y: (y >= 1.0) * 2.0,
        "both": lambda y: np.logical_and(y > 0.0, y < 3.0) * 5.0, "either": lambda y: ((y < 0.0) | (y > 3.0)) * 5.0,
        "not": lambda y: np.logical_not(y > 0.0) * 7.0, "known": lambda y: np.isfinite(1.0 / y) * 2.0,
        "chosen": lambda y: np.where(y > 0.0, y, 8.0), "smaller": lambda y: np.minimum(2.0, y) - np.maximum(y, 1.0),
        "root": lambda y: np.sqrt(np.abs(y)), "held": lambda y: np.clip(y, -1.0, 2.0),
    }  # fmt: skip
    for name, operation in operations.items():
        got = computed(lambda step, t, operation=operation: (operation(t["x"]), {}), {"x": x}, ())[0]
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(got, operation(x), err_msg=name)


def test_each_draw_reads_its_own_row_of_a_table_that_stands_still() -> None:
    """Rows 0 to 2 of two columns; a number outside is held within, and the second table is read from its end."""
    table = np.arange(24.0).reshape(3, 2, 4)
    row = np.array([2.0, 0.0, -3.0, 7.0])

    def step(k, tables):
        return row_loops.rows_at(tables["table"], tables["row"]) + 100.0 * tables["table"][k], {}

    got = computed(step, {"table": table, "row": row}, (2,), steps=3)
    held = np.clip(row, 0.0, 2.0).astype(int)
    expected = np.stack([table[place, :, draw] for draw, place in enumerate(held)], axis=-1)
    np.testing.assert_array_equal(got, expected + 100.0 * table)


def test_a_loop_begins_at_the_first_row_of_any_draw() -> None:
    """Each step writes a row of ones; from the earliest of the draws' own first rows on, rows are doubled."""
    first = np.array([[2.0, 1.0, 5.0, 1.0]])

    def step(k, tables):
        tables["kept"][k] = np.ones_like(tables["first"])
        begin = row_loops.earliest(np.minimum(tables["first"], 2.0))

        def double(row):
            tables["kept"][row] *= 2.0

        row_loops.each_row(begin, k + 1, double)
        return row_loops.summed(tables["kept"][0 : k + 1]), {}

    got = computed(step, {"first": first, "kept": np.zeros((3, 1, 4))}, (1,), steps=3)
    # row 0 stays 1; row 1 is doubled in steps 1 and 2, row 2 in step 2
    np.testing.assert_array_equal(got[:, 0], np.broadcast_to([[1.0], [3.0], [7.0]], (3, 4)))


def test_a_condition_that_no_step_changes_is_kept_for_all_steps() -> None:
    """Computed before the first step and read in each: the flow counts as it is where x is above 0, else twice."""
    x, flow = np.array([1.0, -1.0, 0.0, 7.0]), np.arange(1.0, 13.0).reshape(3, 4)

    def step(k, tables):
        return np.where(tables["x"] > 0.0, tables["flow"][k], 2.0 * tables["flow"][k]), {}

    got = computed(step, {"flow": flow, "x": x}, (), steps=3)
    np.testing.assert_array_equal(got, flow * [1.0, 2.0, 2.0, 1.0])


@pytest.mark.parametrize(("width", "past"), [(2, 0), (4, 0), (8, 3)])
def test_outputs_go_past_the_cache_where_a_vector_is_a_whole_line(width: int, past: int) -> None:
    """A line has 64 bytes, eight numbers; shorter vectors may begin anywhere in one."""
    graph = Graph()
    x = graph.node(Table(graph, "x", ()).nodes[()])
    puts = [("out", 0, cell, x) for cell in range(3)]
    text = Writer([Phase(graph, puts, {}), Phase(Graph(), [], {})], {"x": ()}, (), (), ("x",), width).text()
    stores = [line for line in text.splitlines() if line.startswith("  store")]
    assert sum("align 64, !nontemporal" in line for line in stores) == past
    assert sum(line.endswith("align 8") for line in stores) == 3 - past


def test_each_cell_of_each_carried_value_has_its_own_place() -> None:
    """A sum of one cell, a product of two and a sum of three pass from step to step beside each other."""
    flow, factor = np.arange(1.0, 13.0).reshape(3, 4), np.array([[2.0], [3.0]])
    parts = np.array([[1.0], [10.0], [100.0]])

    def step(k, tables):
        one = tables["one"] + tables["flow"][k]
        two = tables["two"] * factor[:, 0]
        three = tables["three"] + tables["flow"][k] * parts[:, 0]
        together = one + two[0:1] * 1e3 + two[1:2] * 1e5 + three[0:1] * 1e7 + three[1:2] + three[2:3]
        return together, {"one": one, "two": two, "three": three}

    given = {"flow": flow, "one": np.zeros((1, 4)), "two": np.ones((2, 4)), "three": np.zeros((3, 4))}
    got = computed(step, given, (1,), steps=3)
    total = np.cumsum(flow, axis=0)
    powers = 2.0 ** np.arange(1, 4)[:, None] * 1e3 + 3.0 ** np.arange(1, 4)[:, None] * 1e5
    np.testing.assert_array_equal(got[:, 0], total + powers + total * 1e7 + total * 10.0 + total * 100.0)


def test_rows_that_all_draws_share_are_counted_from_the_step() -> None:
    """Two steps late, at least the first row; then every second row, at most the fourth."""
    flow = np.arange(24.0).reshape(6, 4)

    def step(k, tables):
        late = row_loops.rows_at(tables["flow"], np.maximum(np.float64(1.0) * k - 2.0, 0.0))
        wide = row_loops.rows_at(tables["flow"], np.minimum(np.float64(2.0) * k, 3.0))
        return late + 100.0 * wide, {}

    got = computed(step, {"flow": flow}, (), steps=4)
    np.testing.assert_array_equal(got, flow[[0, 0, 0, 1]] + 100.0 * flow[[0, 2, 3, 3]])


def test_what_no_step_changes_is_one_value_in_all_kinds_of_steps() -> None:
    """Each kind of step has a graph of its own; the root of x plus 1, and of y plus 1, are each computed once."""
    phases, roots = [], []
    for graph in (Graph(), Graph()):
        own = [np.sqrt(Table(graph, name, ()) + 1.0).nodes[()] for name in ("x", "y")]
        phases.append(Phase(graph, [("out", 0, cell, node) for cell, node in enumerate(own)], {}))
        roots.append(own)
    needs = Needs(phases, (), ())
    (x, y), (again_x, again_y) = [[needs.first(node) for node in row] for row in roots]
    assert x is again_x and y is again_y and x is not y
