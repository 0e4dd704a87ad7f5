"""The joined planner: equal to its parts chained by hand, utilisation in one place, no input without effect."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

import costmodel
from costmodel.formats.electricity import electricity
from costmodel.foundation.errors import CatalogError, CostModelError, DomainError, ScenarioError
from costmodel.ownership.accelerator_hour import AcceleratorHour, absent_figures, accelerator_hour, filled
from costmodel.serving.deployment import Deployment
from costmodel.serving.model import deploy
from costmodel.studies.service import Service, serve_plan
from costmodel.studies.token_sale import long_requests
from costmodel.studies.ways import (
    break_even_use,
    committed_price,
    level_price,
    on_demand_hour,
    resale_share,
    spot_hour,
)

SERVING = {
    "architecture": "Llama-3-70B",
    "layout": {"tensor": 4},
    "workload": {"mean_input": 2000.0, "mean_output": 400.0, "cached_share": 0.3},
}
HOUR = {"it_life": 5.0, "wacc": 0.1}
OFFERS = {
    "day": {"kind": "on demand", "price": 3.0, "scaled_share": 0.9},
    "year": {"kind": "committed", "price": 2.0},
    "spot": {"kind": "spot", "price": 1.5, "interruption_rate": 0.1, "lost_time": 0.5},
}


def plan(**changes: object) -> Service:
    entries = {"name": "p", "accelerator": "H100-SXM", "utilisation": 0.4, "hour": HOUR, "serving": SERVING}
    return Service(**{**entries, **changes})


def ways(result: object) -> dict[str, tuple[float, float]]:
    names = result.coords()["way"]  # type: ignore[attr-defined]
    return dict(zip(names, zip(result.way_cost, result.way_break_even, strict=True), strict=True))  # type: ignore[attr-defined]


@pytest.mark.closed_form
def test_a_token_costs_what_the_two_models_give_chained_by_hand() -> None:
    use = 0.4
    hour = AcceleratorHour(name="h", accelerator="H100-SXM", utilisation=use, **HOUR).completed()
    paid = float(accelerator_hour(hour.resolve()).total) * use
    load = {"peak_to_average": 1.0 / use}
    energy = {"power": hour.it_power * 0.76, "idle_share": 0.25 / 0.76, "pue": hour.pue}
    chained = deploy(
        Deployment(name="d", accelerator="H100-SXM", hour_price=paid, load=load, energy=energy, **SERVING).resolve()
    )
    joined = serve_plan(plan().resolve())
    for name in ("blended_cost", "input_cost", "cached_cost", "output_cost", "request_cost", "energy"):
        assert float(joined[name]) == pytest.approx(float(chained[name]), rel=1e-12)
    assert float(joined.hour_cost) == pytest.approx(paid, rel=1e-12)


@pytest.mark.law
@pytest.mark.parametrize("changes", [{}, {"paid_by": "renting", "rent": 2.5}])
def test_parts_add_up(changes: dict) -> None:
    result = serve_plan(plan(**changes).resolve())
    assert sum(result.hour_parts) == pytest.approx(float(result.hour_cost), rel=1e-12)
    assert sum(result.blended_parts) == pytest.approx(float(result.blended_cost), rel=1e-12)


@pytest.mark.closed_form
def test_idle_hours_are_counted_once() -> None:
    """Capital of an hour does not depend on use, so at half the use its share of a token doubles; energy less."""
    full, half = (serve_plan(plan(utilisation=use).resolve()) for use in (0.8, 0.4))
    parts = dict(zip(full.coords()["part"], zip(full.blended_parts, half.blended_parts, strict=True), strict=True))
    for name in ("chip", "server", "network", "facility", "maintenance", "cost_of_capital"):
        assert parts[name][1] == pytest.approx(2.0 * parts[name][0], rel=1e-12)
    busy, idle = 0.76, 0.25
    assert parts["energy"][1] / parts["energy"][0] == pytest.approx(
        ((idle + (busy - idle) * 0.4) / 0.4) / ((idle + (busy - idle) * 0.8) / 0.8), rel=1e-12
    )


@pytest.mark.closed_form
def test_dearer_power_reaches_a_token_by_its_part() -> None:
    base = serve_plan(plan(hour={**HOUR, "electricity_price": 8e-5}).resolve())
    dear = serve_plan(plan(hour={**HOUR, "electricity_price": 16e-5}).resolve())
    at = base.coords()["part"].index("energy")
    assert float(dear.blended_cost - base.blended_cost) == pytest.approx(float(base.blended_parts[at]), rel=1e-9)


@pytest.mark.closed_form
def test_yearly_figures_of_a_site_follow_from_its_power() -> None:
    result = serve_plan(plan(sale={"input": 1e-6, "output": 4e-6}, facility_power="2 MW").resolve())
    hour = AcceleratorHour(name="h", accelerator="H100-SXM", **HOUR).completed()
    number = 2e6 / (hour.it_power * hour.pue)
    assert float(result.site_accelerators) == pytest.approx(number)
    assert float(result.site_cost) == pytest.approx(number * float(result.hour_cost) * 8766)
    price = (2000 * 1e-6 + 400 * 4e-6) / 2400
    tokens = number * 0.4 * float(result.tokens_per_second) * 8766 * 3600
    assert float(result.site_profit) == pytest.approx(tokens * price - float(result.site_cost))
    assert float(result.site_profit / result.site_revenue) == pytest.approx(float(result.gross_margin))


@pytest.mark.closed_form
def test_ways_of_paying_at_the_same_work() -> None:
    api = {"host": {"input": 1e-6, "cached": 1e-7, "output": 4e-6}}
    result = serve_plan(plan(offers=OFFERS, tokens_for_sale=api).resolve())
    busy = float(result.tokens_per_second) * 3600
    found = ways(result)
    assert found["owning"][0] == pytest.approx(float(result.blended_cost), rel=1e-12)
    assert found["day"][0] == pytest.approx(3.0 * (1 + (1 / 0.4 - 1) * 0.1) / busy)
    assert found["year"][0] == pytest.approx(2.0 / 0.4 / busy)
    assert found["spot"][0] == pytest.approx(1.5 * 1.05 / busy)
    assert found["host"][0] == pytest.approx((2000 * 0.7 * 1e-6 + 2000 * 0.3 * 1e-7 + 400 * 4e-6) / 2400)


@pytest.mark.closed_form
def test_long_requests() -> None:
    """Shares of long requests and of their tokens, against a million lognormal lengths; equal lengths give 0 or 1."""
    spread = np.sqrt(np.log(1 + 0.7**2))
    ranks = (np.arange(1_000_000) + 0.5) / 1_000_000
    lengths = 3000.0 * np.exp(spread * ndtri(ranks) - spread**2 / 2)
    beyond = lengths > 5000.0
    assert float(long_requests(3000.0, 0.7, 5000.0, 0.0)) == pytest.approx(beyond.mean(), rel=1e-4)
    assert float(long_requests(3000.0, 0.7, 5000.0, 1.0)) == pytest.approx(lengths[beyond].sum() / 3e9, rel=1e-3)
    assert [float(long_requests(3000.0, 0.0, at, 1.0)) for at in (2999.0, 3001.0)] == [1.0, 0.0]


@pytest.mark.closed_form
def test_an_api_with_cached_tokens_context_tiers_and_batches() -> None:
    """Prompts of 2,000 tokens are long from 1,500 on; a quarter of requests is batched at half price: 7/8 in all."""
    api = {"input": 1e-6, "cached": 1e-7, "output": 4e-6, "long_prompt": 1500.0, "long_input": 2e-6,
           "long_cached": 2e-7, "long_output": 6e-6, "batch_share": 0.25, "batch_price": 0.5}  # fmt: skip
    result = serve_plan(plan(tokens_for_sale={"api": api, "short": {**api, "long_prompt": 2500.0}}).resolve())
    found = ways(result)
    long = (2000 * 0.7 * 2e-6 + 2000 * 0.3 * 2e-7 + 400 * 6e-6) / 2400
    short = (2000 * 0.7 * 1e-6 + 2000 * 0.3 * 1e-7 + 400 * 4e-6) / 2400
    assert found["api"][0] == pytest.approx(long * 0.875)
    assert found["short"][0] == pytest.approx(short * 0.875)
    assert 0.0 < found["api"][1] < found["short"][1]


@pytest.mark.closed_form
@pytest.mark.parametrize("way", ["day", "spot", "host"])
def test_at_the_break_even_use_both_ways_cost_the_same(way: str) -> None:
    api = {"host": {"input": 0.3e-6, "output": 0.4e-6}}
    use = float(ways(serve_plan(plan(offers=OFFERS, tokens_for_sale=api).resolve()))[way][1])
    assert 0.0 < use < 1.0
    there = ways(serve_plan(plan(offers=OFFERS, tokens_for_sale=api, utilisation=use).resolve()))
    assert there[way][0] == pytest.approx(there["owning"][0], rel=1e-9)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.studies.ways:break_even_use")
def test_break_even_use() -> None:
    assert float(break_even_use(1.0, 0.2, 2.2, 1.0)) == pytest.approx(0.5)  # 1/u + 0.2 = 2.2
    assert float(break_even_use(1.0, 0.2, 1.5, 0.5)) == pytest.approx((1.0 - 0.75) / (0.75 - 0.2))
    assert float(break_even_use(1.0, 0.2, 2.0, 0.5)) == 0.0  # handing back half costs as much as owning


@pytest.mark.closed_form
def test_where_no_use_breaks_even_there_is_no_figure() -> None:
    """With a rent below the energy of a busy hour, owning never wins; with a high price of idle hours, always."""
    cheap = {"gift": {"kind": "on demand", "price": 1e-3}, "year": {"kind": "committed", "price": 9.0}}
    found = ways(serve_plan(plan(offers=cheap).resolve()))
    assert np.isnan(found["gift"][1])
    assert found["year"][1] == 0.0


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.studies.ways:on_demand_hour")
def test_on_demand_hour() -> None:
    assert float(on_demand_hour(3.0, 0.25, 0.8)) == pytest.approx(3.0 * (1 + 3 * 0.2))


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.studies.ways:spot_hour")
def test_spot_hour() -> None:
    assert float(spot_hour(2.0, 0.04, 0.5)) == pytest.approx(2.04)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.studies.ways:level_price")
def test_level_price() -> None:
    """12,000 payments discounted at 8 % a year are worth as much as at the level price."""
    moments = (np.arange(12_000) + 0.5) / 12_000 * 3.0
    falling = (2.0 * np.exp(-0.2 * moments) / 1.08**moments).sum()
    assert float(level_price(2.0, 0.2, np.log(1.08), 3.0)) == pytest.approx(falling / (1.08**-moments).sum(), rel=1e-6)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.studies.ways:committed_price")
def test_committed_price() -> None:
    """Four years need two terms of three years: six years are paid, the second term at the price of year 3."""
    assert float(committed_price(2.0, 0.1, 0.0, 3.0, 4.0)) == pytest.approx((2.0 * 3 + 2.0 * np.exp(-0.3) * 3) / 4)
    assert float(committed_price(2.0, 0.1, 0.0, 0.1, 0.3)) == pytest.approx(
        2.0 * (1 + np.exp(-0.01) + np.exp(-0.02)) / 3
    )  # three whole terms, though 0.3/0.1 is not 3 in binary
    moments = (np.arange(30_000) + 0.5) / 30_000 * 6.0
    paid = (np.where(moments < 3.0, 2.0, 2.0 * np.exp(-0.3)) / 1.1**moments).sum()
    needed = (1.1 ** -moments[moments < 4.0]).sum()
    assert float(committed_price(2.0, 0.1, np.log(1.1), 3.0, 4.0)) == pytest.approx(paid / needed, rel=1e-6)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.studies.ways:resale_share")
def test_resale_share() -> None:
    assert float(resale_share(np.log(2.0), 0.8, 3.0)) == pytest.approx(0.1)


NEED = {
    "horizon": 3.0,
    "resale": {"decline": 0.3, "kept": 0.9},
    "offers": {
        "day": {"kind": "on demand", "price": 3.0, "price_decline": 0.1},
        "long": {"kind": "committed", "price": 2.0, "term": 5.0},
        "rolled": {"kind": "committed", "price": 2.0, "term": 1.0, "price_decline": 0.2},
        "lease": {"kind": "lease", "price": 1.0, "term": 3.0},
    },
}


@pytest.mark.closed_form
def test_ways_over_the_years_of_need() -> None:
    """Hardware sold after three of five years, a five-year commitment for three years, and a lease with the site."""
    result = serve_plan(plan(**NEED).resolve())
    busy, use = float(result.tokens_per_second) * 3600, 0.4
    found = ways(result)
    sold = {**HOUR, "it_life": 3.0, "salvage": 0.9 * np.exp(-0.9)}
    hour = AcceleratorHour(name="h", accelerator="H100-SXM", utilisation=use, **sold).completed()
    owned = accelerator_hour(hour.resolve())
    assert float(result.salvage) == pytest.approx(0.9 * np.exp(-0.9))
    assert found["owning"][0] == pytest.approx(float(owned.total) / busy)
    rate = np.log(1.1)
    assert found["long"][0] == pytest.approx(
        2.0 * float((1 - np.exp(-5 * rate)) / (1 - np.exp(-3 * rate))) / use / busy
    )
    assert found["rolled"][0] == pytest.approx(float(committed_price(2.0, 0.2, rate, 1.0, 3.0)) / use / busy)
    assert found["day"][0] == pytest.approx(float(level_price(3.0, 0.1, rate, 3.0)) / busy)
    bare = hour.replace({"chip_price": 0.0, "server_price": 0.0, "network_price": 0.0})
    house = float(accelerator_hour(bare.resolve()).total)
    assert found["lease"][0] == pytest.approx((1.0 / use + house) / busy)


@pytest.mark.closed_form
def test_a_lease_and_owning_differ_by_the_hardware_alone() -> None:
    """At the owner's cost of hardware, both cost the same at any use; at a cent more, owning is always cheaper."""
    for use in (0.3, 0.9):
        bare = dict.fromkeys(("chip_price", "server_price", "network_price"), 0.0)
        both = [
            float(serve_plan(plan(utilisation=use, hour={**HOUR, **extra}).resolve()).hour_cost) for extra in ({}, bare)
        ]
        price = both[0] - both[1]
        offers = {name: {"kind": "lease", "price": price + more} for name, more in (("dear", 0.01), ("cheap", -0.01))}
        found = ways(serve_plan(plan(utilisation=use, offers=offers).resolve()))
        middle = (found["dear"][0] + found["cheap"][0]) / 2
        assert middle == pytest.approx(found["owning"][0], rel=1e-9)
        assert found["dear"][1] == 0.0
        assert np.isnan(found["cheap"][1])


