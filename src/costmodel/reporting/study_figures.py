"""Figures of studies and of a fleet's books: Sobol' indices by year, a decomposition, a break-even map, a backtest.

As in :mod:`costmodel.reporting.figures`, each takes axes, draws on them and returns them with ``alt_text``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from costmodel.analysis.backtesting import Scored
from costmodel.analysis.breakeven import Frontier
from costmodel.analysis.sobol import SobolIndices
from costmodel.flywheel.decomposition import Decomposition
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError
from costmodel.foundation.results import Result
from costmodel.foundation.tables import figure as number
from costmodel.reporting.figures import by_year, over_draws, short, shortened, steps_between
from costmodel.reporting.point_figures import against
from costmodel.reporting.style import (
    COLOURS,
    axes_of,
    described,
    inches,
    label_size,
    label_y,
    room,
    scaled,
    styled,
    words,
)
from costmodel.serving.frontier import Front

NARROW_LEGEND = 3.6
"""Height of a figure below which the names of the inputs stand in two columns [inch]."""
MOST_LINES = 6
"""Inputs that a figure of indices by year shows apart; the rest is one [1]."""
ENTERING = ("arrived_by_operator",)
LEAVING = ("retired_by_operator", "failed_by_operator", "left_by_operator")
"""Outputs of accelerators that enter and leave service."""


def sobol_by_year(study: SobolIndices, axes: Any = None, *, output: str | None = None) -> Any:
    """Draw which input carries how much of the variance of an output, year by year.

    Parameters
    ----------
    study
        Indices of an output in several years, as ``user_spend@*`` gives them.
    axes
        Matplotlib axes; new ones where absent.
    output
        Which output, without its year; the first one where absent.

    Raises
    ------
    DomainError
        If the study has no output in at least two years.
    """
    stem = output or study.outputs[0].split("@")[0]
    places = [place for place, label in enumerate(study.outputs) if label.split("@")[0] == stem and "@" in label]
    if len(places) < 2:
        raise DomainError(f"{stem}: indices by year need at least two years; ask for {stem}@*")
    years = [int(study.outputs[place].split("@")[1]) for place in places]
    shares = np.nan_to_num(study.first[:, places])
    order = np.argsort(-shares.max(axis=1), kind="stable")[:MOST_LINES]
    axes = axes_of(axes, (4.8, 4.4))
    bottom = np.zeros(len(years))
    narrow = axes.figure.get_figheight() < NARROW_LEGEND
    size = 6.5 if narrow else 7.5
    names = shortened([study.names[row] for row in order], int(0.5 * room(axes) / inches(1, size)) if narrow else 34)
    with styled():
        for place, row in enumerate(order):
            axes.bar(years, shares[row], bottom=bottom, color=COLOURS[place], width=0.8, label=names[place])
            bottom = bottom + np.maximum(shares[row], 0.0)
        rest = np.maximum(1.0 - bottom, 0.0)
        axes.bar(years, rest, bottom=bottom, color="#e4e4e4", width=0.8, label="others, and together")
        axes.set_xticks(years)
        axes.set_ylim(0.0, max(1.0, float(bottom.max())))
        axes.figure.legend(
            loc="outside lower left", ncols=1 + narrow, columnspacing=0.8, handlelength=1.2, fontsize=size
        )
    label_y(axes, f"share of the variance of {words(stem)}, first order", "")
    first, last = study.names[int(shares[:, 0].argmax())], study.names[int(shares[:, -1].argmax())]
    said = f"{first} carries most in {years[0]} ({shares[:, 0].max():.0%})"
    return described(
        axes, f"Variance of {stem} by input and year: {said}, {last} in {years[-1]} ({shares[:, -1].max():.0%})."
    )


def decomposition(parts: Decomposition, axes: Any = None, *, since: int | None = None, until: int | None = None) -> Any:
    """Draw what a change over years consists of, factor by factor; over draws, medians of each factor.

    Parameters
    ----------
    parts
        A decomposition of user spend or of compute in use.
    axes
        Matplotlib axes; new ones where absent.
    since, until
        First and last year whose change is counted; all where absent.
    """
    steps = [
        (factor.replace("_", " "), float(np.median(parts.part(factor, since=since, until=until))))
        for factor in parts.factors
    ]
    chosen = [year for year in parts.years if (since or 0) <= year <= (until or 9999)]
    total = sum(value for _, value in steps)
    label = f"change from {chosen[0] - 1} to {chosen[-1]}"
    unit = parts.spec("parts").unit
    return steps_between(("nothing", 0.0), steps, ("in all", total), axes, unit=unit, title=label)


def vintages(result: Result, axes: Any = None) -> Any:
    """Draw the accelerators that enter service each year, and below the line those that leave it.

    Parameters
    ----------
    result
        A run of the flywheel; over draws, medians.
    axes
        Matplotlib axes; new ones where absent.
    """
    years, entering = _summed(result, ENTERING)
    unit, scale = scaled("1", entering)
    axes = axes_of(axes)
    with styled():
        axes.bar(years, entering * scale, color=COLOURS[0], width=0.8, label="enter service: the year's vintage")
        below = np.zeros(len(years))
        for place, name in enumerate(LEAVING):
            _, leaving = _summed(result, (name,))
            label = result.spec(name).label.removeprefix("accelerators ").removeprefix("that ")
            colour = COLOURS[(1, 4, 3)[place]]
            axes.bar(years, -leaving * scale, bottom=-below * scale, color=colour, width=0.8, label=label)
            below = below + leaving
        axes.axhline(0.0, color="#333333", linewidth=0.8)
        axes.legend(loc="upper left")
        axes.set_xticks(years)
        axes.margins(y=0.3)
    label_y(axes, "accelerators that enter and leave service", unit)
    text = f"{number(entering[-1] * scale)} {unit} enter in {years[-1]}, {number(below[-1] * scale)} leave"
    return described(axes, f"Vintages by year: {text}.")


def depreciation_wave(result: Result, axes: Any = None) -> Any:
    """Draw what is bought each year and the depreciation that follows it.

    Parameters
    ----------
    result
        A run with capex and depreciation; over draws, medians.
    axes
        Matplotlib axes; new ones where absent.
    """
    years, capex = _median(result, "capex")
    _, depreciation = _median(result, "depreciation")
    unit, scale = scaled("USD", capex)
    axes = axes_of(axes)
    with styled():
        axes.bar(years, capex * scale, color=COLOURS[5], width=0.8, label="capex")
        axes.plot(years, depreciation * scale, "-o", color=COLOURS[1], markersize=3, label="depreciation")
        axes.legend(loc="upper left")
        axes.set_xticks(years)
    label_y(axes, "capex and the depreciation that follows", unit)
    share = depreciation[-1] / capex[-1] if capex[-1] else float("nan")
    return described(
        axes,
        f"Depreciation follows capex: {number(depreciation[0] * scale)} {unit} in {years[0]}, "
        f"{number(depreciation[-1] * scale)} in {years[-1]}, {share:.0%} of that year's capex.",
    )


def pareto(front: Front, axes: Any = None, *, names: Sequence[str] = ()) -> Any:
    """Draw cost against speed: the configurations that none beats in both.

    Parameters
    ----------
    front
        Result of :func:`costmodel.serving.best_configurations`.
    axes
        Matplotlib axes; new ones where absent.
    names
        Label of each point.
    """
    return against(
        ("speed of one user", "token/s", front.user_speed),
        ("cost of a token", "USD/token", front.cost),
        axes,
        names=names,
    )


def break_even_map(line: Frontier, axes: Any = None, *, units: tuple[str, str] = ("", "")) -> Any:
    """Draw the pairs of two parameters at which a target holds.

    Parameters
    ----------
    line
        A frontier.
    axes
        Matplotlib axes; new ones where absent.
    units
        Unit of the parameter along the axis, and of the one that was solved for.
    """
    points = [(float(x), y) for x, roots in zip(line.values, line.roots, strict=True) for y in roots]
    x, y = np.array(points).T if points else (np.zeros(0), np.zeros(0))
    axes = axes_of(axes)
    with styled():
        several = any(len(roots) > 1 for roots in line.roots)
        axes.plot(x, y, "o" if several else "-o", color=COLOURS[0], markersize=4)
        missing = [float(value) for value, roots in zip(line.values, line.roots, strict=True) if not roots]
        if missing:
            axes.plot(
                missing, [line.range.low] * len(missing), "x", color=COLOURS[1], label="nothing in the range does"
            )
            axes.legend(loc="best")
        axes.set_xlabel(f"{line.against} [{units[0]}]" if units[0] not in ("", "1") else line.against)
        axes.grid(visible=True, axis="both")
    label_y(axes, f"{short(line.range.path)} at which {line.target}", units[1])
    ends = f"from {number(y[0])} at {number(x[0])} to {number(y[-1])} at {number(x[-1])}" if points else "nowhere"
    return described(axes, f"{line.range.path} at which {line.target}, by {line.against}: {ends}.")


def backtest(scored: Scored, axes: Any = None) -> Any:
    """Draw forecasts from a past date as intervals around what happened, each over what happened.

    Parameters
    ----------
    scored
        Forecasts with their outcomes.
    axes
        Matplotlib axes; new ones where absent.
    """
    rows = scored.forecasts
    if not rows:
        raise DomainError("the backtest has no outcome to draw")
    axes = axes_of(axes, (4.8, 1.1 + 0.2 * len(rows)))
    with styled():
        for place, row in enumerate(rows):
            observed = row.observation.value
            colour = COLOURS[0] if row.inside else COLOURS[1]
            axes.plot([row.low / observed, row.high / observed], [place, place], "-", color=colour, linewidth=2.5)
            axes.plot(row.median / observed, place, "o" if row.inside else "D", color=colour, markersize=4)
        axes.axvline(1.0, color="#333333", linewidth=0.8)
        axes.set_xscale("log")
        labels = [f"{row.observation.output.replace('_', ' ')}, {row.observation.date}" for row in rows]
        axes.set_yticks(range(len(rows)), labels, fontsize=min(label_size(axes), 7.0))
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        for marker, colour, said in (("o", COLOURS[0], "interval holds it"), ("D", COLOURS[1], "it lies outside")):
            axes.plot([], [], marker, color=colour, markersize=4, label=said)
        axes.figure.legend(loc="outside lower left", ncols=2)
    label_y(axes, "forecast over what happened", "", labels)
    return described(axes, f"Backtest of {len(rows)} outcomes: {scored.overall}.")


def _summed(result: Result, names: Sequence[str]) -> tuple[tuple[int, ...], FloatArray]:
    """Return years and the sum over operators of some outputs."""
    years: tuple[int, ...] = ()
    total: FloatArray = np.zeros(0)
    for name in names:
        years, values = result.by_year(name)
        summed = over_draws(np.asarray(values).sum(axis=1), 0.5)
        total = summed if not total.size else total + summed
    return years, total


def _median(result: Result, name: str) -> tuple[tuple[int, ...], FloatArray]:
    years, values = by_year(result, name, None)
    return years, over_draws(values, 0.5)
