# %% [markdown]
# # The depreciation wave
#
# Four companies, their capital plans of 2026 as guided that February, their opening balance and their policy of useful
# life. What do the plans do to depreciation and operating margin until 2030, and how far does the answer hang on the
# life in the books? "Margin compression at Meta through at least 2027": does the margin fall, and what would have to be
# true for it not to?
#
# Not forecasts: other revenue and cost are inputs, and the orders after the plan follow an assumed demand.

# %%
import numpy as np
from scipy.optimize import brentq

import costmodel
from costmodel import catalog
from costmodel.flywheel.margin import margin_bridge, year_accounts

COMPANIES = ("Alphabet", "Amazon", "Meta", "Microsoft")
LIVES = (3.0, 4.0, 5.0, 5.5, 6.0)
YEARS = (2026, 2027, 2028, 2029, 2030)
BILLION = 1e9


def plan(company, year=2026):
    """Return a company's scenario."""
    return costmodel.load_scenario(f"capex-{year}-{company.lower()}")


def path(scenario):
    """Run a scenario and return its accounts by year."""
    run = costmodel.simulate(scenario)
    return {year: year_accounts(run, year) for year in YEARS}


# %% Depreciation by book life of servers and network, and the operating margin that is left.
print("Depreciation [G USD] and operating margin [%] by useful life of servers and network; * the servers' policy")
waves = {}
for company in COMPANIES:
    scenario = plan(company)
    policy, network = scenario.hardware.accelerators.book_life, scenario.hardware.network.book_life
    guided = scenario.resolve().operators["company"].plan.capex[0] / BILLION
    print(f"\n{company}: plan of 2026 {guided:.0f} G USD; policy: servers {policy:g} years, network {network:g}")
    for life in LIVES:
        waves[company, life] = found = path(scenario.replace({"book_life": life}))
        cells = [f"{found[y].depreciation / BILLION:6.1f} ({found[y].margin:5.1%})" for y in YEARS]
        print(f"  {life:>3} years{'*' if life == policy else ' '} " + "  ".join(cells))
    depreciation = np.array([[waves[company, life][y].depreciation for y in YEARS] for life in LIVES])
    assert np.all(np.diff(depreciation[:, 0]) < 0), "a longer life lowers depreciation in the plan's year"
    assert np.all(np.diff(depreciation, axis=1)[-1] > 0), "at six years depreciation rises every year to 2030"
print("  columns: " + ", ".join(str(y) for y in YEARS))

# %% The four together: the wave, and what three years instead of six would take from operating income.
policy_life = {c: plan(c).hardware.accelerators.book_life for c in COMPANIES}
as_booked = {c: path(plan(c)) for c in COMPANIES}
total = {y: sum(as_booked[c][y].depreciation for c in COMPANIES) / BILLION for y in YEARS}
short = {
    y: sum(waves[c, 3.0][y].depreciation - waves[c, 6.0][y].depreciation for c in COMPANIES) / BILLION for y in YEARS
}
print("\nAll four, as booked [G USD]: " + ", ".join(f"{y} {total[y]:.0f}" for y in YEARS))
print("Three years instead of six [G USD]: " + ", ".join(f"{y} +{short[y]:.0f}" for y in YEARS))
assert 2.8 < total[2030] / total[2026] < 3.7

# %% The margin bridge: 2026 to 2030, in percentage points. The parts add up exactly.
print("\nMargin bridge 2026 to 2030 [percentage points]")
for company in COMPANIES:
    bridge = margin_bridge(as_booked[company][2026], as_booked[company][2030])
    parts = [bridge.depreciation, bridge.energy, bridge.other_cost, bridge.revenue]
    assert abs(sum(parts) - bridge.change) < 1e-9
    names = ("depreciation", "energy", "other cost", "revenue")
    told = ", ".join(f"{name} {100 * part:+.1f}" for name, part in zip(names, parts, strict=True))
    print(f"  {company:<9} {bridge.before.margin:.1%} → {bridge.after.margin:.1%}: {told} = {100 * bridge.change:+.1f}")

# %% What if capital spending stayed at the plan's level, without the growth that the assumed demand asks for?
held = {c: path(plan(c).replace({"operators.company.plan.until": "2031-01-01"})) for c in COMPANIES}
print("\nCapex held at the plan of 2026 until 2030: depreciation [G USD] and margin in 2030")
for company in COMPANIES:
    then = held[company][2030]
    print(f"  {company:<9} {then.depreciation / BILLION:6.1f} ({then.margin:.1%})")
