# %% [markdown]
# # Meta's margin
#
# "Margin compression at Meta through at least 2027": does the margin fall under the plan of 2026, and under which
# conditions would it not fall?
#
# Not a forecast: other revenue and cost are inputs, and the orders after the plan follow an assumed demand.

# %%
import numpy as np
from scipy.optimize import brentq

import costmodel
from costmodel import catalog
from costmodel.flywheel.margin import year_accounts

BILLION = 1e9

# %% The claim, over the ranges of the inputs and at their medians.
meta = costmodel.load_scenario("capex-2026-meta")
record = catalog.company("Meta")
reported = record.annual("operating_income")[2025].value / record.annual("revenue")[2025].value
at_medians = costmodel.simulate(meta)
margins = [reported, *(year_accounts(at_medians, year).margin for year in (2026, 2027))]
drawn = costmodel.simulate(meta, draws=500, rng=0)
first, second = (year_accounts(drawn, year).margin for year in (2026, 2027))
every, ends = float(np.mean((first < reported) & (second < first))), float(np.mean(second < reported))
print(f"Meta's margin falls through 2027 in {every:.0%} of draws, from {reported:.1%} reported for 2025 to "
      f"{np.median(second):.1%} ({np.quantile(second, 0.05):.1%} … {np.quantile(second, 0.95):.1%})")  # fmt: skip
print(f"  below 2025 in 2027 in {ends:.1%} of draws")
assert every > 0.85

told = ", ".join(f"{y} {m:.1%}" for y, m in zip((2026, 2027), margins[1:], strict=True))
print(f"\nMeta's margin: reported for 2025 {margins[0]:.1%}; plan of 2026, at medians: {told}")
assert margins[0] > margins[1] > margins[2], "at the medians the margin falls in both years"
early = costmodel.simulate(costmodel.load_scenario("capex-2025-meta"))
seen = [year_accounts(early, y).margin for y in (2025, 2026, 2027)]
print(
    "  as seen from the plan of 2025: "
    + ", ".join(f"{y} {m:.1%}" for y, m in zip((2025, 2026, 2027), seen, strict=True))
)
assert seen[0] > seen[1] > seen[2]

# %% Under which conditions would it not fall? One at a time, all else at its median.


def margin_of_2027(changes):
    """Return Meta's margin of 2027 under changes of its scenario."""
    return float(year_accounts(costmodel.simulate(meta.replace({"correlations": [], **changes})), 2027).margin)


def flat(capex):
    """Return the changes that hold capex at one level in 2026 and 2027, with the part not for AI in proportion."""
    knots = [["2026-01-01", 0.22 * capex], ["2031-01-01", 0.22 * capex]]
    return {
        "operators.company.plan.capex": capex,
        "operators.company.plan.until": "2028-01-01",
        "operators.company.other_capex": {"knots": knots, "interpolation": "linear"},
    }


def solve(changes, low, high):
    """Return the value at which the margin of 2027 is the reported one of 2025."""
    return brentq(lambda value: margin_of_2027(changes(value)) - reported, low, high, xtol=1e-4)


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
    assert abs(margin_of_2027(changes) - reported) < 1e-4
assert 0.20 < growth < 0.24
assert restraint < 0.04
assert margins[2] < none < reported

# %% And the books: a longer useful life keeps the margin too, but beyond any policy on record (2 to 6 years).
life = brentq(
    lambda years: float(year_accounts(costmodel.simulate(meta.replace({"book_life": years})), 2027).margin) - reported,
    5.5,
    40.0,
    xtol=1e-2,
)
print(f"  servers and network stay in the books for {life:.1f} years, against {meta.hardware.accelerators.book_life}.")
assert life > 10.0

# %% The picture.
try:
    from costmodel.reporting.figures import fan

    axes = fan(drawn, "operating_margin", history=False)
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("metas_margin.png", dpi=120)
    print("picture: metas_margin.png")
