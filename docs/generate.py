"""Write the pages that show numbers, from the library itself, so that they cannot go stale.

``write_all`` is called when the site is built. Everything goes to ``docs/generated``, which is not kept in the
repository. The examples become notebooks, which the build executes unless the environment says
``COSTMODEL_DOCS_GALLERY=0``.
"""

from __future__ import annotations

import inspect
import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

ROOM_TITLES = {
    "foundation": "Foundation: units, parameters, scenarios, results",
    "catalog": "Catalog: sourced records",
    "compute": "Compute: what a model's shape and a chip imply",
    "training": "Training",
    "serving": "Serving",
    "ownership": "Ownership",
    "market": "Market",
    "estimation": "Estimation: numbers learned from data",
    "formats": "Formats: files of others",
    "studies": "Studies: joins across domains",
    "flywheel": "Flywheel",
    "analysis": "Analysis",
    "validation": "Validation",
    "reporting": "Reporting",
    "answers": "Answers",
    "testing": "Testing: strategies for your own tests",
}
"""Rooms of the library in the order of their floors."""


def write_all(docs: Path) -> None:
    """Write every generated page below ``docs/generated``."""
    out = docs / "generated"
    for folder in ("", "reference", "gallery/downloads", "models"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    _put(out / "scenarios.md", scenarios_page())
    _put(out / "answers.md", answers_page())
    _put(out / "what-changes-what.md", what_changes_page())
    _put(out / "validation.md", validation_page())
    _put(out / "exams.md", exams_page())
    _put(out / "predictions.md", predictions_page())
    _put(out / "evidence.md", evidence_page())
    _put(out / "sources.bib", bibliography())
    rooms = {
        "models": ("Models: inputs and outputs", models_pages()),
        "reference": ("API reference", reference_pages()),
    }
    for folder, (title, pages) in rooms.items():
        names = []
        for name, text in pages:
            _put(out / folder / f"{name}.md", text)
            names.append(name)
        _put(out / folder / "index.md", contents(title, names))
    examples = write_gallery(docs.parent / "examples", out / "gallery")
    _put(out / "gallery" / "index.md", contents("Gallery", examples))
    _put(out / "changes.md", (docs.parent / "CHANGELOG.md").read_text(encoding="utf-8"))


def contents(title: str, names: Iterable[str]) -> str:
    """Return the page that lists the pages of a folder."""
    listed = "\n".join(names)
    return f"# {title}\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"


def _put(path: Path, text: str) -> None:
    """Write a page where it differs, so that an unchanged one is not read again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _cell(text: object) -> str:
    return re.sub(r"\s+", " ", str(text)).replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table in Markdown."""
    names = list(heads)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)]) + "\n"


def scenarios_page() -> str:
    """Return the list of built-in scenarios."""
    import costmodel

    rows = []
    for name in costmodel.scenario_names():
        scenario = costmodel.load_scenario(name)
        rows.append((f"`{name}`", f"`{scenario.model}`", scenario.title))
    return "# Built-in scenarios\n\n" + table(("name", "model", "what it is"), rows)


def answers_page() -> str:
    """Return the questions with their answers, intervals and what they rest on."""
    from costmodel.answers.question import table_of
    from costmodel.answers.registry import answered

    found = table_of(answered())
    head = (
        "# Questions answered\n\nComputed from the built-in scenarios when this page was written; "
        "`costmodel answer` does the same.\n\n"
    )
    return head + table(found.columns, found.rows)


