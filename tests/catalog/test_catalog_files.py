"""Catalog files: refusals of the loader, findings of the check, and no other exceptions from damaged files."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.catalog.check import check, check_file
from costmodel.catalog.check_findings import Finding, Weight
from costmodel.catalog.loader import COLUMNS, entries_of, parse
from costmodel.catalog.plausibility import across, parse_bounds
from costmodel.catalog.records import Record
from costmodel.catalog.schema import data_files, factor, parse_schema, parse_sources, read_data, sources
from costmodel.foundation.errors import CatalogError, UnitError
from costmodel.foundation.units import conversion_factor

TODAY = date(2026, 11, 22)
HEADER = ",".join(COLUMNS)
GOOD = {
    "id": "X1",
    "field": "bf16",
    "value": "400",
    "unit": "TFLOP/s",
    "source": "aws-neuron-docs",
    "grade": "published",
}
TOML = b"""
description = "Shapes."
[fields]
layers = { unit = "1", min = 1, max = 1000, description = "Blocks." }
[[record]]
id = "M"
source = "aws-neuron-docs"
known = "2024-07"
grade = "published"
layers = 32
"""


def _line(**cells: str) -> str:
    return ",".join((GOOD | cells).get(column, "") for column in COLUMNS)


def _csv(*lines: str) -> bytes:
    return "\n".join((HEADER, *lines, "")).encode()


def _check(raw: bytes, file: str = "accelerators.csv") -> list[Finding]:
    return check_file(file, raw, sources(), TODAY)[0]


def _faults(raw: bytes, file: str = "accelerators.csv") -> list[Finding]:
    return [finding for finding in _check(raw, file) if finding.weight is not Weight.REMARK]


@pytest.mark.contract
def test_a_good_line_passes_and_is_converted() -> None:
    raw = _csv(_line())
    assert _faults(raw) == []
    assert parse("accelerators.csv", raw)["X1"].value("bf16") == 400e12


@pytest.mark.contract
@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"source": ""}, "source"),
        ({"source": "no-such-document"}, "source"),
        ({"source": "not recorded"}, "grade"),
        ({"unit": "TFLOP"}, "unit"),
        ({"unit": "parsec"}, "unit"),
        ({"unit": ""}, "unit"),
        ({"unit": "USD/hour"}, "unit"),
        ({"grade": "certain"}, "grade"),
        ({"grade": ""}, "grade"),
        ({"value": "fast"}, "value"),
        ({"value": "nan"}, "value"),
        ({"value": "1e999"}, "value"),
        ({"value": ""}, "value"),
        ({"value": "1,000"}, "file"),
        ({"low": "500"}, "value"),
        ({"low": "300", "high": "500"}, ""),
        ({"known": "soon"}, "known"),
        ({"known": "2031-01"}, "known"),
        ({"period": "Q3"}, "period"),
        ({"price_year": "24"}, "price_year"),
        ({"field": "bf61"}, "field"),
        ({"id": ""}, "id"),
    ],
)
def test_a_bad_entry_is_named_by_file_line_and_field(cells: dict[str, str], field: str) -> None:
    faults = _faults(_csv(_line(), _line(id="X2", **cells) if "id" not in cells else _line(**cells)))
    if not field:
        assert faults == []
        return
    assert [(fault.file, fault.line, fault.field) for fault in faults] == [("accelerators.csv", 3, field)]
    assert str(faults[0]).startswith(f"accelerators.csv:3: {field}: ")


@pytest.mark.contract
def test_the_loader_refuses_what_the_check_faults() -> None:
    with pytest.raises(CatalogError, match=r"accelerators\.csv:2: grade"):
        parse("accelerators.csv", _csv(_line(grade="certain")))


@pytest.mark.contract
def test_prices_state_their_year() -> None:
    line = _line(field="server", unit="USD", value="30000")
    assert [fault.field for fault in _faults(_csv(line), "accelerator_prices.csv")] == ["price_year"]
    dated = _line(field="server", unit="USD", value="30000", period="2024-02-21")
    raw = _csv(dated, _line(field="server", unit="USD", value="30000", price_year="2023"))
    assert _faults(raw, "accelerator_prices.csv") == []
    years = [datum.price_year for datum in parse("accelerator_prices.csv", raw)["X1"]]
    assert years == [2024, 2023]


@pytest.mark.contract
def test_an_unknown_publication_date_is_allowed_and_said() -> None:
    remarks = [finding for finding in _check(_csv(_line())) if finding.weight is Weight.REMARK]
    assert [(remark.field, remark.message.split(":")[0]) for remark in remarks] == [
        ("known", "1 of 1 figures have no known date")
    ]


@pytest.mark.contract
def test_a_wide_file_holds_one_record_a_line() -> None:
    """Fields are columns in their canonical unit, blank cells are left out, and shared cells hold for all of them."""
    header, notes = "id,grade,source,known,note,bf16,memory", "2024-05,a note"
    lines = (header, f"X1,assumed,not recorded,{notes},4e14,", "X2,assumed,not recorded,,,,8e10", "")
    raw = "\n".join(lines).encode()
    assert _faults(raw) == []
    found = parse("accelerators.csv", raw)
    assert {name: [datum.field for datum in record] for name, record in found.items()} == {
        "X1": ["bf16"],
        "X2": ["memory"],
    }
    datum = found["X1"].datum("bf16")
    assert (datum.value, datum.unit, datum.known, datum.note, datum.line) == (4e14, "FLOP/s", "2024-05", "a note", 2)
    assert (found["X2"].value("memory"), found["X2"].datum("memory").known) == (80e9, None)
    with pytest.raises(CatalogError, match=r"accelerators\.csv:1: 'peak' is not a column of this table"):
        parse("accelerators.csv", b"id,grade,source,peak\n")
    for header in (b"grade,source,bf16\n", b"id,grade,grade,source\n"):
        with pytest.raises(CatalogError, match=r"accelerators\.csv:1: header must be id,field"):
            parse("accelerators.csv", header)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"", 1),
        (b"id,field\n", 1),
        (HEADER.encode() + b"\nX1,bf16\n", 2),
        (_csv(_line(), _line() + ",more"), 3),
        (HEADER.encode() + b'\n"X1', 2),
        (b"\xff\xfe", 1),
    ],
)
def test_a_file_of_another_form_is_named(raw: bytes, line: int) -> None:
    with pytest.raises(CatalogError, match="accelerators"):
        parse("accelerators.csv", raw)
    fault = _faults(raw)[0]
    assert (fault.file, fault.field) == ("accelerators.csv", "file")
    if raw.startswith(HEADER.encode()) and b'"' not in raw:
        assert fault.line == line


@pytest.mark.contract
def test_toml_records_share_and_override() -> None:
    record = parse("shapes.toml", TOML + b"[[record]]\nid = 'N'\nsource = 'not recorded'\ngrade = 'unverified'\n")["M"]
    assert (record.value("layers"), record.datum("layers").known, record.datum("layers").line) == (32, "2024-07", 10)
    changed = TOML.replace(b"layers = 32", b'layers = { value = 31, grade = "estimated", note = "guess" }')
    datum = parse("shapes.toml", changed)["M"].datum("layers")
    assert (datum.value, str(datum.grade), datum.note) == (31.0, "estimated", "guess")


@pytest.mark.contract
@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'grade = "published"', b'grade = "sure"', "grade"),
        (b'source = "aws-neuron-docs"', b'source = ""', "source"),
        (b"layers = 32", b'layers = { value = 32, unit = "year" }', "unit"),
        (b"layers = 32", b"layers = true", "value"),
        (b"layers = 32", b"depth = 32", "field"),
    ],
)
def test_a_bad_toml_entry_is_named_by_file_line_and_field(old: bytes, new: bytes, field: str) -> None:
    fault = _faults(TOML.replace(old, new), "shapes.toml")[0]
    assert (fault.file, fault.field) == ("shapes.toml", field)
    assert fault.line == 10


@pytest.mark.contract
@pytest.mark.parametrize(
    "raw",
    [
        TOML.replace(b"layers = 32", b"layers = { value = 32, colour = 1 }"),
        TOML.replace(b"[[record]]", b"[record]"),
        TOML + b"other = 1\n[extra]\n",
        b"[[record]]\nid = 'x'\n",
        b"fields = 3\n",
        b"[fields]\nx = { unit = 3 }\n",
        b"[fields]\nx = { unit = '1', min = 'a' }\n",
        b"x = " + b"[" * 5000,
    ],
)
def test_other_toml_is_a_catalog_error(raw: bytes) -> None:
    with pytest.raises(CatalogError, match=r"shapes\.toml"):
        parse("shapes.toml", raw)


@pytest.mark.contract
@pytest.mark.parametrize(
    "raw", [b"[a]\n", b"[a]\ntitle = ''\n", b"a = 1\n", b"[a]\ntitle = 'x'\nyear = 2020\n", b"[a]\ntitle = 3\n"]
)
def test_sources_need_a_title(raw: bytes) -> None:
    with pytest.raises(CatalogError, match=r"sources\.toml"):
        parse_sources(raw)


@pytest.mark.contract
def test_the_schema_needs_descriptions() -> None:
    with pytest.raises(CatalogError, match=r"schema\.toml"):
        parse_schema(b"[accelerators]\nfields = {}\n")


@pytest.mark.law
@pytest.mark.parametrize("file", data_files())
def test_a_truncated_file_is_read_or_refused(file: str) -> None:
    raw = read_data(file)

    @given(st.integers(0, len(raw)))
    def law(length: int) -> None:
        _reads_or_refuses(file, raw[:length])

    law()


@pytest.mark.law
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(data_files()))
    raw = bytearray(read_data(file)[:4000])
    for _ in range(data.draw(st.integers(1, 8))):
        where = data.draw(st.integers(0, len(raw) - 1))
        raw[where : where + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    _reads_or_refuses(file, bytes(raw))


@pytest.mark.law
@given(st.binary(max_size=300), st.sampled_from(["accelerators.csv", "shapes.toml", "unknown.csv"]))
def test_any_bytes_are_read_or_refused(raw: bytes, file: str) -> None:
    _reads_or_refuses(file, raw)
    _reads_or_refuses(file, HEADER.encode() + b"\n" + raw)
    _reads_or_refuses(file, TOML + raw)


def _reads_or_refuses(file: str, raw: bytes) -> None:
    """Read a file; only a catalog error may be raised, and the check must never raise."""
    try:
        records = parse(file, raw)
    except CatalogError:
        records = {}
    assert all(isinstance(record, Record) for record in records.values())
    findings, _ = check_file(file, raw, sources(), TODAY)
    assert all(finding.file for finding in findings)


@pytest.mark.law
@given(st.data())
def test_a_damaged_declaration_is_read_or_refused(data: st.DataObject) -> None:
    file, read = data.draw(
        st.sampled_from([("schema.toml", parse_schema), ("sources.toml", parse_sources), ("bounds.toml", parse_bounds)])
    )
    raw = bytearray(read_data(file)[:3000])
    for _ in range(data.draw(st.integers(1, 8))):
        where = data.draw(st.integers(0, len(raw) - 1))
        raw[where : where + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    for text in (bytes(raw), read_data(file)[: data.draw(st.integers(0, 3000))]):
        with contextlib.suppress(CatalogError):
            read(text)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"[doubling]", b"[halving]"),
        (b"450 Gbyte/s", b"450 furlong"),
        (b"450 Gbyte/s", b"fast"),
        (b'"2022"', b'"soon"'),
        (b"value = 1.15e12", b"value = -1"),
        (b"growth = 1.3", b"growth = 'x'"),
        (b'[["tf32", "bf16"]', b'[["tf32"]'),
    ],
)
def test_bounds_of_another_form_are_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(CatalogError, match=r"bounds\.toml"):
        parse_bounds(read_data("bounds.toml").replace(old, new))


@pytest.mark.contract
def test_a_date_that_is_none_is_named() -> None:
    line = _line(field="launch", unit="date", value="soon")
    assert [(fault.line, fault.field) for fault in _faults(_csv(line))] == [(2, "value")]
    assert _faults(_csv(_line(field="launch", unit="date", value="2026H2"))) == []


@pytest.mark.contract
def test_a_zero_is_named_by_its_bounds_and_stops_no_rule() -> None:
    lines = [
        _line(field=field, value="0", unit=unit)
        for field, unit in (("bf16", "TFLOP/s"), ("tf32", "TFLOP/s"), ("power", "W"))
    ]
    words = [_line(field="vendor", value="NVIDIA", unit="text"), _line(field="launch", value="2024", unit="date")]
    findings, data = check_file("accelerators.csv", _csv(*lines, *words), sources(), TODAY)
    assert [finding.field for finding in findings if finding.weight is Weight.IMPLAUSIBLE] == ["bf16", "tf32", "power"]
    assert list(across(data)) == []


# ---------------------------------------------------------------------- the catalog as it ships


@pytest.mark.contract
def test_the_catalog_passes_its_own_check() -> None:
    assert [str(finding) for finding in check(TODAY) if finding.weight is not Weight.REMARK] == []


@pytest.mark.contract
def test_every_cited_source_has_a_title() -> None:
    cited = {
        datum.source_key for file in data_files() for datum in check_file(file, read_data(file), sources(), TODAY)[1]
    }
    assert cited - sources().keys() == {"not recorded"}


@pytest.mark.peer
def test_prefixes_convert_as_the_unit_registry_does() -> None:
    used = set()
    for file in data_files():
        declared, entries = entries_of(file, read_data(file))
        specs = [(entry.cells["unit"], declared.fields.get(entry.cells["field"])) for entry in entries]
        used |= {(unit, spec.unit) for unit, spec in specs if spec is not None and not spec.is_words}
    assert len(used) > 20
    for unit, to in used:
        assert factor(unit, to) == pytest.approx(conversion_factor(unit, to), rel=1e-12), (unit, to)


@pytest.mark.contract
def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(UnitError):
        factor("furlong", "W")
    with pytest.raises(UnitError):
        factor("kW", "USD")
