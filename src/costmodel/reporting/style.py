"""How figures look: colours that colour-blind readers tell apart, units on axes, a description of each."""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import missing_extra
from costmodel.foundation.tables import shown_unit

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
"""Palette of Okabe and Ito (2008), told apart with every common form of colour blindness; yellow last."""
COLUMN = (4.8, 3.0)
"""Width and height of a figure for a column of text [inch]."""
GRID = "#d0d0d0"
SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.6,
    "svg.fonttype": "path",
    "svg.hashsalt": "costmodel",
    "figure.constrained_layout.use": True,
}


def pyplot() -> Any:
    """Return matplotlib's pyplot.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise missing_extra("plots", "figures") from None
    return plt


@contextmanager
def styled() -> Iterator[Any]:
    """Give pyplot with the settings of the library's figures, and leave the user's as they were."""
    plt = pyplot()
    import matplotlib

    plt.draw_if_interactive()  # loads the backend: a notebook's turns interactive, which the context would take back
    with matplotlib.rc_context(SETTINGS):
        yield plt


def axes_of(axes: Any, size: tuple[float, float] = COLUMN) -> Any:
    """Return the given axes, or new ones at a column's width."""
    if axes is not None:
        return axes
    with styled() as plt:
        _, made = plt.subplots(figsize=size)
    return made


def described(axes: Any, text: str) -> Any:
    """Give axes a text that says what they show, for those who don't see them; return the axes."""
    axes.alt_text = " ".join(text.split())
    return axes


def scaled(unit: str, *values: FloatArray) -> tuple[str, float]:
    """Return the unit that an axis shows and what figures are multiplied by, for the largest of them.

    Examples
    --------
    >>> scaled("USD", np.array([1e9, 4e11]))
    ('B USD', 1e-09)
    """
    finite = [np.abs(array[np.isfinite(array)]) for array in map(np.asarray, values)]
    largest = max((float(array.max()) for array in finite if array.size), default=0.0)
    return shown_unit(unit, largest)


def prefixed() -> Any:
    """Return what writes the figures of an axis without a unit: 837 G instead of 8.37e11."""
    from matplotlib.ticker import EngFormatter

    return EngFormatter(sep=" ")


def label_y(axes: Any, label: str, unit: str) -> None:
    """Write a quantity and its unit above the axis, where it takes no width."""
    axes.set_title(
        f"{label} [{unit}]" if unit not in ("", "1") else label, loc="left", fontsize=SETTINGS["axes.titlesize"]
    )


def svg_of(axes: Any) -> str:
    """Return the figure of some axes as an SVG element with its description, safe to put into a page.

    Parameters
    ----------
    axes
        Axes that a figure of this library returned.
    """
    figure = axes.figure
    buffer = io.StringIO()
    with styled():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    body = text[text.index("<svg") :]
    title = html.escape(getattr(axes, "alt_text", "") or axes.get_title(loc="left"), quote=True)
    body = re.sub(r"<svg ", f'<svg role="img" aria-label="{title}" ', body, count=1)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    mark = hashlib.sha256(body.encode()).hexdigest()[:8]  # several figures of a page share no id
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>f{mark}-", body)


def close(axes: Any) -> None:
    """Free the figure of some axes."""
    pyplot().close(axes.figure)
