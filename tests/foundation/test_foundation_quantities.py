"""Quantities as written on price pages, in data sheets and in papers: parsed, or refused with a valid spelling."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.errors import DomainError, UnitError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.plausible import RANGES, is_plausible
from costmodel.foundation.quantities import EXAMPLES, parse_quantity
from costmodel.foundation.spellings import MULTIPLIERS, spellings
from costmodel.foundation.units import _DEFINITIONS, MAX_LENGTH, conversion_factor, dimensions
from costmodel.ownership.accelerator_hour import AcceleratorHour

YEAR = 8766.0  # hours
DAY = 24.0  # hours

READ = [
    # prices of an accelerator-hour
    ("$2.50/hr", "USD/hour", 2.5),
    ("$2.50/hour", "USD/hour", 2.5),
    ("$2.50 / h", "USD/hour", 2.5),
    ("$2.50 per hour", "USD/hour", 2.5),
    ("$2.50 per GPU per hour", "USD/hour", 2.5),
    ("$2.50/GPU/hr", "USD/hour", 2.5),
    ("$2.50/GPU-hour", "USD/hour", 2.5),
    ("2.50 USD/hr", "USD/hour", 2.5),
    ("2.5 USD/GPU-hr", "USD/hour", 2.5),
    ("2.5 USD/(GPU·hour)", "USD/hour", 2.5),
    ("2.5 USD/GPU hour", "USD/hour", 2.5),
    ("2.5 USD/chip-hour", "USD/hour", 2.5),
    ("2.5 USD/accelerator-hour", "USD/hour", 2.5),
    ("USD 2.50/hour", "USD/hour", 2.5),
    ("US$2.50/hr", "USD/hour", 2.5),
    ("2.5 dollars per hour", "USD/hour", 2.5),
    ("250 cents/hour", "USD/hour", 2.5),
    ("$2.50 hourly", "USD/hour", 2.5),
    ("$60/day", "USD/hour", 60 / DAY),
    ("$1,826.25/month", "USD/hour", 1826.25 / (YEAR / 12)),
    ("$1,826.25/mo", "USD/hour", 1826.25 / (YEAR / 12)),
    ("$21,915/yr", "USD/hour", 21915 / YEAR),
    ("$21.915k/year", "USD/hour", 21915 / YEAR),
    ("$21,915 annually", "USD/hour", 21915 / YEAR),
    ("$21,915 p.a.", "USD/hour", 21915 / YEAR),
    ("0.0065 1/day", "1/hour", 0.0065 / DAY),
    ("3 1/year", "1/year", 3.0),
    # money
    ("1,200 USD", "USD", 1200.0),
    ("1200 USD", "USD", 1200.0),
    ("1_200 USD", "USD", 1200.0),
    ("$1,200.50", "USD", 1200.5),
    ("$1.5M", "USD", 1.5e6),
    ("$1.5 M", "USD", 1.5e6),
    ("$1.5m", "USD", 1.5e6),
    ("$1.5mm", "USD", 1.5e6),
    ("$1.5mn", "USD", 1.5e6),
    ("$1.5 million", "USD", 1.5e6),
    ("1.5 million dollars", "USD", 1.5e6),
    ("1.5M USD", "USD", 1.5e6),
    ("1.5 MUSD", "USD", 1.5e6),
    ("USD 1.5M", "USD", 1.5e6),
    ("$30k", "USD", 3e4),
    ("$30K", "USD", 3e4),
    ("30 kUSD", "USD", 3e4),
    ("$80B", "USD", 8e10),
    ("$80bn", "USD", 8e10),
    ("$80 billion", "USD", 8e10),
    ("80 B USD", "USD", 8e10),
    ("80 G$", "USD", 8e10),
    ("80 B$", "USD", 8e10),
    ("$3T", "USD", 3e12),
    ("$3 trillion", "USD", 3e12),
    ("-$5M", "USD", -5e6),
    ("$-5M", "USD", -5e6),
    ("−5 MUSD", "USD", -5e6),
    ("$80B/year", "USD/year", 8e10),
    ("$80B per year", "USD/year", 8e10),
    ("$20B/quarter", "USD/year", 8e10),
    ("$300k/yr", "USD/year", 3e5),
    # prices of tokens
    ("3 USD/1M tokens", "USD/token", 3 / 1e6),
    ("3 USD/M tokens", "USD/token", 3 / 1e6),
    ("3 USD/Mtok", "USD/token", 3 / 1e6),
    ("3 USD/MTok", "USD/token", 3 / 1e6),
    ("$3/Mtoken", "USD/token", 3 / 1e6),
    ("$3 / MTok", "USD/token", 3 / 1e6),
    ("$3.00 / 1M tokens", "USD/token", 3 / 1e6),
    ("$3 per 1M tokens", "USD/token", 3 / 1e6),
    ("$3 per million tokens", "USD/token", 3 / 1e6),
    ("$3/1,000,000 tokens", "USD/token", 3 / 1e6),
    ("$3/1e6 tokens", "USD/token", 3 / 1e6),
    ("$0.03/1K tokens", "USD/token", 0.03 / 1e3),
    ("$0.03 / 1k tokens", "USD/token", 0.03 / 1e3),
    ("$0.03 per thousand tokens", "USD/token", 0.03 / 1e3),
    ("15 cents per million tokens", "USD/token", 0.15 / 1e6),
    # tokens
    ("300B tokens", "token", 3e11),
    ("300 B tokens", "token", 3e11),
    ("300 billion tokens", "token", 3e11),
    ("15T tokens", "token", 1.5e13),
    ("15 trillion tokens", "token", 1.5e13),
    ("15 Ttoken", "token", 1.5e13),
    ("1 Ttok", "token", 1e12),
    ("128k tokens", "token", 128e3),
    ("2000 tokens", "token", 2000.0),
    ("2,000 tok", "token", 2000.0),
    ("9.7 trillion tokens/month", "token/year", 9.7e12 * 12),
    ("480T tokens per month", "token/year", 480e12 * 12),
    ("120 tok/s", "token/s", 120.0),
    ("120 tokens/sec", "token/s", 120.0),
    ("120 tokens per second", "token/s", 120.0),
    ("120 tokens/s/user", "token/s", 120.0),
    ("120 tps", "token/s", 120.0),
    # work
    ("51.06 ZFLOP", "FLOP", 5.106e22),
    ("3640 PFLOP/s-day", "FLOP", 3640e15 * 86400),
    ("3,640 PFLOP/s-days", "FLOP", 3640e15 * 86400),
    ("3640 petaflop/s-days", "FLOP", 3640e15 * 86400),
    ("3640 PFLOPS-days", "FLOP", 3640e15 * 86400),
    ("1 petaflop/s-day", "FLOP", 1e15 * 86400),
    ("3.8e25 FLOP", "FLOP", 3.8e25),
    ("3.8E25 FLOP", "FLOP", 3.8e25),
    ("3.8 × 10^25 FLOP", "FLOP", 3.8e25),
    ("3.8x10^25 FLOP", "FLOP", 3.8e25),
    ("3.8*10**25 FLOP", "FLOP", 3.8e25),
    ("10^25 FLOP", "FLOP", 1e25),
    ("3.1e23 FLOPs", "FLOP", 3.1e23),
    ("2.1 YFLOP", "FLOP", 2.1e24),
    ("38 yottaflop", "FLOP", 3.8e25),
    # rates of work
    ("989 TFLOPS", "FLOP/s", 989e12),
    ("989 TFLOP/s", "FLOP/s", 989e12),
    ("989 TFLOPs", "FLOP/s", 989e12),
    ("989 teraFLOPS", "FLOP/s", 989e12),
    ("989 teraflops", "FLOP/s", 989e12),
    ("4.5 PFLOPS", "FLOP/s", 4.5e15),
    ("4.5 petaFLOP/s", "FLOP/s", 4.5e15),
    ("1 exaFLOP/s", "FLOP/s", 1e18),
    ("989e12 FLOP/s", "FLOP/s", 989e12),
    # memory and links
    ("80 GB", "byte", 80e9),
    ("80GB", "byte", 80e9),
    ("80 GiB", "byte", 80 * 2.0**30),
    ("81,559 MiB", "byte", 81559 * 2.0**20),
    ("192 gigabytes", "byte", 192e9),
    ("640 Gbit", "byte", 80e9),
    ("1 TB", "byte", 1e12),
    ("512 KB", "byte", 512e3),
    ("3.35 TB/s", "byte/s", 3.35e12),
    ("3.35TB/s", "byte/s", 3.35e12),
    ("3.35 TB per second", "byte/s", 3.35e12),
    ("3350 GB/s", "byte/s", 3350e9),
    ("3350 GB/sec", "byte/s", 3350e9),
    ("3350 GBps", "byte/s", 3350e9),
    ("400 Gbps", "byte/s", 50e9),
    ("400 Gb/s", "byte/s", 50e9),
    ("400 Gbit/s", "byte/s", 50e9),
    ("400 gigabit per second", "byte/s", 50e9),
    ("0.4 Tbps", "byte/s", 50e9),
    ("$0.02/GB-month", "USD/byte/year", 0.02 / 1e9 * 12),
    ("$0.02 per GB per month", "USD/byte/year", 0.02 / 1e9 * 12),
    # power and energy
    ("700 W", "W", 700.0),
    ("0.7 kW", "W", 700.0),
    ("700 watts", "W", 700.0),
    ("30 MW", "W", 30e6),
    ("1.2 GW", "W", 1.2e9),
    ("1.2 gigawatts", "W", 1.2e9),
    ("100 MWh", "Wh", 100e6),
    ("100 MW-h", "Wh", 100e6),
    ("100 megawatt-hours", "Wh", 100e6),
    ("100 kilowatt hours", "Wh", 100e3),
    ("360 kJ", "Wh", 100.0),
    ("80 USD/MWh", "USD/Wh", 80 / 1e6),
    ("$80/MWh", "USD/Wh", 80 / 1e6),
    ("0.08 USD/kWh", "USD/Wh", 0.08 / 1e3),
    ("$0.08 per kWh", "USD/Wh", 0.08 / 1e3),
    ("8.3 cents/kWh", "USD/Wh", 0.083 / 1e3),
    ("8.3¢/kWh", "USD/Wh", 0.083 / 1e3),
    ("$12M/MW", "USD/W", 12.0),
    ("$12,000/kW", "USD/W", 12.0),
    ("$150/kW-month", "USD/W/year", 150 / 1e3 * 12),
    ("$150 per kW per month", "USD/W/year", 150 / 1e3 * 12),
    # time
    ("36 months", "year", 3.0),
    ("36 mo", "year", 3.0),
    ("3 yrs", "year", 3.0),
    ("3 years", "year", 3.0),
    ("8,766 hours", "year", 1.0),
    ("2 min", "hour", 2 / 60),
    ("90 minutes", "hour", 1.5),
    ("2 min", "s", 120.0),
    ("200 ms", "s", 0.2),
    ("50 µs", "s", 50e-6),
    ("50 us", "s", 50e-6),
    ("54 days", "hour", 54 * DAY),
    ("2 weeks", "hour", 14 * DAY),
    ("20 ms/token", "s/token", 0.02),
    ("6.5 failures/year", "1/year", 6.5),
    ("1 per quarter", "1/year", 4.0),
    ("$100 million a year", "USD/year", 1e8),
    ("2.788M GPU hours", "hour", 2.788e6),
    ("100,000 GPU-hours", "hour", 1e5),
    ("$2.50/GPUh", "USD/hour", 2.5),
    ("10 req/s", "1/s", 10.0),
    ("6¢ per kWh", "USD/Wh", 6e-5),
    ("0.06 $/kWh", "USD/Wh", 6e-5),
    ("1T tokens/day", "token/year", 1e12 * 365.25),
    ("30,000 USD per GPU", "USD", 3e4),
    ("$150/kW-yr", "USD/W/year", 0.15),
    ("0.0065 1/day", "1/hour", 0.0065 / DAY),
    ("0.5 1", "1", 0.5),
    # shares and counts
    ("40%", "1", 0.4),
    ("40 %", "1", 0.4),
    ("40 percent", "1", 0.4),
    ("40 pct", "1", 0.4),
    ("25 bps", "1", 0.0025),
    ("-5%", "1", -0.05),
    ("7%/year", "1/year", 0.07),
    ("7 % per year", "1/year", 0.07),
    ("7% p.a.", "1/year", 0.07),
    ("2.8x", "1", 2.8),
    ("2.8×", "1", 2.8),
    ("70B", "1", 70e9),
    ("70B parameters", "1", 70e9),
    ("70 billion params", "1", 70e9),
    ("16k GPUs", "1", 16e3),
    ("16,384 GPUs", "1", 16384.0),
]


@pytest.mark.closed_form
@pytest.mark.parametrize(("text", "unit", "expected"), READ)
def test_people_are_read(text: str, unit: str, expected: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(expected, rel=4e-16)


@pytest.mark.contract
def test_the_list_is_long_enough_to_mean_something() -> None:
    assert len({(text, unit) for text, unit, _ in READ}) >= 180


REFUSED = [
    ("30000", "USD", "has no unit; write '1,200 USD'"),
    ("5", "1", "has no unit; write 0.4 or '40%'"),
    ("", "USD", "'1,200 USD'"),
    ("USD", "USD", "has no number"),
    ("2,5 USD", "USD", "a comma for thousands"),
    ("1.200,50 USD", "USD", "a comma for thousands"),
    ("2-3 USD/hour", "USD/hour", "dist = 'uniform'"),
    ("2 3 USD", "USD", "two numbers"),
    ("~3 USD", "USD", "'1,200 USD'"),
    ("3 USD/0 tokens", "USD/token", "divides by 0"),
    ("3 USD/", "USD/token", "ends where a unit should follow"),
    ("3 (USD", "USD", "is not a quantity"),
    ("3 USD/(token", "USD/token", "not closed"),
    ("€2/hr", "USD/hour", "EUR needs a dated rate"),
    ("2 EUR/hour", "USD/hour", "EUR needs a dated rate"),
    ("80 Gb", "byte", "write Gbit or GB"),
    ("80 gb", "byte", "write Gbit or GB"),
    ("1979 TOPS", "FLOP/s", "write TFLOP/s"),
    ("5 m", "year", "write M, minute, month"),
    ("2.5 $/H100/hr", "USD/hour", "write GPU"),
    ("$98.32/server-hr", "USD/hour", "divide the price"),
    ("$98.32/node-hour", "USD/hour", "divide the price"),
    ("$3/1M input tokens", "USD/token", "write USD/1M tokens"),
    ("3 GPU", "USD", "wrong dimension"),
    ("5 FLOP/s", "FLOP", "wrong dimension"),
    ("40%", "USD", "wrong dimension"),
    ("3 bananas", "USD", "unknown unit 'bananas'"),
    ("3 tokenz", "token", "did you mean 'token"),
    ("1e999 USD", "USD", "not a finite number"),
    ("³ USD", "USD", "is not a quantity"),
    ("9" * 60 + " USDUSD", "USD", "longer than 64 characters"),
]


@pytest.mark.contract
@pytest.mark.parametrize(("text", "unit", "message"), REFUSED)
def test_what_cannot_be_read_says_what_can(text: str, unit: str, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, unit)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.contract
def test_every_example_that_a_message_gives_is_read() -> None:
    for unit, example in EXAMPLES.items():
        for text in example.split("'")[1::2]:
            assert math.isfinite(parse_quantity(text, unit)), text


@pytest.mark.law
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(sorted(spellings())))
def test_every_spelling_scales_its_number(number: float, name: str) -> None:
    meaning = spellings()[name][0]
    unit = meaning[1]
    text = f"{number!r} {name}"
    if len(text) > MAX_LENGTH:
        return
    if math.isfinite(number * float(meaning[0])):
        read = parse_quantity(text, unit)
        assert math.isclose(read, number * float(meaning[0]), rel_tol=1e-15, abs_tol=1e-320)


@pytest.mark.law
@given(
    st.floats(1e-12, 1e12),
    st.sampled_from(["USD/hour", "USD/token", "byte/s", "FLOP/s", "W", "Wh", "year", "token/year", "USD/Wh"]),
)
def test_the_unit_of_a_field_reads_back_exactly(number: float, unit: str) -> None:
    assert parse_quantity(f"{number!r} {unit}", unit) == number


def _read(text: str, unit: str) -> float:
    """Return the number, or the length of the refusing message; both are finite."""
    try:
        return parse_quantity(text, unit)
    except UnitError as error:
        return float(len(str(error))) if len(str(error)) < 500 else math.nan


@pytest.mark.law
@given(st.text(max_size=80), st.sampled_from(["USD", "1", "USD/token", "byte/s", "year"]))
def test_any_text_is_a_number_or_one_clear_refusal(text: str, unit: str) -> None:
    assert math.isfinite(_read(text, unit))


@pytest.mark.law
@given(
    st.lists(
        st.sampled_from([*"0123456789.,-+*/() $%", "USD", "GPU", "hr", "per", "M", "B", "tokens", "s", "FLOP", "1e6"]),
        max_size=24,
    ),
    st.sampled_from(["USD/hour", "USD/token", "FLOP", "1"]),
)
def test_any_row_of_known_words_is_a_number_or_one_clear_refusal(words: list[str], unit: str) -> None:
    assert math.isfinite(_read("".join(words), unit))


@pytest.mark.contract
def test_meanings_of_one_spelling_differ_in_dimension() -> None:
    for name, meanings in spellings().items():
        found = [tuple(sorted(dimensions(unit).items())) for _, unit in meanings]
        assert len(set(found)) == len(found), name


class Site(Inputs):
    price: Parameter = parameter(
        "USD/Wh", ge=0, default=8e-5, trajectory=True, plausible=(0.0, 0.01), description="Electricity."
    )
    tokens: Parameter = parameter(
        "USD/token", ge=0, default=3e-6, plausible=(0.0, 0.01), description="Price of a token."
    )
    speed: Parameter = parameter("byte/s", ge=0, default=3e12, plausible=(1e5, 1e15), description="Bandwidth.")
    used: Parameter = parameter("1", ge=0, le=1, default=0.5, description="Use.")
    wacc: Parameter = parameter("1/year", ge=0, default=0.1, plausible=(0.0, 1.0), description="Cost of capital.")


@pytest.mark.closed_form
def test_a_pint_quantity_is_read() -> None:
    registry: Any = pytest.importorskip("pint").UnitRegistry()
    registry.define("USD = [money]")
    assert Site(speed=3.35 * registry.terabyte / registry.second).speed == 3.35e12
    assert Site(price=80 * registry.USD / registry.megawatt_hour).price == 80 / 1e6
    assert Site(used=registry.Quantity(40.0, "percent")).used == 0.4
    assert Site(used=registry.Quantity(0.4, "dimensionless")).used == 0.4
    with pytest.raises(UnitError, match="wrong dimension"):
        Site(speed=3.0 * registry.meter / registry.meter * registry.second)
    with pytest.raises(UnitError, match="unknown unit"):
        Site(speed=3.0 * registry.meter)
    with pytest.raises(UnitError, match="a single finite number"):
        Site(speed=registry.Quantity([1.0, 2.0], "GB/s"))


@pytest.mark.contract
@pytest.mark.parametrize(
    ("field", "number", "meant"),
    [
        ("price", 160.0, "'160 USD/MWh'"),
        ("price", 0.08, "'0.08 USD/kWh'"),
        ("tokens", 2.5, "'2.5 USD/Mtoken'"),
        ("speed", 3.35, "'3.35 TB/s'"),
        ("wacc", 7.0, "'7%/year'"),
        ("used", 60.0, "'60%'"),
        ("price", {"dist": "lognormal", "p5": 60.0, "p95": 120.0}, "'60 USD/MWh'"),
        ("price", {"knots": [["2026-01-01", 80.0]]}, "'80 USD/MWh'"),
    ],
)
def test_a_number_out_of_all_proportion_is_refused_with_what_was_meant(field: str, number: object, meant: str) -> None:
    with pytest.raises(DomainError, match=field) as caught:
        Site(**{field: number})
    assert meant in str(caught.value)
    if isinstance(number, float):
        spelled = meant.strip("'")
        assert getattr(Site(**{field: spelled}), field) > 0


@pytest.mark.contract
def test_a_unit_beside_the_number_says_that_it_is_meant_and_survives_writing() -> None:
    site = Site(price="160 USD/Wh", tokens={"dist": "uniform", "low": "1 USD/token", "high": "2 USD/token"})
    assert site.price == 160.0
    again = Site(**site.written())
    assert (again.price, again.tokens) == (site.price, site.tokens)


class Toy(Inputs):
    price: Parameter = parameter("USD/token", ge=0, description="Price in a world of one's own.")


class FlatHour(AcceleratorHour):
    flat: Parameter = parameter("USD/Wh", default=1.0, description="A field of one's own.")


@pytest.mark.contract
def test_fields_of_the_library_know_their_sizes_and_fields_of_ones_own_do_not() -> None:
    assert Toy(price=1.0).price == 1.0
    assert FlatHour.specs()["flat"].plausible is None
    assert FlatHour.specs()["electricity_price"].plausible == (RANGES["USD/Wh"].low, RANGES["USD/Wh"].high)


@pytest.mark.contract
def test_what_is_meant_lies_in_the_range_that_is_allowed() -> None:
    for unit, known in RANGES.items():
        low, high = known.usual
        assert known.low <= low < high <= known.high, unit
        assert is_plausible(-high, (known.low, known.high)) and is_plausible(0.0, (known.low, known.high))
        for name in known.spellings:
            assert parse_quantity(f"1 {name}", unit) > 0


@pytest.mark.closed_form
def test_binary_and_large_prefixes_are_in_the_vocabulary() -> None:
    assert conversion_factor("GiB", "byte") == 2.0**30
    assert conversion_factor("ZFLOP", "FLOP") == 1e21


@pytest.mark.closed_form
def test_every_word_and_letter_of_a_power_of_ten() -> None:
    powers = {
        3: ("k", "K", "thousand"),
        6: ("M", "mn", "million", "millions"),
        9: ("G", "bn", "billion", "billions"),
        12: ("tn", "trillion", "trillions"),
        15: ("quadrillion",),
    }
    written = {word: power for power, words in powers.items() for word in words}
    assert set(MULTIPLIERS) == set(written)
    for word, power in written.items():
        assert parse_quantity(f"2.5 {word} tokens", "token") == pytest.approx(2.5 * 10.0**power, rel=1e-12), word
    for letter, power in {"m": 6, "mm": 6, "b": 9, "t": 12}.items():
        assert parse_quantity(f"$3{letter}", "USD") == pytest.approx(3.0 * 10.0**power, rel=1e-12), letter


@functools.cache
def pints() -> Any:
    """Return a pint registry with only the library's vocabulary."""
    registry: Any = pytest.importorskip("pint").UnitRegistry(None)
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


NAMES = sorted(definition.split(" = ")[0] for definition in _DEFINITIONS)


BASE = {
    "money": "USD",
    "text": "token",
    "work": "FLOP",
    "data": "byte",
    "time": "s",
    "energy": "Wh",
    "mass": "g",
    "volume": "L",
}


@pytest.mark.peer
@given(st.lists(st.tuples(st.sampled_from("*/"), st.sampled_from(NAMES)), min_size=1, max_size=4))
def test_sizes_and_dimensions_are_pints(parts: list[tuple[str, str]]) -> None:
    text = "".join(operator + name for operator, name in parts)
    theirs = pints().Quantity(1.0, "dimensionless")
    for operator, name in parts:
        factor = pints().Quantity(1.0, name)
        theirs = theirs * factor if operator == "*" else theirs / factor
    wanted = {name.strip("[]"): int(power) for name, power in theirs.dimensionality.items()}
    assert dimensions("1" + text) == wanted
    base = "".join(
        ("*" if power > 0 else "/") + BASE[name] for name, power in wanted.items() for _ in range(abs(int(power)))
    )
    assert math.isclose(conversion_factor("1" + text, "1" + base), theirs.to_base_units().magnitude, rel_tol=1e-14)
