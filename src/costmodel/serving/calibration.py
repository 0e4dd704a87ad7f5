"""The engine overhead: one number that stands for scheduling, fitted once, and its record of residuals.

Published rooflines run well above what engines deliver. The overhead is the wall-clock time of a step over the
time that the roofline, its measured shares and the collectives give. It is fitted on one measured point and held
for every chip, model and workload; its spread is that of the residuals at points that did not enter the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import DomainError

NINETY_PERCENT = 1.6448536269514722
"""Standard deviations from the median to the 95 % quantile of a normal distribution, dimensionless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """A fitted engine overhead.

    Parameters
    ----------
    value
        Wall-clock time over computed time [1].
    spread
        Standard deviation of the logarithm of measured over predicted throughput, at points not fitted [1].
    fitted_on
        The point that was fitted.
    residuals
        Predicted over measured throughput less 1, by point not fitted [1].
    """

    value: float
    spread: float
    fitted_on: str
    residuals: tuple[tuple[str, float], ...]

    @property
    def median_error(self) -> float:
        """Median of the absolute residuals [1]."""
        return float(np.median([abs(error) for _, error in self.residuals]))

    def distribution(self) -> Distribution:
        """Return the overhead as a lognormal distribution, not below 1."""
        factor = float(np.exp(NINETY_PERCENT * self.spread))
        return Distribution.parse(
            {"dist": "lognormal", "p5": self.value / factor, "p95": self.value * factor, "low": 1.0}, "1"
        )


def fit_overhead(
    names: Sequence[str], predicted: Sequence[float], measured: Sequence[float], fitted_on: str
) -> Overhead:
    """Fit the overhead on one measured point and record how the others come out.

    Parameters
    ----------
    names
        Names of the points.
    predicted
        Throughput of the model with an overhead of 1, > 0, any unit, shape (point,).
    measured
        Measured throughput in the same unit, > 0, shape (point,).
    fitted_on
        Name of the point to fit.

    Returns
    -------
    Overhead
        With the residuals of all other points.

    Raises
    ------
    DomainError
        If the lists differ in length, a figure is not above 0 or the point is not among the names.

    Examples
    --------
    >>> fit = fit_overhead(["a", "b"], [200.0, 300.0], [100.0, 200.0], "a")
    >>> fit.value, fit.residuals
    (2.0, (('b', -0.25),))
    """
    if not len(names) == len(predicted) == len(measured):
        raise DomainError(f"{len(names)} names, {len(predicted)} predictions, {len(measured)} measurements")
    if fitted_on not in names:
        raise DomainError(f"fitted_on = {fitted_on!r} is not among the points {', '.join(names)}")
    ratio = np.asarray(predicted, dtype=np.float64) / np.asarray(measured, dtype=np.float64)
    if not np.all(np.isfinite(ratio)) or np.any(ratio <= 0.0):
        raise DomainError("predicted and measured throughput must be finite and > 0")
    value = float(ratio[list(names).index(fitted_on)])
    others = [index for index, name in enumerate(names) if name != fitted_on]
    logs = np.log(ratio[others] / value)
    return Overhead(
        value=value,
        spread=float(np.sqrt(np.mean(logs * logs))) if others else 0.0,
        fitted_on=fitted_on,
        residuals=tuple((names[index], float(ratio[index] / value - 1.0)) for index in others),
    )


OVERHEAD = Overhead(
    value=1.665,
    spread=0.26,
    fitted_on="H100 FP8",
    residuals=(
        ("H200 FP8", -0.381),
        ("B200 FP4", -0.166),
        ("MI300X FP8", 0.152),
        ("MI325X FP8", -0.096),
        ("MI355X FP4", 0.236),
    ),
)
"""The engine overhead, dimensionless: fitted on H100, Llama-3.3-70B FP8, 8k in and 1k out (2,568 token/s, InferenceX),
by :func:`costmodel.serving.residuals.refit`; the other five chips of that table are predicted, none is tuned. H200
misses most: it was measured with another engine, which comes within 3 % of the model without any overhead."""
