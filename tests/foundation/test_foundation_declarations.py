"""Constants, limits and spellings of the foundation, each from its definition or counted by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from tests.default_numbers import default_numbers, kept_results

from costmodel.foundation import (
    axes,
    blocks,
    budgets,
    descriptions,
    design,
    distributions,
    errors,
    executors,
    files,
    formulas,
    grids,
    machine_code,
    moves,
    outside,
    plausible,
    quantities,
    ranges,
    reducers,
    result_files,
    result_tables,
    results,
    scenario,
    schedules,
    spellings,
    table_files,
    tables,
    toml,
    units,
    vector_math,
    vector_run,
)

MEBI = 1_048_576


@pytest.mark.closed_form
def test_constants_are_what_they_are_named() -> None:
    assert (units.HOURS_PER_YEAR, units.SECONDS_PER_HOUR) == (365 * 24 + 6, 60 * 60)
    assert (units.DAYS_PER_YEAR, units.MONTHS_PER_YEAR) == (365.25, 12)
    assert units.SECONDS_PER_YEAR == 31_557_600
    assert schedules.STEPS_PER_YEAR == {"half-month": 24, "month": 12, "quarter": 4, "year": 1}
    assert budgets.MAX_STEPS == 100 * 24  # a century of half months
    assert np.dtype(np.float64).itemsize == budgets.DOUBLE
    assert distributions.PERT_WEIGHT == 4.0  # Malcolm et al. (1959)
    assert math.ulp(0.5) / 2.0 == design._HALF_ULP  # numbers in [0, 1) are multiples of 2^-53
    assert np.finfo(np.float64).nmant == reducers._MANTISSA_BITS
    assert 1 << reducers.BINS_PER_DOUBLING_LOG2 == reducers._BINS == 256
    assert reducers.QUANTILE_ERROR == 1.0 / 512.0
    assert math.frexp(reducers.LARGE) == (0.5, 481)
    assert np.finfo(np.float64).max > reducers.LARGE**2 * 2.0**63
    assert 1.0 / math.log(2.0) == vector_math._LOG2_E
    assert math.log(2.0) == vector_math._LN2_HIGH + vector_math._LN2_LOW
    assert math.frexp(vector_math._LN2_HIGH)[0] * 2**32 % 1.0 == 0.0  # 21 of 53 bits are 0
    assert vector_math._SHIFT == 6_755_399_441_055_744
    assert tuple(1.0 / math.factorial(power) for power in range(2, 15)) == vector_math._EXP
    # the first terms of 2/3 + 2/5 s² + …; the later ones are fitted
    assert vector_math._LOG[:4] == pytest.approx([2 / 3, 2 / 5, 2 / 7, 2 / 9], rel=1e-4)
    assert len(vector_math._LOG) == 7
    assert vector_run.FIELDS == 4  # base, row, cell, draw


@pytest.mark.contract
def test_limits_are_as_documented() -> None:
    assert (axes._CHUNK, axes._PROBES, axes._WORTH) == (65_536, 32, 0.75)
    assert (blocks.BLOCK, blocks.WORKERS_SERVED, blocks.TASKS_PER_WORKER) == (8192, 32, 8)
    assert (budgets.MAX_DRAWS, budgets.USUAL_MEMORY) == (1_000_000_000, 16_384 * MEBI)
    assert (descriptions.MOST_MOVED, moves.STEP, moves.SAID, moves.LEAST) == (6, 0.01, 3, 0.001)
    assert distributions.LEAST_MASS == 1e-12
    assert (errors.LONGEST_MESSAGE, errors.LONGEST_NAME, errors.SHOWN_MATCHES) == (1000, 128, 3)
    assert (executors._AHEAD, executors._SPARE, executors._UNKNOWN_WORKERS) == (2, 2, 4)
    assert (files.MAX_TEXT_BYTES, files.MAX_CELL) == (64 * MEBI, 131_072)
    assert (formulas.LONGEST, formulas.DEEPEST_CALL, formulas.MEMORY_LIMIT) == (1000, 50, 16_000_000)
    assert (formulas.TIME_LIMIT, formulas.KILLED_AFTER) == (0.5, 2.0)
    assert (grids.LARGE, grids.PIECE, grids._WORTH) == (32_768, 8192, 0.5)
    assert machine_code.OPTIMIZATION == 2
    assert (outside.LONGEST_NUMBER, outside.LARGEST_NUMBER) == (128, 1e60)
    assert (quantities.MAX_READINGS, units.MAX_LENGTH, ranges.ROUNDING) == (64, 64, 1e-12)
    assert (reducers.DOUBLINGS_KEPT, result_files.MAX_RESULT_BYTES) == (64, 16_384 * MEBI)
    assert (result_tables.SUMMARY_QUANTILES, result_tables.MOST_OBJECT) == ((0.05, 0.5, 0.95), 60)
    assert (results.SHOWN_HTML, results.REPR_OUTPUTS, results.SHOWN_ITEMS) == (15, 7, 3)
    assert scenario.SHOWN_UNCERTAIN == 12
    assert (table_files._SHEET_NAME, table_files._WIDEST) == (31, 60)
    assert (tables.NOTEBOOK_ROOM, tables.LONG) == (9000, 60)
    assert (tables.SHOWN_ROWS, tables.SHOWN_LABELS) == (12, 4)
    assert (toml.MAX_KEY_PARTS, toml.MAX_PARTS, toml.MAX_KEY_LENGTH) == (32, 100_000, 1024)
    assert (toml.MAX_ENTRIES, toml.MAX_CHARACTERS) == (200_000, 4 * MEBI)
    assert default_numbers("foundation") == {
        "errors.error_line": {"longest": 200},
        "errors.one_line": {"longest": 1000},
        **{f"files.{name}": {"longest": 64 * MEBI} for name in ("read_json", "read_text", "read_whole")},
        "outside.needed_number": {"least": -math.inf},
        "reducers.exact_quantile": {"axis": -1},
        "running.place_of": {"first_draw": 0},
        "tables.shown_unit": {"size": 0.0},
    }


@pytest.mark.contract
def test_what_is_asked_for_again_and_again_is_kept() -> None:
    whole = """
        outputs._outputs_of outputs._named_outputs_of restated._levels restated._class spellings.spellings
        spellings.folded units._meanings units._scale_and_dimension
    """
    assert kept_results("foundation") == {
        **dict.fromkeys(whole.split()),
        "axes._divisors": 256, "design._strata": 256, "distributions._median": 4096, "executors._function": 2,
        "formulas.evaluate": 4096, "machine_code.machine": 1, "schedules.year_fraction": 4096,
        "schedules._years_on": 1024, "schedules._dates_of": 256, "schedules._whole_years": 256,
        "schedules._medians_on": 4096,
    }  # fmt: skip


PLAUSIBLE = """
    USD/Wh      0    0.01   1e-6  1e-3
    USD/token   0    0.1    1e-9  1e-3
    USD/hour    0    1e4    0.05  100
    USD/W       0    1e3    1     100
    USD/W/year  0    1e3    0.01  10
    FLOP/s      1e6  inf    1e12  1e17
    byte/s      1e5  inf    1e9   1e14
    byte        0    inf    1e9   1e13
    W           0    inf    100   1e10
    s/token     0    60     1e-4  1
    token       0    inf    1e9   1e15
    1/year      0    inf    1e-3  0.6
    year        0    200    0.1   60
