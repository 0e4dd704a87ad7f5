"""The engine overhead: one number that stands for scheduling, fitted once, and its record of residuals.

Published rooflines run well above what engines deliver. The overhead is the wall-clock time of a step over the
time that the roofline, its measured shares and the collectives give. It is fitted on one measured point and held
for every chip, model and workload; its spread is that of the residuals at points that did not enter the fit.

How the model does beside its kind: without the overhead it runs 3–106 % above six measured points (median 59 %),
where published rooflines and kernel databases run 20–50 % above engines at a large batch; with the overhead of one
of them it is 38 % below to 16 % above the other five, 16 % off at the median. Engines differ by more than chips do.

A benchmark of one's own takes its place: :func:`calibrate` fits the overhead on all rows of a measured table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import DomainError
from costmodel.serving.configuration import Configuration, Layout, Traffic
from costmodel.serving.measured import Measured
from costmodel.serving.targets import serve_within
from costmodel.serving.throughput import Mode

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
        # built as it is parsed, without the inverse normal that checking its support would import
        return Distribution("lognormal", (("p5", self.value / factor), ("p95", self.value * factor), ("low", 1.0)))


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


def calibrate(measured: Measured, what: Configuration, *, mode: Mode = "interleaved") -> Overhead:
    """Fit the overhead on every row of a measured table, for one's own engine.

    Parameters
    ----------
    measured
        Rows of one model on one kind of accelerator; each runs by tensor parallelism over its accelerators.
    what
        What was measured; its layout and the engine's own overhead are put aside.
    mode
        How prompts and answers came together.

    Returns
    -------
    Overhead
        Geometric mean over the rows, not below 1, their spread, and every row's residual.

    Raises
    ------
    DomainError
        If a row cannot run according to the model; the row and the reason are named.
    """
    traffic = Traffic(mean_input=measured.input_tokens, mean_output=measured.output_tokens)
    plain = replace(what, layout=Layout(tensor=measured.accelerators), engine=replace(what.engine, overhead=1.0))
    served = serve_within(plain, traffic, largest=measured.concurrency, mode=mode)
    for number, (code, reason) in enumerate(zip(served.infeasible, served.reasons, strict=True), start=1):
        if code:
            raise DomainError(f"measured row {number}: {reason}")
    logs = np.log(served.tokens_per_second / measured.tokens_per_second)
    value = max(float(np.exp(np.mean(logs))), 1.0)
    residuals = np.exp(logs) / value - 1.0
    return Overhead(
        value=value,
        spread=float(np.std(logs)),
        fitted_on=f"{len(measured)} rows",
        residuals=tuple((f"row {number}", float(error)) for number, error in enumerate(residuals, start=1)),
    )


OVERHEAD = Overhead(
    value=1.645,
    spread=0.249,
    fitted_on="H100 FP8",
    residuals=(
        ("H200 FP8", -0.379),
        ("B200 FP4", -0.163),
        ("MI300X FP8", 0.162),
        ("MI325X FP8", -0.087),
        ("MI355X FP4", 0.151),
    ),
)
"""The engine overhead, dimensionless: fitted on H100, Llama-3.3-70B FP8, 8k in and 1k out (2,568 token/s, InferenceX),
by :func:`costmodel.serving.residuals.refit`; the other five chips of that table are predicted, none is tuned. H200
misses most: it was measured with another engine, which comes within 3 % of the model without any overhead."""
