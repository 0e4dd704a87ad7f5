# %% [markdown]
# # What an agent task costs
#
# Chat, agent and several agents; code run in an interpreter, a container, a service.
#
# Run: python examples/cost_of_an_agent_task.py

# %% What a token costs to serve: DeepSeek-V3 on H200, rented at the market of September 2026
import numpy as np

from costmodel import catalog
from costmodel.foundation.units import convert
from costmodel.serving import AgentTask, Deployment, deploy, run_task

SERVICE = Deployment(
    name="service",
    architecture="DeepSeek-V3",
    accelerator="H200-SXM",
    mode="disaggregated",
    layout={"expert": 32},
    prefill_layout={"expert": 16, "micro_batches": 2, "overlap": 1.0},
    workload={
        "mean_input": 12_000.0,
        "mean_output": 500.0,
        "variation_input": 0.5,
        "variation_output": 1.0,
        "cached_share": 0.8,
    },
    load={"peak_to_average": 1.25},
    hour_price=catalog.accelerator_hour("H200").value("market_rent", "2026-09"),
    max_time_per_output_token=0.05,
)
served = deploy(SERVICE.resolve())
COSTS = {name: float(served[name]) for name in ("input_cost", "cached_cost", "output_cost")}
SPEED = {
    "time_to_first_token": float(served.time_to_first_token),
    "time_per_output_token": float(served.time_per_output_token),
}


# %% Chat, agent, several agents
CHAT = AgentTask(name="chat", prompt_tokens=1500.0, answer_tokens=500.0, **COSTS, **SPEED)
AGENT = AgentTask(
    name="agent",
    steps=20.0,
    prompt_tokens=4000.0,
    answer_tokens=200.0,
    reasoning_tokens=300.0,
    tool_tokens=900.0,
    tool_calls=1.0,
    run_time=0.5,
    hit_share=0.9,
    **COSTS,
    **SPEED,
)
SEVERAL = AGENT.replace({"name": "several agents", "agents": 4.0})

tasks = {task.name: run_task(task.resolve()) for task in (CHAT, AGENT, SEVERAL)}
ratio, money = (tasks["agent"][name] / tasks["chat"][name] for name in ("tokens", "cost"))
print(f"An agent of 20 steps takes {ratio:.0f} times the tokens of a chat turn and {money:.0f} times its money\n")
print(f"DeepSeek-V3 on H200 at {SERVICE.hour_price:.2f} USD per accelerator-hour, experts over 16 and 32")
print(f"{served.user_speed:.0f} token/s per user, {served.time_to_first_token:.1f} s to the first token")
for name in ("input_cost", "cached_cost", "output_cost"):
    print(f"  {served[name] * 1e6:7.4f} USD per million tokens  ({served.basis(name)})")
print(f"\n{'':15} {'tokens':>9} {'re-sent':>8} {'output':>8} {'USD':>9} {'seconds':>8}")
for name, task in tasks.items():
    share = task.resent_tokens / task.tokens
    print(
        f"{name:15} {task.tokens:9,.0f} {share:8.0%} {task.output_tokens:8,.0f} {task.cost:9.5f} {task.duration:8.1f}"
    )

without = run_task(AGENT.replace({"hit_share": 0.0}).resolve())
with_cache = tasks["agent"]
print(
    f"\nwithout a prefix cache the agent's tokens cost {without.token_cost / with_cache.token_cost:.1f} times as much;"
)
print(f"re-sent context is then {without.resent_cost / without.token_cost:.0%} of their cost, with it")
print(f"{with_cache.resent_cost / with_cache.token_cost:.0%} (a press figure for agents' bills, doubtful: 62 %)")


# %% Where the code runs: start-up from the catalog, memory assumed
PRICES = {"sandbox.cpu_price": 0.04, "sandbox.memory_price": 5e-12}
BOXES = (
    # name, record, memory in bytes (assumed), whether it is kept alive for the task
    ("interpreter, microseconds", "Monty", 5e6, False),
    ("WebAssembly", "WASI / Wasmer", 50e6, False),
    ("container, a call each", "Docker", 500e6, False),
    ("container, kept", "Docker", 500e6, True),
    ("service, a call each", "sandboxing service", 1e9, False),
    ("service, kept", "sandboxing service", 1e9, True),
)
TASKS_PER_HOUR = 10_000.0
SHORT = 0.005
print(f"\n20 steps, a run of code of {SHORT * 1e3:.0f} ms after each; {TASKS_PER_HOUR:,.0f} tasks an hour")
print(f"{'':28} {'start-up':>10} {'of all time':>11} {'USD/task':>10} {'of all cost':>11} {'alive':>8} {'memory':>10}")
results = {}
for name, record, memory, kept in BOXES:
    starts = catalog.record("sandboxes", record).all("start")
    start = convert(min(datum.number for datum in starts), starts[0].unit, "s")
    box = {"sandbox.start_time": start, "sandbox.memory": memory, "sandbox.kept": kept, **PRICES}
    result = run_task(AGENT.replace({**box, "run_time": SHORT, "tasks_per_hour": TASKS_PER_HOUR}).resolve())
    results[name] = result
    print(
        f"{name:28} {result.start_up_time:8.4f} s {result.start_up_time / result.duration:11.1%} "
        f"{result.sandbox_cost:10.2e} {result.sandbox_cost / result.cost:11.2%} "
        f"{result.sandboxes_alive:8.1f} {result.sandbox_memory / 1e9:7.2f} GB"
    )
fast, slow = results["interpreter, microseconds"], results["service, a call each"]
print(f"\nthe service adds {slow.duration - fast.duration:.1f} s to a task of {fast.duration:.0f} s;")
print("kept alive it starts once and pays for memory while the model thinks")


# %% Headline
assert 100 < ratio < 250, "tokens grow with the square of the steps"
assert money < 0.6 * ratio, "cached tokens are cheap, so money grows more slowly than tokens"
assert without.token_cost > 1.3 * with_cache.token_cost, "caching saves more than a fifth, on cost, not on list price"
assert fast.start_up_time < 1e-3 < 10.0 < slow.start_up_time, "seconds: microseconds against a service"
assert results["service, kept"].sandbox_memory > 10 * slow.sandbox_memory, "idle memory is the price of keeping"

# %% The picture.
try:
    from costmodel.reporting.figures import against

    axes = against(
        ("start-up in a task", "s", np.array([float(one.start_up_time) for one in results.values()])),
        ("cost of the sandbox in a task", "USD", np.array([float(one.sandbox_cost) for one in results.values()])),
        names=list(results),
        front=False,
    )
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("cost_of_an_agent_task.png", dpi=120)
    print("picture: cost_of_an_agent_task.png")
