"""Test-time training: what a discovery run costs, and when what it found pays for it.

A discovery run trains a model on one problem while it searches: in each step it samples many rollouts, scores
them, and updates on them. What it finds, such as a faster kernel, saves time wherever it then runs.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

__all__ = [
    "break_even_fleet",
    "break_even_hours",
    "discovery_run_cost",
    "saved_share",
    "speedup_of_whole",
]


@formula()
def discovery_run_cost(
    steps: Numeric,
    rollouts: Numeric,
    prompt_tokens: Numeric,
    sampled_tokens: Numeric,
    prefill_price: Numeric,
    sample_price: Numeric,
    train_price: Numeric,
) -> Numeric:
    """Return the cost of a discovery run.

    Parameters
    ----------
    steps : ``()`` or array
        Training steps, non-negative [1].
    rollouts : ``()`` or array
        Rollouts in a step, non-negative [1].
    prompt_tokens : ``()`` or array
        Mean prompt of a rollout, non-negative [token].
    sampled_tokens : ``()`` or array
        Mean tokens sampled in a rollout, non-negative [token].
    prefill_price, sample_price, train_price : ``()`` or array
        Price of a token read, sampled and trained on, non-negative [USD/token].

    Returns
    -------
    ``()`` or array
        Cost [USD]; scoring the rollouts is not in it.

    Notes
    -----
    ``S·R·(n_in·p_prefill + n_out·p_sample + (n_in + n_out)·p_train)``: a rollout is trained on whole.

    References
    ----------
    Yuksekgonul et al. (2026), "Learning to discover at test time", arXiv 2601.16175: 50 steps of 512 rollouts
    of 3,000 prompt and 16,000 sampled tokens, around 500 USD.

    Examples
    --------
    >>> round(float(discovery_run_cost(50, 512, 3000, 16_000, 0.18e-6, 0.44e-6, 0.52e-6)))
    447
    """
    tokens = prompt_tokens + sampled_tokens
    per_rollout = prompt_tokens * prefill_price + sampled_tokens * sample_price + tokens * train_price
    return steps * rollouts * per_rollout


@formula()
def saved_share(time_share: Numeric, speedup: Numeric) -> Numeric:
    """Return the share of a fleet's time that a faster part frees.

    Parameters
    ----------
    time_share : ``()`` or array
        Share of the fleet's time that the part took before, 0 to 1 [1].
    speedup : ``()`` or array
        Old time of the part over its new time, positive [1].

    Returns
    -------
    ``()`` or array
        Share freed [1]; negative where the part became slower.

    Notes
    -----
    ``f·(1 − 1/s)``.

    References
    ----------
    Amdahl (1967), "Validity of the single processor approach", AFIPS 30, 483.

    Examples
    --------
    >>> round(float(saved_share(0.1, 2.0)), 6)
    0.05
    """
    return time_share * (1.0 - 1.0 / speedup)


@formula()
def speedup_of_whole(time_share: Numeric, speedup: Numeric) -> Numeric:
    """Return the speed-up of the whole when a part becomes faster.

    Parameters
    ----------
    time_share : ``()`` or array
        Share of the time that the part took before, 0 to 1 [1].
    speedup : ``()`` or array
        Old time of the part over its new time, positive [1].

    Returns
    -------
    ``()`` or array
        Old time of the whole over its new time [1].

    Notes
    -----
    ``1 / (1 − f + f/s)``.

    References
    ----------
    Amdahl (1967), AFIPS 30, 483.

    Examples
    --------
    >>> round(float(speedup_of_whole(0.5, 2.0)), 4)
    1.3333
    """
    return 1.0 / (1.0 - time_share + time_share / speedup)


@formula()
def break_even_hours(
    cost: Numeric, accelerators: Numeric, hourly_value: Numeric, time_share: Numeric, speedup: Numeric
) -> Numeric:
    """Return how long a gain must last to pay for the run that found it.

    Parameters
    ----------
    cost : ``()`` or array
        Cost of the discovery run, non-negative [USD].
    accelerators : ``()`` or array
        Fleet that uses what was found, positive [1].
    hourly_value : ``()`` or array
        Worth of an accelerator-hour freed, positive [USD/hour].
    time_share : ``()`` or array
        Share of the fleet's time that the part took before, 0 to 1 [1].
    speedup : ``()`` or array
        Old time of the part over its new time, positive [1].

    Returns
    -------
    ``()`` or array
        Operating hours [hour]; infinite where nothing is gained.

    Notes
    -----
    ``C / (n·v·f·(1 − 1/s))``.

    References
    ----------
    Derived from Amdahl (1967), AFIPS 30, 483.

    Examples
    --------
    >>> round(float(break_even_hours(500.0, 1000, 2.0, 0.01, 2.0)), 6)
    50.0
    """
    saving = accelerators * hourly_value * saved_share(time_share, speedup)
    gains = saving > 0.0
    return np.where(gains, cost / np.where(gains, saving, 1.0), np.inf) + 0.0


@formula()
def break_even_fleet(
    cost: Numeric, hours: Numeric, hourly_value: Numeric, time_share: Numeric, speedup: Numeric
) -> Numeric:
    """Return the fleet on which a gain must be used to pay for the run that found it.

    Parameters
    ----------
    cost : ``()`` or array
        Cost of the discovery run, non-negative [USD].
    hours : ``()`` or array
        Operating hours for which the gain lasts, positive [hour].
    hourly_value : ``()`` or array
        Worth of an accelerator-hour freed, positive [USD/hour].
    time_share : ``()`` or array
        Share of the fleet's time that the part took before, 0 to 1 [1].
    speedup : ``()`` or array
        Old time of the part over its new time, positive [1].

    Returns
    -------
    ``()`` or array
        Accelerators [1]; infinite where nothing is gained.

    Notes
    -----
    ``C / (T·v·f·(1 − 1/s))``.

    References
    ----------
    Derived from Amdahl (1967), AFIPS 30, 483.

    Examples
    --------
    >>> round(float(break_even_fleet(500.0, 50.0, 2.0, 0.01, 2.0)), 6)
    1000.0
    """
    saving = hours * hourly_value * saved_share(time_share, speedup)
    gains = saving > 0.0
    return np.where(gains, cost / np.where(gains, saving, 1.0), np.inf) + 0.0
