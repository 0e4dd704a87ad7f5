"""Forecasts of cost whose intervals widen as the errors of past forecasts did.

Cost is a random walk with drift in logarithms: the drift is per year (Farmer and Lafond 2016) or per unit of
log experience (Lafond et al. 2018). The drift is itself estimated, so the variance grows faster than time.
Shocks may carry over to the next year with a moving-average coefficient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.catalog import learning_rate
from costmodel.estimation.decline import CostSeries, Form
from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError, ScenarioError

_UNEVEN = 1e-6
"""Largest relative difference between steps that still count as equal [1]."""


@dataclass(frozen=True, slots=True, eq=False)
class DeclineForecast:
    """A distributional forecast of cost.

    Parameters
    ----------
    time
        Dates, (step,) [year].
    log_mean, log_sd
        Centre and standard error of log cost, (step,) or (step, draw).
    drift
        Estimated fall of log cost per year, or per unit of log cumulative output.
    shock_sd
        Standard deviation of a yearly shock to log cost.
    degrees_of_freedom
        Of the Student t distribution of the standardized error.
    moving_average
        Carry-over of a shock to the next year.
    past, future
        Yearly steps of the driver (1 for time) that were fitted and that are forecast.
    """

    time: FloatArray
    log_mean: FloatArray
    log_sd: FloatArray
    drift: FloatArray
    shock_sd: FloatArray
    degrees_of_freedom: int
    moving_average: float
    past: FloatArray
    future: FloatArray

    def quantile(self, rank: float) -> FloatArray:
        """Return cost at a rank between 0 and 1, (step,) or (step, draw)."""
        from scipy.special import stdtrit

        if not 0 < rank < 1:
            raise DomainError(f"rank is {rank!r}: it must be between 0 and 1")
        return readonly(np.exp(self.log_mean + float(stdtrit(self.degrees_of_freedom, rank)) * self.log_sd))

    def interval(self, level: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper bound of cost that hold it with probability ``level``."""
        return self.quantile(0.5 - level / 2), self.quantile(0.5 + level / 2)

    def sample(self, draws: int, *, rng: Any = None) -> FloatArray:
        """Draw whole paths of cost, (step, draw), for a forecast of a single series.

        The past is drawn again with the future, so that a path carries one error of the drift throughout, and
        the shock of the last year reaches into the first.
        """
        if self.log_mean.ndim != 1:
            raise DomainError("paths are drawn for a forecast of one series, not of an ensemble")
        generator = np.random.default_rng(rng)
        past, ahead = self.past.size, self.future.size
        shocks = generator.standard_normal((past + ahead + 1, draws))
        noise = shocks[1:] + self.moving_average * shocks[:-1]
        slope_error = -(self.past @ noise[:past]) / float(self.past @ self.past)
        reach = np.cumsum(self.future)[:, np.newaxis]
        error = np.cumsum(noise[past:], axis=0) + reach * slope_error
        scale = self.shock_sd * np.sqrt(self.degrees_of_freedom / generator.chisquare(self.degrees_of_freedom, draws))
        return readonly(np.exp(self.log_mean[:, np.newaxis] + scale * error))


def forecast_moore(series: CostSeries, years: int, *, moving_average: float = 0.0) -> DeclineForecast:
    """Forecast cost as a walk with a yearly drift (Farmer and Lafond 2016).

    Parameters
    ----------
    series
        Costs at equal steps, which count as the years of the method.
    years
        Steps to forecast, >= 1.
    moving_average
        Carry-over of a shock to the next step, from 0 to 1; see
        :func:`published_moving_average`.

    Returns
    -------
    DeclineForecast
        Median, intervals and paths.

    Raises
    ------
    DomainError
        If steps are unequal, or there are fewer than three dates.

    Examples
    --------
    >>> series = CostSeries([2020.0, 2021.0, 2022.0, 2023.0], [8.0, 4.2, 1.9, 1.0])
    >>> [round(float(cost), 3) for cost in forecast_moore(series, 2).quantile(0.5)]
    [0.5, 0.25]
    """
    if years < 1:
        raise DomainError(f"years is {years}: at least one step must be forecast")
    step = _equal_step(series)
    steps = np.full(series.time.size - 1, step)
    return _forecast(series, steps, np.full(years, step), step, moving_average)