@pytest.mark.contract
def test_the_ways_stand_in_one_table_with_the_use_at_which_owning_wins() -> None:
    result = costmodel.run(plan(**NEED))
    table = result.tables()["By way"]
    assert [row[0] for row in table.rows] == ["owning", "day", "long", "rolled", "lease"]
    assert [row[1] for row in table.rows] == [float(cost) for cost in result.way_cost]
    assert table.rows[1][2] == float(result.way_break_even[1])
    assert table.units == ("", "USD/token", "1")
    assert "use from which owning is cheaper: blank for owning itself, and where it never is" in table.notes
    euro = result.in_currency("EUR", rate=1.25).tables()["By way"]
    assert euro.units == ("", "EUR/token", "1")
    assert euro.rows[0][1] == pytest.approx(float(result.way_cost[0]) / 1.25)


@pytest.mark.closed_form
def test_hardware_is_not_sold_before_it_is_worn_out_where_the_need_is_longer() -> None:
    lasting = serve_plan(plan(horizon=9.0, resale={"decline": 0.3}).resolve())
    whole = serve_plan(plan(hour={**HOUR, "salvage": np.exp(-0.3 * 5.0)}).resolve())
    assert float(lasting.hour_cost) == pytest.approx(float(whole.hour_cost), rel=1e-12)


