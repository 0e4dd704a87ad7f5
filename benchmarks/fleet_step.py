"""Cost of a step of the fleet per draw, as the horizon grows from 40 to 480 steps.

Lags and lives differ by draw; units fail and reach their physical
life. A flat cost shows that nothing is summed over vintages. Where some leave, cohorts that don't pay leave, which
needs a sum over the living cohorts; it is flat too, since their number is at most physical life over step.
"""

from __future__ import annotations

from time import process_time

import numpy as np
from timing import Row

from costmodel.ownership.fleet import BookTerms, Fleet

HORIZONS = (40, 120, 240, 480)
TIMED = 12
REPEATS = 3


def seconds_per_step_and_draw(steps: int, draws: int, share: float) -> float:
    """Return the time of a step over the last steps of a horizon."""
    rng = np.random.default_rng(0)
    fleet = Fleet(
        step=0.25,
        steps=steps,
        batch=(draws,),
        rows=("watts",),
        books={"chips": BookTerms(life=rng.uniform(3.0, 6.0, draws))},
        lag=rng.uniform(0.0, 1.0, draws),
        life=rng.uniform(4.0, 6.0, draws),
        failure_rate=rng.uniform(0.0, 0.1, draws),
    )
    start = 0.0
    for step in range(steps):
        if step == steps - TIMED:
            start = process_time()
        fleet.arrive()
        fleet.order(1.07**step, {"watts": 700.0 * 0.95**step, "chips": 30_000.0})
        fleet.leave({"units": 1.0, "watts": -0.0026 / 0.95**step}, share)
        fleet.close()
    return (process_time() - start) / TIMED / draws


def fleet_step(draws: int = 4096) -> list[Row]:
    """Time a step and a draw over the last steps of each horizon."""
    times: dict[tuple[int, float], float] = {}
    for _ in range(REPEATS):
        for steps in HORIZONS:
            for share in (0.0, 0.28):
                best = times.get((steps, share), np.inf)
                times[steps, share] = min(best, seconds_per_step_and_draw(steps, draws, share))
    return [
        (
            f"fleet: a step of {draws:,} draws, {steps} steps, {'some leave' if share else 'nothing leaves'}",
            draws * own,
            f"{own / times[HORIZONS[0], share]:.2f} times the first horizon",
        )
        for (steps, share), own in times.items()
    ]
