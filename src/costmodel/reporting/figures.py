"""One function for each figure; each takes axes, draws on them and returns them, with an alternative text.

Without axes a figure is made at a column's width. Figures read results by the names of their outputs and studies by
their fields; they compute nothing of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from costmodel.analysis.comparison import Waterfall
from costmodel.analysis.one_at_a_time import Tornado
from costmodel.analysis.sobol import output_index
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.results import Result
from costmodel.foundation.schedules import year_fraction
from costmodel.foundation.tables import figure as number
from costmodel.foundation.units import convert
from costmodel.reporting.style import (
    COLOURS,
    NARROW,
    axes_of,
    described,
    inches,
    label_size,
    label_y,
    prefixed,
    room,
    scaled,
    styled,
    widest,
    words,
)

BANDS = ((0.05, 0.95, 0.18), (0.25, 0.75, 0.30))
"""Ranks of the bands of a fan and how opaque each is."""
LOG_SPAN = 100.0
"""Ratio of largest to smallest median from which a fan has a logarithmic axis [1]."""
MOST_BARS = 12
"""Bars of a tornado or a bridge; the rest is drawn as one."""


def fan(result: Result, name: str, axes: Any = None, *, item: str | None = None, history: bool = True) -> Any:
    """Draw an output by year: a line, bands over the draws, and the history that the scenario carries as points.

    The axis is a calendar: a year's sum or mean is drawn at the middle of the year, a stock at its end, and a reported
    figure at its own date.

    Parameters
    ----------
    result
        A run, of medians or draws.
    name
        An output with an axis of time.
    axes
        Matplotlib axes; new ones where absent.
    item
        Label on the output's other axis, as a workload; needed where it has one.
    history
        Whether observations of this output are drawn.

    Returns
    -------
    Axes
        With ``alt_text``.
    """
    years, values = by_year(result, name, item)
    spec = result.spec(name)
    seen = _observed(result, name, spec.unit) if history else []
    unit, scale = scaled(spec.unit, values, np.array([value for _, value, _ in seen]))
    axes = axes_of(axes)
    middle = over_draws(values, 0.5)
    dates = np.array(years) + (1.0 if spec.kind == "stock" else 0.5)
    wide = bool((values > 0.0).all() and middle.max() > LOG_SPAN * middle.min())
    with styled():
        if wide:
            axes.set_yscale("log")
        if values.ndim > 1:
            for low, high, opacity in BANDS:
                bounds = [over_draws(values, rank) * scale for rank in (low, high)]
                axes.fill_between(dates, *bounds, color=COLOURS[0], alpha=opacity, linewidth=0)
        axes.plot(dates, middle * scale, color=COLOURS[0], label="model" if values.ndim == 1 else "median, 50 and 90 %")
        for used, marker, label in ((True, "o", "reported, used in the fit"), (False, "D", "reported, not used")):
            points = [(when, value) for when, value, fitted in seen if fitted is used]
            if points:
                x, y = np.array(points).T
                axes.plot(x, y * scale, marker, color=COLOURS[1], markersize=4, label=label, linestyle="none")
        axes.legend(loc="best")
        axes.set_xticks(years[:: max(1, len(years) // 8)])
    label_y(axes, spec.label if item is None else f"{spec.label}, {item}", unit)
    ends = f"from {number(middle[0] * scale)} in {years[0]} to {number(middle[-1] * scale)} {unit} in {years[-1]}"
    beside = f"; {len(seen)} reported figures beside it" if seen else ""
    return described(axes, f"{spec.label} by year, {ends}{beside}.")


def stacked(result: Result, names: Sequence[str], axes: Any = None, *, title: str = "") -> Any:
    """Draw outputs by year as stacked bars; items of an output with a second axis are stacked apart.

    Parameters
    ----------
    result
        A run; medians over the draws are drawn.
    names
        Outputs of one unit.
    axes
        Matplotlib axes; new ones where absent.
    title
        Title of the total; the outputs' labels where absent.
    """
    rows = [row for name in names for row in _rows(result, name)]
    units = {result.spec(name).unit for name in names}
    if len(units) != 1:
        raise DomainError(f"bars of {', '.join(sorted(units))} cannot be stacked: give outputs of one unit")
    years = result.by_year(names[0])[0]
    unit, scale = scaled(units.pop(), np.sum([np.abs(values) for _, values in rows], axis=0))
    axes = axes_of(axes)
    above, below = np.zeros(len(years)), np.zeros(len(years))
    with styled():
        for place, (label, values) in enumerate(rows):
            bottom = np.where(values >= 0.0, above, below)
            colour, hatch = COLOURS[place % len(COLOURS)], "" if place < len(COLOURS) else "//"
            axes.bar(years, values * scale, bottom=bottom * scale, color=colour, hatch=hatch, label=label, width=0.8)
            above, below = above + np.maximum(values, 0.0), below + np.minimum(values, 0.0)
        axes.legend(loc="upper left", ncols=1 if len(rows) < 5 else 2)
        axes.set_xticks(years[:: max(1, len(years) // 8)])
        axes.margins(y=0.35 if len(rows) > 4 else 0.2)
    label_y(axes, title or ", ".join(result.spec(name).label for name in names), unit)
    total = above + below
    largest = max(rows, key=lambda row: abs(row[1][-1]))[0]
    first, last = (number(total[place] * scale) for place in (0, -1))
    text = f"{title or 'Stacked bars'} by year: {first} in {years[0]}, {last} {unit} in {years[-1]}"
    return described(axes, f"{text}; largest part in {years[-1]}: {largest}.")


def crossing(result: Result, first: str, second: str, axes: Any = None) -> Any:
    """Draw two outputs by year, and mark when the first passes the second.

    Parameters
    ----------
    result
        A run; over draws, medians.
    first, second
        Outputs of one unit, as inference and training cost.
    axes
        Matplotlib axes; new ones where absent.
    """
    years, one = by_year(result, first, None)
    _, two = by_year(result, second, None)
    one, two = over_draws(one, 0.5), over_draws(two, 0.5)
    unit, scale = scaled(result.spec(first).unit, one, two)
    axes = axes_of(axes)
    with styled():
        for values, name, colour, style in ((one, first, COLOURS[0], "-"), (two, second, COLOURS[1], "--")):
            axes.plot(
                years, values * scale, style, color=colour, label=result.spec(name).label, marker="o", markersize=3
            )
        when = _passes(np.asarray(years, dtype=np.float64), one - two)
        if when is not None:
            axes.axvline(when, color="#555555", linewidth=0.8, linestyle=":")
            axes.annotate(f"  {when:.1f}", (when, axes.get_ylim()[0]), ha="left", va="bottom", fontsize=8)
        axes.legend(loc="upper left")
        axes.set_xticks(years[:: max(1, len(years) // 8)])
    label_y(axes, f"{result.spec(first).label} and {result.spec(second).label}", unit)
    said = f"passes it in {when:.1f}" if when is not None else "does not pass it in these years"
    return described(axes, f"{result.spec(first).label} against {result.spec(second).label}: the first {said}.")


def bridge(waterfall: Waterfall, axes: Any = None, *, output: str | None = None, unit: str = "") -> Any:
    """Draw a change between two scenarios, divided among the inputs that differ.

    Parameters
    ----------
    waterfall
        A divided change.
    axes
        Matplotlib axes; new ones where absent.
    output
        Which output, where there are several.
    unit
        Its unit, for the axis; as the model's results declare it where absent.
    """
    column = output_index(waterfall.outputs, output)
    order = np.argsort(-np.abs(waterfall.parts[:, column]), kind="stable")
    steps = [(waterfall.changes[row], float(waterfall.parts[row, column])) for row in order]
    ends = (float(waterfall.first[column]), float(waterfall.second[column]))
    first, last = zip(waterfall.scenarios, ends, strict=True)
    unit = unit or (waterfall.units[column] if waterfall.units else "")
    return steps_between(first, steps, last, axes, unit=unit, title=words(waterfall.outputs[column]))


def steps_between(
    first: tuple[str, float],
    parts: Sequence[tuple[str, float]],
    last: tuple[str, float],
    axes: Any = None,
    *,
    unit: str = "",
    title: str = "",
) -> Any:
    """Draw a waterfall: a first value, signed parts, and the value that they lead to.

    Parameters
    ----------
    first, last
        Label and value at both ends.
    parts
        Label and value of each step; beyond `MOST_BARS` the smallest are drawn as one.
    axes
        Matplotlib axes; new ones where absent.
    unit
        Unit of the values.
    title
        Name of the quantity that changes.
    """
    kept = _largest(list(parts))
    shown, scale = scaled(unit, np.array([first[1], last[1]])) if unit else ("", 1.0)
    axes = axes_of(axes, (4.8, 0.9 + 0.28 * (len(kept) + 2)))
    labels = [first[0], *(label for label, _ in kept), last[0]]
    with styled():
        level = first[1]
        start = 1 if first[1] else 0
        labels = labels if start else labels[1:]
        if start:
            axes.barh(0, first[1] * scale, color=COLOURS[6], height=0.6)
        for place, (_, value) in enumerate(kept, start=start):
            colour = COLOURS[0] if value >= 0.0 else COLOURS[1]
            axes.barh(place, value * scale, left=level * scale, color=colour, height=0.6)
            end = (level + max(value, 0.0)) * scale
            axes.annotate(f" {_signed(value * scale)}", (end, place), va="center", fontsize=7)
            level += value
        axes.barh(len(labels) - 1, last[1] * scale, color=COLOURS[6], height=0.6)
        labels = shortened([label if "." in label else label.replace("_", " ") for label in labels], widest(axes))
        axes.set_yticks(range(len(labels)), labels, fontsize=label_size(axes))
        axes.use_sticky_edges = False  # so that no bar ends at the frame
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.04)
        low, high = axes.get_xlim()
        taken = inches(8, 7) / room(axes, labels)  # by the figure behind the last bar
        axes.set_xlim(low, low + (high - low) / (1.0 - min(taken, 0.6)))
    label_y(axes, title, shown, labels)
    biggest = max(kept, key=lambda part: abs(part[1]), default=("nothing", 0.0))
    text = f"From {number(first[1] * scale)} ({first[0]}) to {number(last[1] * scale)} {shown} ({last[0]})"
    return described(axes, f"{title}. {text}; the largest step is {biggest[0]}, {biggest[1] * scale:+.3g}.")


def parts(result: Result, name: str, axes: Any = None) -> Any:
    """Draw what an output by part consists of, from nothing to its total.

    Parameters
    ----------
    result
        A run; over draws, medians.
    name
        An output whose only axis is ``part``.
    axes
        Matplotlib axes; new ones where absent.

    Raises
    ------
    DomainError
        If the output has other axes.
    """
    spec = result.spec(name)
    if spec.dims != ("part",):
        raise DomainError(f"output {name!r} has the axes {spec.dims}: parts have the axis 'part' alone")
    values = result.quantile(name, 0.5)
    steps = [(str(label), float(value)) for label, value in zip(result.labels()["part"], values, strict=True) if value]
    total = sum(value for _, value in steps)
    return steps_between(("nothing", 0.0), steps, ("in all", total), axes, unit=spec.unit, title=spec.label)


def tornado(swings: Tornado, axes: Any = None, *, output: str | None = None, unit: str = "") -> Any:
    """Draw the values of an output when one input at a time takes its low and its high value.

    Parameters
    ----------
    swings
        A tornado.
    axes
        Matplotlib axes; new ones where absent.
    output
        Which output, where there are several.
    unit
        Its unit, for the axis; as the model's results declare it where absent.
    """
    column = output_index(swings.outputs, output)
    order = np.argsort(-np.abs(swings.swing[:, column]), kind="stable")[:MOST_BARS]
    base = float(swings.base[column])
    unit = unit or (swings.units[column] if swings.units else "")
    shown, scale = scaled(unit, np.array([base])) if unit else ("", 1.0)
    axes = axes_of(axes, (4.8, 0.9 + 0.26 * len(order)))
    with styled():
        for place, row in enumerate(order):
            for value, colour, label in (
                (swings.low[row, column], COLOURS[1], f"input at its {swings.ranks[0]:.0%} quantile"),
                (swings.high[row, column], COLOURS[0], f"at its {swings.ranks[1]:.0%} quantile"),
            ):
                said = label if place == 0 else None
                axes.barh(place, (value - base) * scale, left=base * scale, color=colour, height=0.65, label=said)
        axes.axvline(base * scale, color="#333333", linewidth=0.8)
        labels = shortened([swings.names[row] for row in order], widest(axes))
        axes.set_yticks(range(len(order)), labels, fontsize=label_size(axes))
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.use_sticky_edges = False
        axes.margins(x=0.05)
        if not unit:
            axes.xaxis.set_major_formatter(prefixed())
        axes.figure.legend(loc="outside lower left", ncols=2)
    label_y(axes, words(swings.outputs[column]), shown, labels)
    first = swings.names[order[0]] if len(order) else "none"
    span = swings.swing[order[0], column] * scale if len(order) else 0.0
    around = f"{swings.outputs[column]} around {number(base * scale)} {shown}".rstrip()
    return described(axes, f"Tornado of {around}: {first} moves it most, by {span:+.3g}.")


def loop(result: Result, names: Sequence[tuple[str, str]], axes: Any = None) -> Any:
    """Draw the flywheel as a loop of quantities, each with its change from the first year of the run to the last.

    Each arrow says by how many per cent a station moved for each per cent that the one before it did, over these years.

    Parameters
    ----------
    result
        A run.
    names
        Label and output of each station, in the order in which one drives the next.
    axes
        Matplotlib axes; new ones where absent.
    """
    if len(names) < 3:
        raise ScenarioError("a loop needs at least three stations")
    axes = axes_of(axes, (4.8, 3.6))
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(names)) / len(names)
    places = np.stack([1.25 * np.cos(angles), np.sin(angles)], axis=1)
    said: list[str] = []
    changes: list[float] = []
    type_size = 8.0 if room(axes) > NARROW * 0.775 else 6.0
    with styled():
        for place, (label, name) in enumerate(names):
            years, values = by_year(result, name, None)
            middle = over_draws(values, 0.5)
            unit, scale = scaled(result.spec(name).unit, middle[[0, -1]])
            text = f"{number(middle[0] * scale)} → {number(middle[-1] * scale)} {unit}"
            times = f"× {number(middle[-1] / middle[0])}" if middle[0] > 0.0 else ""
            said.append(f"{label} {text} ({years[0]} to {years[-1]})")
            axes.annotate(
                f"{label}\n{text}\n{times}",
                places[place],
                ha="center",
                va="center",
                fontsize=type_size,
                bbox={
                    "boxstyle": "round,pad=0.4",
                    "facecolor": "white",
                    "edgecolor": COLOURS[place % 6],
                    "linewidth": 1.5,
                },
            )
            changes.append(middle[-1] / middle[0] if middle[0] > 0.0 and middle[-1] > 0.0 else float("nan"))
            here, there = places[place], places[(place + 1) % len(names)]
            axes.annotate(
                "",
                xy=here + 0.68 * (there - here),
                xytext=here + 0.32 * (there - here),
                arrowprops={"arrowstyle": "-|>", "color": "#555555", "connectionstyle": "arc3,rad=-0.2", "lw": 1.4},
            )
        for place, change in enumerate(changes):
            following = changes[(place + 1) % len(changes)]
            answer = np.log(following) / np.log(change) if change != 1.0 else float("nan")
            if np.isfinite(answer):
                middle_of = 0.5 * (places[place] + places[(place + 1) % len(names)])
                told, small = f"{answer:+.2g} %\nper 1 %", 0.94 * type_size
                axes.annotate(told, 0.72 * middle_of, ha="center", va="center", fontsize=small)
                said.append(
                    f"{names[(place + 1) % len(names)][0]} changes by {answer:+.2g} % per 1 % of {names[place][0]}"
                )
        axes.set_xlim(-2.0, 2.0)
        axes.set_ylim(-1.35, 1.3)
        axes.axis("off")
    return described(axes, f"The loop, each driving the next: {'; '.join(said)}.")


def by_year(result: Result, name: str, item: str | None) -> tuple[tuple[int, ...], FloatArray]:
    """Return years and figures of one output, ``(year,)`` or ``(year, draw)``; one item of an output with items."""
    years, values = result.by_year(name)
    spec = result.spec(name)
    others = [dim for dim in spec.dims if dim != spec.time_axis]
    if len(others) > 1:
        raise DomainError(f"output {name!r} has the axes {spec.dims}: a figure shows one beside time")
    if others:
        labels = [str(label) for label in result.labels().get(others[0], ())]
        if item not in labels:
            raise ScenarioError(f"output {name!r} has an axis {others[0]!r}: give item, one of {', '.join(labels)}")
        return years, np.asarray(values[:, labels.index(item)])
    if item is not None:
        raise ScenarioError(f"output {name!r} has no axis with items, so no {item!r}")
    return years, np.asarray(values)


def _rows(result: Result, name: str) -> list[tuple[str, FloatArray]]:
    """Return label and median figures by year of an output, one row for each item."""
    spec = result.spec(name)
    others = [dim for dim in spec.dims if dim != spec.time_axis]
    if not others:
        return [(spec.label, over_draws(by_year(result, name, None)[1], 0.5))]
    labels: Mapping[str, Sequence[Any]] = result.labels()
    return [(str(label), over_draws(by_year(result, name, str(label))[1], 0.5)) for label in labels.get(others[0], ())]


def over_draws(values: FloatArray, rank: float) -> FloatArray:
    """Return a quantile over the draws of figures by year; the figures themselves of a scalar run."""
    if values.ndim == 1:
        return values
    from costmodel.foundation.reducers import exact_quantile

    return np.asarray(exact_quantile(values, rank))


def _observed(result: Result, name: str, unit: str) -> list[tuple[float, float, bool]]:
    """Return date, value and whether it was used in the fit, of the observations of one output in its unit."""
    found = []
    for row in result.scenario.observations:
        if row.output != name:
            continue
        whole_year = len(row.date) == 4
        flow_rate = row.unit != unit and row.unit.endswith("/year")
        try:
            value = convert(row.value, row.unit.removesuffix("/year") if flow_rate else row.unit, unit)
        except ValueError:
            continue  # a rate a month of a flow: no figure of a year
        when = float(row.date) + 0.5 if whole_year else year_fraction(_date(row.date))
        found.append((when, value, row.used_in_fit))
    return found


def _date(text: str) -> Any:
    from costmodel.foundation.schedules import parse_date

    return parse_date(text)


def _passes(years: FloatArray, gap: FloatArray) -> float | None:
    """Return when a gap turns positive for good, between years by a straight line; None where it does not."""
    below = np.flatnonzero(gap <= 0.0)
    if not below.size or below[-1] == len(gap) - 1:
        return None
    last = int(below[-1])
    return float(years[last] + gap[last] / (gap[last] - gap[last + 1]))


def _largest(parts: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the largest parts in their order, and the rest as one."""
    if len(parts) <= MOST_BARS:
        return parts
    ranked = sorted(parts, key=lambda part: -abs(part[1]))
    kept = ranked[: MOST_BARS - 1]
    rest = ranked[MOST_BARS - 1 :]
    return [*(part for part in parts if part in kept), (f"{len(rest)} more", sum(value for _, value in rest))]


