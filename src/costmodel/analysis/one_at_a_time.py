"""One input at a time: the tornado of swings, and elasticities of any output to any input."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.analysis.finite_draws import finite_draws
from costmodel.analysis.given_data import FirstOrderIndices
from costmodel.analysis.problem import Model, Problem, Ranges, as_problem
from costmodel.analysis.sensitivity import given_data_study
from costmodel.analysis.sobol import output_index
from costmodel.analysis.targets import Output, declared_units
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.design import RandomSource
from costmodel.foundation.errors import DomainError, InteractionWarning, UnknownParameterError, near_matches
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import Table, TabledByOutput
from costmodel.foundation.values import ParameterSpec

LOW_FIRST_ORDER_SUM = 0.8
"""Sum of first-order indices [1] below which a tornado warns: a fifth of the variance is then interaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tornado(TabledByOutput):
    """Swings of outputs when one input at a time goes from a low to a high quantile, the others at medians.

    ``low``, ``high`` and ``swing`` are ``(input, output)``. The sum of ``first_order`` is the share of variance due to
    single inputs; if it is well below 1, such swings mislead.
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    ranks: tuple[float, float]
    base: FloatArray
    low: FloatArray
    """Outputs with the input at its low quantile."""
    high: FloatArray
    """Outputs with the input at its high quantile."""
    low_input: tuple[float | None, ...]
    """Low value of each input; None for a schedule."""
    high_input: tuple[float | None, ...]
    correlated: tuple[str, ...]
    """Inputs with a rank correlation, which a swing of one input ignores."""
    first_order: FirstOrderIndices | None
    units: tuple[str, ...] = ()
    """Unit of each output, if the model's results declare it."""

    @property
    def swing(self) -> FloatArray:
        """Signed change from the low to the high quantile, ``(input, output)``."""
        return self.high - self.low

    def warning(self, output: str | None = None) -> str | None:
        """Return the reason for which the swings of an output mislead, or None."""
        column = output_index(self.outputs, output)
        if self.first_order is None:
            return None
        total = float(self.first_order.first_sum[column])
        if total >= LOW_FIRST_ORDER_SUM or np.isnan(total):
            return None
        return (
            f"one-at-a-time swings of {self.outputs[column]} mislead: the sum of first-order indices is {total:.2f}, "
            f"so {1.0 - total:.0%} of the variance comes from interactions; use total-order indices"
        )

    def table(self, output: str | None = None) -> Table:
        """Return a table with a row per input for an output (the first one unless named), largest swing first."""
        column = output_index(self.outputs, output)
        swing = self.swing[:, column]
        first = None if self.first_order is None else self.first_order.first[:, column]
        return Table.of(
            {
                "input": self.names[row],
                "from": self.low_input[row],
                "to": self.high_input[row],
                "low": float(self.low[row, column]),
                "high": float(self.high[row, column]),
                "swing": float(swing[row]),
                "first": None if first is None else float(first[row]),
            }
            for row in np.argsort(-np.abs(swing), kind="stable")
        ).in_unit(self.units[column] if self.units else "", "low", "high", "swing")


def tornado(
    inputs: Scenario | Ranges,
    outputs: Output | Sequence[Output] | None = None,
    *,
    ranks: tuple[float, float] = (0.1, 0.9),
    draws: int = 4096,
    rng: RandomSource = None,
    model: Model | None = None,
) -> Tornado:
    """Swing one input at a time, and report the share of variance that such swings can explain.

    Parameters
    ----------
    inputs, outputs, model
        See :func:`~costmodel.analysis.problem.as_problem`.
    ranks
        Low and high quantile of each input, between 0 and 1, [1].
    draws
        Runs of the ensemble that gives the first-order indices; 0 leaves them out.
    rng
        Seed of that ensemble.

    Returns
    -------
    Tornado

    Warns
    -----
    InteractionWarning
        If the sum of first-order indices of an output is below 0.8.

    Raises
    ------
    DomainError
        If the ranks are not two rising numbers between 0 and 1.
    NonFiniteResultError
        If an output is not finite at one of the points.

    Examples
    --------
    >>> swings = tornado({"x": (0.0, 1.0), "y": (0.0, 1.0)}, rng=0, model=lambda x, y: x - 2.0 * y)
    >>> [(row["input"], round(row["swing"], 6)) for row in swings.table().records()]
    [('y', -1.6), ('x', 0.8)]
    """
    low, high = ranks
    if not 0.0 < low < high < 1.0:
        raise DomainError(f"ranks must be two rising numbers between 0 and 1; got {low} and {high}")
    problem = as_problem(inputs, outputs, model=model)
    d = len(problem.names)
    if d == 0:
        raise DomainError("nothing is uncertain here: write a distribution for at least one input")
    points = np.full((2 * d + 1, d), 0.5)
    points[np.arange(d) + 1, np.arange(d)] = low
    points[np.arange(d) + 1 + d, np.arange(d)] = high
    labels, y = problem.at_ranks(points)
    finite_draws(y, labels, "raise")
    first = given_data_study(inputs, outputs, draws=draws, rng=rng, model=model)[0] if draws else None
    found = Tornado(
        names=problem.names,
        outputs=labels,
        ranks=(low, high),
        base=y[:, 0],
        low=y[:, 1 : d + 1].T,
        high=y[:, d + 1 :].T,
        low_input=_inputs_at(problem, low),
        high_input=_inputs_at(problem, high),
        correlated=tuple(dict.fromkeys(name for a, b, _ in problem.correlations for name in (a, b))),
        first_order=first,
        units=declared_units(inputs, labels),
    )
    for label in labels:
        message = found.warning(label)
        if message is not None:
            warnings.warn(message, InteractionWarning, stacklevel=2)
    return found


