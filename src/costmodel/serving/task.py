"""An agent task as a scenario: steps, re-sent context, tool calls and the sandboxes they run in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from costmodel.foundation.arrays import FloatArray, Numeric
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.provenance import Grade
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.scenario import Scenario, register_model
from costmodel.serving.agents import (
    cost_until_done,
    fresh_input_tokens,
    resent_input_tokens,
    sandbox_cost,
    sandboxes_alive,
    task_duration,
    task_token_cost,
)


class SandboxInputs(Inputs):
    """Sandboxes in which the code of a task runs."""

    kept: bool = Field(
        default=False, strict=True, description="Whether one sandbox is kept for the task, or started per call."
    )
    start_time: Parameter = parameter("s", ge=0, default=0.0, description="Start-up of a sandbox.")
    memory: Parameter = parameter("byte", ge=0, default=0.0, description="Memory that a sandbox holds.")
    cpus: Parameter = parameter("1", ge=0, default=1.0, description="Processors of a sandbox while code runs.")
    cpu_price: Parameter = parameter("USD/hour", ge=0, default=0.04, description="Price of a processor.")
    memory_price: Parameter = parameter(
        "USD/byte/hour", ge=0, default=5e-12, description="Price of memory; 5e-12 is half a cent per gigabyte-hour."
    )


class AgentTask(Scenario):
    """A task that one or more agents do in steps.

    Token costs are inputs: costs of serving, or list prices. A multi-agent task has ``agents`` identical ones that
    work in parallel; their costs add up, their times do not.

    Examples
    --------
    >>> chat = AgentTask(
    ...     name="chat", prompt_tokens=1500.0, answer_tokens=400.0,
    ...     input_cost="0.5 USD/Mtoken", cached_cost="0.05 USD/Mtoken", output_cost="2 USD/Mtoken",
    ... )
    >>> chat.steps
    1.0
    """

    model: Literal["agent_task"] = "agent_task"
    not_modelled: tuple[str, ...] = (
        "context that is compacted or cut at the model's window",
        "steps that fail and are repeated within a task",
        "harm done by a task that fails unseen",
        "tools that run side by side, and what they charge",
    )
    agents: Parameter = parameter("1", ge=1, default=1.0, description="Agents that work side by side.")
    steps: Parameter = parameter("1", ge=1, default=1.0, description="Model calls of one agent.")
    prompt_tokens: Parameter = parameter("token", ge=0, description="Instructions, tools and question of one agent.")
    answer_tokens: Parameter = parameter("token", ge=0, description="Visible output of a step, read by the next one.")
    reasoning_tokens: Parameter = parameter(
        "token", ge=0, default=0.0, description="Hidden output of a step, charged and then dropped."
    )
    tool_tokens: Parameter = parameter("token", ge=0, default=0.0, description="Tool result that a step adds.")
    hit_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of re-sent tokens found in the prefix cache."
    )
    tool_calls: Parameter = parameter("1", ge=0, default=0.0, description="Runs of code per step but the last.")
    run_time: Parameter = parameter("s", ge=0, default=0.0, description="Time of one run of code.")
    sandbox: SandboxInputs = SandboxInputs()
    input_cost: Parameter = parameter("USD/token", ge=0, description="Cost or price of a computed input token.")
    cached_cost: Parameter = parameter("USD/token", ge=0, description="Cost or price of a cached input token.")
    output_cost: Parameter = parameter("USD/token", ge=0, description="Cost or price of an output token.")
    time_to_first_token: Parameter = parameter(
        "s", ge=0, default=0.5, description="Time to first token of one model call."
    )
    time_per_output_token: Parameter = parameter("s/token", ge=0, default=0.02, description="Inter-token time.")
    success: Parameter = parameter(
        "1",
        gt=0,
        le=1,
        default=1.0,
        description="Share of attempts that complete the task; failed ones are started again.",
    )
    review_time: Parameter = parameter("hour", ge=0, default=0.0, description="Time of a person to check an attempt.")
    work_time: Parameter = parameter(
        "hour", ge=0, optional=True, description="Time that a person takes for the task without an agent."
    )
    wage: Parameter = parameter("USD/hour", ge=0, default=0.0, description="Wage of that person.")
    tasks_per_hour: Parameter = parameter(
        "1/hour", ge=0, default=0.0, description="Tasks begun per hour, for what is alive at once.", grade=Grade.ASSUMED
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTaskResult(Result):
    """Tokens, time and cost of a task."""

    fresh_tokens: FloatArray = output("token", label="input read for the first time")
    resent_tokens: FloatArray = output("token", label="input sent again")
    output_tokens: FloatArray = output("token", label="output with reasoning")
    context: FloatArray = output("token", label="input of an agent's last step")
    token_cost: FloatArray = output("USD", label="cost of tokens")
    resent_cost: FloatArray = output("USD", label="part of it for input sent again")
    sandbox_cost: FloatArray = output("USD", label="cost of sandboxes")
    duration: FloatArray = output("s", label="duration")
    start_up_time: FloatArray = output("s", label="part of it in which sandboxes start")
    cost_until_done: FloatArray = output("USD", label="cost with reviews until an attempt succeeds")
    person_cost: FloatArray = output(
        "USD", label="wage for the task without an agent", blank="where the task has no time of a person"
    )
    sandboxes_alive: FloatArray = output("1", label="sandboxes alive at once")
    sandbox_memory: FloatArray = output("byte", label="memory that they hold")

    @derived("token", label="all tokens of the task")
    def tokens(self) -> FloatArray:
        """All tokens of the task."""
        return self.fresh_tokens + self.resent_tokens + self.output_tokens

    @derived("USD", label="cost of the task")
    def cost(self) -> FloatArray:
        """Cost of the task."""
        return self.token_cost + self.sandbox_cost


def run_task(resolved: AgentTask) -> AgentTaskResult:
    """Compute tokens, time and cost of a task.

    Parameters
    ----------
    resolved
        A resolved scenario: numbers, or one vector of draws per parameter.

    Returns
    -------
    AgentTaskResult
        Totals over all agents; the duration is that of one.

    Examples
    --------
    >>> task = AgentTask(
    ...     name="agent", steps=10.0, prompt_tokens=3000.0, answer_tokens=200.0, tool_tokens=800.0,
    ...     hit_share=0.9, input_cost=1e-6, cached_cost=1e-7, output_cost=4e-6,
    ... )
    >>> result = run_task(task.resolve())
    >>> float(result.fresh_tokens), float(result.resent_tokens)
    (12000.0, 63000.0)
    """
    steps, agents, box = resolved.steps, resolved.agents, resolved.sandbox
    context = steps, resolved.prompt_tokens, resolved.answer_tokens, resolved.tool_tokens
    fresh, resent = fresh_input_tokens(*context), resent_input_tokens(*context)
    answered = steps * (resolved.answer_tokens + resolved.reasoning_tokens)
    costs = resolved.input_cost, resolved.cached_cost, resolved.output_cost

    calls = resolved.tool_calls * (steps - 1.0)
    starts = np.minimum(calls, 1.0) if box.kept else calls
    busy = calls * resolved.run_time
    times = resolved.time_to_first_token, resolved.time_per_output_token
    thinking = task_duration(steps, answered, *times, calls, 0.0, resolved.run_time)
    idle = np.minimum(calls, 1.0) * (thinking - busy) if box.kept else 0.0
    held = starts * box.start_time + busy + idle
    alive = sandboxes_alive(resolved.tasks_per_hour, held)
    tokens = agents * task_token_cost(fresh, resent, answered, resolved.hit_share, *costs)
    sandbox = agents * sandbox_cost(
        starts, box.start_time, busy, idle, box.cpus, box.memory, box.cpu_price, box.memory_price
    )
    values: dict[str, Numeric] = {
        "fresh_tokens": agents * fresh,
        "resent_tokens": agents * resent,
        "output_tokens": agents * answered,
        "context": fresh,
        "token_cost": tokens,
        "resent_cost": agents * task_token_cost(0.0, resent, 0.0, resolved.hit_share, *costs),
        "sandbox_cost": sandbox,
        "duration": thinking + starts * box.start_time,
        "start_up_time": starts * box.start_time,
        "cost_until_done": cost_until_done(tokens + sandbox, resolved.review_time * resolved.wage, resolved.success),
        "person_cost": np.nan if resolved.work_time is None else resolved.work_time * resolved.wage,
        "sandboxes_alive": agents * alive,
        "sandbox_memory": agents * alive * box.memory,
    }
    shaped = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values.values()))
    outputs: dict[str, Any] = {name: array[()] for name, array in zip(values, shaped, strict=True)}
    return AgentTaskResult(scenario=resolved, **outputs)


register_model("agent_task", AgentTask, "costmodel.serving.task:run_task")
