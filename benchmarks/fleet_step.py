"""Cost of a step of the fleet per draw, as the horizon grows from 40 to 480 steps.

Run: ``python benchmarks/fleet_step.py [draws]``. Lags and lives differ by draw; units fail, reach their physical life,
and the oldest cohorts retire early where they cost more to run than they earn: all of it is under way in the last
steps of every horizon, which are the ones timed. Flat means that nothing is summed over vintages.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np

from costmodel.ownership.fleet import AssetClass, ClassFleet

HORIZONS = (40, 120, 240, 480)
TIMED = 12
REPEATS = 7


def seconds_per_step_and_draw(steps: int, draws: int) -> float:
    """Return the time of a step over the last steps of a horizon."""
    rng = np.random.default_rng(0)
    asset = AssetClass.model_construct(
        lag=rng.uniform(0.0, 1.0, draws),
        book_life=rng.uniform(3.0, 6.0, draws),
        physical_life=rng.uniform(4.0, 6.0, draws),
        failure_rate=rng.uniform(0.0, 0.1, draws),
        salvage_share=0.0,
    )
    fleet = ClassFleet(asset, 0.25, steps, draws)
    start = 0.0
    for step in range(steps):
        if step == steps - TIMED:
            start = process_time()
        fleet.advance(1.0, 30_000.0, performance=1.07**step, running_cost=1_500.0, rent=4_200.0 * 1.07**-step)
    return (process_time() - start) / TIMED / draws


def main(draws: int = 4096) -> None:
    """Print the table."""
    times = dict.fromkeys(HORIZONS, np.inf)
    for _ in range(REPEATS):
        for steps in HORIZONS:
            times[steps] = min(times[steps], seconds_per_step_and_draw(steps, draws))
    print(f"{draws} draws; the last {TIMED} steps of each horizon, best of {REPEATS}")
    print(f"{'steps':>6} {'ns per step and draw':>22} {'relative':>9}")
    for steps, time in times.items():
        print(f"{steps:>6} {time * 1e9:>22.1f} {time / times[HORIZONS[0]]:>9.2f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
