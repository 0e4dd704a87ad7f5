"""Fit parameters to observations, and report the parameters that the observations do not identify."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.analysis.identification import Identification, identify
from costmodel.analysis.problem import Model, Problem, Ranges, as_problem
from costmodel.analysis.targets import Output, Selector
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.design import RandomSource, seed_of
from costmodel.foundation.errors import ConvergenceError, DomainError, IdentificationWarning
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import Table, Tabled

_LOG_FROM = 20.0
"""Ratio of a range's ends [1] at and above which a parameter is searched in logarithms."""
_STEP = 1e-5
"""Step of the numerical derivative, as a share of a parameter's range [1]."""
_PENALTY = 1e3
"""Residual, in observation errors, for an output that is not finite or has the wrong sign [1]."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One observed figure.

    Parameters
    ----------
    output
        Output of the result to compare it with: ``"tokens@2025"`` or a callable.
    value
        The figure, in the output's unit.
    error
        Standard error, above 0: logarithmic (0.1 is about 10 %), or in the output's unit if ``log`` is false.
    log
        Whether to compare logarithms, as suits growing figures.
    """

    output: Output
    value: float
    error: float = 0.1
    log: bool = True

    def __post_init__(self) -> None:
        if not np.isfinite(self.value) or (self.log and self.value <= 0.0):
            raise DomainError(
                f"observation of {self.label} is {self.value}: give a finite number, above 0 if compared in logs"
            )
        if not self.error > 0.0:
            raise DomainError(f"observation of {self.label} has the error {self.error}: above 0 is needed")

    @property
    def label(self) -> str:
        """Text form of the output."""
        return Selector.parse(self.output).label


@dataclass(frozen=True, slots=True)
class Multiple:
    """Range of a multiple of the written value instead of the value: for a schedule, or for several parameters."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit(Tabled):
    """Fitted parameters, quality of the fit, and parameters that are not identified."""

    parameters: dict[str, float]
    errors: dict[str, float]
    """Standard error of each parameter, from the curvature at the optimum; infinite along a flat direction."""
    covariance: FloatArray
    """``(parameter, parameter)``, in the parameters' units."""
    observed: tuple[Observed, ...]
    fitted: FloatArray
    """Fitted values of the observations."""
    residuals: FloatArray
    """Fitted less observed, in observation errors."""
    cost: float
    """Half the sum of squared residuals."""
    start_costs: FloatArray
    """Cost that each start reached, best first."""
    identification: Identification
    failed_starts: int
    """Starts left out because an output was not finite."""

    @property
    def identified(self) -> bool:
        """Whether the observations identify all fitted parameters."""
        return not self.identification.unidentified

    def table(self) -> Table:
        """Return a table with a row per parameter."""
        open_ = set(self.identification.unidentified)
        return Table.of(
            {
                "parameter": path,
                "value": value,
                "error": self.errors[path],
                "identified": path not in open_,
                "at_bound": path in self.identification.at_bound,
            }
            for path, value in self.parameters.items()
        )


