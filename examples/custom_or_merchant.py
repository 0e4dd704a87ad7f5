# %% [markdown]
# # Plans of 2025, and custom against merchant silicon
#
# What became of the capital plans of February 2025? Is an hour of custom silicon cheaper than one of merchant silicon?
# And who wins users when one rival cuts its price and the other leaps in capability?

# %%
import numpy as np

import costmodel
from costmodel import catalog

PLANS = {"Alphabet": 2025, "Amazon": 2025, "Meta": 2025}
guided = {name: catalog.as_of("2025-02").company(name).capex_plan(year).number for name, year in PLANS.items()}
spent = {name: catalog.company(name).annual("capex")[year].number for name, year in PLANS.items()}
ratio = sum(spent.values()) / sum(guided.values())
PEAKS = {"TPU-v7": "TPU-v7", "B200": "B200", "GB200": "GB200-NVL72", "GB300": "GB300-NVL72"}
hours = {name: catalog.accelerator_hour(name).value("own", "2026-09") for name in PEAKS}
per_work = {name: hours[name] / catalog.accelerator(sheet).value("fp8") * 1e15 for name, sheet in PEAKS.items()}
custom = per_work["TPU-v7"] / np.median([per_work[name] for name in PEAKS if name != "TPU-v7"])
print(f"Three companies spent {ratio:.2f} times their plans of February 2025; an 8-bit operation of a TPU v7 costs its "
      f"owner {custom:.2f} times a merchant accelerator's")  # fmt: skip
assert 1.1 < ratio < 1.4
assert custom < 1.0
for name in PLANS:
    print(f"  {name:9} {spent[name] / 1e9:6.1f} against {guided[name] / 1e9:6.1f} G USD guided")

# %% An owner's hour per dense 8-bit PFLOP/s, September 2026; peak against peak
for name, value in per_work.items():
    print(f"  {name:7} {hours[name]:5.2f} USD/hour, {value:.3f} USD an hour per PFLOP/s")

# %% Leapfrogging: a price cut by half, then a model four times as capable
race = costmodel.run("leapfrog", draws=2000, rng=0)
for name, spec in race.outputs().items():
    if spec.time_axis is None and np.ndim(race[name]) == 1:
        low, middle, high = np.quantile(race[name], [0.05, 0.5, 0.95])
        print(f"  {spec.label}: {middle:.3g} ({low:.3g} … {high:.3g}) {spec.unit}")

# %% The picture.
try:
    from costmodel.reporting.figures import against

    axes = against(
        ("plan of February 2025", "USD", np.array(list(guided.values()))),
        ("spent in 2025", "USD", np.array(list(spent.values()))), names=list(PLANS), front=False,
    )  # fmt: skip
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("custom_or_merchant.png", dpi=120)
    print("picture: custom_or_merchant.png")
