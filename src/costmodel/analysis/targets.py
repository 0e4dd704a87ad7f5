"""What is asked of a result: an output by name and year, and a condition that it should meet.

An **output** is written ``user_spend@2030``, ``tokens[chat]@2030`` or ``npv``, or is a callable that takes the
result. Without a year, an output with a time axis stands for all its years. A **target** is an output, a comparison
and a number with an optional unit, or another output: ``npv = 0``, ``revenue@2030 >= capex@2030``,
``unit_cost@2030 = 0.5 USD/Mtoken``.

What ``@2030`` means follows from the output's time axis: on ``year``, that year; on ``step``, the sum over the year's
steps, or their mean where the unit is a rate, a share or a power; on ``bound``, the stock at the end of the year.
A ratio that the result lists in ``RATIOS`` is the ratio of two such sums.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError, ScenarioError, UnknownParameterError, near_matches
from costmodel.foundation.results import OutputSpec

Output: TypeAlias = "str | Callable[[Any], Any] | Selector"
"""What a caller may write for an output."""

_SELECTOR = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\[([^\[\]@]+)\])?(?:@(\d{4}|\*))?")
_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(\S+)?")
_UNIT = re.compile(r"\[([^\[\]]+)\]\.?$")
_TIME_AXES = ("year", "step", "bound")


@dataclass(frozen=True, slots=True)
class Selector:
    """A way from a result to one value per draw.

    Parameters
    ----------
    label
        How it is written.
    field
        Dotted path of attributes; empty for a callable.
    item
        Label on the axis beside time, as a workload; absent where there is none.
    year
        Calendar year; absent for all years of a trajectory.
    function
        Callable from the result to a number or one value per draw.
    """

    label: str
    field: str = ""
    item: str | None = None
    year: int | None = None
    function: Callable[[Any], Any] | None = None

    @classmethod
    def parse(cls, output: Output) -> Selector:
        """Read what a caller wrote.

        Raises
        ------
        ScenarioError
            If a text is not ``name``, ``name[item]`` or either with ``@year``.

        Examples
        --------
        >>> Selector.parse("tokens[chat]@2030").year
        2030
        >>> Selector.parse("tokens @ 2030")
        Traceback (most recent call last):
        ...
        costmodel.foundation.errors.ScenarioError: output 'tokens @ 2030' is not NAME, NAME[ITEM] or either with @YEAR
        """
        if isinstance(output, Selector):
            return output
        if callable(output):
            return cls(getattr(output, "__name__", "output"), function=output)
        match = _SELECTOR.fullmatch(output) if isinstance(output, str) else None
        if match is None:
            raise ScenarioError(f"output {output!r} is not NAME, NAME[ITEM] or either with @YEAR")
        year = int(match[3]) if match[3] and match[3] != "*" else None
        return cls(output, match[1], match[2], year)

    def select(self, result: Any, draws: int) -> tuple[tuple[str, ...], FloatArray]:
        """Return labels and values, ``(output, draw)``: one output, or one per year of a trajectory.

        Raises
        ------
        UnknownParameterError
            If the result has no such output, item or year.
        DomainError
            If the output has an axis that the selector does not pin down.
        """
        if self.function is not None:
            return (self.label,), self._flat(self.function(result), draws)
        pair = getattr(type(result), "RATIOS", {}).get(self.field)
        if pair is not None:
            return self._ratio(result, draws, *pair)
        value, spec = _find(result, self.field)
        axes = spec.dims if spec is not None else _guess_dims(result, np.shape(value), draws, self.label)
        array, dims = np.asarray(value, dtype=np.float64), list(axes)
        labels = _coords(result)
        for axis in reversed(range(len(dims))):
            if dims[axis] not in _TIME_AXES:
                array = np.take(array, self._position(dims[axis], labels), axis=axis)
                del dims[axis]
        if self.item is not None and not any(dim not in _TIME_AXES for dim in (spec.dims if spec else ())):
            raise UnknownParameterError(f"output {self.label!r}: {self.field!r} has no axis with items")
        if len(dims) > 1:
            raise DomainError(f"output {self.label!r} has two time axes {tuple(dims)}: select it with a callable")
        if not dims:
            if self.year is not None:
                raise DomainError(f"output {self.label!r}: {self.field!r} has no time axis, so no @{self.year}")
            return (self.label,), self._flat(array, draws)
        return self._by_year(result, array, dims[0], spec, draws)

    def _ratio(self, result: Any, draws: int, top: str, bottom: str) -> tuple[tuple[str, ...], FloatArray]:
        """Return a ratio of two sums: what a ratio over a year is."""
        parts = [replace(self, field=name).select(result, draws) for name in (top, bottom)]
        with np.errstate(all="ignore"):
            values = np.asarray(parts[0][1] / parts[1][1])
        return parts[0][0], np.where(np.isfinite(values), values, np.nan)

    def unit(self, result: Any) -> str | None:
        """Return the output's unit, where the result declares it."""
        if self.function is not None:
            return None
        return _unit(result, self.field, _find(result, self.field)[1])

    def _averages(self, unit: str | None) -> bool:
        if unit is None:
            raise DomainError(f"output {self.label!r} declares no unit, so whether a year adds or averages its steps")
        return "/" in unit or unit in ("1", "W")

    def _flat(self, value: Any, draws: int) -> FloatArray:
        array = np.asarray(value, dtype=np.float64)
        if array.shape not in ((), (1,), (draws,)):
            raise DomainError(f"output {self.label!r} has shape {array.shape}: one value, or one per draw ({draws})")
        return np.array(np.broadcast_to(array, (draws,)))[None]

    def _position(self, axis: str, labels: Mapping[str, Sequence[Any]]) -> int:
        allowed = [str(label) for label in labels.get(axis, ())]
        if self.item is None:
            hint = f": one of {', '.join(allowed)}" if allowed else ""
            raise DomainError(f"output {self.label!r} has an axis {axis!r}; write {self.field}[{axis}]{hint}")
        if self.item not in allowed:
            raise UnknownParameterError(
                f"output {self.label!r}: no {self.item!r} on axis {axis!r}{near_matches(self.item, allowed)}"
            )
        return allowed.index(self.item)

    def _by_year(
        self, result: Any, array: FloatArray, axis: str, spec: OutputSpec | None, draws: int
    ) -> tuple[tuple[str, ...], FloatArray]:
        years = _years(result, axis)
        wanted = list(years) if self.year is None else [self.year]
        if self.year is not None and self.year not in years:
            known = f"{min(years)} to {max(years)}" if years else "none"
            raise UnknownParameterError(f"output {self.label!r}: year {self.year} is not covered, only {known}")
        mean = axis == "step" and self._averages(_unit(result, self.field, spec))
        rows = [_year_value(result, array, axis, year, years, mean) for year in wanted]
        stem = self.label.split("@")[0]
        return (
            tuple(f"{stem}@{year}" for year in wanted),
            np.array([np.broadcast_to(row, (draws,)) for row in rows], dtype=np.float64),
        )


