# %% [markdown]
# # The cost flywheel of the BOND page
#
# Cheaper compute, more usage, more infrastructure, more total spend. Does user spend rise as unit cost falls? What
# drives the growth? When does inference pass training? Who pays?

# %%
from pathlib import Path

import numpy as np

import costmodel
from costmodel.analysis.weights import weighted_ensemble
from costmodel.flywheel.decomposition import range_of_parts

DRAWS, SEED = 2048, 0
scenario = costmodel.load_scenario("bond-flywheel")
run = costmodel.simulate(scenario)
years = scenario.grid.years


def yearly(series, reduce="sum"):
    """Sum or average a series over each year."""
    return np.array([getattr(np.asarray(series)[scenario.grid.year_steps(y)], reduce)() for y in years])


# %% Does user spend rise as unit cost falls? At the medians, and in draws weighted by their fit to history.
cost, spend = yearly(run.fixed_weight_unit_cost, "mean"), yearly(run.user_spend)
assert np.all(np.diff(cost) < 0)
assert np.all(np.diff(spend) > 0)
outputs = ["user_spend@2026", "user_spend@2030", "training_share_of_compute@2030"]
ensemble = weighted_ensemble(scenario, outputs, draws=DRAWS, rng=SEED)
low, middle, high = ensemble.bands("user_spend@2030") * 1e-9
print(f"User spend rises every year as unit cost falls: {spend[0] * 1e-9:.1f} G USD in {years[0]}, {middle:,.0f} in "
      f"{years[-1]}; a token of constant quality gets {cost[-2] / cost[-1]:.1f}× cheaper in the last year")  # fmt: skip
print(f"  (90 % of draws, weighted by fit to 2023–2026: {low:,.0f} … {high:,.0f} G USD; "
      f"{ensemble.effective:.0f} effective draws of {DRAWS})")  # fmt: skip
rising = np.mean(
    np.asarray(ensemble.ensemble.kept_draws("user_spend@2030") > ensemble.ensemble.kept_draws("user_spend@2026"))
)
print(f"  it rises from 2026 to 2030 in {rising:.1%} of draws")
assert rising > 0.95

# %% And would it rise without cheaper compute? The same draws, with technical progress stopped at the end of 2023.
stopped = scenario.replace({"software.progress_until": "2023-12-31", "hardware.progress_until": "2023-12-31"})
with_progress, without = (costmodel.simulate(each, draws=256, rng=SEED) for each in (scenario, stopped))
spend_with, spend_without = (each.by_year("user_spend")[1] for each in (with_progress, without))
times = spend_with[-1] / spend_without[-1]
low, middle, high = np.quantile(times, [0.05, 0.5, 0.95])
print(f"With progress stopped in 2023, user spend still rises from {years[-5]} to {years[-1]} in "
      f"{np.mean(spend_without[-1] > spend_without[-5]):.0%} of draws, on adoption and intensity;")  # fmt: skip
print(f"  progress multiplies user spend of {years[-1]} by {middle:.1f} ({low:.1f} … {high:.1f}), "
      f"and raises it in {np.mean(times > 1.0):.0%} of draws")  # fmt: skip
assert middle > 1.0 > low, "cheaper compute raises spend, save where demand answers price too little"

# %% What drives the growth? History does not identify the elasticities, so each share is a range.
for name, factors in {
    "price response (rebound)": ["price response"],
    "adoption and intensity": ["adoption", "intensity"],
    "capability": ["capability"],
}.items():
    share = float(run.decompose_user_spend().share(*factors, until=2026))
    bottom, top = range_of_parts(run, factors, until=2026)
    print(f"{name}: {share:.0%} of the growth of user spend to 2026, anywhere from {bottom:.0%} to {top:.0%}")
parts = run.decompose_user_spend()
cheaper = sum(float(parts.part(name, until=2026)) for name in ("hardware", "software"))
rebound = float(parts.part("price response", until=2026))
print(f"The rebound repaid {rebound / -cheaper:.0%} of what cheaper hardware and software took off user spend.")
assert abs(float(parts.parts.sum()) - float(parts.change.sum())) < 1e-6 * abs(float(parts.change.sum()))

# %% When does inference pass training? By cost, on the medians.
training, inference = yearly(run.training_cost), yearly(run.inference_cost)
passed = [year for year, t, i in zip(years, training, inference, strict=True) if i > t]
if passed:
    print(f"Inference costs more than training from {passed[0]} on.")
else:
    print(f"Inference stays below training to {years[-1]}: {inference[-1] / training[-1]:.0%} of it in {years[-1]}.")
low, middle, high = ensemble.bands("training_share_of_compute@2030")
print(f"Training's share of compute on tokens and training in 2030: {middle:.0%} ({low:.0%} … {high:.0%})")

# %% Who pays? The three payers of the page.
last = scenario.grid.year_steps(years[-1])
pockets = {
    "users (enterprise and consumer budgets) pay cloud providers": run.user_spend[last].sum(),
    "owners and lenders put in, net of what is repaid": (
        run.owners_money + run.borrowed - run.repaid - run.lease_repaid
    )[last].sum(),
    "cloud providers pay chipmakers": run.paid_to_chipmakers[last].sum(),
    "cloud providers pay for sites and power": run.paid_to_sites_and_power[last].sum(),
}
for text, amount in pockets.items():
    print(f"{years[-1]}: {text} {amount * 1e-9:,.0f} G USD")

# %% The picture.
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    axes[0].semilogy(years, cost / cost[0], label="unit cost, constant quality (2023 = 1)")
    axes[0].semilogy(years, spend / spend[0], label="user spend (2023 = 1)")
    axes[0].semilogy(years, yearly(run.tokens) / yearly(run.tokens)[0], label="tokens (2023 = 1)")
    axes[0].legend(loc="lower left", fontsize=8)
    axes[1].plot(years, training * 1e-9, label="training")
    axes[1].plot(years, inference * 1e-9, label="inference")
    axes[1].plot(years, yearly(run.capex) * 1e-9, label="capex")
    axes[1].set_ylabel("G USD a year")
    axes[1].legend()
    figure.suptitle(scenario.title)
    figure.tight_layout()
    target = Path("bond_flywheel.png")
    figure.savefig(target, dpi=120)
    print(f"picture: {target}")
