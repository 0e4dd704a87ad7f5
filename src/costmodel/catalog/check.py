"""Check of the data files, for contributors: every fault by file, line and field; every implausible figure by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache

from costmodel.catalog.formulas import implied_utilisation
from costmodel.catalog.loader import Fault, entries_of, examine
from costmodel.catalog.periods import decimal_year, span
from costmodel.catalog.records import NOT_RECORDED, Datum
from costmodel.catalog.schema import TEXT, Kind, data_files, factor, parse_toml, read_data, sources, to_canonical
from costmodel.foundation.errors import CatalogError, UnitError
from costmodel.foundation.provenance import Source

RELATIVE_ROUNDING = 0.1
"""How far a printed peak may lie from its exact multiple before it counts as another figure."""


class Weight(StrEnum):
    """How much a finding matters."""

    FAULT = "fault"
    """The entry cannot be read: the catalog refuses it."""
    IMPLAUSIBLE = "implausible"
    """The entry can be read and is probably wrong."""
    REMARK = "remark"
    """Allowed, and worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the check found."""

    weight: Weight
    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message} [{self.weight}]"


def check(today: date | None = None) -> list[Finding]:
    """Check every file of the catalog.

    Parameters
    ----------
    today
        Day after which no figure may have been published; the current day unless given.

    Examples
    --------
    >>> [str(finding) for finding in check(date(2026, 11, 22)) if finding.weight == "fault"]
    []
    """
    found: list[Finding] = []
    try:
        documents: Mapping[str, Source] = sources()
    except CatalogError as error:
        return [Finding(Weight.FAULT, "sources.toml", 1, "source", str(error))]
    data: list[Datum] = []
    for file in data_files():
        findings, read = check_file(file, read_data(file), documents, today or date.today())
        found += findings
        data += read
    return found + list(across(data)) + list(_uncited(documents, data))


def check_file(
    file: str, raw: bytes, documents: Mapping[str, Source], today: date
) -> tuple[list[Finding], list[Datum]]:
    """Check one file and return what was found and the figures that could be read."""
    try:
        declared, entries = entries_of(file, raw)
    except CatalogError as error:
        return [Finding(Weight.FAULT, file, _line_in(str(error)), "file", str(error))], []
    found = list(_units_of(declared, file))
    data: list[Datum] = []
    unknown = 0
    for entry in entries:
        datum, faults = examine(entry, declared, documents)
        found += [_fault(fault) for fault in faults]
        if datum is None:
            continue
        data.append(datum)
        unknown += datum.known is None
        if datum.known is not None and span(datum.known)[0] > today:
            found.append(_finding(Weight.FAULT, datum, "known", f"{datum.known} is in the future"))
        found += _bounds(datum, declared)
    found += _repeats(data)
    if unknown:
        message = f"{unknown} of {len(data)} figures have no known date: as_of leaves them out"
        found.append(Finding(Weight.REMARK, file, 1, "known", message))
    return found, data


def _uncited(documents: Mapping[str, Source], data: list[Datum]) -> Iterator[Finding]:
    for key in sorted(documents.keys() - {datum.source_key for datum in data}):
        yield Finding(Weight.REMARK, "sources.toml", 1, key, "no figure cites it")


def _fault(fault: Fault) -> Finding:
    return Finding(Weight.FAULT, fault.file, fault.line, fault.field, fault.message)


def _finding(weight: Weight, datum: Datum, field: str, message: str) -> Finding:
    return Finding(weight, datum.file, datum.line, field, f"{datum.record}: {message}")


def _line_in(message: str) -> int:
    match = re.search(r"^[^:]*:(\d+):|at line (\d+)", message)
    return int(match[1] or match[2]) if match else 1


def _units_of(declared: Kind, file: str) -> Iterator[Finding]:
    for spec in declared.fields.values():
        if spec.unit != TEXT:
            try:
                _check_unit(spec.unit)
            except UnitError as error:
                yield Finding(Weight.FAULT, file, 1, spec.name, f"in the declaration of the table: {error}")


@cache
def _check_unit(unit: str) -> None:
    from costmodel.foundation.units import check_unit

    check_unit(unit)


def _bounds(datum: Datum, declared: Kind) -> Iterator[Finding]:
    spec = declared.fields[datum.field]
    for number in (datum.value, datum.low, datum.high):
        if number is not None and not spec.low <= number <= spec.high:
            yield _finding(
                Weight.IMPLAUSIBLE,
                datum,
                datum.field,
                f"{number:g} {spec.unit} is outside {spec.low:g} to {spec.high:g}",
            )


def _repeats(data: list[Datum]) -> Iterator[Finding]:
    seen: dict[tuple[object, ...], Datum] = {}
    for datum in data:
        key = (
            datum.record,
            datum.field,
            datum.period,
            datum.source_key,
            datum.value,
            datum.low,
            datum.text,
            datum.note,
        )
        if datum.source_key != NOT_RECORDED and key in seen:
            yield _finding(Weight.IMPLAUSIBLE, datum, datum.field, f"repeats line {seen[key].line}")
        seen.setdefault(key, datum)


# ---------------------------------------------------------------------- rules across fields


def across(data: list[Datum]) -> Iterator[Finding]:
    """Name what is implausible by rules that need more than one figure of a record, or another record."""
    records: dict[tuple[str, str], dict[str, list[Datum]]] = {}
    for datum in data:
        records.setdefault((datum.kind, datum.record), {}).setdefault(datum.field, []).append(datum)
    accepted = bounds().get("accepted", {})
    chips = {name: fields for (kind, name), fields in records.items() if kind == "accelerators"}
    for (kind, name), fields in records.items():
        if kind == "accelerators":
            found = [*_links(fields), *_per_watt(fields), *_doublings(fields)]
        elif kind == "training_runs":
            found = list(_utilisation(fields, chips))
        else:
            continue
        for finding in found:
            if not isinstance(accepted, dict) or f"{kind}/{name}/{finding.field}" not in accepted:
                yield finding


@cache
def bounds() -> dict[str, object]:
    """Return the bounds that need more than one field."""
    return parse_toml(read_data("bounds.toml"), "bounds.toml")


def _section(name: str) -> dict[str, list[list[str]]]:
    section = bounds().get(name)
    if not isinstance(section, dict):
        raise CatalogError(f"bounds.toml: needs a table {name!r}")
    return section


def _word(fields: Mapping[str, list[Datum]], name: str) -> str:
    return (fields[name][0].text or "") if name in fields else ""


def _links(fields: Mapping[str, list[Datum]]) -> Iterator[Finding]:
    """Name a link above its maker's one-way frontier: it counts both directions."""
    launch = _word(fields, "launch")
    steps = _section("link_frontier").get(_word(fields, "vendor"), [])
    limits = [_speed(text) for since, text in steps if launch and span(since)[0] <= span(launch)[1]]
    for datum in fields.get("link", []):
        if limits and datum.number > limits[-1] * 1.001:
            message = (
                f"{datum.number / 1e9:g} GB/s exceeds the {limits[-1] / 1e9:g} GB/s that a chip of this maker and date "
                "moves in one direction: bidirectional entered as unidirectional?"
            )
            yield _finding(Weight.IMPLAUSIBLE, datum, "link", message)


