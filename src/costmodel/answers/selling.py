"""Capacity sold to others, and custom silicon: the cost of an hour in-house and its price outside."""

from __future__ import annotations

import numpy as np

from costmodel.answers.question import DRAWS, SEED, Answer, in_year, over_draws, share_of_draws
from costmodel.catalog import Catalog, company, record
from costmodel.entry import load_scenario, run
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.units import HOURS_PER_YEAR, convert

CUSTOM, MERCHANT = "TPU-v7", ("B200", "GB200", "GB300")
"""Accelerators whose hours are compared: what is recorded of custom silicon, and merchant ones of its time."""
SHEETS = {"B200": "B200", "GB200": "GB200-NVL72", "GB300": "GB300-NVL72", CUSTOM: CUSTOM}
"""Records of the chips by the name under which their hours are recorded."""
MONTH = "2026-09"
"""Month of the hours."""
WITHOUT_PRICE = ("Trainium2", "Trainium3", "MTIA-300")
"""Custom chips of which no price was read."""
MTIA_SHARES = (0.0, 0.2, 0.5)
"""Shares of Meta's purchases that are of its own design [1]: none, industry-five's assumption, and half."""


def meta_compute() -> tuple[Answer, ...]:
    """Answer at which fill and rent idle capacity pays, raw or hosted, beside clouds and the disclosed deal."""
    scenario = load_scenario("meta-compute")
    sold = run(scenario, draws=DRAWS, rng=SEED)
    rests = f"meta-compute, 5 to 95 % of {DRAWS} draws"
    raw, own, others = (np.asarray(sold[name]) for name in ("raw_gain", "hosted_gain", "hosted_gain_of_others"))
    rows: tuple[tuple[str, str, FloatArray, str, str], ...] = (
        ("gain of an idle hour, raw", f"it pays its energy {share_of_draws(raw > 0.0)}", raw, "USD/hour", "fill"),
        ("the same, own models hosted", f"more than raw {share_of_draws(own > raw)}", own, "USD/hour", "fill"),
        ("the same, others' models", f"more than raw {share_of_draws(others > raw)}", others, "USD/hour", "royalty"),
        ("fill from which raw hours carry the whole cost", "from", _needed(sold.raw_fill_needed), "%", "rent"),
        ("fill from which own models do", "from", _needed(sold.hosted_fill_needed), "%", "price of tokens"),
        ("rent from which raw hours do", "fees paid, from", np.asarray(sold.lowest_rent), "USD/hour", "fill and fee"),
        ("operating margin of raw hours", _margins_elsewhere(), np.asarray(sold.raw_margin), "%", "fill"),
        ("operating margin of own models", "on the whole cost", np.asarray(sold.hosted_margin), "%", "fill"),
    )
    answers = []
    for claim, says, values, unit, driver in rows:
        middle, low, high = over_draws(values)
        answers.append(
            Answer(
                claim=f"idle capacity of a company like Meta: {claim}",
                says=says, value=middle, low=low, high=high, unit=unit, rests_on=f"{rests}; {driver}",
            )
        )  # fmt: skip
    return (*answers, _disclosed_deal())


def _needed(fill: FloatArray) -> FloatArray:
    """Return a fill that is needed, infinite where none carries the capacity."""
    values = np.asarray(fill)
    return np.where(np.isnan(values), np.inf, values)


def _margins_elsewhere() -> str:
    """Return in words the operating margins of a company that rents out accelerators, and of a cloud."""
    rents, cloud = company("CoreWeave").annual, company("Amazon").annual
    margins = (
        rents("operating_income")[2024].number / rents("revenue")[2024].number,
        cloud("cloud_operating_income")[2025].number / cloud("cloud_revenue")[2025].number,
    )
    return "CoreWeave {:.0%} in 2024 (unverified), AWS {:.0%} in 2025".format(*margins)