@pytest.mark.closed_form
def test_carbon_is_electricity_and_hardware() -> None:
    carbon = {"intensity": "400 gCO2e/kWh", "water": "3 L/kWh", "embodied": "150 kg", "embodied_life": 5.0}
    result = serve_plan(plan(carbon=carbon).resolve())
    tokens = 0.4 * float(result.tokens_per_second) * 8766 * 3600 * 5
    assert float(result.carbon) == pytest.approx(float(result.energy) * 0.4 + 150e3 / tokens)
    assert float(result.water) == pytest.approx(float(result.energy) * 0.003)
    assert float(result.carbon_market) == float(result.carbon)


@pytest.mark.closed_form
def test_contracts_change_gases_by_market_and_not_by_location() -> None:
    carbon = {"intensity": 0.4, "contracted_share": 0.75, "contracted_intensity": 0.02, "residual_intensity": 0.6}
    result = serve_plan(plan(carbon=carbon).resolve())
    assert float(result.carbon) == pytest.approx(float(result.energy) * 0.4)
    assert float(result.carbon_market) == pytest.approx(float(result.energy) * (0.75 * 0.02 + 0.25 * 0.6))


@pytest.mark.contract
def test_a_region_has_its_grid_and_is_cited() -> None:
    pytest.importorskip("ecologits")
    pytest.importorskip("codecarbon")
    for region in ("FRA", "US-TX", "gcp:us-west4"):
        served = plan(carbon={"region": region, "water": 0.0})
        grid = electricity(region)
        result = serve_plan(served.resolve())
        assert float(result.carbon) == pytest.approx(float(result.energy) * grid.carbon)
        assert {row.path: row.source.title for row in served.sources() if row.source}["carbon.intensity"] == grid.source
    assert np.isnan(serve_plan(plan(carbon={"region": "US-TX"}).resolve()).water)
    with pytest.raises(CatalogError, match="no electricity is recorded for 'XXX'"):
        plan(carbon={"region": "XXX"})


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hour": {**HOUR, "utilisation": 0.5}}, "hour.utilisation: there is no such entry"),
        ({"serving": {**SERVING, "load": {"headroom": 0.2}}}, "serving.load would do nothing"),
        ({"rent": 2.0}, "leave rent out"),
        ({"paid_by": "renting"}, "give rent"),
        ({"offers": {"owning": {"kind": "committed", "price": 1.0}}}, "'owning' names two ways"),
        ({"offers": {"a": {"kind": "committed", "price": 1.0, "lost_time": 1.0}}}, "lost_time would do nothing"),
        ({"offers": {"a": {"kind": "spot", "price": 1.0}}}, "interruption_rate is missing"),
        ({"offers": {"a": {"kind": "lease", "price": 1.0, "scaled_share": 0.5}}}, "scaled_share would do nothing"),
        ({"offers": {"a": {"kind": "on demand", "price": 1.0, "term": 1.0}}}, "term would do nothing"),
        (
            {"offers": {"a": {"kind": "lease", "price": 1.0, "term": 1.0}}},
            "offers.a.term would do nothing: give horizon",
        ),
        (
            {
                "offers": {
                    "a": {
                        "kind": "spot",
                        "price": 1.0,
                        "interruption_rate": 0.1,
                        "lost_time": 0.1,
                        "price_decline": 0.1,
                    }
                }
            },
            "offers.a.price_decline would do nothing",
        ),
        ({**NEED, "offers": {"a": {"kind": "committed", "price": 1.0}}}, "offers.a: give term"),
        ({"horizon": 3.0}, "give resale"),
        ({"resale": {"decline": 0.1}, "hour": {**HOUR, "salvage": 0.1}}, "hour.salvage would do nothing"),
        ({"sale": {"input": 1e-6, "output": 1e-6, "long_prompt": 1e5}}, "give long_prompt, long_input and long_output"),
        ({"sale": {"input": 1e-6, "output": 1e-6, "batch_price": 0.5}}, "batch_share is missing"),
        ({"sale": {"input": 1e-6, "output": 1e-6, "batch_share": 0.5}}, "batch_price is missing"),
        ({"carbon": {"water": 0.0}}, "give the intensity of electricity, or the region"),
        ({"carbon": {"intensity": 0.4, "region": "FRA"}}, "not both"),
        ({"carbon": {"intensity": 0.4, "contracted_intensity": 0.1}}, "contracted_intensity would do nothing"),
        ({"hour": {**HOUR, "region": "Ohio", "electricity_price": 8e-5}}, "region would do nothing"),
    ],
)
def test_what_would_count_twice_or_do_nothing_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        plan(**changes)


