"""Capital plans: their sum, the depreciation that follows, the revenue that they require, and one company's margin."""

from __future__ import annotations

import numpy as np

from costmodel.answers.question import DRAWS, SEED, Answer, in_year, over_draws, share_of_draws
from costmodel.catalog import as_of, company
from costmodel.entry import load_scenario
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.margin import with_book_life, year_accounts
from costmodel.flywheel.simulate import simulate
from costmodel.ownership.rent import capital_recovery_factor

COMPANIES = ("Alphabet", "Amazon", "Meta", "Microsoft")
GUIDED = "2026-02"
"""Month by which the plans were guided."""
CLAIMED = 630e9
"""Sum of the four plans that the document names, as a floor [USD]."""
BOOK_LIVES = (3.0, 4.0, 5.0, 5.5, 6.0)
"""Useful lives of servers and network in the books [year]: those claimed by critics and those of the companies."""
META_LIVES = (4.0, 5.0, 6.0)
"""Useful lives under which Meta's margin is read [year]."""
COSTS_OF_CAPITAL = (0.08, 0.10, 0.12)
"""Yearly costs of capital at which a plan has to earn [1]: assumed, 10 % being that of the scenarios."""


def _plan(name: str) -> FlywheelScenario:
    scenario: FlywheelScenario = load_scenario(f"capex-2026-{name.lower()}")
    return scenario


def plans_of_2026() -> tuple[Answer, ...]:
    """Answer whether the plans of 2026 exceed the stated sum, by both readings of Microsoft's year."""
    library = as_of(GUIDED)
    data = [library.company(name).capex_plan(2026) for name in COMPANIES]
    calendar = [sum(getattr(item, end) or item.number for item in data) for end in ("low", "high")]
    operators = _plan("Microsoft").resolve().operators.values()
    pace = sum(float(np.ravel(item.plan.capex)[0]) for item in operators if item.plan is not None)
    shift = pace - data[COMPANIES.index("Microsoft")].number
    middle = sum(item.number for item in data) + shift
    reached = "yes" if middle > CLAIMED else "no"
    other = "also" if min(calendar) > CLAIMED else "not" if max(calendar) < CLAIMED else "only in part"
    return (
        Answer(
            claim="the plans of 2026 of Alphabet, Amazon, Meta and Microsoft sum to more than 630 B USD",
            says=f"{reached}, with Microsoft at its fiscal pace; {other} with its calendar year",
            value=middle, low=calendar[0], high=calendar[1] + shift, unit="USD",
            rests_on="guidance of February 2026; Microsoft's 105 B USD for the calendar year (low end) "
            f"or {pace * 1e-9:.0f} at the pace of its fiscal year (high end)",
        ),
    )  # fmt: skip


def depreciation_wave() -> tuple[Answer, ...]:
    """Answer what the four plans do to depreciation until 2030, under several useful lives in the books."""
    totals: dict[float | None, dict[int, float]] = {}
    plans = [_plan(name) for name in COMPANIES]
    for life in (None, *BOOK_LIVES):
        totals[life] = dict.fromkeys((2026, 2030), 0.0)
        for scenario in plans:
            run = simulate(scenario if life is None else with_book_life(scenario, life))
            for year in totals[life]:
                totals[life][year] += float(year_accounts(run, year).depreciation)
    rests = "capex-2026-* at medians, useful lives of servers and network from 3 to 6 years; orders after the plans"
    answers = []
    for year in (2026, 2030):
        by_life = [totals[life][year] for life in BOOK_LIVES]
        answers.append(
            Answer(
                claim=f"depreciation and write-offs of the four in {year}",
                says=f"as booked; {by_life[0] / by_life[-1]:.2g}× as much at 3 years as at 6",
                value=totals[None][year], low=min(by_life), high=max(by_life), unit="USD", rests_on=rests,
            )
        )  # fmt: skip
    growth = {life: of_year[2030] / of_year[2026] for life, of_year in totals.items()}
    answers.append(
        Answer(
            claim="a wave of depreciation follows the plans: 2030 over 2026",
            says="it grows at every life" if min(growth.values()) > 1.0 else "not at every life",
            value=growth[None], low=min(growth.values()), high=max(growth.values()), rests_on=rests,
        )
    )  # fmt: skip
    return tuple(answers)


def required_revenue() -> tuple[Answer, ...]:
    """Answer which yearly revenue AI capital has to earn at a cost of capital, compared with user spend."""
    scenario = load_scenario("bond-flywheel")
    run = simulate(scenario)
    hardware = scenario.resolve().hardware
    lives = {
        "accelerators": float(hardware.accelerators.economic_life),
        "network": float(hardware.accelerators.economic_life),
        "sites": float(hardware.sites.economic_life),
    }
    years, bought = run.by_year("capex_by_class")
    assets = list(run.coords()["asset"])
    answers = []
    for year in (2026, 2028, 2030):
        by_rate = []
        for rate in COSTS_OF_CAPITAL:
            due = float(in_year(run, "energy_cost", year))
            for asset, life in lives.items():
                still = [place for place, then in enumerate(years) if year - life < then <= year]
                payment = float(capital_recovery_factor(rate, life))
                due += payment * float(np.sum(bought[still, assets.index(asset)]))
            by_rate.append(due)
        earned = float(in_year(run, "user_spend", year))
        answers.append(
            Answer(
                claim=f"revenue that AI capital bought since 2023 requires in {year}",
                says=f"user spend is {earned / by_rate[1]:.0%} of it; capital and energy, training included",
                value=by_rate[1], low=by_rate[0], high=by_rate[-1], unit="USD",
                rests_on="bond-flywheel at medians, level payments at 8, 10 and 12 % over economic lives; capex",
            )
        )  # fmt: skip
    return tuple(answers)


def meta_margin() -> tuple[Answer, ...]:
    """Answer whether Meta's operating margin falls through 2027 under its plan, and under which useful lives."""
    record = company("Meta")
    reported = record.annual("operating_income")[2025].number / record.annual("revenue")[2025].number
    scenario = _plan("Meta")
    by_life = {life: simulate(with_book_life(scenario, life)) for life in META_LIVES}
    drawn = simulate(scenario, draws=DRAWS, rng=SEED)
    margins = {year: np.asarray(year_accounts(drawn, year).margin) for year in (2026, 2027)}
    both = (margins[2026] < reported) & (margins[2027] < margins[2026])
    middle, low, high = over_draws(margins[2027])
    ends = [float(year_accounts(run, 2027).margin) for run in by_life.values()]
    falling = [
        reported > float(year_accounts(run, 2026).margin) > end for run, end in zip(by_life.values(), ends, strict=True)
    ]
    lives = ", ".join(f"{life:g}" for life, falls in zip(by_life, falling, strict=True) if falls) or "no"
    return (
        Answer(
            claim="Meta's operating margin falls through 2027",
            says=f"in both years {share_of_draws(both)}, from {reported:.1%} reported for 2025; margin of 2027",
            value=middle, low=low, high=high, unit="%",
            rests_on=f"capex-2026-meta, 5 to 95 % of {DRAWS} draws; growth of other revenue and cost",
        ),
        Answer(
            claim="a longer useful life in the books keeps Meta's margin from falling through 2027",
            says=f"it falls in both years at {lives} years; margin of 2027 at 5 years",
            value=ends[META_LIVES.index(5.0)], low=min(ends), high=max(ends), unit="%",
            rests_on="capex-2026-meta at medians, useful lives of 4 to 6 years for servers and network",
        ),
    )  # fmt: skip
