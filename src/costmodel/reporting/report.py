"""A report of a scenario: answer, figures, tables and evidence, from which a page or a workbook is made."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from costmodel.foundation.errors import CostModelError, DomainError
from costmodel.foundation.results import SUMMARY_QUANTILES, Result
from costmodel.foundation.running import run_model
from costmodel.foundation.scenario import Scenario, model_entry
from costmodel.foundation.tables import Linked, Table, figure, shown_unit

FIRST_YEAR = 1000
"""Year from which a label is one of the calendar [1]."""
ORDERS = 8
"""Orders of the changes over which a bridge is averaged [1]."""
MOST_HEADLINES = 6
"""Outputs that a report puts first [1]."""


@dataclass(frozen=True, slots=True)
class Headline:
    """An output that a report shows first.

    Parameters
    ----------
    label
        What it is, with its year where it has years.
    name
        Output, with its year, as a selector writes it.
    unit
        Unit in which the figures are shown.
    values
        5, 50 and 95 % over the draws, or one figure of a scalar run.
    """

    label: str
    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def text(self) -> str:
        """The figure with its interval and unit."""
        return f"{self.middle} ({self.ends})" if self.ends else self.middle

    @property
    def middle(self) -> str:
        """The figure with its unit: the median of draws."""
        return f"{figure(self.values[len(self.values) // 2])} {self.unit}".rstrip()

    @property
    def ends(self) -> str:
        """The interval, in the unit of the figure; empty for a scalar run."""
        return f"{figure(self.values[0])} to {figure(self.values[-1])}" if len(self.values) > 1 else ""

    @property
    def sentence(self) -> str:
        """The label, the figure and its interval."""
        spread = "" if len(self.values) == 1 else "; 5 to 95 % of draws in brackets"
        return f"{self.label[:1].upper()}{self.label[1:]}: {self.text}{spread}."


@dataclass(frozen=True, slots=True)
class Report:
    """Content of a report.

    Parameters
    ----------
    result
        A run of medians.
    ensemble
        A run of draws; absent where nothing is uncertain or no draws were asked for.
    headlines
        Outputs that are put first.
    carried
        Input that moves the answer most, in a sentence; empty where it was not asked for.
    tables
        Tables by heading.
    command
        Command that repeats it.
    """

    result: Result
    ensemble: Result | None
    headlines: tuple[Headline, ...]
    carried: str
    tables: tuple[tuple[str, Table], ...]
    command: str
    studies: dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> Result:
        """The run whose figures are shown: of draws where there is one."""
        return self.result if self.ensemble is None else self.ensemble

    @property
    def answer(self) -> str:
        """The run's first answer, in a sentence."""
        return _first(self.shown, self.headlines)


def build_report(
    scenario: Any,
    *,
    draws: int | None = None,
    rng: int | None = None,
    changes: Sequence[str] = (),
    name: str | None = None,
    sensitivity: bool = True,
    outputs: Sequence[str] = (),
    against: Any = None,
) -> Report:
    """Run a scenario and gather the content of a report.

    Parameters
    ----------
    scenario
        A written scenario.
    draws
        Draws of its uncertain inputs; none where absent.
    rng
        Seed of the draws.
    changes
        Changes already made to it, as ``PATH=VALUE``, for the command that repeats the report.
    name
        Name or path under which it was loaded, for that command; its own name where absent.
    sensitivity
        Whether the input that moves the answer most is looked for; only where there are uncertain inputs and draws.
    outputs
        Outputs that are put first, as ``operating_margin@2030``; what the class puts first where empty.
    against
        Another scenario of the same model: the difference of the first output is divided among inputs that differ.

    Returns
    -------
    Report
        Everything that a page or a workbook shows.
    """
    model = model_entry(scenario.model).load()
    result = run_model(model, scenario)
    ensemble = None if draws is None else run_model(model, scenario, draws=draws, rng=rng)
    headlines = headlines_of(result if ensemble is None else ensemble, outputs)
    studies: dict[str, Any] = {}
    carried = ""
    if sensitivity and draws is not None and scenario.uncertain_paths():
        carried = _carried(scenario, headlines[0], draws, rng, studies)
    parts = ["costmodel", "report", name or scenario.name, *(f"--set {shlex.quote(text)}" for text in changes)]
    parts += [] if draws is None else [f"--draws {draws}", *([] if rng is None else [f"--seed {rng}"])]
    if outputs:
        parts += [f"--output {shlex.quote(text)}" for text in outputs]
    if against is not None:
        parts.append(f"--against {shlex.quote(against.name)}")
        studies["bridge"] = _bridge(scenario, against, headlines[0], rng)
    tables = tuple((result if ensemble is None else ensemble).tables().items())
    return Report(result, ensemble, headlines, carried, tables, " ".join([*parts, "-o report.html"]), studies)


def answer_of(result: Result) -> str:
    """Return the first headline of a result as a sentence; an empty text if it has no figure."""
    return _first(result, headlines_of(result))


def _first(result: Result, headlines: Sequence[Headline]) -> str:
    """Return why a model cannot run as asked, then its first figure, where draws hold one or it was never refused."""
    refusal = result.refusal()
    known = [item for item in headlines if not refusal or np.ndim(result[item.name.split("@")[0]])]
    return " ".join(filter(None, [refusal, *(item.sentence for item in known[:1])]))