def fit(
    inputs: Scenario | Ranges,
    free: Mapping[str, tuple[float, float] | Multiple],
    observed: Sequence[Observed],
    *,
    starts: int = 12,
    polish: int = 4,
    rng: RandomSource = None,
    max_steps: int = 100,
    model: Model | None = None,
) -> Fit:
    """Fit parameters within bounds by least squares, from several starts.

    Parameters
    ----------
    inputs, model
        See :func:`~costmodel.analysis.problem.as_problem`; the other uncertain inputs stay at their medians.
    free
        Path → lowest and highest value, in the parameter's unit, or a :class:`Multiple`. A path with ``*``, as
        ``market.*.price_elasticity``, is one parameter: all paths that match take the same value or multiple.
    observed
        Observed figures; at least as many as free parameters.
    starts
        Number of starting points, a Latin hypercube within the bounds.
    polish
        Number of the best starting points from which to minimise.
    rng
        Seed of the starts.
    max_steps
        Largest number of steps of each minimisation.

    Returns
    -------
    Fit

    Warns
    -----
    IdentificationWarning
        If the observations do not identify all parameters; the message names those.

    Raises
    ------
    DomainError
        If a lower bound is not below its upper bound, or there are fewer observations than parameters.
    ConvergenceError
        If no start gives finite outputs.

    Notes
    -----
    Bounded trust-region least squares on residuals in observation errors; parameters are scaled to their ranges,
    positive ranges of 20 times or more in logarithms. The Jacobian is one run of the model with a central
    difference per parameter. An output that is not finite, or not positive where logarithms are compared, counts as
    a residual of 1,000 errors, so that the search turns away from it. Covariance: (JᵀJ)⁻¹ times the larger of 1
    and the sum of squares over the degrees of freedom.

    Examples
    --------
    >>> years = np.arange(5.0)
    >>> growth = lambda level, rate: {f"year{k}": level * np.exp(rate * k) for k in range(5)}
    >>> found = fit({"level": 1.0, "rate": 0.1}, {"level": (0.1, 10.0), "rate": (-1.0, 1.0)},
    ...             [Observed(f"year{k}", 2.0 * float(np.exp(0.3 * k))) for k in range(5)], rng=0, model=growth)
    >>> [round(value, 6) for value in found.parameters.values()]
    [2.0, 0.3]
    """
    if len(observed) < len(free) or not free:
        raise DomainError(
            f"{len(observed)} observations cannot fit {len(free)} parameters: add observations or fix parameters"
        )
    search = _Search(as_problem(inputs, [one.output for one in observed], model=model), free, tuple(observed))
    points = _starting_points(len(free), starts, seed_of(rng))
    first = search.residuals(points)
    sound = (np.abs(first) < _PENALTY).all(axis=0)
    if not sound.any():
        raise ConvergenceError(f"none of {starts} starts gives finite outputs for every observation; narrow the bounds")
    order = np.flatnonzero(sound)[np.argsort(np.square(first[:, sound]).sum(axis=0), kind="stable")]
    tries = [_minimise(search, points[:, index], max_steps) for index in order[:polish]]
    tries.sort(key=lambda pair: pair[1])
    best, cost = tries[0]
    residuals = search.residuals(best[:, None])[:, 0]
    noise = max(1.0, 2.0 * cost / max(len(observed) - len(free), 1))
    found = identify(tuple(free), search.jacobian(best), noise, best, [(point, value) for point, value in tries])
    slopes = search.slopes(best)
    covariance = found.scaled_covariance * np.outer(slopes, slopes)
    errors = np.sqrt(np.diag(covariance))
    if found.unidentified:
        warnings.warn(found.message(), IdentificationWarning, stacklevel=2)
    return Fit(
        parameters=dict(zip(free, map(float, search.values(best)), strict=True)),
        errors=dict(zip(free, map(float, errors), strict=True)),
        covariance=covariance,
        observed=tuple(observed),
        fitted=search.outputs(best[:, None])[:, 0],
        residuals=residuals,
        cost=float(cost),
        start_costs=np.array([value for _, value in tries]),
        identification=found,
        failed_starts=int((~sound).sum()),
    )


def _starting_points(parameters: int, starts: int, seed: int) -> FloatArray:
    """Return starts in the unit cube, ``(parameter, start)``, the middle first."""
    if starts < 1:
        raise DomainError(f"starts must be at least 1; got {starts}")
    generator = np.random.default_rng(seed)
    strata = np.stack([generator.permutation(starts) for _ in range(parameters)])
    points = (strata + generator.random((parameters, starts))) / starts
    points[:, 0] = 0.5
    return np.asarray(0.02 + 0.96 * points, dtype=np.float64)