def _signed(value: float) -> str:
    """Return a step with its sign, in plain digits where they are few."""
    return f"{value:+,.0f}" if abs(value) >= 1e3 else f"{value:+.3g}"


def shortened(texts: Sequence[str], most: int) -> list[str]:
    """Return dotted paths that fit beside bars and differ: those that would be alike keep more of their parts.

    Examples
    --------
    >>> shortened(["market.chat.elasticity", "market.agents.elasticity", "market.chat.price"], 14)
    ['…chat.elasticity', '…agents.elasticity', '…chat.price']
    """
    parts = [text.split(".") for text in texts]

    def needed(own: list[str]) -> int:
        """Characters of the end that no other text has."""
        kept = next((n for n in range(1, len(own)) if sum(one[-n:] == own[-n:] for one in parts) == 1), len(own))
        return len(".".join(own[-kept:])) + 2

    return [short(text, max(most, needed(own))) for text, own in zip(texts, parts, strict=True)]


def short(text: str, most: int = 34) -> str:
    """Return a dotted path that fits beside a bar: an ellipsis replaces as many of its first parts as needed."""
    if len(text) <= most:
        return text
    parts = text.split(".")
    while len(parts) > 1 and len(".".join(parts)) > most - 2:
        parts = parts[1:]
    return f"…{'.'.join(parts)}"