"""
"""Unit, least and greatest magnitude of a bare number, and the range of most."""


@pytest.mark.contract
def test_bare_numbers_have_the_documented_ranges() -> None:
    rows = [line.split() for line in PLAUSIBLE.strip().splitlines()]
    ours = {unit: (one.low, one.high, *one.usual) for unit, one in plausible.RANGES.items()}
    assert ours == {unit: tuple(map(float, ends)) for unit, *ends in rows}
    for sizes, number, allowed in (
        ((1.0, 2.0), 1.0, True), ((1.0, 2.0), -2.0, True), ((1.0, 2.0), 0.0, True), ((1.0, 2.0), 0.999, False),
        ((1.0, 2.0), -2.001, False),
    ):  # fmt: skip
        assert plausible.is_plausible(number, sizes) is allowed
    # the ends of a usual size are in it, and at most two spellings are suggested
    assert plausible.meant(1.0, "byte") == "'1 GB' or '1 TB'"
    assert plausible.meant(10.0, "byte") == "'10 GB' or '10 TB'"
    assert plausible.meant(11.0, "byte") == "'11 GB'"
    assert plausible.meant(0.9, "byte") == "'0.9 TB'"
    assert plausible.meant(60.0, "1/year") == "'60%/year'"
    assert plausible.meant(61.0, "1/year") == plausible.meant(1.0, "L") == ""
    assert plausible.meant(1000.0, "USD/hour") == "'1000 USD/month' or '1000 USD/year'"


MULTIPLIERS = {
    3: "k K thousand", 6: "M mn million millions", 9: "G B bn billion billions", 12: "T tn trillion trillions",
    15: "quadrillion", -2: "cent cents ¢", -4: "bp bps",
}  # fmt: skip
"""Spellings by their power of ten; all others have the factor 1."""
PREFIXES = {
    "k": "k", "K": "k", "M": "M", "G": "G", "T": "T", "P": "P", "E": "E", "Z": "Z", "Y": "Y", "kilo": "k",
    "mega": "M", "giga": "G", "tera": "T", "peta": "P", "exa": "E", "zetta": "Z", "yotta": "Y",
}  # fmt: skip
SCALES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "Z": 1e21, "Y": 1e24}


@pytest.mark.closed_form
def test_every_spelling_has_the_power_of_ten_of_its_name() -> None:
    powers = {name: power for power, names in MULTIPLIERS.items() for name in names.split()}
    found = spellings.spellings()
    assert set(powers) <= set(found)
    for name, meanings in found.items():
        assert meanings[0][0] == Fraction(10) ** powers.get(name, 0), name
        assert [factor for factor, _ in meanings[1:]] == [1] * (len(meanings) - 1), name
    assert [unit for _, unit in found["B"]] == ["1", "byte"]
    assert [unit for _, unit in found["bps"]] == ["1", "bit/s"]
    assert {
        name: 10**power for name, power in (("m", 6), ("mm", 6), ("b", 9), ("t", 12))
    } == spellings.MONEY_MULTIPLIERS


@pytest.mark.closed_form
def test_every_prefix_goes_before_every_unit_that_takes_one() -> None:
    found = spellings.spellings()
    for prefix, canonical in PREFIXES.items():
        for name, unit in (("tokens", "token"), ("byte", "byte"), ("bits", "bit"), ("watt", "W"), ("Wh", "Wh"),
                           ("joules", "J"), ("grams", "g"), ("flop", "FLOP"), ("USD", "USD")):  # fmt: skip
            assert found[prefix + name] == ((1, canonical + unit),), prefix + name
        assert found[f"{prefix}FLOPS"] == ((1, f"{canonical}FLOP/s"),)
        assert set(found[f"{prefix}flops"]) == {(1, f"{canonical}FLOP/s"), (1, f"{canonical}FLOP")}
        if len(prefix) == 1:
            assert found[f"{prefix}bps"] == ((1, f"{canonical}bit/s"),)
            assert found[f"{prefix}Bps"] == ((1, f"{canonical}byte/s"),)
    assert (found["B$"], found["T$"], found["BUSD"]) == (((1, "GUSD"),), ((1, "TUSD"),), ((1, "GUSD"),))
    assert found["MiB"] == found["mebibyte"] == found["mebibytes"] == ((1, "MiB"),)
    folded = spellings.folded()
    assert min(map(len, folded)) == 3
    assert folded["gpus"] == folded["gpu"] == folded["racks"] == ((1, "1"),)
    assert folded["hrs"] == ((1, "hour"),)


BASE = {
    "bit": (1 / 8, "byte"), "KiB": (1024.0, "byte"), "MiB": (1024.0**2, "byte"), "GiB": (1024.0**3, "byte"),
    "TiB": (1024.0**4, "byte"), "PiB": (1024.0**5, "byte"), "ms": (1e-3, "s"), "us": (1e-6, "s"), "ns": (1e-9, "s"),
    "minute": (60.0, "s"), "hour": (3600.0, "s"), "day": (86_400.0, "s"), "week": (604_800.0, "s"),
    "year": (31_557_600.0, "s"), "quarter": (7_889_400.0, "s"), "month": (2_629_800.0, "s"), "J": (1 / 3600, "Wh"),
    "tonne": (1e6, "g"), "percent": (0.01, "1"), "%": (0.01, "1"), "tokens": (1.0, "token"), "h": (1.0, "hour"),
    "y": (1.0, "year"), "hours": (1.0, "hour"), "years": (1.0, "year"), "W*hour": (1.0, "Wh"), "W*s": (1.0, "J"),
}  # fmt: skip
"""Units of the vocabulary in others."""


@pytest.mark.closed_form
def test_units_have_their_sizes() -> None:
    for unit, (size, to) in BASE.items():
        assert units.conversion_factor(unit, to) == pytest.approx(size, rel=1e-15), unit
    for unit in ("USD", "token", "FLOP", "byte", "bit", "W", "Wh", "J", "g"):
        for prefix, scale in SCALES.items():
            assert units.conversion_factor(prefix + unit, unit) == scale
            assert units.convert(3.0, unit, prefix + unit) == 3.0 / scale
    assert units.dimensions("W") == {"energy": 1.0, "time": -1.0}
    assert units.dimensions("USD*USD/W/hour") == {"money": 2.0, "energy": -1.0}
    assert units.dimensions("token/token") == {}
    assert "x" not in units._VOCABULARY


@pytest.mark.contract
def test_a_unit_has_at_most_64_characters() -> None:
    units.check_unit("USD/year" + "/1" * 28)
    for unit in ("USD/token" + "/1" * 28, "USD/", "/USD", "USD//year", "usd", ""):
        with pytest.raises(errors.UnitError):
            units.check_unit(unit)
