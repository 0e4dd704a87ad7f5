# %% [markdown]
# # Your own model on your own chip
#
# A model from its `config.json`, a variant of it in groups of layers, and a chip that is in no catalog: does the model
# fit, what does a token cost, and what does its training cost? Only the engine and the network are catalog records.
#
# Run: python examples/your_own_model.py

# %%
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import costmodel
from costmodel.compute import active_parameters, cache_bytes, shape, total_parameters
from costmodel.serving import Deployment, configuration_of, memory_budget
from costmodel.training import TrainingRun

GIB = 2.0**30

# %% A model as its maker publishes it: a file, a folder or a table works.
CONFIG = {
    "model_type": "qwen3_moe",
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "vocab_size": 151936,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
    "intermediate_size": 6144,
    "torch_dtype": "bfloat16",
}
with TemporaryDirectory() as folder:
    path = Path(folder) / "config.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    model = shape(path, "my model")
print(f"{model.name}: {total_parameters(model):,} parameters, {active_parameters(model):,} of them active per token")
assert total_parameters(model) == 30_532_122_624
assert active_parameters(model) == 3_353_032_704

# %% Your own variant: three layers of four attend only to the last 1,024 tokens.
HEADS = {"kind": "grouped", "heads": 32, "kv_heads": 4, "head_dim": 128, "qk_norm": "head"}
EXPERTS = {"kind": "routed", "experts": 128, "top_k": 8, "d_ff_expert": 768}
VARIANT = {
    "d_model": 2048,
    "vocabulary": 151936,
    "groups": [
        {"layers": 12, "mixer": HEADS, "feed_forward": EXPERTS},
        {"layers": 36, "mixer": HEADS | {"window": 1024}, "feed_forward": EXPERTS},
    ],
}
windowed = shape(VARIANT, "my variant")
long = 65_536.0
whole, short = (float(cache_bytes(one, long)) / GIB for one in (model, windowed))
print(f"cache of {long:,.0f} tokens: {whole:.2f} GiB as published, {short:.2f} GiB with windows ({short / whole:.0%})")
assert total_parameters(windowed) == total_parameters(model)
assert abs(short / whole - (12 + 36 * 1024 / long) / 48) < 1e-12

# %% Your own chip: figures of a data sheet, in its own units.
CHIP = {
    "name": "my chip",
    "bf16": "500 TFLOPS",
    "fp8": "1000 TFLOPS",
    "memory": "96 GB",
    "bandwidth": "3 TB/s",
    "link": "300 GB/s",
    "domain": 8,
    "power": "600 W",
}
chat = Deployment(
    name="own-chat",
    architecture="my model",
    own_shape=CONFIG,
    accelerator=CHIP,
    precision="fp8",
    workload={"mean_input": 4000.0, "mean_output": 600.0, "cached_share": 0.3},
    engine={"name": "vllm"},
    load={"utilisation": 0.5},
    max_time_per_output_token=0.025,
    hour_price={"value": 1.6, "grade": "assumed", "note": "A quote."},
)

# %% Does it fit? Memory as an engine lays it out, against the memory of one card.
budget = memory_budget(configuration_of(CONFIG, chat.accelerator, "fp8", "fp8"))
print("GiB of one card:")
for part in ("seen", "planned", "weights", "activations", "runtime", "room"):
    print(f"  {part:12} {float(getattr(budget, part)) / GIB:6.1f}")
assert budget.room > 0.0

# %% What a token costs, with windows and without.
costs = {}
for label, own in (("as published", CONFIG), ("with windows", VARIANT)):
    result = costmodel.run(chat.replace({"own_shape": own}))
    costs[label] = float(result.blended_cost) * 1e6
    print(
        f"{label}: batch {float(result.batch):,.0f}, {float(result.user_speed):.0f} token/s per user, "
        f"{costs[label]:.4f} USD per million tokens of the mix"
    )
    assert not result.infeasible
assert costs["with windows"] < costs["as published"]
saved = 1.0 - costs["with windows"] / costs["as published"]
print(f"windows save {saved:.0%} of the cost of a token")

# %% In four bits, on a chip that multiplies in eight and sixteen: it runs, and a remark says so.
for remark in costmodel.run(chat.replace({"precision": {"default": "fp8", "experts": "mxfp4"}})).remarks:
    print(remark)

# %% The cost of training: a trillion tokens on 1,024 of the chips, at the utilisation of the best layout.
training = TrainingRun(
    name="own-run",
    tokens="1 Ttoken",
    accelerator=CHIP,
    accelerators=1024.0,
    prediction={"architecture": VARIANT, "sequence": 4096, "batch": 1024, "scale_out_bandwidth": "50 GB/s"},
    method="rental",
    rental={"price": "1.6 USD/hour"},
)
run = costmodel.run(training)
hours, spent = float(run.paid_hours), float(run.run_cost)
print(
    f"a trillion tokens: {hours:,.0f} accelerator-hours at {float(run.mfu):.0%} of the peak, {spent / 1e3:,.0f} k USD"
)
assert abs(spent / (1.6 * hours) - 1.0) < 1e-9
assert 6 * 3.3e9 * 1e12 < float(run.flop) < 8 * 3.4e9 * 1e12

# %% All of it is text that others can read.
assert Deployment.from_toml(chat.to_toml()) == chat
