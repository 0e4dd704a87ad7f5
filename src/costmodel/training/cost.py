"""Cost of a run by three methods, which are never mixed in one figure.

* *Amortized hardware and energy* (Cottier et al. 2024): the fall in value of the hardware while the run uses it,
  its network, and its energy. An economic cost to an owner; no facility, staff or cost of capital.
* *Rental*: accelerator-hours at a rental price. What a tenant pays; everything but staff and data is in the price.
* *Owning*: accelerator-hours at the owner's total cost per hour, component by component.

Each takes prices per accelerator-hour, or per accelerator, from the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.units import HOURS_PER_YEAR

__all__ = [
    "COTTIER_DECLINE_RATE",
    "COTTIER_NETWORK_SHARE",
    "COTTIER_POWER_FRACTION",
    "COTTIER_SERVER_OVERHEAD",
    "COTTIER_SERVER_POWER",
    "CottierFigures",
    "acquisition_cost",
    "amortized_cost",
    "amortized_hourly_cost",
    "chip_part",
    "cottier_figures",
    "energy_cost",
    "network_cost",
    "rental_cost",
    "run_energy",
    "value_at_start",
]

COTTIER_DECLINE_RATE = 0.14 * float(np.log(10.0))
"""Fall in value of accelerators at constant performance, logarithmic [1/year]: 0.14 orders of magnitude a year.
Cottier et al. (2024), arXiv 2405.21015."""
COTTIER_NETWORK_SHARE = 0.19
"""Share of a cluster's hardware cost that is network between servers [1]. Cottier et al. (2024)."""

COTTIER_SERVER_OVERHEAD = {"A100": 1.66, "V100": 1.69, "P100": 1.54, "other": 1.64}
"""Price of a server over that of its chips, by family of accelerator [1]. Cottier et al. (2024)."""
COTTIER_SERVER_POWER = {
    "H100": (10.2 / 8) / 0.7,
    "A100": (6.5 / 8) / 0.4,
    "V100": (10 / 16 / 0.3 + 1.5 / 4 / 0.3) / 2,
    "TPU-v1": 2.93,
    "TPU-v2": 1.64,
    "TPU-v3": 1.47,
    "TPU": 1.56,
    "other": 1.8,
}
"""Rated power of a server over that of its chips, by family of accelerator [1]: power of a DGX over that of its GPUs;
for the V100, the mean of two servers. Cottier et al. (2024)."""
COTTIER_POWER_FRACTION = {"GPU": 0.75, "TPU": 0.43}
"""Mean power over rated power in training [1]. Cottier et al. (2024)."""


@dataclass(frozen=True, slots=True)
class CottierFigures:
    """Assumptions of the method of Cottier et al. about a family of accelerators.

    Parameters
    ----------
    server_overhead
        Price of a server over that of its chips [1].
    server_power
        Rated power of a server over that of its chips [1].
    power_fraction
        Mean power over rated power in training [1].
    """

    server_overhead: float
    server_power: float
    power_fraction: float


def cottier_figures(accelerator: str) -> CottierFigures:
    """Return the assumptions of the method of Cottier et al. about an accelerator.

    Parameters
    ----------
    accelerator
        Its name, such as ``"A100-SXM-80"`` or ``"TPU-v4"``; a family that is not in their tables gets their figures for
        other families.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015, appendix A.

    Examples
    --------
    >>> cottier_figures("A100-SXM-80").server_overhead, cottier_figures("TPU-v4").power_fraction
    (1.66, 0.43)
    """
    google = accelerator.startswith("TPU")
    family = accelerator if google else accelerator.split("-")[0]
    kind = "TPU" if google else "other"
    return CottierFigures(
        COTTIER_SERVER_OVERHEAD.get(family, COTTIER_SERVER_OVERHEAD["other"]),
        COTTIER_SERVER_POWER.get(family, COTTIER_SERVER_POWER[kind]),
        COTTIER_POWER_FRACTION["TPU" if google else "GPU"],
    )


