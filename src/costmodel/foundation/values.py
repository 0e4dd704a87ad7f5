"""Written parameters: parse, check, resolve and write one value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.distributions import SHAPE_KEYS, Distribution
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.formulas import Formula
from costmodel.foundation.plausible import is_plausible, refuse_implausible, with_unit
from costmodel.foundation.provenance import Grade, Provenance, parse_grade
from costmodel.foundation.quantities import from_pint, parse_quantity
from costmodel.foundation.rates import VaryingRate, varies
from costmodel.foundation.schedules import Schedule, TimeGrid

Value: TypeAlias = float | Schedule | Formula | Distribution | None

_PROVENANCE_KEYS = frozenset({"value", "source", "grade", "note"})


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """Declaration of a parameter: unit, bounds, and whether it may be scheduled or absent."""

    unit: str
    ge: float | None
    gt: float | None
    le: float | None
    lt: float | None
    trajectory: bool
    optional: bool
    description: str
    grade: Grade
    note: str | None
    plausible: tuple[float, float] | None = None
    growth: bool = False
    """Whether it is a rate of growth that may be scheduled: it then enters through its integral."""

    def as_dict(self) -> dict[str, Any]:
        """Return the declaration as a plain dictionary."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def bounds(self) -> str:
        """Return the allowed range as text."""
        signs = (("≥", self.ge), (">", self.gt), ("≤", self.le), ("<", self.lt))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in signs if bound is not None)

    def check(self, low: float, high: float, *, what: str, open_ended: bool = False) -> None:
        """Raise ``DomainError`` unless ``low … high`` lies within the bounds.

        Parameters
        ----------
        low, high
            Ends of a number, a schedule, a support or draws, in the parameter's unit.
        what
            Name of the object with these ends, for the message.
        open_ended
            Whether the ends themselves are never reached, as for a continuous distribution.
        """
        inside = (
            (self.ge is None or low >= self.ge)
            and (self.le is None or high <= self.le)
            and (self.gt is None or low > self.gt or (open_ended and low >= self.gt))
            and (self.lt is None or high < self.lt or (open_ended and high <= self.lt))
        )
        if not inside:
            span = f"{low:g}" if low == high else f"{low:g} … {high:g}"
            cut = "; truncate it with low and high" if open_ended else ""
            percent = self.unit == "1" and self.le == 1.0 and low == high and 1.0 < high <= 100.0
            hint = f"; did you mean '{high:g}%'?" if percent else ""
            raise DomainError(
                f"{what} {span} is outside the allowed range ({self.bounds()}), in {self.unit!r}{cut}{hint}"
            )


def read_parameter(given: Any, spec: ParameterSpec) -> tuple[Value, Provenance | None]:
    """Parse a written parameter into its value and its provenance.

    Parameters
    ----------
    given
        A number in the declared unit, a string with a unit, a Schedule, Formula or Distribution (object or table), or
        a table ``{value = …, source = …, grade = …, note = …}``.
    spec
        Declaration of the parameter.

    Raises
    ------
    ScenarioError, DomainError, UnitError
        If the form, the value or the unit is not allowed.
    """
    if isinstance(given, Mapping) and "value" in given:
        extra = set(given) - _PROVENANCE_KEYS
        if extra:
            raise ScenarioError(f"a value with provenance takes value, source, grade, note; given also {sorted(extra)}")
        return read_parameter(given["value"], spec)[0], _provenance(given)
    value = _read_value(given, spec)
    if varies(value) and not (spec.trajectory or spec.growth):
        raise ScenarioError("cannot be scheduled, it is one value for the whole run: write a number or a distribution")
    if isinstance(value, Distribution | Schedule):
        low, high = value.support()
        continuous = not (isinstance(value, Distribution) and value.kind in ("discrete", "empirical"))
        spread = isinstance(value, Distribution) or bool(value.distributed)
        what = "the support" if isinstance(value, Distribution) else "the schedule's range"
        spec.check(low, high, what=what, open_ended=continuous and spread)
    elif value is not None and not isinstance(
        value, Formula
    ):  # a formula is checked later, on its scenario's time grid
        spec.check(value, value, what="value")
    _refuse_bare(given, spec)
    return value, None


def _read_value(given: Any, spec: ParameterSpec) -> Value:
    """Parse one written value without checking its bounds."""
    if given is None:
        if not spec.optional:
            raise ScenarioError("cannot be absent")
        return None
    if isinstance(given, Schedule | Formula | Distribution):
        return given
    if isinstance(given, str):
        return parse_quantity(given, spec.unit)
    if isinstance(given, Mapping):
        if "dist" in given:
            return Distribution.parse(given, spec.unit)
        if "knots" in given:
            return Schedule.parse(given, spec.unit)
        if "formula" in given:
            return Formula.parse(given, spec.unit)
        raise ScenarioError(f"a table needs dist, knots, formula or value; given {sorted(map(str, given))}")
    if hasattr(given, "magnitude") and hasattr(given, "unit_items"):
        return from_pint(given, spec.unit)
    if isinstance(given, bool | np.bool_) or not isinstance(given, int | float | np.integer | np.floating):
        raise DomainError(f"give a number in {spec.unit!r}; got {given!r}")
    number = _float(given)
    if not math.isfinite(number):
        raise DomainError(f"give a finite number in {spec.unit!r}; got {str(given)[:40]}")
    return number


