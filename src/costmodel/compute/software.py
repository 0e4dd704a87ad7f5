"""Software progress: the fall of work per served token, and the gain from a dated jump in efficiency.

Every formula here is called by the flywheel's step and compiles under numba unchanged.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

_SLOWEST_FADE = 1e-12
"""Replacement for a fade rate of 0 in divisions [1/year²], far below any meaningful rate."""


@formula(step=True)
def fading_trend(time: Numeric, growth: Numeric, fade_rate: Numeric, fade_from: Numeric) -> Numeric:
    """Return the accumulated log growth of a trend that is steady, then fades linearly to a standstill.

    Parameters
    ----------
    time
        Time since the start, any sign [year], any shape.
    growth
        Logarithmic growth before the fade, signed [1/year].
    fade_rate
        Fall of the growth rate's magnitude per year after ``fade_from``, ≥ 0 [1/year²]; 0: no fade.
    fade_from
        Time at which the fade starts, ≥ 0 [year].

    Returns
    -------
    Numeric
        Natural logarithm of the gain since time 0 [1].

    Notes
    -----
    ``g·min(t, t_f) + g·u − sign(g)·f·u²/2`` with ``u = min(max(t − t_f, 0), |g|/f)``, so that the growth
    rate never changes sign.

    Examples
    --------
    >>> [round(float(fading_trend(t, 0.5, 0.1, 2.0)), 3) for t in (1.0, 2.0, 4.0, 7.0, 20.0)]
    [0.5, 1.0, 1.8, 2.25, 2.25]
    """
    fading = np.minimum(np.maximum(time - fade_from, 0.0), np.abs(growth) / np.maximum(fade_rate, _SLOWEST_FADE))
    steady = np.minimum(time, fade_from)
    return growth * (steady + fading) - np.sign(growth) * 0.5 * fade_rate * fading * fading


@formula(step=True)
def software_efficiency(
    trend: Numeric, cumulative_tokens_ratio: Numeric, experience_exponent: Numeric, jumps: Numeric
) -> Numeric:
    """Return the software efficiency relative to the start, from an exogenous trend, experience and dated jumps.

    Parameters
    ----------
    trend
        Accumulated log gain [1], any shape; see ``fading_trend``.
    cumulative_tokens_ratio
        Tokens ever served over those at the start, > 0 [1].
    experience_exponent
        ``b ≥ 0`` [1]: one doubling saves a share ``1 − 2^(−b)``.
    jumps
        Product of the dated jumps so far, > 0 [1].

    Returns
    -------
    Numeric
        Work per token at the start over work per token now [1]; > 1 where software has improved.

    Notes
    -----
    ``e = exp(trend)·(Q/Q₀)^b·jumps``. Trend and experience must not count the same fall twice: history
    identifies their sum, not their split.

    References
    ----------
    Wright 1936, "Factors Affecting the Cost of Airplanes", J. Aeronautical Sciences 3(4).

    Examples
    --------
    >>> round(float(software_efficiency(0.0, 2.0, 0.25, 1.0)), 4)
    1.1892
    """
    return np.exp(trend) * np.power(cumulative_tokens_ratio, experience_exponent) * jumps


@formula(step=True)
def compute_per_token(
    initial: Numeric, model_growth_index: Numeric, software_efficiency: Numeric, floor: Numeric
) -> Numeric:
    """Return the work per served token, which grows with the served model and falls with better software.

    Parameters
    ----------
    initial
        Work per token at the start, > 0 [FLOP/token], any shape.
    model_growth_index
        Work of the served model relative to the start, at the start's software, > 0 [1].
    software_efficiency
        Software efficiency relative to the start, > 0 [1].
    floor
        Least work per token, ≥ 0 [FLOP/token].

    Returns
    -------
    Numeric
        Work [FLOP/token].

    Examples
    --------
    >>> float(compute_per_token(80e9, 2.0, 4.0, 1e9)) / 1e9
    40.0
    """
    return np.maximum(initial * model_growth_index / software_efficiency, floor)


@formula(step=True)
def amdahl_speedup(share: Numeric, factor: Numeric) -> Numeric:
    """Return the speed-up of a whole if a share of its time runs faster by a factor.

    Parameters
    ----------
    share
        Share of the time that becomes faster, from 0 to 1 [1], any shape; for a fleet, share of fleet × share of time.
    factor
        Speed-up of that share, > 0 [1].

    Returns
    -------
    Numeric
        Speed-up of the whole [1].

    References
    ----------
    Amdahl 1967, AFIPS Spring Joint Computer Conference, doi 10.1145/1465482.1465560.

    Examples
    --------
    >>> round(amdahl_speedup(0.5, 2.0), 4)
    1.3333
    """
    return 1.0 / (1.0 - share + share / factor)


@formula(step=True)
def dated_jump(time: Numeric, date: Numeric, share: Numeric, factor: Numeric) -> Numeric:
    """Return the gain from one jump: 1 before its date, the speed-up of the whole from then on.

    Parameters
    ----------
    time
        Current time [year], any shape.
    date
        Time at which the faster software enters service, on the same clock [year].
    share
        Share of the fleet's time that it covers, from 0 to 1 [1].
    factor
        Speed-up of that share, > 0 [1].

    Returns
    -------
    Numeric
        Gain [1]; the product over jumps is the ``jumps`` of ``software_efficiency``.

    Examples
    --------
    >>> [round(float(dated_jump(t, 2.0, 0.5, 2.0)), 4) for t in (1.9, 2.0)]
    [1.0, 1.3333]
    """
    gain = 1.0 / (1.0 - share + share / factor) - 1.0
    return 1.0 + gain * np.greater_equal(time, date)


@formula(step=True)
def accelerator_seconds_per_token(compute_per_token: Numeric, mfu: Numeric, peak: Numeric) -> Numeric:
    """Return the time that one accelerator spends per served token.

    Parameters
    ----------
    compute_per_token
        Work per token, ≥ 0 [FLOP/token], any shape.
    mfu
        Share of peak used while serving, from 0 (excluded) to 1 [1].
    peak
        Dense peak at the serving precision, > 0 [FLOP/s].

    Returns
    -------
    Numeric
        Accelerator time [s/token].

    Examples
    --------
    >>> round(accelerator_seconds_per_token(80e9, 0.2, 1e15) * 1e6)
    400
    """
    return compute_per_token / (mfu * peak)
