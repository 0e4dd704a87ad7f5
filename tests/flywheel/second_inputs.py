"""What a second flywheel is given: a scenario's written form at its medians, technology, prices and demand."""

from __future__ import annotations

import datetime as dt
import math
import re
from functools import cache
from typing import Any

import numpy as np

HOURS = 8766.0
TEXTS = {"sources", "observations", "correlations", "exchange_rates"}
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def years(date: str) -> float:
    day = dt.date.fromisoformat(date)
    first = dt.date(day.year, 1, 1)
    return day.year + (day - first).days / (dt.date(day.year + 1, 1, 1) - first).days


def median(value: Any) -> Any:
    """Return a written table with every number at its median, schedules as knots of years, and dates as years."""
    if isinstance(value, list):
        return [median(item) for item in value]
    if isinstance(value, str) and DATE.fullmatch(value):
        return years(value)
    if not isinstance(value, dict):
        return value
    if "value" in value:
        return median(value["value"])
    if "knots" in value:
        return tuple((median(date), median(number)) for date, number in value["knots"])
    if "dist" not in value:
        return {name: median(item) for name, item in value.items()}
    if "median" in value:
        return value["median"]
    low, high = (value[name] for name in (("p5", "p95") if "p5" in value else ("low", "high")))
    return math.sqrt(low * high) if value["dist"] == "lognormal" else (low + high) / 2.0


@cache
def along(knots: Any, t: float, logs: bool = False) -> float:
    if not isinstance(knots, tuple):
        return float(knots)
    at, values = zip(*knots, strict=True)
    return float(math.exp(np.interp(t, at, np.log(values))) if logs else np.interp(t, at, values))


def closed(speed: float, span: float) -> float:
    return -math.expm1(-speed * span)


def faded(rate: float, fade: float, since: float, start: float, t: float) -> float:
    """Return the growth from ``start`` to ``t`` at a rate that falls linearly after ``since``, to nothing at least."""
    late = max(t - since, 0.0)
    falling = min(late, rate / fade) if fade else late
    return rate * (t - start - (late - falling)) - fade * falling**2 / 2.0


