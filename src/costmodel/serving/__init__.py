"""Cost of serving tokens: from a model's shape, an accelerator and a workload to cost per token and speed.

Topics, one module each: step time (``steps``, ``links``), what fits (``memory``), continuous batching
(``throughput``, ``targets``), lengths, load, cost, speculative decoding, agent tasks, the Pareto front, measured
rows, engine profiles and calibration on one's own rows (``engines``, ``calibration``). ``Deployment`` and
``AgentTask`` are the scenarios.
"""

from costmodel.serving.agents import (
    cost_until_done,
    fresh_input_tokens,
    resent_input_tokens,
    sandbox_cost,
    sandboxes_alive,
    task_duration,
    task_token_cost,
)
from costmodel.serving.calibration import Calibration, Fit, calibrate, fit_factors
from costmodel.serving.configuration import Configuration, Draft, Engine, Layout, Traffic
from costmodel.serving.cost import (
    CostBasis,
    blended_cost,
    cost_of_accelerator_time,
    cost_per_token,
    energy_per_token,
    gross_margin,
    mark_up,
    token_revenue,
    token_revenue_beside,
)
from costmodel.serving.deployment import Deployment, DeploymentResult, with_recorded_shares
from costmodel.serving.engines import Profile, engine_names, profile
from costmodel.serving.frontier import Front, best_configurations, pareto_front
from costmodel.serving.lengths import (
    Lengths,
    decode_context_deviation,
    mean_decode_context,
    measured_lengths,
)
from costmodel.serving.load import (
    closed_loop,
    open_arrivals,
    peak_to_average,
    share_in_step,
    utilisation_of_fleet,
)
from costmodel.serving.measured import Measured, aiconfigurator_row, inferencex_row, read_measured
from costmodel.serving.memory import (
    MemoryBudget,
    cache_room,
    largest_batch,
    memory_budget,
    sequences_that_fit,
    weight_bytes_per_accelerator,
)
from costmodel.serving.model import deploy
from costmodel.serving.records import configuration_of, engine_evidence, machine_of
from costmodel.serving.reserve import Reserve, reserve
from costmodel.serving.speculative import expected_tokens_per_pass
from costmodel.serving.steps import decode_step_time, prefill_latency, prefill_time_per_token
from costmodel.serving.targets import queue_wait, serve_within
from costmodel.serving.task import AgentTask, AgentTaskResult, run_task
from costmodel.serving.throughput import REASONS, Serving, serve

__all__ = [
    "REASONS",
    "AgentTask",
    "AgentTaskResult",
    "Calibration",
    "Configuration",
    "CostBasis",
    "Deployment",
    "DeploymentResult",
    "Draft",
    "Engine",
    "Fit",
    "Front",
    "Layout",
    "Lengths",
    "Measured",
    "MemoryBudget",
    "Profile",
    "Reserve",
    "Serving",
    "Traffic",
    "aiconfigurator_row",
    "best_configurations",
    "blended_cost",
    "cache_room",
    "calibrate",
    "closed_loop",
    "configuration_of",
    "cost_of_accelerator_time",
    "cost_per_token",
    "cost_until_done",
    "decode_context_deviation",
    "decode_step_time",
    "deploy",
    "energy_per_token",
    "engine_evidence",
    "engine_names",
    "expected_tokens_per_pass",
    "fit_factors",
    "fresh_input_tokens",
    "gross_margin",
    "inferencex_row",
    "largest_batch",
    "machine_of",
    "mark_up",
    "mean_decode_context",
    "measured_lengths",
    "memory_budget",
    "open_arrivals",
    "pareto_front",
    "peak_to_average",
    "prefill_latency",
    "prefill_time_per_token",
    "profile",
    "queue_wait",
    "read_measured",
    "resent_input_tokens",
    "reserve",
    "run_task",
    "sandbox_cost",
    "sandboxes_alive",
    "sequences_that_fit",
    "serve",
    "serve_within",
    "share_in_step",
    "task_duration",
    "task_token_cost",
    "token_revenue",
    "token_revenue_beside",
    "utilisation_of_fleet",
    "weight_bytes_per_accelerator",
    "with_recorded_shares",
]
