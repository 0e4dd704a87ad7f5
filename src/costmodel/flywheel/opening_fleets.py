"""The fleets at the start of a run: opening balances, books and terms, from a resolved scenario."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.flywheel.drivers import Drivers, draws, since, stack
from costmodel.flywheel.fleets import Fleets, Terms
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.investment import Investment
from costmodel.flywheel.operator_inputs import OpeningClass, Operator
from costmodel.foundation.arrays import FloatArray, broadcast
from costmodel.ownership.fleet import BookTerms, Fleet, Opening, OpeningBook


@dataclass(frozen=True, slots=True)
class _Operators:
    """Reader of entries of all operators at once, ``(operator, draw)``."""

    items: tuple[Operator, ...]
    shape: tuple[int, int]

    def full(self, rows: list[FloatArray]) -> FloatArray:
        return broadcast(stack(rows), self.shape)

    def opened(self, name: str) -> FloatArray:
        return self.full([draws(getattr(item.opening, name)) for item in self.items])

    def lives(self, name: str, otherwise: object) -> FloatArray:
        given = [getattr(item.lives, name) for item in self.items]
        return self.full([draws(otherwise if value is None else value) for value in given])

    def book(self, name: str) -> OpeningBook:
        rows: list[OpeningClass] = [getattr(item.opening, name) for item in self.items]
        return OpeningBook(
            value=self.full([draws(row.book) for row in rows]),
            life=self.full([draws(row.life) for row in rows]),
            shape=self.full([draws(row.run_off) for row in rows]),
        )

    def building(self, name: str) -> FloatArray:
        return self.full([draws(getattr(item.opening, name).construction) for item in self.items])


def fleets_of(scenario: FlywheelScenario, drivers: Drivers, investment: Investment, batch: int) -> Fleets:
    """Build both fleets with their opening balances."""
    hardware, items = scenario.hardware, tuple(scenario.operators.values())
    at = _Operators(items, (len(items), batch))
    book_life = at.lives("accelerators_book", hardware.accelerators.book_life)
    chip_books = {
        "accelerators": BookTerms(life=book_life),
        "network": BookTerms(life=at.lives("network_book", hardware.network.book_life)),
    }
    site_books = {"sites": BookTerms(life=at.lives("sites_book", hardware.sites.book_life))}
    terms = _terms(scenario, drivers, at, book_life)
    whole_price = at.opened("sites_building") * drivers.site_price[0]
    rows = ("accelerators", "network", "sites")
    book = np.stack([np.broadcast_to(at.book(name).value, at.shape) for name in rows])
    return Fleets(
        _chips(scenario, drivers, investment, at, chip_books, terms.network_share),
        _sites(scenario, drivers, investment, at, site_books, np.maximum(whole_price, at.building("sites"))),
        terms,
        book,
        np.stack([at.building(name) for name in rows]),
        np.maximum(whole_price - at.building("sites"), 0.0),
        investment.site_lag,
        np.maximum.accumulate(np.maximum(drivers.power, at.opened("power")[None]), axis=0),
        np.maximum.accumulate(drivers.price * investment.max_premium, axis=0),
        uncovered=np.zeros_like(book),
        tested=book,
        freed=np.zeros(at.shape),
        others=_others(drivers, investment, at, chip_books, site_books),
    )


def _chips(
    scenario: FlywheelScenario,
    drivers: Drivers,
    investment: Investment,
    at: _Operators,
    books: dict[str, BookTerms],
    network: FloatArray,
) -> Fleet:
    """Build the fleet of accelerators."""
    inputs = scenario.hardware.accelerators
    units, power, coming = at.opened("units"), at.opened("power"), at.opened("on_order")
    price = np.broadcast_to(drivers.price[0], at.shape)
    return Fleet(
        step=drivers.step,
        steps=drivers.grid.steps,
        batch=at.shape,
        rows=("watts",),
        books=books,
        lag=investment.lag,
        shipping_lag=np.minimum(draws(inputs.shipping_lag), investment.lag),
        life=draws(inputs.physical_life),
        failure_rate=draws(inputs.failure_rate),
        opening=Opening(
            in_service={
                "units": units,
                "watts": units * power,
                "accelerators": units * price * (1.0 - network),
                "network": units * price * network,
            },
            life=at.opened("life"),
            on_order={
                "units": coming,
                "watts": coming * drivers.power[0],
                "accelerators": at.building("accelerators"),
                "network": at.building("network"),
            },
            books={"accelerators": at.book("accelerators"), "network": at.book("network")},
        ),
    )


def _sites(
    scenario: FlywheelScenario,
    drivers: Drivers,
    investment: Investment,
    at: _Operators,
    books: dict[str, BookTerms],
    building: FloatArray,
) -> Fleet:
    """Build the fleet of sites; ``building`` is the full price of sites under construction at the start [USD]."""
    openings = [item.opening for item in at.items]
    power = at.full([draws(o.units * o.power if o.site_power is None else o.site_power) for o in openings])
    return Fleet(
        step=drivers.step,
        steps=drivers.grid.steps,
        batch=at.shape,
        books=books,
        lag=investment.site_lag,
        life=draws(scenario.hardware.sites.economic_life),
        paid="over_build",
        opening=Opening(
            in_service={"units": power, "sites": power * drivers.site_price[0]},
            life=at.opened("site_life"),
            on_order={"units": at.opened("sites_building"), "sites": building},
            books={"sites": at.book("sites")},
        ),
    )


def _others(
    drivers: Drivers,
    investment: Investment,
    at: _Operators,
    chip_books: dict[str, BookTerms],
    site_books: dict[str, BookTerms],
) -> tuple[Fleet, Fleet] | None:
    """Build the fleets of capital that is not for AI; None if no operator spends on it."""
    if not any(np.any(draws(item.other_capex) > 0.0) for item in at.items):
        return None
    steps = drivers.grid.steps
    return (
        Fleet(step=drivers.step, steps=steps, batch=at.shape, books=chip_books, lag=investment.lag),
        Fleet(step=drivers.step, steps=steps, batch=at.shape, books=site_books, lag=investment.site_lag),
    )


def _terms(scenario: FlywheelScenario, drivers: Drivers, at: _Operators, book_life: FloatArray) -> Terms:
    """Return the fleets' parameters; a change of useful life takes effect in the step of its date."""
    hardware = scenario.hardware
    thresholds = [item.financing.impairment_threshold for item in at.items]
    ratio = draws(hardware.network.cost_ratio)
    changes, life = [], book_life
    for shock in sorted((s for s in scenario.shocks if s.kind == "book_life"), key=lambda s: s.date):
        life = life * draws(shock.factor)
        when = int(np.floor(since(drivers.grid, shock.date) / drivers.step + 1e-9))
        changes.append((max(when, 0), life))
    return Terms(
        economic_life=at.lives("accelerators_economic", hardware.accelerators.economic_life),
        site_life=draws(hardware.sites.economic_life),
        availability=draws(hardware.accelerators.availability),
        target_use=draws(scenario.clearing.target_use),
        network_share=ratio / (1.0 + ratio),
        maintenance=draws(hardware.maintenance),
        operation=draws(hardware.sites.operation),
        full_load=draws(scenario.energy.full_load),
        idle_fraction=draws(scenario.energy.idle_fraction),
        leaving_time=draws(hardware.accelerators.leaving_time),
        early_leaving=hardware.accelerators.early_leaving,
        impairment=stack([draws(np.inf if value is None else value) for value in thresholds]),
        life_changes=tuple(changes),
    )
