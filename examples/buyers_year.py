# %% [markdown]
# # A buyer's year
#
# An enterprise's AI bill of 2026: was it right, and what do the same tasks cost in 2028? Prices fall, a task takes more
# tokens, and some tasks move to a smaller model. Prices, tokens of a task and rents of 2028 are the flywheel's.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import costmodel
from costmodel.studies.audit import audit
from costmodel.studies.bill import read_bill

scenario = costmodel.load_scenario("buyers-year")
found = costmodel.run(scenario, draws=2000, rng=0)
over = {name: np.quantile(found[name] / found.audited_bill, [0.05, 0.5, 0.95])
        for name in ("at_later_prices", "with_intensity", "with_choice")}  # fmt: skip
low, middle, high = over["with_choice"]
print(f"The tasks of 2026 cost {middle:.0%} of their audited bill in 2028 ({low:.0%} … {high:.0%})")
assert 0.2 < middle < 0.6

# %% One change after the other
TOLD = {
    "at_later_prices": "same tokens and hours at prices of 2028",
    "with_intensity": "and tasks that take more tokens",
    "with_choice": "and some tasks on a smaller model",
}
print(f"bill of 2026: {np.median(found.bill):,.0f} USD, {np.median(found.audited_bill):,.0f} with hours at the market")
for name, text in TOLD.items():
    print(f"  {text:42} {over[name][1]:6.0%} of it  ({over[name][0]:.0%} … {over[name][2]:.0%})")
assert over["at_later_prices"][1] < over["with_choice"][1] < over["with_intensity"][1], "agents' tasks grow"

# %% The audit of this year's bill: a cloud's export of hours, compared with market prices and owning
year = scenario.hours
table = (
    "Billing Month,GPU Type,# GPUs,Node-Hours,Total Cost (USD),Purchase Option\n"
    f"2026-06,H100,8,730,{8 * 730 * scenario.hour_paid:.2f},On Demand\n"
)
with TemporaryDirectory() as folder:
    path = Path(folder) / "hours.csv"
    path.write_text(table, encoding="utf-8")
    done = audit(read_bill(path))
for finding in done.findings:
    print(finding.sentence)
above = [finding for finding in done.findings if "market" in finding.title]
assert above, "list price on demand stands above the market"
assert above[0].saving[1] > 0.3 * above[0].paid
share = np.median(found.above_market / found.bill)
print(f"over the year, tokens included, hours above the market are {share:.0%} of the bill")

# %% The picture.
try:
    from costmodel.reporting.figures import against

    bills = np.array([1.0, *(over[name][1] for name in TOLD)])
    axes = against(
        ("change after change", "1", np.arange(4.0)), ("bill over this year's, audited", "1", bills),
        names=["2026", "prices", "tokens of a task", "model choice"], front=False,
    )  # fmt: skip
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("buyers_year.png", dpi=120)
    print("picture: buyers_year.png")
