# %% [markdown]
# # What cheaper tokens buy
#
# How much of the growth in tokens is due to price, and how much to people and agents.
#
# It uses dated volumes and prices from the catalog, a range of elasticities that history does not narrow, and an agent
# network of Moltbook's size as token demand.

# %%
from __future__ import annotations

import numpy as np

from costmodel import load_scenario, run
from costmodel.catalog import accelerator_price, agent_network, elasticity, multiplier, token_volume, trend, users
from costmodel.estimation import (
    FLAGSHIP_LINES,
    CostSeries,
    Form,
    fit_decline,
    flagship_moves,
    forecast_moore,
    published_declines,
)
from costmodel.foundation.design import Design
from costmodel.market import (
    TokenMarket,
    constant_elasticity,
    consumer_surplus_change,
    network_acts,
    run_market,
    split_usage_growth,
)

DRAWS = 20_000
rng = np.random.default_rng(0)


def band(values: np.ndarray, scale: float = 1.0) -> str:
    """Return median and 90 % interval as text."""
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95)) * scale + 0.0
    return f"{middle:8.3g}  [{low:.3g} – {high:.3g}]"


# %% [markdown]
# ## Tokens of the company with the largest disclosed volume, spring 2024 to May 2026
# Three readings of "the price": what users paid per token, flat in one study; the cost of serving, if passed on in
# full; and the price of the same ability. Only the first two are prices of the tokens that were served.

# %%
volumes = token_volume("Google").series("tokens")
first, last = volumes[0], volumes[-1]
YEARS = 2.0
"""April and May 2024 to May 2026 [year]."""
growth = last.number / first.number
cost_fall = -np.log1p(trend("Google serving cost").value("change_per_year"))  # log rate, of 2025
readings = {
    "paid price, flat": 1.0,
    "serving cost, passed on": float(np.exp(-cost_fall * YEARS)),
    "same ability, 10 × a year": 10.0**-YEARS,
}
counts = [datum.number for datum in users("ChatGPT").series("weekly_users")]
most_adoption = counts[-1] / counts[0]  # of a service that started in 2022: more than any older product gained
elasticities = rng.uniform(-1.8, -0.5, DRAWS)
adoption = np.exp(rng.uniform(np.log(1.5), np.log(most_adoption), DRAWS))

served = np.exp(-rng.uniform(0.0, cost_fall, DRAWS) * YEARS)
between = split_usage_growth(growth, served, elasticities, adoption)
low, high = between.interval("price")
print(f"Cheaper tokens explain {np.median(between.shares()['price']):.0%} ({low:.0%} … {high:.0%}) of the growth in "
      f"tokens, more tokens to a task {np.median(between.shares()['intensity']):.0%}")  # fmt: skip
print(f"tokens × {growth:.0f} in {YEARS:g} years ({first.number:.3g} → {last.number:.3g} tokens a month)")
print("share of the growth (in logs), median [90 % interval], elasticity -1.8 … -0.5")
print(f"{'':27}{'price':>28}{'adoption':>28}{'intensity':>28}")
for reading, price_ratio in readings.items():
    split = split_usage_growth(growth, price_ratio, elasticities, adoption)
    print(f"{reading:27}" + "".join(f"{band(split.shares()[name]):>28}" for name in ("price", "adoption", "intensity")))

print(
    f"{'between the first two':27}"
    + "".join(f"{band(between.shares()[n]):>28}" for n in ("price", "adoption", "intensity"))
)
assert 0.0 <= low < high < 0.75, "price explains part of the growth, not all of it"
assert np.median(between.shares()["intensity"]) > np.median(between.shares()["price"]), "intensity is the larger part"

# %% [markdown]
# ## The effect of an elasticity
# At the only measured elasticity, lower prices alone barely raise total user spend.

# %%
measured = elasticity("Demirer 2025").value("elasticity")
print(f"elasticity {measured}: price halved → tokens × {constant_elasticity(1.0, 0.5, measured):.3f},", end=" ")
print(f"user spend × {0.5 * constant_elasticity(1.0, 0.5, measured):.3f}, rebound {-measured:.2f}")
print(f"elasticity -0.5: a tenth of the price → user spend × {0.1 * constant_elasticity(1.0, 0.1, -0.5):.3f}")
gained = consumer_surplus_change(1.0, 1.0, 0.5, measured)
print(f"surplus gained per USD of user spend when the price halves: {gained:.2f} USD")
assert round(float(constant_elasticity(1.0, 0.5, measured)), 3) == 2.158

# %% [markdown]
# ## Causes of the decline, and a forecast
# One cause is the price of an accelerator, a random walk with drift. Four prices give a wide forecast interval.

# %%
asked = accelerator_price("H100/H200").series("vendor_average")
series = CostSeries([float(datum.period or 0) for datum in asked], [datum.number for datum in asked])
fit = fit_decline(series, Form.MOORE)
(slow,), (fast,) = fit.interval(0.9)
print(f"\naverage price of an H100, 2022–25: {np.expm1(-fit.slope('time')):.1%} a year", end=" ")
print(f"[90 % interval {np.expm1(-fast):.0%} to {np.expm1(-slow):.0%}]")
ahead_of_price = forecast_moore(series, 3)
for year, low, high in zip(ahead_of_price.time, *ahead_of_price.interval(0.9), strict=True):
    print(f"  {year:.0f}: {low:9,.0f} – {high:9,.0f} USD")

