"""The scenario `agent_task` and its result."""

import numpy as np
import pytest
from hypothesis import given

from costmodel.foundation.design import Design
from costmodel.foundation.errors import DomainError
from costmodel.foundation.scenario import model_entry
from costmodel.serving import AgentTask, run_task
from costmodel.testing.serving import agent_tasks

AGENT = AgentTask(
    name="agent",
    agents=2.0,
    steps=11.0,
    prompt_tokens=3000.0,
    answer_tokens=200.0,
    reasoning_tokens=300.0,
    tool_tokens=800.0,
    hit_share=0.9,
    tool_calls=1.0,
    run_time=2.0,
    sandbox={"start_time": 0.2, "memory": 1e9, "cpu_price": 0.036, "memory_price": 3.6e-12},
    input_cost=1e-6,
    cached_cost=1e-7,
    output_cost=4e-6,
    time_to_first_token=0.5,
    time_per_output_token=0.01,
    tasks_per_hour=360.0,
)


@pytest.mark.contract
def test_the_model_is_registered():
    assert model_entry("agent_task").load() is run_task


@pytest.mark.closed_form
def test_a_task_by_hand():
    result = run_task(AGENT.resolve())
    fresh, resent = 3000 + 10 * 1000, 10 * 3000 + 1000 * 10 * 9 / 2
    assert result.fresh_tokens == 2 * fresh
    assert result.resent_tokens == 2 * resent
    assert result.output_tokens == 2 * 11 * 500
    assert result.context == fresh
    assert result.resent_cost == pytest.approx(2 * resent * (0.1 * 1e-6 + 0.9 * 1e-7))
    assert result.token_cost == pytest.approx(result.resent_cost + 2 * (fresh * 1e-6 + 11 * 500 * 4e-6))
    # ten calls of 2 s, a start of 0.2 s before each
    active = 10 * 2.2
    assert result.sandbox_cost == pytest.approx(2 * active * (0.036 + 3.6e-12 * 1e9) / 3600)
    assert result.duration == pytest.approx(11 * 0.5 + 11 * 500 * 0.01 + active)
    assert result.sandboxes_alive == pytest.approx(2 * 0.1 * active)
    assert result.cost == pytest.approx(result.token_cost + result.sandbox_cost)


@pytest.mark.closed_form
def test_a_kept_sandbox_starts_once_and_holds_memory_while_the_model_thinks():
    result = run_task(AGENT.replace({"sandbox.kept": True}).resolve())
    thinking = 11 * 0.5 + 11 * 500 * 0.01
    held = 0.2 + 20 + thinking
    assert result.start_up_time == pytest.approx(0.2)
    assert result.sandbox_cost == pytest.approx(2 * (20.2 * 0.036 + held * 3.6e-12 * 1e9) / 3600)
    assert result.sandbox_memory == pytest.approx(2 * 0.1 * held * 1e9)


@pytest.mark.law
@given(task=agent_tasks())
def test_caching_never_costs_more_than_it_saves(task):
    dear = task.replace({"cached_cost": task.input_cost, "hit_share": 0.0})
    cheap = task.replace({"cached_cost": 0.1 * task.input_cost})
    assert run_task(cheap.resolve()).cost <= run_task(dear.resolve()).cost * (1 + 1e-12)


@pytest.mark.law
def test_an_ensemble_equals_its_draws():
    uncertain = AGENT.replace({"steps": {"dist": "uniform", "low": 2.0, "high": 60.0}})
    drawn = uncertain.resolve(Design.random(uncertain, draws=5, rng=1))
    result = run_task(drawn)
    for index, steps in enumerate(np.asarray(drawn.steps)):
        alone = run_task(AGENT.replace({"steps": float(steps)}).resolve())
        for name in result.outputs():
            np.testing.assert_array_equal(result[name][index], alone[name])


@pytest.mark.contract
def test_a_scenario_survives_toml_and_refuses_nonsense():
    assert AgentTask.from_toml(AGENT.to_toml()).written() == AGENT.written()
    with pytest.raises(DomainError, match="steps"):
        AGENT.replace({"steps": 0.5})
    with pytest.raises(DomainError, match="hit_share"):
        AGENT.replace({"hit_share": 1.5})
