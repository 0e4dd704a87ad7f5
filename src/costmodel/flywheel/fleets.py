"""Fleets of accelerators and sites: required rent, retirement and impairment.

A site's unit is a watt of facility power.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from costmodel.flywheel.accounts import Books, books_of
from costmodel.flywheel.drivers import Drivers
from costmodel.flywheel.investment import Cost, Investment
from costmodel.flywheel.market_side import TINY
from costmodel.foundation.arrays import FloatArray, as_array, ordered_sum
from costmodel.foundation.units import HOURS_PER_YEAR
from costmodel.market.pricing import closing_share
from costmodel.ownership.energy import load_factor
from costmodel.ownership.fleet import Fleet, FleetStep
from costmodel.ownership.rent import rent_per_hour_used

EARNINGS_MEMORY = 0.5
"""Smoothing time of the earnings from which value in use is computed [year], assumed."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Parameters that the fleets use in every step, ``(draw,)`` or ``(operator, draw)``."""

    economic_life: FloatArray
    site_life: FloatArray
    availability: FloatArray
    target_use: FloatArray
    network_share: FloatArray
    """Share of the price that is network [1]."""
    maintenance: FloatArray
    operation: FloatArray
    full_load: FloatArray
    idle_fraction: FloatArray
    leaving_time: FloatArray
    early_leaving: bool
    impairment: FloatArray
    """Shortfall above which value is written down [1]; infinite without a test."""
    life_changes: tuple[tuple[int, FloatArray], ...]
    """Step and new useful life of accelerators and servers, ``(operator, draw)`` [year]."""


