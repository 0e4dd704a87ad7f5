"""Choice of figures for a result: those that its outputs and studies allow, the most informative first."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from costmodel.analysis.backtesting import Backtest, Scored
from costmodel.analysis.breakeven import Frontier
from costmodel.analysis.comparison import Waterfall
from costmodel.analysis.one_at_a_time import Tornado
from costmodel.analysis.sobol import SobolIndices
from costmodel.flywheel.decomposition import Decomposition
from costmodel.foundation.errors import CostModelError, DomainError
from costmodel.foundation.result_tables import has_years
from costmodel.foundation.results import Result
from costmodel.reporting import figures, point_figures, study_figures
from costmodel.reporting.report import Headline, headlines_of
from costmodel.serving.frontier import Front
from costmodel.validation.exams import Mark

STATIONS = (
    ("unit cost", ("fixed_weight_unit_cost", "average_unit_cost")),
    ("usage", ("tokens",)),
    ("infrastructure", ("facility_power", "accelerators_in_service")),
    ("total spend", ("user_spend", "revenue")),
)
"""Stations of the flywheel: a label and the outputs that may represent it."""
STACKS = (
    ("user spend by workload", "user_spend_by_workload"),
    ("depreciation by class", "depreciation_by_class"),
    ("capex by class", "capex_by_class"),
)
"""Stacked bars that are drawn where a result has the output."""
MOST_FANS = 4
"""Headlines that get a fan [1]."""


def drawings(
    result: Result, headlines: Sequence[Headline], studies: Mapping[str, Any] | None = None
) -> Iterator[Callable[[], Any]]:
    """Yield a function for each figure for which a result has the outputs; it draws the figure.

    Parameters
    ----------
    result
        A run, of medians or draws.
    headlines
        Outputs that are put first; each with years gets a fan.
    studies
        Studies of the first headline: a tornado under ``tornado``, a waterfall under ``bridge``.
    """
    chosen = stations(result)
    if len(chosen) == len(STATIONS):
        yield lambda: figures.loop(result, chosen)
    timed = [
        name for name in (item.name.split("@")[0] for item in headlines) if result.spec(name).time_axis is not None
    ]
    for name in timed[:1]:
        yield lambda name=name: figures.fan(result, name)  # type: ignore[misc]
    yield from _of_studies(result, headlines, studies or {})
    for name in timed[1:MOST_FANS]:
        yield lambda name=name: figures.fan(result, name)  # type: ignore[misc]
    for title, name in STACKS:
        if _is_seen(result, name):
            yield lambda name=name, title=title: figures.stacked(result, [name], title=title)  # type: ignore[misc]
    if _is_seen(result, "inference_cost") and _is_seen(result, "training_cost"):
        yield lambda: figures.crossing(result, "inference_cost", "training_cost")
    if _is_seen(result, "capex") and _is_seen(result, "depreciation"):
        yield lambda: study_figures.depreciation_wave(result)
    if all(name in result.outputs() for name in (*study_figures.ENTERING, *study_figures.LEAVING)):
        yield lambda: study_figures.vintages(result)
    for name, spec in result.outputs().items():
        if spec.dims == ("part",):
            yield lambda name=name: figures.parts(result, name)  # type: ignore[misc]


def _of_studies(
    result: Result, headlines: Sequence[Headline], studies: Mapping[str, Any]
) -> Iterator[Callable[[], Any]]:
    """Yield the functions that draw the studies of the first headline."""
    unit = result.spec(headlines[0].name.split("@")[0]).unit if headlines else ""
    if "tornado" in studies:
        yield lambda: figures.tornado(studies["tornado"], unit=unit)
    if "bridge" in studies:
        yield lambda: figures.bridge(studies["bridge"], unit=unit)


def _is_seen(result: Result, name: str) -> bool:
    """Return whether a result has figures by year of an output, and not zeros alone."""
    return name in result.outputs() and has_years(result.spec(name)) and bool(np.any(result.by_year(name)[1]))


def stations(result: Result) -> list[tuple[str, str]]:
    """Return label and output of each station of the flywheel that a result has."""
    return [
        (label, next(name for name in names if _is_seen(result, name)))
        for label, names in STATIONS
        if any(_is_seen(result, name) for name in names)
    ]


def drawn(draws: Iterable[Callable[[], Any]], most: int) -> Iterator[Any]:
    """Draw figures one after the other, at most so many; one that the result cannot fill is left out."""
    made = 0
    for draw in draws:
        if made == most:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                axes = draw()
            except CostModelError:
                continue  # this result has no such figure: an axis more, a year too few
        made += 1
        yield axes


_STUDIES: tuple[tuple[type, Callable[..., Any]], ...] = (
    (Tornado, figures.tornado),
    (Waterfall, figures.bridge),
    (SobolIndices, study_figures.sobol_by_year),
    (Frontier, study_figures.break_even_map),
    (Scored, study_figures.backtest),
    (Decomposition, study_figures.decomposition),
    (Front, study_figures.pareto),
    (Mark, point_figures.accuracy),
)
"""Functions that draw studies, by the type of the study."""


def plot(thing: Any, name: str | None = None, axes: Any = None, **options: Any) -> Any:
    """Draw a result or a study with the figure that fits it.

    Parameters
    ----------
    thing
        A result, or what a study found: a tornado, a waterfall, Sobol' indices, a break-even frontier, a backtest, a
        decomposition, a Pareto front, a marked exam.
    name
        Of a result: the output to draw, by year as a fan or stacked by item, by part as a bridge; where absent the
        most informative figure. Not for a study.
    axes
        Matplotlib axes; new ones where absent.
    **options
        Options of the figure, as ``item`` of a fan or ``output`` of a tornado.

    Returns
    -------
    Axes
        With ``alt_text``.

    Raises
    ------
    DomainError
        If there is no figure for it.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import costmodel
    >>> axes = plot(costmodel.run("from-2026"), "user_spend")  # doctest: +SKIP
    """
    if isinstance(thing, Backtest):
        thing = thing.unconditional
    for kind, draw in _STUDIES:
        if isinstance(thing, kind):
            return draw(thing, axes, **options)
    if not isinstance(thing, Result):
        raise DomainError(f"there is no figure of a {type(thing).__name__}")
    if name is not None:
        return _of_output(thing, name, axes, **options)
    chosen = stations(thing)
    if len(chosen) == len(STATIONS):
        return figures.loop(thing, chosen, axes)
    for headline in headlines_of(thing):
        first = headline.name.split("@")[0]
        if has_years(thing.spec(first)):
            return figures.fan(thing, first, axes, **options)
    for output, spec in thing.outputs().items():
        if spec.dims == ("part",):
            return figures.parts(thing, output, axes)
    raise DomainError(f"{thing.scenario.name}: no output has figures by year or parts: print it with .table()")


def _of_output(result: Result, name: str, axes: Any, **options: Any) -> Any:
    spec = result.spec(name)
    if spec.dims == ("part",):
        return figures.parts(result, name, axes, **options)
    if not has_years(spec):
        raise DomainError(f"output {name!r} has no figures by year and no parts: print it with .table({name!r})")
    others = [dim for dim in spec.dims if dim != spec.time_axis]
    if others and "item" not in options:
        return figures.stacked(result, [name], axes, title=spec.label.removesuffix(" in the step"), **options)
    return figures.fan(result, name, axes, **options)
