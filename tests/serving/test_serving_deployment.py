"""The scenario `deployment` and its result."""

import numpy as np
import pytest
from hypothesis import given

from costmodel.compute import shape
from costmodel.foundation.design import Design
from costmodel.foundation.errors import CatalogError, CostModelError, DomainError, UnknownParameterError
from costmodel.foundation.running import run_model
from costmodel.foundation.scenario import model_entry
from costmodel.serving import REASONS, Deployment, deploy, profile, serve, with_recorded_shares
from costmodel.serving.model import configuration, traffic_of
from costmodel.testing.serving import deployments

CHAT = Deployment(
    name="chat",
    architecture="Llama-3.3-70B",
    accelerator="H100-SXM",
    layout={"tensor": 4},
    workload={"mean_input": 2000.0, "mean_output": 400.0, "variation_output": 0.8},
    hour_price="2 USD/hour",
)


@pytest.mark.contract
def test_the_model_is_registered():
    entry = model_entry("deployment")
    assert entry.scenario is Deployment
    assert entry.load() is deploy


@pytest.mark.closed_form
def test_costs_follow_from_time_price_and_utilisation():
    busy = CHAT.replace({"batch": 32.0, "load.peak_to_average": 1.25, "energy.power": 1000.0, "energy.pue": 1.5})
    resolved = busy.resolve()
    result = deploy(resolved)
    served = serve(configuration(resolved), traffic_of(resolved), 32.0)
    assert result.utilisation == pytest.approx(0.8)
    assert result.output_cost == pytest.approx(2.0 * served.output_seconds / 3600 / 0.8)
    assert result.input_cost == pytest.approx(2.0 * served.input_seconds / 3600 / 0.8)
    # a request costs what its accelerator time costs
    assert result.request_cost == pytest.approx(2.0 / 3600 / 0.8 / served.requests_per_second)
    assert result.blended_cost == pytest.approx(2.0 / 3600 / 0.8 / served.tokens_per_second)
    mean_power = 1000 * (0.8 + 0.3 * 0.2) * 1.5
    assert result.energy == pytest.approx(mean_power / (0.8 * served.tokens_per_second * 3600))


@pytest.mark.contract
def test_every_cost_carries_its_basis():
    owned = CHAT.replace({"price_kind": "owned", "depreciation": "economic"})
    result = deploy(owned.resolve())
    assert str(result.basis("blended_cost")) == (
        "per blended token, prefill and decode, idle hours in, owned price, economic depreciation"
    )
    for name, spec in result.outputs().items():
        assert (spec.unit == "USD/token") == (name.endswith("_cost") and name != "request_cost")
        if spec.unit in ("USD/token", "Wh/token"):
            assert spec.basis


@pytest.mark.contract
def test_an_infeasible_deployment_says_why_and_gives_no_number():
    small = deploy(CHAT.replace({"layout.tensor": 1, "precision": "bf16"}).resolve())
    assert [reason.partition(" (")[0] for reason in small.reasons] == [REASONS[4]]
    assert "of them weights" in small.reasons[0]
    assert np.isnan(small.output_cost)
    slow = deploy(CHAT.replace({"max_time_per_output_token": 1e-4}).resolve())
    assert [reason.partition(" (")[0] for reason in slow.reasons] == [REASONS[6]]
    assert deploy(CHAT.resolve()).reasons == ()


@pytest.mark.law
def test_an_ensemble_equals_its_draws():
    uncertain = CHAT.replace(
        {
            "hour_price": {"dist": "lognormal", "p5": 1.0, "p95": 4.0},
            "workload.mean_input": {"dist": "uniform", "low": 500.0, "high": 4000.0},
            "max_time_per_output_token": 0.05,
        }
    )
    assert set(uncertain.uncertain_paths()) == {"hour_price", "workload.mean_input", "engine.deviation"}
    drawn = uncertain.resolve(Design.random(uncertain, draws=6, rng=0))
    result = deploy(drawn)
    assert result.draws == 6
    for index in range(6):
        alone = deploy(
            uncertain.replace(
                {
                    path: float(value[index])
                    for path, value in (
                        ("hour_price", drawn.hour_price),
                        ("workload.mean_input", drawn.workload.mean_input),
                        ("engine.deviation", drawn.engine.deviation),
                    )
                }
            ).resolve()
        )
        for name in result.outputs():
            assert result[name][index] == alone[name]


