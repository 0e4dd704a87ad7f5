"""Payments between the parties of a run; each amount is paid by one party and received by another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from costmodel.foundation.arrays import FloatArray, ordered_sum
from costmodel.foundation.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from costmodel.flywheel.trajectory import Trajectory

POCKETS = (
    "users", "internal businesses", "token sellers", "clouds", "chipmakers", "sites and power", "staff and services",
    "other business", "funders", "state",
)  # fmt: skip
"""Parties to payments. An operator is both token seller and cloud; its cash is the balance of both."""


@dataclass(frozen=True, slots=True)
class Payment:
    """Payment from one party to another, ``(step,)`` or ``(step, draw)`` [USD]."""

    payer: str
    receiver: str
    what: str
    amount: FloatArray


def payments(run: Trajectory) -> tuple[Payment, ...]:
    """Return every payment of a run between parties.

    Notes
    -----
    Hours for tokens and training are paid at the current rent, whoever owns the capacity.
    """
    hour = run.rental_price * HOURS_PER_YEAR * run.scenario.grid.length
    serving = np.asarray(ordered_sum(np.moveaxis(run.accelerators_by_workload, 1, 0)))

    def all_operators(*names: str) -> FloatArray:
        return np.asarray(ordered_sum(ordered_sum(np.moveaxis(run[name], 1, 0)) for name in names))

    rows = (
        ("users", "token sellers", "tokens", run.user_spend),
        ("token sellers", "clouds", "hours for tokens", hour * serving),
        ("token sellers", "clouds", "hours for training", hour * run.training_compute),
        ("token sellers", "staff and services", "research", all_operators("research")),
        ("token sellers", "staff and services", "selling and overhead", all_operators("go_to_market", "overhead")),
        ("internal businesses", "clouds", "internal work", all_operators("internal_value")),
        ("clouds", "chipmakers", "accelerators and network", run.paid_to_chipmakers),
        ("clouds", "sites and power", "sites, operation and energy", run.paid_to_sites_and_power),
        ("clouds", "staff and services", "staff and upkeep", all_operators("staff", "maintenance", "resale_fees")),
        ("other business", "clouds", "other revenue", all_operators("other_revenue")),
        ("clouds", "other business", "other cost", all_operators("other_cost")),
        ("funders", "token sellers", "investors' money", all_operators("investors_money")),
        (
            "funders",
            "clouds",
            "owners, new debt, leases",
            all_operators("owners_money", "borrowed", "leased", "rescue"),
        ),
        ("funders", "clouds", "interest on cash", all_operators("cash_income")),
        ("clouds", "funders", "interest, repayment, pay-outs", all_operators(*_TO_FUNDERS)),
        ("clouds", "state", "tax", all_operators("tax")),
    )
    return tuple(Payment(payer, receiver, what, np.asarray(amount)) for payer, receiver, what, amount in rows)


_TO_FUNDERS = ("interest", "repaid", "lease_repaid", "paid_out")


def balances(run: Trajectory) -> dict[str, FloatArray]:
    """Return each party's receipts less its payments, ``(step,)`` or ``(step, draw)`` [USD]; they add up to 0."""
    made = payments(run)
    zero = np.zeros_like(run.user_spend)
    return {
        pocket: np.asarray(
            ordered_sum([zero, *(p.amount for p in made if p.receiver == pocket)])
            - ordered_sum([zero, *(p.amount for p in made if p.payer == pocket)])
        )
        for pocket in POCKETS
    }