def what_changes_page() -> str:
    """Return what single changes do to the flywheel in its last year."""
    import what_changes as page

    base, others = page.effects()
    heads = ("change", *(name.replace("_", " ") for name in page.OUTPUTS))
    parts = (
        "change",
        *(f"operator cost: {part}" for part in page.COST_PARTS),
        *(f"capex: {part}" for part in page.CAPEX_PARTS),
    )
    unsettled = (f"{output.replace('_', ' ')}: {change}" for change, output in page.UNSETTLED)
    return (
        "# What changes what\n\n"
        f"The effect of one change on `{page.NAME}` in {page.YEAR}, with every input at its median. A change starts in "
        "2027 unless its row says otherwise. The sizes depend on the inputs, most of which are assumed; some signs do "
        "too.\n\n" + table(heads, page.rows(base, others)) + "\n## What the changes of cost and capex consist of\n\n"
        "Percentage points of the base's operator cost and capex; each row adds up to the change above, but for "
        "rounding. Three of them explain totals whose sign surprises:\n\n"
        "- Without progress of algorithms, served models still grow about two to four times a year. Compute per "
        "token rises, and the fleet that was ordered earns less than its book value: impairments of the year raise "
        "operator cost, which without them falls, as capex does. If models stop growing too, there is no impairment.\n"
        "- With accelerators at half price or for nothing, sites cost twice their list price, the largest premium, so "
        "that as many are built in both cases. Capex of accelerators falls by less than their price, as more are "
        "bought; what is left for nothing is sites alone.\n"
        "- With half the grid, the sites that are built cost twice their list price, and accelerators that earn more "
        "with a watt replace older ones early. With ten times the grid, that premium (a third to a half in the base) "
        "goes, and few more accelerators are bought, since suppliers of accelerators then ask a premium and sites "
        "are a small part of an hour's cost.\n\n"
        + table(parts, page.part_rows(base, others))
        + "\n## Signs in all draws\n\n"
        f"Share of {page.DRAWS} draws of the uncertain inputs in which the output of {page.YEAR} is higher after the "
        "change. Near 0 or 100 % the sign hardly depends on the inputs; in between it does. In most of the few draws "
        "in which accelerators for nothing lower tokens, the operator orders more sites than it can pay for, and "
        "defaults.\n\n" + table(heads, page.rise_rows()) + "\n## Signs that depend on the base\n\n"
        "The same changes, from bases in which sites are more or less short. Half the grid raises capex where all "
        "sites become dearer by it; where their premium is at its limit already, a price of twice the list, it can "
        "only lower purchases. With accelerators for nothing, capex is that of sites alone: it rises where enough "
        "more of them can be built. With accelerators at half price, rents fall, and operator cost depends on the "
        "test for impairment: by default, a book value is written off if more than a fifth of it is uncovered.\n\n"
        + table(("base", "premium on sites", *unsettled), page.base_rows())
        + "\n## Beside a first version of the equations\n\n"
        "Effects here and, in brackets, in a first version of the same equations with starting values of its own [%]. "
        "A second program, written from the equations, finds the same effects on tokens, spend, capex and rent "
        "from the inputs used here and with the same choices where the equations leave one "
        "(`tests/flywheel/test_flywheel_peer.py`). Starting values and such choices remain to explain the differences; "
        "most totals that differ in sign are in the table "
        "before. No progress in the first version is compared with the rows in which models don't grow either, which "
        "it resembles.\n\n"
        + table(("change", *(name.replace("_", " ") for name in page.COMPARED)), page.earlier_rows(base, others))
    )


def validation_page() -> str:
    """Return published figures beside the model's."""
    from costmodel.validation.registry import as_row, run

    found = [as_row(outcome) for outcome in run()]
    states = Counter(str(row["verdict"]) for row in found)
    rows = [
        (
            row["case"],
            row["evidence"],
            f"{row['published']:.4g} {row['unit']}",
            "" if row["model"] is None else f"{row['model']:.4g}",
            "" if row["error"] is None else f"{row['error']:+.1%}",
            row["verdict"] if row["miss"] is None else f"{row['verdict']}: {row['miss']}",
        )
        for row in found
    ]
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    return f"# Published figures beside the model's\n\n{counts}.\n\n" + table(
        ("case", "kind of evidence", "published", "model", "error", "status"), rows
    )


def exams_page() -> str:
    """Return the errors of predictions on measured rows, as the command prints them."""
    return "# Measured rows, predicted\n\n```text\n" + _command("validate", "exams") + "\n```\n"


def predictions_page() -> str:
    """Return what the flywheel would have said at past dates, beside what followed, with scores and their sums."""
    from costmodel.validation.predictions import LEVEL, NOTES, prediction_rows, prediction_sums, predictions

    found = predictions()
    parts = [
        "# What the flywheel would have said\n\n`costmodel validate predictions` does the same. A figure stands beside "
        f"its forecast from the date, conditioned on history up to it, with the {LEVEL:.0%} interval; the last column "
        "is the forecast from priors alone. Errors and scores are of logarithms; lower is better.\n",
    ]
    for title, shown in (
        ("By date", prediction_sums(found)),
        ("By what is predicted", prediction_sums(found, "group")),
        ("Every figure", prediction_rows(found)),
    ):
        parts.append(f"## {title}\n\n{table(shown.columns, shown.rows)}")
    return "\n".join([*parts, "\n".join(f"- {note}" for note in NOTES), ""])