@pytest.mark.contract
def test_an_installation_lies_around_its_profile_by_default():
    assert CHAT.uncertain_paths() == ("engine.deviation",)
    assert CHAT.resolve().engine.deviation == pytest.approx(1.0)
    lower, upper = CHAT.engine.deviation.ppf(np.array([0.1, 0.9]))
    factor = np.exp(1.2815515655446004 * profile().spread)
    assert (lower, upper) == (pytest.approx(1 / factor), pytest.approx(factor))


@pytest.mark.closed_form
def test_an_engine_is_its_profile_and_what_is_written_goes_before_it():
    fast, slow = (deploy(CHAT.replace({"engine.name": name, "batch": 16.0}).resolve()) for name in ("trtllm", "sglang"))
    assert fast.time_per_output_token < slow.time_per_output_token
    written = {"prefill_factor": 2.0, "decode_factor": 2.0, "host_time": 0.0, "launch_time": 0.0}
    once, twice = (
        deploy(CHAT.replace({f"engine.{name}": value * factor for name, value in written.items()}).resolve())
        for factor in (0.5, 1.0)
    )
    # every time doubles with both factors and no host; the first token also with its own
    assert twice.blended_cost == pytest.approx(2 * once.blended_cost)
    deviating = deploy(
        CHAT.replace({f"engine.{n}": v for n, v in written.items()} | {"engine.deviation": 1.5}).resolve()
    )
    assert deviating.blended_cost == pytest.approx(1.5 * twice.blended_cost)


@pytest.mark.contract
def test_a_scenario_survives_toml():
    again = Deployment.from_toml(CHAT.to_toml())
    assert again.written() == CHAT.written()
    assert deploy(again.resolve()).output_cost == deploy(CHAT.resolve()).output_cost


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"workload.mean_inputs": 1.0}, UnknownParameterError, "mean_input"),
        ({"hour_price": -1.0}, DomainError, "hour_price"),
        ({"workload.cached_share": 1.0}, DomainError, "cached_share"),
        ({"engine.deviation": 0.0}, DomainError, "deviation"),
        ({"hour_price": "2 USD"}, CostModelError, "USD/hour"),
        ({"layout.tensor": 0}, CostModelError, "tensor"),
        ({"mode": "chunk"}, CostModelError, "mode"),
    ],
)
def test_what_is_not_allowed_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        CHAT.replace(changes)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("section", "names", "allowed", "refused"),
    [
        # shares and probabilities: none and all of it, where either can be meant
        ("layout", "overlap", [0.0, 1.0], [-0.001, 1.001]),
        ("load", "elastic_share", [0.0, 1.0], [-0.001, 1.001]),
        ("energy", "idle_share", [0.0, 1.0], [-0.001, 1.001]),
        ("draft", "acceptance", [0.0, 1.0], [-0.001, 1.001]),
        ("workload", "correlation", [-1.0, 1.0], [-1.001, 1.001]),
        ("workload", "cached_share", [0.0, 0.999], [-0.001, 1.0]),
        ("load", "utilisation", [0.001, 1.0], [0.0, 1.001]),
        ("engine", "compute_share attention_share memory_share", [0.001, 1.0], [0.0, 1.001]),
        ("engine", "memory_use", [0.001, 0.999], [0.0, 1.0]),
        # amounts: none, or a part of one
        ("load", "headroom", [0.0, 0.5], [-0.001]),
        ("draft", "tokens cost", [0.0, 0.5], [-0.001]),
        ("workload", "variation_input variation_output", [0.0, 0.5], [-0.001]),
        ("engine", "margin host_time launch_time held_steps", [0.0, 0.5], [-0.001]),
        # what a time or a rate is divided by: more than none
        ("workload", "mean_input mean_output", [0.5], [0.0]),
        ("engine", "prefill_factor decode_factor deviation", [0.5], [0.0]),
        ("chip", "peak attention_peak bandwidth scale_up_bandwidth scale_out_bandwidth", [1e12], [0.0]),
        ("", "chunk max_time_to_first_token max_time_per_output_token arrivals", [0.5], [0.0]),
        # multiples of, and numbers of, what is there
        ("load", "peak_to_average", [1.0, 1.5], [0.999]),
        ("energy", "pue", [1.0, 1.5], [0.999]),
        ("chip", "scale_up_domain", [1.0], [0.999]),
        ("", "batch concurrency max_batch", [1.0], [0.999]),
    ],
)
def test_inputs_end_where_they_lose_their_meaning(section, names, allowed, refused):
    for name in names.split():
        path = f"{section}.{name}" if section else name
        for value in allowed:
            assert CHAT.replace({path: value}).get(path) == value
        for value in refused:
            with pytest.raises(DomainError, match=rf"{name}: value {value:g} is outside"):
                CHAT.replace({path: value})


