"""Power, energy and the cost of the site."""

from __future__ import annotations

from costmodel.foundation.arrays import Numeric, formula


@formula(step=True)
def load_factor(utilisation: Numeric, idle_fraction: Numeric) -> Numeric:
    """Return the average power draw as a share of the draw at full load.

    Parameters
    ----------
    utilisation
        Share of time or of capacity in use, 0 to 1 [1].
    idle_fraction
        Draw when idle as a share of the draw at full load, 0 to 1 [1].

    Returns
    -------
    Numeric
        Share from 0 to 1 [1].

    Notes
    -----
    Linear server model: ``P = P_idle + (P_full − P_idle)·utilisation``.

    Examples
    --------
    >>> round(float(load_factor(0.6, 0.25)), 3)
    0.7
    """
    return idle_fraction + (1.0 - idle_fraction) * utilisation


@formula(step=True)
def energy_use(power: Numeric, load: Numeric, hours: Numeric) -> Numeric:
    """Return the energy drawn over a time.

    Parameters
    ----------
    power
        Draw at full load, ≥ 0 [W].
    load
        Average draw over the draw at full load, 0 to 1 [1]; see `load_factor`.
    hours
        Duration, ≥ 0 [hour].

    Returns
    -------
    Numeric
        Energy [Wh].

    Examples
    --------
    An eight-accelerator server of 10.2 kW for a day at 76 % of its full draw:

    >>> round(float(energy_use(10_200.0, 0.76, 24.0)))
    186048
    """
    return power * load * hours


@formula(step=True)
def energy_cost(it_power: Numeric, load: Numeric, pue: Numeric, hours: Numeric, electricity_price: Numeric) -> Numeric:
    """Return the cost of electricity for some IT power over a time, cooling and losses included.

    Parameters
    ----------
    it_power
        Draw of servers and network at full load, ≥ 0 [W].
    load
        Average draw over the draw at full load, 0 to 1 [1].
    pue
        Site power over IT power, ≥ 1 [1].
    hours
        Duration, ≥ 0 [hour].
    electricity_price
        Price at the meter, ≥ 0 [USD/Wh]; 0.08 USD/kWh is 8e-5.

    Returns
    -------
    Numeric
        Cost [USD].

    Examples
    --------
    One H100 with its share of the server, all year at 80 % load and 8 cents per kWh:

    >>> round(float(energy_cost(1370.0, 0.8, 1.15, 8766.0, 8e-5)), 2)
    883.89
    """
    return it_power * load * hours * pue * electricity_price


@formula(step=True)
def facility_cost(it_power: Numeric, cost_per_watt: Numeric, reserve: Numeric) -> Numeric:
    """Return the construction cost of the site for some IT power.

    Parameters
    ----------
    it_power
        Draw of servers and network at full load, ≥ 0 [W].
    cost_per_watt
        Site cost per watt of IT power, ≥ 0 [USD/W]; 11 million USD per MW is 11.
    reserve
        Capacity built beyond the draw at full load, as a share of it, ≥ 0 [1].

    Returns
    -------
    Numeric
        Cost of shell, power and cooling [USD].

    Examples
    --------
    >>> round(float(facility_cost(100e6, 11.0, 0.0)) / 1e6)
    1100
    """
    return it_power * (1.0 + reserve) * cost_per_watt