def _disclosed_deal() -> Answer:
    """Return the rent of the deal that SpaceX disclosed, as an hour of a GB200 by its power."""
    hours = record("accelerator_hours", "GB200")
    power = hours.all("it_power")[0].number
    rents = [item.number for item in hours.all("market_rent") if item.period == MONTH]
    deal = record("rentals", "SpaceX to Anthropic").all("deal")[0]
    yearly = convert(deal.number, deal.unit, "USD/year")
    hour = yearly / HOURS_PER_YEAR / convert(300.0, "MW", "W") * power
    return Answer(
        claim="rent in the deal that SpaceX disclosed, as an hour of a GB200 by its power",
        says=f"{hour / rents[0]:.1f} times the market's: an outlier, or more than the 300 MW that were told",
        value=float(hour), unit="USD/hour", rests_on="1.25 B USD a month for 300 MW (unverified), power of equipment",
    )  # fmt: skip


def _per_work(name: str, field: str) -> list[float]:
    """Return the recorded hours of an accelerator per dense 8-bit PFLOP/s [USD/hour]."""
    peak = record("accelerators", SHEETS[name]).all("fp8")[0].number
    hours = [item.number for item in record("accelerator_hours", name).all(field) if str(item.period) >= "2026"]
    return [hour / peak * 1e15 for hour in hours]


def custom_silicon() -> tuple[Answer, ...]:
    """Answer what an hour of custom silicon costs inside and outside against merchant, and what MTIA does to Meta."""
    answers = []
    for field, where in (("own", "inside"), ("market_rent", "outside")):
        custom = _per_work(CUSTOM, field)
        merchant = [hour for name in MERCHANT for hour in _per_work(name, field)]
        ends = min(custom) / max(merchant), max(custom) / min(merchant)
        answers.append(
            Answer(
                claim=f"an hour of a TPU v7 {where} over one of a merchant accelerator, per dense 8-bit operation",
                says="peak against peak; " + ("cheaper against each" if ends[1] < 1.0 else "not cheaper against each"),
                value=float(np.median(custom) / np.median(merchant)), low=ends[0], high=ends[1],
                rests_on=f"hours of {', '.join(MERCHANT)} in 2026; both are a third party's",
            )
        )  # fmt: skip
    tokens = [
        record("serving_systems", f"Qwen3.5-397B on {name}").all("output_price")[0].number
        for name in (CUSTOM, "B200", "B300")
    ]
    ratios = [tokens[0] / merchant for merchant in tokens[1:]]
    answers.append(
        Answer(
            claim="a token of Qwen3.5-397B on a TPU v7 over one on a merchant accelerator",
            says="measured, at 100 tokens a second per user",
            value=float(np.mean(ratios)), low=min(ratios), high=max(ratios),
            rests_on="InferenceX of September 2026: B300 and B200",
        )
    )  # fmt: skip
    unpriced = [name for name in WITHOUT_PRICE if not _has_price(name)]
    rent = min(_per_work("B200", "own"))
    for name in unpriced:
        peak = record("accelerators", name).all("fp8")[0].number
        answers.append(
            Answer(
                claim=f"an hour of {name} inside costs less than a B200's, per dense 8-bit operation, below",
                says="no price of it was read, so that its hour is not known",
                value=float(rent * peak * 1e-15), unit="USD/hour",
                rests_on="peak of the chip; an owner's hour of a B200 in 2026",
            )
        )  # fmt: skip
    return (*answers, _mtia())


def _has_price(name: str) -> bool:
    """Return whether the catalog has any price of a chip."""
    return any(record.startswith(name) for record in Catalog().table("accelerator_prices"))


def _mtia() -> Answer:
    """Return what its own design changes of Meta's operating income, at the price that industry-five assumes."""
    base = load_scenario("industry-five")
    income = {}
    for share in MTIA_SHARES:
        silicon = {"operators.meta.silicon.custom.share": share, "operators.meta.silicon.merchant.share": 1.0 - share}
        found = simulate(base.replace(silicon))
        place = list(found.coords()["operator"]).index("meta")
        years = [in_year(found, "operating_income_by_operator", year) for year in (2027, 2028, 2029, 2030)]
        income[share] = float(np.sum([year[place] for year in years]))
    changes = [income[share] - income[0.0] for share in MTIA_SHARES[1:]]
    return Answer(
        claim="MTIA: what it adds to Meta's operating income on AI from 2027 to 2030",
        says="a fifth of purchases at nine tenths of the price; high end with half of purchases",
        value=changes[0], low=min(0.0, *changes), high=max(changes), unit="USD",
        rests_on="industry-five at medians; share and price of the design, both assumed",
    )  # fmt: skip