def _find(result: Any, field: str) -> tuple[Any, OutputSpec | None]:
    """Follow a dotted path of attributes or keys; return the value and its declaration, where there is one."""
    value = result
    spec: OutputSpec | None = None
    for part in field.split("."):
        declared = value.outputs() if callable(getattr(value, "outputs", None)) else {}
        spec = declared.get(part)
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif not part.startswith("_") and hasattr(value, part):
            value = getattr(value, part)
            value = value() if callable(value) else value
        else:
            names = list(declared) or list(
                value if isinstance(value, Mapping) else getattr(value, "__dataclass_fields__", ())
            )
            raise UnknownParameterError(
                f"no output {field!r}: {type(value).__name__} has {', '.join(map(str, names)) or 'no named fields'}"
                f"{near_matches(part, [str(name) for name in names])}"
            )
    return value, spec


def _unit(result: Any, field: str, spec: OutputSpec | None) -> str | None:
    """Return the unit that a field declares, or that the description of a derived quantity ends with, as ``[USD]``."""
    if spec is not None:
        return spec.unit
    owner, _, name = field.rpartition(".")
    holder = _find(result, owner)[0] if owner else result
    described = _UNIT.search((getattr(type(holder), name, None).__doc__ or "").strip().split("\n")[0])
    return described[1] if described else None


def _coords(result: Any) -> Mapping[str, Sequence[Any]]:
    coords = getattr(result, "coords", None)
    return coords() if callable(coords) else {}


def _grid(result: Any) -> Any:
    return getattr(getattr(result, "scenario", None), "grid", None)


def _guess_dims(result: Any, shape: tuple[int, ...], draws: int, label: str) -> tuple[str, ...]:
    """Return the axes of a derived quantity that declares none, by the length of its leading axis."""
    if shape in ((), (draws,)):
        return ()
    if len(shape) <= 2 and (len(shape) == 1 or shape[1] == draws):
        for axis in _TIME_AXES:
            if shape[0] == _axis_length(result, axis):
                return (axis,)
    raise DomainError(f"output {label!r} has shape {shape} and declares no axes: select it with a callable")


