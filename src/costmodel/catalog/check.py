"""Check the data files: report every fault by file, line and field, and every implausible figure by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from costmodel.catalog.check_findings import Finding, Weight, about
from costmodel.catalog.loader import Fault, entries_of, examine, own_sources
from costmodel.catalog.own import read_file, record_files
from costmodel.catalog.periods import span
from costmodel.catalog.plausibility import across
from costmodel.catalog.records import NOT_RECORDED, Datum
from costmodel.catalog.schema import Kind, data_files, read_data, sources
from costmodel.foundation.errors import CatalogError, UnitError
from costmodel.foundation.provenance import Source


def check(today: date | None = None, folders: Sequence[Path] = ()) -> list[Finding]:
    """Check every file of the catalog and of the user's own folders.

    Parameters
    ----------
    today
        Day after which no figure may have been published; the current day unless given.
    folders
        Folders of your own records, checked by the same rules; `costmodel.catalog.own.folders` returns those in use.

    Returns
    -------
    list of Finding
        Faults, implausible figures and remarks; empty if there are none.

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
    for folder in folders:
        try:
            own_documents = own_sources(folder)
        except CatalogError as error:
            found.append(Finding(Weight.FAULT, str(folder / "sources.toml"), 1, "source", str(error)))
            continue
        for path in record_files(folder):
            findings, read = check_file(str(path), read_file(path), own_documents, today or date.today())
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
            found.append(about(Weight.FAULT, datum, "known", f"{datum.known} is in the future"))
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


def _line_in(message: str) -> int:
    match = re.search(r"^[^:]*:([0-9]+):|at line ([0-9]+)", message)
    return int(match[1] or match[2]) if match else 1


def _units_of(declared: Kind, file: str) -> Iterator[Finding]:
    for spec in declared.fields.values():
        if not spec.is_words:
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
            yield about(
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
            yield about(Weight.IMPLAUSIBLE, datum, datum.field, f"repeats line {seen[key].line}")
        seen.setdefault(key, datum)