def _inputs_at(problem: Problem, rank: float) -> tuple[float | None, ...]:
    values = [problem.quantile(name, rank) for name in problem.names]
    return tuple(None if value is None else float(value) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elasticities(TabledByOutput):
    """Elasticities of outputs to inputs at the medians: d ln output / d ln input, ``(input, output)`` [1].

    NaN where the input or the output is 0.
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    values: FloatArray
    base: FloatArray

    def table(self, output: str | None = None) -> Table:
        """Return a table with a row per input for an output (the first one unless named), strongest first."""
        column = output_index(self.outputs, output)
        found = self.values[:, column]
        order = np.argsort(-np.abs(np.nan_to_num(found)), kind="stable")
        return Table.of({"input": self.names[row], "elasticity": float(found[row])} for row in order)


def elasticities(
    inputs: Scenario | Ranges,
    outputs: Output | Sequence[Output] | None = None,
    *,
    paths: Sequence[str] | None = None,
    step: float = 0.01,
    model: Model | None = None,
) -> Elasticities:
    """Compute elasticities of outputs to all inputs, at the medians, in one run.

    Fixed numbers count as inputs too; a schedule is scaled as a whole. If a step up or down would leave the allowed
    range, only the other side is used.

    Parameters
    ----------
    inputs, outputs, model
        See :func:`~costmodel.analysis.problem.as_problem`.
    paths
        Inputs to differentiate by; None: all.
    step
        Relative step, between 0 and 1, [1].

    Returns
    -------
    Elasticities

    Raises
    ------
    DomainError
        If the step is not between 0 and 1.
    UnknownParameterError
        If there is no such path.
    NonFiniteResultError
        If an output is not finite at one of the points.

    Examples
    --------
    >>> found = elasticities({"price": 2.0, "volume": 3.0}, model=lambda price, volume: price**-1.5 * volume)
    >>> [(row["input"], round(row["elasticity"], 3)) for row in found.table().records()]
    [('price', -1.5), ('volume', 1.0)]
    """
    if not 0.0 < step < 1.0:
        raise DomainError(f"step must be between 0 and 1, relative to the input; got {step}")
    problem = as_problem(inputs, outputs, model=model)
    sides = _sides(inputs, step)
    names = tuple(sides if paths is None else paths)
    for name in names:
        if name not in sides:
            raise UnknownParameterError(f"{name}: there is no such input{near_matches(name, sides)}")
    factors = {name: np.ones(2 * len(names) + 1) for name in names}
    for index, name in enumerate(names):
        factors[name][2 * index + 1], factors[name][2 * index + 2] = sides[name]
    labels, y = problem.at(2 * len(names) + 1, factors=factors)
    finite_draws(y, labels, "raise")
    base, down, up = y[:, 0], y[:, 1::2], y[:, 2::2]
    with np.errstate(all="ignore"):
        span = np.array([np.log(sides[name][1]) - np.log(sides[name][0]) for name in names])
        # difference of logs if both ends have the base's sign, else a plain ratio
        logs = np.log(up / base[:, None]) - np.log(down / base[:, None])
        plain = (up - down) / np.abs(base)[:, None]
        values = np.where(np.isfinite(logs), logs, plain) / span
    return Elasticities(names=names, outputs=labels, values=np.where(np.isfinite(values), values, np.nan).T, base=base)


def _sides(inputs: Scenario | Ranges, step: float) -> dict[str, tuple[float, float]]:
    """Return the factors below and above 1 for each input; (1, 1), which gives NaN, where the input is 0."""
    if not isinstance(inputs, Scenario):
        return dict.fromkeys(inputs, (1.0 - step, 1.0 + step))
    found = {}
    for path, value, spec, _ in inputs.resolve().walk():
        if value is None:
            continue
        number = np.asarray(value, dtype=np.float64)
        low = 1.0 - step if _allowed(number * (1.0 - step), spec) else 1.0
        high = 1.0 + step if _allowed(number * (1.0 + step), spec) else 1.0
        found[path] = (low, high) if number.any() else (1.0, 1.0)
    return found


def _allowed(number: FloatArray, spec: ParameterSpec) -> bool:
    try:
        spec.check(float(number.min()), float(number.max()), what="value")
    except DomainError:
        return False
    return True
