"""A second flywheel: one operator, one draw, written from the model's equations in plain Python, without the library.

It takes the written form of a scenario at the median of every input. Fleets are lists of cohorts, roots are found by
bisection, and impairment is left out. Where the equations leave a choice that moves figures, it makes the library's:
which price the budget limits, of which date the watts of later accelerators are, what is assumed of the time before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from second_inputs import HOURS, Given, along, closed

PIECES = 10
"""Cohorts into which a step's orders are divided, so that those of a step arrive in the course of a step."""
LEAVING_TIME, ROOM_TIME, PREMIUM_MEMORY = 0.75, 0.25, 0.5


def followed(target: tuple[float, float], price: float, noticed: float, speeds: tuple[float, float], h: float) -> Any:
    """Return list and noticed log price at the end of a step whose target moves on a line."""
    (first, last), (fast, slow) = target, speeds
    slope = (last - first) / h
    gap, distance = price - first + slope / fast, noticed - first + slope / fast + slope / slow
    new = last - slope / fast + gap * math.exp(-fast * h)
    if abs(fast - slow) < 1e-9:
        decayed = (distance + slow * h * gap) * math.exp(-slow * h)
    else:
        part = slow * gap / (slow - fast)
        decayed = part * math.exp(-fast * h) + (distance - part) * math.exp(-slow * h)
    return new, last - slope / fast - slope / slow + decayed


def root(falling: Callable[[float], float], low: float, high: float) -> float:
    if falling(low) <= 0.0:
        return low
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if falling(middle) > 0.0 else (low, middle)
    return low


