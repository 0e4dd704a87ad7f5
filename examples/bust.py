# %% [markdown]
# # A bust
#
# From 2027 on, users want half of the tokens in the plan. What happens to rents, orders and book values, and for how
# long, against the same draws without the bust? How much of the investment is written down?

# %%
import numpy as np

import costmodel

DRAWS, SEED = 256, 0
BEGIN = 2027
plan = costmodel.load_scenario("from-2026")
bust = plan.replace({"shocks": [{"kind": "demand", "date": f"{BEGIN}-01-01", "factor": 0.5}]})
expected, met = (costmodel.simulate(scenario, draws=DRAWS, rng=SEED) for scenario in (plan, bust))
years = [year for year in plan.grid.years if year >= BEGIN]


def change(name, year):
    """Return the change of an output in a year against the same draw without the bust."""
    covered, before = expected.by_year(name)
    _, after = met.by_year(name)
    place = list(covered).index(year)
    return after[place] / before[place] - 1.0


# %% How long until the rent recovers?
rent = {year: change("rental_price", year) for year in years}
back = next(year for year in years if year > BEGIN and np.median(rent[year]) > -0.05)
print(f"In the median the rent of an accelerator falls {-np.median(rent[BEGIN]):.0%} in {BEGIN} "
      f"and is back within 5 % of its path in {back}: orders fall until it is.")  # fmt: skip
assert BEGIN < back <= BEGIN + 3
assert np.all(rent[BEGIN] < 0.0)

# %% Year by year, 5 / 50 / 95 % of draws
SHOWN = {"user_spend": "user spend", "rental_price": "rent", "accelerators_bought": "orders", "capex": "capex"}
print(f"{'change on the plan':22}" + "".join(f"{year:>26}" for year in years))
for name, label in SHOWN.items():
    cells = ["  ".join(f"{q:+6.0%}" for q in np.quantile(change(name, year), [0.05, 0.5, 0.95])) for year in years]
    print(f"{label:22}" + "".join(f"{cell:>26}" for cell in cells))
fewer = float(np.mean(change("accelerators_bought", BEGIN) < 0.0))
print(f"orders of {BEGIN} fall in {fewer:.1%} of draws; where sites limit them, with and without the bust, they don't")
assert fewer > 0.95

# %% Does demand at half mean user spend at half? Prices fall with the rent, and users answer.
left = 1.0 + change("user_spend", years[-1])
print(f"user spend of {years[-1]} over the plan's: {np.median(left):.0%}")
assert 0.45 < np.median(left) < 0.75

# %% Who loses: operating income of the owners over the years, against the plan
income = {name: run.by_year("operating_income") for name, run in (("plan", expected), ("bust", met))}
lost = sum(income["plan"][1][i] - income["bust"][1][i] for i, y in enumerate(income["plan"][0]) if y in years)
low, middle, high = np.quantile(lost, [0.05, 0.5, 0.95]) / 1e9
print(f"operators' income to {years[-1]} falls short by {middle:,.0f} G USD ({low:,.0f} … {high:,.0f})")
assert middle > 0.0

# %% What is written down? Lower prices make up for a level of half, but not for slower growth, and still less without
# investors, whose training uses idle hours.
slower = {"kind": "demand", "date": f"{BEGIN}-01-01", "factor": 0.5, "growth": -0.6}
gone = {"kind": "investors", "date": f"{BEGIN}-01-01", "factor": 0.0}
depths = {"demand halved": bust, "and growing 60 points slower": plan.replace({"shocks": [slower]}),
          "and investors gone": plan.replace({"shocks": [slower, gone]})}  # fmt: skip
medians = {}
for label, scenario in depths.items():
    covered, down = costmodel.simulate(scenario, draws=DRAWS, rng=SEED).by_year("impairments")
    total = np.sum([row for year, row in zip(covered, down, strict=True) if year >= BEGIN], axis=0) / 1e9
    low, medians[label], high = np.quantile(total, [0.05, 0.5, 0.95])
    print(f"{label}: {medians[label]:,.0f} G USD written down ({low:,.0f} … {high:,.0f})")
assert list(medians.values()) == sorted(medians.values())
assert medians["and investors gone"] > 100.0

# %% The picture.
try:
    from costmodel.reporting.figures import fan

    axes = fan(met, "rental_price")
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("bust.png", dpi=120)
    print("picture: bust.png")
