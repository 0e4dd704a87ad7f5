"""Calibration: an engine's factors from measured rows, shrunk towards its profile, with the error on rows held back.

The same fit makes the profiles of the catalog (on rows that a split allows) and calibrates an installation (on
its own benchmark): four factors, a robust loss, and a prior that few rows hardly move.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray, as_array
from costmodel.foundation.errors import DomainError
from costmodel.serving.configuration import Configuration, Engine, Layout, Traffic
from costmodel.serving.engines import EIGHTY_PERCENT, POOLED, Profile, profile
from costmodel.serving.load import closed_loop
from costmodel.serving.measured import Measured
from costmodel.serving.throughput import Mode

FACTORS = ("decode_factor", "prefill_factor", "host_time", "launch_time")
"""Names of the fitted factors, in the order of the fit."""
PRIOR_SPREAD = (0.1, 0.1, 0.4, 1.2)
"""Standard deviation of the logarithm of each factor between an engine and its prior [1]: of five choices the one with
the least error on groups that were left out of the profiles' fit in turn."""
SOFT_ERROR, SOFT_FIRST = 0.15, 0.3
"""Errors in the logarithm of the time per output token, and to the first, beyond which the loss of a row grows linearly
instead of quadratically [1]."""
FIRST_WEIGHT = 0.5
"""Weight of the time to first token over that per output token [1]: it depends on the scheduler more than on work."""
_STEP, _TRIES = 1e-2, 25
_HELD_BACK = 4
"""One row in so many is held back [1]."""

Predict: TypeAlias = Callable[[Engine], tuple[FloatArray, FloatArray]]
"""Function from an engine to the times to first token and per output token of rows [s], [s/token]."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted factors in the order of :data:`FACTORS`: values, and standard deviations of their logarithms."""

    values: tuple[float, ...]
    deviations: tuple[float, ...]

    def engine(self, base: Engine) -> Engine:
        """Return an engine with these factors in place of its own."""
        factors: dict[str, Any] = dict(zip(FACTORS, self.values, strict=True))
        return replace(base, **factors)


def fit_factors(
    predict: Predict,
    first: FloatArray,
    per_token: FloatArray,
    prior: Engine,
    weights: FloatArray | None = None,
    spread: tuple[float, ...] = PRIOR_SPREAD,
) -> Fit:
    """Fit an engine's factors to measured times.

    Parameters
    ----------
    predict
        Function from an engine to the two times of every row.
    first, per_token
        Measured times, > 0; NaN where a row has none [s], [s/token], shape (row,).
    prior
        Engine towards which the fit is shrunk, and from which it starts.
    weights
        Weight of each row, > 0; absent: 1 [1], shape (row,).
    spread
        Standard deviation of the logarithm of each factor around the prior, > 0 [1].

    Returns
    -------
    Fit
        Values, and deviations from the curvature of the loss at the optimum.

    Notes
    -----
    Minimizes ``Σ w ρ(ln t/t̂) + ½ Σ (ln θ/θ₀)²/s²``, errors measured in units of their soft limit, with
    ``ρ(z) = √(1 + z²) − 1``: quadratic near 0, linear for large errors.
    """
    from scipy.optimize import least_squares

    start = np.log([float(getattr(prior, name)) for name in FACTORS])
    count = np.ones_like(per_token) if weights is None else np.asarray(weights, dtype=np.float64)

    def residuals(logs: FloatArray) -> FloatArray:
        given = replace(prior, **dict(zip(FACTORS, np.exp(logs).tolist(), strict=True)))
        guessed_first, guessed = predict(given)
        blocks = (
            _soft(np.log(guessed / per_token) / SOFT_ERROR, count),
            _soft(np.log(guessed_first / first) / SOFT_FIRST, FIRST_WEIGHT * count),
            (logs - start) / np.asarray(spread),
        )
        return np.concatenate(blocks)

    found = least_squares(residuals, start, diff_step=_STEP, max_nfev=_TRIES)
    curvature = found.jac.T @ found.jac
    deviations = np.sqrt(np.diag(np.linalg.inv(curvature)))
    return Fit(tuple(np.exp(found.x).tolist()), tuple(deviations.tolist()))


