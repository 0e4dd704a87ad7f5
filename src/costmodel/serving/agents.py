"""Agent tasks: steps, re-sent context and the effect of caching.

An agent calls the model once per step with all that came before: the prompt, earlier answers and tool results.
Re-sent tokens grow with the square of the steps, which is why caching decides what a task costs.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.units import SECONDS_PER_HOUR


@formula()
def fresh_input_tokens(steps: Numeric, prompt_tokens: Numeric, answer_tokens: Numeric, tool_tokens: Numeric) -> Numeric:
    """Input tokens that the model has not yet read in an earlier step of the task.

    Parameters
    ----------
    steps
        Model calls of the task, >= 1 [1].
    prompt_tokens
        Instructions, tools and question, read in the first step, >= 0 [token].
    answer_tokens
        Visible output of a step, which the next step reads, >= 0 [token].
    tool_tokens
        Tool result that a step adds for the next one, >= 0 [token].

    Returns
    -------
    float or array
        ``P + (n − 1)(a + t)`` [token]: also the input of the last step, to be compared with the context window.

    Examples
    --------
    >>> float(fresh_input_tokens(3.0, 1000.0, 100.0, 400.0))
    2000.0
    """
    return prompt_tokens + (steps - 1.0) * (answer_tokens + tool_tokens)


@formula()
def resent_input_tokens(
    steps: Numeric, prompt_tokens: Numeric, answer_tokens: Numeric, tool_tokens: Numeric
) -> Numeric:
    """Input tokens that earlier steps have already sent, which a prefix cache can save.

    Parameters
    ----------
    steps
        Model calls of the task, >= 1 [1].
    prompt_tokens
        Instructions, tools and question, >= 0 [token].
    answer_tokens
        Visible output of a step, >= 0 [token].
    tool_tokens
        Tool result of a step, >= 0 [token].

    Returns
    -------
    float or array
        ``(n − 1) (P + (a + t) max(n − 2, 0)/2)``, ≥ 0 [token].

    Notes
    -----
    With :func:`fresh_input_tokens` it adds up to all input, ``n P + (a + t) n (n − 1)/2``, for whole numbers of
    steps. A mean between one and two steps is a mix of tasks of one step, which send nothing again, and of two.

    Examples
    --------
    >>> float(resent_input_tokens(3.0, 1000.0, 100.0, 400.0))
    2500.0
    """
    earlier = (answer_tokens + tool_tokens) * np.maximum(steps - 2.0, 0.0) / 2.0
    return (steps - 1.0) * (prompt_tokens + earlier)


@formula()
def task_token_cost(
    fresh_tokens: Numeric,
    resent_tokens: Numeric,
    output_tokens: Numeric,
    hit_share: Numeric,
    input_cost: Numeric,
    cached_cost: Numeric,
    output_cost: Numeric,
) -> Numeric:
    """Cost (or price) of a task's tokens.

    Parameters
    ----------
    fresh_tokens, resent_tokens
        Input read for the first time and again, >= 0 [token].
    output_tokens
        All output with its reasoning, >= 0 [token].
    hit_share
        Share of the re-sent tokens found in the prefix cache, 0 to 1 [1].
    input_cost, cached_cost, output_cost
        Per computed input, cached input and output token, >= 0 [USD/token].

    Returns
    -------
    float or array
        Cost of the task's tokens [USD].

    Examples
    --------
    >>> round(float(task_token_cost(2000.0, 2500.0, 300.0, 0.8, 1e-6, 1e-7, 4e-6)), 6)
    0.0039
    """
    hits = resent_tokens * hit_share
    return (fresh_tokens + resent_tokens - hits) * input_cost + hits * cached_cost + output_tokens * output_cost


@formula()
def task_duration(
    steps: Numeric,
    output_tokens: Numeric,
    time_to_first_token: Numeric,
    time_per_output_token: Numeric,
    tool_calls: Numeric,
    start_time: Numeric,
    run_time: Numeric,
) -> Numeric:
    """Wall-clock time of a task whose steps follow one another.

    Parameters
    ----------
    steps
        Model calls, >= 1 [1].
    output_tokens
        Output of the whole task, >= 0 [token].
    time_to_first_token
        Of one call, >= 0 [s].
    time_per_output_token
        Inter-token time, >= 0 [s/token].
    tool_calls
        Calls of tools in the task, >= 0 [1].
    start_time, run_time
        Start-up of the sandbox per call (0 where it is kept) and the tool's own time, >= 0 [s].

    Returns
    -------
    float or array
        Duration [s].

    Examples
    --------
    >>> float(task_duration(2.0, 100.0, 0.5, 0.01, 1.0, 0.2, 0.3))
    2.5
    """
    model = steps * time_to_first_token + output_tokens * time_per_output_token
    return model + tool_calls * (start_time + run_time)


@formula()
def sandbox_cost(
    starts: Numeric,
    start_time: Numeric,
    busy_time: Numeric,
    idle_time: Numeric,
    cpus: Numeric,
    memory: Numeric,
    cpu_price: Numeric,
    memory_price: Numeric,
) -> Numeric:
    """Cost of the sandboxes in which a task runs code.

    Processors are paid while starting and running, memory for as long as it is held: a sandbox kept between
    calls saves start-ups and pays for idle memory.

    Parameters
    ----------
    starts
        Sandboxes started for the task, >= 0 [1].
    start_time
        Start-up of one, >= 0 [s].
    busy_time
        Time in which code runs, over the task, >= 0 [s].
    idle_time
        Time in which a sandbox is held and waits for the model, over the task, >= 0 [s].
    cpus
        Processors of a sandbox, >= 0 [1].
    memory
        Memory of a sandbox, >= 0 [byte].
    cpu_price
        Price of a processor, >= 0 [USD/hour].
    memory_price
        Price of memory, >= 0 [USD/byte/hour].

    Returns
    -------
    float or array
        Cost [USD].

    Notes
    -----
    ``[(n s + b) c p_cpu + (n s + b + i) m p_mem] / 3600``.

    Examples
    --------
    >>> round(float(sandbox_cost(1.0, 1.0, 9.0, 350.0, 1.0, 1e9, 0.036, 4e-12)), 9)
    0.0005
    """
    active = starts * start_time + busy_time
    processor = active * cpus * cpu_price
    held = (active + idle_time) * memory * memory_price
    return (processor + held) / SECONDS_PER_HOUR


@formula()
def sandboxes_alive(tasks_per_hour: Numeric, held_seconds: Numeric) -> Numeric:
    """Sandboxes that exist at once on average (Little's law).

    Parameters
    ----------
    tasks_per_hour
        Tasks begun per hour, >= 0 [1/hour].
    held_seconds
        Time for which each task holds a sandbox, >= 0 [s].

    Returns
    -------
    float or array
        Sandboxes alive [1]; multiplied by the memory of one, it gives the memory that hosts need.

    Examples
    --------
    >>> float(sandboxes_alive(3600.0, 120.0))
    120.0
    """
    return tasks_per_hour * held_seconds / SECONDS_PER_HOUR


@formula()
def cost_until_done(attempt_cost: Numeric, review_cost: Numeric, success: Numeric) -> Numeric:
    """Cost of a task that is retried until an attempt succeeds.

    Parameters
    ----------
    attempt_cost
        Cost of one attempt, >= 0 [USD].
    review_cost
        Cost of finding out whether it succeeded, >= 0 [USD].
    success
        Share of attempts that succeed, above 0 to 1 [1].

    Returns
    -------
    float or array
        ``(a + r)/p`` [USD]: attempts are independent, so that their mean number is ``1/p``.

    Examples
    --------
    >>> float(cost_until_done(4.0, 1.0, 0.25))
    20.0
    """
    return (attempt_cost + review_cost) / success
