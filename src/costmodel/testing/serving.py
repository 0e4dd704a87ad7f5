"""Strategies for the formulas and scenarios of the serving domain."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from hypothesis.strategies import floats as between

from costmodel.foundation.scenario import Scenario
from costmodel.serving.deployment import Deployment
from costmodel.serving.task import AgentTask
from costmodel.testing.scalars import positive, share

_TOKENS = positive(1.0, 1e5)
_COST = positive(1e-8, 1e-4)
_STEPS = positive(1.0, 200.0)

_LENGTHS: dict[str, SearchStrategy[float]] = {
    "mean_input": _TOKENS,
    "mean_output": _TOKENS,
    "variation_input": between(0.0, 1.5),
    "variation_output": between(0.0, 1.5),
    "correlation": between(-0.4, 1.0),
}
_AGENT: dict[str, SearchStrategy[float]] = {
    "steps": _STEPS,
    "prompt_tokens": _TOKENS,
    "answer_tokens": _TOKENS,
    "tool_tokens": _TOKENS,
}

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.serving.reserve:sampling_bytes": {
        "sequences": positive(0.0, 1e4),
        "vocabulary": positive(1.0, 1e6),
        "logit_bytes": positive(0.0, 100.0),
    },
    "costmodel.validation.replicas.erdil:erdil_simple_step_time": {
        "layers": positive(1.0, 200.0),
        "parameters": positive(1e8, 1e12),
        "weight_bytes": positive(0.5, 4.0),
        "accelerators": positive(1.0, 512.0),
        "batch": positive(1.0, 1e4),
        "peak": positive(1e14, 1e16),
        "bandwidth": positive(1e12, 1e13),
        "all_reduces": positive(2.0, 4.0),
    },
    "costmodel.validation.replicas.erdil:erdil_all_reduce_time": {
        "message": positive(1.0, 1e9),
        "ranks": positive(2.0, 32.0),
        "nodes": positive(1.0, 2.0),
    },
    "costmodel.validation.replicas.erdil:erdil_full_step_time": {
        "layers": positive(1.0, 200.0),
        "d_model": positive(512.0, 2e4),
        "d_ff": positive(1024.0, 1e5),
        "query_heads": positive(8.0, 128.0),
        "kv_heads": positive(1.0, 8.0),
        "head_size": positive(64.0, 256.0),
        "vocabulary": positive(1e4, 3e5),
        "weight_bytes": positive(0.5, 4.0),
        "accelerators": positive(1.0, 512.0),
        "batch": positive(1.0, 1e4),
        "context": between(0.0, 1e5),
        "peak": positive(1e14, 1e16),
        "bandwidth": positive(1e12, 1e13),
    },
    "costmodel.serving.load:share_in_step": {"spread": positive(0.0, 10.0), "waves": positive(1.0, 1e4)},
    "costmodel.serving.cost:cost_per_token": {
        "hour_price": positive(0.1, 20.0),
        "tokens_per_second": positive(1.0, 1e5),
        "utilisation": positive(0.01, 1.0),
    },
    "costmodel.serving.cost:cost_of_accelerator_time": {
        "hour_price": positive(0.1, 20.0),
        "accelerator_seconds": positive(1e-3, 1e6),
        "utilisation": positive(0.01, 1.0),
    },
    "costmodel.serving.cost:blended_cost": {
        "input_cost": _COST,
        "cached_cost": _COST,
        "output_cost": _COST,
        "input_tokens": _TOKENS,
        "cached_share": share(),
        "output_tokens": _TOKENS,
    },
    "costmodel.serving.cost:token_revenue": {
        "input_tokens": positive(1e3, 1e12),
        "cached_tokens": positive(1.0, 1e3),
        "output_tokens": positive(1.0, 1e12),
        "input_price": _COST,
        "cached_price": _COST,
        "output_price": _COST,
    },
    "costmodel.serving.cost:token_revenue_beside": {
        "fresh_tokens": between(0.0, 1e12),
        "cached_tokens": between(0.0, 1e12),
        "output_tokens": positive(1.0, 1e12),
        "input_price": _COST,
        "cached_price": _COST,
        "output_price": _COST,
    },
    "costmodel.serving.cost:mark_up": {"revenue": positive(), "cost": positive()},
    "costmodel.serving.cost:gross_margin": {"revenue": positive(), "cost": positive()},
    "costmodel.serving.cost:energy_per_token": {
        "power": positive(50.0, 3000.0),
        "tokens_per_second": positive(1.0, 1e5),
        "utilisation": positive(0.01, 1.0),
        "idle_power_share": share(),
        "pue": positive(1.0, 2.0),
    },
    "costmodel.serving.load:utilisation_of_fleet": {
        "peak_to_average": positive(1.0, 5.0),
        "headroom": share(),
        "elastic_share": share(),
    },
    "costmodel.serving.speculative:expected_tokens_per_pass": {
        "acceptance": share(),
        "draft_tokens": between(0.0, 16.0),
    },
    "costmodel.serving.lengths:mean_decode_context": _LENGTHS,
    "costmodel.serving.lengths:decode_context_deviation": _LENGTHS,
    "costmodel.serving.agents:fresh_input_tokens": _AGENT,
    "costmodel.serving.agents:resent_input_tokens": _AGENT,
    "costmodel.serving.agents:task_token_cost": {
        "fresh_tokens": _TOKENS,
        "resent_tokens": _TOKENS,
        "output_tokens": _TOKENS,
        "hit_share": share(),
        "input_cost": _COST,
        "cached_cost": _COST,
        "output_cost": _COST,
    },
    "costmodel.serving.agents:task_duration": {
        "steps": _STEPS,
        "output_tokens": _TOKENS,
        "time_to_first_token": positive(1e-3, 60.0),
        "time_per_output_token": positive(1e-4, 1.0),
        "tool_calls": _STEPS,
        "start_time": between(0.0, 10.0),
        "run_time": between(0.0, 600.0),
    },
    "costmodel.serving.agents:sandbox_cost": {
        "starts": positive(1.0, 200.0),
        "start_time": positive(1e-6, 10.0),
        "busy_time": between(0.0, 600.0),
        "idle_time": between(0.0, 3600.0),
        "cpus": positive(0.1, 16.0),
        "memory": positive(1e6, 1e11),
        "cpu_price": positive(1e-3, 0.2),
        "memory_price": positive(1e-13, 1e-10),
    },
    "costmodel.serving.agents:cost_until_done": {
        "attempt_cost": positive(),
        "review_cost": positive(),
        "success": positive(0.01, 1.0),
    },
    "costmodel.serving.agents:sandboxes_alive": {
        "tasks_per_hour": positive(1.0, 1e6),
        "held_seconds": positive(1e-6, 1e4),
    },
    "costmodel.serving.memory:sequences_that_fit": {
        "free": positive(1.0, 1e12),
        "mean_bytes": positive(1.0, 1e10),
        "deviation_bytes": between(0.0, 1e10),
        "margin": between(0.0, 5.0),
    },
    "costmodel.serving.targets:queue_wait": {
        "arrivals": positive(1e-3, 0.9),
        "mean_service": positive(1e-3, 1.0),
        "variation_service": between(0.0, 3.0),
    },
}


@st.composite
def deployments(draw: st.DrawFn) -> Deployment:
    """Deployments that fit: two models on four chips, with or without targets, cache and drafts."""
    return Deployment(
        name="drawn",
        architecture=draw(st.sampled_from(["Llama-3-8B", "Llama-3-70B"])),
        accelerator=draw(st.sampled_from(["H100-SXM", "H200-SXM", "B200", "MI300X"])),
        mode=draw(st.sampled_from(["interleaved", "chunked", "disaggregated"])),
        layout={"tensor": draw(st.sampled_from([2, 4, 8]))},
        workload={
            "mean_input": draw(positive(10.0, 8000.0)),
            "mean_output": draw(positive(2.0, 2000.0)),
            "variation_input": draw(between(0.0, 1.0)),
            "variation_output": draw(between(0.0, 1.0)),
            "cached_share": draw(between(0.0, 0.9)),
        },
        load={"peak_to_average": draw(between(1.0, 2.0)), "elastic_share": draw(share())},
        engine={"deviation": draw(between(1.0, 2.5))},
        draft={"tokens": draw(st.sampled_from([0.0, 3.0])), "acceptance": draw(share()), "cost": 0.05},
        hour_price=draw(positive(0.1, 10.0)),
    )


@st.composite
def agent_tasks(draw: st.DrawFn) -> AgentTask:
    """Tasks of one call up to a hundred, with or without code to run."""
    return AgentTask(
        name="drawn",
        agents=draw(between(1.0, 10.0)),
        steps=draw(between(1.0, 100.0)),
        prompt_tokens=draw(_TOKENS),
        answer_tokens=draw(_TOKENS),
        reasoning_tokens=draw(between(0.0, 1e4)),
        tool_tokens=draw(between(0.0, 1e4)),
        hit_share=draw(share()),
        tool_calls=draw(between(0.0, 2.0)),
        run_time=draw(between(0.0, 60.0)),
        sandbox={
            "kept": draw(st.booleans()),
            "start_time": draw(between(0.0, 3.0)),
            "memory": draw(positive(1e6, 1e10)),
        },
        input_cost=draw(_COST),
        cached_cost=draw(_COST),
        output_cost=draw(_COST),
        success=draw(positive(0.01, 1.0)),
        review_time=draw(between(0.0, 1.0)),
        work_time=draw(st.sampled_from([None, 2.0])),
        wage=draw(between(0.0, 100.0)),
        tasks_per_hour=draw(between(0.0, 1e5)),
    )


SCENARIOS: dict[str, SearchStrategy[Scenario]] = {"deployment": deployments(), "agent_task": agent_tasks()}
