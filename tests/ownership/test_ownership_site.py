"""Sites: power and what a gigawatt costs."""

import numpy as np
import pytest

from costmodel.foundation.errors import DomainError
from costmodel.ownership.rent import levelized_cost
from costmodel.ownership.site import Cooling, Site, power_room


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.site:power_room")
def test_room_is_what_the_grid_leaves() -> None:
    assert power_room(150e6, 100e6, 1.25) == pytest.approx(20e6)
    assert power_room(100e6, 100e6, 1.25) == 0.0
    assert power_room(np.inf, 100e6, 1.25) == np.inf


@pytest.mark.published
def test_a_gigawatt_of_gb200_racks_costs_eight_and_a_half_billion_a_year() -> None:
    # Epoch AI, 14 May 2026: 38 B$ of capital split 25.13 IT over 5 years, 12.87 building over 14, 0.9 a year to run
    year = levelized_cost(25.13e9, 0.07, 5.0, 0.9e9) + levelized_cost(12.87e9, 0.07, 14.0, 0.0)
    assert year == pytest.approx(8.5e9, rel=0.005)
    straight = 25.13e9 / 5 + 12.87e9 / 14 + 0.9e9
    assert straight == pytest.approx(6.85e9, rel=0.005)


@pytest.mark.contract
def test_a_site_without_meaning_is_refused() -> None:
    with pytest.raises(DomainError, match="pue"):
        Cooling(pue=0.9)
    with pytest.raises(DomainError, match="power_limit"):
        Site(power_limit=0.0, cost_per_watt=11.0, electricity_price=8e-5)
