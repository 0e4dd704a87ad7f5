"""Usage: what an agent task costs by kind of sandbox, and what the same tasks cost a buyer two years later."""

from __future__ import annotations

import numpy as np

from costmodel import catalog
from costmodel.answers.question import DRAWS, SEED, Answer, in_year, over_draws, share_of_draws
from costmodel.entry import load_scenario, run
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.units import convert

SANDBOXES = {"Monty": 5e6, "WASI / Wasmer": 50e6, "Docker": 500e6, "sandboxing service": 1e9}
"""Memory of a sandbox by its record in the catalog [byte]; assumed."""
BOUGHT, LATER = 2026, 2028
"""Years between which a buyer compares."""


def task_by_sandbox() -> tuple[Answer, ...]:
    """Answer what an agent task costs where its code runs in one kind of sandbox or another."""
    base = load_scenario("agent-task")
    answers = []
    for name, memory in SANDBOXES.items():
        starts = catalog.record("sandboxes", name).all("start")
        start = min(convert(datum.number, datum.unit, "s") for datum in starts)
        changes = {"sandbox.start_time": start, "sandbox.memory": memory}
        task = run(base.replace(changes), draws=DRAWS, rng=SEED)
        share = over_draws(np.asarray(task.sandbox_cost / task.cost))
        waiting = over_draws(np.asarray(task.start_up_time / task.duration))
        middle, low, high = over_draws(np.asarray(task.cost))
        answers.append(
            Answer(
                claim=f"an agent task whose code starts in {name} ({start:.2g} s) at every call",
                says=f"the sandbox is {share[0]:.2%} of its cost and starting it {waiting[0]:.2%} of its time",
                value=middle, low=low, high=high, unit="USD",
                rests_on=f"agent-task, 5 to 95 % of {DRAWS} draws; steps per task, tokens of reasoning and tools",
            )
        )  # fmt: skip
    return tuple(answers)


def agent_network() -> tuple[Answer, ...]:
    """Answer how much token demand a network of agents of Moltbook's size is, and what it costs its owners."""
    found = run(load_scenario("moltbook-agents"), draws=DRAWS, rng=SEED)
    market = simulate(load_scenario("bond-flywheel"))
    served = float(in_year(market, "tokens", BOUGHT))
    share = np.asarray(found.tokens / served)
    rests = f"moltbook-agents, 5 to 95 % of {DRAWS} draws; share of agents that act and how often"
    answers = []
    for claim, says, values, unit in (
        (f"over all tokens served in {BOUGHT}", "of bond-flywheel's volume", share, "%"),
        ("tokens in a year", "read and written", np.asarray(found.tokens), "token"),
        ("spend of its owners on tokens in a year", "at a small model's price", np.asarray(found.user_spend), "USD"),
    ):
        middle, low, high = over_draws(values)
        answers.append(
            Answer(
                claim=f"an agent network of Moltbook's size: {claim}",
                says=says, value=middle, low=low, high=high, unit=unit, rests_on=rests,
            )
        )  # fmt: skip
    return tuple(answers)


def same_tasks_later() -> tuple[Answer, ...]:
    """Answer what a buyer pays for the same tokens, and for the same use as it grows in tokens, two years on."""
    scenario = load_scenario("bond-flywheel")
    drawn = simulate(scenario, draws=DRAWS, rng=SEED)
    price, use = (
        np.asarray(in_year(drawn, output, LATER) / in_year(drawn, output, BOUGHT))
        for output in ("realised_price", "intensity")
    )
    paid = np.max(in_year(drawn, "user_spend_by_workload", LATER), axis=-1) > 0.0
    rests = f"bond-flywheel, 5 to 95 % of {DRAWS} draws"
    answers = []
    for place, name in enumerate(scenario.market):
        if not paid[place]:
            continue
        for what, values, driver in (
            ("the same tokens", price[place], "hardware and software progress"),
            ("the same users, whose tasks take more tokens", (price * use)[place], "growth of intensity"),
        ):
            middle, low, high = over_draws(values)
            answers.append(
                Answer(
                    claim=f"{what} of {name} in {LATER} over {BOUGHT}",
                    says="cheaper" if high < 1.0 else "dearer" if low > 1.0 else "cheaper or dearer",
                    value=middle, low=low, high=high, rests_on=f"{rests}; {driver}",
                )
            )  # fmt: skip
    return tuple(answers)


def buyers_bill() -> tuple[Answer, ...]:
    """Answer what an enterprise's tasks of 2026 cost in 2028, change by change, and what an audit of 2026 finds."""
    found = run(load_scenario("buyers-year"), draws=DRAWS, rng=SEED)
    bill, audited, chosen = (np.asarray(found[name]) for name in ("bill", "audited_bill", "with_choice"))
    rests = f"buyers-year, 5 to 95 % of {DRAWS} draws"
    rows = (
        (f"the tasks of {BOUGHT} in {LATER}, model choice included, over the audited bill",
         f"less {share_of_draws(chosen < audited)}", chosen / audited, "1",
         "fall of prices, tokens of agents' tasks"),
        (f"the same tokens and hours at prices of {LATER}", "over the audited bill",
         np.asarray(found.at_later_prices) / audited, "1", "hardware and software progress"),
        (f"the same tasks, which take more tokens in {LATER}", "over the audited bill",
         np.asarray(found.with_intensity) / audited, "1", "growth of intensity"),
        ("part of the next bill that smaller models take off", "retries paid",
         1.0 - chosen / np.asarray(found.with_intensity), "%", "share of tasks that move, assumed"),
        (f"audit of {BOUGHT}: part of the bill paid for hours above the market", "list price against indices",
         np.asarray(found.above_market) / bill, "%", "which index is the market's"),
    )  # fmt: skip
    answers = []
    for what, says, values, unit, driver in rows:
        middle, low, high = over_draws(values)
        answers.append(
            Answer(
                claim=f"an enterprise's bill: {what}",
                says=says, value=middle, low=low, high=high, unit=unit, rests_on=f"{rests}; {driver}",
            )
        )  # fmt: skip
    return tuple(answers)
