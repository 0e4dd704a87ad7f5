"""Operating margin of a company by year, and an exactly additive bridge between two years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray, Numeric, as_array, formula, ordered_sum
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import DomainError
from costmodel.foundation.tables import Table, Tabled

SHORT_LIVED = ("accelerators", "network")
"""Asset classes to which a policy for servers and network applies."""


@formula()
def margin_effect_of_cost(
    cost_before: Numeric, cost_after: Numeric, revenue_before: Numeric, revenue_after: Numeric
) -> Numeric:
    """Effect of a change of one cost on operating margin.

    Parameters
    ----------
    cost_before, cost_after
        The cost in the two years, at least 0 [USD].
    revenue_before, revenue_after
        Revenue in the two years, above 0 [USD].

    Returns
    -------
    Numeric
        Change of the margin that is due to this cost, negative where it rises [1].

    Notes
    -----
    ``−(C₁ − C₀)·(1/R₀ + 1/R₁)/2``: a cost counts at the mean of the two years' revenue, so that the effects of all
    costs and :func:`margin_effect_of_revenue` add up to the change of the margin, in any order.

    Examples
    --------
    >>> round(float(margin_effect_of_cost(10.0, 20.0, 100.0, 100.0)), 6)
    -0.1
    """
    return -(cost_after - cost_before) * 0.5 * (1.0 / revenue_before + 1.0 / revenue_after)


@formula()
def margin_effect_of_revenue(
    cost_before: Numeric, cost_after: Numeric, revenue_before: Numeric, revenue_after: Numeric
) -> Numeric:
    """Effect of a change of revenue on operating margin.

    Parameters
    ----------
    cost_before, cost_after
        All operating costs in the two years, at least 0 [USD].
    revenue_before, revenue_after
        Revenue in the two years, above 0 [USD].

    Returns
    -------
    Numeric
        Change of the margin that is due to revenue, positive where it rises [1].

    Notes
    -----
    ``(C₀ + C₁)/2·(1/R₀ − 1/R₁)``.

    Examples
    --------
    >>> round(float(margin_effect_of_revenue(50.0, 50.0, 100.0, 125.0)), 6)
    0.1
    """
    return 0.5 * (cost_before + cost_after) * (1.0 / revenue_before - 1.0 / revenue_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class YearAccounts:
    """Operating accounts of a calendar year [USD], each ``()`` or ``(draw,)``."""

    year: int
    revenue: Numeric
    depreciation: Numeric
    """Including impairment and write-offs."""
    energy: Numeric
    other_cost: Numeric
    """All other operating cost: staff, upkeep, research, selling, and cost that is not for AI."""

    @property
    def cost(self) -> FloatArray:
        """All operating cost [USD]."""
        return np.asarray(self.depreciation + self.energy + self.other_cost)

    @property
    def operating_income(self) -> FloatArray:
        """Revenue less all operating cost [USD]."""
        return np.asarray(self.revenue - self.cost)

    @property
    def margin(self) -> FloatArray:
        """Operating income over revenue [1]."""
        return np.asarray(self.operating_income / self.revenue)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginBridge(Tabled):
    """Bridge between the operating margins of two years [1], each part ``()`` or ``(draw,)``."""

    before: YearAccounts
    after: YearAccounts
    depreciation: FloatArray
    energy: FloatArray
    other_cost: FloatArray
    revenue: FloatArray

    @property
    def change(self) -> FloatArray:
        """Change of the margin; the four parts add up to it [1]."""
        return np.asarray(self.after.margin - self.before.margin)

    def table(self) -> Table:
        """Return the bridge as a table with the margins at both ends; medians of draws [1]."""
        parts = [
            (f"margin {self.before.year}", self.before.margin),
            ("depreciation", self.depreciation),
            ("energy", self.energy),
            ("other cost", self.other_cost),
            ("revenue", self.revenue),
            (f"margin {self.after.year}", self.after.margin),
        ]
        return Table.of({"part": name, "value": float(np.median(value))} for name, value in parts)


def year_accounts(trajectory: Trajectory, year: int) -> YearAccounts:
    """Return the operating accounts of a calendar year of a run.

    Raises
    ------
    DomainError
        If the run does not cover the whole year.
    """
    steps = trajectory.scenario.grid.year_steps(year)

    def total(series: FloatArray) -> FloatArray:
        return np.asarray(ordered_sum(np.asarray(series)[steps]))

    r = trajectory
    rest = [
        r.resale_fees,
        r.site_operation,
        r.maintenance,
        r.staff,
        r.research,
        r.go_to_market,
        r.overhead,
        r.other_cost,
    ]
    return YearAccounts(
        year=year,
        revenue=total(r.revenue),
        depreciation=total(np.asarray(r.depreciation + r.write_offs)),
        energy=total(r.energy_cost),
        other_cost=total(_operators(ordered_sum(rest))),
    )


def _operators(rows: FloatArray) -> FloatArray:
    """Add up operators, ``(step, operator) + batch``."""
    return np.asarray(ordered_sum(np.moveaxis(np.asarray(rows), 1, 0)))


def margin_bridge(before: YearAccounts, after: YearAccounts) -> MarginBridge:
    """Return the effects of depreciation, energy, other cost and revenue on the margin between two years.

    Parameters
    ----------
    before, after
        Accounts of the two years: of a run, or as a company reported them.

    Examples
    --------
    >>> before = YearAccounts(year=2025, revenue=100.0, depreciation=10.0, energy=1.0, other_cost=49.0)
    >>> after = YearAccounts(year=2027, revenue=125.0, depreciation=25.0, energy=3.0, other_cost=60.0)
    >>> for row in margin_bridge(before, after).table().records():
    ...     print(row["part"], round(row["value"], 4))
    margin 2025 0.4
    depreciation -0.135
    energy -0.018
    other cost -0.099
    revenue 0.148
    margin 2027 0.296
    """
    revenues = (before.revenue, after.revenue)
    return MarginBridge(
        before=before,
        after=after,
        depreciation=as_array(margin_effect_of_cost(before.depreciation, after.depreciation, *revenues)),
        energy=as_array(margin_effect_of_cost(before.energy, after.energy, *revenues)),
        other_cost=as_array(margin_effect_of_cost(before.other_cost, after.other_cost, *revenues)),
        revenue=as_array(margin_effect_of_revenue(before.cost, after.cost, *revenues)),
    )


def with_book_life(scenario: FlywheelScenario, life: float) -> FlywheelScenario:
    """Return a scenario with another useful life of servers and network.

    A change of life is prospective: book value at the start stays, and its remaining life changes in proportion to the
    new life. Economic life, and with it rents and prices, stays the same.

    Parameters
    ----------
    scenario
        A written scenario whose book lives of both classes are numbers.
    life
        New useful life, above 0 [year].

    Raises
    ------
    DomainError
        If a life is not above 0, or is uncertain in the scenario.
    """
    if not life > 0.0:
        raise DomainError(f"life must be above 0 years; got {life!r}")
    changes: dict[str, float] = {}
    for name in SHORT_LIVED:
        before = getattr(scenario.hardware, name).book_life
        if isinstance(before, Distribution):
            raise DomainError(f"hardware.{name}.book_life is uncertain: set it to a number before changing it")
        changes[f"hardware.{name}.book_life"] = life
        for key, operator in scenario.operators.items():
            path, opening = f"operators.{key}.opening.{name}.life", getattr(operator.opening, name).life
            if isinstance(opening, Distribution):
                raise DomainError(f"{path} is uncertain: set it to a number before changing the useful life")
            changes[path] = opening * life / before
    return scenario.replace(changes)
