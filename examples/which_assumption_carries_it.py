# %% [markdown]
# # Which assumption carries the answer
#
# The assumptions behind user spend in 2030, the conditions for break-even, and the limits of what history identifies.
# Forecasts from past dates are another question: `costmodel validate predictions`.
#
# Run: python examples/which_assumption_carries_it.py

# %% The question: user spend on AI in 2030, as forecast from 2026
import warnings

import numpy as np

from costmodel.analysis import (
    Multiple,
    Observed,
    break_even,
    break_even_distribution,
    evidence_shares,
    fit,
    sobol_study,
    tornado,
)
from costmodel.entry import load_scenario
from costmodel.flywheel.history import read_off
from costmodel.foundation.errors import CostModelWarning

SPEND, MARGIN = "user_spend@2030", "operating_margin@2030"
scenario = load_scenario("from-2026")

# %% The answer: Sobol' indices of every year from the same runs, and the grades of evidence of the inputs
study = sobol_study(scenario, "user_spend", base_points=128, replicates=8, rng=0)
strongest = study.table(SPEND).records()[0]
shares = evidence_shares(scenario, SPEND, base_points=128, rng=0)
alone, with_others = shares.unmeasured()
print(f"User spend in 2030 is carried by {strongest['input']}: {strongest['total']:.0%} of its variance "
      f"({strongest['total_low']:.0%} to {strongest['total_high']:.0%}) moves with it, and {with_others:.0%} rests on "
      "inputs that nobody has measured")  # fmt: skip
print(f"{scenario.title}: {len(scenario.uncertain_paths())} uncertain inputs of {len(scenario.paths())}")
print(f"\ntotal order indices of user spend by year, with the 95 % interval in 2030 ({study.runs:,} runs)")
print(f"  {'':40} " + " ".join(f"{label[-4:]:>6}" for label in study.outputs))
for row in study.table(SPEND).records()[:6]:
    by_year = study.total[study.names.index(row["input"])]
    numbers = " ".join(f"{value:6.2f}" for value in by_year)
    print(f"  {row['input']:40} {numbers}   {row['total_low']:.2f} to {row['total_high']:.2f}")

# %% The share of variance due to unmeasured inputs
print(f"\nvariance of {SPEND} by grade of evidence of the inputs")
for row in shares.table().records():
    print(f"  {row['grade']:12} {row['share']:6.0%}   ({row['low']:.0%} to {row['high']:.0%})")
print(f"  on inputs that nobody has measured: {alone:.0%} alone, {with_others:.0%} with interactions with others")

# %% One input at a time, and the limits of this view
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always", CostModelWarning)
    swings = tornado(scenario, [SPEND, MARGIN], draws=512, rng=0)
print(f"\n{SPEND}: {swings.base[0] / 1e9:,.0f} G USD at the medians; swings from the 10 % to the 90 % quantile, G USD")
for row in swings.table(SPEND).records()[:6]:
    bar = ("+" if row["swing"] > 0 else "-") * round(abs(row["swing"]) / 25e9)
    print(f"  {row['input']:40} {row['swing'] / 1e9:+7,.0f}  {bar}")
for label in (SPEND, MARGIN):
    total = swings.first_order.first_sum[swings.outputs.index(label)]
    print(f"sum of first-order indices of {label}: {total:.2f}")
for notice in said:
    print(f"warning: {notice.message}")

# %% The value of internal work at which operators break even in 2030
EARNS = "operators.industry.internal_value"
found = break_even(scenario, EARNS, f"{MARGIN} = 0", low=0.0, high=20.0)
print(f"\noperators break even in 2030 if internal work earns {found.roots[0]:.2f} times its rent, all else at medians")
spread = break_even_distribution(scenario, EARNS, f"{MARGIN} = 0", draws=48, rng=0, low=0.0, high=20.0)
low, middle, high = spread.quantiles()
print(f"over the draws {low:.2f} / {middle:.2f} / {high:.2f} (5/50/95 %), where any does: {spread.share:.0%} of them")

# %% Parameters that history does not identify
past = load_scenario("bond-flywheel")
ERRORS = {"tokens": 0.25, "capex": 0.1, "rental_price": 0.15, "accelerators_shipped": 0.15, "user_spend": 0.3}
history = [
    Observed(lambda result, row=row: read_off(result, row), row.value, ERRORS.get(row.output, 0.15))
    for row in past.observations
]
free = {
    "market.*.price_elasticity": (-1.8, -0.3),
    "market.*.capability_elasticity": (0.0, 0.5),
    "software.experience_exponent": (0.0, 0.3),
    "software.algorithmic_growth": (0.8, 2.2),
    "market.*.intensity_growth": Multiple(0.2, 3.0),
    "market.*.adoption.growth": Multiple(0.5, 2.0),
}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always", CostModelWarning)
    fitted = fit(past, free, history, starts=2, polish=1, rng=0)
print(f"\nfit of {len(free)} parameters to {len(history)} reported figures, 2023 to 2026")
for row in fitted.table().records():
    print(f"  {row['parameter']:34} {row['value']:6.2f} ± {row['error']:.2f}   identified: {row['identified']}")
print(f"warning: {said[0].message}")

# %% Checks on the answer
assert "market." in strongest["input"], "a property of demand carries it"
assert strongest["total_low"] > 0.1
assert with_others > 0.3
assert np.isclose(sum(row["share"] for row in shares.table().records()), 1.0)
assert {"market.*.price_elasticity", "software.experience_exponent", "software.algorithmic_growth"} <= set(
    fitted.identification.unidentified
)

# %% The picture.
try:
    from costmodel.reporting.figures import tornado as drawn

    axes = drawn(swings, output=SPEND, unit="USD")
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("which_assumption_carries_it.png", dpi=120)
    print("picture: which_assumption_carries_it.png")
