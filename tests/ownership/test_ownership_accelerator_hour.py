"""Total cost of an accelerator-hour: arithmetic, published comparisons, missing records."""

import numpy as np
import pytest

from costmodel import catalog
from costmodel.foundation.design import Design
from costmodel.foundation.errors import CatalogError, DomainError, ScenarioError
from costmodel.foundation.scenario import MODELS
from costmodel.ownership.accelerator_hour import COMPONENTS, AcceleratorHour, accelerator_hour, from_catalog
from costmodel.ownership.hour_records import it_power_over_rated


def plain(**changes: object) -> AcceleratorHour:
    values = {
        "name": "plain",
        "chip_price": 20_000.0,
        "server_price": 8_000.0,
        "network_price": 5_000.0,
        "it_power": 1_500.0,
        "it_life": 4.0,
        "pue": 1.2,
        "electricity_price": 8e-5,
        "facility_cost_per_watt": 10.0,
        "facility_life": 20.0,
        "maintenance_per_watt": 0.3,
        "wacc": 0.0,
        "peak": 1e15,
    }
    return AcceleratorHour(**{**values, **changes})


@pytest.mark.closed_form
def test_components_without_interest() -> None:
    hour = accelerator_hour(plain(busy_load=0.8, idle_load=0.2, utilisation=0.5).resolve())
    hours = 8766 * 0.5
    assert hour.chip == pytest.approx(20_000 / 4 / hours)
    assert hour.server == pytest.approx(8_000 / 4 / hours)
    assert hour.network == pytest.approx(5_000 / 4 / hours)
    assert hour.facility == pytest.approx(1_500 * 10 / 20 / hours)
    assert hour.energy == pytest.approx(1_500 * (0.2 + 0.6 * 0.5) * 1.2 * 8766 * 8e-5 / hours)
    assert hour.maintenance == pytest.approx(1_500 * 0.3 / hours)
    assert hour.cost_of_capital == pytest.approx(0.0, abs=1e-12)
    assert hour.total == pytest.approx(sum(hour[name] for name in COMPONENTS))


@pytest.mark.closed_form
def test_what_hardware_fetches_when_it_is_sold_lowers_the_hour() -> None:
    """Yearly payments that repay the price, less the sale, both valued today; straight-line recovery is the loss."""
    price, life, wacc, sold = 33_000.0, 4.0, 0.1, 0.3
    hour = accelerator_hour(plain(wacc=wacc, it_life=life, salvage=sold, facility_cost_per_watt=0.0).resolve())
    worth_today = price - price * sold / (1.0 + wacc) ** life
    factor = sum((1.0 + wacc) ** -year for year in range(1, 5))
    assert hour.chip + hour.server + hour.network == pytest.approx(price * (1.0 - sold) / life / 8766)
    assert hour.total - hour.energy - hour.maintenance == pytest.approx(worth_today / factor / 8766)


@pytest.mark.closed_form
def test_cost_of_capital_completes_the_annuity() -> None:
    hour = accelerator_hour(plain(wacc=0.10, it_life=2.0, facility_cost_per_watt=0.0, mfu=0.5).resolve())
    annuity = 33_000 / (1 / 1.1 + 1 / 1.21)
    assert hour.chip + hour.server + hour.network + hour.cost_of_capital == pytest.approx(annuity / 8766)
    assert hour.flop_cost == pytest.approx(hour.total / 3600 / 0.5e15)


@pytest.mark.closed_form
def test_required_rent_exceeds_the_levelized_cost_where_rents_fall() -> None:
    level = accelerator_hour(plain(wacc=0.07, rent_decline=0.0).resolve())
    falling = accelerator_hour(plain(wacc=0.07, rent_decline=0.3).resolve())
    # continuous payment makes a level rent a little less than the year-end annuity
    assert 0.95 * level.total < level.required_rent < level.total
    assert falling.total == level.total
    assert falling.required_rent > 1.4 * falling.total


@pytest.mark.law
def test_an_ensemble_is_its_scalar_runs() -> None:
    scenario = plain(
        chip_price={"dist": "lognormal", "p5": 15e3, "p95": 30e3}, wacc={"dist": "uniform", "low": 0, "high": 0.1}
    )
    design = Design.random(scenario, draws=5, rng=0)
    resolved = scenario.resolve(design)
    together = accelerator_hour(resolved)
    assert together.draws == 5
    for i in range(5):
        alone = accelerator_hour(
            plain(chip_price=float(resolved.chip_price[i]), wacc=float(resolved.wacc[i])).resolve()
        )
        for name in (*COMPONENTS, "required_rent"):
            np.testing.assert_array_equal(np.broadcast_to(together[name], (5,))[i], alone[name])


