# %% [markdown]
# # An efficiency shock
#
# A DeepSeek-style release suddenly makes tokens cheaper to serve. Does total user spend fall, by how much and for how
# long, against the same draws without it? How do capex and the rent of an accelerator respond?

# %%
from pathlib import Path

import numpy as np

import costmodel

DRAWS, SEED = 500, 0
DATE, FACTOR = "2027-01-01", 3.0

base = costmodel.load_scenario("from-2026")
form = base.written()
form["shocks"] = [{"kind": "serving", "date": DATE, "factor": FACTOR}]
shock = type(base)(**form)

# %% The same seed gives both scenarios the same draws, so differences are draw by draw.
plain, shocked = (costmodel.simulate(scenario, draws=DRAWS, rng=SEED) for scenario in (base, shock))
times = base.grid.mid
after = times > 2027.0


def change(name):
    """Return the relative change of a series by step and draw."""
    return np.asarray(getattr(shocked, name)) / np.asarray(getattr(plain, name)) - 1.0


# %% Does user spend fall, by how much, for how long?
spend = change("user_spend")[after]
lowest = spend.min(axis=0)
below = spend < 0
quarters = np.where(below.any(axis=0), below.sum(axis=0), 0) * base.grid.length
bands = np.quantile(lowest, [0.05, 0.5, 0.95])
print(f"Software {FACTOR:g}× as efficient from {DATE} takes user spend down by {-bands[1]:.0%} ({-bands[2]:.0%} … "
      f"{-bands[0]:.0%}) at its lowest, against the same draw without it, {DRAWS} draws")  # fmt: skip
print(f"time below: median {np.median(quarters):.2f} years; never below in {np.mean(~below.any(axis=0)):.0%} of draws")
end = np.quantile(spend[-1], [0.05, 0.5, 0.95])
print(f"user spend at the end of {base.grid.years[-1]}: {end[1]:+.0%} ({end[0]:+.0%} … {end[2]:+.0%})")

# %% And tokens, rent, capex?
for name, label in (("tokens", "tokens served"), ("rental_price", "rental price"), ("capex", "capex")):
    first = np.quantile(change(name)[after][3], [0.05, 0.5, 0.95])
    last = np.quantile(change(name)[after][-1], [0.05, 0.5, 0.95])
    print(f"{label}: after a year {first[1]:+.0%} ({first[0]:+.0%} … {first[2]:+.0%}), "
          f"at the end {last[1]:+.0%} ({last[0]:+.0%} … {last[2]:+.0%})")  # fmt: skip

assert np.array_equal(np.asarray(plain.user_spend)[~after], np.asarray(shocked.user_spend)[~after])
assert np.median(change("tokens")[after][-1]) > 0
assert bands[1] < 0.0

# %% The picture.
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    figure, axes = plt.subplots(figsize=(7, 4))
    low, middle, high = np.quantile(change("user_spend"), [0.05, 0.5, 0.95], axis=1)
    axes.fill_between(times, low, high, alpha=0.3)
    axes.plot(times, middle)
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_ylabel("user spend, change against the same draw [1]")
    axes.set_title(f"{FACTOR:g}× software efficiency on {DATE}")
    figure.tight_layout()
    target = Path("efficiency_shock.png")
    figure.savefig(target, dpi=120)
    print(f"picture: {target}")
