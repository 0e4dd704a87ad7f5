"""Strategies for the formulas of the training domain."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.testing.scalars import positive, rate, share
from costmodel.training.discovery import DiscoveryRun
from costmodel.training.training_ladder import TrainingLadder
from costmodel.training.training_run import TrainingRun

__all__ = ["SCENARIOS", "STRATEGIES"]

_PACKAGE = "costmodel.training"


def _hours() -> SearchStrategy[float]:
    return positive(1.0, 1e9)


def _money() -> SearchStrategy[float]:
    return positive(0.0, 1e10)


def _parameters() -> SearchStrategy[float]:
    return positive(1e9, 1e13)


def _compute() -> SearchStrategy[float]:
    return positive(1e18, 1e30)


def _allocation() -> dict[str, SearchStrategy[float]]:
    return {
        "parameter_coefficient": positive(300.0, 500.0),
        "token_coefficient": positive(300.0, 2500.0),
        "parameter_exponent": positive(0.3, 0.4),
        "token_exponent": positive(0.27, 0.4),
    }


def _loss() -> dict[str, SearchStrategy[float]]:
    return {"irreducible_loss": positive(1.5, 1.9), **_allocation()}


def _checkpoints() -> dict[str, SearchStrategy[float]]:
    return {
        "interval": positive(0.02, 5.0),
        "checkpoint_time": positive(0.0, 0.1),
        "mean_time": positive(1.0, 1e3),
        "restart_time": positive(0.0, 1.0),
    }


def _pipeline() -> dict[str, SearchStrategy[float]]:
    return {
        "stages": positive(1.0, 64.0),
        "microbatches": positive(1.0, 1e3),
        "interleave": positive(1.0, 12.0),
    }


def _stages() -> dict[str, SearchStrategy[float]]:
    return {
        "layers": positive(1.0, 200.0),
        "stages": positive(1.0, 64.0),
        "interleave": positive(1.0, 12.0),
    }


_PROGRAMME: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.programme:training_budget": {
        "revenue": positive(0.0, 1e12),
        "revenue_share": share(),
        "investors": positive(0.0, 1e12),
    },
    f"{_PACKAGE}.programme:capability_index": {
        "compute_ratio": positive(0.0, 1e6),
        "algorithmic_growth": rate(-2.0, 3.0),
        "time": positive(0.0, 15.0),
    },
}

_SCALING: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.scaling:parametric_loss": {
        "parameters": _parameters(),
        "tokens": positive(1e9, 1e15),
        **_loss(),
    },
    f"{_PACKAGE}.allocation:optimal_parameters": {"compute": _compute(), **_allocation()},
    f"{_PACKAGE}.allocation:optimal_tokens": {"compute": _compute(), **_allocation()},
    f"{_PACKAGE}.allocation:optimal_tokens_for_parameters": {"parameters": _parameters(), **_allocation()},
    f"{_PACKAGE}.scaling:tokens_for_loss": {
        "loss": positive(3.2, 6.0),
        "parameters": positive(1e9, 1e13),
        **_loss(),
    },
    f"{_PACKAGE}.allocation:compute_for_loss": {"loss": positive(2.0, 6.0), **_loss()},
    f"{_PACKAGE}.scaling:effective_tokens": {
        "tokens": positive(1e9, 1e14),
        "unique_tokens": positive(1e9, 1e14),
        "repetition_constant": positive(1.0, 50.0),
    },
}

_GOODPUT: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.goodput:mean_time_between_failures": {
        "nodes": positive(1.0, 1e6),
        "failure_rate": positive(1e-6, 1e-2),
    },
    f"{_PACKAGE}.goodput:interruptions": {"duration": _hours(), "mean_time": positive(0.1, 1e4)},
    f"{_PACKAGE}.goodput:daly_interval_higher_order": {
        "checkpoint_time": positive(1e-4, 10.0),
        "mean_time": positive(1.0, 1e3),
    },
    f"{_PACKAGE}.goodput:exponential_training_time_ratio": _checkpoints(),
}

_DURATION: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.duration:training_flop": {"parameters": _parameters(), "tokens": positive(1e9, 1e15)},
    f"{_PACKAGE}.duration:accelerator_hours": {
        "flop": _compute(),
        "peak": positive(1e13, 1e16),
        "utilisation": positive(0.05, 1.0),
    },
    f"{_PACKAGE}.duration:model_flop_utilisation": {
        "flop": _compute(),
        "peak": positive(1e13, 1e16),
        "hours": _hours(),
    },
    f"{_PACKAGE}.duration:hardware_flop_utilisation": {"utilisation": share(), "recomputed_share": share()},
    f"{_PACKAGE}.duration:wall_clock": {
        "hours": _hours(),
        "accelerators": positive(1.0, 1e6),
        "effective_time_ratio": positive(0.05, 1.0),
    },
}

_COST: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.cost:value_at_start": {
        "acquisition_price": _money(),
        "decline_rate": positive(0.0, 1.0),
        "years": positive(0.0, 10.0),
    },
    f"{_PACKAGE}.cost:amortized_hourly_cost": {"value": _money(), "decline_rate": positive(0.0, 1.0)},
    f"{_PACKAGE}.cost:chip_part": {"hardware_cost": _money(), "server_overhead": positive(1.0, 4.0)},
    f"{_PACKAGE}.cost:network_cost": {"hardware_cost": _money(), "network_share": positive(0.0, 0.9)},
    f"{_PACKAGE}.cost:run_energy": {
        "hours": _hours(),
        "chip_power": positive(0.0, 5e3),
        "server_factor": positive(1.0, 3.0),
        "power_fraction": share(),
        "power_usage_effectiveness": positive(1.0, 2.0),
    },
    f"{_PACKAGE}.cost:energy_cost": {"energy": positive(0.0, 1e13), "energy_price": positive(0.0, 1e-3)},
    f"{_PACKAGE}.cost:rental_cost": {"hours": _hours(), "price": positive(0.0, 20.0)},
    f"{_PACKAGE}.cost:acquisition_cost": {
        "accelerators": positive(0.0, 1e6),
        "price": _money(),
        "network_share": positive(0.0, 0.9),
    },
}

_DEVELOPMENT: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.development:experiments_cost": {
        "final_run_cost": _money(),
        "experiments_multiplier": positive(1.0, 10.0),
    },
    f"{_PACKAGE}.development:failed_runs_cost": {
        "final_run_cost": _money(),
        "failed_share": positive(0.0, 0.9),
    },
    f"{_PACKAGE}.development:staff_cost": {
        "headcount": positive(0.0, 1e4),
        "years": positive(0.0, 5.0),
        "salary": positive(0.0, 1e6),
        "overhead_rate": share(),
        "equity": positive(0.0, 1e7),
    },
    f"{_PACKAGE}.development:data_cost": {
        "acquisition": _money(),
        "size": positive(0.0, 1e18),
        "storage_price": positive(0.0, 1e-9),
        "years": positive(0.0, 5.0),
    },
}

_DISCOVERY: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.discovery:discovery_run_cost": {
        "steps": positive(0.0, 1e3),
        "rollouts": positive(0.0, 1e4),
        "prompt_tokens": positive(0.0, 1e5),
        "sampled_tokens": positive(0.0, 1e5),
        "prefill_price": positive(0.0, 1e-5),
        "sample_price": positive(0.0, 1e-4),
        "train_price": positive(0.0, 1e-4),
    },
    f"{_PACKAGE}.discovery:saved_share": {"time_share": share(), "speedup": positive(0.1, 100.0)},
    f"{_PACKAGE}.discovery:break_even_hours": {
        "cost": _money(),
        "accelerators": positive(1.0, 1e6),
        "hourly_value": positive(0.1, 20.0),
        "time_share": positive(1e-4, 1.0),
        "speedup": positive(1.001, 100.0),
    },
    f"{_PACKAGE}.discovery:break_even_fleet": {
        "cost": _money(),
        "hours": _hours(),
        "hourly_value": positive(0.1, 20.0),
        "time_share": positive(1e-4, 1.0),
        "speedup": positive(1.001, 100.0),
    },
}

_LADDER: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.training_ladder:crossing_year": {
        "target": positive(1e3, 1e12),
        "reference": positive(1e3, 1e12),
        "reference_year": positive(2000.0, 2050.0),
        "growth_rate": positive(0.05, 3.0),
    },
}

_PARALLELISM: dict[str, dict[str, SearchStrategy[float]]] = {
    f"{_PACKAGE}.parallelism:microbatches_per_step": {
        "batch": positive(1.0, 1e5),
        "data": positive(1.0, 1e4),
        "microbatch": positive(1.0, 16.0),
    },
    f"{_PACKAGE}.parallelism:pipeline_bubble_share": _pipeline(),
    f"{_PACKAGE}.parallelism:stage_layers": _stages(),
    f"{_PACKAGE}.parallelism:slowest_stage_time": {
        "layer_time": positive(1e-4, 1.0),
        "head_time": positive(0.0, 1.0),
        **_stages(),
    },
    f"{_PACKAGE}.parallelism:pipeline_layers_in_flight": {"layers": positive(1.0, 100.0), **_pipeline()},
    f"{_PACKAGE}.parallelism:exposed_time": {
        "communication": positive(0.0, 10.0),
        "covering": positive(0.0, 10.0),
    },
    f"{_PACKAGE}.parallelism:optimizer_time": {
        "parameters": positive(0.0, 1e12),
        "state_bytes": positive(1.0, 40.0),
        "bandwidth": positive(1e11, 1e13),
        "memory_share": positive(0.1, 1.0),
    },
}

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    **_PROGRAMME,
    **_SCALING,
    **_GOODPUT,
    **_DURATION,
    **_COST,
    **_DEVELOPMENT,
    **_DISCOVERY,
    **_LADDER,
    **_PARALLELISM,
}


def _methods() -> SearchStrategy[dict[str, Any]]:
    """Tables of the three methods of costing."""
    amortized = st.fixed_dictionaries(
        {
            "acquisition_price": positive(1e3, 1e5),
            "years_in_use": positive(0.0, 4.0),
            "server_overhead": positive(1.0, 2.0),
            "network_share": positive(0.0, 0.4),
            "energy_price": positive(1e-5, 3e-4),
        }
    )
    owning = st.fixed_dictionaries(
        {name: positive(0.0, 3.0) for name in ("chip", "server", "network", "facility", "energy", "operations")}
    )
    return st.one_of(
        st.builds(lambda table: {"method": "amortized", "amortized": table}, amortized),
        st.builds(lambda price: {"method": "rental", "rental": {"price": price}}, positive(0.1, 10.0)),
        st.builds(lambda table: {"method": "owning", "owning": table}, owning),
    )


def _developments() -> SearchStrategy[dict[str, Any] | None]:
    """Developments around a run, or none."""
    table = st.fixed_dictionaries(
        {
            "experiments_multiplier": positive(1.0, 6.0),
            "failed_share": positive(0.0, 0.5),
            "post_training_hours": positive(0.0, 1e6),
            "reinforcement_hours": positive(0.0, 1e6),
            "headcount": positive(0.0, 1e3),
            "duration": positive(0.1, 3.0),
            "salary": positive(0.0, 1e6),
            "equity": positive(0.0, 1e6),
            "data_acquisition": positive(0.0, 1e8),
            "data_size": positive(0.0, 1e17),
        }
    )
    return st.none() | table


def _reliabilities() -> SearchStrategy[dict[str, Any] | None]:
    """Reliability of the cluster, or none."""
    table = st.fixed_dictionaries(
        {
            "failure_rate": positive(1e-6, 3e-4),
            "checkpoint_time": positive(1e-3, 0.05),
            "restart_time": positive(0.0, 0.3),
        }
    )
    return st.none() | table


@st.composite
def _training_runs(draw: st.DrawFn) -> TrainingRun:
    form: dict[str, Any] = {
        "name": "tried",
        "accelerator": draw(st.sampled_from(["A100-SXM-80", "H100-SXM", "B200"])),
        "accelerators": float(draw(st.integers(8, 30_000))),
        "tokens": draw(positive(1e10, 1e14)),
        "mfu": draw(positive(0.1, 0.6)),
        "recomputed_share": draw(share()),
        **draw(_methods()),
    }
    form |= draw(
        st.one_of(
            st.builds(lambda number: {"parameters": number}, positive(1e8, 1e13)),
            st.builds(lambda number: {"flop_per_token": number}, positive(1e9, 1e14)),
        )
    )
    optional = {"development": draw(_developments()), "reliability": draw(_reliabilities())}
    return TrainingRun(**form, **{name: table for name, table in optional.items() if table is not None})


@st.composite
def _training_ladders(draw: st.DrawFn) -> TrainingLadder:
    first = draw(st.integers(2015, 2026))
    return TrainingLadder(
        name="tried",
        first_year=first,
        last_year=first + draw(st.integers(0, 8)),
        cost=draw(positive(1e6, 1e9)),
        cost_growth=draw(positive(0.1, 2.0)),
        power_growth=draw(rate(-0.5, 1.5)),
        accelerator_power_growth=draw(rate(-0.3, 0.5)),
        duration_growth=draw(rate(-0.2, 0.3)),
    )


def _discovery_runs() -> SearchStrategy[DiscoveryRun]:
    price = positive(1e-8, 1e-5)
    return st.builds(
        DiscoveryRun,
        name=st.just("discovery"),
        steps=positive(1.0, 1e4),
        rollouts=positive(1.0, 1e4),
        prompt_tokens=positive(10.0, 1e5),
        sampled_tokens=positive(10.0, 1e5),
        prefill_price=price,
        sample_price=price,
        train_price=price,
        attempts=positive(2.0, 100.0),
        time_share=positive(0.01, 0.9),
        speedup=positive(1.2, 10.0),
        accelerators=positive(1.0, 1e6),
        hourly_value=positive(0.1, 20.0),
        lasting=positive(10.0, 1e5),
    )


SCENARIOS: dict[str, SearchStrategy[Any]] = {
    "training_run": _training_runs(),
    "training_ladder": _training_ladders(),
    "discovery_run": _discovery_runs(),
}
