"""Outputs: the declaration of each array of a result, and how a yearly figure is formed from its steps.

An output declares its unit, its structural axes, its label and its kind, once. A *stored* output is a field of the
result's class, an argument of its constructor; a *derived* output is a property that is computed from others, so that
totals are never stored. Readers of a result treat both alike.

The kind determines how the figure of a year is formed from the steps that it covers:

========  =====================================================  ======================================
kind      what it is                                             figure of a year
========  =====================================================  ======================================
flow      an amount per step (capex, tokens, accelerators        sum of the year's steps
          bought)
stock     a state at a step bound (cash, debt, book value)       at the end of the year
rate      an amount per unit of time, a price, a share or a      mean of the year's steps
          state read at mid-step (power, utilisation)
ratio     one output over another (margin, average price)        ratio of the two outputs' figures of the
                                                                 year
code      a number that stands for a word                        the most frequent of the year's steps
date      a point in time, as a decimal year                     none
========  =====================================================  ======================================
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

import numpy as np

from costmodel.foundation.arrays import FloatArray, frozen, ordered_sum, quiet
from costmodel.foundation.errors import DomainError, ScenarioError, near_matches

KINDS = ("flow", "stock", "rate", "ratio", "code", "date")
TIME_AXES = ("year", "step", "bound")
"""Axes that count time; any other axis has items with names."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Ratio:
    """Kind of an output that is the ratio of two outputs; built by :func:`ratio`."""

    of: str
    over: str


Kind: TypeAlias = Literal["flow", "stock", "rate", "code", "date"] | Ratio


def ratio(*, of: str, over: str) -> Ratio:
    """Declare that an output is the ratio of two outputs.

    Parameters
    ----------
    of, over
        Names of outputs of the same result. Over a year they are formed by their own kinds, then divided.

    Examples
    --------
    >>> ratio(of="operating_income", over="revenue").over
    'revenue'
    """
    return Ratio(of, over)


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """The declaration of an output.

    Parameters
    ----------
    name
        Name of the field or the property.
    dims
        Structural axes, leading; an ensemble appends ``draw``.
    unit
        Canonical unit; its powers of money and tokens determine how the output rescales.
    label
        A few words for tables and axes.
    basis
        For a cost per token or per hour: the items that it includes.
    kind
        One of ``KINDS``; None if the output has no axis of steps or bounds.
    of, over
        The two outputs of a ratio.
    words
        The word of each code, from 0.
    blank
        When a value may be absent, as NaN; empty: every value is a finite number.
    derived
        Whether the output is computed from other outputs.
    """

    name: str
    dims: tuple[str, ...]
    unit: str
    label: str
    basis: str | None = None
    kind: str | None = None
    of: str | None = None
    over: str | None = None
    words: tuple[str, ...] = ()
    blank: str | None = None
    derived: bool = field(default=False, compare=False)

    @property
    def time_axis(self) -> str | None:
        """Axis that counts time; None without one."""
        return next((dim for dim in self.dims if dim in TIME_AXES), None)


def _declared(
    unit: str,
    kind: Kind | None,
    dims: tuple[str, ...],
    label: str,
    basis: str | None,
    words: tuple[str, ...],
    blank: str | None,
) -> dict[str, Any]:
    """Return a declaration as metadata; raise an error if it does not define a yearly figure."""
    name = "ratio" if isinstance(kind, Ratio) else kind
    if name is not None and name not in KINDS:
        raise ScenarioError(f"output {label!r}: unknown kind {kind!r}: {', '.join(KINDS)}{near_matches(name, KINDS)}")
    if name is None and {"step", "bound"} & set(dims):
        raise ScenarioError(
            f"output {label!r} has an axis of time and no kind: declare kind='flow' (a year sums it), 'stock' (its "
            "end), 'rate' (its mean) or ratio(of=…, over=…)"
        )
    if name == "flow" and "bound" in dims:
        raise ScenarioError(f"output {label!r}: a flow must have the axis 'step', not 'bound'")
    of, over = (kind.of, kind.over) if isinstance(kind, Ratio) else (None, None)
    return {
        "dims": dims,
        "unit": unit,
        "label": label,
        "basis": basis,
        "kind": name,
        "of": of,
        "over": over,
        "words": words,
        "blank": blank,
    }


def output(
    unit: str,
    *,
    kind: Kind | None = None,
    dims: tuple[str, ...] = (),
    label: str,
    basis: str | None = None,
    words: tuple[str, ...] = (),
    blank: str | None = None,
) -> Any:
    """Declare a stored output of a result: a field of its class.

    Parameters
    ----------
    unit
        Canonical unit; its powers of money and tokens determine how the output rescales.
    kind
        ``"flow"``, ``"stock"``, ``"rate"``, ``"code"``, ``"date"`` or :func:`ratio`; required with an axis of steps
        or bounds.
    dims
        Structural axes, leading; an ensemble appends ``draw``.
    label
        A few words for tables and axes.
    basis
        For a cost per token or per hour: the items that it includes.
    words
        Word of each code, from 0.
    blank
        When a value may be absent, as NaN.

    Raises
    ------
    ScenarioError
        If the kind is unknown, or is missing for an output with an axis of time.
    """
    metadata = _declared(unit, kind, dims, label, basis, words, blank)
    return dataclasses.field(metadata=metadata)


