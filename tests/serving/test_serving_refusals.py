"""Deployments that cannot run: the message states its figures, each checked by hand from the records."""

from __future__ import annotations

import re

import pytest

import costmodel
from costmodel.serving import Deployment

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