def _minimise(search: _Search, start: FloatArray, max_steps: int) -> tuple[FloatArray, float]:
    from scipy.optimize import least_squares

    found = least_squares(
        lambda u: search.residuals(u[:, None])[:, 0],
        start,
        jac=lambda u: search.jacobian(u),
        bounds=(0.0, 1.0),
        method="trf",
        max_nfev=max_steps,
    )
    return np.asarray(found.x, dtype=np.float64), float(found.cost)


class _Search:
    """Map from the unit cube to parameters, and from parameters to residuals, for many points at once."""

    def __init__(
        self,
        problem: Problem,
        free: Mapping[str, tuple[float, float] | Multiple],
        observed: tuple[Observed, ...],
    ) -> None:
        self.problem, self.observed = problem, observed
        self.paths = tuple(problem.matching(pattern) for pattern in free)
        self.multiple = tuple(isinstance(ends, Multiple) for ends in free.values())
        ends = [(one.low, one.high) if isinstance(one, Multiple) else one for one in free.values()]
        for path, (low, high) in zip(free, ends, strict=True):
            if not (np.isfinite(low) and np.isfinite(high) and low < high):
                raise DomainError(f"{path}: bounds must be finite and rising; got {low} and {high}")
        named = [path for paths in self.paths for path in paths]
        if len(set(named)) != len(named):
            raise DomainError(
                f"free matches a parameter twice: {', '.join(sorted({p for p in named if named.count(p) > 1}))}"
            )
        self.low = np.array([low for low, _ in ends], dtype=np.float64)
        self.high = np.array([high for _, high in ends], dtype=np.float64)
        with np.errstate(all="ignore"):
            self.log = (self.low > 0.0) & (self.high / self.low >= _LOG_FROM)

    def values(self, u: FloatArray) -> FloatArray:
        """Return parameters ``(parameter, …)`` at points of the unit cube."""
        shape = (-1,) + (1,) * (u.ndim - 1)
        low, high, log = self.low.reshape(shape), self.high.reshape(shape), self.log.reshape(shape)
        with np.errstate(all="ignore"):
            curved = low * np.exp(u * np.log(high / low))
        return np.where(log, curved, low + u * (high - low))

    def slopes(self, u: FloatArray) -> FloatArray:
        """Return the derivative of each parameter by its coordinate."""
        with np.errstate(all="ignore"):
            return np.where(self.log, self.values(u) * np.log(self.high / self.low), self.high - self.low)

    def outputs(self, u: FloatArray) -> FloatArray:
        """Return outputs ``(observation, point)``."""
        values = self.values(u)
        fixed: dict[str, FloatArray] = {}
        factors: dict[str, FloatArray] = {}
        for row, paths, multiple in zip(values, self.paths, self.multiple, strict=True):
            (factors if multiple else fixed).update(dict.fromkeys(paths, np.ascontiguousarray(row)))
        labels, y = self.problem.at(u.shape[1], values=fixed, factors=factors)
        if len(labels) != len(self.observed):
            raise DomainError(f"an observation is one figure, but the outputs are {', '.join(labels)}: give the year")
        return y

    def residuals(self, u: FloatArray) -> FloatArray:
        """Return residuals ``(observation, point)``, in observation errors."""
        y = self.outputs(u)
        rows = []
        for one, row in zip(self.observed, y, strict=True):
            with np.errstate(all="ignore"):
                gap = np.log(row / one.value) if one.log else row - one.value
            rows.append(np.where(np.isfinite(gap), np.clip(gap / one.error, -_PENALTY, _PENALTY), _PENALTY))
        return np.stack(rows)

    def jacobian(self, u: FloatArray) -> FloatArray:
        """Return the derivative of the residuals, ``(observation, parameter)``, from one run."""
        k = u.size
        up, down = np.minimum(u + _STEP, 1.0), np.maximum(u - _STEP, 0.0)
        points = np.repeat(u[:, None], 2 * k, axis=1)
        points[np.arange(k), np.arange(k)] = up
        points[np.arange(k), k + np.arange(k)] = down
        r = self.residuals(points)
        return np.asarray((r[:, :k] - r[:, k:]) / (up - down))
