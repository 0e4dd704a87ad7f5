"""Plans compared with their outcomes, contracts by year, and a company without its loss-making part."""

from __future__ import annotations

import math

import numpy as np

from costmodel.answers.question import DRAWS, SEED, Answer, in_year, over_draws, share_of_draws
from costmodel.catalog import as_of, company, record
from costmodel.catalog.periods import span
from costmodel.entry import load_scenario
from costmodel.flywheel.margin import year_accounts
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.schedules import year_fraction

COMPANIES = ("Alphabet", "Amazon", "Meta", "Microsoft")
GUIDED = "2025-02"
"""Month by which the plans of 2025 were guided."""
STATED = "2026-03-31"
"""Day of the commitments that the document of July 2026 names."""
LONGEST = 5.0
"""Years over which commitments fall due evenly, at the slow end [year]: assumed; rentals signed run for six."""
FISCAL_2025 = "2024-07-01/2025-06-30"
"""Microsoft's year of that plan."""
DUE_YEARS = (2026, 2027, 2028)


def _spent(name: str) -> float:
    """Return what was spent in the year of the plan, finance leases included where a filing has them."""
    if name != "Microsoft":
        annual = company(name).annual
        return float(annual("capex")[2025].number + (annual("finance_leases")[2025].number if name == "Meta" else 0.0))
    held = record("companies", name)
    (paid,) = (item.number for item in held.all("capex") if item.period == FISCAL_2025)
    owed = {item.period: item.number for item in held.all("finance_lease_debt")}
    return float(paid + owed["2025-06-30"] - owed["2024-06-30"])


def plans_of_2025() -> tuple[Answer, ...]:
    """Answer what was spent in 2025 against the plans of February 2025, and which margins the model gave for them."""
    library = as_of(GUIDED)
    answers = []
    guided, spent = 0.0, 0.0
    for name in COMPANIES:
        plan = library.company(name).capex_plan(FISCAL_2025 if name == "Microsoft" else 2025)
        ends = (plan.low, plan.high) if plan.low and plan.high else (math.nan, math.nan)
        paid = _spent(name)
        guided, spent = guided + plan.number, spent + paid
        answers.append(
            Answer(
                claim=f"{name}'s capex of 2025 over its plan of February 2025",
                says=f"{paid * 1e-9:.1f} against {plan.number * 1e-9:g} B USD",
                value=paid / plan.number, low=paid / ends[1], high=paid / ends[0],
                rests_on="guidance and filings; interval over the ends of the guidance"
                + ("; fiscal year to June 2025, growth of finance lease debt added" if name == "Microsoft" else ""),
            )
        )  # fmt: skip
    whole = Answer(
        claim="capex of 2025 of the four over their plans of February 2025",
        says=f"{spent * 1e-9:.0f} against {guided * 1e-9:.0f} B USD",
        value=spent / guided, rests_on="guidance and filings; Microsoft's fiscal year",
    )  # fmt: skip
    return (whole, *answers, *_margins_of_2025())


def _margins_of_2025() -> tuple[Answer, ...]:
    """Return the margin of 2025 that follows from the plans as guided, compared with the one reported."""
    answers = []
    for name in ("Alphabet", "Amazon", "Meta"):
        annual = company(name).annual
        reported = annual("operating_income")[2025].number / annual("revenue")[2025].number
        run = simulate(load_scenario(f"capex-2025-{name.lower()}"), draws=DRAWS, rng=SEED)
        middle, low, high = over_draws(np.asarray(year_accounts(run, 2025).margin))
        held = "holds" if low <= reported <= high else "misses"
        answers.append(
            Answer(
                claim=f"{name}'s operating margin of 2025, from its plan as guided in February 2025",
                says=f"the interval {held} the {reported:.1%} reported",
                value=middle, low=low, high=high, unit="%",
                rests_on=f"capex-2025-{name.lower()}, 5 to 95 % of {DRAWS} draws; growth of revenue and cost beside AI",
            )
        )  # fmt: skip
    return tuple(answers)


def commitments_by_year() -> tuple[Answer, ...]:
    """Answer when Meta's announced commitments fall due: as those of 2024 were to, or evenly."""
    held = record("companies", "Meta")
    stated = [datum.number for datum in held.all("commitments") if datum.period == STATED]
    before = {item.period: item.number for item in held.all("commitments")}["2024-09-30"]
    due = sorted((span(str(item.period))[1], item.number) for item in held.all("commitment_due"))
    times = np.array([0.0, *(year_fraction(day) - 2024.75 for day, _ in due)])
    shares = np.concatenate([[0.0], np.cumsum([number for _, number in due]) / before])
    start = 2026.25
    answers, passed = [], np.zeros(2)
    for year in DUE_YEARS:
        ahead = year + 1.0 - start
        until = np.array([float(np.interp(ahead, times, shares)), min(ahead / LONGEST, 1.0)])
        fast, slow = until - passed
        passed = until
        parts = [share * amount for share in (fast, slow) for amount in stated]
        answers.append(
            Answer(
                claim=f"Meta's commitments of March 2026 that fall due in {'the rest of ' * (year == 2026)}{year}",
                says=f"of {min(stated) * 1e-9:.1f} B USD, or {max(stated) * 1e-9:.1f} by another count",
                value=0.5 * float(fast + slow) * min(stated), low=min(parts), high=max(parts), unit="USD",
                rests_on="no schedule was read: due as those of September 2024 were, or evenly over five years",
            )
        )  # fmt: skip
    runs = [simulate(load_scenario(name)) for name in ("capex-2026-meta", "meta-commitments")]
    capex = [float(in_year(item, "capex", 2027)) for item in runs]
    answers.append(
        Answer(
            claim="Meta's commitments of March 2026 raise its capex of 2027 over that with those of the year's start",
            says=f"to {capex[1] * 1e-9:.0f} B USD", value=capex[1] / capex[0] - 1.0, unit="%",
            rests_on="meta-commitments against capex-2026-meta at medians; due over two years after the plan, assumed",
        )
    )  # fmt: skip
    return tuple(answers)


def reality_labs_apart() -> tuple[Answer, ...]:
    """Answer what Meta's margin is without Reality Labs, and whether it still falls through 2027."""
    whole, part = company("Meta").annual, company("Meta Reality Labs").annual
    loss, sales = -part("operating_income")[2025].number, part("revenue")[2025].number
    income, revenue = whole("operating_income")[2025].number, whole("revenue")[2025].number
    without = (income + loss) / (revenue - sales)
    run = simulate(load_scenario("capex-2026-meta"), draws=DRAWS, rng=SEED)
    margins = {}
    for year in (2026, 2027):
        accounts = year_accounts(run, year)
        margins[year] = np.asarray((accounts.operating_income + loss) / (accounts.revenue - sales))
    both = (margins[2026] < without) & (margins[2027] < margins[2026])
    middle, low, high = over_draws(margins[2027])
    return (
        Answer(
            claim="Meta's operating margin of 2025 without Reality Labs",
            says=f"against {income / revenue:.1%} with it",
            value=float(without), unit="%", rests_on="results by segment for 2025",
        ),
        Answer(
            claim="Meta's operating margin without Reality Labs falls through 2027",
            says=f"in both years {share_of_draws(both)}; margin of 2027",
            value=middle, low=low, high=high, unit="%",
            rests_on=f"capex-2026-meta, 5 to 95 % of {DRAWS} draws; sales and loss of Reality Labs as in 2025",
        ),
    )  # fmt: skip