def _speed(text: str) -> float:
    number, _, unit = text.partition(" ")
    return to_canonical(float(number), unit, "byte/s")


def _per_watt(fields: Mapping[str, list[Datum]]) -> Iterator[Finding]:
    """Name a 16-bit peak per watt above the frontier of its year: it is a sparse one."""
    frontier = bounds().get("dense_per_watt")
    launch, power = _word(fields, "launch"), fields.get("power")
    if not isinstance(frontier, dict) or not launch or not power:
        return
    limit = frontier["value"] * frontier["growth"] ** (decimal_year(launch) - frontier["year"])
    watts = max(datum.number for datum in power)
    for datum in fields.get("bf16", []):
        if datum.number / watts > limit:
            message = (
                f"{datum.number / watts:.3g} FLOP/s per W exceeds {limit:.3g}, the dense frontier of its launch: "
                "sparse peak entered as dense?"
            )
            yield _finding(Weight.IMPLAUSIBLE, datum, "bf16", message)


def _doublings(fields: Mapping[str, list[Datum]]) -> Iterator[Finding]:
    """Name neighbouring peaks that are not a factor of two apart: one of them is sparse."""
    for narrow, wide in _section("doubling").get(_word(fields, "vendor"), []):
        if narrow in fields and wide in fields:
            below, above = fields[narrow][0], fields[wide][0]
            ratio = above.number / below.number
            if abs(ratio / 2.0 - 1.0) > RELATIVE_ROUNDING:
                message = f"is {ratio:.3g} times {narrow}, where dense peaks double: one of the two is sparse?"
                yield _finding(Weight.IMPLAUSIBLE, above, wide, message)


def _utilisation(
    fields: Mapping[str, list[Datum]], chips: Mapping[str, Mapping[str, list[Datum]]]
) -> Iterator[Finding]:
    """Name a run that does more than its accelerators can."""
    chip = chips.get(_word(fields, "accelerator"), {})
    needed = ("active_parameters", "tokens", "chip_hours")
    if "bf16" not in chip or any(name not in fields for name in needed):
        return
    for hours in fields["chip_hours"]:
        size, tokens = (fields[name][0].number for name in needed[:2])
        share = float(implied_utilisation(size, tokens, hours.number, chip["bf16"][0].number))
        if share > 1.0:
            message = (
                f"6ND over {hours.number:g} hours is {share:.0%} of the 16-bit peak: too few hours or too many tokens"
            )
            yield _finding(Weight.IMPLAUSIBLE, hours, "chip_hours", message)


def unit_factors() -> dict[tuple[str, str], float]:
    """Return every conversion that the data files use, for comparison with the unit registry."""
    used: dict[tuple[str, str], float] = {}
    for file in data_files():
        declared, entries = entries_of(file, read_data(file))
        for entry in entries:
            spec = declared.fields.get(entry.cells["field"])
            if spec is not None and spec.unit != TEXT:
                used[entry.cells["unit"], spec.unit] = factor(entry.cells["unit"], spec.unit)
    return used
