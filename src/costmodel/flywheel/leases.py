"""Finance leases: capital that enters the books without being paid, and the debt that is repaid for it instead."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.flywheel.capital import gather
from costmodel.flywheel.drivers import ASSETS, Drivers, draws, stack
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.arrays import FloatArray


@dataclass(slots=True)
class LeaseState:
    """What is owed on finance leases, ``(draw,)`` [USD], each lease repaid evenly over its term from the next step."""

    share: FloatArray
    """Leased share of cost by asset class, ``(asset, draw)`` [1]."""
    debt: FloatArray
    opening: FloatArray
    taken: FloatArray
    """Taken on by step, ``(1, step, draw)`` [USD]."""
    term: FloatArray
    step: float
    window: FloatArray = field(init=False)
    """Taken on by leases of which a full instalment is due."""

    def __post_init__(self) -> None:
        self.window = np.zeros_like(self.taken[:, 0])

    def repay(self, step: int) -> FloatArray:
        """Return the principal that is due in a step and take it off the debt.

        With n = term/step a lease is repaid in ``floor(n)`` instalments of 1/n and a last, smaller one.
        """
        instalments = self.term / self.step
        last = np.floor(instalments + 1e-9) + 1.0
        ending = gather(self.taken, step, last)
        if step:
            self.window = self.window + self.taken[:, step - 1]
        self.window = self.window - ending
        rest = 1.0 - (last - 1.0) / instalments
        passed = np.minimum(np.array([step, step + 1.0])[:, None] * self.step / self.term, 1.0)
        due = self.window[0] / instalments + rest * ending[0] + self.opening * (passed[1] - passed[0])
        self.debt = self.debt - due
        return np.asarray(due)

    def take(self, step: int, bought: FloatArray) -> FloatArray:
        """Lease a share of what is bought by asset class; return the leased part, ``(asset, draw)`` [USD]."""
        leased = bought * self.share
        total = leased[0] + leased[1] + leased[2]
        self.taken[0, step] = total
        self.debt = self.debt + total
        return np.asarray(leased)


def lease_state(scenario: FlywheelScenario, drivers: Drivers, batch: int) -> LeaseState:
    """Build the opening state of the finance leases."""
    opening = np.broadcast_to(draws(scenario.accounts.opening_lease_debt), (batch,))
    return LeaseState(
        share=stack([draws(getattr(scenario.hardware, name).leased_share) for name in ASSETS]),
        debt=opening,
        opening=opening,
        taken=np.zeros((1, drivers.grid.steps, batch)),
        term=draws(scenario.accounts.lease_term),
        step=drivers.step,
    )