def _float(given: Any) -> float:
    """Return a number as a float; infinity for a whole number beyond the largest float."""
    try:
        return float(given)
    except OverflowError:
        return math.inf


def _provenance(given: Mapping[str, Any]) -> Provenance:
    texts = {key: given[key] for key in ("source", "note") if key in given}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise ScenarioError(f"{key} must be a text; given {text!r}")
    grade = parse_grade(given.get("grade", Grade.UNVERIFIED.value if "source" in given else Grade.ASSUMED.value))
    if grade not in (Grade.ASSUMED, Grade.UNVERIFIED) and "source" not in texts:
        raise ScenarioError(f"grade {grade.value!r} needs a source")
    return Provenance(texts.get("source"), grade, texts.get("note"))


def written_value(value: Value, provenance: Provenance | None, spec: ParameterSpec) -> Any:
    """Return the written form of a value with its provenance; a number that needs its unit is written with it."""
    plain = value.written() if isinstance(value, Schedule | Formula | Distribution) else value
    plain = _with_units(plain, spec)
    return plain if provenance is None else provenance.beside(plain)


def _with_units(plain: Any, spec: ParameterSpec) -> Any:
    """Add the unit to every number that would be rejected without it."""
    if isinstance(plain, dict):
        return {key: value if key in SHAPE_KEYS else _with_units(value, spec) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_with_units(item, spec) for item in plain]
    if isinstance(plain, bool) or not isinstance(plain, int | float) or spec.plausible is None:
        return plain
    return plain if is_plausible(plain, spec.plausible) else with_unit(float(plain), spec.unit)


def _refuse_bare(given: Any, spec: ParameterSpec) -> None:
    """Raise an error for every number without a unit, in any form, that is implausible."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            if key not in SHAPE_KEYS:
                _refuse_bare(value, spec)
    elif isinstance(given, list | tuple):
        for item in given:
            _refuse_bare(item, spec)
    elif spec.plausible is not None and isinstance(given, int | float | np.number):
        refuse_implausible(float(given), spec.unit, spec.plausible)


def scaled_value(value: Value, factor: float) -> Value:
    """Return a value times a factor; a distribution, a schedule or a formula keeps its form."""
    if value is None:
        return None
    if not (math.isfinite(factor) and factor > 0.0):
        raise DomainError(f"factor must be a finite number above 0; got {factor!r}")
    return value.scaled(factor) if isinstance(value, Schedule | Formula | Distribution) else value * factor


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolver of written values into floats, draws and trajectories.

    Parameters
    ----------
    grid
        Time grid; None for models without time.
    ranks
        Ranks by path, shape ``(draw,)`` each; None for medians.
    """

    grid: TimeGrid | None
    ranks: Mapping[str, FloatArray] | None
    shared: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """Name whose rank a path uses, by path, for values that change together."""

    def resolve(self, path: str, value: Value, spec: ParameterSpec) -> Any:
        """Return the resolved value: ``()``, ``(draw,)``, or with a leading step axis for trajectories.

        A rate of growth that is scheduled is a :class:`~costmodel.foundation.rates.VaryingRate`.
        """
        if value is None:
            return None
        plain = type(value) is float  # most values: the questions below are not asked of them
        if not plain and isinstance(value, Schedule | Formula):
            if self.grid is None:
                raise ScenarioError(f"{path}: this model has no time grid, so nothing can be scheduled")
            if spec.growth:
                return self._varying(path, value, self.grid, spec)
            value = value.schedule(self.grid) if isinstance(value, Formula) else value
            drawn = value.on(self.grid, self._knot_ranks(path, value))
            self._check(path, drawn, spec)
            return drawn
        if not plain and isinstance(value, Distribution):
            if self.ranks is None:
                number: Any = value.median()
            else:
                number = np.asarray(value.ppf(self._rank(path)), dtype=np.float64)
                self._check(path, number, spec)
        else:
            number = value
        array = np.float64(number) if plain or np.ndim(number) == 0 else number
        if spec.trajectory and self.grid is not None:
            return np.broadcast_to(array, (self.grid.steps, *np.shape(array)))
        return array

    def _varying(self, path: str, value: Schedule | Formula, grid: TimeGrid, spec: ParameterSpec) -> VaryingRate:
        rate = VaryingRate.of(value, grid, None if isinstance(value, Formula) else self._knot_ranks(path, value))
        self._check(path, rate.rates, spec)
        return rate

    def _rank(self, path: str) -> FloatArray:
        ranks, path = self.ranks or {}, self.shared.get(path, path)
        if path not in ranks:
            raise ScenarioError(f"{path}: is a distribution but not in the design; make the design from this scenario")
        return ranks[path]

    def _knot_ranks(self, path: str, schedule: Schedule) -> Any:
        if self.ranks is None or not schedule.distributed:
            return None
        rows = len(schedule.knots)
        if schedule.rank == "shared":
            return np.broadcast_to(self._rank(path), (rows, len(self._rank(path))))
        ranks = {i: self._rank(f"{path}[{i}]") for i in schedule.distributed}
        filler = next(iter(ranks.values()))
        return np.array([ranks.get(i, filler) for i in range(rows)])

    @staticmethod
    def _check(path: str, drawn: FloatArray, spec: ParameterSpec) -> None:
        try:
            spec.check(float(drawn.min()), float(drawn.max()), what="a draw", open_ended=True)
        except DomainError as error:
            raise DomainError(f"{path}: {error}") from None
