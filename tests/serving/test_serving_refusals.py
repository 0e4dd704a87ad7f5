"""Deployments that cannot run: the message states its figures, each checked by hand from the records."""

from __future__ import annotations

import re
from dataclasses import replace
from math import nan

import pytest

import costmodel
from costmodel.serving import Deployment
from costmodel.serving.model import configuration, traffic_of
from costmodel.serving.refusals import _peaks

pytestmark = pytest.mark.closed_form

WORK = {"mean_input": 2000.0, "mean_output": 400.0}


def refused(**changes: object) -> costmodel.Result:
    given: dict[str, object] = {
        "name": "asked", "architecture": "Llama-3.3-70B", "accelerator": "H100-SXM", "precision": "bf16",
        "workload": WORK, "hour_price": 2.0,
    }  # fmt: skip
    return costmodel.run(Deployment(**(given | changes)))


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?(?=[ ;,)])", text)]


def test_weights_that_do_not_fit_say_what_they_need_and_what_there_is():
    result = refused()
    said = result.refusal()
    # 70.55e9 parameters in two bytes each; 81,559 MiB of a card, nine tenths of which the engine plans with
    needed, weights, planned, card = numbers(said.partition("(")[2])
    assert weights == pytest.approx(70.553706496 * 2.0, rel=1e-3)
    assert card == pytest.approx(81_559 * 2**20 / 1e9, rel=0.01)
    assert planned == pytest.approx(0.9 * card, rel=1e-3)
    assert needed > weights
    assert "GB" in said
    assert said.removeprefix("It cannot run: ").removesuffix(".") in str(result.table("reason"))


def test_a_service_says_the_same_as_its_deployment():
    plan = costmodel.load_scenario("token-planner").replace(
        {"serving.precision": "bf16", "serving.layout": {"tensor": 1}}
    )
    result = costmodel.run(plan)
    assert result.refusal().startswith("It cannot run: memory: the weights do not fit")
    assert len(numbers(result.refusal().partition("(")[2])) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layout": {"tensor": 3}}, "asked: tensor 3, expert 1, pipeline 1; the model has 64 heads, 80 layers"),
        ({"layout": {"tensor": 4}, "batch": 100_000.0}, "a batch of 100,000 is asked for; "),
        ({"layout": {"tensor": 2}, "workload": WORK | {"mean_input": 120_000.0}}, "one of mean length needs "),
        ({"layout": {"tensor": 4}, "arrivals": 1000.0}, "1,000 requests a second reach a copy; full, it serves "),
        ({"layout": {"tensor": 4}, "max_time_per_output_token": 1e-3}, " s per output token where 0.001 s is asked"),
        ({"layout": {"tensor": 8}, "accelerator": "MI455X"}, "no bandwidth within a domain of 72 is on record"),
        (
            {"mode": "disaggregated", "layout": {"tensor": 8}, "prefill_layout": {"tensor": 1}, "concurrency": 8.0,
             "prefill_copies": 1.0, "decode_copies": 1.0},
            "141.1 GB of them weights",
        ),
    ],
)  # fmt: skip
def test_every_reason_comes_with_its_figures(changes, words):
    assert words in refused(**changes).refusal()


def test_a_cache_needs_what_its_tokens_take():
    # 120,200 tokens on average, 80 layers with 8 heads of 128, keys and values in two bytes, over two accelerators
    needed = numbers(
        refused(layout={"tensor": 2}, cache_precision="bf16", workload=WORK | {"mean_input": 120_000.0}).refusal()
    )[0]
    assert needed == pytest.approx(120_200 * 80 * 2 * 8 * 128 * 2 / 2 / 1e9, rel=0.01)


def test_of_draws_the_share_that_fails_is_said_and_the_figures_are_of_those():
    low, high = 200.0, 800.0
    batch = {"dist": "uniform", "low": low, "high": high}
    scenario = Deployment(
        name="asked", architecture="Llama-3.3-70B", accelerator="H100-SXM", precision="bf16", workload=WORK,
        hour_price=2.0, layout={"tensor": 4}, batch=batch,
    )  # fmt: skip
    result = costmodel.run(scenario, draws=200, rng=0)
    failed = int(result.infeasible.sum())
    assert 0 < failed < 200
    assert f"It cannot run in {failed} of 200 draws: memory: the caches" in result.refusal()
    asked, fit = numbers(result.refusal().partition("(")[2])
    assert low < fit < asked < high


def test_rates_that_are_not_on_record_are_named_by_part():
    scenario = Deployment(
        name="asked", architecture="Llama-3.3-70B", accelerator="H100-SXM", workload=WORK, hour_price=2.0
    ).resolve()
    what = configuration(scenario)
    unknown = replace(what.machine, dense=replace(what.machine.dense, peak=nan), scores_peak=nan)
    lacking = replace(what, machine=unknown)
    said = _peaks(scenario, lacking, traffic_of(scenario), str)
    assert said == "no rate of H100-SXM is on record for: dense, scores"
    plain = replace(what, machine=replace(what.machine, head=replace(what.machine.head, peak=nan)))
    assert _peaks(scenario, plain, traffic_of(scenario), str).endswith("for: head")


def test_a_share_of_busy_hours_replaces_the_shape_of_the_day():
    given: dict[str, object] = {
        "name": "asked", "architecture": "Llama-3-8B", "accelerator": "H100-SXM", "workload": WORK, "hour_price": 2.0,
    }  # fmt: skip
    day = {"peak_to_average": 1.25, "headroom": 0.6}
    full, half, shaped = (
        costmodel.run(Deployment(**given, load=load)) for load in ({}, {"utilisation": 0.5, **day}, day)
    )
    assert (full.utilisation, half.utilisation, shaped.utilisation) == (1.0, 0.5, pytest.approx(1 / (1.6 * 1.25)))
    assert half.output_cost == pytest.approx(2.0 * full.output_cost, rel=1e-12)
    assert half.reasons == () and full.refusal() == ""
    assert full.request_cost == pytest.approx(2400 * full.blended_cost, rel=1e-12)
    assert full.user_speed == pytest.approx(1.0 / full.time_per_output_token, rel=1e-12)


def test_what_cannot_be_divided_is_told_to_the_end():
    assert refused(layout={"tensor": 3}).refusal().endswith("; the model has 64 heads, 80 layers).")
    experts = refused(architecture="DeepSeek-V3", precision="fp8", layout={"tensor": 3}, batch=4.0).refusal()
    assert experts.endswith(
        "(asked: tensor 3, expert 1, pipeline 1, batch 4; the model has 128 heads, 61 layers, 256 experts)."
    )
