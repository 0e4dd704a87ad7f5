"""A report as one page: self-contained HTML that needs no network, for a desk, a phone and paper."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from costmodel.foundation.errors import missing_extra
from costmodel.foundation.tables import Cell, Table
from costmodel.foundation.version import VERSION
from costmodel.reporting import style
from costmodel.reporting.gallery import drawings, drawn
from costmodel.reporting.report import Report, evidence

MOST_FIGURES = 10
"""Figures of a page [1]."""


def render(report: Report) -> str:
    """Return a report as a page of HTML.

    Parameters
    ----------
    report
        A report.

    Returns
    -------
    str
        One page with its figures, styles and script inside. Every text is escaped, and an address that is not
        ``http`` or ``https`` is shown as text.

    Raises
    ------
    MissingExtraError
        If Jinja2 or matplotlib is not installed.
    """
    scenario = report.result.scenario
    lists = (
        ("Calibrated on", scenario.calibrated),
        ("What is not modelled", scenario.not_modelled),
        ("Where it is known to miss", scenario.misses),
    )
    seed = "" if report.ensemble is None else f"{report.ensemble.draws:,} draws"
    return _filled(
        "page.html",
        title=scenario.title or scenario.name,
        description=scenario.description,
        answer=report.answer,
        headlines=[(item.label, item.middle, item.ends) for item in report.headlines],
        carried=report.carried,
        figures=list(_figures(report)),
        sections=[
            *((heading, speaking(table)) for heading, table in report.tables),
            ("Every assumption", evidence(scenario)),
        ],
        lists=[(heading, lines) for heading, lines in lists if lines],
        command=report.command,
        toml=scenario.to_toml(),
        seed=seed,
    )


def speaking(table: Table) -> Table:
    """Return a table without the rows in which every figure is zero or absent; a note names them.

    Parameters
    ----------
    table
        Outputs, one a row.

    Examples
    --------
    >>> print(speaking(Table(("output", "2026", "2027"), (("tax", 0.0, 0.0), ("rent", 2.0, 0.0)))))
    output  2026  2027
    rent       2     0
    left out, because zero or blank throughout: tax
    """
    silent = [row for row in table.rows if _silent(row)]
    if not silent:
        return table
    said = f"left out, because zero or blank throughout: {', '.join(str(row[0]) for row in silent)}"
    return replace(table, rows=tuple(row for row in table.rows if not _silent(row)), notes=(*table.notes, said))


def _silent(row: Sequence[Cell]) -> bool:
    """Return whether a row has several figures, all of them zero or absent."""
    figures = [value for cell in row for value in (cell if isinstance(cell, tuple) else (cell,))]
    numbers = [value for value in figures if isinstance(value, float)]
    return len(numbers) > 1 and all(not value or math.isnan(value) for value in numbers)


def page_of_tables(tables: Sequence[Table]) -> str:
    """Return tables as a page of HTML, each under its title; its tables sort, as those of a report.

    Parameters
    ----------
    tables
        At least one.

    Raises
    ------
    MissingExtraError
        If Jinja2 is not installed.
    """
    headings = [table.title or f"Table {place}" for place, table in enumerate(tables, 1)]
    untitled = [(heading, replace(table, title="")) for heading, table in zip(headings, tables, strict=True)]
    return _filled("tables.html", title=headings[0], sections=untitled)


def _filled(name: str, **texts: Any) -> str:
    """Return a template with its texts, every one escaped."""
    try:
        import jinja2
    except ImportError:
        raise missing_extra("report", "a page") from None
    folder = resources.files("costmodel.reporting").joinpath("templates")
    held = {one: folder.joinpath(one).read_text(encoding="utf-8") for one in ("base.html", name, "sort.js")}
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.DictLoader(held),
    )
    return environment.get_template(name).render(version=VERSION, sorting=held["sort.js"], **texts)


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the figures of a report as SVG, each with its description."""
    style.pyplot()
    for axes in drawn(drawings(report.shown, report.headlines, report.studies), MOST_FIGURES):
        yield style.svg_of(axes), axes.alt_text
        style.close(axes)
