"""Cost of a step of the fleet per draw, as the horizon grows from 40 to 480 steps.

Run: ``python benchmarks/fleet_step.py [draws]``. Lags and lives differ by draw; units fail and reach their physical
life. A flat cost shows that nothing is summed over vintages. In the second column, cohorts that don't pay leave, which
needs a sum over the living cohorts; it is flat too, since their number is at most physical life over step.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np

from costmodel.ownership.fleet import BookTerms, Fleet

HORIZONS = (40, 120, 240, 480)
TIMED = 12
REPEATS = 5


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


def main(draws: int = 4096) -> None:
    """Print the table."""
    print(f"{draws} draws; ns per step and draw over the last {TIMED} steps of each horizon, best of {REPEATS}")
    print(f"{'steps':>6} {'nothing leaves':>16} {'relative':>9} {'leaving':>16} {'relative':>9}")
    times = {steps: [np.inf, np.inf] for steps in HORIZONS}
    for _ in range(REPEATS):
        for steps, best in times.items():
            for column, share in enumerate((0.0, 0.28)):
                best[column] = min(best[column], seconds_per_step_and_draw(steps, draws, share))
    for steps, best in times.items():
        shown = "".join(
            f" {time * 1e9:>16.0f} {time / first:>9.2f}" for time, first in zip(best, times[HORIZONS[0]], strict=True)
        )
        print(f"{steps:>6}{shown}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
