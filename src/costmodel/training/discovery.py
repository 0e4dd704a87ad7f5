"""The model ``discovery_run``: the cost of test-time training, and when its result pays for that cost.

A discovery run trains a model on one problem while it searches: in each step it samples many rollouts, scores
them, and updates on them. What it finds, such as a faster kernel, saves time wherever it then runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from costmodel.compute import amdahl_speedup
from costmodel.foundation.arrays import FloatArray, Numeric, formula
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import Scenario, register_model

__all__ = [
    "DiscoveryRun",
    "DiscoveryRunResult",
    "break_even_fleet",
    "break_even_hours",
    "discover",
    "discovery_run_cost",
    "saved_share",
]


class DiscoveryRun(Scenario):
    """A discovery run, the number of runs until one succeeds, and the fleet that uses the result.

    Examples
    --------
    >>> run = DiscoveryRun(
    ...     name="kernel", steps=50.0, rollouts=512.0, prompt_tokens=3000.0, sampled_tokens=16e3,
    ...     prefill_price="0.18 USD/Mtoken", sample_price="0.44 USD/Mtoken", train_price="0.52 USD/Mtoken",
    ...     time_share=0.1, speedup=2.0, accelerators=64.0, hourly_value="2 USD/hour", lasting="720 hour",
    ... )
    >>> run.attempts
    1.0
    """

    model: Literal["discovery_run"] = "discovery_run"
    steps: Parameter = parameter("1", gt=0, description="Training steps of a run.")
    rollouts: Parameter = parameter("1", gt=0, description="Rollouts in a step.")
    prompt_tokens: Parameter = parameter("token", ge=0, description="Mean prompt of a rollout.")
    sampled_tokens: Parameter = parameter("token", gt=0, description="Mean tokens sampled in a rollout.")
    prefill_price: Parameter = parameter("USD/token", ge=0, description="Price of a prompt token.")
    sample_price: Parameter = parameter("USD/token", ge=0, description="Price of a sampled token.")
    train_price: Parameter = parameter("USD/token", ge=0, description="Price of a token trained on.")
    attempts: Parameter = parameter("1", ge=1, default=1.0, description="Runs until one succeeds, on average.")
    time_share: Parameter = parameter(
        "1", gt=0, le=1, description="Share of the fleet's time that the improved part took before."
    )
    speedup: Parameter = parameter("1", gt=1, description="Old time of the part over its new time.")
    accelerators: Parameter = parameter("1", gt=0, description="Accelerators that use what is found.")
    hourly_value: Parameter = parameter("USD/hour", gt=0, description="Worth of a freed accelerator-hour.")
    lasting: Parameter = parameter(
        "hour", gt=0, description="Operating time until something better replaces what was found."
    )


register_model("discovery_run", DiscoveryRun, "costmodel.training.discovery:discover")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryRunResult(Result):
    """Cost of a discovery by test-time training, and the worth of the time that it saves."""

    ENSEMBLE_OUTPUTS: ClassVar[tuple[str, ...]] = ("cost", "saving", "net_gain", "break_even_hours", "break_even_fleet")

    run_cost: FloatArray = output("USD", label="one run, scoring of rollouts not counted")
    cost: FloatArray = output("USD", label="all runs until one succeeds")
    saved_share: FloatArray = output("1", label="share of the fleet's time that is freed")
    fleet_speedup: FloatArray = output("1", label="old time of the whole over its new time")
    saving: FloatArray = output("USD", label="worth of the time that is freed")
    break_even_hours: FloatArray = output("hour", label="operating time until the gain has paid for the runs")
    break_even_fleet: FloatArray = output("1", label="accelerators on which it pays for the runs while it lasts")

    @derived("USD", label="saving less cost")
    def net_gain(self) -> Any:
        """Saving less the cost of all runs."""
        return self.saving - self.cost


def discover(resolved: DiscoveryRun) -> DiscoveryRunResult:
    """Compute the cost and the saving of a discovery.

    Parameters
    ----------
    resolved
        A resolved scenario: numbers, or one vector of draws per parameter.

    Returns
    -------
    DiscoveryRunResult
        Results, ``()`` or ``(draw,)`` each.

    Examples
    --------
    TTT-Discover's run, and a kernel that takes 10 % of the time of 64 accelerators made twice as fast:

    >>> run = DiscoveryRun(
    ...     name="kernel", steps=50.0, rollouts=512.0, prompt_tokens=3000.0, sampled_tokens=16e3,
    ...     prefill_price="0.18 USD/Mtoken", sample_price="0.44 USD/Mtoken", train_price="0.52 USD/Mtoken",
    ...     time_share=0.1, speedup=2.0, accelerators=64.0, hourly_value="2 USD/hour", lasting="720 hour",
    ... )
    >>> found = discover(run.resolve())
    >>> round(float(found.cost)), round(float(found.saving)), round(float(found.break_even_hours))
    (447, 4608, 70)
    """
    each = discovery_run_cost(
        resolved.steps,
        resolved.rollouts,
        resolved.prompt_tokens,
        resolved.sampled_tokens,
        resolved.prefill_price,
        resolved.sample_price,
        resolved.train_price,
    )
    cost, share = each * resolved.attempts, saved_share(resolved.time_share, resolved.speedup)
    gain = (resolved.hourly_value, resolved.time_share, resolved.speedup)
    values = {
        "run_cost": each,
        "cost": cost,
        "saved_share": share,
        "fleet_speedup": amdahl_speedup(resolved.time_share, resolved.speedup),
        "saving": resolved.accelerators * resolved.lasting * resolved.hourly_value * share,
        "break_even_hours": break_even_hours(cost, resolved.accelerators, *gain),
        "break_even_fleet": break_even_fleet(cost, resolved.lasting, *gain),
    }
    shaped = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values.values()))
    outputs: dict[str, Any] = {name: array[()] for name, array in zip(values, shaped, strict=True)}
    return DiscoveryRunResult(scenario=resolved, **outputs)


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
    ``S·R·(n_in·p_prefill + n_out·p_sample + (n_in + n_out)·p_train)``: training uses whole rollouts.

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
