"""Parallelism: pipeline, overlap and update in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.training import parallelism

pytestmark = pytest.mark.closed_form

_MODULE = "costmodel.training.parallelism"


def _simulated_pipeline(stage_time: float, stages: int, microbatches: int) -> float:
    """Simulate a one-forward-one-backward pipeline: the finish time of every task from its dependencies."""
    forward = stage_time / 3.0
    backward = 2.0 * stage_time / 3.0
    done: dict[tuple[str, int, int], float] = {}
    orders = []
    for stage in range(stages):
        warm = min(stages - stage - 1, microbatches)
        order = [("f", i) for i in range(warm)]
        for i in range(microbatches - warm):
            order += [("f", warm + i), ("b", i)]
        orders.append(order + [("b", i) for i in range(microbatches - warm, microbatches)])
    clock, position = [0.0] * stages, [0] * stages
    while any(position[s] < len(orders[s]) for s in range(stages)):
        for stage in range(stages):
            while position[stage] < len(orders[stage]):
                kind, i = orders[stage][position[stage]]
                neighbour = stage - 1 if kind == "f" else stage + 1
                needs = (kind, neighbour, i) if 0 <= neighbour < stages else None
                if needs is not None and needs not in done:
                    break
                start = max(clock[stage], done[needs] if needs else 0.0)
                clock[stage] = done[(kind, stage, i)] = start + (forward if kind == "f" else backward)
                position[stage] += 1
    return max(clock)


@pytest.mark.reference(f"{_MODULE}:microbatches_per_step")
def test_microbatches() -> None:
    assert parallelism.microbatches_per_step(2048.0, 64.0, 2.0) == 2048 / 64 / 2


@pytest.mark.reference(f"{_MODULE}:pipeline_bubble_share")
@pytest.mark.parametrize(("stages", "microbatches"), [(1, 5), (4, 4), (4, 16), (8, 9)])
def test_pipeline_time_is_what_playing_the_schedule_gives(stages: int, microbatches: int) -> None:
    played = _simulated_pipeline(0.9, stages, microbatches)
    bubble = parallelism.pipeline_bubble_share(stages, microbatches, 1.0)
    assert microbatches * 0.9 * (1 + bubble) == pytest.approx(played, rel=1e-12)
    assert bubble == pytest.approx((stages - 1) / microbatches, rel=1e-15)
    assert parallelism.pipeline_bubble_share(stages, microbatches, 4.0) == pytest.approx(bubble / 4, rel=1e-15)


@pytest.mark.reference(f"{_MODULE}:stage_layers")
def test_stage_layers_are_whole_chunks() -> None:
    assert parallelism.stage_layers(126.0, 16.0, 1.0) == 8
    assert parallelism.stage_layers(126.0, 16.0, 3.0) == 9
    assert parallelism.stage_layers(96.0, 8.0, 6.0) == 12


@pytest.mark.reference(f"{_MODULE}:slowest_stage_time")
def test_spare_places_take_the_output_layer() -> None:
    # 126 layers on 16 stages of 8: two places to spare, of which the output takes one
    assert parallelism.slowest_stage_time(1.0, 0.9, 126.0, 16.0, 1.0) == 8.0
    # without a place to spare the last stage has it on top
    assert parallelism.slowest_stage_time(1.0, 0.9, 128.0, 16.0, 1.0) == pytest.approx(8.9, rel=1e-15)
    # an output worth 1.8 layers of half a second takes both places
    assert parallelism.slowest_stage_time(0.5, 0.9, 126.0, 16.0, 1.0) == pytest.approx(8 * 0.5, rel=1e-15)
    assert parallelism.slowest_stage_time(0.5, 1.9, 126.0, 16.0, 1.0) == pytest.approx((8 - 2) * 0.5 + 1.9, rel=1e-15)
    assert parallelism.slowest_stage_time(0.5, 0.4, 124.0, 16.0, 1.0) == pytest.approx(8 * 0.5, rel=1e-15)
    # an output worth 3.5 layers finds two places only
    assert parallelism.slowest_stage_time(1.0, 3.5, 126.0, 16.0, 1.0) == pytest.approx(8 - 2 + 3.5, rel=1e-15)


@pytest.mark.reference(f"{_MODULE}:pipeline_layers_in_flight")
def test_layers_in_flight() -> None:
    assert parallelism.pipeline_layers_in_flight(8.0, 16.0, 4.0, 1.0) == 8 * 4
    assert parallelism.pipeline_layers_in_flight(8.0, 16.0, 64.0, 1.0) == 8 * 16
    # Korthikanti et al.: interleaving multiplies it by 1 + (p-1)/(p·v)
    assert parallelism.pipeline_layers_in_flight(12.0, 8.0, 64.0, 3.0) == pytest.approx(
        12 * 8 * (1 + 7 / (8 * 3)), rel=1e-14
    )


@pytest.mark.reference(f"{_MODULE}:exposed_time")
def test_only_what_is_not_covered_counts() -> None:
    assert parallelism.exposed_time(np.array([1.0, 3.0]), 2.0).tolist() == [0.0, 1.0]


@pytest.mark.reference(f"{_MODULE}:optimizer_time")
def test_update_moves_its_state_once() -> None:
    assert parallelism.optimizer_time(1e9, 30.0, 3e12, 0.5) == pytest.approx(1e9 * 30 / 1.5e12, rel=1e-15)