def _bridge(scenario: Any, against: Any, first: Headline, rng: int | None) -> Any:
    """Divide the difference of the first headline between two scenarios among the inputs that differ."""
    from costmodel.analysis.comparison import waterfall

    return waterfall(scenario, against, [first.name], rng=rng or 0, permutations=ORDERS)


def headlines_of(result: Result, outputs: Sequence[str] = ()) -> tuple[Headline, ...]:
    """Return the outputs that a report puts first: what the class puts first, at the last year where it has years.

    Parameters
    ----------
    result
        A run.
    outputs
        Outputs to put before those, with a year or without.

    Raises
    ------
    UnknownParameterError
        If there is no such output or year.
    DomainError
        If an output has items, or is no figure.
    """
    asked = [_asked(result, text) for text in outputs]
    derived = [name for name, spec in result.outputs().items() if spec.derived]
    found: list[Headline] = list(asked)
    known = {headline.name.split("@")[0] for headline in asked}
    for name in dict.fromkeys([*result.first(), *derived, *result.outputs()]):
        headline = None if name in known else _headline(result, name)
        if headline is not None:
            found.append(headline)
        if len(found) >= MOST_HEADLINES:
            break
    return tuple(found)


def _asked(result: Result, text: str) -> Headline:
    """Return an output that was asked for, at its year or the last one."""
    name, sign, year = text.partition("@")
    result.spec(name)
    if sign and not re.fullmatch("[0-9]{4}", year):
        raise DomainError(f"output {text!r}: write a year after @, as {name}@2030")
    headline = _headline(result, name, int(year) if sign else None)
    if headline is None:
        raise DomainError(f"output {text!r} is not a single figure, nor one a year: it cannot be put first")
    return headline


def _headline(result: Result, name: str, year: int | None = None) -> Headline | None:
    """Return an output of one figure, or one a year, as a headline; nothing for others."""
    if name not in result.outputs():
        return None
    spec = result.spec(name)
    others = [dim for dim in spec.dims if dim != spec.time_axis]
    if others or spec.kind in ("code", "date") or spec.words:
        return None
    label, selector, values = spec.label, name, np.asarray(result[name])
    if spec.time_axis is not None:
        years, rows = result.by_year(name)
        if not years or years[0] < FIRST_YEAR:  # years of a project, counted from its start, name no date
            return None
        wanted = years[-1] if year is None else year
        if wanted not in years:
            raise DomainError(f"output {name!r}: year {wanted} is not covered, only {years[0]} to {years[-1]}")
        label, selector = f"{spec.label} in {wanted}", f"{name}@{wanted}"
        values = np.asarray(rows[years.index(wanted)])
    if values.dtype.kind not in "fiu" or not np.isfinite(values).any():
        return None
    if values.ndim:
        from costmodel.foundation.reducers import exact_quantile

        kept = values[np.isfinite(values)]
        figures = tuple(float(value) for value in exact_quantile(kept, SUMMARY_QUANTILES))
    else:
        figures = (float(values),)
    unit, scale = shown_unit(spec.unit, max(abs(value) for value in figures))
    return Headline(label, selector, unit, tuple(value * scale for value in figures))


def _carried(scenario: Any, first: Headline, draws: int, rng: int | None, studies: dict[str, Any]) -> str:
    """Describe which input moves the first headline most, one at a time."""
    import warnings

    from costmodel.analysis.one_at_a_time import tornado

    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            swings = tornado(scenario, [first.name], draws=min(draws, 512), rng=rng or 0)
    except CostModelError as error:
        return f"The input that moves the answer most could not be determined: {error}"
    studies["tornado"] = swings
    order = np.argsort(-np.abs(swings.swing[:, 0]), kind="stable")
    if not len(order):
        return ""
    names = [swings.names[row] for row in order[:2]]
    low, high = swings.ranks
    text = (
        f"It moves most with {names[0]}: by {_share(swings, int(order[0]))} from its {low:.0%} to {high:.0%} quantile"
    )
    if len(names) > 1:
        text += f", then with {names[1]} ({_share(swings, int(order[1]))})"
    together = " Inputs acting together carry part of the spread." if said else ""
    return f"{text}.{together}"


def _share(swings: Any, row: int) -> str:
    base = float(swings.base[0])
    return f"{swings.swing[row, 0] / base:+.0%}" if base else f"{swings.swing[row, 0]:+.3g}"


def evidence(scenario: Scenario) -> Table:
    """Return every assumption of a scenario as a table: value, unit, grade, linked source and note."""
    citations = scenario.sources()
    rows = tuple(
        (
            row.path,
            row.value,
            "" if row.unit == "1" else row.unit,
            str(row.grade),
            "" if row.source is None else Linked(row.source.title, row.source.link),
            row.note or "",
        )
        for row in citations
    )
    counts = Counter(str(row.grade) for row in citations)
    note = ", ".join(f"{count} {grade}" for grade, count in counts.items())
    return Table(("input", "value", "unit", "grade", "source", "note"), rows, notes=(note,))