def _command(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "costmodel.cli.app", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "100", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done.returncode:
        raise RuntimeError(f"costmodel {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout.rstrip()


def evidence_page() -> str:
    """Return the tables of the catalog with the grades of their figures."""
    from costmodel.catalog import Catalog
    from costmodel.catalog.schema import kinds

    library = Catalog()
    grades: Counter[str] = Counter()
    rows = []
    for name in library.tables():
        data = [datum for record in library.table(name).values() for datum in record]
        own = Counter(str(datum.grade) for datum in data)
        grades.update(own)
        rows.append(
            (
                f"`{name}`",
                kinds()[name].description if name in kinds() else "A shape of a model.",
                len(library.table(name)),
                len(data),
                _counts(own),
            )
        )
    head = f"# Evidence\n\nThe catalog holds {sum(grades.values()):,} figures: {_counts(grades)}.\n\n"
    return head + table(("table", "one record is", "records", "figures", "by grade"), rows)


def _counts(counts: Counter[str]) -> str:
    order = ("reported", "published", "secondary", "estimated", "unverified", "assumed")
    return ", ".join(f"{counts[grade]:,} {grade}" for grade in order if counts[grade])


def bibliography() -> str:
    """Return the catalog's documents as BibTeX."""
    from costmodel.catalog.schema import sources

    entries = []
    for key, source in sorted(sources().items()):
        fields = {"title": source.title, "year": (source.date or "")[:4], "url": source.link or ""}
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
        entries.append(f"@misc{{{re.sub(r'[^A-Za-z0-9-]', '-', key)},\n{body}\n}}")
    return "\n\n".join(entries) + "\n"


def models_pages() -> Iterator[tuple[str, str]]:
    """Yield a page for each model: its inputs by path, its outputs by name."""
    import costmodel
    from costmodel.foundation.results import Result, outputs_of
    from costmodel.foundation.scenario import MODELS

    examples: dict[str, str] = {}
    for name in costmodel.scenario_names():
        examples.setdefault(costmodel.load_scenario(name).model, name)
    for model, name in sorted(examples.items()):
        scenario = costmodel.load_scenario(name)
        function = MODELS[model].load()
        inputs = [
            (f"`{path}`", "" if spec.unit == "1" else spec.unit, spec.bounds(), spec.description)
            for path, _, spec, _ in scenario.walk()
        ]
        returned = inspect.signature(function, eval_str=True).return_annotation
        outputs = [
            (f"`{spec.name}`", ", ".join(spec.dims), "" if spec.unit == "1" else spec.unit, spec.kind or "", spec.label)
            for spec in (outputs_of(returned) if inspect.isclass(returned) and issubclass(returned, Result) else ())
        ]
        summary = (inspect.getdoc(type(scenario)) or "").splitlines()[0]
        yield (
            model,
            "\n".join(
                [
                    f"# Model `{model}`\n",
                    f"{summary} An example is the scenario `{name}`.\n",
                    "## Inputs\n",
                    f"Paths of `{name}`; names between dots that it chooses itself (a workload, an operator) vary.\n",
                    table(("path", "unit", "range", "meaning"), inputs),
                    "## Outputs\n",
                    table(("name", "axes", "unit", "kind", "meaning"), outputs),
                ]
            ),
        )


def reference_pages() -> Iterator[tuple[str, str]]:
    """Yield the API reference, a page for each room, from its docstrings."""
    for room, title in ROOM_TITLES.items():
        package = import_module(f"costmodel.{room}")
        names = [info.name for info in iter_modules(package.__path__) if not info.name.startswith("_")]
        parts = [f"# {title}\n", f"```{{automodule}} costmodel.{room}\n:no-members:\n```\n"]
        parts += [
            f"## {name.replace('_', ' ')}\n\n```{{automodule}} costmodel.{room}.{name}\n:members:\n```\n"
            for name in names
        ]
        yield room, "\n".join(parts)


def write_gallery(examples: Path, folder: Path) -> list[str]:
    """Write every example as a notebook, which the build executes, and return their names."""
    import jupytext

    names = []
    for path in sorted(examples.glob("*.py")):
        notebook = jupytext.read(path)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.cells = list(_with_titles(notebook.cells))
        _put(folder / "downloads" / f"{path.stem}.ipynb", jupytext.writes(notebook, fmt="ipynb"))
        _put(folder / "downloads" / path.name, path.read_text(encoding="utf-8"))
        ways = (("As a notebook", f"{path.stem}.ipynb"), ("as a script", path.name))
        links = " · ".join(f"{{download}}`{text} <downloads/{file}>`" for text, file in ways)
        notebook.cells[0].source += f"\n\n{links}"
        _put(folder / f"{path.stem}.ipynb", jupytext.writes(notebook, fmt="ipynb"))
        names.append(path.stem)
    return names


def _with_titles(cells: Iterable[Any]) -> Iterator[Any]:
    """Yield cells, each title that stands on a cell's first line as a heading before it."""
    from nbformat.v4 import new_markdown_cell

    for number, cell in enumerate(cells):
        title = cell.metadata.pop("title", "")
        if title:
            heading = new_markdown_cell(f"## {title}")
            heading.id = f"title-{number}"
            yield heading
        cell.id = f"cell-{number}"  # the same in every build
        yield cell


if __name__ == "__main__":
    with redirect_stdout(io.StringIO()):
        write_all(Path(__file__).parent)
