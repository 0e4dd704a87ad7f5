"""Work: what a task costs when an agent tries until it is done, and what voices in its reasoning add."""

from __future__ import annotations

import numpy as np

from costmodel.answers.question import DRAWS, SEED, Answer, over_draws, share_of_draws
from costmodel.entry import load_scenario, run


def task_until_done() -> tuple[Answer, ...]:
    """Answer what an office task costs when it is tried until it is done, against a wage."""
    scenario = load_scenario("office-task")
    done = run(scenario, draws=DRAWS, rng=SEED)
    cost, wage = np.asarray(done.cost_until_done), np.asarray(done.person_cost)
    tokens = np.asarray(done.cost) / np.asarray(scenario.resolve(done.design).success)
    rests = f"office-task, 5 to 95 % of {DRAWS} draws"
    rows = (
        (
            "an office task tried until it is done, reviews paid",
            "tokens and reviews",
            cost,
            "USD",
            "success and review",
        ),
        ("part of that which tokens are", "the rest is a person's time to check", tokens / cost, "%", "review"),
        (
            "an office task by an agent over the wage for it",
            f"cheaper {share_of_draws(cost < wage)}",
            cost / wage,
            "1",
            "time that a person takes, with and without",
        ),
    )
    answers = []
    for claim, says, values, unit, driver in rows:
        middle, low, high = over_draws(values)
        answers.append(
            Answer(claim=claim, says=says, value=middle, low=low, high=high, unit=unit, rests_on=f"{rests}; {driver}")
        )
    return tuple(answers)


def voices_in_reasoning() -> tuple[Answer, ...]:
    """Answer what reasoning as a conversation of several voices does to tokens and cost of a task."""
    plain, voiced = (run(load_scenario(name), draws=DRAWS, rng=SEED) for name in ("agent-task", "society-of-thought"))
    answers = []
    for claim, output in (("cost", "cost"), ("tokens", "tokens")):
        middle, low, high = over_draws(np.asarray(voiced[output]) / np.asarray(plain[output]))
        answers.append(
            Answer(
                claim=f"reasoning as a society of voices: {claim} of an agent task over those without",
                says="of the same draw", value=middle, low=low, high=high,
                rests_on=f"society-of-thought, 5 to 95 % of {DRAWS} draws; number of voices, assumed",
            )
        )  # fmt: skip
    return tuple(answers)
