# %% [markdown]
# # Your own scenario
#
# Build a flywheel scenario in Python, override it, compare the two and save one as TOML.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import costmodel

# %% Start from a built-in scenario: entries that are not overridden keep their value and source.
base = costmodel.load_scenario("from-2026")
print(f"{base.title}: {len(base.paths())} parameters, {len(base.uncertain_paths())} of them uncertain")

# %% Override by dotted path: a number, a text with a unit, a distribution, or a value with its source.
mine = base.replace(
    {
        "name": "dear-power",
        "title": "Electricity at twice the price, and more elastic agents",
        "energy.price": "160 USD/MWh",
        "market.agents.price_elasticity": {"dist": "uniform", "low": -2.0, "high": -1.2},
        "hardware.accelerators.failure_rate": {"value": 0.05, "grade": "assumed", "note": "A harsher climate."},
    }
)

# %% Run both at their medians and compare the last year.
year = 2030
before, after = (costmodel.simulate(scenario) for scenario in (base, mine))
steps = base.grid.year_steps(year)
for name, unit, scale in (("user_spend", "G USD", 1e-9), ("energy_cost", "G USD", 1e-9), ("tokens", "Ptoken", 1e-15)):
    old, new = (float(getattr(run, name)[steps].sum()) * scale for run in (before, after))
    print(f"{name} in {year}: {old:,.0f} → {new:,.0f} {unit} ({new / old - 1:+.1%})")

energy = [float(run.energy_cost[steps].sum() / run.energy_used[steps].sum()) * 1e6 for run in (before, after)]
print(f"electricity: {energy[0]:.0f} → {energy[1]:.0f} USD/MWh")
assert abs(energy[0] - 80) < 1e-6
assert abs(energy[1] - 160) < 1e-6

# %% An ensemble: the same seed gives the same draws.
draws = costmodel.simulate(mine, draws=500, rng=0)
spend = draws.user_spend[steps].sum(axis=0) * 1e-9
low, high = (float(x) for x in (sorted(spend)[25], sorted(spend)[474]))
print(f"user spend in {year}, 90 % of draws: {low:,.0f} … {high:,.0f} G USD")
assert 0 < low < high

# %% The bibliography by grade.
grades: dict[str, int] = {}
for line in mine.sources():
    grades[line.grade.value] = grades.get(line.grade.value, 0) + 1
print("parameters by grade:", ", ".join(f"{count} {grade}" for grade, count in grades.items()))

# %% Save it and read it back: the same scenario, exactly.
with TemporaryDirectory() as folder:
    path = Path(folder) / "dear-power.toml"
    path.write_text(mine.to_toml(), encoding="utf-8")
    again = costmodel.load_scenario(path)
assert again == mine
print(f"saved and read back: {again.name}")