assert all(held[c][2030].depreciation > 1.9 * held[c][2026].depreciation for c in ("Alphabet", "Amazon", "Meta"))

# %% The claim: margin compression at Meta through at least 2027.
record = catalog.company("Meta")
reported = record.annual("operating_income")[2025].value / record.annual("revenue")[2025].value
meta = plan("Meta")
margins = [reported, as_booked["Meta"][2026].margin, as_booked["Meta"][2027].margin]
told = ", ".join(f"{y} {m:.1%}" for y, m in zip((2026, 2027), margins[1:], strict=True))
print(f"\nMeta's margin: reported for 2025 {margins[0]:.1%}; plan of 2026, at medians: {told}")
assert margins[0] > margins[1] > margins[2], "at the medians the margin falls in both years"
early = costmodel.simulate(plan("Meta", 2025))
seen = [year_accounts(early, y).margin for y in (2025, 2026, 2027)]
print(
    "  as seen from the plan of 2025: "
    + ", ".join(f"{y} {m:.1%}" for y, m in zip((2025, 2026, 2027), seen, strict=True))
)
assert seen[0] > seen[1] > seen[2]

drawn = costmodel.simulate(meta, draws=2000, rng=0)
first, second = (year_accounts(drawn, year).margin for year in (2026, 2027))
every, ends = float(np.mean((first < reported) & (second < first))), float(np.mean(second < reported))
print(f"  over the ranges of the inputs: falls in both years in {every:.1%} of draws, below 2025 in 2027 in {ends:.1%}")
print(f"  margin of 2027, 90 % of draws: {np.quantile(second, 0.05):.1%} … {np.quantile(second, 0.95):.1%}")
assert every > 0.9

# %% What would have to be true for it not to hold? Each alone, all else at its median.


def margin_of_2027(changes):
    """Return Meta's margin of 2027 under changes of its scenario."""
    return float(year_accounts(costmodel.simulate(meta.replace({"correlations": [], **changes})), 2027).margin)


def flat(capex):
    """Return the changes that hold capex at one level in 2026 and 2027, its part beside AI in proportion."""
    knots = [["2026-01-01", 0.22 * capex], ["2031-01-01", 0.22 * capex]]
    return {
        "operators.company.plan.capex": capex,
        "operators.company.plan.until": "2028-01-01",
        "operators.company.other_capex": {"knots": knots, "interpolation": "linear"},
    }


def solve(changes, low, high):
    """Return the value at which the margin of 2027 is the reported one of 2025."""
    return brentq(lambda value: margin_of_2027(changes(value)) - reported, low, high, xtol=1e-9 * high)


growth = solve(lambda g: {"operators.company.other_revenue_growth": g}, 0.0, 0.6)
restraint = solve(lambda g: {"operators.company.other_cost_growth": g}, -0.5, 0.6)
none = margin_of_2027(flat(1e9))
taken = meta.resolve().operators["company"]
usual, plan_capex = taken.other_revenue_growth, taken.plan.capex[0]
print("\nMeta's margin of 2027 equals that of 2025 if, each alone,")
print(
    f"  revenue grows {growth:.3f} a year in logs ({np.expm1(growth):.0%}; taken here {usual:.3f}, in 2025 0.200), or"
)
print(f"  cost other than capital and energy grows {restraint:.3f} a year ({np.expm1(restraint):.0%}), or")
told = f"next to none in both years instead of {plan_capex / BILLION:.0f} it is {none:.1%}"
print(f"  (no cut of capex does it: with {told})")
for changes in ({"operators.company.other_revenue_growth": growth}, {"operators.company.other_cost_growth": restraint}):
    assert abs(margin_of_2027(changes) - reported) < 1e-6
assert 0.20 < growth < 0.24
assert restraint < 0.04
assert margins[2] < none < reported

# %% And the books: a longer life does it too, but beyond any policy on record (2 to 6 years).
life = brentq(
    lambda years: float(year_accounts(costmodel.simulate(meta.replace({"book_life": years})), 2027).margin) - reported,
    5.5,
    40.0,
)
print(f"  servers and network stay in the books for {life:.1f} years, against {policy_life['Meta']}.")
assert life > 10.0
