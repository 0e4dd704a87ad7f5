"""Energy and site."""

import inspect

import pytest

from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.ownership.energy import energy_cost, energy_use, facility_cost, load_factor


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.energy:load_factor")
def test_load_runs_from_idle_to_full() -> None:
    assert load_factor(0.0, 0.3) == pytest.approx(0.3)
    assert load_factor(1.0, 0.3) == pytest.approx(1.0)
    assert load_factor(0.5, 0.3) == pytest.approx((0.3 + 1.0) / 2)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.energy:energy_use")
def test_a_kilowatt_for_an_hour_at_half_load() -> None:
    assert energy_use(1000.0, 0.5, 1.0) == 500.0


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.energy:energy_cost")
def test_one_gigawatt_year() -> None:
    # 1 GW * 8766 h = 8.766 TWh; at 0.1 USD/kWh and half load with PUE 1.2
    expected = 1e9 * HOURS_PER_YEAR / 1000 * 0.1 * 0.5 * 1.2
    assert energy_cost(1e9, 0.5, 1.2, HOURS_PER_YEAR, 1e-4) == pytest.approx(expected)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.ownership.energy:facility_cost")
def test_a_tenth_of_reserve_costs_a_tenth() -> None:
    assert facility_cost(1e6, 12.0, 0.1) == pytest.approx(1e6 * 12.0 * 1.1)


@pytest.mark.contract
def test_energy_formulas_compile_unchanged() -> None:
    numba = pytest.importorskip("numba")
    assert numba.njit(inspect.unwrap(load_factor))(0.5, 0.3) == load_factor(0.5, 0.3)
    assert numba.njit(inspect.unwrap(energy_use))(10.0, 0.3, 5.0) == energy_use(10.0, 0.3, 5.0)
    assert numba.njit(inspect.unwrap(energy_cost))(10.0, 0.3, 1.2, 5.0, 1e-4) == energy_cost(10.0, 0.3, 1.2, 5.0, 1e-4)
    assert numba.njit(inspect.unwrap(facility_cost))(10.0, 12.0, 0.1) == facility_cost(10.0, 12.0, 0.1)
