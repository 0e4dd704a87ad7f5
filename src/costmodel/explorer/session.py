"""Answers of the explorer: which inputs to move, and the results of a scenario after they were moved.

Nothing here opens a path, imports a module or evaluates text that came from a request: a scenario is looked up by
name among those that the explorer was started with, and a change is a number at the path of a parameter.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from costmodel.entry import load_scenario, run, scenario_names
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import CostModelError, DomainError, ScenarioError, near_matches
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import Table, shown_unit

MOST_CHANGES = 60
"""Parameters that a request may change [1]."""
MOST_DRAWS = 1000
"""Draws that a request may ask for [1]."""
LEVERS = 8
"""Sliders that a scenario starts with [1]."""
LEVER_RANKS = (0.05, 0.95)
"""Quantiles of a distribution between which its slider moves [1]."""
LEVER_SPAN = 2.0
"""Factor around a plain number within which its slider moves [1]."""
KEPT = 256
"""Answers that are kept, so that the same question is computed once [1]."""
SEED = 0
"""Seed of the draws, so that two scenarios are compared on the same draws."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Lever:
    """An input that a slider moves.

    Parameters
    ----------
    path, label, unit
        Its path in the scenario, its meaning and its unit.
    low, high, value
        Ends of the slider and the value at the start, in the unit.
    log
        Whether the slider moves in logarithms.
    grade
        Evidence behind it.
    """

    path: str
    label: str
    unit: str
    low: float
    high: float
    value: float
    log: bool
    grade: str


