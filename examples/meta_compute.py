# %% [markdown]
# # Meta Compute
#
# Idle accelerators sold as raw hours, or as hosted tokens of own or others' models: at which fill and rent does this
# pay? Fill, fee and royalty are assumed over wide ranges; cost and rent of an hour are recorded.

# %%
import numpy as np

import costmodel

found = costmodel.run("meta-compute", draws=2000, rng=0)


def needed(fill):
    """Return the 5, 50 and 95 % quantiles of the fill needed; draws in which no fill is enough count as infinite."""
    return np.quantile(np.where(np.isnan(fill), np.inf, fill), [0.05, 0.5, 0.95], method="higher")


raw, hosted = needed(found.raw_fill_needed), needed(found.hosted_fill_needed)
print(f"Idle hours carry their whole cost from a fill of {raw[1]:.0%} raw ({raw[0]:.0%} … {raw[2]:.0%}), hosted with "
      f"own models from {hosted[1]:.0%} ({hosted[0]:.0%} … {hosted[2]:.0%})")  # fmt: skip
assert 0.4 < raw[1] < 0.9
assert hosted[1] < raw[1], "a busy hour brings more in tokens than in rent"

# %% What an idle hour gains, against leaving it idle
for name, text in (
    ("raw_gain", "raw"),
    ("hosted_gain", "hosted, own models"),
    ("hosted_gain_of_others", "hosted, others' models"),
):
    low, middle, high = np.quantile(found[name], [0.05, 0.5, 0.95])
    print(f"  {text:24} {middle:5.2f} USD an hour  ({low:.2f} … {high:.2f})")
own, others = np.mean(found.hosted_gain > found.raw_gain), np.mean(found.hosted_gain_of_others > found.raw_gain)
print(f"hosting beats raw hours in {own:.0%} of draws with own models, in {others:.0%} with others'")
assert others < own
assert np.all(found.raw_gain > 0.0), "a sold hour pays its energy"

# %% The picture.
try:
    from costmodel.reporting.figures import against

    fills = np.asarray(costmodel.load_scenario("meta-compute").resolve(found.design).raw_fill)
    axes = against(
        ("share of idle hours sold raw", "1", fills[:400]), ("gain of an idle hour", "USD/hour", found.raw_gain[:400]),
        front=False,
    )  # fmt: skip
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("meta_compute.png", dpi=120)
    print("picture: meta_compute.png")
