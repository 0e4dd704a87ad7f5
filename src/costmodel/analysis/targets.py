"""Outputs of a result by name and year, and conditions on them.

An **output** is written ``user_spend@2030``, ``tokens[chat]@2030`` or ``npv``, or is a callable that takes the
result. Without a year, an output with a time axis stands for all its years. An output with several item axes takes
one label per axis, in order: ``tokens[cloud,chat]@2030``. ``scenario.PATH`` is a parameter. A **target** is an
output, a comparison, and a quantity or another output: ``npv = 0``, ``revenue@2030 >= capex@2030``,
``unit_cost@2030 = 0.5 USD/Mtoken``.

The meaning of ``@2030`` depends on the kind of output: see :mod:`costmodel.foundation.outputs`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import CostModelError, DomainError, ScenarioError, UnknownParameterError, near_matches
from costmodel.foundation.formulas import Formula
from costmodel.foundation.outputs import TIME_AXES, OutputSpec, named_outputs_of
from costmodel.foundation.outside import number_from
from costmodel.foundation.quantities import parse_quantity
from costmodel.foundation.rates import VaryingRate
from costmodel.foundation.results import Result
from costmodel.foundation.scenario import Scenario, model_entry
from costmodel.foundation.schedules import Schedule

Output: TypeAlias = "str | Callable[[Any], Any] | Selector"
"""Accepted forms of an output."""

_SELECTOR = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_0-9][\w-]*)*)(?:\[([^\[\]@]+)\])?(?:@([0-9]{4}|\*))?")
_QUANTITY = re.compile(r"[+-]?\W?[0-9.].*")
"""Pattern of a quantity, which begins with a digit, after a sign or symbol at most; an output begins with a letter."""
_PARAMETER = "scenario."


def declared_units(inputs: Any, outputs: Sequence[str]) -> tuple[str, ...]:
    """Return the unit of each output as declared by the results of a scenario's model; empty if not declared.

    Parameters
    ----------
    inputs
        A scenario; anything else has no declared results.
    outputs
        Labels, as ``user_spend@2030``.

    Examples
    --------
    >>> import costmodel
    >>> declared_units(costmodel.load_scenario("from-2026"), ["user_spend@2030", "operating_margin@2030"])
    ('USD', '1')
    """
    try:
        kind = model_entry(inputs.model).result_type() if isinstance(inputs, Scenario) else object
    except CostModelError:  # a user's model that is not registered
        kind = object
    known = named_outputs_of(kind) if issubclass(kind, Result) else {}
    fields = [Selector.parse(label).field for label in outputs]
    return tuple(known[field].unit if field in known else "" for field in fields)


@dataclass(frozen=True, slots=True)
class Selector:
    """Selector of one value per draw from a result.

    Parameters
    ----------
    label
        Text of the selector.
    field
        Name of an output, or a dotted path; empty for a callable.
    item
        Labels on the axes other than time, such as a workload, separated by commas; None if there are no such axes.
    year
        Calendar year; None for all years of a trajectory.
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
        """Parse an output as a caller gives it.

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
            If the output has an axis for which the selector gives no label.
        """
        if self.function is not None:
            return (self.label,), self._flat(self.function(result), draws)
        if not isinstance(result, Result) or "." in self.field:
            self._refuse_axes()
            return (self.label,), self._flat(_follow(result, self.field), draws)
        spec = result.spec(self.field)
        if spec.time_axis is None or (spec.kind == "date" and self.year is None):
            if self.year is not None:
                raise DomainError(f"output {self.label!r}: {self.field!r} has no time axis; leave out @{self.year}")
            return (self.label,), self._flat(self._item(result, spec, np.asarray(result[self.field])), draws)
        years, values = result.by_year(self.field)
        wanted = list(years) if self.year is None else [self.year]
        if self.year is not None and self.year not in years:
            known = f"{min(years)} to {max(years)}" if years else "none"
            raise UnknownParameterError(f"output {self.label!r}: year {self.year} is not covered, only {known}")
        rows = [np.broadcast_to(self._item(result, spec, values[years.index(year)]), (draws,)) for year in wanted]
        stem = self.label.split("@")[0]
        return tuple(f"{stem}@{year}" for year in wanted), np.array(rows, dtype=np.float64).reshape(len(rows), draws)

    def unit(self, result: Any) -> str | None:
        """Return the output's unit, or None if the result does not declare it."""
        if isinstance(result, Result) and "." not in self.field and self.function is None:
            return result.spec(self.field).unit
        if isinstance(result, Result) and self.field.startswith(_PARAMETER):
            path = self.field.removeprefix(_PARAMETER)
            return next((spec.unit for known, _, spec, _ in result.scenario.walk() if known == path), None)
        return None

    def _refuse_axes(self) -> None:
        """Refuse a year or an item for a value without declared axes."""
        if self.year is not None or self.item is not None:
            raise DomainError(f"output {self.label!r}: {self.field!r} declares no axes: select it with a callable")

    def _flat(self, value: Any, draws: int) -> FloatArray:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise DomainError(f"output {self.label!r} is not a number")
        if array.shape not in ((), (1,), (draws,)):
            raise DomainError(
                f"output {self.label!r} has shape {array.shape}; it must be one value, or one per draw ({draws})"
            )
        return np.array(np.broadcast_to(np.asarray(array, dtype=np.float64), (draws,)))[None]

    def _item(self, result: Result, spec: OutputSpec, values: Any) -> FloatArray:
        """Select the named items on the axes other than time, which come first in ``values``."""
        axes = [dim for dim in spec.dims if dim not in TIME_AXES or spec.kind == "date"]
        given = [] if self.item is None else [part.strip() for part in self.item.split(",")]
        if not axes and given:
            raise UnknownParameterError(f"output {self.label!r}: {self.field!r} has no axis with items")
        labels = result.labels()
        for place, axis in enumerate(axes):
            allowed = [str(label) for label in labels.get(axis, ())]
            if place >= len(given) or len(given) > len(axes):
                hint = f": one of {', '.join(allowed)}" if allowed else ""
                wanted = ",".join(axes)
                raise DomainError(f"output {self.label!r} has an axis {axis!r}; write {self.field}[{wanted}]{hint}")
            if given[place] not in allowed:
                raise UnknownParameterError(
                    f"output {self.label!r}: no {given[place]!r} on axis {axis!r}{near_matches(given[place], allowed)}"
                )
            values = values[allowed.index(given[place])]
        return np.asarray(values)


