"""Variance of a forecast of log cost, as Farmer and Lafond (2016) and Lafond et al. (2018) print it."""

from __future__ import annotations

from costmodel.foundation.arrays import Numeric, formula


@formula()
def drift_forecast_variance(
    variance: Numeric, horizon: Numeric, observations: Numeric, moving_average: Numeric
) -> Numeric:
    """Variance of a forecast of log cost whose yearly drift was estimated.

    Parameters
    ----------
    variance
        Variance of a yearly shock, > 0 [1].
    horizon
        Years ahead τ, >= 1 [1].
    observations
        Yearly changes m that the drift was estimated from, >= 1 [1].
    moving_average
        Carry-over θ of a shock to the next year, 0 to 1 [1].

    Returns
    -------
    Numeric
        Variance of the error of log cost [1].

    Notes
    -----
    ``σ² [-2θ + (1 + 2(m-1)θ/m + θ²)(τ + τ²/m)]``; for θ = 0, ``σ² (τ + τ²/m)``: the future's shocks and the
    error of the drift.

    References
    ----------
    Farmer, J. D. and Lafond, F. (2016). How predictable is technological progress? Research Policy 45(3).

    Examples
    --------
    >>> round(float(drift_forecast_variance(0.01, 10.0, 20.0, 0.0)), 6)
    0.15
    """
    spread = 1.0 + 2.0 * (observations - 1.0) / observations * moving_average + moving_average * moving_average
    return variance * (-2.0 * moving_average + spread * (horizon + horizon * horizon / observations))


@formula()
def experience_forecast_variance(
    variance: Numeric, horizon: Numeric, future_experience: Numeric, past_experience_squares: Numeric
) -> Numeric:
    """Variance of a forecast of log cost whose experience exponent was estimated.

    Parameters
    ----------
    variance
        Variance of a yearly shock, > 0 [1].
    horizon
        Years ahead τ, >= 1 [1].
    future_experience
        Growth of log cumulative output over the horizon [1].
    past_experience_squares
        Sum of the squares of its yearly growth in the past, > 0 [1].

    Returns
    -------
    Numeric
        Variance of the error of log cost, shocks independent from year to year [1].

    Notes
    -----
    ``σ² [τ + (x_{T+τ} - x_T)² / Σ (Δx)²]``. With steady growth it is the form for a drift in time.

    References
    ----------
    Lafond, F. et al. (2018). How well do experience curves predict technological progress? A method for making
    distributional forecasts. Technological Forecasting and Social Change 128.

    Examples
    --------
    >>> round(float(experience_forecast_variance(0.01, 10.0, 3.0, 1.8)), 6)
    0.15
    """
    return variance * (horizon + future_experience * future_experience / past_experience_squares)
