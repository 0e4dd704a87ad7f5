# %% [markdown]
# # The training ladder
#
# Cost of frontier training runs by year, the years in which they pass round figures, and costs beyond the final run.
#
# Three layers are kept apart: the final run (amortized hardware and energy), the development programme around it, and
# the cash for the cluster.

# %%
from __future__ import annotations

from datetime import date

import numpy as np

from costmodel import catalog
from costmodel.foundation.design import Design
from costmodel.training import (
    TrainingLadder,
    TrainingRun,
    acquisition_cost,
    climb,
    train,
)

DRAWS = 2000

ladder = TrainingLadder(name="frontier", first_year=2020, last_year=2030)
result = climb(ladder.resolve(Design.latin_hypercube(ladder, DRAWS, rng=0)))
passed = np.quantile(result.passed, (0.05, 0.5, 0.95), axis=-1)
rungs = [f"{target / 1e6:,.0f} M USD in {middle:.1f}" for target, middle in zip(ladder.targets, passed[1], strict=True)]
print(f"The largest run passes {', '.join(rungs)}, on the trend of final runs")
for row, target in enumerate(ladder.targets):
    low, middle, high = passed[:, row]
    # the interval of the growth rate is reversed, since fast growth passes early
    print(f"{target / 1e6:8,.0f} M USD passed in {middle:.1f}  [{low:.1f} – {high:.1f}]")

assert 2023.9 < passed[1, 0] < 2024.4, "100 M USD a year after GPT-4"
assert 2026.0 < passed[1, 1] < 2027.0, "1 B USD before 2027, as Cottier et al. expected"
assert 2028.0 < passed[1, 2] < 2029.5, "10 B USD before 2030"

# %% [markdown]
# ## The years
# The largest runs grow in cost by 2.77 times a year (90 % interval 2.40 to 3.19) and in power by 2.24 (2.00 to 2.50).

# %%
bands = {
    name: np.quantile(result[name], (0.05, 0.5, 0.95), axis=-1) for name in ("cost", "power", "energy", "accelerators")
}

print("year   cost of the largest run, M USD        power, MW      energy, GWh   accelerators")
for row, year in enumerate(result.coords()["year"]):
    low, middle, high = bands["cost"][:, row] / 1e6
    power, energy, count = (bands[name][1, row] for name in ("power", "energy", "accelerators"))
    print(
        f"{year}  {middle:12,.1f}  [{low:,.1f} – {high:,.1f}]".ljust(42)
        + f"{power / 1e6:12,.1f} {energy / 1e9:16,.1f} {count:14,.0f}"
    )

# %% [markdown]
# ## The layers
# GPT-4 again: the final run by amortized hardware and energy, then the programme around it, then the upfront cash.
# Experiments multiply compute by 1.2 to 4; staff is counted with equity (headcount and pay are assumed).

# %%
case = catalog.cost_case("GPT-4")
years = (date.fromisoformat(case.text("start")) - date.fromisoformat(case.text("acquired"))).days / 365.25
run = TrainingRun(
    name="GPT-4",
    accelerator="A100-SXM-40",
    accelerators=25_000.0,
    tokens="13 Ttoken",
    flop_per_token=2.1e25 / 13e12,
    mfu=2.1e25 / (case.value("chip_hours") * 3600 * 312e12),
    power={"server_factor": 6.5 / 8 / 0.4, "pue": 1.25},
    method="amortized",
    amortized={
        "acquisition_price": case.value("price"),
        "years_in_use": years,
        "server_overhead": 1.66,
        "energy_price": case.value("electricity") / 1e3,
    },
    development={
        "headcount": {"dist": "lognormal", "p5": 60.0, "p95": 140.0},
        "duration": 1.0,
        "salary": "200 kUSD/year",
        "equity": "150 kUSD/year",
    },
)
draws = train(run.resolve(Design.latin_hypercube(run, DRAWS, rng=0)))
final = float(np.median(draws.run_cost))
programme = np.quantile(draws.programme_cost, (0.05, 0.5, 0.95))
cluster = float(acquisition_cost(25_000, case.value("price"), 0.19))
print(f"final run, amortized hardware and energy  {final / 1e6:8,.1f} M USD")
low, middle, high = programme / 1e6
print(f"development programme                     {middle:8,.1f} M USD  [{low:,.0f} – {high:,.0f}]")
print(f"cash for the cluster                      {cluster / 1e6:8,.1f} M USD")
for name, part in draws.breakdown().items():
    share = np.median(part / draws.programme_cost)
    if share > 0.0:
        print(f"  {name:18} {share:6.1%} of the programme")

assert abs(final / 40.156e6 - 1) < 0.001, "the published 40.2 M USD"
assert 101e6 < programme[1] < 170e6, "the published 90 % interval of the whole development"

# %% The picture.
try:
    from costmodel.reporting.figures import fan

    axes = fan(result, "cost")
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("training_ladder.png", dpi=120)
    print("picture: training_ladder.png")