def _follow(result: Any, field: str) -> Any:
    """Return the value at a dotted path: a parameter of the scenario, a key of a table, or a plain attribute."""
    if isinstance(result, Result):
        if field.startswith(_PARAMETER):
            return _parameter(result.scenario, field.removeprefix(_PARAMETER))
        result.spec(field.split(".")[0])
        raise UnknownParameterError(
            f"no output {field!r}: an output has no parts; for a parameter, write scenario.PATH"
        )
    value = result
    for part in field.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif not part.startswith("_") and hasattr(value, part) and not callable(getattr(value, part)):
            value = getattr(value, part)
        else:
            names = [str(name) for name in value] if isinstance(value, Mapping) else _fields(value)
            raise UnknownParameterError(
                f"no output {field!r}: {type(value).__name__} has {', '.join(names) or 'no named fields'}"
                f"{near_matches(part, names)}"
            )
    return value


def _fields(value: Any) -> list[str]:
    """Return the names of a plain object's fields."""
    named = getattr(value, "__dataclass_fields__", None) or getattr(value, "_fields", None) or vars(type(value))
    return [str(name) for name in named if not str(name).startswith("_")]


def _parameter(scenario: Scenario, path: str) -> Any:
    """Return the resolved value of a parameter; for a trajectory, its constant value."""
    value: Any = scenario.get(path)
    if value is None or isinstance(value, Distribution | Schedule | Formula | VaryingRate):
        held = "absent" if value is None else "not one number per draw"
        raise DomainError(f"output 'scenario.{path}' is {held}")
    spec = next(spec for known, _, spec, _ in scenario.walk() if known == path)
    if spec.trajectory and scenario.grid is not None and np.ndim(value) > 0:
        rows = np.asarray(value)
        if not bool((rows == rows[:1]).all()):
            raise DomainError(f"output 'scenario.{path}' changes over time: select it with a callable")
        return rows[0]
    return value


def listed_outputs(outputs: Output | Sequence[Output]) -> tuple[Output, ...]:
    """Return one output or several as a tuple.

    Examples
    --------
    >>> listed_outputs("npv"), listed_outputs(["npv", "irr"])
    (('npv',), ('npv', 'irr'))
    """
    return (outputs,) if isinstance(outputs, str | Selector) or callable(outputs) else tuple(outputs)


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
    """Condition on a result: an output, a comparison, and a number or another output.

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
    quantity: str | None = None
    """Number and unit as written; converted once the output's unit is known."""

    @classmethod
    def parse(cls, text: str | Target) -> Target:
        """Parse a condition such as ``npv = 0`` or ``revenue@2030 >= capex@2030``.

        Raises
        ------
        ScenarioError
            If the text is not ``OUTPUT (=|<=|>=|<|>) NUMBER [UNIT]`` or ``OUTPUT (=|…) OUTPUT``.
        """
        if isinstance(text, Target):
            return text
        parts = re.split(r"(==|<=|>=|=|<|>)", text)
        if len(parts) != 3 or not parts[0].strip() or not parts[2].strip():
            raise ScenarioError(f"target {text!r} is not OUTPUT = NUMBER [UNIT] or OUTPUT = OUTPUT (also <=, >=, <, >)")
        relation = "=" if parts[1] == "==" else parts[1]
        left = Selector.parse(parts[0].strip())
        right = parts[2].strip()
        number = number_from(right)
        if not math.isnan(number):
            return cls(text, left, relation, None, number)
        if _QUANTITY.fullmatch(right):
            return cls(text, left, relation, None, quantity=right)
        return cls(text, left, relation, Selector.parse(right))

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
        """Return where the condition holds, given the gap; an equality holds only at a gap of 0."""
        tests = {"=": np.equal, "<=": np.less_equal, ">=": np.greater_equal, "<": np.less, ">": np.greater}
        return np.asarray(tests[self.relation](gap, 0.0))

    def _converted(self, result: Any) -> float:
        if self.quantity is None:
            return self.number
        own = self.left.unit(result)
        if own is None:
            raise ScenarioError(f"target {self.text!r}: the output declares no unit, so write a bare number")
        try:
            return parse_quantity(self.quantity, own)
        except CostModelError as error:
            raise type(error)(f"target {self.text!r}: {error}") from None
