"""Sites: power, cooling, regional prices."""

import numpy as np
import pytest

from costmodel.foundation.errors import CatalogError, DomainError
from costmodel.ownership.rent import capital_recovery_factor, levelized_cost
from costmodel.ownership.site import (
    AIR,
    LIQUID,
    Cooling,
    Site,
    cooling_advantage,
    power_room,
    site_costs,
    site_in,
    units_within_power,
)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.site:power_room")
def test_room_is_what_the_grid_leaves() -> None:
    assert power_room(150e6, 100e6, 1.25) == pytest.approx(20e6)
    assert power_room(100e6, 100e6, 1.25) == 0.0
    assert power_room(np.inf, 100e6, 1.25) == np.inf


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.site:units_within_power")
def test_units_within_a_room() -> None:
    assert units_within_power(1.2e6, 120e3) == pytest.approx(10.0)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.site:cooling_advantage")
def test_cooling_pays_where_energy_saved_exceeds_its_capital() -> None:
    # 0.1 of PUE at full load and 10 cents: 0.1 * 8766 h * 1e-4 USD/Wh a year per watt
    assert cooling_advantage(0.0, 1.3, 1.2, 0.1, 1.0, 1e-4, 8766.0) == pytest.approx(0.1 * 0.8766)
    assert cooling_advantage(2.0, 1.2, 1.2, 0.1, 1.0, 1e-4, 8766.0) == pytest.approx(-0.2)


@pytest.mark.closed_form
def test_liquid_cooling_costs_more_and_draws_less() -> None:
    assert LIQUID.kind == "liquid"
    assert LIQUID.pue < AIR.pue
    rate = capital_recovery_factor(0.07, 20.0)
    # by energy alone it does not pay at 7.9 cents: racks that air cannot cool are the reason
    saved = cooling_advantage(1.25, AIR.pue, LIQUID.pue, rate, 0.76, site_in("Ohio").electricity_price, 8766.0)
    assert saved < 0.0


@pytest.mark.closed_form
def test_a_site_counts_its_cooling_and_its_limit() -> None:
    resolved = Site(
        cost_per_watt=10.0,
        electricity_price=1e-4,
        power_limit=1.1e6,
        cooling=Cooling(kind="liquid", extra_cost_per_watt=1.0, pue=1.1),
    )
    costs = site_costs(resolved, np.array([1e6, 2e6]), 0.5)
    np.testing.assert_allclose(costs.capex, [11e6, 22e6])
    np.testing.assert_allclose(costs.energy, [1.1e6 * 0.5 * 8766 * 1e-4, 2.2e6 * 0.5 * 8766 * 1e-4])
    assert costs.within_limit.tolist() == [True, False]
    np.testing.assert_allclose(costs.room, [0.0, 0.0], atol=1e-6)
    assert site_costs(site_in("Ohio"), 1e9, 0.8).room == np.inf


@pytest.mark.contract
def test_sites_take_their_region_from_the_catalog() -> None:
    assert site_in("New England").electricity_price > site_in("Iowa").electricity_price
    assert site_in("Ohio", power_limit=1e8, cooling=LIQUID).cooling.kind == "liquid"
    with pytest.raises(CatalogError, match="did you mean 'Ohio'"):
        site_in("Ohoi")
    with pytest.raises(DomainError, match="pue"):
        Cooling(pue=0.9)
    with pytest.raises(DomainError, match="power_limit"):
        Site(power_limit=0.0, cost_per_watt=11.0, electricity_price=8e-5)


@pytest.mark.published
def test_a_gigawatt_of_gb200_racks_costs_eight_and_a_half_billion_a_year() -> None:
    # Epoch AI, 14 May 2026: 38 B$ of capital split 25.13 IT over 5 years, 12.87 building over 14, 0.9 a year to run
    year = levelized_cost(25.13e9, 0.07, 5.0, 0.9e9) + levelized_cost(12.87e9, 0.07, 14.0, 0.0)
    assert year == pytest.approx(8.5e9, rel=0.005)
    straight = 25.13e9 / 5 + 12.87e9 / 14 + 0.9e9
    assert straight == pytest.approx(6.85e9, rel=0.005)
