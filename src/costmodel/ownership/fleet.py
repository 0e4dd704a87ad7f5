"""A fleet: vintages by asset class, from purchase to retirement, in units and in the books.

**Cost of a step.** Nothing is summed over vintages. What a step buys arrives as a *cohort* in two neighbouring
steps (the fractional delay of `costmodel.ownership.vintages`); a cohort leaves at its physical life, and stops being
charged at its book life, in two neighbouring steps again. So each stock is a running total with one gather per
event, lags and lives may differ by draw, and the cost of a step is the same for a horizon of 40 steps and of 480.
That holds for straight line. It cannot hold for a method whose charge depends on age in a way of its own
(declining balance with switch, sum of years' digits, MACRS, units of production up to a cap): these need
a sum over vintages, as in `costmodel.ownership.tax.deductions_by_vintage`. A change of useful life takes one pass over
the vintages when it happens. The view by step and vintage is quadratic, and made only on request.

**Order within a step.** Failures of what was there; entry into service; exit at physical life; use;
early retirement, oldest first. Stocks on bounds are those after all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError, UnknownParameterError, near_matches
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.ownership.checks import at_least, number_array, share_array, whole_number
from costmodel.ownership.cohorts import (
    BASE,
    GROSS,
    PERFORMANCE,
    RUNNING,
    SALVAGE,
    UNITS,
    Exit,
    FleetStep,
    RowArray,
    stacked,
)
from costmodel.ownership.vintages import delay_offset, delay_weight, survival


class AssetClass(Inputs):
    """How one class of assets enters service, fails, ages and is depreciated."""

    lag: Parameter = parameter("year", ge=0, default=0.4, description="Time from purchase to service.")
    book_life: Parameter = parameter("year", gt=0, description="Useful life in the books, straight line.")
    physical_life: Parameter = parameter(
        "year", gt=0, optional=True, description="Time in service after which units leave; absent: no limit."
    )
    failure_rate: Parameter = parameter(
        "1/year", ge=0, default=0.0, description="Units that leave for good, per unit and year."
    )
    salvage_share: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Share of cost that is never depreciated."
    )


class ClassFleet:
    """The vintages of one asset class; `advance` moves it by a step.

    Parameters
    ----------
    asset
        Its resolved inputs: floats, or ``(draw,)`` arrays.
    step
        Length of a step [year].
    steps
        Number of steps that can be advanced.
    draws
        Number of draws; absent for a scalar run.

    Raises
    ------
    DomainError
        If ``step`` is not positive or ``steps`` not a whole number of at least 1.

    Examples
    --------
    One unit a quarter, a lag of 0.4 years, a life of 4: after five years 16 are in service. At mid-step 1.6
    are on their way; at the end of the step, half a step's purchases more.

    >>> fleet = ClassFleet(AssetClass(lag=0.4, book_life=4.0, physical_life=4.0), step=0.25, steps=20)
    >>> history = fleet.run(np.ones(20), np.full(20, 8.0))
    >>> round(float(history.installed[-1]), 9), round(float(history.pipeline[-1]), 9)
    (16.0, 2.1)
    >>> round(float(history.depreciation[-1]), 9)
    8.0
    """

    def __init__(self, asset: AssetClass, step: float, steps: int, draws: int | None = None) -> None:
        self.step = float(at_least("step", step, 0.0, unit="year", strict=True))
        self.steps = whole_number("steps", steps, 1)
        self.batch: tuple[int, ...] = () if draws is None else (whole_number("draws", draws, 1),)
        self._columns = np.arange(draws or 1)
        self._lag = self._per_draw(asset.lag)
        self._decay = survival(self.step, self._per_draw(asset.failure_rate))
        physical = np.inf if asset.physical_life is None else asset.physical_life
        self._salvage_share = self._per_draw(asset.salvage_share)
        self._physical = Exit(self._per_draw(physical) / self.step, self.steps, self._decay)
        self._set_book_life(self._per_draw(asset.book_life))
        self._offset = delay_offset(self._lag, self.step).astype(np.intp)
        self._weight = delay_weight(self._lag, self.step)
        width = len(self._columns)
        self._bought = np.zeros((GROSS + 1, self.steps + 1, width))
        self._cohorts = np.zeros((SALVAGE + 1, self.steps + 1, width))
        self._retired_at = np.full((self.steps + 1, width), np.iinfo(np.intp).max)
        self._frontier = np.zeros(width, dtype=np.intp)
        self._stock = np.zeros((GROSS + 1, width))
        self._charged = np.zeros(width)
        self._catch_up = np.zeros(width)
        self._impaired = np.zeros(width)
        self._book = np.zeros(width)
        self._construction = np.zeros(width)
        self._pipeline = np.zeros(width)
        self.now = 0

    def _per_draw(self, value: ArrayLike) -> FloatArray:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), self._columns.shape).astype(np.float64)

    def _set_book_life(self, years: FloatArray) -> None:
        self._book_steps = years / self.step
        self._charge = Exit(np.minimum(self._book_steps, self._physical.steps), self.steps, self._decay)

    def _gather(self, table: FloatArray, row: RowArray) -> FloatArray:
        """Return one row per draw; rows before the first are empty, as is the last row of a table."""
        return np.asarray(table[..., np.where(row >= 0, row, self.steps), self._columns])

    def advance(
        self,
        units: ArrayLike,
        unit_cost: ArrayLike,
        *,
        performance: ArrayLike = 1.0,
        running_cost: ArrayLike = 0.0,
        rent: ArrayLike | None = None,
        cost_index: ArrayLike = 1.0,
    ) -> FleetStep:
        """Advance by one step.

        Parameters
        ----------
        units
            Units bought in this step, ≥ 0 [units].
        unit_cost
            Price of one, ≥ 0 [USD].
        performance
            Performance of one relative to the reference, ≥ 0 [1].
        running_cost
            Cost of running one for a year, ≥ 0 [USD/year].
        rent
            What a unit of reference performance earns now [USD/year]; given, the oldest cohorts whose running cost
            exceeds what they earn are retired. Absent: none are.
        cost_index
            Running costs now relative to those at purchase (energy price), > 0 [1].

        Raises
        ------
        DomainError
            If the horizon is exhausted, or a value is not allowed.
        """
        if self.now >= self.steps:
            raise DomainError(f"the fleet was made for {self.steps} steps, and all are done")
        count = self._per_draw(at_least("units", units, 0.0, unit="1"))
        price = self._per_draw(at_least("unit_cost", unit_cost, 0.0, unit="USD"))
        per_unit = [performance, running_cost]
        for row, values in zip((PERFORMANCE, RUNNING), per_unit, strict=True):
            self._bought[row, self.now] = count * number_array("performance or running cost", values, unit="1")
        self._bought[UNITS, self.now], self._bought[GROSS, self.now] = count, count * price
        before, arrivals = self._stock, self._enter()
        left = self._leave()
        self._stock = before * self._decay + arrivals - left
        in_use = self._stock
        books = self._charge_books(arrivals[GROSS])
        early, lost = self._retire_early(rent, self._per_draw(cost_index))
        self._pipeline = self._pipeline + count - arrivals[UNITS]
        self._construction = self._construction + count * price - arrivals[GROSS]
        failed = before[UNITS] * (1.0 - self._decay)
        done = FleetStep(
            bought=count,
            entered=arrivals[UNITS],
            failed=failed,
            retired=left[UNITS],
            retired_early=early,
            capex=count * price,
            placed=arrivals[GROSS],
            depreciation=books[0],
            written_off=books[1] + lost,
            disposed=books[2],
            impaired=self._impaired,
            in_service=in_use[UNITS],
            capacity=in_use[PERFORMANCE],
            running_cost=in_use[RUNNING],
            installed=self._stock[UNITS],
            pipeline=self._pipeline,
            book_value=self._book,
            in_construction=self._construction,
        )
        self._impaired = np.zeros_like(self._impaired)
        self.now += 1
        return self._shaped(done)

    def _shaped(self, done: FleetStep) -> FleetStep:
        return FleetStep(**{item.name: readonly(getattr(done, item.name).reshape(self.batch)) for item in fields(done)})

    def _enter(self) -> FloatArray:
        """Bring this step's arrivals into service and return them."""
        row = self.now - self._offset
        first, second = self._gather(self._bought, row), self._gather(self._bought, row - 1)
        arrivals: FloatArray = self._weight * first + (1.0 - self._weight) * second
        self._cohorts[: GROSS + 1, self.now] = arrivals
        self._cohorts[BASE, self.now] = arrivals[GROSS] * (1.0 - self._salvage_share)
        self._cohorts[SALVAGE, self.now] = arrivals[GROSS] * self._salvage_share
        return arrivals

    def _leave(self) -> FloatArray:
        """Return what leaves at its physical life."""
        row = self.now - self._physical.offset
        stock = self._cohorts[: GROSS + 1]
        first = self._gather(stock, row) * np.where(row >= self._frontier, self._physical.first, 0.0)
        second = self._gather(stock, row - 1) * np.where(row - 1 >= self._frontier, self._physical.second, 0.0)
        return first + second

    def _charge_books(self, placed: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Advance the books and return depreciation, the write-off of failures and disposals."""
        row = self.now - self._charge.offset
        base = self._cohorts[BASE]
        ended = self._gather(base, row) * np.where(row >= self._frontier, self._charge.first, 0.0)
        ended = ended + self._gather(base, row - 1) * np.where(row - 1 >= self._frontier, self._charge.second, 0.0)
        self._charged = self._charged * self._decay + base[self.now] - ended
        expense = self._charged / self._book_steps + self._catch_up
        failed = self._book * (1.0 - self._decay)
        exit_row = self.now - self._physical.offset
        gone = self._gather(self._cohorts, exit_row)
        share_left = 1.0 - self._charge.steps / self._book_steps
        disposed = np.where(
            exit_row >= self._frontier,
            np.power(self._decay, self._physical.offset) * (gone[BASE] * share_left + gone[SALVAGE]),
            0.0,
        )
        self._book = self._book - failed + placed - expense - disposed
        self._catch_up = np.zeros_like(self._catch_up)
        return expense, failed, disposed

    def _cohort_book(self, base: FloatArray, salvage: FloatArray, age: FloatArray) -> FloatArray:
        """Return the book value of cohorts after ``age`` charges, failures left out."""
        return base * (1.0 - np.minimum(age, self._book_steps) / self._book_steps) + salvage

    def _retire_early(self, rent: ArrayLike | None, cost_index: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Retire the oldest cohorts while they cost more to run than they earn; return units and book value."""
        units, lost = np.zeros_like(self._book), np.zeros_like(self._book)
        if rent is None:
            return units, lost
        earned = self._per_draw(number_array("rent", rent, unit="USD/year"))
        while True:
            front = self._frontier
            cohort = self._gather(self._cohorts, np.minimum(front, self.steps))
            age = (self.now - front).astype(np.float64)
            present = self._physical.present(age)
            here = front <= self.now
            gone = here & ((cohort[UNITS] == 0.0) | (age >= self._physical.steps))
            uneconomic = here & ~gone & (earned * cohort[PERFORMANCE] < cost_index * cohort[RUNNING])
            if not bool((gone | uneconomic).any()):
                return units, lost
            alive = np.where(uneconomic, np.power(self._decay, age), 0.0)
            self._stock = self._stock - cohort[: GROSS + 1] * alive * present
            units = units + cohort[UNITS] * alive * present
            self._charged = self._charged - cohort[BASE] * alive * self._charge.present(age)
            book = alive * self._cohort_book(cohort[BASE], cohort[SALVAGE], age + 1.0)
            book = np.where(age >= self._physical.offset, 0.0, book)
            lost, self._book = lost + book, self._book - book
            self._retired_at[front[uneconomic], self._columns[uneconomic]] = self.now
            self._frontier = np.where(gone | uneconomic, front + 1, front)

    def change_book_life(self, years: ArrayLike) -> None:
        """Change the useful life from the next step on, prospectively: what is left is spread over the new life.

        Parameters
        ----------
        years
            New useful life, counted from in service, > 0 [year]; a value per draw broadcasts.

        Raises
        ------
        DomainError
            If it is not positive.
        """
        new = self._per_draw(at_least("book life", years, 0.0, unit="year", strict=True)) / self.step
        done = (self.now - np.arange(self.now, dtype=np.float64))[:, np.newaxis]
        base = self._cohorts[BASE, : self.now]
        unexpired = base * (1.0 - np.minimum(done, self._book_steps) / self._book_steps)
        late = new <= done
        alive = np.arange(self.now)[:, np.newaxis] >= self._frontier
        overdue = np.where(late & alive & (done <= self._physical.offset), unexpired * np.power(self._decay, done), 0.0)
        base[...] = np.where(late, 0.0, unexpired / np.where(late, 1.0, 1.0 - done / new))
        self._set_book_life(new * self.step)
        age = done - 1.0
        running = np.where(alive, base * np.power(self._decay, age) * self._charge.present(age), 0.0)
        self._charged = np.cumsum(running, axis=0)[-1] if self.now else self._charged
        self._catch_up = np.cumsum(overdue, axis=0)[-1] if self.now else self._catch_up

    def impair(self, share: ArrayLike) -> None:
        """Write down a share of the book value of what is in service, at the end of the last step.

        Parameters
        ----------
        share
            Share of book value written down, 0 to 1 [1]; it is reported with the next step.

        Raises
        ------
        DomainError
            If it is not between 0 and 1.
        """
        kept = 1.0 - self._per_draw(share_array("share", share))
        self._impaired = self._impaired + self._book * (1.0 - kept)
        self._book = self._book * kept
        self._charged = self._charged * kept
        self._catch_up = self._catch_up * kept
        self._cohorts[BASE:, : self.now] *= kept

    def run(self, units: ArrayLike, unit_cost: ArrayLike, **arguments: ArrayLike) -> FleetStep:
        """Advance through a whole plan and return its history, ``(step,) + batch``.

        Parameters
        ----------
        units, unit_cost
            By step, ``(step,)`` or ``(step,) + batch``.
        **arguments
            The other arguments of `advance`, by step too.

        Raises
        ------
        DomainError
            If a value is not allowed or the plan is longer than the horizon.
        """
        columns = {"units": units, "unit_cost": unit_cost, **arguments}
        table = {name: number_array(name, values, unit="by step") for name, values in columns.items()}
        done = [self.advance(**{name: values[k] for name, values in table.items()}) for k in range(len(table["units"]))]
        return stacked(done)

    def by_vintage(self, draw: int = 0) -> FloatArray:
        """Return units in service by step and vintage for one draw, ``(step, vintage)``: quadratic in steps.

        Parameters
        ----------
        draw
            Number of the draw.

        Raises
        ------
        DomainError
            If there is no such draw.
        """
        if whole_number("draw", draw, 0) >= len(self._columns):
            raise DomainError(f"draw {draw} does not exist: there are {len(self._columns)}")
        now, vintage = np.arange(self.now)[:, np.newaxis], np.arange(self.now)[np.newaxis]
        parts = np.zeros((self.now, self.now))
        for shift, weight in ((0, self._weight[draw]), (1, 1.0 - self._weight[draw])):
            cohort = vintage + self._offset[draw] + shift
            age = (now - cohort).astype(np.float64)
            life = np.where(age < 0.0, 0.0, np.minimum(np.maximum(self._physical.steps[draw] - age, 0.0), 1.0))
            kept = now <= self._retired_at[np.minimum(cohort, self.steps), draw]
            parts += weight * life * kept * np.power(self._decay[draw], np.maximum(age, 0.0))
        return readonly(parts * self._bought[UNITS, : self.now, draw])


class Fleet:
    """Vintages by asset class (accelerators and servers, network, facility), advanced together.

    Parameters
    ----------
    classes
        Resolved inputs by class name.
    step, steps, draws
        As for `ClassFleet`.

    Raises
    ------
    DomainError
        If there is no class, or a number is not allowed.

    Examples
    --------
    >>> classes = {"servers": AssetClass(book_life=5.0), "facility": AssetClass(book_life=20.0, lag=1.5)}
    >>> fleet = Fleet(classes, step=0.25, steps=4)
    >>> done = fleet.advance({"servers": {"units": 10.0, "unit_cost": 30_000.0}})
    >>> float(fleet.total("in_construction"))
    300000.0
    """

    def __init__(self, classes: Mapping[str, AssetClass], step: float, steps: int, draws: int | None = None) -> None:
        if not classes:
            raise DomainError("a fleet needs at least one asset class")
        self.classes = {name: ClassFleet(asset, step, steps, draws) for name, asset in classes.items()}
        self.last: dict[str, FleetStep] = {}

    def advance(self, purchases: Mapping[str, Mapping[str, ArrayLike]]) -> dict[str, FleetStep]:
        """Advance every class by a step; a class that is not named buys nothing.

        Parameters
        ----------
        purchases
            Class name → arguments of `ClassFleet.advance`.

        Raises
        ------
        UnknownParameterError
            If there is no such class.
        DomainError
            If a value is not allowed.
        """
        for name in purchases:
            if name not in self.classes:
                raise UnknownParameterError(f"no asset class {name!r}{near_matches(name, self.classes)}")
        nothing: Mapping[str, ArrayLike] = {"units": 0.0, "unit_cost": 0.0}
        self.last = {name: own.advance(**purchases.get(name, nothing)) for name, own in self.classes.items()}
        return self.last

    def total(self, field: str) -> FloatArray:
        """Return a flow or stock of the last step summed over the classes; meant for USD.

        Raises
        ------
        DomainError
            If nothing has been advanced yet.
        """
        if not self.last:
            raise DomainError("advance the fleet before asking for totals")
        first, *rest = (getattr(done, field) for done in self.last.values())
        total: FloatArray = first
        for part in rest:
            total = total + part
        return total