class SecondFlywheel(Given):
    """The flywheel's equations over the steps of a scenario's written form."""

    def __init__(self, form: dict[str, Any]) -> None:
        super().__init__(form)
        self.begin()

    def begin(self) -> None:
        opening, start = self.opening, self.start
        count = 18
        ages = self.of(opening, "life")
        units = self.of(opening, "units") / count
        self.chips = [  # [in service from, units, watts of one, price of one]
            [start - self.life + ages * (i + 1.0) / count, units, self.of(opening, "power"), 0.0] for i in range(count)
        ]
        book = sum(self.of(opening[name], "book") for name in ("accelerators", "network"))
        for cohort in self.chips:
            cohort[3] = book / self.of(opening, "units")
        coming = self.of(opening, "on_order") / PIECES
        self.chips += [
            [start + self.lag * (i + 0.5) / PIECES, coming, self.watts(start), self.chip(start)] for i in range(PIECES)
        ]
        building = self.of(opening, "sites_building")
        self.sites = [[start - 5.0, self.of(opening, "site_power")]]  # [in service from, watts]
        self.sites += [[start + self.site_lag * (i + 0.5) / PIECES, building / PIECES] for i in range(PIECES)]
        paid = self.of(opening["sites"], "construction")
        self.left_to_pay = max(building * self.watt_price(start) - paid, 0.0)
        self.built: list[tuple[float, float]] = []  # [ordered at, USD]
        self.claims, self.cash_flow = 0.0, along(self.of(self.money, "own_cash"), start)
        self.chip_premium = self.site_premium = self.freed = 0.0
        self.supply = self.of(self.form["suppliers"], "capability")
        self.learned = self.of(self.form["software"], "initial_cumulative_tokens")
        self.flow, self.flow_before = 0.0, 0.0
        self.trend, self.log_wanted = self.of(self.form["investment"], "initial_trend"), None
        self.history: list[tuple[float, float]] = []
        self.revenue: float | None = None
        self.prices: dict[str, tuple[float, float, float]] = {}
        self.at_required: dict[str, tuple[float, float, float]] = {}

    def seen_capability(self) -> float:
        """Return effective training compute a lag ago over that at the start; before the run it grew at one rate."""
        training = self.form["training"]
        past = self.of(training, "initial_growth") + self.of(training, "algorithmic_growth")
        lag = self.of(training, "capability_lag")
        if not self.history:
            return math.exp(past * (self.t - self.start))
        first, level = self.history[0]
        when = self.t - lag
        known = float(np.interp(when, *zip(*self.history, strict=True)))
        return math.exp(known - level + past * (min(when - first, 0.0) + first - self.start + lag))

    # -- one step --------------------------------------------------------------------------------------------------

    def step(self, bound: float) -> dict[str, float]:
        self.bound, self.t = bound, bound + self.h / 2.0
        spread = self.of(self.money, "claims_spread") * self.claims / self.cash_flow
        self.rate = math.log(1.0 + self.of(self.money, "wacc") + spread)
        self.chips = [[a, u * (math.exp(-self.failure * self.h) if a < self.t else 1.0), w, p]
                      for a, u, w, p in self.chips if self.t - a < self.life]  # fmt: skip
        served = [cohort for cohort in self.chips if cohort[0] < self.t]
        units, load = sum(c[1] for c in served), sum(c[1] * c[2] for c in served)
        room = sum(w for a, w in self.sites if a < self.t)
        self.powered = min(1.0, room / load)
        market = self.clear(self.availability * units * self.powered)
        aim = self.observe()
        site_pay = self.order_sites(aim)
        chip_pay = self.order_chips(aim, site_pay)
        self.leave(market["rent"] * market["use"] * HOURS * self.availability, market["use"])
        capex = site_pay + chip_pay
        self.settle(served, market, capex)
        return {**market, "capex": capex, "chips": chip_pay, "sites": site_pay, "site_power": room, "units": units}

    def clear(self, capacity: float) -> dict[str, float]:
        training = self.form["training"]
        ahead = 0.0
        if self.flow_before:
            ratio = self.flow / self.flow_before
            ahead = self.flow * ratio * self.h / (1.0 + math.sqrt(ratio)) * (self.t <= self.software_stop)
        self.cost = {name: self.hours(item, self.t, self.learned + ahead) for name, item in self.markets.items()}
        self.capability = self.seen_capability()
        if self.revenue is None:
            opening = {name: math.log(item["price"]) for name, item in self.markets.items()}
            tokens = {name: self.tokens(item, opening[name], -700.0, 0.0) for name, item in self.markets.items()}
            self.revenue = self.paid(opening, tokens)
        self.budget = self.of(training, "revenue_share") * self.revenue
        self.budget += along(self.of(training, "investors"), self.t)
        self.base = self.required(self.t)
        dear = self.required(self.t, self.chip_premium, self.site_premium)[0]
        running = self.base[3]

        def use(rent: float) -> float:
            return min(self.most, self.target * (max(rent - running, 0.0) / (dear - running)) ** (1.0 / self.phi))

        def excess(log_rent: float) -> float:
            rent = math.exp(log_rent)
            wanted = sum(self.served(name, log_rent)[0] * self.cost[name] for name in self.markets) / HOURS
            return wanted + self.budget / rent / HOURS + self.internal(rent) - capacity * use(rent)

        middle = math.log(self.base[0])
        log_rent = root(excess, middle - 8.0, middle + 8.0)
        found = {name: self.served(name, log_rent) for name in self.markets}
        self.prices = {name: state for name, (_, state) in found.items()}
        tokens = {name: served for name, (served, _) in found.items()}
        rent, flow = math.exp(log_rent), sum(tokens.values())
        spend = self.paid({name: state[1] for name, state in self.prices.items()}, tokens)
        grown = self.of(training, "algorithmic_growth") * (min(self.t, self.software_stop) - self.start)
        self.history.append((self.t, math.log(self.budget / rent / HOURS) + grown))
        self.revenue += closed(1.0 / self.of(training, "revenue_memory"), self.h) * (spend - self.revenue)
        self.learned += flow * self.h * (self.t <= self.software_stop)
        self.flow, self.flow_before = flow, self.flow
        return {"rent": rent, "use": use(rent), "tokens": flow, "spend": spend}

    def paid(self, log_price: dict[str, float], tokens: dict[str, float]) -> float:
        return sum(
            math.exp(log_price[name]) * along(item["price_realisation"], self.t) * item["paid_share"] * tokens[name]
            for name, item in self.markets.items()
        )

    def moved(self, name: str, before: dict[str, tuple[float, float, float]], log_rent: float) -> Any:
        """Return target, list and noticed log price at the end of the step if the rent is this."""
        item = self.markets[name]
        fixed = math.log((1.0 + item["markup"]) * self.cost[name])
        target = fixed + log_rent
        old = before.get(name)
        if old is None and before is self.prices:
            old = (fixed + math.log(4.0), math.log(item["price"]), math.log(item["price"]))
        first, price, noticed = old or (target, target, target)
        return target, *followed((first, target), price, noticed, (self.theta, item["price_memory"]), self.h)

    def served(self, name: str, log_rent: float) -> tuple[float, Any]:
        state = self.moved(name, self.prices, log_rent)
        item, cost = self.markets[name], self.cost[name] * math.exp(log_rent)
        wanted, sold = (self.tokens(item, at, paid, cost) for at, paid in ((state[2], state[1]), (state[0], state[0])))
        return min(wanted, sold), state

    def observe(self) -> Callable[[float], float]:
        """Update what is wanted at the required rent, and its trend; return accelerators to aim at by horizon."""
        log_rent, rent = math.log(self.base[0]), self.base[0]
        fixed = self.budget / rent / HOURS + self.internal(rent)
        states = {name: self.moved(name, self.at_required, log_rent) for name in self.markets}
        self.at_required = states
        wanted = fixed + sum(
            self.tokens(item, states[n][2], states[n][1], self.cost[n] * rent) * self.cost[n] / HOURS
            for n, item in self.markets.items()
        )

        def at_once(log: float) -> float:
            total = self.budget / math.exp(log) / HOURS + self.internal(math.exp(log))
            for name, item in self.markets.items():
                at = math.log((1.0 + item["markup"]) * self.cost[name]) + log
                total += self.tokens(item, at, at, self.cost[name] * math.exp(log)) * self.cost[name] / HOURS
            return math.log(total)

        self.response = (at_once(log_rent - 0.01) - at_once(log_rent + 0.01)) / 0.02
        inputs = self.form["investment"]
        if self.log_wanted is not None:
            growth = (math.log(wanted) - self.log_wanted) / self.h
            self.trend += closed(1.0 / self.of(inputs, "trend_memory"), self.h) * (growth - self.trend)
        self.log_wanted = math.log(wanted)
        g, d, a = self.trend, self.of(inputs, "trend_damping"), self.of(inputs, "adjustment")
        self.adjustment = a
        return lambda ahead: (
            wanted / (self.target * self.availability)
            * math.exp(g * d * closed(1.0 / d, ahead)) * (1.0 + a * g * math.exp(-ahead / d))
        )  # fmt: skip

    def surviving(self, when: float) -> tuple[float, float]:
        left = [(u * math.exp(-self.failure * max(when - max(self.t, a), 0.0)), w)
                for a, u, w, _ in self.chips if when - a < self.life]  # fmt: skip
        return sum(u for u, _ in left), sum(u * w for u, w in left)

    def cleared(
        self, wanted: Callable[[float], float], able: float, slope: float, premium: float, most: float
    ) -> tuple[float, float]:
        """Return orders at the present premium, and the next premium."""
        clearing = root(lambda at: wanted(at) - able * math.exp(slope * at), 0.0, math.log(most))
        orders = min(wanted(premium), able * math.exp(slope * premium))
        return orders, premium + closed(1.0 / PREMIUM_MEMORY, self.h) * (clearing - premium)

    def order_sites(self, aim: Callable[[float], float]) -> float:
        """Order site power; return the payment for sites under construction [USD/year]."""
        arrival, power = self.t + self.site_lag, self.form["power_grid"]
        if self.t < self.hold:
            ordered, after = along(self.of(self.plan, "sites"), arrival), 0.0
        else:
            units, watts = self.surviving(self.bound + self.site_lag + self.adjustment)
            position, new = sum(w for _, w in self.sites), self.watts(arrival - self.lag)
            share, horizon = self.base[2] / self.base[0], aim(self.site_lag)

            def wanted(premium: float) -> float:
                more = max(horizon * math.exp(-self.response * share * premium) - units, 0.0)
                return max(watts + more * new - position, 0.0) / (self.adjustment + self.h / 2.0)

            ordered, after = self.cleared(
                wanted,
                along(self.of(power, "energised"), arrival) * self.shock("grid", arrival),
                self.of(power, "supply_elasticity"),
                self.site_premium,
                self.of(power, "max_premium"),
            )
        self.built.append((self.t, ordered * self.h * self.watt_price(self.t) * math.exp(self.site_premium)))
        self.site_premium = after
        for i in range(PIECES):
            self.sites.append([self.bound + self.h * (i + 0.5) / PIECES + self.site_lag, ordered * self.h / PIECES])
        lag, end = self.site_lag, self.bound + self.h
        paid = sum(cost * max(min(at + lag, end) - max(at, self.bound), 0.0) / lag for at, cost in self.built)
        left = [max(1.0 - (x - self.start) / lag, 0.0) ** 2 for x in (self.bound, end)]
        return (paid + self.left_to_pay * (left[0] - left[1])) / self.h

    def order_chips(self, aim: Callable[[float], float], site_pay: float) -> float:
        """Order accelerators; return what they cost [USD/year]."""
        price, watts, suppliers = self.chip(self.t), self.watts(self.t), self.form["suppliers"]
        if self.t < self.hold:
            orders = max(along(self.of(self.plan, "capex"), self.t) - site_pay, 0.0) / price
            self.supply, after = max(self.supply, orders), 0.0
        else:
            position, share = self.surviving(self.bound + self.lag + self.adjustment)[0], self.base[1] / self.base[0]
            taken = max(self.surviving(self.bound + self.lag + self.h / 2.0)[1] - self.freed, 0.0)
            there = sum(w for at, w in self.sites if at <= self.bound + self.lag + ROOM_TIME + self.h / 2.0)
            room = max(there - taken, 0.0) / watts / (ROOM_TIME + self.h / 2.0)

            def wanted(premium: float) -> float:
                gap = aim(self.lag) * math.exp(-self.response * share * premium) - position
                return min(max(gap, 0.0) / (self.adjustment + self.h / 2.0), room)

            slope, most = (self.of(suppliers, name) for name in ("supply_elasticity", "max_premium"))
            orders, after = self.cleared(wanted, self.supply, slope, self.chip_premium, most)
            extra = min(self.of(suppliers, "build_up") * self.chip_premium, self.of(suppliers, "max_build_up"))
            fastest = (self.decline if self.t < self.hardware_stop else 0.0) + extra
            gap = math.log(max(wanted(0.0), 1e-300) / self.supply) / PREMIUM_MEMORY
            self.supply *= math.exp(min(max(gap, -self.of(suppliers, "run_down")), fastest) * self.h)
        cost = price * math.exp(self.chip_premium)
        for i in range(PIECES):
            arrival = self.bound + self.h * (i + 0.5) / PIECES + self.lag
            self.chips.append([arrival, orders * self.h / PIECES, watts, cost])
        self.chip_premium = after
        return orders * cost

    def leave(self, earned: float, use: float) -> None:
        """Retire what is worth less than its watts, as far as accelerators exceed sites; note what others may free."""
        if not self.chip_form["early_leaving"]:
            return
        own = (self.base[0] - self.base[2]) * HOURS * self.availability * self.target
        watt = max(earned - own, 0.0) / self.watts(self.t)
        end = self.bound + self.h
        here = [c for c in self.chips if c[0] < end and end - c[0] < self.life]
        losers = [c for c in here if earned < self.running(self.t, c[2], c[3], use) + watt * c[2]]
        power, horizon = sum(c[1] * c[2] for c in losers), self.lag + ROOM_TIME
        excess = sum(c[1] * c[2] for c in here) - sum(w for at, w in self.sites if at < end)
        share = min(max(excess, 0.0) / power, closed(1.0 / LEAVING_TIME, self.h)) if losers else 0.0
        for cohort in losers:
            cohort[1] *= 1.0 - share
        later = sum(c[1] * c[2] for c in losers if end + horizon - c[0] < self.life)
        self.freed = later * math.exp(-self.failure * horizon) * closed(1.0 / LEAVING_TIME, horizon)

    def settle(self, served: list[list[float]], market: dict[str, float], capex: float) -> None:
        """Pay, and let outside claims make up what own cash does not cover."""
        training, t, h = self.form["training"], self.t, self.h
        rest = sum(along(self.of(*at), t) for at in ((training, "staff"), (training, "data"), (self.operator, "staff")))
        rest += market["spend"] * sum(self.of(self.operator, name) for name in ("go_to_market", "overhead"))
        running = sum(u * self.running(t, w, p, market["use"]) for _, u, w, p in served)
        earned = market["spend"] + self.internal(market["rent"]) * market["rent"] * HOURS - running - rest
        self.cash_flow = along(self.of(self.money, "own_cash"), t) + max(earned, 0.0)
        interest = self.of(self.money, "interest_rate") * self.claims
        self.claims = max(self.claims + (capex - self.cash_flow + interest) * h, 0.0)

    def run(self) -> list[dict[str, float]]:
        count = round((self.end - self.start) / self.h)
        return [self.step(self.start + i * self.h) for i in range(count)]