# %% [markdown]
# ## Which price?
# The price of the same ability falls ten to forty times a year. The list price of the flagship does not.

# %%
print("\nprice of the same ability, falls per year")
for decline in published_declines():
    print(f"  {decline.ability:20} {decline.yearly_fall:6.1f} ×   ({decline.grade.value})")
for maker in FLAGSHIP_LINES:
    rises = [move for move in flagship_moves(maker, until="2026-11") if move.ratio > 1]
    print(f"  {maker}'s flagship rose in {', '.join(sorted({str(move.year) for move in rises}))}")

# %% [markdown]
# Intensity grows through agents and groups of agents, reasoning, and products that answer without a request.

# %%
agent, group = multiplier("agent").value("factor"), multiplier("multi-agent").value("factor")
for shares in ((0.1, 0.0), (0.3, 0.1), (0.5, 0.3)):
    factor = 1.0 + shares[0] * (agent - 1.0) + shares[1] * (group - 1.0)
    print(f"{shares[0]:.0%} of tasks by agents, {shares[1]:.0%} by groups: tokens per task × {factor:.1f}")

# %% [markdown]
# ## An agent network of Moltbook's size
# Agents' posts and comments are visible, but most tokens go into reading, and into visits without writing. Tokens per
# act, visits and the active share are assumed.

# %%
network = agent_network("Moltbook")
DAYS_SEEN = 5.0
"""Days after 28 January to which the count of posts and comments refers [day]; assumed from "within days"."""
posts, comments = (network.value(name, "2026-01-28/2026-02-28") for name in ("posts", "comments"))
contagion = comments / (posts + comments)
written = network_acts(1.0, posts / DAYS_SEEN * 365.25, contagion)
print(f"\n{comments / posts:.0f} comments to a post; {written:.3g} acts a year at the pace of the first days")

population = load_scenario("moltbook-agents")
found = run(population, draws=DRAWS, rng=0)
print(f"tokens behind posts and comments, T a month: {band(written * found.tokens_per_act / 12, 1e-12)}")
all_acts = found.tokens
print(f"tokens of all look-ins, T a month:           {band(all_acts / 12, 1e-12)}")
share = all_acts / 12 / last.number
print(f"over one discloser's tokens of May 2026:     {band(share)}")
assert np.quantile(share, 0.95) < 0.05, "a network of two million agents is a small part of token demand"
print(f"such networks to double that demand:         {band(1 / share)}")

# %% [markdown]
# ## Two years ahead
# The same causes in a market with two workloads: prices follow a falling cost with a lag, users notice, agents spread.
# Every figure of this scenario is assumed, except the order of magnitude of the tokens.

# %%
market = TokenMarket(
    name="after-may-2026",
    time={"start": "2026-06", "end": "2028-06", "step": "month"},
    cost={
        "hardware_decline": {"dist": "uniform", "low": 0.2, "high": 0.35},
        "software_decline": {"dist": "uniform", "low": 0.3, "high": 1.2},
    },
    price_speed=2.0,
    capability_growth=1.5,
    workloads={
        "chat": {
            "tokens": "4e3 Ttoken/month",
            "price": "1 USD/Mtoken",
            "price_elasticity": {"dist": "uniform", "low": -1.8, "high": -0.5},
            "price_memory": 2.0,
            "capability_elasticity": 0.12,
            "adoption": {"kind": "logistic", "growth": 1.0, "ceiling": 3.0},
            "intensity_growth": {"dist": "normal", "p5": 0.1, "p95": 0.6},
            "intensity_fade": 4.0,
            "paid_share": 0.3,
        },
        "agents": {
            "tokens": "3e3 Ttoken/month",
            "price": "1.5 USD/Mtoken",
            "price_elasticity": {"dist": "uniform", "low": -1.8, "high": -0.5},
            "price_memory": 2.0,
            "capability_elasticity": 0.25,
            "adoption": {"kind": "logistic", "growth": 0.9, "ceiling": 8.0},
            "intensity_growth": {"dist": "normal", "p5": 0.2, "p95": 0.8},
            "intensity_fade": 4.0,
            "budget": {"value": 2e12, "grade": "assumed", "note": "About 2 % of world product."},
        },
    },
)
result = run_market(market.resolve(Design.latin_hypercube(market, 4000, rng=0)))
price = result.price[-1] / result.price[0]
print(f"\nprices after two years, over today's:   {band(price[0])}")
print(f"tokens, times:                           {band(result.total_tokens[-1] / result.total_tokens[0])}")
spend = result.total_user_spend
print(f"user spend, times:                       {band(spend[-1] / spend[0])}")
ahead = result.growth("agents")
for cause in ("price", "adoption", "intensity"):
    print(f"share of agents' growth by {cause:10}    {band(ahead.shares()[cause])}")
assert np.mean(spend[-1] > spend[0]) > 0.9, "user spend rises in nearly every draw, while the price falls"
assert np.all(price < 1.0)

# %% The picture.
try:
    from costmodel.reporting.figures import fan

    axes = fan(result, "total_tokens")
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("what_cheaper_tokens_buy.png", dpi=120)
    print("picture: what_cheaper_tokens_buy.png")