def forecast_wright(series: CostSeries, future_cumulative: Any, *, moving_average: float = 0.0) -> DeclineForecast:
    """Forecast cost as a walk whose drift is in proportion to experience (Lafond et al. 2018).

    Parameters
    ----------
    series
        Costs at equal steps with cumulative output, (n,) each.
    future_cumulative
        Cumulative output at the steps to forecast, not falling, (step,) [unit].
    moving_average
        Carry-over of a shock to the next step, from 0 to 1; see
        :func:`published_moving_average`.

    Returns
    -------
    DeclineForecast
        Median, intervals and paths.

    Raises
    ------
    DomainError
        If steps are unequal, cumulative output is missing or falls, or there are fewer than three dates.

    Examples
    --------
    >>> series = CostSeries([0.0, 1.0, 2.0], [8.0, 4.1, 2.0], cumulative=[1.0, 2.0, 4.0])
    >>> round(float(forecast_wright(series, [8.0]).quantile(0.5)[0]), 3)
    1.0
    """
    step = _equal_step(series)
    if series.cumulative is None or series.cumulative.ndim > 1:
        raise DomainError("forecast_wright needs one column of cumulative output, the same for every cost")
    known = np.log(series.cumulative)
    future = np.log(np.asarray(future_cumulative, dtype=np.float64))
    growth = np.diff(np.concatenate([known[-1:], future]))
    if not np.all(growth >= 0):
        raise DomainError("future_cumulative: cumulative output cannot fall")
    return _forecast(series, np.diff(known), growth, step, moving_average)


def published_moving_average(form: Form) -> float:
    """Return the carry-over of a yearly shock that was found by pooling technologies [1].

    Parameters
    ----------
    form
        Moore (53 technologies, Farmer and Lafond 2016) or Wright (51 products, Lafond et al. 2018).

    Raises
    ------
    ScenarioError
        If no figure is published for the form.

    Examples
    --------
    >>> published_moving_average(Form.MOORE), published_moving_average(Form.WRIGHT)
    (0.63, 0.19)
    """
    pooled = {Form.MOORE: "Farmer and Lafond 2016", Form.WRIGHT: "Lafond 2018"}
    if form not in pooled:
        raise ScenarioError(f"no pooled carry-over is published for {form.value}: there is one for moore and wright")
    return float(learning_rate(pooled[form]).value("autocorrelation"))


def _equal_step(series: CostSeries) -> float:
    """Return the step of a series, which must be the same throughout."""
    steps = np.diff(series.time)
    if steps.size < 2:
        raise DomainError("a forecast with an interval needs at least three dates")
    if np.ptp(steps) > _UNEVEN * steps[0]:
        raise DomainError("a forecast needs equal steps between dates: carry-over is from one step to the next")
    return float(steps[0])


def _forecast(
    series: CostSeries, past: FloatArray, future: FloatArray, step: float, moving_average: float
) -> DeclineForecast:
    """Estimate the drift through the origin and carry its error and the shocks forward."""
    change = np.diff(np.log(series.cost), axis=0)
    squares = float(past @ past)
    shape = (-1,) + (1,) * (change.ndim - 1)
    drift = np.sum(past.reshape(shape) * change, axis=0) / squares
    freedom = past.size - 1
    residual = change - drift * past.reshape(shape)
    shock = np.sqrt(np.sum(residual**2, axis=0) / freedom / (1.0 + moving_average**2))
    factor = np.sqrt(error_variance(past, future, moving_average)).reshape(shape)
    ahead = np.arange(1, future.size + 1)
    return DeclineForecast(
        time=readonly(series.time[-1] + step * ahead),
        log_mean=readonly(np.log(series.cost[-1]) + np.cumsum(future).reshape(shape) * drift),
        log_sd=readonly(factor * shock),
        drift=readonly(-drift),
        shock_sd=readonly(shock),
        degrees_of_freedom=freedom,
        moving_average=moving_average,
        past=readonly(past),
        future=readonly(future),
    )


def error_variance(past: FloatArray, future: FloatArray, moving_average: float) -> FloatArray:
    """Return the variance of forecast errors per unit of shock variance, (step,).

    Parameters
    ----------
    past
        Steps of the driver that the drift was fitted to, (m,).
    future
        Steps of the driver to forecast, (step,).
    moving_average
        Carry-over ρ of a shock to the next step.

    Notes
    -----
    With ``H_j = -S_τ Δx_j / Σ Δx²``, S_τ the driver's growth to horizon τ:
    ``ρ² H_1² + Σ_{j<m} (H_j + ρ H_{j+1})² + (ρ + H_m)² + (τ - 1)(1 + ρ)² + 1`` (Lafond et al. 2018, appendix).

    Examples
    --------
    >>> [round(float(v), 9) for v in error_variance(np.ones(10), np.ones(2), 0.0)]
    [1.1, 2.4]
    """
    weights = -np.cumsum(future)[:, np.newaxis] * past / float(past @ past)
    inner = np.sum((weights[:, :-1] + moving_average * weights[:, 1:]) ** 2, axis=1)
    edges = (moving_average * weights[:, 0]) ** 2 + (moving_average + weights[:, -1]) ** 2
    ahead = np.arange(future.size) * (1.0 + moving_average) ** 2 + 1.0
    return readonly(inner + edges + ahead)