def _soft(error: FloatArray, weights: FloatArray) -> FloatArray:
    """Return residuals whose squares are a loss that is linear for large errors; rows without a figure are ignored."""
    loss = np.sqrt(2.0 * weights * (np.sqrt(1.0 + error * error) - 1.0))
    found: FloatArray = np.nan_to_num(np.sign(error) * loss, nan=0.0, posinf=0.0, neginf=0.0)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """An engine calibrated on a user's measured rows.

    Parameters
    ----------
    fit
        Fit to all rows.
    prior
        Profile towards which it was shrunk.
    rows
        Rows used [1].
    residuals
        Predicted over measured time per output token less 1, of all rows under the final fit, shape (row,) [1].
    held_back
        The same for the rows held back, predicted by a fit on the others, shape (held-back row,) [1].
    spread
        Standard deviation of the logarithm of measured over predicted on the rows held back, the profile's own spread
        counted as one row more [1].
    """

    fit: Fit
    prior: Profile
    rows: int
    residuals: FloatArray
    held_back: FloatArray
    spread: float

    @property
    def error(self) -> float:
        """Median absolute error of the rows held back [1]."""
        return float(np.median(np.abs(self.held_back)))

    def interval(self, name: str) -> tuple[float, float, float]:
        """Return the 10 % quantile, the value and the 90 % quantile of a factor."""
        index = FACTORS.index(name)
        factor = float(np.exp(EIGHTY_PERCENT * self.fit.deviations[index]))
        value = self.fit.values[index]
        return value / factor, value, value * factor

    def written(self) -> dict[str, Any]:
        """Return the calibrated engine as entries of a deployment's ``engine`` table."""
        values = dict(zip(FACTORS, self.fit.values, strict=True))
        factor = float(np.exp(EIGHTY_PERCENT * self.spread))
        return {
            "name": self.prior.name,
            **values,
            "deviation": {"dist": "lognormal", "p10": 1.0 / factor, "p90": factor},
        }


def calibrate(
    measured: Measured,
    what: Configuration,
    *,
    engine: str = POOLED,
    mode: Mode = "interleaved",
    waves: float = np.inf,
    variation_input: float = 0.0,
    variation_output: float = 0.0,
) -> Calibration:
    """Calibrate an engine on a user's measured rows.

    Parameters
    ----------
    measured
        Rows of one model on one kind of accelerator; each ran by tensor parallelism over its accelerators.
    what
        Configuration that was measured; its layout and engine are not used.
    engine
        Engine whose profile the fit is shrunk towards.
    mode
        How passes over prompts and decode steps were combined.
    waves
        Requests of each run over those in the system, >= 1; infinite where the run was long [1].
    variation_input, variation_output
        Coefficients of variation of the lengths of each row, >= 0 [1].

    Returns
    -------
    Calibration
        Factors with intervals, and the error on every fourth row, predicted from the others.

    Raises
    ------
    DomainError
        If the rows are of several accelerators or fewer than four, or a row cannot run according to the model; row
        and reason are named.
    """
    prior = profile(engine)
    base = prior.engine(float(np.asarray(what.engine.memory_use)))
    if len(set(measured.accelerator)) > 1:
        raise DomainError(
            f"measured rows of several accelerators ({', '.join(sorted(set(measured.accelerator)))}): keep those of one"
        )
    if len(measured) < _HELD_BACK:
        raise DomainError(f"{len(measured)} measured rows: a calibration needs {_HELD_BACK}, one of them to hold back")

    def predict(rows: NDArray[np.intp]) -> Predict:
        def times(given: Engine) -> tuple[FloatArray, FloatArray]:
            served = closed_loop(
                replace(what, engine=given, layout=Layout(tensor=measured.accelerators[rows])),
                Traffic(
                    mean_input=measured.input_tokens[rows],
                    mean_output=measured.output_tokens[rows],
                    variation_input=variation_input,
                    variation_output=variation_output,
                ),
                measured.concurrency[rows],
                waves=waves,
                mode=mode,
            )
            for row, reason in zip(rows, np.atleast_1d(served.reasons), strict=True):
                if reason:
                    raise DomainError(f"measured row {row + 1}: {reason}")
            return as_array(served.time_to_first_token), as_array(served.time_per_output_token)

        return times

    per_token = 1.0 / measured.user_speed
    order = np.arange(len(measured))
    back = order[_HELD_BACK - 1 :: _HELD_BACK]
    kept = np.setdiff1d(order, back)
    before = fit_factors(predict(kept), measured.time_to_first_token[kept], per_token[kept], base)
    held = predict(back)(before.engine(base))[1] / per_token[back] - 1.0
    fit = fit_factors(predict(order), measured.time_to_first_token, per_token, base)
    residuals = predict(order)(fit.engine(base))[1] / per_token - 1.0
    logs = np.log1p(held)
    # few rows say little about an installation's deviation: the profile's own spread counts as one of them
    spread = np.sqrt((np.sum(logs * logs) + prior.spread * prior.spread) / (logs.size + 1))
    return Calibration(
        fit=fit,
        prior=prior,
        rows=len(measured),
        residuals=residuals,
        held_back=held,
        spread=float(spread),
    )
