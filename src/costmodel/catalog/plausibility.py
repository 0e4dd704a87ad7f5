"""Plausibility of figures that can be read: rules that need more than one field, with bounds from ``bounds.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from costmodel.catalog.check_findings import Finding, Weight, about
from costmodel.catalog.formulas import implied_utilisation
from costmodel.catalog.periods import decimal_year, span
from costmodel.catalog.records import Datum
from costmodel.catalog.schema import parse_toml, read_data, to_canonical
from costmodel.foundation.errors import CatalogError, UnitError

RELATIVE_ROUNDING = 0.1
"""How far a printed peak may lie from its exact multiple before it counts as another figure [1]."""
LINK_ROUNDING = 0.001
"""How far a link may lie above its frontier through rounding [1]."""

_Fields = Mapping[str, list[Datum]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds that need more than one field.

    Parameters
    ----------
    links
        By maker: the date of launch and the largest one-way link [byte/s] of chips from then on, in order of time.
    dense_value, dense_year, dense_growth
        Largest dense 16-bit FLOP/s per watt [FLOP/s/W] in a decimal year, and its growth factor per year [1].
    doublings
        By maker: pairs of precisions whose dense peaks are a factor of two apart.
    accepted
        Entries that break a rule but are right, with the reason.
    """

    links: Mapping[str, tuple[tuple[str, float], ...]]
    dense_value: float
    dense_year: float
    dense_growth: float
    doublings: Mapping[str, tuple[tuple[str, str], ...]]
    accepted: Mapping[str, str]


def parse_bounds(raw: bytes, file: str = "bounds.toml") -> Bounds:
    """Parse the file of bounds.

    Raises
    ------
    CatalogError
        If it is not well formed.
    """
    written = parse_toml(raw, file)
    try:
        links = {
            maker: tuple((str(since), _speed(str(text))) for since, text in steps)
            for maker, steps in _table(written, "link_frontier").items()
        }
        for steps in links.values():
            for since, _ in steps:
                span(since)
        dense = _table(written, "dense_per_watt")
        value, year, growth = (float(dense[name]) for name in ("value", "year", "growth"))
        if value <= 0 or growth <= 0:
            raise ValueError("dense_per_watt: value and growth must be positive")
        doublings = {
            maker: tuple((str(narrow), str(wide)) for narrow, wide in pairs)
            for maker, pairs in _table(written, "doubling").items()
        }
        accepted = {str(key): str(reason) for key, reason in _table(written, "accepted").items()}
    except (KeyError, TypeError, ValueError, CatalogError, UnitError) as error:
        raise CatalogError(f"{file}: {error}") from None
    return Bounds(links, value, year, growth, doublings, accepted)


def _speed(text: str) -> float:
    number, _, unit = text.partition(" ")
    return to_canonical(float(number), unit, "byte/s")


def _table(written: Mapping[str, object], name: str) -> dict[str, Any]:
    table = written[name]
    if not isinstance(table, dict):
        raise TypeError(f"{name} must be a table")
    return table


@cache
def bounds() -> Bounds:
    """Return the bounds of the catalog."""
    return parse_bounds(read_data("bounds.toml"))


def across(data: list[Datum]) -> Iterator[Finding]:
    """Report implausible figures by rules that need several figures or records."""
    records: dict[tuple[str, str], dict[str, list[Datum]]] = {}
    for datum in data:
        records.setdefault((datum.kind, datum.record), {}).setdefault(datum.field, []).append(datum)
    chips = {name: fields for (kind, name), fields in records.items() if kind == "accelerators"}
    for (kind, name), fields in records.items():
        if kind == "accelerators":
            found = [*_links(fields), *_per_watt(fields), *_doublings(fields)]
        elif kind == "training_runs":
            found = list(_utilisation(fields, chips))
        else:
            continue
        for finding in found:
            if f"{kind}/{name}/{finding.field}" not in bounds().accepted:
                yield finding


def _word(fields: Mapping[str, list[Datum]], name: str) -> str:
    return (fields[name][0].text or "") if name in fields else ""


def _positive(fields: _Fields, name: str) -> list[Datum]:
    return [datum for datum in fields.get(name, []) if datum.number > 0]


def _links(fields: _Fields) -> Iterator[Finding]:
    """Report a link above its maker's one-way frontier: it probably counts both directions."""
    launch = _word(fields, "launch")
    steps = bounds().links.get(_word(fields, "vendor"), ())
    limits = [speed for since, speed in steps if launch and span(since)[0] <= span(launch)[1]]
    for datum in fields.get("link", []):
        if limits and datum.number > limits[-1] * (1.0 + LINK_ROUNDING):
            message = (
                f"{datum.number / 1e9:g} GB/s exceeds the {limits[-1] / 1e9:g} GB/s that a chip of this maker and date "
                "moves in one direction: bidirectional entered as unidirectional?"
            )
            yield about(Weight.IMPLAUSIBLE, datum, "link", message)


def _per_watt(fields: _Fields) -> Iterator[Finding]:
    """Report a 16-bit peak per watt above the frontier of its year: it is probably a sparse peak."""
    launch, power = _word(fields, "launch"), _positive(fields, "power")
    if not launch or not power:
        return
    limit = bounds().dense_value * bounds().dense_growth ** (decimal_year(launch) - bounds().dense_year)
    watts = max(datum.number for datum in power)
    for datum in fields.get("bf16", []):
        if datum.number / watts > limit:
            message = (
                f"{datum.number / watts:.3g} FLOP/s per W exceeds {limit:.3g}, the dense frontier of its launch: "
                "sparse peak entered as dense?"
            )
            yield about(Weight.IMPLAUSIBLE, datum, "bf16", message)


def _doublings(fields: _Fields) -> Iterator[Finding]:
    """Report neighbouring peaks that are not a factor of two apart: one of them is probably sparse."""
    for narrow, wide in bounds().doublings.get(_word(fields, "vendor"), ()):
        for below, above in zip(_positive(fields, narrow)[:1], _positive(fields, wide)[:1], strict=False):
            ratio = above.number / below.number
            if abs(ratio / 2.0 - 1.0) > RELATIVE_ROUNDING:
                message = f"is {ratio:.3g} times {narrow}, where dense peaks double: one of the two is sparse?"
                yield about(Weight.IMPLAUSIBLE, above, wide, message)


def _utilisation(fields: _Fields, chips: Mapping[str, _Fields]) -> Iterator[Finding]:
    """Report a run that did more work than its accelerators can do."""
    chip = chips.get(_word(fields, "accelerator"), {})
    needed = ("active_parameters", "tokens", "chip_hours")
    peak = _positive(chip, "bf16")
    if not peak or any(not _positive(fields, name) for name in needed):
        return
    size, tokens = (_positive(fields, name)[0].number for name in needed[:2])
    for hours in _positive(fields, "chip_hours"):
        share = float(implied_utilisation(size, tokens, hours.number, peak[0].number))
        if share > 1.0:
            message = (
                f"6ND over {hours.number:g} hours is {share:.0%} of the 16-bit peak: too few hours or too many tokens"
            )
            yield about(Weight.IMPLAUSIBLE, hours, "chip_hours", message)