@dataclass(slots=True)
class Fleets:
    """Both fleets of a run, batch ``(operator, draw)``."""

    chips: Fleet
    sites: Fleet
    terms: Terms
    book: FloatArray
    """Book value in service at the last bound, ``(asset, operator, draw)`` [USD]."""
    construction: FloatArray
    """Paid for but not in service at the last bound, ``(asset, operator, draw)`` [USD]."""
    unpaid: FloatArray
    """Amount still to be paid at the start for sites under construction, ``(operator, draw)`` [USD]."""
    site_lag: FloatArray
    thirstiest: FloatArray
    """Highest power of any accelerator that may be in service, ``(step, operator, draw)`` [W]."""
    dearest: FloatArray
    """Highest price of any accelerator that may be in service, with the largest premium [USD]."""
    uncovered: FloatArray
    """Book value that value in use does not cover, at the yearly test, ``(asset, operator, draw)`` [USD]; else 0."""
    tested: FloatArray
    """Book value in service that is for AI and tested for impairment, ``(asset, operator, draw)`` [USD]."""
    freed: FloatArray
    """Site power that unprofitable vintages can leave to the next step's orders, ``(operator, draw)`` [W]."""
    usual: FloatArray | None = None
    """Recent earnings of an accelerator, ``(operator, draw)`` [USD/year], from which value in use is computed."""
    others: tuple[Fleet, Fleet] | None = None
    """Equipment and sites that are not for AI, in units of a dollar of cost; None where nothing is spent on them."""

    def arrive(self, step: int) -> None:
        """Begin a step; a change of useful life dated in it takes effect."""
        for when, life in self.terms.life_changes:
            if when == step:
                for fleet in (self.chips, *(self.others or ())[:1]):
                    fleet.change_life("accelerators", life)
        self.uncovered = np.zeros_like(self.book)
        self.chips.arrive()
        self.sites.arrive()

    def close(self, step: int, drivers: Drivers, chips: FleetStep, sites: FleetStep, other: FloatArray) -> Books:
        """Close the books of a step, including those of capital that is not for AI.

        Parameters
        ----------
        step, drivers
            Number of the step, and the exogenous drivers.
        chips, sites
            The step of each fleet.
        other
            Capital bought in the step that is not for AI, ``(operator, draw)`` [USD]; divided among the classes as the
            cost of an accelerator with its site power is.
        """
        dt = drivers.step
        books = books_of(chips, sites).with_sites(self.opening_payment(step, dt), self._left_to_pay(step + 1, dt))
        self.tested = books.book_value
        if self.others is not None:
            site = drivers.site_price[step] * drivers.power[step]
            equipment = drivers.price[step] / np.maximum(drivers.price[step] + site, TINY)
            network = self.terms.network_share
            price = {"accelerators": 1.0 - network, "network": network}
            rest = (
                _taken(self.others[0], other * equipment, price),
                _taken(self.others[1], other * (1.0 - equipment), {"sites": 1.0}),
            )
            books = books.plus(books_of(*rest))
        self.book, self.construction = books.book_value, books.construction
        return books

    @property
    def powered(self) -> FloatArray:
        """Share of accelerators for which there is site power, ``(operator, draw)`` [1]."""
        watts = self.chips.middle[self.chips.index["watts"]]
        return as_array(np.minimum(self.sites.middle[0] / np.maximum(watts, TINY), 1.0))

    @property
    def occupied(self) -> FloatArray:
        """Share of site power that accelerators take, ``(operator, draw)`` [1]."""
        watts = self.chips.middle[self.chips.index["watts"]]
        return as_array(np.minimum(watts / np.maximum(self.sites.middle[0], TINY), 1.0))

    @property
    def capacity(self) -> FloatArray:
        """Accelerators in working order and powered at mid-step, ``(operator, draw)``."""
        return as_array(self.terms.availability * self.chips.middle[0] * self.powered)

    def required(self, step: int, drivers: Drivers, rate: FloatArray, investment: Investment) -> Cost:
        """Return the required rent of new capacity per hour used, at list prices and with current premiums (item 2).

        Notes
        -----
        ``R = [P(r+δ)/(1 − e^(−(r+δ)L)) + c_W·w·r/(1 − e^(−r·L_site)) + m]/(8,766·availability·u*)``.
        """
        terms, price, power = self.terms, drivers.price[step], drivers.power[step]
        site = drivers.site_price[step] * power
        running = (
            power * self.energy_of_a_watt(step, drivers, terms.target_use)
            + terms.maintenance * price
            + terms.operation * site
        )
        hours = HOURS_PER_YEAR * terms.availability * terms.target_use

        def rent(chips: FloatArray, room: FloatArray, run: FloatArray) -> FloatArray:
            lives = (terms.economic_life, room, terms.site_life)
            return as_array(rent_per_hour_used(chips, rate, drivers.decline[step], *lives, run, hours))

        dear = price * np.exp(investment.chip_premium), site * np.exp(investment.site_premium)
        whole, none = rent(price, site, running), np.zeros_like(price)
        safe = np.maximum(whole, TINY)
        chip_share, site_share = rent(price, none, none) / safe, rent(none, site, none) / safe
        return Cost(whole, rent(*dear, running), running / hours, chip_share, site_share, rate)

    def energy_of_a_watt(self, step: int, drivers: Drivers, use: FloatArray) -> FloatArray:
        """Return the yearly cost of energy per rated watt at a given use [USD/W/year]."""
        load = self.terms.full_load * load_factor(use, self.terms.idle_fraction)
        return as_array(load * HOURS_PER_YEAR * drivers.electricity[step])

    def opening_payment(self, step: int, dt: float) -> FloatArray:
        """Return the step's payment for sites under construction at the start, ``(operator, draw)`` [USD].

        Notes
        -----
        Their ages are spread evenly and each is paid evenly over the build: the unpaid part falls as ``(1 − t/lag)²``.
        """
        first, last = (1.0 - np.minimum(bound * dt / self.site_lag, 1.0) for bound in (step, step + 1))
        return as_array(self.unpaid * (first * first - last * last))

    def _left_to_pay(self, bound: int, dt: float) -> FloatArray:
        left = 1.0 - np.minimum(bound * dt / self.site_lag, 1.0)
        return as_array(self.unpaid * left * left)

    def build_sites(self, units: FloatArray, step: int, drivers: Drivers, premium: FloatArray) -> None:
        """Order site power for a step [W]; the price is paid evenly over the build."""
        self.sites.order(units, {"sites": drivers.site_price[step] * np.exp(premium)})

    def buy_chips(self, units: FloatArray, step: int, drivers: Drivers, premium: FloatArray) -> None:
        """Order accelerators for a step."""
        price = drivers.price[step] * np.exp(premium)
        network = self.terms.network_share
        self.chips.order(
            units,
            {"watts": drivers.power[step], "accelerators": price * (1.0 - network), "network": price * network},
        )

    def weights(
        self, step: int, drivers: Drivers, earned: FloatArray, use: FloatArray, watt_rent: FloatArray
    ) -> dict[str, FloatArray]:
        """Return yearly earnings and costs by row of a unit: rent, energy, upkeep and the site power it takes."""
        upkeep = -self.terms.maintenance
        watt = -(self.energy_of_a_watt(step, drivers, use) + watt_rent)
        return {"units": earned, "watts": watt, "accelerators": upkeep, "network": upkeep}

    def leave(
        self, step: int, drivers: Drivers, cost: Cost, earned: FloatArray, use: FloatArray, horizon: FloatArray
    ) -> None:
        """Retire vintages that are worth less than the site power they take, as their successors arrive (item 8).

        Parameters
        ----------
        step, drivers, cost
            Number of the step, its drivers, and the required rent.
        earned
            Yearly earnings of an accelerator, ``(operator, draw)`` [USD/year].
        use
            Share of capacity used, ``(operator, draw)`` [1].
        horizon
            Time until the next step's orders need power, ``(draw,)`` [year].

        Notes
        -----
        The value of a watt is what new equipment would earn with it beyond its own rent:
        ``λ = max(0, (earnings − R_IT)/w_new)``. Vintages with ``earnings − running − λ·w < 0`` serve until the power
        of all accelerators exceeds that of sites; then as many leave as the excess requires, at most
        ``1 − e^(−Δt/leaving time)`` of them. Orders count on the power that they can free by the horizon.
        """
        terms = self.terms
        if not terms.early_leaving:
            return
        hours = HOURS_PER_YEAR * terms.availability * terms.target_use
        own = cost.required * hours * (1.0 - cost.site_share)
        watt_rent = as_array(np.maximum(earned - own, 0.0) / drivers.power[step])
        weights = self.weights(step, drivers, earned, use, watt_rent)
        # Where even the vintage with the highest power and price pays, no vintage needs a look.
        worst = earned + weights["watts"] * self.thirstiest[step] - terms.maintenance * self.dearest[step]
        now, later = self.chips.unprofitable(weights, "watts", (0.0, horizon), worst < 0.0)
        excess = self.chips.in_service[self.chips.index["watts"]] - self.sites.in_service[0]
        needed = np.maximum(excess, 0.0) / np.where(now > 0.0, now, 1.0)
        share = np.where(now > 0.0, np.minimum(needed, -np.expm1(-drivers.step / terms.leaving_time)), 0.0)
        self.chips.leave(weights, share)
        self.freed = as_array(later * (1.0 - share) * -np.expm1(-horizon / terms.leaving_time))

    def remember(self, earned: FloatArray, step: float) -> FloatArray:
        """Return smoothed earnings of an accelerator, so that one step's rent does not impair a fleet [USD/year]."""
        before = earned if self.usual is None else self.usual
        self.usual = as_array(before + closing_share(1.0 / EARNINGS_MEMORY, step) * (earned - before))
        return self.usual

    def revalue(self, step: int, drivers: Drivers, cost: Cost, earned: FloatArray, use: FloatArray) -> None:
        """Test accelerators, network and sites for impairment once a year, each at its own life and decline (item 9).

        Notes
        -----
        Earnings over running cost are divided between equipment and sites by their shares of required rent. Equipment
        is worth its part times ``A(r + δ, life left)``, sites their part times ``A(r, life left)``. Equipment without
        power and sites without equipment earn nothing; their present shares are assumed to last.
        """
        yearly = (step + 1) % round(1.0 / drivers.step) == 0
        if not yearly:
            return
        capital = np.maximum(cost.chip_share + cost.site_share, TINY)
        weights = self.weights(step, drivers, earned, use, np.zeros(1))
        worth = self.chips.worth(weights, cost.rate + drivers.decline[step]) * cost.chip_share / capital * self.powered
        book = self.tested[0] + self.tested[1] + self._placed(self.chips, "accelerators", "network")
        short = self._short(worth, book)
        found = [short * (self.tested[i] + self._placed(self.chips, name)) for i, name in enumerate(self.chips.classes)]
        self.uncovered = np.stack([*found, self.uncovered[2]])
        for name in self.chips.classes:
            self.chips.impair(name, self._written_down(short))

    @staticmethod
    def _placed(fleet: Fleet, *names: str) -> FloatArray:
        """Return the growth of cost in service in the step, at least 0, ``(operator, draw)`` [USD]."""
        rows = [fleet.index[name] for name in names]
        grown = 2.0 * (fleet.in_service[rows] - fleet.middle[rows])
        return as_array(np.maximum(ordered_sum(grown), 0.0))

    @staticmethod
    def _short(worth: FloatArray, book: FloatArray) -> FloatArray:
        """Return the share of book value that value in use does not cover, 0 to 1 [1]."""
        short = 1.0 - np.maximum(worth, 0.0) / np.maximum(book, TINY)
        return np.where(book > 0.0, np.clip(short, 0.0, 1.0), 0.0)

    def _written_down(self, short: FloatArray) -> FloatArray:
        return np.where(short > self.terms.impairment, short, 0.0)

    def revalue_sites(self, step: int, drivers: Drivers, cost: Cost, earned: FloatArray, use: FloatArray) -> None:
        """Test sites for impairment once a year."""
        yearly = (step + 1) % round(1.0 / drivers.step) == 0
        if not yearly:
            return
        capital = np.maximum(cost.chip_share + cost.site_share, TINY)
        unit = (
            earned
            - drivers.power[step] * self.energy_of_a_watt(step, drivers, use)
            - (self.terms.maintenance * drivers.price[step])
        )
        watt = unit / drivers.power[step] * cost.site_share / capital * self.occupied
        worth = self.sites.worth({"units": watt}, cost.rate)
        book = self.tested[2] + self._placed(self.sites, "sites")
        short = self._short(worth, book)
        self.uncovered = np.stack([self.uncovered[0], self.uncovered[1], short * book])
        self.sites.impair("sites", self._written_down(short))


def _taken(fleet: Fleet, units: FloatArray, per_unit: Mapping[str, ArrayLike]) -> FleetStep:
    """Take a step of a fleet without early retirement or impairment."""
    fleet.arrive()
    fleet.order(units, per_unit)
    return fleet.close()
