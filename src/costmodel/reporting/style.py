"""Style of figures: colours for colour-blind readers, units on axes, and descriptions."""

from __future__ import annotations

import hashlib
import html
import io
import re
import textwrap
from collections.abc import Iterator, Sequence
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
NARROW = 4.0
"""Width of a figure below which its type is smaller [inch]."""
CHARACTER, POINTS = 0.56, 72.0
"""Mean width of a character over the size of its type [1], and points in an inch."""
_HELD = "\u00a0"
"""A space at which no line breaks, so that a unit stays whole."""
MARGIN, LEAST = 0.125, 0.8
"""Share of a figure left of its axes before it is laid out [1], and the least width that bars get [inch]."""
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
    """Yield pyplot with the settings of the library's figures, and restore the user's afterwards."""
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
    """Attach a description to axes, for readers who cannot see them, and return the axes."""
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
    """Return the formatter of an axis without a unit: 837 G instead of 8.37e11."""
    from matplotlib.ticker import EngFormatter

    return EngFormatter(sep=" ")


def inches(text: int, size: float) -> float:
    """Return the width of so many characters of type of this size [point], on average [inch]."""
    return text * CHARACTER * size / POINTS


def room(axes: Any, labels: Sequence[str] = ()) -> float:
    """Return the width that axes have beside labels on their left, before the figure is laid out [inch]."""
    place, width = axes.get_position(), float(axes.figure.get_figwidth())
    if not labels:
        return float(place.width) * width
    taken = inches(max(map(len, labels)), label_size(axes))
    return max(float(place.width + min(place.x0, MARGIN)) * width - taken, LEAST)


def label_size(axes: Any) -> float:
    """Return the size of the type beside bars: smaller where the figure is narrow [point]."""
    return 7.0 if axes.figure.get_figwidth() < NARROW else float(SETTINGS["font.size"])


def widest(axes: Any) -> int:
    """Return how many characters a label beside a bar may have, so that enough of the width is left for the bars."""
    return max(12, min(34, int(0.55 * room(axes) / inches(1, label_size(axes)))))


def label_y(axes: Any, label: str, unit: str, labels: Sequence[str] = ()) -> None:
    """Write a quantity and its unit above the axis, in as many lines as it takes; ``labels`` stand left of the axis."""
    size = SETTINGS["axes.titlesize"]
    text = f"{label} [{unit.replace(' ', _HELD)}]" if unit not in ("", "1") else label
    most = max(14, int(room(axes, labels) / inches(1, size)))
    axes.set_title("\n".join(textwrap.wrap(text, most)).replace(_HELD, " "), loc="left", fontsize=size)


def words(output: str) -> str:
    """Return an output in words: ``operating margin in 2030`` for ``operating_margin@2030``.

    Examples
    --------
    >>> words("operating_margin@2030"), words("tokens[chat]@2028")
    ('operating margin in 2030', 'tokens, chat in 2028')
    """
    name, _, year = output.partition("@")
    said = name.replace("[", ", ").replace("]", "").replace("_", " ")
    return f"{said} in {year}" if year else said


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