@pytest.mark.contract
def test_an_unknown_accelerator_is_named() -> None:
    with pytest.raises(CatalogError, match="'nonsense'"):
        costmodel.run(plan(accelerator="nonsense"))


@pytest.mark.contract
def test_the_bibliography_holds_the_catalogs_figures_of_the_hour() -> None:
    cited = {row.path: row.grade.value for row in plan().sources()}
    assert cited["hour.chip_price"] == "estimated"
    assert "hour.electricity_price" in cited
    given = {row.path for row in plan(hour={**HOUR, "electricity_price": 8e-5}).sources()}
    assert "hour.electricity_price" in given


@pytest.mark.contract
def test_a_figure_left_to_the_catalog_is_described_with_the_value_that_is_used() -> None:
    (row,) = plan().describe("hour.electricity_price").records()
    assert row["value"] == f"{float(filled(plan().hour, 'H100-SXM').electricity_price):.6g}, looked up"
    assert row["grade"] == "secondary"
    (given,) = plan(hour={**HOUR, "electricity_price": 8e-5}).describe("hour.electricity_price").records()
    assert "looked up" not in given["value"]


CARBON = {"intensity": 0.4, "contracted_share": 0.5, "contracted_intensity": 0.1, "residual_intensity": 0.5,
          "water": 0.003, "embodied": 1e5, "embodied_life": 4.0}  # fmt: skip