@pytest.mark.contract
def test_counts_start_at_one():
    for name in ("tensor", "expert", "pipeline", "micro_batches", "dimensions"):
        assert getattr(CHAT.replace({f"layout.{name}": 1}).layout, name) == 1
        with pytest.raises(CostModelError, match=name):
            CHAT.replace({f"layout.{name}": 0})
    assert CHAT.replace({"layout.dimensions": 2}).layout.dimensions == 2
    with pytest.raises(CostModelError, match="dimensions"):
        CHAT.replace({"layout.dimensions": 3})


@pytest.mark.contract
def test_what_is_not_given_is_absent_or_as_documented():
    """Nothing overlaps, varies, is cached, drafted or spare; the figures left have their source beside them."""
    none = (
        "layout.overlap workload.variation_input workload.correlation workload.cached_share load.headroom "
        "load.elastic_share draft.tokens draft.acceptance draft.cost engine.held_steps"
    )
    assert {name: CHAT.get(name) for name in none.split()} == dict.fromkeys(none.split(), 0.0)
    assert CHAT.get("load.peak_to_average") == 1.0
    assert CHAT.layout.expert == CHAT.layout.pipeline == CHAT.layout.micro_batches == CHAT.layout.dimensions == 1
    assert CHAT.get("chip.scale_out_bandwidth") == 400e9 / 8  # DGX H100 data sheet: 400 Gb/s an adapter
    assert CHAT.get("engine.memory_use") == 0.9  # vLLM: --gpu-memory-utilization
    assert CHAT.get("chunk") == 8192.0  # vLLM: --max-num-batched-tokens of its server
    assert (CHAT.get("energy.idle_share"), CHAT.get("energy.pue"), CHAT.get("engine.margin")) == (0.3, 1.2, 2.0)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"concurrency": 8.0, "mode": "disaggregated", "prefill_copies": 2.0, "decode_copies": 2.0}, None),
        ({"concurrency": 8.0, "prefill_copies": 2.0}, "prefill_copies is given"),
        ({"mode": "disaggregated", "decode_copies": 2.0}, "decode_copies is given"),
        ({"concurrency": 8.0, "requests": 80.0}, None),
        ({"requests": 80.0}, "requests is given without concurrency"),
        ({"arrivals": 1.0}, None),
        ({"arrivals": 1.0, "mode": "disaggregated"}, "arrivals needs copies that read and decode"),
        ({"batch": 8.0, "concurrency": 8.0}, "batch and concurrency"),
        ({"batch": 8.0, "arrivals": 1.0}, "batch and arrivals"),
    ],
)
def test_what_sets_the_load_is_given_once_and_where_it_counts(given, refused):
    if refused is None:
        assert CHAT.replace(given).mode == given.get("mode", "interleaved")
    else:
        with pytest.raises(CostModelError, match=refused):
            CHAT.replace(given)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "Llama-3-71B"}, "Llama-3-70B"),
        ({"accelerator": "H100"}, "H100-SXM"),
    ],
)
def test_a_missing_record_is_named(changes, message):
    with pytest.raises(CatalogError, match=message):
        deploy(CHAT.replace(changes).resolve())


@pytest.mark.law
@given(scenario=deployments())
def test_currency_rescales_costs_alone(scenario):
    once, twice = (
        deploy(scenario.resolve()),
        deploy(scenario.replace({"hour_price": 2 * scenario.hour_price}).resolve()),
    )
    for name, spec in once.outputs().items():
        factor = 2.0 if spec.unit.startswith("USD") else 1.0
        np.testing.assert_allclose(twice[name], factor * once[name], rtol=1e-12)


@pytest.mark.contract
def test_it_becomes_a_table():
    pytest.importorskip("xarray")
    data = deploy(CHAT.resolve()).to_xarray()
    assert data["output_cost"].attrs["units"] == "USD/token"


