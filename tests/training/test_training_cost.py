"""Time, cost, development, test-time training and the ladder: closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.foundation.errors import DomainError
from costmodel.training import cost, development, discovery, duration, training_ladder

_PACKAGE = "costmodel.training"


@pytest.mark.reference(f"{_PACKAGE}.duration:training_flop")
@pytest.mark.published
def test_six_n_d_for_gpt_3() -> None:
    # arXiv 2104.10350, table 4: 3.14e23 FLOP for 175 B parameters (174.6 B exactly) and 300 B tokens
    assert duration.training_flop(174.6e9, 300e9) == pytest.approx(3.14e23, rel=2e-3)


@pytest.mark.reference(f"{_PACKAGE}.duration:accelerator_hours")
@pytest.mark.reference(f"{_PACKAGE}.duration:wall_clock")
@pytest.mark.published
def test_gpt_3_ran_for_14_8_days() -> None:
    # arXiv 2104.10350, table 4: 10,000 V100 at 24.6 TFLOP/s each
    hours = duration.accelerator_hours(3.14e23, 125e12, 24.6e12 / 125e12)
    assert duration.wall_clock(hours, 10_000, 1.0) / 24 == pytest.approx(14.8, abs=0.05)
    assert duration.wall_clock(hours, 10_000, 0.9) == pytest.approx(hours / 10_000 / 0.9, rel=1e-14)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.duration:model_flop_utilisation")
def test_utilisation_inverts_hours() -> None:
    hours = duration.accelerator_hours(3.8e25, 989.4e12, 0.41)
    assert duration.model_flop_utilisation(3.8e25, 989.4e12, hours) == pytest.approx(0.41, rel=1e-14)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.duration:hardware_flop_utilisation")
def test_full_recomputation_adds_a_third() -> None:
    assert duration.hardware_flop_utilisation(0.3, 1.0) == pytest.approx(0.3 * 4 / 3, rel=1e-15)
    assert duration.hardware_flop_utilisation(0.3, 0.0) == 0.3


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.cost:value_at_start")
def test_value_falls_by_0_14_orders_of_magnitude_a_year() -> None:
    assert cost.value_at_start(1000.0, cost.COTTIER_DECLINE_RATE, 1 / 0.14) == pytest.approx(100.0, rel=1e-12)


@pytest.mark.published
@pytest.mark.parametrize(
    ("accelerator", "overhead", "power", "fraction"),
    [
        ("H100-SXM", 1.64, 10.2e3 / 5600, 0.75),  # DGX H100: 10.2 kW, eight chips of 700 W
        ("A100-SXM-80", 1.66, 6.5e3 / 3200, 0.75),  # DGX A100: 6.5 kW, eight chips of 400 W
        ("V100", 1.69, (25 / 12 + 5 / 4) / 2, 0.75),  # 10 kW for sixteen of 300 W, 1.5 kW for four
        ("P100", 1.54, 1.8, 0.75),
        ("another", 1.64, 1.8, 0.75),
        ("TPU-v1", 1.64, 2.93, 0.43),
        ("TPU-v2", 1.64, 1.64, 0.43),
        ("TPU-v3", 1.64, 1.47, 0.43),
        ("TPU-v5p", 1.64, 1.56, 0.43),
    ],
)
def test_figures_of_cottier_by_family(accelerator: str, overhead: float, power: float, fraction: float) -> None:
    """arXiv 2405.21015, appendix A and its code: overhead on the price of a chip, server factor, power fraction."""
    found = cost.cottier_figures(accelerator)
    assert found.server_overhead == overhead
    assert found.server_power == pytest.approx(power, rel=1e-14)
    assert found.power_fraction == fraction
    assert cost.COTTIER_NETWORK_SHARE == 0.19


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.cost:amortized_hourly_cost")
def test_hourly_cost_is_the_rate_of_decline_of_value() -> None:
    rate = cost.COTTIER_DECLINE_RATE
    hour = 1 / 8766
    fall = cost.value_at_start(1e4, rate, 0.0) - cost.value_at_start(1e4, rate, hour)
    assert cost.amortized_hourly_cost(1e4, rate) == pytest.approx(fall, rel=1e-4)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.cost:chip_part")
@pytest.mark.reference(f"{_PACKAGE}.cost:network_cost")
def test_chip_server_and_network_parts() -> None:
    assert cost.chip_part(81.0, 1.62) == pytest.approx(50.0, rel=1e-14)
    assert cost.network_cost(81.0, 0.19) == pytest.approx(19.0, rel=1e-14)


@pytest.mark.reference(f"{_PACKAGE}.cost:run_energy")
@pytest.mark.published
def test_gpt_3_energy() -> None:
    # arXiv 2104.10350, table 4: 330 W per V100 measured, PUE 1.10, 1,287 MWh
    hours = duration.accelerator_hours(3.14e23, 24.6e12, 1.0)
    assert cost.run_energy(hours, 330.0, 1.0, 1.0, 1.10) / 1e6 == pytest.approx(1287, rel=5e-3)
    assert cost.run_energy(10.0, 400.0, 2.0, 0.75, 1.25) == pytest.approx(10 * 400 * 2 * 0.75 * 1.25, rel=1e-15)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.cost:energy_cost")
def test_energy_cost_at_eight_cents_per_kilowatt_hour() -> None:
    assert cost.energy_cost(1e6, 0.08 / 1e3) == pytest.approx(80.0, rel=1e-14)


@pytest.mark.reference(f"{_PACKAGE}.cost:rental_cost")
@pytest.mark.published
def test_deepseek_v3_rental() -> None:
    # arXiv 2412.19437, table 1: 2,664 K + 119 K + 5 K H800-hours at 2 USD are 5.576 M USD
    assert cost.rental_cost((2664 + 119 + 5) * 1e3, 2.0) == pytest.approx(5.576e6, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.cost:acquisition_cost")
def test_acquisition_includes_the_network() -> None:
    assert cost.acquisition_cost(1000, 8100.0, 0.19) == pytest.approx(1000 * 8100 / 0.81, rel=1e-14)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.development:experiments_cost")
def test_multiplier_counts_the_final_run() -> None:
    # Olmo 3: 82.2 % of compute is development, so the multiplier is 1/(1 - 0.822)
    final = 1.0
    assert development.experiments_cost(final, 1 / (1 - 0.822)) == pytest.approx(0.822 / 0.178, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.development:failed_runs_cost")
def test_failed_share_is_of_all_compute_at_full_scale() -> None:
    failed = development.failed_runs_cost(30.0, 0.25)
    assert failed / (30.0 + failed) == pytest.approx(0.25, rel=1e-14)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.development:staff_cost")
def test_staff_cost_with_equity() -> None:
    assert development.staff_cost(10, 2.0, 200e3, 0.3, 300e3) == pytest.approx(
        10 * 2 * (200e3 * 1.3 + 300e3), rel=1e-14
    )


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.development:data_cost")
def test_data_cost_bought_and_hosted() -> None:
    assert development.data_cost(5e6, 1e16, 2.4e-10, 2.0) == pytest.approx(5e6 + 1e16 * 2.4e-10 * 2, rel=1e-14)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.discovery:discovery_run_cost")
def test_discovery_run_cost_by_kind_of_token() -> None:
    expected = 50 * 512 * (3000 * 0.18 + 16_000 * 0.44 + 19_000 * 0.52) / 1e6
    got = discovery.discovery_run_cost(50, 512, 3000, 16_000, 0.18e-6, 0.44e-6, 0.52e-6)
    assert got == pytest.approx(expected, rel=1e-13)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.discovery:saved_share")
def test_a_share_of_the_time_is_freed() -> None:
    assert discovery.saved_share(0.3, 1.5) == pytest.approx(0.3 / 3, rel=1e-14)
    assert discovery.saved_share(1.0, 2.06) == pytest.approx(1 - 1 / 2.06, rel=1e-14)


DISCOVERY = {
    "name": "x",
    "steps": 50.0,
    "rollouts": 512.0,
    "prompt_tokens": 3000.0,
    "sampled_tokens": 16e3,
    "prefill_price": "0.18 USD/Mtoken",
    "sample_price": "0.44 USD/Mtoken",
    "train_price": "0.52 USD/Mtoken",
    "time_share": 0.1,
    "speedup": 2.0,
    "accelerators": 64.0,
    "hourly_value": "2 USD/hour",
    "lasting": "720 hour",
}


@pytest.mark.contract
@pytest.mark.parametrize(
    ("names", "allowed", "refused"),
    [
        ("steps rollouts sampled_tokens accelerators hourly_value lasting", [0.5], [0.0]),
        ("prompt_tokens prefill_price sample_price train_price", [0.0], [-1e-6]),
        ("attempts", [1.0, 1.5], [0.999]),
        ("time_share", [0.001, 1.0], [0.0, 1.001]),
        ("speedup", [1.001], [1.0]),  # what is no faster frees nothing
    ],
)
def test_inputs_of_a_discovery_end_where_they_lose_their_meaning(
    names: str, allowed: list[float], refused: list[float]
) -> None:
    for name in names.split():
        for value in allowed:
            assert discovery.DiscoveryRun(**{**DISCOVERY, name: value}).get(name) == value
        for value in refused:
            with pytest.raises(DomainError, match=rf"{name}: value {value:g} is outside"):
                discovery.DiscoveryRun(**{**DISCOVERY, name: value})
    assert discovery.DiscoveryRun(**DISCOVERY).get("attempts") == 1.0  # the first run succeeds


@pytest.mark.closed_form
def test_a_discovery_pays_by_the_time_that_it_frees() -> None:
    """TTT-Discover's run, tried five times, and 10 % of the time of 64 accelerators made twice as fast for a month."""
    run = discovery.DiscoveryRun(**{**DISCOVERY, "attempts": 5.0})
    found = discovery.discover(run.resolve())
    each = 50 * 512 * (3000 * 0.18 + 16_000 * 0.44 + 19_000 * 0.52) / 1e6
    saving = 64 * 720 * 2.0 * 0.1 / 2
    assert found.run_cost == pytest.approx(each, rel=1e-12)
    assert found.cost == pytest.approx(5 * each, rel=1e-12)
    assert found.net_gain == pytest.approx(saving - 5 * each, rel=1e-12)
    assert found.fleet_speedup == pytest.approx(1 / 0.95, rel=1e-12)
    assert found.break_even_hours == pytest.approx(720 * 5 * each / saving, rel=1e-12)
    assert found.break_even_fleet == pytest.approx(64 * 5 * each / saving, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.discovery:break_even_hours")
@pytest.mark.reference(f"{_PACKAGE}.discovery:break_even_fleet")
def test_break_even_balances_saving_and_cost() -> None:
    hours = discovery.break_even_hours(447.0, 250, 1.5, 0.02, 1.18)
    assert 250 * hours * 1.5 * 0.02 * (1 - 1 / 1.18) == pytest.approx(447.0, rel=1e-12)
    fleet = discovery.break_even_fleet(447.0, hours, 1.5, 0.02, 1.18)
    assert fleet == pytest.approx(250.0, rel=1e-12)
    assert discovery.break_even_hours(447.0, 250, 1.5, 0.02, 1.0) == np.inf
    assert discovery.break_even_fleet(447.0, 100.0, 1.5, 0.02, 0.9) == np.inf


@pytest.mark.closed_form
@pytest.mark.reference(f"{_PACKAGE}.training_ladder:crossing_year")
def test_crossing_year_by_doubling() -> None:
    assert training_ladder.crossing_year(800.0, 100.0, 2023.0, np.log(2.0)) == pytest.approx(2026.0, abs=1e-9)
