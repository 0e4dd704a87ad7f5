"""Fleet: units on order, in service, failed, retired and released, with their books.

The flywheel (chips and sites, two fleets), a company and a project use it. Stocks are on step bounds, flows between
them. Units enter service a lag after their order and leave at their physical life; both are read from cumulative curves
(`costmodel.ownership.curve`), so that a step takes the same time at any horizon. Failures are one share per step,
common to all units. Only early retirement, present value by age and a change of life sum over cohorts, in the steps in
which they occur.

A step calls ``arrive`` (earlier orders), ``order``, then at its end ``leave``, ``impair`` and ``change_life``, then
``close``; `advance` does it in one call. Values inside a step are not checked: a draw that is not finite stays so, and
results are checked by name afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, as_array, broadcast, ordered_sum, readonly
from costmodel.foundation.errors import DomainError, UnknownParameterError, near_matches
from costmodel.foundation.row_loops import summed
from costmodel.ownership.checks import at_least, number_array, whole_number
from costmodel.ownership.class_books import BookTerms, ClassBooks, OpeningBook
from costmodel.ownership.fleet_account import FleetStep, Opening, stacked
from costmodel.ownership.rent import annuity
from costmodel.ownership.stock import Stock, Times

__all__ = ["BookTerms", "Fleet", "FleetStep", "Opening", "OpeningBook", "stacked"]


class Fleet:
    """Units of one kind with amounts per unit, and the books of the asset classes bought with them.

    Parameters
    ----------
    step
        Length of a step, > 0 [year].
    steps
        Largest number of steps, ≥ 1.
    batch
        Shape of the batch, such as ``()``, ``(draw,)`` or ``(operator, draw)``.
    rows
        Names of further amounts per unit, beside count and cost, such as ``("watts",)``; a row is a sum over units.
    books
        Class → `BookTerms`; the purchase cost of each class is a row of its name.
    lag
        Time from order to service, ≥ 0 [year].
    life
        Physical life in service, > 0 [year]; absent: no unit retires.
    failure_rate
        Permanent failures per unit and year, ≥ 0 [1/year].
    shipping_lag
        Time from order to shipment, 0 to the lag [year].
    paid
        Time of payment: ``at_order``, or ``over_build``, evenly from order to service.
    opening
        State at the start.

    Raises
    ------
    DomainError
        If a value is outside its range.
    UnknownParameterError
        If the opening state names an unknown row or class.

    Examples
    --------
    One unit of 8 dollars a quarter, a lag of 0.4 years, a life of 4 years: after five years 16 are in service.

    >>> fleet = Fleet(step=0.25, steps=20, books={"servers": BookTerms(life=4.0)}, lag=0.4, life=4.0)
    >>> history = fleet.run(np.ones(20), {"servers": np.full(20, 8.0)})
    >>> round(float(history.in_service[-1, 0]), 9), round(float(history.on_order[-1, 0]), 9)
    (16.0, 1.6)
    >>> round(float(history.depreciation[-1, 0]), 9)
    8.0
    """

    def __init__(
        self,
        *,
        step: float,
        steps: int,
        batch: tuple[int, ...] = (),
        rows: Sequence[str] = (),
        books: Mapping[str, BookTerms],
        lag: ArrayLike,
        life: ArrayLike | None = None,
        failure_rate: ArrayLike = 0.0,
        shipping_lag: ArrayLike = 0.0,
        paid: Literal["at_order", "over_build"] = "at_order",
        opening: Opening | None = None,
    ) -> None:
        self.step = float(at_least("step", step, 0.0, unit="year", strict=True))
        self.steps = whole_number("steps", steps, 1)
        self.batch, self._width = batch, int(np.prod(batch, dtype=np.intp))
        self.rows = ("units", *rows, *books)
        self.index = {name: number for number, name in enumerate(self.rows)}
        self.classes = tuple(books)
        if len(self.index) < len(self.rows):
            raise DomainError(f"rows and classes need distinct names; given {', '.join(self.rows)}")
        if paid not in ("at_order", "over_build"):
            raise DomainError(f"paid must be at_order or over_build; given {paid!r}")
        self._over_build = paid == "over_build"
        start = Opening() if opening is None else opening
        ends = as_array(np.inf) if life is None else at_least("life", life, 0.0, unit="year", strict=True)
        times = Times.checked(
            self.step * self.steps,
            lag=self._wide("lag", lag),
            shipping=self._wide("shipping_lag", shipping_lag),
            life=self._wide("life", ends),
            opening_life=self._wide("opening life", start.life),
            failure_rate=self._wide("failure_rate", failure_rate),
            step=self.step,
        )
        self._stock = Stock(
            times,
            self._by_row("in service at the start", start.in_service),
            self._by_row("on order at the start", start.on_order),
            self.step,
            self.steps,
        )
        self.books = self._open_books(books, start)
        self.construction: FloatArray = self._costs(self._stock.coming).copy()
        self.committed: FloatArray = np.zeros_like(self.construction)
        self._settled = False

    @property
    def now(self) -> int:
        """Number of the current step, or of the next one between steps."""
        return self._stock.now

    def _wide(self, name: str, value: ArrayLike) -> FloatArray:
        """Return a value for every draw of the flat batch; raise an error for a shape that does not broadcast."""
        try:
            return self._flat(value)
        except ValueError:
            shape = np.shape(value)
            raise DomainError(f"{name} has the shape {shape}, which does not broadcast to {self.batch}") from None

    def _flat(self, value: ArrayLike) -> FloatArray:
        return broadcast(as_array(value), self.batch).reshape(self._width)

    def _open_books(self, books: Mapping[str, BookTerms], opening: Opening) -> dict[str, ClassBooks]:
        for name in opening.books:
            self._known(name, self.classes, "class")
        opened = {name: opening.books.get(name, OpeningBook(value=0.0, life=1.0)) for name in books}
        return {
            name: ClassBooks(
                name,
                BookTerms(**self._wide_fields(terms)),
                OpeningBook(**self._wide_fields(opened[name])),
                self._stock.times.life,
                self.step,
                self.steps,
                self._width,
            )
            for name, terms in books.items()
        }

    def _wide_fields(self, terms: BookTerms | OpeningBook) -> dict[str, FloatArray]:
        return {item.name: self._wide(item.name, getattr(terms, item.name)) for item in fields(terms)}

    @staticmethod
    def _known(name: str, names: Sequence[str], kind: str) -> None:
        if name not in names:
            raise UnknownParameterError(f"no {kind} {name!r} in this fleet{near_matches(name, names)}")

    def _by_row(self, what: str, amounts: Mapping[str, ArrayLike]) -> FloatArray:
        """Return checked amounts by row, ``(row, draw)``; rows that are not named are 0."""
        table = np.zeros((len(self.rows), self._width))
        for name, value in amounts.items():
            self._known(name, self.rows, "row")
            table[self.index[name]] = self._wide(name, at_least(f"{name} {what}", value, 0.0, unit=name))
        return table

    def _shaped(self, values: FloatArray) -> FloatArray:
        return values.reshape((*values.shape[:-1], *self.batch))

    def _costs(self, rows: FloatArray) -> FloatArray:
        """Return the rows that hold the cost of a class."""
        return rows[len(self.rows) - len(self.classes) :]

    def arrive(self) -> None:
        """Begin a step: earlier orders enter service, and units that reach their physical life retire.

        Raises
        ------
        DomainError
            If every step has been taken, or the last one was not closed.
        """
        if self.now >= self.steps:
            raise DomainError(f"the fleet has taken all of its {self.steps} steps: build it with more")
        if self._stock.entered.now > self.now:
            raise DomainError("close the step before the next one begins")
        self._book_before = [own.net(self.now) for own in self.books.values()]
        for own, cost in zip(self.books.values(), self._costs(self._stock.arrive()), strict=True):
            own.place(cost)
        self._settled = False

    @property
    def in_service(self) -> FloatArray:
        """Amounts in service at the end of the step so far, ``(row,) + batch``."""
        return self._shaped(self._stock.level)

    @property
    def middle(self) -> FloatArray:
        """Amounts in service at the middle of the step, ``(row,) + batch``: the mean of both bounds."""
        return self._shaped(0.5 * (self._stock.before + self._stock.level))

    @property
    def on_order(self) -> FloatArray:
        """Amounts ordered and not in service at the end of the step so far, ``(row,) + batch``."""
        return self._shaped(self._stock.on_order())

    def surviving(self, horizon: ArrayLike) -> FloatArray:
        """Return the amounts that will be in service at a horizon, ``(row,) + batch``, without this step's order.

        Parameters
        ----------
        horizon
            Time from the middle of the step, ≥ 0 [year]; broadcasts to the batch. Orders that arrive by then count.

        Notes
        -----
        Units on order can fail from the middle of their arrivals on.
        """
        return self._shaped(self._stock.surviving(self._flat(horizon) / self.step + 0.5))

    def order(self, units: ArrayLike, per_unit: Mapping[str, ArrayLike]) -> None:
        """Order units in this step, evenly over it.

        Parameters
        ----------
        units
            Number of units, ≥ 0 [1]; broadcasts to the batch.
        per_unit
            Row → amount per unit, and class → price per unit [USD]; rows that are not named are 0.

        Raises
        ------
        UnknownParameterError
            If there is no such row.
        DomainError
            If this step's order has been placed already, or the step has not begun.
        """
        if self._stock.orders.now > self.now or self._stock.entered.now == self.now:
            raise DomainError("place an order once per step, after arrive()")
        ordered = np.zeros_like(self._stock.opened)
        ordered[0] = self._flat(units)
        for name, value in per_unit.items():
            self._known(name, self.rows[1:], "row")
            ordered[self.index[name]] = ordered[0] * self._flat(value)
        within = self._stock.order(ordered)
        if within is not None:
            for own, cost in zip(self.books.values(), self._costs(within), strict=True):
                own.place_more(cost)

    def _settle(self) -> None:
        """Book the step up to its end, before early retirement and write-downs."""
        if self._settled:
            return
        stock, k = self._stock, self.now
        if stock.entered.now == k:
            raise DomainError("the step has not begun: call arrive() first")
        stock.settle()
        alive = np.stack([stock.alive(k), stock.alive(k + 0.5), stock.alive(k + 1)])
        arrived = self._costs(stock.arrived)
        self._flows = [
            own.charge_step(k, before, cost, alive)
            for own, before, cost in zip(self.books.values(), self._book_before, arrived / alive[1], strict=True)
        ]
        self._lost, self._impaired = np.zeros_like(self.construction), np.zeros_like(self.construction)
        self._paid = self._costs(stock.payments() if self._over_build else stock.ordered)
        self.construction = self.construction + self._paid - arrived
        self.committed = self.committed + self._costs(stock.ordered) - self._paid
        self._settled = True

    def _weighted(self, rows: FloatArray, weights: Mapping[str, ArrayLike]) -> FloatArray:
        """Return a weighted sum over rows, ``(cohort, draw)`` or ``(draw,)``."""
        for name in weights:
            self._known(name, self.rows, "row")
        return as_array(
            ordered_sum(rows[..., self.index[name], :] * self._flat(value) for name, value in weights.items())
        )

    def unprofitable(
        self, weights: Mapping[str, ArrayLike], row: str, ahead: Sequence[ArrayLike], among: FloatArray
    ) -> list[FloatArray]:
        """Return what unprofitable cohorts hold, now and later: those whose weighted sum of rows is negative.

        Parameters
        ----------
        weights
            Row → value, as in `leave`.
        row
            The row that is added up.
        ahead
            Times from the end of the step, ≥ 0 [year]; each broadcasts to the batch.
        among
            The draws that can have such cohorts, a mask of the shape of the batch; the others hold 0.

        Returns
        -------
        list of FloatArray
            By time, the amount of the row that will neither have retired nor failed by then.
        """
        self._known(row, self.rows, "row")
        looked = as_array(among).reshape(self._width)
        if not bool(looked.any()):
            return [self._shaped(np.zeros(self._width)) for _ in ahead]
        stock, number = self._stock, self.index[row]
        first, entered, _ = stock.cohorts(looked)
        loses = self._weighted(entered, weights) < 0.0
        opened = np.where(self._weighted(stock.opened, weights) < 0.0, stock.opened[number], 0.0)
        found = []
        for time in ahead:
            later = self._flat(time) / self.step
            own = summed(np.where(loses, entered[:, number] * stock.staying(first, later, looked), 0.0))
            bound = stock.entered.now + later
            held = stock.alive(bound) * (own + opened * stock.opening_left(bound))
            found.append(self._shaped(np.where(looked, held, 0.0)))
        return found

    def leave(self, weights: Mapping[str, ArrayLike], share: ArrayLike) -> FloatArray:
        """Retire unprofitable cohorts: those whose weighted sum of rows is negative.

        Parameters
        ----------
        weights
            Row → value, such as ``{"units": earnings, "watts": -cost_of_a_watt}``; opening units count as one cohort.
        share
            Share of such a cohort that leaves, 0 to 1 [1].

        Returns
        -------
        FloatArray
            Amounts that left, ``(row,) + batch``; their book value is written off.

        Notes
        -----
        The sum runs over the cohorts alive, at most physical life over step of them at any horizon. It is skipped if
        every share is 0.
        """
        self._settle()
        stock, going = self._stock, self._flat(share)
        if not bool((going > 0.0).any()):
            return self._shaped(np.zeros_like(stock.level))
        first, entered, here = stock.cohorts(going > 0.0)
        kept = np.where((self._weighted(entered, weights) < 0.0) & (here > 0.0), 1.0 - going, 1.0)
        opening_kept = np.where(self._weighted(stock.opened, weights) < 0.0, 1.0 - going, 1.0)
        if not bool((kept < 1.0).any() or (opening_kept < 1.0).any()):
            return self._shaped(np.zeros_like(stock.level))
        alive = stock.alive(self.now + 1)
        for number, own in enumerate(self.books.values()):
            self._lost[number] += alive * own.leave(first, kept, opening_kept)
        return self._shaped(stock.release(first, kept, here, opening_kept))

    def life_left(self) -> FloatArray:
        """Return the mean remaining physical life of units in service at the end of the step [year].

        It is infinite without a physical life, and 0 where no unit is in service.
        """
        return self._shaped(self._stock.life_left())

    def worth(self, weights: Mapping[str, ArrayLike], rate: ArrayLike) -> FloatArray:
        """Return the present value of what the units in service earn until they retire [USD].

        Parameters
        ----------
        weights
            Row → yearly earnings per unit of the row, signed [USD/year].
        rate
            Logarithmic cost of capital plus logarithmic decline of the earnings, signed [1/year].

        Notes
        -----
        ``Σ (Σ weight·row)·(1 − e^−rate·left)/rate`` over the cohorts alive, each with its own remaining life. Future
        failures are left out; add their rate to ``rate`` to include them.
        """
        stock, pace = self._stock, self._flat(rate)
        begin, entered, here = stock.cohorts()
        opened = stock.opened * stock.opening_left(stock.entered.now)
        own = self._weighted(entered, weights) * here * annuity(pace, stock.lives_left(begin, here))
        first = self._weighted(opened, weights) * annuity(pace, stock.opening_life_left())
        return self._shaped(stock.alive(stock.entered.now) * (summed(own) + first))

    def impair(self, name: str, share: ArrayLike) -> FloatArray:
        """Write down a share of a class's book value at the end of the step; return the amount [USD].

        Parameters
        ----------
        name
            The class.
        share
            Share written down, 0 to 1 [1].
        """
        self._settle()
        self._known(name, self.classes, "class")
        down = self._flat(share)
        if not bool((down > 0.0).any()):
            return self._shaped(np.zeros(self._width))
        amount = self._stock.alive(self.now + 1) * self.books[name].impair(down)
        self._impaired[self.classes.index(name)] += amount
        return self._shaped(amount)

    def change_life(self, name: str, years: ArrayLike) -> None:
        """Change the useful life of a class from the next step on, prospectively.

        The book value of a cohort is spread over the rest of the new life, counted from entry into service; a cohort
        older than that is depreciated in the next step. The remaining life of opening assets changes by the difference.

        Parameters
        ----------
        name
            The class.
        years
            New useful life, > 0 [year]; broadcasts to the batch.

        Raises
        ------
        DomainError
            If it is not positive.
        UnknownParameterError
            If there is no such class.
        """
        self._known(name, self.classes, "class")
        if self._stock.entered.now > self.now:
            self._settle()
        self.books[name].change_life(self._wide("life", at_least("book life", years, 0.0, unit="year", strict=True)))

    def close(self) -> FleetStep:
        """End the step and return its account."""
        self._settle()
        stock = self._stock
        alive = stock.alive(self.now + 1)
        done = {
            "ordered": stock.ordered,
            "shipped": stock.shipped(),
            "arrived": stock.arrived,
            "failed": stock.failed,
            "retired": stock.retired,
            "left": stock.left,
            "in_service": stock.level,
            "on_order": stock.on_order(),
            "paid": self._paid,
            "placed": self._costs(stock.arrived),
            "depreciation": np.stack([flow.depreciation for flow in self._flows]),
            "written_off": np.stack([flow.written_off for flow in self._flows]) + self._lost,
            "impaired": self._impaired,
            "disposed": np.stack([flow.disposed for flow in self._flows]),
            "book_value": np.stack([alive * own.net(self.now + 1) for own in self.books.values()]),
            "construction": self.construction,
            "committed": self.committed,
        }
        stock.now += 1
        return FleetStep(**{name: readonly(self._shaped(as_array(values))) for name, values in done.items()})

    def advance(self, units: ArrayLike, per_unit: Mapping[str, ArrayLike]) -> FleetStep:
        """Take a step in one call: arrive, order, close.

        The arguments are those of `order`; they are checked.

        Raises
        ------
        DomainError
            If a value is negative or not finite, or every step has been taken.
        """
        count = at_least("units", units, 0.0, unit="1")
        checked = {name: number_array(name, value, unit=f"{name} per unit") for name, value in per_unit.items()}
        self.arrive()
        self.order(count, checked)
        return self.close()

    def run(self, units: ArrayLike, per_unit: Mapping[str, ArrayLike]) -> FleetStep:
        """Run a plan and return its history, ``(step, …) + batch``.

        The arguments are those of `order` by step, ``(step,)`` or ``(step,) + batch``; they are checked.

        Raises
        ------
        DomainError
            If a value is not allowed or the plan is longer than the horizon.
        """
        count = at_least("units", units, 0.0, unit="1")
        table = {name: number_array(name, values, unit="by step") for name, values in per_unit.items()}
        return stacked([self.advance(count[k], {name: v[k] for name, v in table.items()}) for k in range(len(count))])
