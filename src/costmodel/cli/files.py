"""``--out FILE``: the tables that a command prints, also as a file; one option for every command that prints tables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.common import check_writable, say
from costmodel.foundation.errors import DomainError, ScenarioError, missing_extra
from costmodel.foundation.tables import Table

ENDINGS = (".csv", ".html", ".parquet", ".xlsx")
"""Endings of the names of the files that tables are written to."""
_NEEDED = {".html": {"jinja2": "report"}, ".parquet": {"pyarrow": "parquet", "pandas": "frames"},
           ".xlsx": {"xlsxwriter": "report"}}  # fmt: skip
"""Modules that write a file of an ending, each with the extra that it comes with."""
_WITHOUT_TABLES = {
    "as_json": "--json", "markdown": "--markdown", "bibtex": "--bibtex", "export": "--export", "verify": "--verify",
}  # fmt: skip
"""Arguments with which a command prints another form than tables, or none, each with its option."""
TableFile = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Also write the tables, figures in full: .csv, .html, .parquet or .xlsx."),
]

_KEPT: ContextVar[list[Table] | None] = ContextVar("tables of this command", default=None)


def with_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command with ``--out``: where it ends without an error, what it showed is also in a file.

    Parameters
    ----------
    command
        A command that prints tables by :func:`costmodel.cli.rows.show`.
    """

    @wraps(command)
    def run(*given: Any, out: Path | None = None, **options: Any) -> Any:
        if out is None:
            return command(*given, **options)
        check_file(out)
        for name, flag in _WITHOUT_TABLES.items():
            if options.get(name):
                raise DomainError(f"--out writes the tables that are shown: leave {flag} out")
        with collected() as tables:
            try:
                found = command(*given, **options)
            except typer.Exit:  # an answer with a status of its own, as where a case failed
                write_tables(tables, out)
                raise
        write_tables(tables, out)
        return found

    signature = inspect.signature(command, eval_str=True)
    option = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=TableFile)
    shown: Any = run
    shown.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])
    shown.__annotations__ = {name: one.annotation for name, one in shown.__signature__.parameters.items()}
    return run


def check_file(path: Path) -> None:
    """Refuse a file that could not be written, before the work is done.

    Parameters
    ----------
    path
        The value of ``--out``.

    Raises
    ------
    ScenarioError
        If its ending is none of `ENDINGS`, or its folder cannot be written to.
    MissingExtraError
        If what writes such a file is not installed.
    """
    if path.suffix not in ENDINGS:
        raise ScenarioError(f"--out {path}: the name must end in {', '.join(ENDINGS)}")
    for module, extra in _NEEDED.get(path.suffix, {}).items():
        if find_spec(module) is None:
            raise missing_extra(extra, f"--out {path}")
    check_writable(path)


@contextmanager
def collected() -> Iterator[list[Table]]:
    """Keep the tables that are shown, whole, in a list."""
    tables: list[Table] = []
    mark = _KEPT.set(tables)
    try:
        yield tables
    finally:
        _KEPT.reset(mark)


def keep(table: Table) -> None:
    """Keep a table for the file of ``--out``, where one was asked for.

    Parameters
    ----------
    table
        What is written, without any cut that the screen needs.
    """
    kept = _KEPT.get()
    if kept is not None and table.columns:
        kept.append(table)


def write_tables(tables: list[Table], path: Path) -> None:
    """Write tables to one file: each a sheet or a section, in CSV and Parquet one below the other.

    Parameters
    ----------
    tables
        What a command showed.
    path
        File to write; its ending decides on the form.

    Raises
    ------
    ScenarioError
        If there is no table, or the file cannot be written.
    MissingExtraError
        If what writes such a file is not installed.
    """
    from costmodel.foundation.files import write_whole
    from costmodel.foundation.table_files import save_table, stacked, write_sheets

    if not tables:
        raise ScenarioError(f"--out {path}: the command showed no table, so that nothing was written")
    if path.suffix == ".html":
        from costmodel.reporting.page import page_of_tables

        text = page_of_tables(tables)
        write_whole(path, lambda partial: _put(text, partial))
    elif path.suffix == ".xlsx" and len(tables) > 1:
        named = {f"{place} {table.title}".strip(): table for place, table in enumerate(tables, 1)}
        write_whole(path, lambda partial: write_sheets(named, partial))
    else:
        save_table(stacked(tables), path)
    say(f"written: {path}")


def _put(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
