"""Limits at their edges, and short texts of numbers, names and tables, each written out by hand."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from costmodel.foundation import budgets, moves, quantities, reducers, tables, toml
from costmodel.foundation.arrays import as_array, broadcast, frozen, ordered_sum, quiet, readonly
from costmodel.foundation.axes import axes_of, thinned
from costmodel.foundation.bibliographies import bibliography, bibtex
from costmodel.foundation.blocks import BLOCK, spans, trimmed
from costmodel.foundation.design import Design, correlated, seed_of
from costmodel.foundation.differences import Difference, entry_text
from costmodel.foundation.errors import (
    DomainError,
    ScenarioError,
    UnitError,
    error_line,
    harmless,
    near_matches,
    one_line,
)
from costmodel.foundation.provenance import Citation, Grade, Source
from costmodel.foundation.ranges import read_range
from costmodel.foundation.restated import _level, _years, currency_factor, unit_in
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import Schedule, TimeGrid, year_fraction
from costmodel.foundation.tables import Linked, Table, figure, safe_link, shown_unit, spreadsheet_cell
from costmodel.foundation.values import ParameterSpec, scaled_value


def refused(call: Callable[[], Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        call()


@pytest.mark.contract
def test_memory_is_refused_above_the_machine_s(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    assert budgets.memory_of_machine() == 12_288
    budgets.check_memory(1536.0, "a table", "…")
    refused(lambda: budgets.check_memory(1537.0, "a table", "…"), DomainError, "takes at least 0 GB")
    pages["SC_PHYS_PAGES"] = 10**8
    with pytest.raises(
        DomainError, match=r"^a design of 1,000,000,000 draws takes at least 480 GB of memory, more than"
    ):
        Design(tuple(map(str, range(60))), "random", 0, 10**9).ranks()

    def lacks(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", lacks)
    assert budgets.memory_of_machine() == 16 * 1024**3


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("count", "workers", "size"),
    [(5, 1, 1), (527, 33, 1), (528, 33, 2), (10**4, 32, 1), (10**4, 33, 2), (10**4, 64, 2), (10**4, 65, 4),
     (2079, 65, 2), (2080, 65, 4)],
)  # fmt: skip
def test_tasks_have_a_power_of_two_of_blocks(count: int, workers: int, size: int) -> None:
    """One up to 32 workers; more where every worker still has eight tasks: 2 · 8 · 33 = 528."""
    found = spans(count, workers)
    assert {len(span) for span in found[:-1]} <= {size}
    assert found[0] == range(size) and found[-1].stop == count
    assert sum(map(len, found)) == count


@pytest.mark.closed_form
def test_an_output_of_a_block_has_a_value_per_draw() -> None:
    assert spans(0, 4) == []
    assert trimmed(7.0, 0, 3).tolist() == [7.0, 7.0, 7.0]
    assert trimmed([[1.0, 2.0, 3.0]], 1, 2).tolist() == [[1.0, 2.0]]
    assert trimmed([[1.0, 2.0]], 2, 3).shape == (1, 2, 3)


@pytest.mark.closed_form
def test_blocks_of_a_design_are_counted_and_padded_at_the_median() -> None:
    for draws, count, last in ((1, 1, 1), (BLOCK - 1, 1, BLOCK - 1), (BLOCK, 1, BLOCK), (BLOCK + 1, 2, 1)):
        design = Design(("a",), "latin_hypercube", 1, draws)
        assert (design.blocks, design.block_draws(count - 1)) == (count, last)
        padded = design.ranks(count - 1)["a"]
        assert padded.shape == (BLOCK,)
        assert set(padded[last:].tolist()) <= {0.5}
    refused(lambda: design.ranks(2), DomainError, "block 2 does not exist: the design has 2")
    refused(lambda: design.ranks(-1), DomainError, "block -1")
    given = Design.from_ranks({"a": [0.0, 0.25, 1.0]})
    assert (given.draws, given.seed, given.method, given.correlations) == (3, 0, "given", ())
    assert given.ranks(0)["a"][:4].tolist() == [0.0, 0.25, 1.0, 0.5]
    assert Design((), "sobol", 0, 5).ranks(0) == {}
    for bad in ({"a": [-0.1]}, {"a": 0.5}):
        refused(lambda bad=bad: Design.from_ranks(bad), DomainError, "between 0 and 1")
    Design(("a",), "random", 0, 10**9)
    refused(lambda: Design(("a",), "random", 0, 10**9 + 1), DomainError, "at most 1,000,000,000; got 1,000,000,001")
    refused(lambda: Design(("a",), "sobl", 0, 1), ScenarioError, "unknown design method 'sobl'")
    refused(lambda: Design(("a", "a"), "sobol", 0, 1), ScenarioError, "twice")
    assert (seed_of(np.int64(3)), type(seed_of(np.int64(3)))) == (3, int)
    refused(lambda: seed_of(np.int64(-1)), DomainError, "at least 0; got ")


@pytest.mark.law
def test_three_ranks_have_all_their_correlations() -> None:
    stats = pytest.importorskip("scipy.stats")
    pairs = (("c", "a", 0.8), ("b", "c", -0.3), ("a", "b", 0.1))
    draws = Design(("a", "b", "c", "d"), "random", 3, BLOCK).ranks(0)
    found = correlated(draws, pairs)
    for one, other, rank in pairs:
        assert stats.spearmanr(found[one], found[other]).statistic == pytest.approx(rank, abs=0.03)
    assert found["d"] is draws["d"]
    assert all(ranks.min() > 0.0 and ranks.max() < 1.0 for ranks in found.values())


@pytest.mark.closed_form
def test_moments_of_large_numbers_are_scaled_by_a_power_of_two() -> None:
    large = 2.0**480
    assert float(reducers.Moments.of([large]).scale) == 1.0
    assert float(reducers.Moments.of([-3.0 * large]).scale) == 2.0 * large
    far = reducers.Moments.of([2.0**600, 3.0 * 2.0**600])
    # deviations of half a unit of 2^601 each
    assert (float(far.mean), float(far.deviation)) == (2.0**601, pytest.approx(2.0**0.5 * 2.0**600, rel=1e-15))
    assert float(far.variance) == math.inf
    both = reducers.Moments.of([4.0, 6.0]).merge(far)
    assert (both.count, float(both.low), float(both.high)) == (4, 4.0, 3.0 * 2.0**600)
    assert float(both.mean) == pytest.approx(2.0**600, rel=1e-15)
    # squares of -1, -1, 0, 2 in units of 2^600, over 3
    assert float(both.deviation) == pytest.approx(2.0**0.5 * 2.0**600, rel=1e-14)
    twice = reducers.Moments.of([1.0, 3.0]).times(2.0)
    assert [float(part) for part in (twice.mean, twice.variance, twice.low, twice.high)] == [4.0, 8.0, 2.0, 6.0]
    assert math.isnan(float(reducers.Moments.of([1.0]).deviation))
    nothing = reducers.Moments.of(np.empty((2, 0)))
    assert (nothing.low.tolist(), nothing.high.tolist()) == ([math.inf] * 2, [-math.inf] * 2)
    assert nothing.mean.tolist() == nothing.squares.tolist() == [0.0, 0.0]
    assert reducers.exact_quantile([[1.0, 5.0], [2.0, 4.0], [3.0, 6.0]], 0.5, axis=0).tolist() == [2.0, 5.0]
    assert reducers.exact_quantile([1.0], []).shape == (0,)
    refused(lambda: reducers.quantile_position(-0.001, 3), DomainError, "from 0 to 1")
    refused(lambda: reducers.quantile_position(0.5, 0), DomainError, "no draw")
    assert [reducers.quantile_position(rank, 3) for rank in (0.0, 1 / 3, 0.34, 2 / 3, 1.0)] == [1, 1, 2, 2, 3]


@pytest.mark.closed_form
def test_counts_on_both_sides_of_zero() -> None:
    """Draws -8, -2, 0, 0, 1, 16: each at its place, within half a bin."""
    values = [-8.0, -2.0, 0.0, 0.0, 1.0, 16.0]
    histogram = reducers.LogHistogram.of(values)
    found = [float(histogram.quantile((place + 0.5) / 6.0)) for place in range(6)]
    assert found == pytest.approx(values, rel=1 / 512)
    assert found[0] == -8.0 * (1 + 1 / 512)  # the middle of the bin that 8 begins
    wide = (
        reducers.LogHistogram.of([1.0])
        .merge(reducers.LogHistogram.of([2.0**-63]))
        .merge(reducers.LogHistogram.of([2.0**-64]))
    )
    assert [float(wide.quantile(rank)) > 0.0 for rank in (0.3, 0.5, 1.0)] == [False, True, True]


@pytest.mark.closed_form
def test_axes_are_recovered_from_columns() -> None:
    one, two, three = (axis.ravel() for axis in np.meshgrid([1.0, 2.0], [1.0, 2.0, 3.0], np.arange(4.0), indexing="ij"))
    assert axes_of([one, two, three]) == (2, 3, 4)
    assert axes_of([one]) == (2, 12)
    assert axes_of([two]) == (2, 3, 4)
    assert axes_of([np.zeros(5)]) == (5,)
    assert axes_of([np.arange(5.0)]) == (5,)
    repeated = np.tile([np.nan, 1.0], 3)
    assert axes_of([repeated]) == (3, 2)
    assert thinned(np.array([[1.0, 1.0], [1.0, 2.0]])).shape == (2, 2)
    assert thinned(np.array([[1.0, 2.0], [1.0, 2.0]])).tolist() == [[1.0, 2.0]]
    assert thinned(np.array([[0.0], [-0.0]])).shape == (2, 1)  # bit for bit


@pytest.mark.closed_form
def test_arrays_are_added_in_order_and_kept() -> None:
    first = np.array([1.0, 2.0])
    total = ordered_sum([first, np.array([10.0, 20.0]), np.array([100.0, 200.0])])
    assert total.tolist() == [111.0, 222.0]
    assert first.tolist() == [1.0, 2.0]
    assert ordered_sum([]) == 0.0
    assert ordered_sum([np.array([1, 2]), np.array([0.5, 0.5])]).tolist() == [1.5, 2.5]
    assert ordered_sum([np.ones(1), np.ones((2, 1)), np.ones(2)]).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert as_array(1).shape == ()
    view = readonly(first)
    assert view.base is first and first.flags.writeable and not view.flags.writeable
    assert not frozen(first).flags.writeable
    with quiet(), quiet():
        assert np.log(np.zeros(1))[0] == -math.inf


@pytest.mark.contract
def test_errors_are_one_short_line() -> None:
    assert one_line("a" * 1000) == "a" * 1000
    cut = one_line("b" * 1001)
    assert (len(cut), cut[797:800], cut[800:]) == (1000, " … ", "b" * 200)
    assert one_line("c" * 12, 11) == "cccccc … cc"
    assert (one_line("c" * 11, 11), one_line("")) == ("c" * 11, "")
    assert harmless("a\rb\tc\xa0d") == "a\\rb\tc d"
    assert error_line(ValueError("d" * 201)) == "d" * 200
    assert near_matches("a" * 128, ["a" * 128]) == f"; did you mean '{'a' * 128}'?"
    assert near_matches("a" * 129, ["a" * 129]) == ""
    assert near_matches("x", [f"{letter}.x" for letter in "abcd"]) == "; did you mean 'a.x' or 'b.x' or 'c.x'?"
    assert near_matches("PRICE", ["price", "other"]) == "; did you mean 'price'?"
    assert near_matches("price", ["priced", "prices", "prize", "pricey"]).count(" or ") == 2


@pytest.mark.contract
def test_a_key_and_a_form_may_be_as_large_as_stated() -> None:
    deepest: Any = 1.0
    for _ in range(32):
        deepest = {"a": deepest}
    toml.check_form(deepest)
    refused(lambda: toml.check_form({"a": deepest}), ScenarioError, "at most 32 tables")
    toml.check_form({"a" * 1024: 1.0})
    refused(lambda: toml.check_form({"a" * 512: {"b" * 512: 1.0}}), ScenarioError, "a key has 1025 characters")
    toml.check_form([0] * 200_000)
    refused(lambda: toml.check_form([0] * 200_001), ScenarioError, "at most 200,000 entries and 4,194,304 characters")
    toml.check_form(["x" * 4_194_304])
    refused(lambda: toml.check_form(["x" * 4_194_304, "x"]), ScenarioError, "too large")
    refused(lambda: toml.check_form({"a": "\ud800"}), ScenarioError, "not valid Unicode")
    toml.check_form({"a": "\ue000 \ud7ff"})
    parts = ".".join(["a"] * 32)
    toml.check_keys(f"{parts} = 1\n[{parts}]\n", "file")
    for text in (f"{parts}.a = 1", f"[{parts}.a]", f"x = {{ {parts}.a = 1 }}"):
        refused(lambda text=text: toml.check_keys(text, "file"), ScenarioError, "^file: a key has 33 parts; at most 32")
    toml.check_keys(f"{'a' * 1024} = 1", "file")
    refused(
        lambda: toml.check_keys(f"{'a' * 1025} = 1", "file"), ScenarioError, "a key has 1025 characters; at most 1024"
    )
    half = "a.a.a.a.a.a = 1\n" * 20_000  # five dots each
    toml.check_keys(half, "file")
    refused(lambda: toml.check_keys(f"{half}a.a = 1", "file"), ScenarioError, "more than 100,000 parts")


@pytest.mark.contract
@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"ge": 1.0}, [(1.0, 1.0, False)], [(0.9, 1.0, False), (0.9, 1.0, True)]),
        ({"gt": 1.0}, [(1.1, 1.1, False), (1.0, 2.0, True)], [(1.0, 1.0, False), (0.9, 2.0, True)]),
        ({"le": 1.0}, [(0.0, 1.0, False)], [(0.0, 1.1, False), (0.0, 1.1, True)]),
        ({"lt": 1.0}, [(0.0, 0.9, False), (0.0, 1.0, True)], [(0.0, 1.0, False), (0.0, 1.1, True)]),
    ],
)
def test_bounds_hold_at_their_ends(bounds: dict[str, float], inside: Any, outside: Any) -> None:
    """The ends of a continuous distribution are never reached."""
    spec = parameter(**bounds)
    for low, high, open_ended in inside:
        spec.check(low, high, what="value", open_ended=open_ended)
    for low, high, open_ended in outside:
        with pytest.raises(DomainError, match="is outside the allowed range") as caught:
            spec.check(low, high, what="value", open_ended=open_ended)
        assert ("truncate it" in str(caught.value)) is open_ended


def parameter(unit: str = "1", **bounds: float) -> ParameterSpec:
    ends: dict[str, Any] = dict.fromkeys(("ge", "gt", "le", "lt"))
    fixed: dict[str, Any] = {"trajectory": False, "optional": False, "description": "", "grade": Grade.ASSUMED}
    return ParameterSpec(unit=unit, **{**ends, **bounds}, **fixed, note=None)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("value", "hint"), [(1.5, "did you mean '1.5%'"), (100.0, "did you mean '100%'"), (101.0, ""), (-1.0, "")]
)
def test_a_share_above_one_may_be_a_percentage(value: float, hint: str) -> None:
    with pytest.raises(DomainError) as caught:
        parameter(ge=0.0, le=1.0).check(value, value, what="value")
    assert str(caught.value).startswith(f"value {value:g} is outside the allowed range (≥ 0 and ≤ 1), in '1'")
    assert ("did you mean" in str(caught.value)) is bool(hint) and hint in str(caught.value)
    with pytest.raises(DomainError) as caught:
        parameter("W", le=1.0).check(50.0, 50.0, what="value")
    assert "did you mean" not in str(caught.value)
    assert parameter(gt=0.0, lt=2.0).bounds() == "> 0 and < 2"
    refused(lambda: scaled_value(1.0, 0.0), DomainError, "above 0; got 0.0")
    assert (scaled_value(None, 2.0), scaled_value(3.0, 2.0)) == (None, 6.0)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Power, > 0 [W].", "above 0"),
        ("Power, >= 0 [W].", "at least 0"),
        ("Share, 0 < u <= 1 [1].", "above 0 to 1"),
        ("Share, 0 <= u < 1 [1].", "0 to below 1"),
        ("Count, < 5.", "below 5"),
        ("Count, at most 5.", "at most 5"),
        ("Count, below 5.", "below 5"),
        ("Count, at least 1,000.", "at least 1000"),
        ("Share, between 0 and 1.", "0 to 1"),
        ("Share, from 0 to below 1.", "0 to below 1"),
        ("Share, above 0 to 1 [1].", "above 0 to 1"),
        ("Share, more than 0 and less than 1.", "above 0 to below 1"),
        ("Size, positive.", "above 0"),
        ("Size, non-negative.", "at least 0"),
        ("Rate, −1 to 1 [1].", "-1 to 1"),
        ("Rate, 0 (excluded) to 1 [1].", "above 0 to 1"),
        ("Rate, > 0 to ``most`` [1].", "above 0 to most"),
        ("Rate, 0 to ``part / whole`` [1].", "0 to part / whole"),
        ("Anything at all.", None),
    ],
)
def test_ranges_are_read_from_texts(text: str, span: str | None) -> None:
    found = read_range(text)
    assert (None if found is None else str(found)) == span


@pytest.mark.closed_form
def test_numbers_and_units_are_shown_with_four_digits() -> None:
    shown = {0.0: "0", 9999.4: "9,999", 9999.6: "1e+04", 10_000.0: "10,000", -10_000.4: "-10,000", 999_999.4: "999,999",
             1e6: "1e+06", -1234567.0: "-1.235e+06", 0.00012345: "0.0001234", 12.3456: "12.35"}  # fmt: skip
    assert {value: figure(value) for value in shown} == shown
    for unit, size, name, factor in (
        ("1", 1e6, "million", 1e-6), ("1", 999_999.0, "", 1.0), ("1", 1e9, "billion", 1e-9), ("1", math.inf, "", 1.0),
        ("USD", -1e6, "M USD", 1e-6), ("USD", 1e12, "T USD", 1e-12), ("USD/year", 1e9, "B USD/year", 1e-9),
        ("EUR", 1e6, "M EUR", 1e-6), ("W", 999.0, "W", 1.0), ("W", 1e3, "kW", 1e-3), ("byte", 1e6, "Mbyte", 1e-6),
        ("FLOP/s", 1e15, "PFLOP/s", 1e-15), ("FLOP", 1e18, "EFLOP", 1e-18), ("g", math.nan, "g", 1.0),
        ("g/token", 0.0, "g/Mtoken", 1e6), ("L/token", 0.0, "L/Mtoken", 1e6), ("s/token", 1e9, "s/token", 1.0),
        ("EUR/token", 0.0, "EUR/Mtoken", 1e6), ("token", 1e9, "Gtoken", 1e-9), ("Wh", 1e12, "TWh", 1e-12),
    ):  # fmt: skip
        found, scale = shown_unit(unit, size)
        assert (found, scale) == (name, pytest.approx(factor, rel=1e-15)), (unit, size)
    links = {"http://a.b": "http://a.b", "ftp://a.b": "", "https://": "", "arxiv: 2405.21015": "https://arxiv.org/abs/2405.21015",
             " https://a.b ": "https://a.b", "https://[": "", None: ""}  # fmt: skip
    assert {link: safe_link(link) for link in links} == links
    cells = {"=1": "'=1", "+a": "'+a", "-a": "'-a", "@a": "'@a", "\ta": "'\ta", "\ra": "'\ra", "+1": "+1", "a=1": "a=1",
             "": ""}  # fmt: skip
    assert {cell: spreadsheet_cell(cell) for cell in cells} == cells


TABLE = Table(
    ("part", "unit", "cost_now", "later"),
    (("chip", "USD", (1e9, 2e9, 4e9), True), (Linked("site & land", "https://a.b"), "1", 0.5, None)),
    "costs",
    ("a note",),
    ("", "", "", ""),
    (0.05, 0.5, 0.95),
    (Linked("Report <1>", "https://c.d"), "a book"),
)


@pytest.mark.closed_form
def test_a_table_in_its_renderings() -> None:
    assert str(TABLE).splitlines() == [
        "costs",
        "part         unit    cost now  later",
        "chip         B USD  1 / 2 / 4    yes",
        "site & land               0.5",
        "a note",
        "source: Report <1>",
        "source: a book",
    ]


@pytest.mark.closed_form
def test_a_table_as_csv_html_and_flat() -> None:
    assert TABLE.to_csv().splitlines() == [
        "part,unit,cost_now p5,cost_now p50,cost_now p95,later",
        "chip,USD,1000000000.0,2000000000.0,4000000000.0,yes",
        "site & land,1,0.5,0.5,0.5,",
    ]
    flat = TABLE.flat()
    assert flat.flat() is flat and flat.units == ("",) * 6
    assert TABLE.words() == (True, True, False, False)
    assert TABLE.to_html().startswith(
        '<table><caption>costs</caption><thead><tr><th scope="col" class="w">part</th>'
        '<th scope="col" class="w">unit</th>'
        '<th scope="col">cost now</th><th scope="col">later</th></tr></thead><tbody>'
        '<tr><td class="w">chip</td><td class="w">B USD</td><td>1 / 2 / 4</td><td>yes</td></tr>'
    )
    assert TABLE.to_html().endswith(
        "</tbody></table><p>a note</p><p>source: "
        '<a href="https://c.d" rel="noopener noreferrer">Report &lt;1&gt;</a></p>'
        "<p>source: a book</p>"
    )
    sortable = TABLE.to_html(sortable=True)
    assert '<td data-value="2000000000.0">2<small>1 to 4</small></td><td>yes</td>' in sortable
    assert '<td data-value="0.5">0.5</td>' in sortable
    assert '<button type="button">cost now</button>' in sortable
    long = Table(("name",), (("x" * 60,), ("x" * 61,))).to_html()
    assert (long.count('class="w long"'), long.count('class="w"')) == (1, 2)
    assert TABLE.first(2) is TABLE
    assert (TABLE.first(1).rows, TABLE.first(1).notes) == (TABLE.rows[:1], ("1 of 2 rows", "a note"))
    assert TABLE.in_unit("USD", "later").units == ("", "", "", "USD")
    assert TABLE.in_unit("", "later") is TABLE
    assert Table.of([]).columns == ()


@pytest.mark.closed_form
def test_the_prefix_suits_small_and_large_figures_together() -> None:
    """The geometric mean of 1 and 1e6 is 1e3; of figures far apart the largest has at most four digits before it."""
    assert tables._size([1.0, 1e6]) == pytest.approx(1e3, rel=1e-15)
    assert tables._size([1.0, 1e12]) == pytest.approx(1e8, rel=1e-15)
    assert tables._size([-4.0, 0.0, math.nan, math.inf, "9", 7, (None, 9.0)]) == 6.0  # type: ignore[arg-type]
    assert tables._size(["a"]) == 0.0


@pytest.mark.closed_form
def test_entries_are_shown_in_a_few_words() -> None:
    knots = {"knots": [["2026-01-01", 1.0], ["2027-01-01", 2.0], ["2028-01-01", 3.5]], "interpolation": "step"}
    for entry, text in (
        ({"dist": "uniform", "low": 1.0, "high": 2.0}, "uniform(low=1, high=2)"),
        ({"value": 1234567.0, "grade": "assumed"}, "1.23457e+06"),
        (knots, "3 knots, 1 (2026-01-01) … 3.5 (2028-01-01)"),
        ({"formula": "year", "unit": "USD"}, "year USD"),
        ({"formula": "year"}, "year"),
        ([1, 2, 3], "3 entries"),
        ({"a": 1}, "1 entries"),
        (None, "absent"),
        (7, "7"),
        (True, "True"),
    ):
        assert entry_text(entry) == text


@pytest.mark.closed_form
def test_a_difference_names_its_scenarios() -> None:
    one, other = (Scenario(name="".join(("plan", " a")), model="".join(("no", "ne"))) for _ in range(2))
    found = Difference.between(one, other)
    assert found.scenarios == ("plan a", "plan a (changed)")
    assert str(found).splitlines()[0] == "plan a against plan a"
    assert str(found).splitlines()[-1] == "no entry that changes a number differs"
    refused(
        lambda: Difference.between(one, Scenario(name="b", model="some")), DomainError, "but 'b' of 'some'; use one"
    )


@pytest.mark.closed_form
def test_the_outputs_that_move_most_are_said() -> None:
    """Steps of 1 %: +2 %, -1 % and 0.1 % are said; 0.05 % is too little, and a fourth too many."""
    base = {"cost": 100.0, "power": 200.0, "tokens": 1000.0, "speed": 10.0, "none": 0.0}
    moved = {"cost": 102.0, "power": 198.0, "tokens": 1000.05, "speed": 10.005, "none": 1.0}
    assert moves._said(base, (moved, 0.01)) == "cost +2 %, power -1 %, speed +0.05 %"
    assert moves._said(base, ({**moved, "speed": 10.0}, 0.01)) == "cost +2 %, power -1 %, tokens +0.005 %"
    assert moves._said(base, ({"cost": 98.0, "power": 200.0, "tokens": 1000.009}, -0.01)) == "cost +2 %"
    assert moves._said({"cost": 1.0}, ({"cost": math.inf}, 0.01)) == moves._said({}, ({}, 0.01)) == ""


@pytest.mark.closed_form
def test_money_of_later_years_follows_inflation() -> None:
    levels = {2020: 100.0, 2022: 110.0}
    assert _level(levels, 2022, "CPI", None) == 110.0
    assert _level(levels, 2024, "CPI", 0.1) == pytest.approx(110.0 * 1.21, rel=1e-15)
    refused(lambda: _level(levels, 2019, "CPI", 0.1), DomainError, "money of 2019: CPI has levels for 2020 to 2022$")
    refused(lambda: _level(levels, 2023, "CPI", None), DomainError, "for later years, give inflation")
    for rate in (-0.5, 10.0):
        refused(lambda rate=rate: _level(levels, 2023, "CPI", rate), DomainError, "between -0.5 and 10")
    assert _level(levels, 2023, "CPI", -0.49) == pytest.approx(110.0 * 0.51)
    assert _years([dt.date(2027, 1, 1), dt.date(2027, 1, 2)], "bound") == [2026, 2027]
    assert _years([dt.date(2027, 1, 1), 2028.0], "step") == [2027, 2028]
    assert unit_in("USD/Wh/USDx", "EUR") == "EUR/Wh/USDx"


@pytest.mark.contract
def test_a_rate_of_exchange_is_given_once_and_above_0() -> None:
    plain = Scenario(name="a", model="none")
    assert currency_factor(plain, "USD", "EUR", 1.25, None) == (0.8, "EUR at 1.25 USD for one")
    refused(lambda: currency_factor(plain, "EUR", "GBP", 1.0, None), DomainError, "already in EUR")
    refused(lambda: currency_factor(plain, "USD", "EUR", 1.0, "2026-01-02"), DomainError, "not both")
    refused(lambda: currency_factor(plain, "USD", "EUR", None, None), ScenarioError, "needs a dated rate")
    for rate in (0.0, -1.0, math.inf, math.nan):
        refused(lambda rate=rate: currency_factor(plain, "USD", "EUR", rate, None), DomainError, "above 0; got")


@pytest.mark.closed_form
def test_dates_within_months_and_knots_at_their_edges() -> None:
    assert year_fraction(dt.date(2026, 1, 1)) == 2026.0
    assert year_fraction(dt.date(2026, 2, 15)) == pytest.approx(2026 + 1.5 / 12, rel=1e-15)
    assert year_fraction(dt.date(2024, 12, 31)) == pytest.approx(2024 + (11 + 30 / 31) / 12, rel=1e-15)
    steps = Schedule.parse({"knots": [["2026-01", 1.0], ["2027-01", 2.0]], "interpolation": "step"}, "1")
    assert steps.at(np.array([2027.0 - 2e-9, 2027.0 - 5e-10, 2027.0])).tolist() == [1.0, 2.0, 2.0]
    for value in (0.0, -1.0):
        refused(
            lambda value=value: Schedule.parse({"knots": [["2026-01", value]], "interpolation": "log-linear"}, "1"),
            DomainError,
            f"needs values above 0; the lowest is {value:g}",
        )
    grid = TimeGrid(dt.date(2025, 10, 1), 6, "quarter")
    assert (grid.years, grid.year_steps(2026)) == ((2026,), slice(1, 5))
    refused(lambda: grid.year_steps(2025), DomainError, r"whole year 2025; it covers \(2026,\)")


@pytest.mark.closed_form
def test_quantities_of_other_packages() -> None:
    class Pint:
        def __init__(self, magnitude: Any, *powers: tuple[str, Any]) -> None:
            self.magnitude, self.powers = magnitude, powers

        def unit_items(self) -> tuple[tuple[str, Any], ...]:
            return self.powers

        def __str__(self) -> str:
            return "q" * 70

    assert quantities.from_pint(Pint(2, ("USD", 1), ("hour", -1)), "USD/hour") == 2.0
    assert quantities.from_pint(Pint(3.0, ("hour", -1)), "1/hour") == 3.0
    assert quantities.from_pint(Pint(2.0, ("byte", 2), ("byte", -1)), "byte") == 2.0
    for quantity in (
        Pint(True, ("USD", 1)), Pint(math.inf, ("USD", 1)), Pint([1.0], ("USD", 1)), Pint(1.0, ("USD", 3)),
        Pint(1.0, ("USD", -3)), Pint(1.0, ("USD", 0.5)),
    ):  # fmt: skip
        with pytest.raises(UnitError) as caught:
            quantities.from_pint(quantity, "USD")
        assert str(caught.value).startswith(f"'{'q' * 64}'")


@pytest.mark.closed_form
def test_documents_are_listed_with_their_inputs() -> None:
    one, two = Source("First", "2026-05-14", "https://a.b/{x}"), Source("Sec#nd", None, None)
    rows = [
        Citation("a", "1", "USD", Grade.REPORTED, two, None),
        *(Citation(name, "1", "USD", grade, one, None) for name, grade in
          (("b", Grade.ASSUMED), ("c", Grade.PUBLISHED), ("d", Grade.ASSUMED))),
        Citation("e", "1", "USD", Grade.ASSUMED, None, None),
    ]  # fmt: skip
    table = bibliography(rows, "t")
    assert [row[:4] for row in table.rows] == [
        ("First", "2026-05-14", 3, "assumed, published"), ("Sec#nd", "", 1, "reported")
    ]  # fmt: skip
    assert table.notes == ("5 inputs, 1 of them without a document",)
    assert bibtex({"a b": one, "c": two}).splitlines() == [
        "@misc{a-b,",
        "  title = {{First}},",
        "  year = {2026},",
        "  month = {5},",
        r"  howpublished = {\url{https://a.b/%7Bx%7D}}",
        "}",
        "",
        "@misc{c,",
        r"  title = {{Sec\#nd}}",
        "}",
    ]


@pytest.mark.closed_form
@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (1, 3), (4, 1, 3)])
def test_a_row_is_laid_along_the_last_axis_of_any_shape(shape: tuple[int, ...]) -> None:
    row = np.array([5.0, 6.0, 7.0])
    assert broadcast(row, shape).shape == shape
    assert np.array_equal(broadcast(row, shape).reshape(-1, 3), np.tile(row, (np.prod(shape[:-1]), 1)))
    assert broadcast(row, (3,)) is row
    with pytest.raises(ValueError, match="broadcast"):
        broadcast(np.zeros(5), shape)