@pytest.mark.closed_form
def test_measured_rows_replace_throughput_and_keep_the_split():
    rows = [
        {"tokens_per_second": 2568.0, "user_speed": 20.0, "time_to_first_token": 1.5},
        {"tokens_per_second": 900.0, "user_speed": 60.0},
    ]
    plain, result = deploy(CHAT.resolve()), deploy(CHAT.replace({"measured": rows}).resolve())
    assert result.tokens_per_second == pytest.approx(2568)
    assert result.blended_cost == pytest.approx(2.0 / 3600 / 2568)
    assert result.output_cost / result.input_cost == pytest.approx(plain.output_cost / plain.input_cost)
    assert result.time_to_first_token == 1.5
    fast = deploy(CHAT.replace({"measured": rows, "max_time_per_output_token": 1 / 60}).resolve())
    assert fast.tokens_per_second == pytest.approx(900)
    assert fast.user_speed == pytest.approx(60)
    beyond = deploy(CHAT.replace({"measured": rows, "max_time_per_output_token": 1 / 61}).resolve())
    assert [reason.partition(" (")[0] for reason in beyond.reasons] == [REASONS[6]]
    assert np.isnan(beyond.tokens_per_second)


@pytest.mark.closed_form
def test_a_chip_and_a_shape_of_ones_own():
    wide = CHAT.replace({"chip.bandwidth": 2 * 3.35e12, "batch": 4.0})
    plain = CHAT.replace({"batch": 4.0})
    # a small batch is bound by memory, and by kernels' fixed times: twice the bandwidth spares the former alone
    faster, usual = deploy(wide.resolve()), deploy(plain.resolve())
    assert 0.5 * usual.output_cost < faster.output_cost < 0.85 * usual.output_cost
    llama = shape("Llama-3-70B")
    fields = ("layers", "d_model", "heads", "kv_heads", "head_dim", "vocabulary", "d_ff")
    own = plain.replace({"architecture": "mine", "own_shape": {name: getattr(llama, name) for name in fields}})
    assert deploy(own.resolve()).output_cost == usual.output_cost
    assert Deployment.from_toml(own.to_toml()).own_shape == own.own_shape


@pytest.mark.contract
def test_a_result_carries_the_written_scenario_and_its_design():
    design = Design.random(CHAT, draws=4, rng=0)
    result = run_model(deploy, CHAT, design=design)
    assert result.scenario is CHAT
    assert result.design is design
    assert result.infeasible.dtype == bool
    assert not result.infeasible.any()
    assert deploy(CHAT.replace({"layout.tensor": 3}).resolve()).infeasible


@pytest.mark.contract
def test_recorded_shares_come_with_range_and_source():
    uncertain = with_recorded_shares(CHAT.replace({"engine.memory_share": 0.8}))
    assert uncertain.uncertain_paths() == ("engine.compute_share", "engine.attention_share", "engine.deviation")
    evidence = {row.path: row for row in uncertain.sources()}
    assert evidence["engine.compute_share"].source is not None
    assert evidence["engine.compute_share"].grade == "published"
    drawn = deploy(uncertain.resolve(Design.random(uncertain, draws=50, rng=0)))
    assert drawn.draws == 50
    assert np.all(np.isfinite(drawn.output_cost))
    assert Deployment.from_toml(uncertain.to_toml()).written() == uncertain.written()


@pytest.mark.contract
def test_a_deployment_says_what_it_rests_on_and_leaves_out():
    assert "H100" in CHAT.calibrated[0]
    assert any("waiting" in text for text in CHAT.not_modelled)


@pytest.mark.contract
def test_what_stands_in_for_something_else_is_said():
    assert deploy(CHAT.resolve()).remarks == ()
    other = CHAT.replace({"engine.name": "lmdeploy", "precision": "nvfp4"})
    remarks = deploy(other.resolve()).remarks
    assert any("stored as nvfp4, multiplied as bf16" in remark for remark in remarks)
    assert any(remark.startswith("no profile of the engine 'lmdeploy'") for remark in remarks)


@pytest.mark.contract
def test_copies_that_are_not_given_are_one_each():
    base = CHAT.replace({"mode": "disaggregated", "concurrency": 64.0})
    one = deploy(base.replace({"prefill_copies": 1.0, "decode_copies": 1.0}).resolve())
    absent, two = deploy(base.resolve()), deploy(base.replace({"prefill_copies": 2.0}).resolve())
    assert absent.output_cost == one.output_cost and absent.time_to_first_token == one.time_to_first_token
    assert two.time_to_first_token < one.time_to_first_token
