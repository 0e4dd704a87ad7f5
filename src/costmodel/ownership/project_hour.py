"""Project figures per hour: required rent, cost, and the value of a contract or a rental offer."""

from __future__ import annotations

from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.ownership.contracts import lease_advantage, take_or_pay_value
from costmodel.ownership.energy import energy_cost
from costmodel.ownership.finance import log_rate, npv
from costmodel.ownership.macrs import macrs
from costmodel.ownership.project_inputs import STEPS, Project
from costmodel.ownership.rent import annuity, economic_life, levelized_cost, rent_per_hour_used
from costmodel.ownership.tax import bonus_share, tax_shield_rent_factor


def per_hour(resolved: Project, wacc: Numeric, watts: FloatArray, batch: tuple[int, ...]) -> dict[str, Any]:
    """Return costs per hour, the economic life, and the value of contract and rental offer."""
    site, rate = resolved.site, log_rate(wacc)
    load = resolved.idle_load + (resolved.busy_load - resolved.idle_load) * resolved.utilisation
    per_watt = (site.cost_per_watt + site.cooling.extra_cost_per_watt) if resolved.own_site else 0.0
    room = resolved.it_power * per_watt
    upkeep = resolved.maintenance_per_watt + (0.0 if resolved.site_rent is None else resolved.site_rent)
    energy = energy_cost(resolved.it_power, load, site.cooling.pue, HOURS_PER_YEAR, site.electricity_price)
    running = energy + resolved.it_power * upkeep
    used = HOURS_PER_YEAR * resolved.utilisation
    life, decline = resolved.physical_life, resolved.rent_decline
    bonus = bonus_share(resolved.tax.acquired) if resolved.tax.acquired is not None else resolved.tax.bonus
    shield = _present_value(macrs(1.0, resolved.tax.equipment_period, bonus=bonus).expense, wacc)
    factor = tax_shield_rent_factor(resolved.tax.rate, shield)
    thinning = decline + resolved.failure_rate
    capital = rent_per_hour_used(resolved.price, rate, thinning, life, room, site.life, 0.0, used)
    waited = capital * factor * np.exp(rate * resolved.lag) + running / used
    even = levelized_cost(resolved.price, wacc, life, running) + levelized_cost(room, wacc, site.life, 0.0)
    values = {
        "required_rent": waited * np.exp(decline * (resolved.lag + 0.5 / STEPS)),
        "levelized_cost": even / used,
        "economic_life": economic_life(resolved.rent * used, running, decline, life),
        "contract_gain": _contract_gain(resolved, rate),
        "renting_saves": _renting_saves(resolved, wacc, running, room, used) * watts / resolved.it_power,
    }
    return {name: np.broadcast_to(value, batch) + np.zeros(batch) for name, value in values.items()}


def _present_value(expense: FloatArray, wacc: Numeric) -> Numeric:
    """Return the present value of deductions at year-ends, per unit of cost [1]."""
    later = np.concatenate([np.zeros_like(expense[:1]), expense])
    return npv(wacc, later.reshape(later.shape + (1,) * (np.ndim(wacc) - (later.ndim - 1))))


def _contract_gain(resolved: Project, rate: Numeric) -> Numeric:
    contract, years = resolved.contract, float(resolved.years)
    if contract is None:
        return np.nan
    market = resolved.rent * HOURS_PER_YEAR
    term = np.minimum(contract.term, years)
    with_it = take_or_pay_value(
        contract.rent * HOURS_PER_YEAR,
        market,
        resolved.rent_decline,
        rate,
        term,
        years,
        contract.default_rate,
        resolved.utilisation,
    )
    alone = resolved.utilisation * market * annuity(rate + resolved.rent_decline, years)
    return (with_it - alone) * resolved.accelerators * contract.share


def _renting_saves(resolved: Project, wacc: Numeric, running: Numeric, room: Numeric, used: Numeric) -> Numeric:
    if resolved.rental_offer is None:
        return np.nan
    left = resolved.price * resolved.resale_share
    price = resolved.price + room
    return lease_advantage(price, running, resolved.rental_offer * used, wacc, float(resolved.years), left)
