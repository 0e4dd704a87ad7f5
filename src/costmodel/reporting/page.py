"""A report as one page: self-contained HTML that needs no network, for a desk, a phone and paper."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from costmodel.foundation.errors import missing_extra
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
    try:
        import jinja2
    except ImportError:
        raise missing_extra("report", "a page") from None
    scenario = report.result.scenario
    source, sorting = (
        resources.files("costmodel.reporting").joinpath("templates", name).read_text(encoding="utf-8")
        for name in ("page.html", "sort.js")
    )
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
        sections=[*report.tables, ("Every assumption", evidence(scenario))],
        lists=[(heading, lines) for heading, lines in lists if lines],
        command=report.command,
        toml=scenario.to_toml(),
        version=VERSION,
        seed=seed,
        sorting=sorting,
    )


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the figures of a report as SVG, each with its description."""
    style.pyplot()
    for axes in drawn(drawings(report.shown, report.headlines, report.studies), MOST_FIGURES):
        yield style.svg_of(axes), axes.alt_text
        style.close(axes)