class Given:
    """Inputs of one operator and one draw, and what follows from them at a date alone."""

    t: float
    rate: float
    capability: float

    def __init__(self, form: dict[str, Any]) -> None:
        form = {name: median(table) for name, table in form.items() if name not in TEXTS}
        self.form, self.h = form, 0.25
        self.start, self.end = (form["time"][name] for name in ("start", "end"))
        operator = form["operators"]["industry"]
        self.opening = operator["opening"]
        self.operator, self.plan, self.money = operator, operator["plan"], operator["financing"]
        self.hold = self.plan["until"]
        self.software_stop, self.hardware_stop = (
            form[name].get("progress_until") or math.inf for name in ("software", "hardware")
        )
        self.chip_form, self.site_form = form["hardware"]["accelerators"], form["hardware"]["sites"]
        self.lag, self.site_lag = self.of(self.chip_form, "lag"), self.of(self.site_form, "lag")
        self.life, self.site_life = self.of(self.chip_form, "physical_life"), self.of(self.site_form, "economic_life")
        self.failure = self.of(self.chip_form, "failure_rate")
        clearing = form["clearing"]
        self.target, self.most, self.phi = (
            self.of(clearing, name) for name in ("target_use", "max_use", "scarcity_exponent")
        )
        self.theta, self.availability = self.of(clearing, "speed"), self.of(self.chip_form, "availability")
        self.decline = -self.of(form["hardware"]["lines"]["merchant"], "price_trend")
        self.markets = {name: self.market(item) for name, item in form["market"].items()}

    @staticmethod
    def of(table: dict[str, Any], name: str, absent: float = 0.0) -> Any:
        return absent if table.get(name) is None else table[name]

    def market(self, item: dict[str, Any]) -> dict[str, Any]:
        names = (
            "tokens price compute_per_token model_growth model_fade markup paid_share price_realisation budget_share "
            "intensity_growth intensity_fade price_elasticity capability_elasticity price_memory compute_floor mfu ramp"
        )
        found = {name: self.of(item, name) for name in names.split()}
        found.update({name: self.of(item["adoption"], name) for name in ("growth", "ceiling")})
        launch = item.get("launch")
        return {**found, "launch": launch, "fade": item["model_fade_from"]}

    def shock(self, kind: str, t: float) -> float:
        hits = (s for s in self.form["shocks"] if s["kind"] == kind and t >= s["date"])
        return math.prod(float(s["factor"]) for s in hits)

    def line(self, name: str, t: float) -> float:
        """Return the price or power of an accelerator, blended over lines."""
        t, whole = min(t, self.hardware_stop), 0.0
        for line in self.form["hardware"]["lines"].values():
            trend = self.of(line, f"{name}_trend") * max(t - line["trend_from"], 0.0)
            whole += self.of(line, "share") * along(self.of(line, name), t, logs=True) * math.exp(trend)
        return whole

    def chip(self, t: float) -> float:
        network = 1.0 + self.of(self.form["hardware"]["network"], "cost_ratio")
        return self.line("price", t) * network * self.shock("chip_price", t)

    def watts(self, t: float) -> float:
        return self.line("power", t)

    def watt_price(self, t: float) -> float:
        return along(self.of(self.site_form, "cost_per_watt"), t)

    def running(self, t: float, watts: float, price: float, use: float) -> float:
        energy = self.form["energy"]
        idle = self.of(energy, "idle_fraction")
        load = self.of(energy, "full_load") * (idle + (1.0 - idle) * use)
        power = load * HOURS * along(self.of(energy, "price"), t) * self.shock("energy", t)
        upkeep = self.of(self.form["hardware"], "maintenance") * price
        return watts * (power + self.of(self.site_form, "operation") * self.watt_price(t)) + upkeep

    def required(self, t: float, chip_premium: float = 0.0, site_premium: float = 0.0) -> tuple[float, ...]:
        """Return required rent and its parts for chip, site and running cost [USD/hour used]."""
        hours = HOURS * self.availability * self.target
        rate = self.rate + (self.decline if t < self.hardware_stop else 0.0)
        chip, watts = self.chip(t), self.watts(t)
        life = self.of(self.chip_form, "economic_life")
        capital = chip * math.exp(chip_premium) * rate / closed(rate, life) / hours
        site = self.watt_price(t) * math.exp(site_premium) * watts * self.rate / closed(self.rate, self.site_life)
        running = self.running(t, watts, chip, self.target) / hours
        return capital + site / hours + running, capital, site / hours, running

    def hours(self, item: dict[str, Any], t: float, learned: float) -> float:
        """Return accelerator-hours per token."""
        software = self.form["software"]
        grown = faded(
            self.of(software, "algorithmic_growth"),
            self.of(software, "algorithmic_fade"),
            software["fade_from"],
            self.start,
            min(t, self.software_stop),
        )
        models = faded(item["model_growth"], item["model_fade"], item["fade"], self.start, t)
        learning = (learned / self.of(software, "initial_cumulative_tokens")) ** -self.of(
            software, "experience_exponent"
        )
        work = max(item["compute_floor"], item["compute_per_token"] * math.exp(models - grown) * learning)
        return work / (self.of(self.form["hardware"], "peak") * item["mfu"] * 3600.0)

    def tokens(self, item: dict[str, Any], at: float, paid: float, cost: float) -> float:
        """Return tokens wanted a year at a noticed log price; the budget limits the money paid at the list price."""
        t, age = self.t, self.t - self.start
        crowd = item["ceiling"] / (1.0 + (item["ceiling"] - 1.0) * math.exp(-item["growth"] * age))
        busy = math.exp(item["intensity_growth"] * item["intensity_fade"] * closed(1.0 / item["intensity_fade"], age))
        live = 1.0 if item["launch"] is None else min(max(t - item["launch"], 0.0) / item["ramp"], 1.0)
        demand = item["tokens"] * crowd * busy * live * self.shock("demand", t)
        demand *= (math.exp(at) / item["price"]) ** item["price_elasticity"]
        demand *= self.capability ** item["capability_elasticity"]
        money = math.exp(paid) * along(item["price_realisation"], t) * item["paid_share"] or cost
        budget = item["budget_share"] * along(self.of(self.form["economy"], "world_product"), t, logs=True)
        return demand / (1.0 + money * demand / budget)

    def internal(self, rent: float) -> float:
        inputs = self.form["internal"]
        since = inputs["growth_from"]
        units = along(self.of(inputs, "accelerators"), self.t, logs=True)
        units *= math.exp(self.of(inputs, "growth") * max(self.t - since, 0.0))
        return units * (rent / self.of(inputs, "reference_rent")) ** self.of(inputs, "rent_elasticity")