class Explorer:
    """The scenarios that are explored, and the answers already computed.

    Parameters
    ----------
    own
        A scenario that is offered besides the built-in ones, by its name.
    """

    def __init__(self, own: Scenario | None = None) -> None:
        self._own = own
        self._loaded: dict[str, Scenario] = {} if own is None else {own.name: own}
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the scenarios, the own one first."""
        return tuple(dict.fromkeys([*self._loaded, *scenario_names()]))

    def scenario(self, name: str, changes: Mapping[str, float] | None = None) -> Scenario:
        """Return a scenario with some of its parameters at other values.

        Raises
        ------
        ScenarioError
            If there is no such scenario, or too much is changed.
        DomainError
            If a change is no finite number, or not allowed for its parameter.
        """
        if name not in self.names:
            raise ScenarioError(f"no scenario {name[:80]!r}{near_matches(name[:80], self.names)}")
        if name not in self._loaded:
            self._loaded[name] = load_scenario(name)
        scenario = self._loaded[name]
        if not changes:
            return scenario
        if len(changes) > MOST_CHANGES:
            raise ScenarioError(f"{len(changes)} changes: at most {MOST_CHANGES}")
        known = {path for path, *_ in scenario.walk()}
        for path, value in changes.items():
            if path not in known:
                raise ScenarioError(f"no parameter {path[:80]!r}{near_matches(path[:80], known)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
                raise DomainError(f"{path}: a finite number is needed")
        changed: Scenario = scenario.replace({path: float(value) for path, value in changes.items()})
        return changed

    def levers(self, name: str) -> list[Lever]:
        """Return the inputs that move a scenario's first headline most: uncertain ones first, then plain numbers."""
        return self._once(("levers", name), lambda: levers_of(self.scenario(name)))

    def parameters(self, name: str) -> list[Lever]:
        """Return every input that a slider can move."""
        return self._once(("parameters", name), lambda: list(_movable(self.scenario(name)).values()))

    def answer(self, name: str, changes: Mapping[str, float], draws: int = 0) -> dict[str, Any]:
        """Run a scenario and return what the page shows of it: answer, headlines, figures and tables.

        Parameters
        ----------
        name, changes
            See `scenario`.
        draws
            Draws of its uncertain inputs; medians where 0.

        Raises
        ------
        DomainError
            If more draws are asked for than `MOST_DRAWS`.
        """
        if not 0 <= draws <= MOST_DRAWS:
            raise DomainError(f"{draws} draws: 0 to {MOST_DRAWS}")
        key = ("answer", name, tuple(sorted(changes.items())), draws)
        return self._once(key, lambda: answer_of(self.scenario(name, changes), draws))

    def download(self, kind: str, name: str, changes: Mapping[str, float]) -> tuple[bytes, str, str]:
        """Return a file, its type and its name: ``toml``, ``html`` or ``xlsx``.

        Raises
        ------
        ScenarioError
            If there is no such kind.
        """
        if kind not in _TYPES:
            raise ScenarioError(f"no download {kind[:20]!r}: {', '.join(_TYPES)}")
        scenario = self.scenario(name, changes)
        plain = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in name)
        if kind == "toml":
            return scenario.to_toml().encode(), _TYPES[kind], f"{plain}.toml"
        with self._lock:
            return _file(kind, scenario, name, changes), _TYPES[kind], f"{plain}.{kind}"

    def _once(self, key: tuple[Any, ...], compute: Callable[[], _Answer]) -> _Answer:
        """Compute one answer at a time, and each only once: threads share the settings with which figures are drawn."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            else:
                self._kept[key] = compute()
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            found: _Answer = self._kept[key]
            return found


_TYPES = {
    "toml": "application/toml",
    "html": "text/html; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _file(kind: str, scenario: Scenario, name: str, changes: Mapping[str, float]) -> bytes:
    from costmodel.reporting.report import build_report

    written = [f"{path}={value!r}" for path, value in changes.items()]
    report = build_report(scenario, changes=written, name=name)
    if kind == "html":
        from costmodel.reporting.page import render

        return render(report).encode()
    from costmodel.reporting.workbook import write_workbook

    held = io.BytesIO()
    write_workbook(report, held)
    return held.getvalue()


def levers_of(scenario: Scenario) -> list[Lever]:
    """Return the inputs that move a scenario's first headline most.

    Parameters
    ----------
    scenario
        A written scenario.

    Returns
    -------
    list
        At most `LEVERS`: uncertain inputs by their swing, then plain numbers by their elasticity.
    """
    from costmodel.analysis.one_at_a_time import elasticities, tornado
    from costmodel.reporting.report import headlines_of

    movable = _movable(scenario)
    first = headlines_of(run(scenario))[0].name
    found: list[Table] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(CostModelError):  # nothing is uncertain
            found.append(tornado(scenario, [first], draws=0).table())
        with suppress(CostModelError):  # an input that a per cent takes out of its range
            found.append(elasticities(scenario, [first], paths=list(movable)).table())
    ranked = [str(row["input"]) for table in found for row in table.records()]
    return [movable[path] for path in dict.fromkeys(ranked) if path in movable][:LEVERS]


def _movable(scenario: Scenario) -> dict[str, Lever]:
    """Return every parameter that is a number or a distribution and has room to move."""
    found: dict[str, Lever] = {}
    for path, value, spec, provenance in scenario.walk():
        if isinstance(value, Distribution):
            low, middle, high = (float(value.ppf(np.float64(rank))) for rank in (LEVER_RANKS[0], 0.5, LEVER_RANKS[1]))
        elif isinstance(value, int | float) and not isinstance(value, bool) and value:
            middle = float(value)
            low, high = sorted((middle / LEVER_SPAN, middle * LEVER_SPAN))
        else:
            continue
        low, high = _inside(spec, low, high)
        if not (np.isfinite([low, middle, high]).all() and low < high):
            continue
        log = low > 0.0 and high / low >= 5.0
        label = spec.description.rstrip(".") or path
        found[path] = Lever(path, label, spec.unit, low, high, middle, log, provenance.grade.value)
    return found


def _inside(spec: Any, low: float, high: float) -> tuple[float, float]:
    """Return the ends within the allowed range; an excluded bound is avoided by a thousandth."""
    room = 1e-3 * (high - low)
    floors = [low, *([spec.ge] if spec.ge is not None else []), *([spec.gt + room] if spec.gt is not None else [])]
    tops = [high, *([spec.le] if spec.le is not None else []), *([spec.lt - room] if spec.lt is not None else [])]
    return max(floors), min(tops)


def answer_of(scenario: Scenario, draws: int) -> dict[str, Any]:
    """Run a scenario and return what the page shows of it.

    Parameters
    ----------
    scenario
        A written scenario.
    draws
        Draws; medians where 0.
    """
    from costmodel.reporting import style
    from costmodel.reporting.gallery import drawings, drawn
    from costmodel.reporting.report import answer_of as said_first
    from costmodel.reporting.report import headlines_of

    result = run(scenario, draws=draws, rng=SEED) if draws else run(scenario)
    headlines = headlines_of(result)
    figures = []
    style.pyplot()
    for axes in drawn(drawings(result, headlines), MOST_FIGURES):
        figures.append({"svg": style.svg_of(axes), "caption": axes.alt_text})
        style.close(axes)
    tables = result.tables()
    heading, table = next(iter(tables.items()))
    if "By year" in tables:
        heading, table = "By year", tables["By year"]
    return {
        "title": scenario.title or scenario.name,
        "answer": said_first(result) or "This scenario has no single figure to put first.",
        "headlines": [{"label": item.label, "figure": item.text} for item in headlines],
        "figures": figures,
        "heading": heading,
        "table": table.to_html(sortable=True),
        "remarks": list(result.remarks),
        "draws": draws,
    }


MOST_FIGURES = 4
"""Figures that the page shows of a scenario [1]."""


def lever_form(lever: Lever) -> dict[str, Any]:
    """Return a lever as the page takes it, with the unit that its figures are shown in."""
    unit, scale = shown_unit(lever.unit, max(abs(lever.low), abs(lever.high)))
    return {
        "path": lever.path,
        "label": lever.label,
        "unit": unit,
        "scale": scale,
        "low": lever.low,
        "high": lever.high,
        "value": lever.value,
        "log": lever.log,
        "grade": lever.grade,
    }


def audit_html(content: bytes, suffix: str) -> dict[str, Any]:
    """Audit a bill and return what the page shows of it.

    Parameters
    ----------
    content
        The bill, as it was uploaded.
    suffix
        ``.csv`` or ``.jsonl``: its format, detected from its first character and never from a name.
    """
    import tempfile
    from pathlib import Path

    from costmodel.studies.audit import audit
    from costmodel.studies.bill import read_bill

    with tempfile.TemporaryDirectory(prefix="costmodel-bill-") as folder:
        path = Path(folder) / f"bill{suffix}"
        path.write_bytes(content)
        done = audit(read_bill(path))
    totals = ", ".join(f"{amount:,.2f} {code}" for code, amount in done.bill.total().items())
    return {
        "answer": f"{done.bill.rows:,} rows, effective cost {totals}.",
        "findings": [finding.sentence for finding in done.findings],
        "table": replace(done.table(), title="").first(MOST_BILL_LINES).to_html(sortable=True),
        "unread": [f"row {row}: {reason}" for row, reason in done.bill.unread.kept[:10]],
        "not_judged": list(done.not_judged),
    }


MOST_BILL_LINES = 200
"""Lines of a bill that the page shows [1]."""
