"""Closed-form growth, loop gain, and the rule that rejects runaway scenarios."""

from __future__ import annotations

import numpy as np

from costmodel.flywheel.drivers import draws, rate_at, stack
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray, Numeric, formula
from costmodel.foundation.errors import ConvergenceError
from costmodel.foundation.rates import Rate


@formula()
def token_growth_exogenous(
    shifter_growth: Numeric,
    capability_elasticity: Numeric,
    capability_growth: Numeric,
    elasticity: Numeric,
    hardware_decline: Numeric,
    algorithmic_growth: Numeric,
    model_growth: Numeric,
    experience_exponent: Numeric,
) -> Numeric:
    """Long-run log growth of tokens when capability grows from outside.

    Parameters
    ----------
    shifter_growth
        Growth of adoption and intensity [1/year], signed.
    capability_elasticity
        Response of demand to capability [1], at least 0.
    capability_growth
        Growth of capability [1/year], signed.
    elasticity
        Signed price elasticity of demand [1], below 0.
    hardware_decline, algorithmic_growth, model_growth
        Fall of hardware cost, growth of software efficiency, growth of the served model [1/year].
    experience_exponent
        Exponent b of software efficiency on cumulative tokens [1].

    Returns
    -------
    Numeric
        ``(g_A + g_I + η·g_K + |ε|(g_hw + g_alg − g_m)) / (1 − b|ε|)`` [1/year]; meaningless at a gain of 1 or more.

    Examples
    --------
    >>> round(float(token_growth_exogenous(0.1, 0.0, 0.0, -1.0, 0.3, 0.5, 0.2, 0.2)), 6)
    0.875
    """
    falling = hardware_decline + algorithmic_growth - model_growth
    drive = shifter_growth + capability_elasticity * capability_growth - elasticity * falling
    return drive / (1.0 + experience_exponent * elasticity)


@formula()
def token_growth_fixed_share(
    shifter_growth: Numeric,
    capability_elasticity: Numeric,
    training_growth: Numeric,
    elasticity: Numeric,
    hardware_decline: Numeric,
    algorithmic_growth: Numeric,
    model_growth: Numeric,
    experience_exponent: Numeric,
) -> Numeric:
    """Long-run log growth of tokens when training takes a fixed share of the fleet.

    Parameters
    ----------
    shifter_growth
        Growth of adoption and intensity [1/year], signed.
    capability_elasticity
        Response of demand to capability [1], at least 0.
    training_growth
        Growth of training efficiency [1/year].
    elasticity
        Signed price elasticity of demand [1], below 0.
    hardware_decline, algorithmic_growth, model_growth
        Fall of hardware cost, growth of software efficiency, growth of the served model [1/year].
    experience_exponent
        Exponent b of software efficiency on cumulative tokens [1].

    Returns
    -------
    Numeric
        ``(g_A + g_I + |ε|(g_hw + g_alg − g_m) + η(g_train + g_m − g_alg)) / (1 − G)`` with
        ``G = b|ε| + η(1 − b)`` [1/year]; meaningless at a gain of 1 or more.

    Examples
    --------
    >>> round(float(token_growth_fixed_share(0.1, 0.1, 0.4, -1.0, 0.3, 0.5, 0.2, 0.2)), 6)
    0.986111
    """
    falling = hardware_decline + algorithmic_growth - model_growth
    learned = capability_elasticity * (training_growth + model_growth - algorithmic_growth)
    gain = -experience_exponent * elasticity + capability_elasticity * (1.0 - experience_exponent)
    return (shifter_growth - elasticity * falling + learned) / (1.0 - gain)


def _follows_revenue(scenario: FlywheelScenario) -> bool:
    """Whether training is paid from revenue, so that capability and demand feed each other."""
    return bool(np.any(draws(scenario.training.revenue_share) > 0.0))


def loop_gain(scenario: FlywheelScenario) -> FloatArray:
    """Return the largest loop gain over the workloads of a resolved scenario, ``(draw,)``.

    ``b|ε|`` where training is paid by investors alone, ``b|ε| + η(1 − b)`` where it takes a share of revenue.
    """
    b, fed = draws(scenario.software.experience_exponent), _follows_revenue(scenario)
    gains = [
        -b * draws(item.price_elasticity) + (draws(item.capability_elasticity) * (1.0 - b) if fed else 0.0)
        for item in scenario.market.values()
    ]
    return np.asarray(stack([np.asarray(gain) for gain in gains]).max(axis=0))


def closed_form_growth(scenario: FlywheelScenario) -> FloatArray:
    """Return the largest closed-form token growth over the workloads, ``(step, draw)`` [1/year]; inf at a gain ≥ 1.

    The closed form holds for rates of growth that last. Where one is scheduled, each step has the growth that would
    follow if its rates lasted; where none is, there is a single row.
    """
    b, training = draws(scenario.software.experience_exponent), scenario.training
    times = scenario.grid.mid - scenario.grid.begin

    def rate(value: Rate) -> FloatArray:
        return rate_at(value, times)

    hardware = stack([-rate(line.price_trend) for line in scenario.hardware.lines.values()]).max(axis=0)
    software = rate(scenario.software.algorithmic_growth)
    rows = []
    for item in scenario.market.values():
        lasting = rate(item.intensity_growth) if item.intensity_fade is None else np.zeros(1)
        spread = rate(item.adoption.growth) if item.adoption.kind == "schedule" else np.zeros(1)
        epsilon, eta = draws(item.price_elasticity), draws(item.capability_elasticity)
        common = (epsilon, hardware, software, rate(item.model_growth), b)
        gain = rate(training.algorithmic_growth)
        if _follows_revenue(scenario):
            growth = token_growth_fixed_share(lasting + spread, eta, gain, *common)
        else:
            growth = token_growth_exogenous(lasting + spread, eta, gain + hardware, *common)
        rows.append(np.asarray(growth))
    return np.atleast_2d(np.where(loop_gain(scenario) >= 1.0, np.inf, stack(rows).max(axis=0)))


def has_physical_ceiling(scenario: FlywheelScenario) -> bool:
    """Whether grid power limits the fleet, or users' budgets limit the demand of every workload."""
    bounded = all(item.budget_share is not None or item.budget is not None for item in scenario.market.values())
    return bounded or scenario.power_grid is not None


def refuse_runaway(scenario: FlywheelScenario) -> tuple[FloatArray, FloatArray]:
    """Return loop gain and closed-form growth, the largest of any step; raise an error if the scenario could run away.

    Raises
    ------
    ConvergenceError
        If there is no ceiling on power or demand and any draw has a gain of 1 or more, or a closed-form growth above
        ``investment.max_growth``; the message states the gain and the share of draws.
    """
    gain, growth = loop_gain(scenario), closed_form_growth(scenario).max(axis=0)
    limit = np.log(draws(scenario.investment.max_growth))
    bad = (gain >= 1.0) | (growth > limit)
    if bool(np.any(bad)) and not has_physical_ceiling(scenario):
        finite = growth[np.isfinite(growth)]
        fastest = f"{np.exp(min(float(finite.max()), 700.0)):.3g}×" if finite.size else "without end"
        raise ConvergenceError(
            f"the flywheel runs away: the largest loop gain is {float(gain.max()):.3f} (must be below 1) and the "
            f"fastest closed-form token growth {fastest} a year (investment.max_growth allows "
            f"{float(np.exp(limit.min())):.3g}×), in {float(np.mean(bad)):.1%} of draws; give a ceiling "
            "(power_grid, or a budget or budget_share for every workload) or a smaller "
            "price_elasticity, capability_elasticity or experience_exponent"
        )
    return gain, growth
