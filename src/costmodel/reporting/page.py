"""A report as one page: self-contained HTML that needs no network, for a desk, a phone and paper."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from costmodel.foundation.errors import DomainError, ScenarioError, missing_extra
from costmodel.foundation.provenance import Citation
from costmodel.foundation.results import Result
from costmodel.foundation.tables import Table
from costmodel.foundation.version import VERSION
from costmodel.reporting import figures, style
from costmodel.reporting.report import Report

MOST_FIGURES = 8
"""Figures of a page [1]."""
STATIONS = (
    ("unit cost", ("fixed_weight_unit_cost", "average_unit_cost")),
    ("usage", ("tokens",)),
    ("infrastructure", ("facility_power", "accelerators_in_service")),
    ("total spend", ("user_spend",)),
)
"""What the flywheel turns through: a label and the outputs that may stand for it."""
STACKS = (
    ("user spend by workload", ("user_spend_by_workload",)),
    ("depreciation by class", ("depreciation_by_class",)),
    ("capex by class", ("capex_by_class",)),
)
"""Stacked bars that are drawn where a result has the outputs."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, and an address that it links to."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as the page shows it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    words: bool = False


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
    try:
        import jinja2
    except ImportError:
        raise missing_extra("report", "a page") from None
    scenario = report.result.scenario
    source = resources.files("costmodel.reporting").joinpath("templates", "page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    lists = (
        ("Calibrated on", scenario.calibrated),
        ("What is not modelled", scenario.not_modelled),
        ("Where it is known to miss", scenario.misses),
    )
    seed = "" if report.ensemble is None else f"{report.ensemble.draws:,} draws"
    return environment.from_string(source).render(
        title=scenario.title or scenario.name,
        description=scenario.description,
        answer=report.answer,
        headlines=[(item.label, item.text) for item in report.headlines],
        carried=report.carried,
        figures=list(_figures(report)),
        sections=[(heading, [_grid(table) for table in tables]) for heading, tables in report.tables]
        + [("Every assumption", [evidence(scenario.sources())])],
        lists=[(heading, lines) for heading, lines in lists if lines],
        command=report.command,
        toml=scenario.to_toml(),
        version=VERSION,
        seed=seed,
    )


def _grid(table: Table) -> Grid:
    return Grid(table.title, table.columns, [[Cell(text) for text in row] for row in table.rows], table.notes)


def evidence(citations: Sequence[Citation]) -> Grid:
    """Return a bibliography as a table: what is assumed, how strongly, and where it comes from."""
    rows = []
    for row in citations:
        source = Cell("") if row.source is None else Cell(row.source.title, safe_link(row.source.link))
        texts = [Cell(row.path), Cell(row.value), Cell("" if row.unit == "1" else row.unit), Cell(str(row.grade))]
        rows.append([*texts, source, Cell(row.note or "")])
    counts: dict[str, int] = {}
    for row in citations:
        counts[str(row.grade)] = counts.get(str(row.grade), 0) + 1
    note = ", ".join(f"{count} {grade}" for grade, count in counts.items())
    return Grid("", ("input", "value", "unit", "grade", "source", "note"), rows, (note,), words=True)


def safe_link(link: str | None) -> str:
    """Return an address that a page may link to; empty for anything but ``http``, ``https`` and arXiv numbers.

    Examples
    --------
    >>> safe_link("https://epoch.ai"), safe_link("arXiv:2405.21015"), safe_link("javascript:alert(1)")
    ('https://epoch.ai', 'https://arxiv.org/abs/2405.21015', '')
    """
    text = (link or "").strip()
    if text.lower().startswith("arxiv:"):
        return f"https://arxiv.org/abs/{text[6:].strip()}"
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the figures of a report as SVG, each with its description."""
    style.pyplot()
    for axes in _axes(report):
        yield style.svg_of(axes), axes.alt_text
        style.close(axes)


def _axes(report: Report) -> Iterator[Any]:
    made = 0
    for draw in _drawings(report):
        if made == MOST_FIGURES:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                axes = draw()
            except (DomainError, ScenarioError):
                continue  # this result has no such figure: an axis more, a year too few
        made += 1
        yield axes


def _drawings(report: Report) -> Iterator[Any]:
    """Yield what draws each figure that the result has the outputs for."""
    result = report.shown
    stations = [(label, name) for label, names in STATIONS for name in names[:] if name in result.outputs()]
    chosen = list({label: (label, name) for label, name in reversed(stations)}.values())[::-1]
    if len(chosen) == len(STATIONS):
        yield lambda: figures.loop(result, chosen)
    for headline in report.headlines:
        name = headline.name.split("@")[0]
        if result.spec(name).time_axis is not None:
            yield lambda name=name: figures.fan(result, name)
    for title, names in STACKS:
        if all(name in result.outputs() for name in names):
            yield lambda names=names, title=title: figures.stacked(result, names, title=title)
    if {"inference_cost", "training_cost"} <= result.outputs().keys():
        yield lambda: figures.crossing(result, "inference_cost", "training_cost")
    if "tornado" in report.studies:
        yield lambda: figures.tornado(report.studies["tornado"], unit=_unit(result, report))
    yield from _parts(result)


def _unit(result: Result, report: Report) -> str:
    return result.spec(report.headlines[0].name.split("@")[0]).unit


def _parts(result: Result) -> Iterator[Any]:
    """Yield a bridge from nothing to a total, for outputs by part of a result without years."""
    for name, spec in result.outputs().items():
        if spec.dims == ("part",):
            values = result.quantile(name, 0.5)
            parts = [(str(label), float(value)) for label, value in zip(result.labels()["part"], values, strict=True)]
            total = sum(value for _, value in parts)
            scale = 1e6 if spec.unit == "USD/token" else 1.0
            unit = "USD/Mtoken" if spec.unit == "USD/token" else spec.unit
            steps = [(label, value * scale) for label, value in parts if value]
            yield lambda steps=steps, total=total * scale, label=f"{spec.label} [{unit}]": figures.steps_between(
                ("nothing", 0.0), steps, ("in all", total), title=label
            )
