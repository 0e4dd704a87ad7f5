"""Outputs of a model without a yearly table of its own, on the screen or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from costmodel.cli.common import print_json
from costmodel.cli.rows import print_lines, show
from costmodel.foundation.result_tables import words_of
from costmodel.foundation.results import Result


def print_outputs(result: Result, as_json: bool, changes: Sequence[str] = (), names: Sequence[str] = ()) -> None:
    """Print every output of a result, or those named: a table for each set of axes.

    Parameters
    ----------
    result
        What was computed; what its class puts first stands first, its remarks come last.
    as_json
        Whether to print JSON: codes then come with their words, remarks under ``remarks``.
    changes
        What was changed in the scenario, for the title.
    names
        Outputs that are printed; all where empty.
    """
    if as_json:
        summary = result.summary()
        print_json(_plain(result, {name: summary[name] for name in names or summary}))
        return
    title = ", ".join(filter(None, [result.scenario.title, "with " * bool(changes) + ", ".join(changes)]))
    tables = [result.table(*names)] if names else result.tables().values()
    for place, table in enumerate(tables):
        notes = tuple(note for note in table.notes if note not in result.remarks)  # said once, below
        show(replace(table, title=title if place == 0 else "", notes=notes))
    print_lines(result.remarks)


def _plain(result: Result, summary: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a summary as JSON holds it: a code with what it stands for, remarks as an entry of their own."""
    form: dict[str, Any] = {}
    for name, row in summary.items():
        form[name] = {key: np.asarray(value).tolist() for key, value in row.items()}
        spec = result.spec(name)
        if spec.words:
            words = result.words(name)
            form[name] |= {"meaning": words_of(words, result[name]), "words": list(words)}
    if result.remarks:
        form["remarks"] = {"unit": "1", "label": "what to know of these figures", "value": list(result.remarks)}
    return form