def amortized_cost(
    hours: Numeric,
    acquisition_price: Numeric,
    years_in_use: Numeric,
    energy: Numeric,
    energy_price: Numeric,
    server_overhead: Numeric,
    decline_rate: Numeric = COTTIER_DECLINE_RATE,
    network_share: Numeric = COTTIER_NETWORK_SHARE,
) -> dict[str, Numeric]:
    """Return the amortized hardware and energy of a run by part: the method of Cottier et al.

    Parameters
    ----------
    hours : ``()`` or array
        Accelerator-hours, non-negative [hour].
    acquisition_price : ``()`` or array
        Price paid per accelerator with its share of a server, non-negative [USD].
    years_in_use : ``()`` or array
        From acquisition to the start of the run, non-negative [year].
    energy : ``()`` or array
        Energy from the grid, non-negative [Wh]; see `run_energy`.
    energy_price : ``()`` or array
        Price of electricity, non-negative [USD/Wh].
    server_overhead : ``()`` or array
        Price of a server over that of its chips, at least 1 [1]; see `cottier_figures`.
    decline_rate : ``()`` or array
        Logarithmic fall in value, non-negative [1/year].
    network_share : ``()`` or array
        Network's share of the cluster's hardware, from 0 to below 1 [1].

    Returns
    -------
    dict
        ``chip_cost``, ``server_cost``, ``network_cost`` and ``energy_cost`` [USD].

    Notes
    -----
    Hardware is ``V·r·hours`` with the value at the start ``V = price·exp(−r·years)``, split into chips and servers; the
    network is added to it. No facility, staff or cost of capital.

    References
    ----------
    Cottier, Rahman, Fattorini, Maslej and Owen (2024), arXiv 2405.21015, section 2.

    Examples
    --------
    >>> parts = amortized_cost(1e6, 30e3, 1.0, 1.3e9, 80e-6, 1.64)
    >>> {name: round(float(cost) / 1e3) for name, cost in parts.items()}
    {'chip_cost': 487, 'server_cost': 312, 'network_cost': 187, 'energy_cost': 104}
    """
    value = value_at_start(acquisition_price, decline_rate, years_in_use)
    hardware = hours * amortized_hourly_cost(value, decline_rate)
    chips = chip_part(hardware, server_overhead)
    return {
        "chip_cost": chips,
        "server_cost": hardware - chips,
        "network_cost": network_cost(hardware, network_share),
        "energy_cost": energy_cost(energy, energy_price),
    }


@formula()
def value_at_start(acquisition_price: Numeric, decline_rate: Numeric, years: Numeric) -> Numeric:
    """Return the value of hardware when a run starts.

    Parameters
    ----------
    acquisition_price : ``()`` or array
        Price paid per accelerator with its share of a server, non-negative [USD].
    decline_rate : ``()`` or array
        Logarithmic fall in value, non-negative [1/year].
    years : ``()`` or array
        Years from acquisition to the start of the run [year].

    Returns
    -------
    ``()`` or array
        Value per accelerator [USD].

    Notes
    -----
    ``V = P·exp(−δ·t)``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015.

    Examples
    --------
    >>> round(float(value_at_start(20_000.0, COTTIER_DECLINE_RATE, 1.0)))
    14489
    """
    return acquisition_price * np.exp(-decline_rate * years)


@formula()
def amortized_hourly_cost(value: Numeric, decline_rate: Numeric) -> Numeric:
    """Return the fall in value per hour of use.

    Parameters
    ----------
    value : ``()`` or array
        Value per accelerator when the run starts, non-negative [USD].
    decline_rate : ``()`` or array
        Logarithmic fall in value, non-negative [1/year].

    Returns
    -------
    ``()`` or array
        Cost per accelerator-hour [USD/hour].

    Notes
    -----
    ``V·δ/8766``: the decline at the start of the run, taken as constant during it.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015.

    Examples
    --------
    >>> round(float(amortized_hourly_cost(14_165.05, COTTIER_DECLINE_RATE)), 4)
    0.5209
    """
    return value * decline_rate / HOURS_PER_YEAR


@formula()
def chip_part(hardware_cost: Numeric, server_overhead: Numeric) -> Numeric:
    """Return the chips' part of the cost of chips and servers.

    Parameters
    ----------
    hardware_cost : ``()`` or array
        Cost of chips and servers, non-negative [USD].
    server_overhead : ``()`` or array
        Price of a server over that of its chips, at least 1 [1].

    Returns
    -------
    ``()`` or array
        Chip part [USD]; the rest is the server's.

    Notes
    -----
    ``hardware / overhead``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015.

    Examples
    --------
    >>> float(chip_part(166.0, 1.66))
    100.0
    """
    return hardware_cost / server_overhead