EVERYTHING = {
    "offers": OFFERS,
    "tokens_for_sale": {
        "host": {"input": 1e-6, "cached": 1e-7, "output": 4e-6},
        "tiers": {
            "input": 1e-6,
            "output": 4e-6,
            "long_prompt": 2000.0,
            "long_input": 2e-6,
            "long_cached": 1e-6,
            "long_output": 6e-6,
            "batch_share": 0.2,
            "batch_price": 0.5,
        },
    },
    "sale": {"input": 1e-6, "cached": 1e-7, "output": 4e-6},
    "carbon": CARBON,
}


SPREAD = {
    **SERVING,
    "workload": {**SERVING["workload"], "variation_input": 0.8, "variation_output": 0.8, "correlation": 0.2},
    "draft": {"tokens": 3.0, "acceptance": 0.6, "cost": 0.1},
    "layout": {"tensor": 16},
}  # several servers, lengths that differ, drafted tokens


def moving(whole: Service) -> dict[str, bool]:
    """Return, for each number of a plan and of its catalog records, whether it moves a figure or is refused."""
    hour = filled(whole.hour, whole.accelerator)
    whole = whole.replace({f"hour.{name}": float(getattr(hour, name)) for name in absent_figures(whole.hour)})
    base = costmodel.run(whole)

    def moves(path: str, value: float, unit: str) -> bool:
        """Return whether a figure moves, or the value is refused because it would have no effect."""
        try:
            result = costmodel.run(whole.replace({path: value if unit == "1" else f"{value!r} {unit}"}))
        except CostModelError as error:
            return "would do nothing" in str(error)
        return any(not np.array_equal(base[name], result[name], equal_nan=True) for name in base)

    return {
        path: any(moves(path, v, spec.unit) for v in (value * 1.1 + 0.05 * (value == 0.0), value * 0.8, value + 1.0))
        for path, value, spec, _ in whole.walk()
        if isinstance(value, float)
    }


