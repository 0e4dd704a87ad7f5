"""Loans and finance leases: amounts due and owed when each loan is repaid evenly over a term."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, Numeric, as_array, broadcast, formula
from costmodel.foundation.errors import DomainError
from costmodel.ownership.checks import at_least, whole_number
from costmodel.ownership.curve import Curve, Delay


@formula(step=True)
def interest_of_step(owed: Numeric, rate: Numeric, step: Numeric) -> Numeric:
    """Return the interest on the amount owed over a step.

    Parameters
    ----------
    owed
        Amount owed at the start of the step, ≥ 0 [USD].
    rate
        Year-end interest rate, > −1 [1/year].
    step
        Length of the step, > 0 [year].

    Returns
    -------
    Numeric
        Interest [USD]; over the steps of a year it compounds to the rate.

    Notes
    -----
    ``owed·((1 + rate)^step − 1)``.

    Examples
    --------
    >>> round(float(interest_of_step(100.0, 0.08, 0.25)), 4)
    1.9427
    """
    return owed * np.expm1(step * np.log1p(rate))


class Loans:
    """Debt of an operator, by step: opening debt and new loans, each repaid evenly over a term.

    New loans are taken up at the end of a step. Finance leases work alike: the liability arises at commencement and is
    repaid over the term of the lease.

    Parameters
    ----------
    step, steps
        Length [year] and number of steps.
    batch
        Shape of the batch.
    term
        Years over which new debt is repaid, > 0 [year].
    opening
        Amount owed at the start, ≥ 0 [USD].
    opening_life
        Years over which opening debt is repaid evenly, > 0 [year]; not used where ``maturities`` are given.
    maturities
        Part of the opening debt that falls due in each step, ≥ 0 [USD], ``(step,) + batch``; the rest falls due after
        the horizon.

    Raises
    ------
    DomainError
        If a value is outside its range, or more falls due than is owed.

    Examples
    --------
    A loan of 120 over a year, and 60 owed at the start over half a year, in quarters:

    >>> loans = Loans(step=0.25, steps=6, batch=(), term=1.0, opening=60.0, opening_life=0.5)
    >>> due = []
    >>> for step in range(6):
    ...     due.append(float(loans.due))
    ...     loans.advance(120.0 if step == 0 else 0.0)
    >>> due, float(loans.owed)
    ([30.0, 60.0, 30.0, 30.0, 30.0, 0.0], 0.0)
    """

    def __init__(
        self,
        *,
        step: float,
        steps: int,
        batch: tuple[int, ...] = (),
        term: ArrayLike,
        opening: ArrayLike = 0.0,
        opening_life: ArrayLike = 1.0,
        maturities: ArrayLike | None = None,
    ) -> None:
        length = float(at_least("step", step, 0.0, unit="year", strict=True))
        count = whole_number("steps", steps, 1)
        self.batch, width = batch, int(np.prod(batch, dtype=np.intp))
        years = self._wide(at_least("term", term, 0.0, unit="year", strict=True))
        self._owed = self._wide(at_least("opening debt", opening, 0.0, unit="USD")).copy()
        self._instalments = years / length
        self._delay = Delay(years, length, width)
        self._curve = Curve(1, count, width)
        self._opening = self._schedule(count, length, opening_life, maturities)
        self._kept: FloatArray = np.ones(width)

    def _wide(self, value: ArrayLike) -> FloatArray:
        return broadcast(as_array(value), self.batch).reshape(-1)

    def _schedule(self, steps: int, step: float, life: ArrayLike, maturities: ArrayLike | None) -> FloatArray:
        """Return the opening debt that falls due by step, ``(step, draw)``."""
        if maturities is None:
            over = self._wide(at_least("opening life", life, 0.0, unit="year", strict=True)) / step
            bounds = np.minimum(np.arange(steps + 1.0)[:, np.newaxis] / over, 1.0)
            return as_array(self._owed * np.diff(bounds, axis=0))
        due = at_least("maturities", maturities, 0.0, unit="USD")
        if due.ndim < 1 or len(due) != steps:
            raise DomainError(f"maturities must be one row for each of {steps} steps; given the shape {due.shape}")
        tail = due.reshape((steps,) + (1,) * (len(self.batch) + 1 - due.ndim) + due.shape[1:])
        table = np.broadcast_to(tail, (steps, *self.batch)).reshape(steps, -1)
        total = np.cumsum(table, axis=0)[-1]
        if bool((total > self._owed * (1.0 + 1e-9)).any()):
            raise DomainError("maturities must add up to at most the opening debt [USD]")
        return table

    @property
    def owed(self) -> FloatArray:
        """Amount owed at the last bound, shape of the batch [USD]."""
        return self._owed.reshape(self.batch)

    @property
    def due(self) -> FloatArray:
        """Amount due in the current step, shape of the batch [USD]."""
        k = self._curve.now
        taken = (self._curve.total[k] - self._curve.at(k, self._delay))[0] / self._instalments
        return as_array(np.minimum(taken + self._opening[k] * self._kept, self._owed)).reshape(self.batch)

    def advance(self, borrowed: ArrayLike, early: ArrayLike = 0.0) -> None:
        """End a step: pay the amount due, repay early, and take up new debt.

        Parameters
        ----------
        borrowed
            Debt taken up at the end of the step, ≥ 0 [USD].
        early
            Amount repaid beyond what is due, ≥ 0 [USD], at most what is then owed; later instalments shrink in
            proportion.
        """
        left = self._owed - self.due.reshape(-1)
        ahead = np.minimum(self._wide(early), left)
        if bool((ahead > 0.0).any()):
            kept = np.where(left > 0.0, 1.0 - ahead / np.where(left > 0.0, left, 1.0), 1.0)
            self._curve.rescale(0, kept)
            self._kept = self._kept * kept
        taken = self._wide(borrowed)
        self._curve.add(taken[np.newaxis])
        self._owed = left - ahead + taken
