# %% [markdown]
# # The depreciation wave
#
# Four companies, their capital plans of 2026 as guided that February, their opening balance and their policy of useful
# life. What do the plans do to depreciation and operating margin until 2030, and how much does the answer depend on
# the useful life in the books?
#
# Not forecasts: other revenue and cost are inputs, and the orders after the plan follow an assumed demand.

# %%
import numpy as np

import costmodel
from costmodel.flywheel.margin import margin_bridge, year_accounts

COMPANIES = ("Alphabet", "Amazon", "Meta", "Microsoft")
LIVES = (3.0, 4.5, 6.0)
YEARS = (2026, 2027, 2028, 2029, 2030)
BILLION = 1e9


def plan(company):
    """Return a company's scenario."""
    return costmodel.load_scenario(f"capex-2026-{company.lower()}")


def path(scenario):
    """Run a scenario and return its accounts by year."""
    run = costmodel.simulate(scenario)
    return {year: year_accounts(run, year) for year in YEARS}


# %% The four together, as booked.
as_booked = {c: path(plan(c)) for c in COMPANIES}
total = {y: sum(as_booked[c][y].depreciation for c in COMPANIES) / BILLION for y in YEARS}
print(f"Depreciation of the four rises from {total[2026]:.0f} G USD in 2026 to {total[2030]:.0f} in 2030, "
      f"{total[2030] / total[2026]:.1f} times as much, if orders follow the assumed demand")  # fmt: skip
print("All four, as booked [G USD]: " + ", ".join(f"{y} {total[y]:.0f}" for y in YEARS))

# %% Depreciation by book life of servers and network, and the resulting operating margin.
print("\nDepreciation [G USD] and operating margin [%] by useful life of servers and network; * the servers' policy")
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

# %% Effect of three years instead of six on operating income.
short = {
    y: sum(waves[c, 3.0][y].depreciation - waves[c, 6.0][y].depreciation for c in COMPANIES) / BILLION for y in YEARS
}
print("\nThree years instead of six [G USD]: " + ", ".join(f"{y} +{short[y]:.0f}" for y in YEARS))
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

# %% What if capital spending stayed at the plan's level, without the growth for the assumed demand?
held = {c: path(plan(c).replace({"operators.company.plan.until": "2031-01-01"})) for c in COMPANIES}
print("\nCapex held at the plan of 2026 until 2030: depreciation [G USD] and margin in 2030")
for company in COMPANIES:
    then = held[company][2030]
    print(f"  {company:<9} {then.depreciation / BILLION:6.1f} ({then.margin:.1%})")
assert all(held[c][2030].depreciation > 1.9 * held[c][2026].depreciation for c in ("Alphabet", "Amazon", "Meta"))

# %% The picture.
try:
    from costmodel.reporting.figures import fan

    axes = fan(costmodel.simulate(plan("Alphabet")), "depreciation")
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("depreciation_wave.png", dpi=120)
    print("picture: depreciation_wave.png")