@pytest.mark.contract
@pytest.mark.parametrize("model", ["Llama-3-8B", "config.json"])
def test_a_model_beside_an_own_shape_is_refused(model: str) -> None:
    """The model's name would be a mere label, since the figures would be those of the own shape."""
    own = {"layers": 32, "d_model": 4096, "heads": 32, "kv_heads": 8, "head_dim": 128, "d_ff": 11008,
           "vocabulary": 32000}  # fmt: skip
    with pytest.raises(ScenarioError, match="leave own_shape out"):
        plan(serving={**SERVING, "architecture": model, "own_shape": own})


@pytest.mark.contract
def test_another_model_is_another_cost(tmp_path: Path) -> None:
    """The planner's job with a model from its file, by its name, and with the scenario's own."""
    config = {"model_type": "qwen2", "hidden_size": 8192, "num_hidden_layers": 40, "num_attention_heads": 64,
              "num_key_value_heads": 8, "intermediate_size": 29568, "vocab_size": 152064}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    scenario = costmodel.load_scenario("token-planner")
    models = ("Llama-3-8B", str(tmp_path / "config.json"))
    costs = [costmodel.run(scenario.replace({"serving.architecture": model})).blended_cost for model in models]
    assert len({float(cost) for cost in (*costs, costmodel.run(scenario).blended_cost)}) == 3


