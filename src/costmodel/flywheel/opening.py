"""Opening balance: the uses of the accelerators in service at the start (item 3).

Installed capacity serves token workloads, final training runs, research and experiments, and internal work without
tokens, or is out of order or idle. Each use is an input with a grade; idle capacity is the remainder.
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.provenance import Grade, weakest


@dataclass(frozen=True, slots=True)
class OpeningLine:
    """One use of the opening fleet: accelerators in the first step, share of the fleet, weakest grade of its inputs."""

    use: str
    accelerators: float
    share: float
    grade: Grade


def opening_balance(trajectory: Trajectory) -> tuple[OpeningLine, ...]:
    """Return the uses of the fleet in the first step of a scalar run; they add up to the fleet in service.

    Examples
    --------
    >>> from costmodel.flywheel.inputs import FlywheelScenario
    >>> from costmodel.flywheel.simulate import simulate
    >>> from costmodel.testing.flywheel import steady_tables
    >>> lines = opening_balance(simulate(FlywheelScenario(**steady_tables(time__end="2027-01-01"))))
    >>> round(sum(line.share for line in lines), 12)
    1.0
    """
    scenario = trajectory.scenario
    grades = {path: provenance.grade for path, _, _, provenance in scenario.walk()}
    fleet = float(trajectory.accelerators_in_service[0])
    rows: list[tuple[str, float, Grade]] = []
    for i, name in enumerate(scenario.market):
        paths = [f"market.{name}.{entry}" for entry in ("tokens", "compute_per_token", "mfu")]
        busy = float(trajectory.accelerators_by_workload[0, i])
        rows.append((f"tokens: {name}", busy, weakest(grades[path] for path in paths)))
    final, training = float(trajectory.final_runs[0]), float(trajectory.training_compute[0])
    rows.append(("final training runs", final, grades["training.investors"]))
    rows.append(("research and experiments", training - final, grades["training.investors"]))
    rows.append(("non-token internal work", float(trajectory.internal[0]), grades["internal.accelerators"]))
    usable = float(trajectory.usable_capacity[0])
    rows.append(("out of order or without power", fleet - usable, grades["hardware.accelerators.availability"]))
    rows.append(("idle (remainder)", float(trajectory.idle[0]), weakest(grade for _, _, grade in rows)))
    return tuple(OpeningLine(use, busy, busy / fleet if fleet else 0.0, grade) for use, busy, grade in rows)
