# %% [markdown]
# # When a discovery run pays for itself
#
# TTT-Discover trained a model at test time on one problem: a faster kernel for triangular multiplication. A run of some
# hundred dollars made it 2.06 times as fast on one chip and 1.18 times on another. The discovery has value
# only where it runs: on a fleet, for a share of its time, until a better kernel is found.

# %% [markdown]
# ## The run

# %%
from __future__ import annotations

import numpy as np

from costmodel import catalog
from costmodel.compute import amdahl_speedup
from costmodel.training import break_even_fleet, break_even_hours, discovery_run_cost, saved_share

run = catalog.record("discovery_runs", "TTT-Discover")
names = ("steps", "rollouts", "prompt_tokens", "sampled_tokens", "prefill_price", "sample_price", "train_price")
cost = float(discovery_run_cost(**{name: run.value(name) for name in names}))
published = run.value("cost")
assert abs(cost / published - 1) < 0.15

# %% [markdown]
# ## The gain, chip by chip

# %%
HOUR_PRICE = {"A100": 1.30}  # rental [USD/hour]: assumed, within the .80 to 3.00 of the indices
for chip in ("H100", "B200", "MI300X"):
    HOUR_PRICE[chip] = catalog.accelerator_hour(chip).value("market_rent", "2026-09")

speedups = {}
for chip in HOUR_PRICE:
    kernel = catalog.record("discovery_runs", f"TriMul {chip}")
    speedups[chip] = kernel.value("kernel_before") / kernel.value("kernel_after")

one_server_a100, one_server_h100 = (
    float(break_even_hours(cost, 8, HOUR_PRICE[chip], 0.10, speedups[chip])) / 24 for chip in ("A100", "H100")
)
print(f"A run of {cost:,.0f} USD pays back on one server of eight, 10 % of its time in the kernel, in "
      f"{one_server_a100:.0f} days on A100 and {one_server_h100:.0f} days on H100")  # fmt: skip
print(f"by tokens and prices of its month; published: around {published:,.0f} USD")
for chip in HOUR_PRICE:
    whole = amdahl_speedup(0.10, speedups[chip])
    print(f"{chip:7} {speedups[chip]:.2f}× on the kernel, {whole:.3f}× on a job that spends 10 % of its time in it")
assert round(speedups["A100"], 2) == 2.06
assert round(speedups["H100"], 2) == 1.18

# %% [markdown]
# ## How long must the gain last?
# Days of continuous use until the freed accelerator-hours are worth the cost of the run.

# %%
print("\ndays to pay back, by fleet and by the kernel's share of its time")
print("chip     share     8 accel.     64 accel.    512 accel.")
for chip in ("A100", "H100"):
    for share in (0.01, 0.10, 0.50):
        days = [break_even_hours(cost, fleet, HOUR_PRICE[chip], share, speedups[chip]) / 24 for fleet in (8, 64, 512)]
        print(f"{chip:7} {share:6.0%} " + "".join(f"{day:12,.1f} " for day in days))

# %% [markdown]
# ## Across what fleet?
# Accelerators that must run it around the clock, at 10 % of their time, until a better kernel replaces it.

# %%
for months in (1, 6, 12):
    hours = months * 8766 / 12
    fleet = {chip: break_even_fleet(cost, hours, HOUR_PRICE[chip], 0.10, speedups[chip]) for chip in speedups}
    print(
        f"gain lasts {months:2d} months: "
        + ", ".join(f"{chip} {count:5.1f} accelerators" for chip, count in fleet.items())
    )

assert 25 < one_server_a100 < 45
assert 60 < one_server_h100 < 90

# %% [markdown]
# ## And if it is tried on many problems?
# A search that succeeds once in forty attempts costs forty runs per success, so the fleet must be forty times as large.

# %%
record = catalog.record("discovery_runs", "AlphaProof-Nexus")
attempts = record.value("tried") / record.value("solved")
months = 6
needed = break_even_fleet(cost * attempts, months * 8766 / 12, HOUR_PRICE["H100"], 0.10, speedups["H100"])
saved = saved_share(0.10, speedups["H100"])
print(
    f"{attempts:.0f} attempts per success: {needed:.0f} H100 at 10 % of their time, saving {saved:.1%} each "
    f"for {months} months, pay {cost * attempts:,.0f} USD"
)
assert 100 < needed < 200

# %% [markdown]
# ## The picture

# %%
try:
    from costmodel.reporting.figures import against

    fleets = np.geomspace(8, 4096, 40)
    days = np.array(
        [float(break_even_hours(cost, fleet, HOUR_PRICE["H100"], 0.10, speedups["H100"])) for fleet in fleets]
    )
    axes = against(("H100 in the fleet", "1", fleets), ("days to pay back", "day", days / 24), front=False)
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("discovery_pays_back.png", dpi=120)
    print("picture: discovery_pays_back.png")