@pytest.mark.contract
def test_the_inverse_questions() -> None:
    """Given a site, a cost ceiling or a token target, the value is found, even if it is absent in the scenario."""
    scenario = costmodel.load_scenario("token-planner")
    power = costmodel.break_even(scenario, "facility_power", "site_tokens = 1e14 token/year").roots
    there = costmodel.run(scenario.replace({"facility_power": float(power[0])}))
    assert float(there.site_tokens) == pytest.approx(1e14, rel=1e-6)
    dear = costmodel.break_even(scenario, "hour.electricity_price", "blended_cost = 0.5 USD/Mtoken").roots
    found = costmodel.run(scenario.replace({"hour.electricity_price": f"{float(dear[0])!r} USD/Wh"}))
    assert float(found.blended_cost) == pytest.approx(0.5e-6, rel=1e-6)
    with pytest.raises(DomainError, match="is absent, so there is no range to search: give low and high"):
        costmodel.break_even(scenario, "hour.chip_price", "hour_cost = 1.5 USD/hour")


@pytest.mark.law
@pytest.mark.parametrize("changes", [{}, {"paid_by": "renting", "rent": 2.5}])
def test_every_input_moves_an_output_or_is_refused(changes: dict) -> None:
    """In a plan on one server, or in one with several servers, drafted tokens, varied lengths and an end date."""
    ended = {
        **EVERYTHING,
        "horizon": 3.0,
        "resale": {"decline": 0.3, "kept": 0.9},
        "offers": {
            "day": {**OFFERS["day"], "price_decline": 0.1},
            "year": {**OFFERS["year"], "term": 1.0, "price_decline": 0.1},
            "spot": {**OFFERS["spot"], "price_decline": 0.1},
            "lease": {"kind": "lease", "price": 1.0, "term": 2.0, "price_decline": 0.1},
        },
        "serving": SPREAD,
    }
    found: dict[str, bool] = {}
    for whole in (plan(**EVERYTHING, **changes), plan(**ended, **changes)):
        for path, moves in moving(whole).items():
            found[path] = found.get(path, False) or moves
    assert len(found) > 60
    assert [path for path, moves in found.items() if not moves] == []


@pytest.mark.contract
def test_the_planner_is_one_command() -> None:
    scenario = costmodel.load_scenario("token-planner")
    result = costmodel.run(scenario, draws=200, rng=0)
    assert result.draws == 200
    assert np.isfinite(result.blended_cost).all()
    others = [scenario.replace({"accelerator": name}) for name in ("H100-SXM", "MI300X", "B200")]
    assert len({float(costmodel.run(other).blended_cost) for other in others}) == 3