def _axis_length(result: Any, axis: str) -> int | None:
    labels = _coords(result).get(axis)
    if labels is not None:
        return len(labels)
    grid = _grid(result)
    if grid is None:
        return None
    lengths: dict[str, int] = {"year": len(grid.years), "step": grid.steps, "bound": grid.steps + 1}
    return lengths[axis]


def _years(result: Any, axis: str) -> tuple[int, ...]:
    if axis == "year":
        labels = _coords(result).get("year")
        if labels is not None:
            return tuple(int(label) for label in labels)
    grid = _grid(result)
    if grid is None:
        raise DomainError("the result has a time axis but neither year labels nor a time grid: use a callable")
    return tuple(grid.years)


def _year_value(result: Any, array: FloatArray, axis: str, year: int, years: tuple[int, ...], mean: bool) -> FloatArray:
    """Return the value of one calendar year: picked, summed or averaged over its steps, or at its end."""
    if axis == "year":
        return np.asarray(array[years.index(year)])
    steps = _grid(result).year_steps(year)
    if axis == "bound":
        return np.asarray(array[steps.stop])
    total = array[steps.start].copy()
    for step in range(steps.start + 1, steps.stop):
        total = total + array[step]
    return np.asarray(total / (steps.stop - steps.start) if mean else total)


def select_all(result: Any, outputs: Sequence[Selector], draws: int) -> tuple[tuple[str, ...], FloatArray]:
    """Return the labels and values, ``(output, draw)``, of several selectors.

    Examples
    --------
    >>> chosen = [Selector.parse("npv"), Selector.parse("irr")]
    >>> select_all({"npv": np.array([1.0, 2.0]), "irr": 0.1}, chosen, 2)[1].tolist()
    [[1.0, 2.0], [0.1, 0.1]]
    """
    labels: list[str] = []
    blocks = []
    for selector in outputs:
        names, values = selector.select(result, draws)
        labels.extend(names)
        blocks.append(values)
    return tuple(labels), np.concatenate(blocks)


@dataclass(frozen=True, slots=True)
class Target:
    """A condition on a result: an output, a comparison, and a number or another output.

    Examples
    --------
    >>> target = Target.parse("margin = 0.3")
    >>> target.gap({"margin": np.array([0.25, 0.4])}, 2).round(12).tolist()
    [-0.05, 0.1]
    """

    text: str
    left: Selector
    relation: str
    right: Selector | None
    number: float = 0.0
    unit: str | None = None

    @classmethod
    def parse(cls, text: str | Target) -> Target:
        """Read a condition such as ``npv = 0`` or ``revenue@2030 >= capex@2030``.

        Raises
        ------
        ScenarioError
            If it is not ``OUTPUT (=|<=|>=|<|>) NUMBER [UNIT]`` or ``OUTPUT (=|…) OUTPUT``.
        """
        if isinstance(text, Target):
            return text
        parts = re.split(r"(==|<=|>=|=|<|>)", text)
        if len(parts) != 3 or not parts[0].strip() or not parts[2].strip():
            raise ScenarioError(f"target {text!r} is not OUTPUT = NUMBER [UNIT] or OUTPUT = OUTPUT (also <=, >=, <, >)")
        relation = "=" if parts[1] == "==" else parts[1]
        left = Selector.parse(parts[0].strip())
        number = _NUMBER.fullmatch(parts[2].strip())
        if number is not None:
            return cls(text, left, relation, None, float(number[1]), number[2])
        return cls(text, left, relation, Selector.parse(parts[2].strip()))

    def gap(self, result: Any, draws: int) -> FloatArray:
        """Return left minus right, one value per draw: zero where the target just holds."""
        _, left = self.left.select(result, draws)
        if self.right is not None:
            _, right = self.right.select(result, draws)
        else:
            right = np.array([[self._converted(result)]])
        if len(left) != 1 or len(right) != 1:
            raise DomainError(f"target {self.text!r}: an output has several years; write {self.left.label}@YEAR")
        difference: FloatArray = (left - right)[0]
        return difference

    def holds(self, gap: FloatArray) -> FloatArray:
        """Return where the condition holds, given the gap; an equality never holds but at its roots."""
        tests = {"=": np.equal, "<=": np.less_equal, ">=": np.greater_equal, "<": np.less, ">": np.greater}
        return np.asarray(tests[self.relation](gap, 0.0))

    def _converted(self, result: Any) -> float:
        if self.unit is None:
            return self.number
        from costmodel.foundation.units import convert

        own = self.left.unit(result)
        if own is None:
            raise ScenarioError(f"target {self.text!r}: the output declares no unit, so write a bare number")
        return convert(self.number, self.unit, own)
