"""Agent tasks, step by step."""

import pytest

from costmodel.serving.agents import (
    cost_until_done,
    fresh_input_tokens,
    resent_input_tokens,
    sandbox_cost,
    sandboxes_alive,
    task_duration,
    task_token_cost,
)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.agents:fresh_input_tokens")
@pytest.mark.reference("costmodel.serving.agents:resent_input_tokens")
@pytest.mark.parametrize("steps", [1, 2, 5, 40])
def test_tokens_are_those_of_a_loop(steps):
    prompt, answer, tool = 3000, 250, 1200
    context, seen, fresh, resent = prompt, 0, 0, 0
    for _ in range(steps):
        fresh += context - seen
        resent += seen
        seen = context
        context += answer + tool
    assert fresh_input_tokens(steps, prompt, answer, tool) == fresh
    assert resent_input_tokens(steps, prompt, answer, tool) == resent


@pytest.mark.closed_form
def test_a_mean_of_one_and_a_half_steps_is_half_of_the_tasks_with_two():
    assert resent_input_tokens(1.5, 100, 1000, 1000) == (0 + 100) / 2


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.agents:task_token_cost")
def test_hits_are_charged_as_cached():
    cost = task_token_cost(1000.0, 5000.0, 400.0, 0.9, 3e-6, 0.3e-6, 15e-6)
    assert cost == pytest.approx((1000 + 500) * 3e-6 + 4500 * 0.3e-6 + 400 * 15e-6)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.agents:task_duration")
def test_duration_adds_model_and_tools():
    assert task_duration(10.0, 2000.0, 0.4, 0.02, 9.0, 0.2, 1.5) == pytest.approx(10 * 0.4 + 40 + 9 * 1.7)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.agents:sandbox_cost")
def test_memory_is_paid_while_idle_and_processors_are_not():
    # 3 starts of 2 s and 30 s of code on 2 processors; 100 s held idle with 1 GB
    cost = sandbox_cost(3.0, 2.0, 30.0, 100.0, 2.0, 1e9, 0.05, 5e-12)
    assert cost == pytest.approx(36 * 2 * 0.05 / 3600 + 136 * 1e9 * 5e-12 / 3600)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.agents:sandboxes_alive")
def test_littles_law():
    assert sandboxes_alive(7200.0, 30.0) == pytest.approx(7200 / 3600 * 30)


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.serving.agents:cost_until_done")
def test_a_task_is_paid_for_as_often_as_it_is_tried():
    # attempts with a quarter of success: 1·p + 2·(1-p)p + 3·(1-p)²p + … = 4 on average
    p = 0.25
    attempts = sum(n * (1 - p) ** (n - 1) * p for n in range(1, 400))
    assert cost_until_done(0.5, 2.0, p) == pytest.approx(2.5 * attempts)
    assert cost_until_done(0.5, 2.0, 1.0) == 2.5
