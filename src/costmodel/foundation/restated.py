"""Restate results in prices of another year (real) or in another currency.

A restated result has all outputs of its original, stored and derived, as stored outputs, with every amount of money
converted. Years, quantiles, tables and datasets work as for any result. Outputs that are not money (shares, tokens,
growth of nominal figures) stay unchanged.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.currencies import CODES, check_code, reference_rate
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.outputs import TIME_AXES, OutputSpec, outputs_of
from costmodel.foundation.units import dimensions

if TYPE_CHECKING:
    from costmodel.foundation.results import Result
    from costmodel.foundation.scenario import Scenario

_INDEX = "costmodel.catalog.money:yearly_levels"
"""Module that reads price indices; it is in a higher layer, so it is imported only when money is restated."""
DEFAULT_INDEX = "US CPI-U"
"""Default price index: US consumer prices, all urban consumers."""
_WORD = re.compile(r"[A-Za-z]+")
_SELECTED = re.compile(r"@([0-9]{4})$")
"""Ending of the name of an output that was selected by year."""

Factor: TypeAlias = Callable[[OutputSpec], "FloatArray | float"]
"""Factor of an amount of money: one number, or one for each position on the time axis."""


def to_real(result: Result, year: int, *, index: str = DEFAULT_INDEX, inflation: float | None = None) -> Result:
    """Return a result in money of one year; see :meth:`costmodel.Result.to_real`."""
    factor, said = real_factor(
        result.scenario, tuple(result.outputs().values()), result.labels(), year, index, inflation
    )
    return _restated(result, factor, _currency(result), said)


def in_currency(result: Result, code: str, *, rate: float | None = None, on: dt.date | str | None = None) -> Result:
    """Return a result in another currency; see :meth:`costmodel.Result.in_currency`."""
    factor, said = currency_factor(result.scenario, _currency(result), code, rate, on)
    return _restated(result, lambda spec: factor, code, said)


def real_factor(
    scenario: Scenario,
    specs: Sequence[OutputSpec],
    labels: Mapping[str, Sequence[Any]],
    year: int,
    index: str,
    inflation: float | None,
) -> tuple[Factor, str]:
    """Return the factors that convert amounts to money of one year, and a remark on the conversion.

    An output that was selected by year, as ``user_spend@2030``, is in money of that year.

    Raises
    ------
    ScenarioError
        If the scenario has no time grid and does not state its ``price_year``.
    DomainError
        If the index has no level for a year.
    """
    levels = _levels(index)
    stated, grid = scenario.price_year, scenario.grid
    if stated is None and grid is None and any(money_power(spec.unit) for spec in specs):
        raise ScenarioError(
            f"{scenario.name}: the price year of its amounts is not stated; state price_year, such as price_year = 2026"
        )
    wanted = _level(levels, year, index, inflation)

    def ratio(of: int) -> float:
        return wanted / _level(levels, of, index, inflation)

    def factor(spec: OutputSpec) -> FloatArray | float:
        if stated is not None:
            return ratio(stated)
        selected = _SELECTED.search(spec.name)
        if selected is not None:
            return ratio(int(selected[1]))
        axes = [dim for dim in spec.dims if dim in TIME_AXES]
        if not axes:
            return ratio(grid.dates[0].year) if grid is not None else 1.0
        if len(axes) > 1:
            raise DomainError(
                f"output {spec.name!r} has two axes of time {tuple(axes)}, so its money has no single year"
            )
        return np.array([ratio(of) for of in _years(labels.get(axes[0], ()), axes[0])])

    return factor, f"money of {year} by {index}" + (
        "" if inflation is None else f", {inflation:.3g} a year after it ends"
    )


def currency_factor(
    scenario: Scenario, have: str, code: str, rate: float | None, on: dt.date | str | None
) -> tuple[float, str]:
    """Return the factor that converts USD to another currency, and a remark on the conversion.

    Raises
    ------
    ScenarioError
        If neither a rate nor a day is given and the scenario states no rate.
    DomainError
        If amounts are not in USD, both are given, or the rate is not a finite number above 0.
    """
    check_code(code)
    if have != "USD":
        raise DomainError(f"the result is already in {have}: convert the original, which is in USD")
    if rate is not None and on is not None:
        raise DomainError("give a rate, or the day of a reference rate, not both")
    stated = scenario.exchange_rates.get(code)
    day = dt.date.fromisoformat(on) if isinstance(on, str) else on
    if rate is None and day is None and stated is not None:
        rate, day = stated.rate, stated.date
    if rate is None:
        if day is None:
            raise ScenarioError(f"{code} needs a dated rate: give rate = USD for one, or on = the day")
        rate = reference_rate(code, day)
    if not 0.0 < rate < float("inf"):
        raise DomainError(f"rate must be USD for one {code}, a finite number above 0; got {rate}")
    dated = "" if day is None else f" of {day}"
    usd = float(rate)
    return 1.0 / usd, f"{code} at {usd:.6g} USD for one{dated}"


@cache
def _levels(index: str) -> Mapping[int, float]:
    module, name = _INDEX.split(":")
    return getattr(import_module(module), name)(index)  # type: ignore[no-any-return]


def _level(levels: Mapping[int, float], year: int, index: str, inflation: float | None) -> float:
    """Return the price level of a year; a year after the last one on record needs a rate of inflation."""
    first, last = min(levels), max(levels)
    if year in levels:
        return levels[year]
    if year < first or inflation is None:
        more = "" if year < first else "; for later years, give inflation, a rate a year such as 0.02"
        raise DomainError(f"money of {year}: {index} has levels for {first} to {last}{more}")
    if not -0.5 < inflation < 10.0:
        raise DomainError(f"inflation must be a rate a year between -0.5 and 10, such as 0.02; got {inflation}")
    return levels[last] * (1.0 + inflation) ** (year - last)


def _years(labels: Sequence[Any], axis: str) -> list[int]:
    """Return the calendar year of each position on a time axis; a bound belongs to the year of the day before it."""
    if axis == "bound":
        return [(label - dt.timedelta(days=1)).year for label in labels]
    return [label.year if isinstance(label, dt.date) else int(label) for label in labels]


def money_power(unit: str) -> float:
    """Return the exponent of money in a unit of any currency."""
    return dimensions(unit_in(unit, "USD")).get("money", 0.0)


def unit_in(unit: str, code: str) -> str:
    """Return a unit with its currency replaced by another."""
    return _WORD.sub(lambda word: code if word[0] in CODES else word[0], unit)


def _currency(result: Result) -> str:
    return str(getattr(type(result), "CURRENCY", "USD"))


def _restated(result: Result, factor: Factor, code: str, said: str) -> Result:
    values: dict[str, Any] = {}
    for name, spec in result.outputs().items():
        value, power = np.asarray(result[name]), money_power(spec.unit)
        if power and value.dtype.kind in "fiu":
            value = value * along(np.power(np.asarray(factor(spec)), power), spec, value.ndim)
        values[name] = value[()]
    remarks = (*result.remarks, said)
    kept: dict[str, Any] = {name: getattr(result, name) for name in ("design", "version", "left_out", "excluded")}
    origin: Result = getattr(result, "origin", result)
    kind: Any = type(origin)
    build = _class(kind, code)
    restated: Result = build(scenario=result.scenario, **kept, remarks=remarks, origin=origin, **values)
    return restated


def along(factors: FloatArray, spec: OutputSpec, dims: int) -> FloatArray:
    """Return factors along the time axis of an output, with other axes of length 1."""
    if factors.ndim == 0:
        return factors
    shape = [1] * dims
    shape[next(i for i, dim in enumerate(spec.dims) if dim in TIME_AXES)] = len(factors)
    return factors.reshape(shape)


@cache
def _class(kind: Any, code: str) -> Any:
    """Return a class with the outputs of another, all stored, in another currency."""
    from costmodel.foundation.results import Result

    fields: list[Any] = [("origin", Any, dataclasses.field(compare=False, repr=False))]
    for spec in outputs_of(kind):
        metadata = {item.name: getattr(spec, item.name) for item in dataclasses.fields(spec)}
        del metadata["name"], metadata["derived"]
        metadata["unit"] = unit_in(spec.unit, code)
        fields.append((spec.name, Any, dataclasses.field(metadata=metadata)))
    namespace = {
        "__doc__": f"{kind.__name__}, in other money.",
        "CURRENCY": code,
        "HEADLINES": getattr(kind, "HEADLINES", ()),
        "SIDE_BY_SIDE": getattr(kind, "SIDE_BY_SIDE", ()),
        "ENSEMBLE_OUTPUTS": getattr(kind, "ENSEMBLE_OUTPUTS", ()),
        "coords": lambda self: self.origin.coords(),
        "basis": lambda self, name: self.origin.basis(name),
    }
    return dataclasses.make_dataclass(
        kind.__name__, fields, bases=(Result,), namespace=namespace, frozen=True, slots=True, kw_only=True
    )
