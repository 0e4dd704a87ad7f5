"""The training run as a model: one scenario, one frozen result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from costmodel.foundation.design import Design
from costmodel.foundation.errors import DomainError, ScenarioError, UnknownParameterError
from costmodel.foundation.scenario import model_entry
from costmodel.testing.training import SCENARIOS
from costmodel.training.training_ladder import TrainingLadder, climb
from costmodel.training.training_run import TrainingRun, train

DEEPSEEK = {
    "name": "DeepSeek-V3",
    "accelerator": "H800-SXM",
    "accelerators": 2048.0,
    "tokens": "14.8 Ttoken",
    "flop_per_token": 250.4e9,
    "mfu": 0.3894,
    "method": "rental",
    "rental": {"price": "2 USD/hour"},
}
RELIABLE = {
    "failure_rate": "0.0065 1/day",
    "checkpoint_time": "1 minute",
    "restart_time": "10 minute",
    "spare_confidence": 0.99,
}
AMORTIZED = {"acquisition_price": 25e3, "years_in_use": 1.0, "energy_price": "80 USD/MWh"}
OWNING = {"chip": 1.0, "server": 0.5, "network": 0.25, "energy": 0.25}


def _run(**changes: Any) -> TrainingRun:
    return TrainingRun(**{**DEEPSEEK, **changes})


@pytest.mark.published
def test_deepseek_full_run() -> None:
    """arXiv 2412.19437, table 1: 2,664 K + 119 K + 5 K hours at 2 USD, 5.576 M USD."""
    result = train(_run(development={"experiments_multiplier": 1.0, "post_training_hours": 124e3}).resolve())
    assert result.productive_hours == pytest.approx(2.664e6, rel=0.01)
    assert result.programme_cost == pytest.approx(5.576e6, rel=0.01)
    assert result.wall_clock / 24 == pytest.approx(54, rel=0.02)


@pytest.mark.closed_form
def test_methods_are_three_different_sums() -> None:
    rental = train(_run().resolve())
    owning = train(
        _run(
            method="owning", rental=None, owning={"chip": 1.0, "server": 0.5, "network": 0.25, "energy": 0.25}
        ).resolve()
    )
    assert owning.run_cost == pytest.approx(rental.run_cost, rel=1e-12)
    assert owning.chip_cost == pytest.approx(rental.run_cost / 2, rel=1e-12)
    assert (rental.chip_cost, rental.energy_cost, owning.rental_cost) == (0.0, 0.0, 0.0)
    amortized = train(
        _run(
            method="amortized",
            rental=None,
            amortized={"acquisition_price": 30e3, "years_in_use": 1.0, "energy_price": "80 USD/MWh"},
        ).resolve()
    )
    hour = 30e3 * 10**-0.14 * 0.14 * np.log(10) / 8766
    hardware = amortized.chip_cost + amortized.server_cost
    assert hardware == pytest.approx(hour * amortized.paid_hours, rel=1e-12)
    assert amortized.network_cost == pytest.approx(hardware * 0.19 / 0.81, rel=1e-12)
    assert amortized.cluster_cost == pytest.approx(2048 * 30e3 / 0.81, rel=1e-12)
    assert amortized.energy_cost == pytest.approx(amortized.energy * 80e-6, rel=1e-12)
    assert len({result.basis("run_cost") for result in (rental, owning, amortized)}) == 3


@pytest.mark.closed_form
def test_lost_time_and_spares_are_paid_for() -> None:
    perfect, real = train(_run().resolve()), train(_run(reliability=RELIABLE).resolve())
    nodes = 2048 / 8
    mean_time = 1 / (nodes * 0.0065 / 24)
    assert real.productive_hours == perfect.productive_hours
    assert real.effective_time_ratio < 1.0
    assert real.wall_clock == pytest.approx(real.productive_hours / 2048 / real.effective_time_ratio, rel=1e-12)
    assert real.interruptions == pytest.approx(real.wall_clock / mean_time, rel=1e-12)
    assert real.paid_hours == pytest.approx(real.wall_clock * (2048 + 8 * real.spare_nodes), rel=1e-12)
    assert real.run_cost > perfect.run_cost == pytest.approx(2.0 * perfect.productive_hours)


@pytest.mark.closed_form
def test_capacity_that_is_taken_away() -> None:
    """Failures as a Poisson process lose M·exp(R/M)·(exp((T + w)/M) - 1) hours for T of work (Daly 2006)."""
    work, mean, restart, write = 48.5, 1 / 0.15, 0.25, 0.02  # hours on one node of eight
    table = {"failure_rate": 0.15, "checkpoint_time": write, "restart_time": restart, "checkpoint_interval": 0.5}
    run = TrainingRun(
        name="spot",
        method="rental",
        rental={"price": "2 USD/hour"},
        accelerator="H100-SXM",
        accelerators=8.0,
        mfu=0.4,
        tokens=work * 8 * 3600 * 989.4e12 * 0.4 / (6 * 8e9),
        parameters=8e9,
        reliability=table,
    )
    each = mean * np.exp(restart / mean) * np.expm1((0.5 + write) / mean)
    found = train(run.resolve())
    assert found.wall_clock == pytest.approx(work / 0.5 * each, rel=1e-9) == pytest.approx(54.5, abs=0.05)
    assert found.run_cost == pytest.approx(871, abs=1)  # no spare node is paid for unless it is asked for
    assert found.spare_nodes == 0.0
    without = train(run.replace({"reliability.checkpoint_interval": work}).resolve())
    assert without.wall_clock == pytest.approx(10_016, abs=1)
    held = train(run.replace({"reliability.spare_confidence": 0.99}).resolve())
    assert held.spare_nodes >= 1.0
    assert held.paid_hours == pytest.approx(held.wall_clock * 8 * (1 + held.spare_nodes), rel=1e-12)


@pytest.mark.closed_form
def test_absent_assumptions_are_those_of_the_family() -> None:
    """Cottier et al.: A100 servers draw (6.5/8)/0.4 and cost 1.66 times their chips; TPUs draw 0.43 of rated power."""
    a100 = train(_run(accelerator="A100-SXM-80", method="amortized", rental=None, amortized=AMORTIZED).resolve())
    assert a100.energy == pytest.approx(a100.paid_hours * 400 * (6.5 / 8) / 0.4 * 0.75 * 1.25, rel=1e-12)
    assert a100.server_cost / a100.chip_cost == pytest.approx(0.66, rel=1e-12)
    tpu = train(_run(accelerator="TPU-v4", peak=275e12, power={"chip_power": 170.0}).resolve())
    assert tpu.energy == pytest.approx(tpu.paid_hours * 170 * 1.56 * 0.43 * 1.25, rel=1e-12)


@pytest.mark.closed_form
def test_known_hours_give_the_utilisation() -> None:
    """DeepSeek-V3: 14.8 T tokens of 250.4 GFLOP in 2.664 M hours of 989.4 TFLOP/s."""
    result = train(_run(mfu=None, accelerator_hours=2.664e6).resolve())
    assert result.productive_hours == 2.664e6
    assert result.mfu == pytest.approx(14.8e12 * 250.4e9 / (2.664e6 * 3600 * 989.4e12), rel=1e-12)
    with pytest.raises(ScenarioError, match="too few"):
        train(_run(mfu=None, accelerator_hours=1e5).resolve())
    with pytest.raises(ScenarioError, match="given: mfu, accelerator_hours"):
        _run(accelerator_hours=2.664e6)


@pytest.mark.closed_form
def test_programme_is_the_sum_of_its_parts() -> None:
    table = {
        "experiments_multiplier": 2.2,
        "failed_share": 0.1,
        "post_training_hours": 1e5,
        "reinforcement_hours": 1.47e5,
        "headcount": 150.0,
        "salary": "100 kUSD/year",
        "equity": "50 kUSD/year",
        "data_acquisition": "1 MUSD",
    }
    result = train(_run(development=table).resolve())
    assert result.programme_cost == pytest.approx(sum(result.breakdown().values()), rel=1e-12)
    assert result.experiments_cost == pytest.approx(1.2 * result.run_cost, rel=1e-12)
    assert result.reinforcement_cost == pytest.approx(2.0 * 1.47e5, rel=1e-12)
    assert result.hour_cost == pytest.approx(2.0, rel=1e-12)
    assert result.staff_cost == pytest.approx(150 * (100e3 * 1.25 + 50e3), rel=1e-12)


@pytest.mark.closed_form
def test_what_a_development_does_not_state_costs_nothing() -> None:
    """Staff, data, failures and further stages cost nothing unless they are given; only the run itself is left."""
    bare = train(_run(development={"experiments_multiplier": 1.0}).resolve())
    assert bare.programme_cost == pytest.approx(bare.run_cost, rel=1e-15)
    assert sum(1 for part in bare.breakdown().values() if part) == 1
    stored = train(_run(development={"experiments_multiplier": 1.0, "data_size": "1 Pbyte"}).resolve())
    # 0.02 USD a gigabyte and month: 10⁶ GB for the twelve months of a year
    assert stored.programme_cost - bare.programme_cost == pytest.approx(0.02 * 1e6 * 12, rel=1e-9)
    staffed = {"experiments_multiplier": 1.0, "headcount": 10, "salary": 1e5}
    paid = train(_run(development=staffed).resolve())
    assert paid.staff_cost == pytest.approx(10 * 1e5 * 1.25, rel=1e-12)  # a year, 25 % of benefits and office


@pytest.mark.contract
@pytest.mark.parametrize(
    ("section", "others", "names", "allowed", "refused"),
    [
        # amounts: none, or a part of one
        ("development", {}, "post_training_hours reinforcement_hours headcount duration salary", [0.0, 0.5], [-0.5]),
        ("development", {}, "overhead_rate equity data_acquisition data_size storage_price", [0.0, 1e-12], [-0.5]),
        ("rental", {}, "price", [0.0, 0.5], [-0.5]),
        ("owning", OWNING, "chip server network facility energy operations", [0.0, 0.5], [-0.5]),
        ("amortized", AMORTIZED, "years_in_use decline_rate", [0.0, 0.5], [-0.5]),
        ("amortized", AMORTIZED, "energy_price", [0.0], [-1e-6]),
        ("reliability", RELIABLE, "restart_time", [0.0, 0.5], [-0.5]),
        # what a division or a logarithm takes: more than nothing
        ("amortized", AMORTIZED, "acquisition_price", [0.5], [0.0]),
        ("reliability", RELIABLE, "failure_rate checkpoint_time checkpoint_interval repair_time", [0.5], [0.0]),
        # shares: all of it only where something may be all
        ("development", {}, "failed_share", [0.0, 0.999], [-1e-6, 1.0]),
        ("amortized", AMORTIZED, "network_share", [0.0, 0.999], [-1e-6, 1.0]),
        ("power", {}, "power_fraction", [0.001, 1.0], [0.0, 1.001]),
        # multiples of a part that is in them
        ("development", {}, "experiments_multiplier", [1.0, 1.5], [0.999]),
        ("amortized", AMORTIZED, "server_overhead", [1.0, 1.5], [0.999]),
        ("power", {}, "server_factor pue", [1.0, 1.5], [0.999]),
    ],
)
def test_inputs_end_where_they_lose_their_meaning(
    section: str, others: dict[str, Any], names: str, allowed: list[float], refused: list[float]
) -> None:
    method = {"method": section, "rental": None} if section in ("owning", "amortized") else {}
    for name in names.split():
        for value in allowed:
            given = _run(**method, **{section: {**others, name: value}})
            assert given.get(f"{section}.{name}") == value
        for value in refused:
            with pytest.raises(DomainError, match=rf"{section}\.{name}: value {value:g} is outside"):
                _run(**method, **{section: {**others, name: value}})


@pytest.mark.published
def test_what_is_not_given_is_what_its_source_says() -> None:
    """arXiv 2405.21015: 0.14 orders of magnitude a year, 19 % network, PUE 1.25, 1.2 to 4 times the final run."""
    run = _run(method="amortized", rental=None, amortized=AMORTIZED, development={}, power={}, reliability=RELIABLE)
    assert run.get("amortized.decline_rate") == pytest.approx(0.14 * 2.302585092994046, rel=1e-15)
    assert run.get("amortized.network_share") == 0.19
    assert run.get("power.pue") == 1.25
    multiple = run.get("development.experiments_multiplier")
    assert multiple.ppf(np.array([0.05, 0.95])) == pytest.approx([1.2, 4.0], rel=0.05)  # of those not below one
    assert multiple.ppf(np.array([0.0])) >= 1.0
    assert run.get("reliability.repair_time") == 24.0  # a day
    assert run.reliability is not None and run.reliability.node_size == 8  # accelerators of a DGX


@pytest.mark.contract
def test_an_ensemble_is_each_draw_alone() -> None:
    scenario = _run(
        mfu={"dist": "pert", "low": 0.3, "mode": 0.39, "high": 0.45},
        reliability={**RELIABLE, "restart_time": {"dist": "uniform", "low": 0.05, "high": 0.3}},
        development={},
    )
    design = Design.random(scenario, 5, rng=0)
    together = train(scenario.resolve(design))
    assert together.draws == 5
    ranks = design.ranks()
    for draw in range(5):
        values = {path: float(scenario.get(path).ppf(ranks[path][draw])) for path in design.paths}  # type: ignore[union-attr]
        alone = train(scenario.replace(values).resolve())
        assert alone.programme_cost == together.programme_cost[draw]
        assert alone.wall_clock == together.wall_clock[draw]


@pytest.mark.contract
def test_utilisation_is_predicted_where_it_is_not_given() -> None:
    scenario = TrainingRun(
        name="Llama",
        accelerator="H100-SXM",
        accelerators=16_384.0,
        tokens="15.6 Ttoken",
        prediction={
            "architecture": "Llama-3.1-405B",
            "sequence": 8192,
            "batch": 2048,
            "scale_out_bandwidth": "400 Gbit/s",
        },
        method="rental",
        rental={"price": 2.0},
    )
    result = train(scenario.resolve())
    assert 0.38 < result.mfu < 0.50
    assert result.flop == pytest.approx(3.8e25, rel=0.06)  # attention included; the paper's figure is 6ND
    held = train(scenario.replace({"prediction.layout": {"tensor": 8, "pipeline": 16, "context": 1}}).resolve())
    assert 0.38 < held.mfu < result.mfu  # the published degrees
    capped = train(scenario.replace({"prediction.clock": 0.8, "prediction.memory_bandwidth": "2.4 TB/s"}).resolve())
    assert 0.75 * result.mfu < capped.mfu < 0.9 * result.mfu  # against the peak that is sold
    assert result.basis("mfu") == ("predicted by the recipe 'pooled', fitted on Nemotron-4 340B, one run; spread 0.065")
    old = train(scenario.replace({"prediction.framework": "Megatron-LM 2021"}).resolve())
    assert "vTrain" in str(old.basis("productive_hours"))
    assert old.mfu < result.mfu
    frozen = train(scenario.replace({"prediction.frozen": True}).resolve())
    assert frozen.flop == pytest.approx(result.flop * 2 / 3, rel=0.03)  # attention still needs its backward pass
    assert frozen.productive_hours < result.productive_hours
    slow = train(scenario.replace({"prediction.step_time_factor": 1.25}).resolve())
    assert slow.mfu == pytest.approx(result.mfu / 1.25, rel=1e-9)  # the default has its median at 1
    drawn = train(scenario.resolve(Design.random(scenario, 200, rng=0)))
    assert np.std(np.log(drawn.mfu)) == pytest.approx(0.13, abs=0.02)  # the spread of predictions that were not fitted
    uncertain = scenario.replace({"accelerators": {"dist": "uniform", "low": 8e3, "high": 16e3}})
    with pytest.raises(ScenarioError, match="one cluster"):
        train(uncertain.resolve(Design.random(uncertain, 3, rng=0)))


@pytest.mark.published
def test_a_shape_of_ones_own_is_predicted() -> None:
    """32 layers, 4,096 wide, 6.66 B parameters, 8 H100, 2,048 tokens: 10,643 token/s per GPU were measured.

    Measured by MosaicML with LLM Foundry (llm-foundry, scripts/train/benchmarking/README.md, MPT 7B on H100), whose
    factors are fitted on its other models, from 760 M to 70 B; without a named framework the prediction is 24 % faster.
    """
    own = {
        "layers": 32,
        "d_model": 4096,
        "heads": 32,
        "kv_heads": 32,
        "head_dim": 128,
        "d_ff": 16384,
        "mlp_matrices": 2,
        "vocabulary": 50432,
        "tied_embeddings": True,
    }
    prediction = {"architecture": "mine", "own_shape": own, "sequence": 2048, "batch": 48, "scale_out_bandwidth": 5e10}
    run = TrainingRun(
        name="own",
        tokens="1 Ttoken",
        accelerator="H100-SXM",
        accelerators=8.0,
        method="rental",
        rental={"price": 2.0},
        prediction=prediction,
    )

    def rate(scenario: TrainingRun) -> float:
        return 1e12 / (float(train(scenario.resolve()).productive_hours) * 3600)

    assert rate(run) / 10_643 == pytest.approx(1.24, abs=0.02)
    foundry = run.replace({"prediction.framework": "LLM Foundry", "prediction.layout": {"sharding": 3}})
    assert rate(foundry) == pytest.approx(10_643, rel=0.05)
    for known in ({"layers": 32, "d_model": 4096, "parameters": 6.66e9}, {"parameters": 6.66e9}):
        sized = foundry.replace({"prediction.own_shape": known})
        (note,) = train(sized.resolve()).remarks
        assert "taken from parameters = 6.66e+09" in note
        assert rate(sized) == pytest.approx(10_643, rel=0.05)
        assert type(run).from_toml(sized.to_toml()) == sized
    (said,) = train(run.resolve()).remarks
    assert said.startswith("prediction.framework is not given: the pooled record is used; measured frameworks are ")
    assert "LLM Foundry" in said
    assert train(foundry.resolve()).remarks == ()
    capped = run.replace({"prediction.clock": 0.85, "prediction.memory_bandwidth": 2.4e12})
    assert rate(capped) < 0.9 * rate(run)
    config = {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32}
    config |= {"num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256}
    published = run.replace({"prediction.own_shape": config})
    named = run.replace({"prediction.own_shape": None, "prediction.architecture": "Llama-3-8B"})
    table = run.replace({"prediction.own_shape": None, "prediction.architecture": config})
    assert train(table.resolve()).mfu == train(published.resolve()).mfu
    assert rate(published) == pytest.approx(rate(named), rel=1e-12)
    assert type(run).from_toml(published.to_toml()) == published
    for wrong in ({"layers": "32"}, {"layers": 32.5}, {"layers": float("nan")}, {"layers": True}):
        with pytest.raises(DomainError, match="layers"):
            train(run.replace({"prediction.own_shape": {**own, **wrong}}).resolve())
    with pytest.raises(DomainError, match="missing d_model, heads, vocabulary, or parameters"):
        train(run.replace({"prediction.own_shape": {"layers": 32}}).resolve())


FOUNDRY = [
    # layers, width, heads, tokens of a sequence, sequences, token/s per accelerator of eight H100 (MosaicML, MPT
    # training benchmarks of llm-foundry, H100 80GB BF16, without recomputation): 3 B at two lengths, 1 B
    (32, 2560, 20, 1024, 960, 27_046),
    (32, 2560, 20, 8192, 144, 16_578),
    (24, 2048, 16, 2048, 112, 45_455),
]


@pytest.mark.published
@pytest.mark.parametrize("row", FOUNDRY)
def test_other_models_of_the_same_framework(row: tuple[int, ...]) -> None:
    layers, width, heads, sequence, batch, measured = row
    own = {"layers": layers, "d_model": width, "heads": heads, "kv_heads": heads, "head_dim": width // heads}
    own |= {"d_ff": 4 * width, "mlp_matrices": 2, "vocabulary": 50368, "tied_embeddings": True, "positions": sequence}
    prediction = {"architecture": "mine", "own_shape": own, "sequence": sequence, "batch": batch}
    prediction |= {"framework": "LLM Foundry", "scale_out_bandwidth": 5e10, "layout": {"sharding": 3}}
    run = TrainingRun(
        name="own",
        tokens="1 Ttoken",
        accelerator="H100-SXM",
        accelerators=8.0,
        method="rental",
        rental={"price": 2.0},
        prediction=prediction,
    )
    found = 1e12 / (float(train(run.resolve()).productive_hours) * 3600)
    assert found == pytest.approx(measured, rel=0.1)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"method": "owning"}, "owning"),
        ({"owning": {"chip": 1.0, "server": 1.0, "network": 1.0, "energy": 1.0}}, "no other"),
        ({"mfu": None}, "one of mfu, accelerator_hours and prediction"),
        ({"parameters": 37e9}, "either parameters"),
        ({"flop_per_token": None}, "either parameters"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ScenarioError, match=named):
        _run(**changes)


@pytest.mark.contract
def test_unknown_entries_are_refused() -> None:
    with pytest.raises(UnknownParameterError, match=r"rental\.prize"):
        _run(rental={"price": 2.0, "prize": 1.0})


@pytest.mark.law
@given(SCENARIOS["training_run"])
def test_a_run_keeps_its_balances(scenario: TrainingRun) -> None:
    result = model_entry("training_run").load()(scenario.resolve())
    assert all(np.isfinite(getattr(result, name)) for name in result.outputs())
    assert result.paid_hours >= result.productive_hours * (1 - 1e-12)
    assert result.mfu <= result.hfu <= result.mfu * 4 / 3 * (1 + 1e-12)
    assert result.programme_cost >= result.run_cost
    assert result.facility_power * result.wall_clock == pytest.approx(result.energy, rel=1e-12)
    assert TrainingRun.from_toml(scenario.to_toml()) == scenario


@pytest.mark.law
@given(SCENARIOS["training_ladder"])
def test_a_ladder_grows_at_its_rates(scenario: TrainingLadder) -> None:
    result = model_entry("training_ladder").load()(scenario.resolve())
    years = len(result.cost)
    assert years == scenario.last_year - scenario.first_year + 1
    steps = np.arange(years)
    assert result.cost == pytest.approx(result.cost[0] * np.exp(scenario.cost_growth * steps), rel=1e-9)
    assert np.all(np.diff(result.passed) > 0)
    at = scenario.cost * np.exp(scenario.cost_growth * (result.passed - scenario.reference_year))
    assert at == pytest.approx(scenario.targets, rel=1e-6)


@pytest.mark.published
def test_the_ladder_passes_a_billion_by_2027() -> None:
    """Cottier et al. (2024): by 2027 the largest runs cost more than 1 billion USD."""
    assert climb(TrainingLadder(name="frontier").resolve()).passed[1] < 2027.0
    paper = TrainingLadder(
        name="paper", cost_growth={"dist": "normal", "p5": float(np.log(2.0)), "p95": float(np.log(2.9))}
    )
    result = climb(paper.resolve(Design.random(paper, 400, rng=0)))
    assert float(np.median(result.passed[1])) == pytest.approx(2027.0, abs=0.2)


@pytest.mark.contract
def test_a_ladder_is_labelled() -> None:
    pytest.importorskip("xarray")
    labelled = climb(TrainingLadder(name="frontier", first_year=2024, last_year=2026).resolve()).to_xarray()
    assert labelled["cost"].sel(year=2025) > labelled["cost"].sel(year=2024)
    assert labelled["passed"].sizes == {"target": 3}


@pytest.mark.closed_form
def test_a_ladder_of_doublings_and_halvings() -> None:
    """From mid-2024: cost doubles, power triples, power per accelerator halves, runs last four times as long a year."""
    ladder = TrainingLadder(
        name="x",
        first_year=2023,
        last_year=2025,
        targets=(5e7, 4e8),
        reference_year=2024.5,
        cost=1e8,
        accelerators=1000.0,
        accelerator_power=800.0,
        duration=100.0,
        cost_growth=float(np.log(2)),
        power_growth=float(np.log(3)),
        accelerator_power_growth=-float(np.log(2)),
        duration_growth=float(np.log(4)),
    )
    found = climb(ladder.resolve())
    assert found.cost == pytest.approx([5e7, 1e8, 2e8], rel=1e-12)
    assert found.power == pytest.approx([8e5 / 3, 8e5, 24e5], rel=1e-12)
    assert found.energy == pytest.approx([8e5 / 3 * 25, 8e5 * 100, 24e5 * 400], rel=1e-12)
    assert found.accelerators == pytest.approx([1000 / 6, 1000, 6000], rel=1e-12)
    assert found.passed == pytest.approx([2023.5, 2026.5], abs=1e-9)
    scattered = climb(ladder.replace({"residual": float(np.log(2))}).resolve())
    assert scattered.cost == pytest.approx([1e8, 2e8, 4e8], rel=1e-12)
    assert scattered.passed == pytest.approx([2022.5, 2025.5], abs=1e-9)


@pytest.mark.published
def test_the_ladder_starts_from_gpt_4_and_grows_as_epoch_found() -> None:
    """GPT-4 by arXiv 2405.21015: 25,000 A100 for 95 days from March 2023; growth of the rerun of July 2025."""
    ladder = TrainingLadder(name="x")
    assert (ladder.get("cost"), ladder.get("accelerators"), ladder.get("duration")) == (40.16e6, 25e3, 95 * 24.0)
    # DGX A100: 6.5 kW for eight chips; 75 % of rated power in training, PUE 1.25
    assert ladder.get("accelerator_power") == pytest.approx(6500 / 8 * 0.75 * 1.25, rel=1e-12)
    for name, low, high in (("cost_growth", 2.40, 3.19), ("power_growth", 2.00, 2.50)):
        assert np.exp(ladder.get(name).ppf(np.array([0.05, 0.95]))) == pytest.approx([low, high], rel=1e-9)
    assert (ladder.get("duration_growth"), ladder.get("residual")) == (0.0, 0.0)
    assert (ladder.first_year, ladder.last_year, ladder.targets) == (2020, 2030, (1e8, 1e9, 1e10))


@pytest.mark.contract
def test_ladders_without_years_or_targets_are_refused() -> None:
    with pytest.raises(ScenarioError, match="last_year"):
        TrainingLadder(name="x", first_year=2030, last_year=2029)
    with pytest.raises(ScenarioError, match="targets"):
        TrainingLadder(name="x", targets=())


FULL = {
    **{name: value for name, value in DEEPSEEK.items() if name != "method" and name != "rental"},
    "peak": 989.4e12,
    "power": {"chip_power": 700.0, "server_factor": 1.8, "power_fraction": 0.75},
    "reliability": {**RELIABLE, "checkpoint_interval": 0.5},
    "development": {
        "experiments_multiplier": 2.0,
        "failed_share": 0.1,
        "post_training_hours": 1e5,
        "reinforcement_hours": 1e5,
        "headcount": 100.0,
        "duration": 1.0,
        "salary": 2e5,
        "overhead_rate": 0.25,
        "equity": 1e5,
        "data_acquisition": 1e6,
        "data_size": 1e15,
        "storage_price": 2.4e-10,
    },
}
METHODS = {
    "rental": {"price": 2.0},
    "owning": {
        "chip": 1.0,
        "server": 0.5,
        "network": 0.3,
        "facility": 0.1,
        "energy": 0.2,
        "operations": 0.1,
    },
    "amortized": {"acquisition_price": 3e4, "years_in_use": 1.0, "energy_price": 8e-5, "server_overhead": 1.64},
}


def _values(scenario: TrainingRun) -> dict[str, float]:
    result = train(scenario.resolve())
    return {name: float(getattr(result, name)) for name in result.outputs()}


@pytest.mark.law
@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_changes_some_output(method: str) -> None:
    scenario = TrainingRun(**FULL, method=method, **{method: METHODS[method]})
    before = _values(scenario)
    for path, value, spec, _ in scenario.walk():
        if value is None:
            continue
        changed = (value + (spec.ge or 0.0)) / 2 if value > 0.0 else 0.5  # half-way to the least allowed value
        assert _values(scenario.replace({path: float(changed)})) != before, path


@pytest.mark.law
def test_every_parameter_of_a_prediction_changes_the_utilisation() -> None:
    prediction = {
        "architecture": "Llama-3-8B",
        "sequence": 8192,
        "batch": 128,
        "scale_out_bandwidth": 5e10,
        "clock": 0.9,
        "memory_bandwidth": 3e12,
        "step_time_factor": 1.1,
    }
    given = {name: value for name, value in FULL.items() if name not in ("mfu", "flop_per_token")}
    scenario = TrainingRun(
        **{**given, "accelerators": 16.0, "accelerator": "H100-SXM", "prediction": prediction},
        method="rental",
        rental=METHODS["rental"],
    )
    before = _values(scenario)["mfu"]
    paths = [path for path, value, _, _ in scenario.walk() if path.startswith("prediction.") and value is not None]
    assert len(paths) == 4
    for path in paths:
        value = float(scenario.get(path))  # type: ignore[arg-type]
        assert _values(scenario.replace({path: value / 2}))["mfu"] != before, path


@pytest.mark.law
@pytest.mark.parametrize("method", METHODS)
def test_another_currency_rescales_what_bears_it_and_nothing_else(method: str) -> None:
    scenario = TrainingRun(**FULL, method=method, **{method: METHODS[method]})
    prices = {path: 2.0 * value for path, value, spec, _ in scenario.walk() if value is not None and "USD" in spec.unit}
    before, after = _values(scenario), _values(scenario.replace(prices))
    units = {name: spec.unit for name, spec in train(scenario.resolve()).outputs().items()}
    for name, value in before.items():
        assert after[name] == pytest.approx(2.0 * value if "USD" in units[name] else value, rel=1e-12), name
