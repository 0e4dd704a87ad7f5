"""Bounds, defaults and constants of the serving room, each read again from what it means or where it is from."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields
from math import inf, isnan
from statistics import NormalDist
from typing import Any

import pytest
from annotated_types import Ge, Gt, Le, Lt
from tests.default_numbers import default_numbers, kept_results

from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.inputs import Inputs
from costmodel.serving import (
    AgentTask,
    Deployment,
    Front,
    best_configurations,
    blocks,
    calibration,
    configuration,
    configuration_of,
    deployment,
    engines,
    load,
    measured,
    memory,
    pareto_front,
    records,
    refusals,
    run_task,
    speculative,
    targets,
    task,
    throughput,
)
from costmodel.serving.reserve import ELEMENT_BYTES, FOUR_BITS, RESIDUAL_COPIES, Reserve

SHARES = """
    LayoutInputs.overlap LoadInputs.elastic_share DraftInputs.acceptance EnergyInputs.idle_share AgentTask.hit_share
"""
"""Parts of a whole: none and all are allowed."""
DIVISORS = """
    LoadInputs.utilisation EngineInputs.compute_share EngineInputs.attention_share EngineInputs.memory_share
    AgentTask.success
"""
"""Parts that something is divided by: not none."""
POSITIVE = """
    WorkloadInputs.mean_input WorkloadInputs.mean_output EngineInputs.prefill_factor EngineInputs.decode_factor
    EngineInputs.deviation ChipInputs.peak ChipInputs.attention_peak ChipInputs.bandwidth ChipInputs.memory
    ChipInputs.scale_up_bandwidth ChipInputs.scale_out_bandwidth EnergyInputs.power MeasuredRow.tokens_per_second
    MeasuredRow.user_speed MeasuredRow.time_to_first_token ServingInputs.chunk ServingInputs.arrivals
    ServingInputs.max_time_to_first_token ServingInputs.max_time_per_output_token
"""
"""What something is divided by, or whose logarithm is taken."""
COUNTED = """
    LayoutInputs.tensor LayoutInputs.expert LayoutInputs.pipeline LayoutInputs.micro_batches LoadInputs.peak_to_average
    ChipInputs.scale_up_domain EnergyInputs.pue ServingInputs.batch ServingInputs.concurrency ServingInputs.requests
    ServingInputs.prefill_copies ServingInputs.decode_copies ServingInputs.max_batch AgentTask.agents AgentTask.steps
