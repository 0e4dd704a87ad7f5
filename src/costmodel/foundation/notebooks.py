"""Display in notebooks: progress of a study in Jupyter or marimo, and short HTML."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Callback with the amount done and the total."""


def shown_progress(given: Progress | None, label: str) -> Progress | None:
    """Return the given callback; without one, a progress bar in a notebook or None elsewhere.

    Parameters
    ----------
    given
        The caller's callback, which is returned unchanged, or None.
    label
        Label of the progress bar.

    Examples
    --------
    >>> shown_progress(None, "drawing") is None  # no notebook here
    True
    """
    if given is not None:
        return given
    write = _writer()
    return None if write is None else _Bar(label, write)


class _Bar:
    """A progress bar that appears at the first report and disappears when the work is done."""

    def __init__(self, label: str, write: Callable[[str], None]) -> None:
        self.label, self.write, self.seen = label, write, False

    def __call__(self, done: int, total: int) -> None:
        if done < total:
            self.seen = True
            name = html.escape(self.label)
            self.write(
                f'<label>{name} <progress max="{total}" value="{done}"></progress> {done:,} of {total:,}</label>'
            )
        elif self.seen:
            self.write("")


def _writer() -> Callable[[str], None] | None:
    """Return a function that shows HTML in place of its previous output, in Jupyter or marimo."""
    marimo = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        return lambda text: marimo.output.replace(marimo.Html(text))
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if type(shell).__name__ != "ZMQInteractiveShell":  # a terminal has no HTML
        return None
    shown: Any = import_module("IPython.display")
    handle: list[Any] = []

    def write(text: str) -> None:
        if handle:
            handle[0].update(shown.HTML(text))
        else:
            handle.append(shown.display(shown.HTML(text), display_id=True))

    return write


def page_of(title: str, lines: list[str], parts: list[str], room: int) -> str:
    """Return a title, lines and HTML parts as one page, cut to the available room.

    Parameters
    ----------
    title, lines
        Texts; they are escaped.
    parts
        HTML, such as tables.
    room
        Largest number of characters of the page.
    """
    text = f"<div><strong>{html.escape(title)}</strong>"
    text += "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
    for part in parts:
        if len(text) + len(part) < room:
            text += part
    return f"{text}</div>"