_REMEMBERED: ContextVar[dict[tuple[int, str], Any] | None] = ContextVar("remembered", default=None)


@contextmanager
def remembered() -> Iterator[None]:
    """Cache the derived outputs of results within this context, since many are computed from others.

    The results must stay alive in the context.
    """
    token = _REMEMBERED.set({})
    try:
        yield
    finally:
        _REMEMBERED.reset(token)


class Derived(property, Generic[_Value]):
    """Derived output: a read-only property with a declaration; built by :func:`derived`."""

    def __init__(self, function: Callable[[Any], _Value], metadata: dict[str, Any] | None = None) -> None:
        super().__init__(function)
        self.__name__ = function.__name__
        self.metadata = metadata or {}
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Derived[_Value]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> _Value: ...
    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        known = _REMEMBERED.get()
        key = id(instance), self.__name__
        if known is not None and instance is not None and key in known:
            return known[key]
        with quiet():
            value = frozen(super().__get__(instance, owner))
        if known is not None and instance is not None:
            known[key] = value
        return value


def derived(
    unit: str,
    *,
    kind: Kind | None = None,
    dims: tuple[str, ...] = (),
    label: str,
    basis: str | None = None,
    words: tuple[str, ...] = (),
    blank: str | None = None,
) -> Callable[[Callable[[Any], _Value]], Derived[_Value]]:
    """Declare a derived output of a result: a property that is computed from other outputs.

    Parameters
    ----------
    unit, kind, dims, label, basis, words, blank
        As for :func:`output`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from costmodel.foundation.results import Result
    >>> from costmodel.foundation.scenario import Scenario
    >>> @dataclass(frozen=True, slots=True, kw_only=True)
    ... class Sale(Result):
    ...     price: float = output("USD/token", label="price")
    ...     tokens: float = output("token", label="tokens")
    ...     @derived("USD", label="revenue")
    ...     def revenue(self):
    ...         return self.price * self.tokens
    >>> Sale(scenario=Scenario(name="s", model="sale"), price=2e-6, tokens=1e6)["revenue"]
    2.0
    """
    metadata = _declared(unit, kind, dims, label, basis, words, blank)

    def declare(function: Callable[[Any], _Value]) -> Derived[_Value]:
        return Derived(function, metadata)

    return declare


def outputs_of(result: type, *, derived: bool = True) -> tuple[OutputSpec, ...]:
    """Return the declared outputs of a result class: the stored ones in order, then the derived ones.

    Parameters
    ----------
    result
        Class of a result.
    derived
        Whether to include derived outputs.
    """
    return _outputs_of(result, derived)


@cache
def _outputs_of(result: Any, derived: bool) -> tuple[OutputSpec, ...]:
    stored = [OutputSpec(item.name, **item.metadata) for item in dataclasses.fields(result) if "dims" in item.metadata]
    computed: dict[str, OutputSpec] = {}
    for owner in reversed(result.__mro__ if derived else ()):
        for name, item in vars(owner).items():
            if isinstance(item, Derived):
                computed[name] = OutputSpec(name, **item.metadata, derived=True)
    return (*stored, *computed.values())


def named_outputs_of(result: type) -> Mapping[str, OutputSpec]:
    """Return the declared outputs of a result class by name."""
    return _named_outputs_of(result)


@cache
def _named_outputs_of(result: Any) -> Mapping[str, OutputSpec]:
    return {spec.name: spec for spec in _outputs_of(result, True)}


def year_value(spec: OutputSpec, values: FloatArray, steps: slice) -> FloatArray:
    """Return an output's figure of one year, by its kind; for a ratio, use its two outputs instead.

    Parameters
    ----------
    spec
        Declaration, with ``step`` or ``bound`` as the leading axis of ``values``.
    values
        Values, shape ``(step, …)`` or ``(bound, …)``.
    steps
        Steps of the year.

    Raises
    ------
    DomainError
        If the kind has no yearly figure.
    """
    if spec.kind == "stock":  # a stock on steps is that of the year's last step
        return np.asarray(values[steps.stop if spec.time_axis == "bound" else steps.stop - 1])
    if spec.kind == "flow":
        return np.asarray(ordered_sum(values[step] for step in range(steps.start, steps.stop)))
    if spec.kind == "rate":
        rows = range(steps.start + 1, steps.stop + 1) if spec.time_axis == "bound" else range(steps.start, steps.stop)
        return np.asarray(ordered_sum(values[row] for row in rows) / (steps.stop - steps.start))
    if spec.kind == "code":
        codes = values[steps]
        counts = np.array([(codes == code).sum(axis=0) for code in range(int(codes.max()) + 1)])
        return np.asarray(counts.argmax(axis=0), dtype=np.float64)
    raise DomainError(f"output {spec.name!r} is a {spec.kind}: it has no yearly figure")
