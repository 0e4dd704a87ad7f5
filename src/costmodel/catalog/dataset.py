"""The catalog as a dataset: two tables and a Frictionless description, with a digest for every file and figure."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from costmodel.catalog.library import Tables, as_row
from costmodel.catalog.records import Datum
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.files import write_whole
from costmodel.foundation.version import VERSION

__all__ = ["DESCRIPTION", "export_dataset", "figure_digest", "verify_dataset"]

DESCRIPTION = "datapackage.json"
"""File of the description, as the Frictionless specification names it."""
_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_IDENTITY = ("kind", "record", "field", "value", "low", "high", "text", "unit", "price_year", "period", "known")
"""Entries covered by a figure's digest: its content, not its place in a file or its grade."""
_DIGEST_LETTERS = 16
"""Hexadecimal digits kept of a figure's SHA-256 [1]: a chance collision among a million figures is below 1e-7."""

_FIGURES = {
    "kind": ("string", "Table of the catalog."),
    "record": ("string", "Name of the record."),
    "field": ("string", "Name of the figure in its record."),
    "value": ("number", "The figure, in `unit`; empty where only a range or a text is recorded."),
    "low": ("number", "Lower end of a recorded range, in `unit`."),
    "high": ("number", "Upper end of a recorded range, in `unit`."),
    "text": ("string", "Entry of a field of words or dates."),
    "unit": ("string", "Canonical unit; 1 for a pure number."),
    "price_year": ("integer", "Year of the money, for figures in USD."),
    "period": ("string", "What the figure describes, or when it takes effect."),
    "known": ("string", "When it was published; empty if nobody recorded it."),
    "grade": ("string", "Strength of the evidence: reported, published, secondary, estimated, unverified, assumed."),
    "source_key": ("string", "Key of the document in the table of sources."),
    "note": ("string", "Why it is doubtful, or how it was reached."),
    "digest": ("string", "Start of the SHA-256 of the figure's content; the same in every release that holds it."),
}
_SOURCES = {
    "key": ("string", "Key of the document, written once and never reused."),
    "title": ("string", "Author and title."),
    "date": ("string", "When it was published."),
    "link": ("string", "Where it can be read."),
}


def figure_digest(datum: Datum) -> str:
    """Return the digest that identifies a figure across releases.

    Parameters
    ----------
    datum
        A figure of the catalog.

    Returns
    -------
    str
        The first 16 hexadecimal digits of the SHA-256 of its table, record, field, figure, unit, period and date.

    Examples
    --------
    >>> from costmodel import catalog
    >>> len(figure_digest(catalog.accelerator("H100-SXM").datum("bf16")))
    16
    """
    said = json.dumps([getattr(datum, name) for name in _IDENTITY], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:_DIGEST_LETTERS]


def export_dataset(folder: str | Path, library: Tables | None = None) -> Path:
    """Write the catalog as a data package: ``figures.csv``, ``sources.csv`` and their description.

    Parameters
    ----------
    folder
        Folder to write to; created if it does not exist. The description is written last: a folder that has one is
        complete.
    library
        Catalog to write; by default the library's own.

    Returns
    -------
    Path
        The description, ``datapackage.json``.

    Raises
    ------
    CatalogError
        If the folder cannot be made.
    ScenarioError
        If a file cannot be written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogError(f"{target}: {error.strerror or error}") from None
    resources = []
    for name, (fields, rows, key) in _tables_of(library or Tables()).items():
        data = _as_csv(fields, rows)
        write_whole(target / f"{name}.csv", partial(_put, data=data))
        resources.append(_resource(name, fields, key, data))
    form = {
        "$schema": _PROFILE,
        "name": "ai-costmodel-catalog",
        "title": "Sourced figures on the economics of AI compute",
        "version": VERSION,
        "licenses": [{"name": "MIT", "path": "https://opensource.org/license/mit", "title": "MIT License"}],
        "resources": resources,
    }
    write_whole(target / DESCRIPTION, partial(_put, data=json.dumps(form, indent=1).encode()))
    return target / DESCRIPTION


def verify_dataset(folder: str | Path) -> list[str]:
    """Check the files of an exported catalog against their description.

    Parameters
    ----------
    folder
        A folder that `export_dataset` wrote.

    Returns
    -------
    list of str
        One line per fault; empty if every file matches its description.

    Raises
    ------
    CatalogError
        If the folder has no description, or it cannot be read.
    """
    target = Path(folder)
    problems = []
    for resource in _described(target / DESCRIPTION):
        name = resource["path"]
        if name != Path(name).name:
            raise CatalogError(f"{target / DESCRIPTION}: the path {name!r} leaves the folder")
        try:
            data = (target / name).read_bytes()
        except OSError as error:
            problems.append(f"{target / name}: {error.strerror or error}")
            continue
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != resource["hash"]:
            problems.append(f"{target / name}: differs from its description; export the catalog again")
    return problems


def _described(path: Path) -> Iterable[Mapping[str, str]]:
    try:
        resources = json.loads(path.read_text(encoding="utf-8"))["resources"]
        return [{"path": str(one["path"]), "hash": str(one["hash"])} for one in resources]
    except OSError as error:
        raise CatalogError(f"{path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CatalogError(f"{path}: is not the description of an exported catalog") from None


_Rows = Iterable[Mapping[str, object]]


def _tables_of(library: Tables) -> dict[str, tuple[dict[str, tuple[str, str]], _Rows, list[str]]]:
    data = [datum for name in library.tables() for record in library.table(name).values() for datum in record]
    documents = {datum.source_key: datum.source for datum in data}
    cited = (
        {"key": key, "title": source.title, "date": source.date, "link": source.link}
        for key, source in sorted(documents.items())
    )
    return {
        "figures": (_FIGURES, (as_row(datum) | {"digest": figure_digest(datum)} for datum in data), []),
        "sources": (_SOURCES, cited, ["key"]),
    }


def _as_csv(fields: Iterable[str], rows: _Rows) -> bytes:
    text = io.StringIO(newline="")
    names = list(fields)
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _resource(name: str, fields: Mapping[str, tuple[str, str]], key: list[str], data: bytes) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [{"name": field, "type": kind, "description": text} for field, (kind, text) in fields.items()]
    }
    if key:
        schema["primaryKey"] = key
    else:
        schema["foreignKeys"] = [{"fields": ["source_key"], "reference": {"resource": "sources", "fields": ["key"]}}]
    return {
        "name": name,
        "path": f"{name}.csv",
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(data),
        "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "schema": schema,
    }


def _put(path: Path, *, data: bytes) -> None:
    path.write_bytes(data)