@formula()
def network_cost(hardware_cost: Numeric, network_share: Numeric) -> Numeric:
    """Return the cost of the network that belongs to servers.

    Parameters
    ----------
    hardware_cost : ``()`` or array
        Cost of chips and servers, non-negative [USD].
    network_share : ``()`` or array
        Network's share of the whole cluster's hardware, 0 to below 1 [1].

    Returns
    -------
    ``()`` or array
        Cost of the network [USD].

    Notes
    -----
    ``H·s/(1 − s)``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015: s = 0.19.

    Examples
    --------
    >>> float(network_cost(81.0, 0.19))
    19.0
    """
    return hardware_cost * network_share / (1.0 - network_share)


@formula()
def run_energy(
    hours: Numeric,
    chip_power: Numeric,
    server_factor: Numeric,
    power_fraction: Numeric,
    power_usage_effectiveness: Numeric,
) -> Numeric:
    """Return the energy that a run takes from the grid.

    Parameters
    ----------
    hours : ``()`` or array
        Accelerator-hours, non-negative [hour].
    chip_power : ``()`` or array
        Rated power of a chip, non-negative [W].
    server_factor : ``()`` or array
        Rated power of a server over that of its chips, at least 1 [1].
    power_fraction : ``()`` or array
        Mean power over rated power, 0 to 1 [1].
    power_usage_effectiveness : ``()`` or array
        Facility power over that of the servers (PUE), at least 1 [1].

    Returns
    -------
    ``()`` or array
        Energy [Wh].

    Notes
    -----
    ``E = H·w·f_server·f_mean·PUE``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015. Patterson et al. (2021), arXiv 2104.10350, table 4,
    measures ``w·f_server·f_mean`` (330 W per V100).

    Examples
    --------
    >>> round(float(run_energy(10_000 * 14.8 * 24, 330.0, 1.0, 1.0, 1.10)) / 1e6)
    1289
    """
    return hours * chip_power * server_factor * power_fraction * power_usage_effectiveness


@formula()
def energy_cost(energy: Numeric, energy_price: Numeric) -> Numeric:
    """Return the cost of energy.

    Parameters
    ----------
    energy : ``()`` or array
        Energy, non-negative [Wh].
    energy_price : ``()`` or array
        Price, signed [USD/Wh]; 0.08 USD/kWh is 8e-5.

    Returns
    -------
    ``()`` or array
        Cost [USD].

    Notes
    -----
    ``E·p``.

    References
    ----------
    Definition.

    Examples
    --------
    >>> round(float(energy_cost(1287e6, 6.67e-5)))
    85843
    """
    return energy * energy_price


@formula()
def rental_cost(hours: Numeric, price: Numeric) -> Numeric:
    """Return the rental cost of a run's accelerator-hours.

    Parameters
    ----------
    hours : ``()`` or array
        Accelerator-hours, non-negative [hour].
    price : ``()`` or array
        Rental price, non-negative [USD/hour].

    Returns
    -------
    ``()`` or array
        Cost [USD].

    Notes
    -----
    ``H·ρ``.

    References
    ----------
    DeepSeek (2024), arXiv 2412.19437, table 1: 2.788 M H800-hours at 2 USD.

    Examples
    --------
    >>> float(rental_cost(2.788e6, 2.0))
    5576000.0
    """
    return hours * price


@formula()
def acquisition_cost(accelerators: Numeric, price: Numeric, network_share: Numeric) -> Numeric:
    """Return the up-front cost of buying the whole cluster.

    Parameters
    ----------
    accelerators : ``()`` or array
        Accelerators, non-negative [1].
    price : ``()`` or array
        Price of one with its share of a server, non-negative [USD].
    network_share : ``()`` or array
        Network's share of the cluster's hardware, 0 to below 1 [1].

    Returns
    -------
    ``()`` or array
        Cost [USD]; an outlay, not the cost of one run.

    Notes
    -----
    ``n·P/(1 − s)``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015.

    Examples
    --------
    >>> round(float(acquisition_cost(25_000, 24_875.0, 0.19)) / 1e6)
    768
    """
    return accelerators * price / (1.0 - network_share)