"""
"""Counts of what there is, and wholes over their part."""
BOUNDS = {
    **dict.fromkeys(SHARES.split(), "≥ 0 and ≤ 1"),
    **dict.fromkeys(DIVISORS.split(), "> 0 and ≤ 1"),
    **dict.fromkeys(POSITIVE.split(), "> 0"),
    **dict.fromkeys(COUNTED.split(), "≥ 1"),
    "LayoutInputs.dimensions": "≥ 1 and ≤ 2",  # a matrix has two sides
    "WorkloadInputs.correlation": "≥ -1 and ≤ 1",
    "WorkloadInputs.cached_share": "≥ 0 and < 1",  # something must be computed
    "EngineInputs.memory_use": "> 0 and < 1",  # weights are in it, and the card is never all the engine's
}
"""All others are amounts, times and prices of at least 0."""
DEFAULTS = {
    # One of each; no side work.
    **dict.fromkeys((f"LayoutInputs.{name}" for name in ("tensor", "expert", "pipeline", "micro_batches")), 1),
    "LayoutInputs.dimensions": 1,
    "LoadInputs.peak_to_average": 1.0,
    "AgentTask.agents": 1.0,
    "AgentTask.steps": 1.0,
    "AgentTask.success": 1.0,
    "SandboxInputs.cpus": 1.0,
    "EngineInputs.memory_use": 0.9,  # vLLM's gpu_memory_utilization
    "EngineInputs.margin": 2.0,
    "ChipInputs.scale_out_bandwidth": 400e9 / 8.0,  # NVIDIA DGX H100 data sheet: 400 Gb/s a GPU
    "EnergyInputs.idle_share": 0.3,
    "EnergyInputs.pue": 1.2,
    "ServingInputs.chunk": 8192.0,
    "SandboxInputs.cpu_price": 0.04,
    "SandboxInputs.memory_price": 0.005 / 1e9,  # half a cent per gigabyte-hour
    "AgentTask.time_to_first_token": 0.5,
    "AgentTask.time_per_output_token": 0.02,
}
"""Defaults other than 0 and absent."""
SIGNS = {Gt: ("> {}", "gt"), Ge: ("≥ {}", "ge"), Lt: ("< {}", "lt"), Le: ("≤ {}", "le")}


def _bounds(kind: type[Inputs], name: str) -> str:
    """Return the bounds of a parameter, or of a plain number."""
    if name in kind.specs():
        return kind.specs()[name].bounds()
    marks = kind.model_fields[name].metadata
    return " and ".join(
        text.format(getattr(mark, side)) for sign, (text, side) in SIGNS.items() for mark in marks if type(mark) is sign
    )


def declared() -> Iterator[tuple[str, type[Inputs], str]]:
    """Give every number that the serving tables declare themselves."""
    for module in (deployment, task):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Inputs) and kind.__module__ == module.__name__:
                for name in kind.model_fields.keys() & inspect.get_annotations(kind):
                    if _bounds(kind, name):
                        yield f"{kind.__name__}.{name}", kind, name


@pytest.mark.contract
def test_every_bound_is_that_of_its_meaning() -> None:
    bounds = {path: _bounds(kind, name) for path, kind, name in declared()}
    assert set(BOUNDS) <= set(bounds)
    assert bounds == {path: BOUNDS.get(path, "≥ 0") for path in bounds}


@pytest.mark.contract
def test_every_default_is_the_stated_one() -> None:
    defaults = {path: kind.model_fields[name].default for path, kind, name in declared()}
    numbers = {path: value for path, value in defaults.items() if isinstance(value, float | int) and value != 0.0}
    assert numbers == pytest.approx(DEFAULTS, rel=1e-15)
    absent = {path.partition(".")[2] for path, value in defaults.items() if value is None}
    assert absent == {
        "utilisation", "compute_share", "attention_share", "memory_share", "prefill_factor", "decode_factor",
        "host_time", "launch_time", "peak", "attention_peak", "bandwidth", "memory", "scale_up_bandwidth",
        "scale_up_domain", "power", "time_to_first_token", "batch", "concurrency", "requests", "arrivals",
        "prefill_copies", "decode_copies", "max_batch", "max_time_to_first_token", "max_time_per_output_token",
        "work_time",
    }  # fmt: skip
    ranges = {kind.specs()[name].plausible for path, kind, name in declared() if path in PLAUSIBLE}
    assert ranges == set(PLAUSIBLE.values())


PLAUSIBLE = {"ChipInputs.memory": (1e6, 1e18), "EnergyInputs.power": (5.0, 1e5)}
"""A megabyte to an exabyte; a card of 5 W to a rack of 100 kW."""


@pytest.mark.contract
def test_what_functions_and_configurations_take_where_nothing_is_given() -> None:
    """Nothing cached, drafted or spread; one card; an engine that takes no time of its own."""
    found = default_numbers("serving")
    unknown = found.pop("records.power_in_use")["batch"]
    assert isnan(unknown)
    same, alone = {"variation_input": 0.0, "variation_output": 0.0}, {"tensor": 1.0}
    assert found == {
        "calibration.calibrate": {**same, "waves": inf},
        "calibration.fit_factors": {"spread": (0.1, 0.1, 0.4, 1.2)},
        "cost.cost_per_token": {"utilisation": 1.0},
        "frontier.best_configurations": {"utilisation": 1.0},
        "lengths.decode_context_deviation": {**same, "correlation": 0.0},
        "lengths.mean_decode_context": {**same, "correlation": 0.0},
        "load.closed_loop": {"readers": 1.0, "waves": inf, "writers": 1.0},
        "memory.largest_batch": {"margin": 2.0},
        "records.machine_of": {"scale_out_bandwidth": 50e9},
        "reserve.activation_reserve": alone,
        "reserve.pass_bytes": alone,
        "reserve.routed_bytes": alone,
        "steps.decode_step_time": {"new_tokens": 1.0},
        "targets.serve_within": {
            "largest": 1_048_576.0, "margin": 2.0, "max_time_per_output_token": inf, "max_time_to_first_token": inf,
        },
        "throughput.serve": {"margin": 2.0},
    }  # fmt: skip
    factors = {"prefill_factor": 1.0, "decode_factor": 1.0, "host_time": 0.0, "launch_time": 0.0, "held_steps": 0.0}
    assert _numbers(configuration.Engine) == {**factors, "memory_use": 0.9}
    one = dict.fromkeys(("tensor", "expert", "pipeline", "micro_batches", "dimensions"), 1.0)
    assert _numbers(configuration.Layout) == {**one, "overlap": 0.0}
    assert _numbers(configuration.Draft) == {"tokens": 0.0, "acceptance": 0.0, "cost": 0.0}
    assert _numbers(configuration.Traffic) == {**same, "correlation": 0.0, "cached_share": 0.0, "chunk": 8192.0}
    none = ("tokens", "sequences", "logit_bytes", "runtime", "communication", "graphs", "of_free")
    whole = ("inside", "workspace", "pad_width", "pad_inner")
    assert _numbers(Reserve) == {**dict.fromkeys(none, 0.0), **dict.fromkeys(whole, 1.0)}


@pytest.mark.contract
def test_what_is_asked_for_again_and_again_is_kept() -> None:
    kept = kept_results("serving")
    assert kept == {"engines.profile": None, "reserve.reserve": None, "steps.kernels_of_pass": 1024}


def _numbers(kind: Any) -> dict[str, float]:
    return {item.name: item.default for item in fields(kind) if isinstance(item.default, float)}


@pytest.mark.closed_form
def test_constants_are_what_they_are_named() -> None:
    normal = NormalDist()
    assert normal.cdf(engines.EIGHTY_PERCENT) == pytest.approx(0.9, rel=1e-12)
    assert normal.cdf(engines.NINETY_PERCENT) == pytest.approx(0.95, rel=1e-12)
    assert memory.GIB == 1024**3
    assert targets.LARGEST_BATCH == 1_048_576.0  # the first power of two above a million
    assert (load.HOURS_PER_DAY, refusals._GIGABYTE) == (24.0, 1_000_000_000.0)
    assert ELEMENT_BYTES == 16 / 8
    assert 4.5 / 8.0 < FOUR_BITS < 1.0  # NVFP4 with its scales is below it, FP8 is not
    # a stream and the layer's result; none is kept by a scheduler that preempts
    assert (RESIDUAL_COPIES, load.MARGIN_OF_A_SCHEDULER) == (2.0, 0.0)


@pytest.mark.contract
def test_choices_of_the_search_and_the_fit_are_as_documented() -> None:
    assert (blocks.BLOCK, speculative.LONGEST_DRAFT) == (32_768, 16)
    assert (load._HALVINGS, load._ROUNDS) == (40, 6)
    fit = calibration.SOFT_ERROR, calibration.SOFT_FIRST, calibration.FIRST_WEIGHT, calibration._HELD_BACK
    assert fit == (0.15, 0.3, 0.5, 4)
    drawn = *records._DRAWN, records.MEDIAN_DRAWN  # ML.ENERGY Benchmark v3
    assert drawn == ((8.0, 0.65), (64.0, 0.70), (inf, 0.82), 0.75)
    assert throughput.FEASIBLE == 0
    assert [throughput.REASONS[code].partition(":")[0] for code in range(8)] == [
        "", "precision", "layout", "links", "memory", "memory", "targets", "load",
    ]  # fmt: skip


TASK: dict[str, Any] = {
    "name": "one", "prompt_tokens": 1000.0, "answer_tokens": 100.0, "input_cost": 1e-6, "cached_cost": 1e-7,
    "output_cost": 4e-6,
}  # fmt: skip


@pytest.mark.closed_form
def test_a_task_of_one_step_with_nothing_else_given() -> None:
    """100 tokens out at 0.02 s after 0.5 s, and no person, sandbox or reasoning."""
    result = run_task(AgentTask(**TASK).resolve())
    assert (result.output_tokens, result.resent_tokens, result.tokens) == (100.0, 0.0, 1100.0)
    assert result.token_cost == pytest.approx(1000e-6 + 400e-6, rel=1e-12)
    assert result.duration == pytest.approx(0.5 + 100 * 0.02, rel=1e-12)
    assert (result.sandbox_cost, result.start_up_time, result.sandboxes_alive) == (0.0, 0.0, 0.0)
    assert result.cost_until_done == result.token_cost
    assert isnan(result.person_cost)


@pytest.mark.closed_form
def test_failed_attempts_are_paid_and_reviewed_again() -> None:
    """Half succeed: two attempts, each checked for a quarter of an hour at 60 USD; the person alone takes 2 hours."""
    given = TASK | {"success": 0.5, "review_time": 0.25, "work_time": 2.0, "wage": 60.0}
    result = run_task(AgentTask(**given).resolve())
    assert result.cost_until_done == pytest.approx(2 * (1400e-6 + 15.0), rel=1e-12)
    assert result.person_cost == pytest.approx(120.0, rel=1e-12)


@pytest.mark.closed_form
def test_a_kept_sandbox_of_a_task_without_calls_costs_nothing() -> None:
    box = {"kept": True, "start_time": 5.0, "memory": 1e9}
    result = run_task(AgentTask(**TASK, sandbox=box, tasks_per_hour=10.0).resolve())
    assert (result.sandbox_cost, result.start_up_time, result.sandboxes_alive) == (0.0, 0.0, 0.0)
    half = run_task(AgentTask(**TASK, sandbox=box, steps=2.0, tool_calls=0.5).resolve())
    assert half.start_up_time == 2.5  # half of the tasks need it


@pytest.mark.contract
def test_a_front_is_built_by_name() -> None:
    with pytest.raises(TypeError):
        Front(*range(6))  # type: ignore[misc]
    what, traffic = configuration_of("Llama-3-8B", "H100-SXM"), configuration.Traffic(mean_input=1.0, mean_output=1.0)
    with pytest.raises(DomainError, match="layouts: at least one is needed"):
        best_configurations(what, [], traffic, 1.0, 1.0)
    with pytest.raises(DomainError, match=r"speed has shape \(2,\), cost \(1,\)"):
        pareto_front([1.0, 2.0], [1.0])


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("speed", "cost", "front"),
    [
        ([], [], []),
        ([float("nan")], [1.0], []),
        ([1.0, 1.0], [2.0, 2.0], [0]),  # equal in both: the first
        ([1.0, 1.0], [2.0, 1.0], [1]),
        ([1.0, 2.0], [1.0, 1.0], [1]),  # the faster at the same cost
        ([3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [1, 2, 0]),
        ([[3.0, 1.0], [2.0, inf]], [[3.0, 1.0], [4.0, 0.0]], [1, 0]),
    ],
)
def test_points_that_no_other_beats(speed: Any, cost: Any, front: list[int]) -> None:
    assert pareto_front(speed, cost).tolist() == front


LAID: dict[str, Any] = {
    "name": "asked", "architecture": "Llama-3-8B", "accelerator": "H100-SXM", "hour_price": 2.0,
    "workload": {"mean_input": 2000.0, "mean_output": 400.0},
}  # fmt: skip
ROW = {"tokens_per_second": 1000.0, "user_speed": 20.0}
FLAT = {"layers": 32, "d_model": 4096, "heads": 32, "kv_heads": 8, "head_dim": 128, "d_ff": 14336, "vocabulary": 128256}
APART = {"mode": "disaggregated"}
TOGETHER: list[tuple[dict[str, Any], str | None]] = [
    ({"batch": 1.0}, None),
    ({"batch": 1.0, "concurrency": 1.0}, "batch and concurrency: give one of them"),
    ({"batch": 1.0, "arrivals": 1.0}, "batch and arrivals: give one of them"),
    ({"arrivals": 1.0, "measured": [ROW]}, "arrivals and measured: give one of them"),
    ({"requests": 10.0}, "requests is given without concurrency"),
    ({"requests": 10.0, "concurrency": 2.0}, None),
    ({"prefill_copies": 1.0, "concurrency": 2.0, **APART}, None),
    ({"prefill_copies": 1.0, "concurrency": 2.0}, "prefill_copies is given"),
    ({"prefill_copies": 1.0, **APART}, "prefill_copies is given"),
    ({"decode_copies": 1.0, "concurrency": 2.0}, "decode_copies is given"),
    ({"decode_copies": 1.0, "concurrency": 2.0, **APART}, None),
    ({"arrivals": 1.0, **APART}, "arrivals needs copies that read and decode"),
    ({"arrivals": 1.0, "mode": "chunked"}, None),
    ({"own_shape": FLAT}, "already is a model"),
    ({"layout": {"tensor": 1.5}}, "layout.tensor"),
    ({"layout": {"dimensions": 3}}, "layout.dimensions"),
    ({"measured": [{**ROW, "user_speed": float("inf")}]}, "user_speed"),
]


@pytest.mark.contract
@pytest.mark.parametrize(("changes", "said"), TOGETHER)
def test_entries_that_exclude_or_need_each_other(changes: dict[str, Any], said: str | None) -> None:
    if said is None:
        Deployment(**LAID, **changes)
    else:
        with pytest.raises(ScenarioError, match=said):
            Deployment(**LAID, **changes)


@pytest.mark.contract
def test_a_throughput_table_names_what_is_wrong_with_it() -> None:
    row = {
        "accelerator": "H", "accelerators": 2, "concurrency": 64, "input_tokens": 8192, "output_tokens": 1024,
        "tokens_per_second": 2568, "user_speed": 20,
    }  # fmt: skip
    for rows, said in (
        ([], "a throughput table needs at least one row"),
        ([row, row | {"user_speed": ""}], "row 2: column 'user_speed' is missing or empty"),
        ([row, row | {"concurrency": 0}], "row 2: concurrency"),
        ([row, row | {"tokens_per_second": "inf"}], "row 2: tokens_per_second"),
    ):
        with pytest.raises(DomainError, match=said):
            measured.read_measured(rows)
    with pytest.raises(DomainError, match="throughput table, row 2: cannot be read"):
        measured.read_measured([row, {"isl": 0.0}], lambda one: one if one is row else measured.aiconfigurator_row(one))