@pytest.mark.published
def test_h100_is_within_a_fifth_of_the_published_owners_cost() -> None:
    scenario = from_catalog("H100-SXM")
    total = accelerator_hour(scenario.resolve()).total
    published = catalog.accelerator_hour("H100").value("own", "2025-10")
    assert published == 1.30
    assert total == pytest.approx(published, rel=0.20)
    # the price record used is named, and every figure carries its grade
    assert "price by vendor (H100/H200, 2025)" in scenario.title
    assert {row.path: row.grade.value for row in scenario.sources()}["chip_price"] == "estimated"
    assert accelerator_hour(from_catalog("H100-SXM", wacc=0.10).resolve()).total > total


@pytest.mark.published
def test_gb200_is_within_fifteen_percent_of_the_published_owners_cost() -> None:
    scenario = from_catalog("GB200-NVL72")
    total = accelerator_hour(scenario.resolve()).total
    published = catalog.accelerator_hour("GB200").value("own", "2026-06")
    assert published == 1.86
    assert total == pytest.approx(published, rel=0.15)
    # the rack's price holds the network: it is counted once
    assert scenario.network_price == 0.0
    assert scenario.chip_price + scenario.server_price == pytest.approx((43_000 + 47_000) / 2)


@pytest.mark.contract
def test_price_records_are_chosen_by_name_and_date() -> None:
    server = from_catalog("H100-SXM", price_basis="server")
    # two resellers on 3 March 2025: 28,750 and 31,250 USD
    assert server.chip_price + server.server_price == pytest.approx((28_750 + 31_250) / 2)
    assert server.network_price == pytest.approx(30_000 * 0.19 / 0.81)
    earlier = from_catalog("H100-SXM", price_basis="server", known_by="2024-03")
    assert earlier.chip_price + earlier.server_price == pytest.approx(37_080.50)
    with pytest.raises(ScenarioError, match="price_basis"):
        from_catalog("H100-SXM", price_basis="servers")


@pytest.mark.contract
def test_what_is_missing_is_named() -> None:
    with pytest.raises(CatalogError, match="no purchase price of 'L40S' is recorded in full; give chip_price"):
        from_catalog("L40S")
    with pytest.raises(CatalogError, match="did you mean 'H100-SXM'"):
        from_catalog("H100-SMX")
    given = from_catalog("L40S", chip_price=40_000.0, server_price=6_000.0, network_price=7_000.0)
    assert given.title == "L40S, owned"


@pytest.mark.closed_form
def test_power_that_is_not_recorded_is_estimated_from_rated_power_and_graded_so() -> None:
    hour = from_catalog("A100-SXM-80")
    assert hour.it_power == pytest.approx(400.0 * it_power_over_rated())
    assert {row.path: row.grade.value for row in hour.sources()}["it_power"] == "estimated"
    assert from_catalog("A100-SXM-80", it_power=810.0).it_power == 810.0


@pytest.mark.contract
def test_the_accelerator_named_moves_the_hour() -> None:
    written = AcceleratorHour(name="h", accelerator="H100-SXM", it_life=4.0, wacc=0.07)
    other = written.replace({"accelerator": "MI300X"})
    totals = [float(accelerator_hour(hour.resolve()).total) for hour in (written, other)]
    assert totals[0] == pytest.approx(float(accelerator_hour(from_catalog("H100-SXM").resolve()).total), rel=1e-12)
    assert totals[1] == pytest.approx(float(accelerator_hour(from_catalog("MI300X").resolve()).total), rel=1e-12)
    assert totals[0] != totals[1]
    assert "sources" not in str(written.written().get("chip_price"))
    assert {row.path for row in written.sources()} >= {"chip_price", "it_power", "electricity_price"}


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"accelerator": "nonsense"}, "accelerator 'nonsense' would do nothing"),
        ({"price_basis": "card"}, "price_basis would do nothing"),
        ({"known_by": "2025"}, "known_by would do nothing"),
        ({"region": "Ohio"}, "region would do nothing"),
        ({"pue": None}, "pue is absent: give it, or name an accelerator"),
    ],
)
def test_a_choice_that_would_do_nothing_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        plain(**changes)


@pytest.mark.contract
def test_written_scenario_reads_back() -> None:
    scenario = from_catalog("GB200-NVL72")
    assert AcceleratorHour.from_toml(scenario.to_toml()) == scenario
    assert MODELS["accelerator_hour"].scenario is AcceleratorHour
    assert MODELS["accelerator_hour"].load() is accelerator_hour
    with pytest.raises(DomainError, match="utilisation"):
        plain(utilisation=0.0)
