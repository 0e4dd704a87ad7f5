"""Figures of points: one quantity against another with the points that none beats, predictions against measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.reporting.style import COLOURS, axes_of, described, label_y, scaled, styled

CROWDED = 10.0
"""Ratio of largest to smallest from which points stand on a logarithmic axis [1]."""
MOST_NAMES = 8
"""Points up to which each one's name is written [1]."""


def against(
    x: tuple[str, str, FloatArray],
    y: tuple[str, str, FloatArray],
    axes: Any = None,
    *,
    names: Sequence[str] = (),
    front: bool = True,
) -> Any:
    """Draw one quantity against another as points, with the points that none beats: cost against speed.

    Parameters
    ----------
    x, y
        Label, unit and values, ``(point,)``; more of ``x`` and less of ``y`` is better.
    axes
        Matplotlib axes; new ones where absent.
    names
        Label of each point; where there are many, only points that no other beats are labelled.
    front
        Whether the points that no other beats are joined.
    """
    axes = axes_of(axes)
    (x_unit, x_scale), (y_unit, y_scale) = scaled(x[1], x[2]), scaled(y[1], y[2])
    xs, ys = np.asarray(x[2]) * x_scale, np.asarray(y[2]) * y_scale
    good = np.isfinite(xs) & np.isfinite(ys)
    with styled():
        axes.plot(xs[good], ys[good], "o", color=COLOURS[0], markersize=4, alpha=0.8)
        best = _front(xs, ys) if front else np.zeros(0, dtype=np.int64)
        if best.size > 1:
            axes.plot(xs[best], ys[best], "-", color=COLOURS[1], linewidth=1.2, label="no point is better in both")
            axes.legend(loc="best")
        for scale, values in ((axes.set_xscale, xs[good]), (axes.set_yscale, ys[good])):
            if values.size and values.min() > 0.0 and values.max() > CROWDED * values.min():
                scale("log")
        for position, name in enumerate(names):
            if good[position] and (len(names) <= MOST_NAMES or position in best):
                axes.annotate(name, (xs[position], ys[position]), xytext=(3, 3), textcoords="offset points", fontsize=7)
        axes.set_xlabel(f"{x[0]} [{x_unit}]" if x_unit else x[0])
        axes.grid(visible=True, axis="both")
    label_y(axes, y[0], y_unit)
    return described(axes, f"{y[0]} against {x[0]}: {int(good.sum())} points, {best.size} of which no other beats.")


def accuracy(mark: Any, axes: Any = None) -> Any:
    """Draw predictions against measurements, fitted rows and unseen ones apart.

    Parameters
    ----------
    mark
        A marked exam: ``measured``, ``predicted`` and ``part`` by row, ``unit`` and ``quantity``.
    axes
        Matplotlib axes; new ones where absent.
    """
    axes = axes_of(axes, (4.0, 4.0))
    unit, scale = scaled(mark.unit, mark.measured)
    parts = sorted(set(mark.part.tolist()), key=lambda part: (part != "fitted", part))
    errors = []
    with styled():
        for part, colour, marker in zip(
            parts, (COLOURS[6], *COLOURS), ("x", "o", "D", "s", "^", "v", "P", "*"), strict=False
        ):
            rows = (mark.part == part) & np.isfinite(mark.predicted)
            error = np.abs(mark.predicted[rows] / mark.measured[rows] - 1.0)
            middle = f"{np.median(error):.0%}" if error.size else "–"
            errors.append(f"{part} {middle} over {error.size} rows")
            axes.plot(
                mark.measured[rows] * scale,
                mark.predicted[rows] * scale,
                marker,
                color=colour,
                markersize=3,
                alpha=0.55,
                linestyle="none",
                label=f"{part}: {middle} off at the median",
            )
        ends = np.array([np.nanmin(mark.measured), np.nanmax(mark.measured)]) * scale
        axes.plot(ends, ends, "-", color="#333333", linewidth=0.8)
        axes.fill_between(ends, ends * 0.8, ends * 1.2, color="#999999", alpha=0.2, linewidth=0)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(f"measured [{unit}]" if unit else "measured")
        axes.figure.legend(loc="outside lower left", ncols=1)
        axes.grid(visible=True, axis="both")
    label_y(axes, f"{mark.quantity}, predicted", unit)
    return described(axes, f"{mark.quantity}, predicted against measured: {'; '.join(errors)}. The band is 20 %.")


def _front(xs: FloatArray, ys: FloatArray) -> Any:
    """Return the points that no other beats in more ``x`` and less ``y``, by ``x``."""
    order = np.lexsort((ys, -xs))
    best, kept = np.inf, []
    for position in order:
        if np.isfinite(xs[position]) and ys[position] < best:
            best = float(ys[position])
            kept.append(int(position))
    return np.array(kept[::-1], dtype=np.int64)
