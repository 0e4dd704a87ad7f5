# %% [markdown]
# # What a token costs
#
# One model on five accelerators, the trade-off between speed and cost, and the floor of the price.
#
# Run: python examples/cost_of_a_token.py

# %% One model, one workload, one day
import numpy as np

from costmodel import catalog
from costmodel.serving import (
    Deployment,
    Layout,
    Traffic,
    best_configurations,
    configuration_of,
    deploy,
    profile,
    utilisation_of_fleet,
)

MODEL = "Llama-3.3-70B"
# accelerator, price record, format of the weights
CHIPS = (
    ("H100-SXM", "H100", "fp8"),
    ("H200-SXM", "H200", "fp8"),
    ("B200", "B200", "nvfp4"),
    ("MI300X", "MI300X", "fp8"),
    ("MI355X", "MI355X", "mxfp4"),
)
TRAFFIC = Traffic(mean_input=3000.0, mean_output=500.0, variation_input=0.8, variation_output=0.8, cached_share=0.3)
# a fleet sized for the peak of DeepSeek's published day: 278 nodes at the peak, 226.75 on average
DAY = catalog.record("serving_systems", "DeepSeek V3/R1")
PEAK_TO_AVERAGE = DAY.value("nodes_peak") / DAY.value("nodes_mean")
ENGINE = profile("vllm").engine()
BUSY = float(utilisation_of_fleet(PEAK_TO_AVERAGE, 0.0, 0.0))
lines = [
    f"{MODEL}, {TRAFFIC.mean_input:.0f} tokens in ({TRAFFIC.cached_share:.0%} cached), {TRAFFIC.mean_output:.0f} out"
]
lines.append(
    f"busy {BUSY:.0%} of paid hours, engine factor {ENGINE.decode_factor:.2f} (vLLM, fitted on H100 and H200)\n"
)


# %% The frontier of speed against cost on each accelerator: layouts times batches in one call
LAYOUTS = [Layout(tensor=float(size)) for size in (1, 2, 4, 8)]
BATCHES = np.unique(np.geomspace(1.0, 2048.0, 400).round())
SPEEDS = np.array([10.0, 20.0, 40.0, 80.0, 160.0])


def hour_price(record: str) -> float:
    """Return the owner's cost of an hour in September 2026 [USD/hour]."""
    return catalog.accelerator_hour(record).value("own", "2026-09")


fronts = {}
lines.append("USD per million tokens of the mix (prefill, decode, idle hours, owned) at a user's tokens per second:")
lines.append(
    f"{'':10} {'USD/hour':>8} " + " ".join(f"{speed:>7.0f}" for speed in SPEEDS) + "   cheapest   fastest token/s"
)
for name, record, weights in CHIPS:
    what = configuration_of(MODEL, name, weights, engine=ENGINE)
    front = best_configurations(what, LAYOUTS, TRAFFIC, BATCHES, hour_price(record), BUSY)
    fronts[name] = front
    # the cheapest point that is at least as fast
    at = [front.cost[front.user_speed >= speed].min(initial=np.inf) * 1e6 for speed in SPEEDS]
    cells = " ".join(f"{cost:7.3f}" if np.isfinite(cost) else "      –" for cost in at)
    best = front.cost.min() * 1e6
    lines.append(f"{name:10} {hour_price(record):8.2f} {cells}   {best:8.3f}   {front.user_speed.max():8.0f}")

b200, h100 = (fronts[name].cost.min() * 1e6 for name in ("B200", "H100-SXM"))
print(f"B200 in 4 bits serves {MODEL} at {b200:.3f} USD per million tokens, H100 in 8 bits at {h100:.3f}\n")
print("\n".join(lines))
for name, front in fronts.items():
    slow, fast = front.cost[front.user_speed >= 10.0].min(), front.cost[front.user_speed >= 80.0].min()
    print(f"{name}: a user at 80 token/s costs {fast / slow:.1f} times as much as one at 10 token/s")


# %% What sets the floor: remove one cause after another on H100
CHAT = Deployment(
    name="floor",
    architecture=MODEL,
    accelerator="H100-SXM",
    layout={"tensor": 4},
    workload={
        "mean_input": TRAFFIC.mean_input,
        "mean_output": TRAFFIC.mean_output,
        "variation_input": TRAFFIC.variation_input,
        "variation_output": TRAFFIC.variation_output,
        "cached_share": TRAFFIC.cached_share,
    },
    load={"peak_to_average": PEAK_TO_AVERAGE},
    engine={"name": "vllm"},
    hour_price=hour_price("H100"),
    price_kind="owned",
    depreciation="economic",
)
paid = deploy(CHAT.resolve())
print(f"\nH100, tensor parallel over 4, largest batch ({paid.batch:.0f}), {paid.user_speed:.0f} token/s per user")
print(f"basis: {paid.basis('blended_cost')}")
for label, cost in (
    ("computed input", paid.input_cost),
    ("cached input", paid.cached_cost),
    ("output", paid.output_cost),
    ("mix", paid.blended_cost),
):
    print(f"  {label:16} {cost * 1e6:7.4f} USD per million tokens")
print(f"  energy of the mix {paid.energy * 1e6 / 1e3:7.3f} kWh per million tokens")

steps = (
    ("as it is", {}),
    ("no idle hours", {"load.peak_to_average": 1.0}),
    ("no time lost in the host", {"engine.host_time": 0.0}),
    ("kernels at the whole peak", {f"engine.{limit}_share": 1.0 for limit in ("compute", "attention", "memory")}),
)
changes: dict[str, float] = {}
print("\nUSD per million tokens of the mix, taking away:")
floors = []
for label, change in steps:
    changes |= change
    cost = float(deploy(CHAT.replace(changes).resolve()).blended_cost)
    floors.append(cost)
    print(f"  {label:28} {cost * 1e6:7.4f}")
print(f"reading prompts takes {paid.prefill_share:.0%} of the time: arithmetic binds it, which no batch makes cheaper")


# %% Headline
assert 0.02 < b200 < 0.06, "USD per million tokens of the mix on B200"
assert 0.06 < h100 < 0.20, "USD per million tokens of the mix on H100"
assert floors == sorted(floors, reverse=True), "each thing taken away lowers the cost"
assert floors[-1] < 0.67 * floors[0], "idle hours, engine and kernels are more than a third of the cost"

# %% The picture.
try:
    from costmodel.reporting.figures import against

    axes = against(
        ("speed of a user", "token/s", fronts["B200"].user_speed), ("cost of the mix", "USD/token", fronts["B200"].cost)
    )
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("cost_of_a_token.png", dpi=120)
    print("picture: cost_of_a_token.png")
