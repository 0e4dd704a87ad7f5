"""Training runs: when they pass round figures, and when a run that searches for a faster kernel pays."""

from __future__ import annotations

import numpy as np

from costmodel.answers.question import DRAWS, SEED, Answer, over_draws, share_of_draws
from costmodel.entry import load_scenario, run
from costmodel.foundation.tables import shown_unit

TOLD = {1e8: (2024, 2024), 1e9: (2025, 2025), 1e10: (2025, 2026)}
"""Years in which the document has runs at these costs: trained, in training, and to start [USD: year]."""


def training_ladder() -> tuple[Answer, ...]:
    """Answer when training runs pass 100 M, 1 B and 10 B dollars, on the trend and scattered about it."""
    scenario = load_scenario("frontier-ladder")
    trend, runs = (
        np.asarray(run(item, draws=DRAWS, rng=SEED).passed) for item in (scenario.replace({"residual": 0.0}), scenario)
    )
    answers = []
    for place, target in enumerate(scenario.targets):
        money, scale = shown_unit("USD", target)
        first, last = TOLD[target]
        told = f"{first}" if first == last else f"{first} or {last}"
        middle, low, high = over_draws(trend[place])
        answers.append(
            Answer(
                claim=f"a training run costs {target * scale:g} {money}",
                says=f"told for {told}; on the trend of the largest runs, final run alone, in",
                value=middle, low=low, high=high, unit="date",
                rests_on="frontier-ladder: GPT-4's cost and the growth rate's 90 % interval",
            )
        )  # fmt: skip
        middle, low, high = over_draws(runs[place])
        answers.append(
            Answer(
                claim=f"a training run costs {target * scale:g} {money}, runs scattered about the trend",
                says=f"by the end of {last} {share_of_draws(runs[place] < last + 1.0)}; in",
                value=middle, low=low, high=high, unit="date",
                rests_on="frontier-ladder: a factor of two either way about the trend, which is assumed",
            )
        )  # fmt: skip
    return tuple(answers)


def discovery_pays() -> tuple[Answer, ...]:
    """Answer when a search that finds a faster kernel pays across a fleet."""
    scenario = load_scenario("discovered-kernel")
    found = run(scenario, draws=DRAWS, rng=SEED)
    rests = f"discovered-kernel, 5 to 95 % of {DRAWS} draws; attempts until one succeeds, the kernel's share of time"
    gain = np.asarray(found.saving - found.cost)
    fleet, hours, net = (
        over_draws(np.asarray(values)) for values in (found.break_even_fleet, found.break_even_hours, gain)
    )
    size = float(scenario.resolve().accelerators)
    return (
        Answer(
            claim="a fleet on which a run of test-time training for a kernel pays while the kernel lasts",
            says="accelerators at least",
            value=fleet[0], low=fleet[1], high=fleet[2], rests_on=rests,
        ),
        Answer(
            claim=f"hours of operation of {size:.0f} accelerators until such a run has paid",
            says="after",
            value=hours[0], low=hours[1], high=hours[2], unit="hour", rests_on=rests,
        ),
        Answer(
            claim=f"such a run pays on {size:.0f} accelerators",
            says=f"{share_of_draws(gain > 0.0)}; saving less cost",
            value=net[0], low=net[1], high=net[2], unit="USD", rests_on=rests,
        ),
    )  # fmt: skip
