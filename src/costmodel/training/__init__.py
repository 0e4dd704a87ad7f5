"""Cost of training: scaling laws, step time and layout, goodput, cost of a run and of a development programme.

Topics, one module each: `scaling`, `allocation` and `fits` (loss, compute-optimal and inference-aware models),
`parallelism`, `cluster`, `layout`, `step` and `search` (time and memory of a step, the best layout on a cluster),
`goodput` (failures and checkpoints), `duration` (hours and utilisation), `cost` (three methods, never mixed),
`development` (around the final run), `discovery` (test-time training), `programme` (budget and capability over time).
`training_run` and `training_ladder` (frontier runs by year) are the models, each with its scenario, result and
function; `recipe` says how software runs a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.foundation.lazy import attach

if TYPE_CHECKING:
    from costmodel.training.allocation import (
        compute_for_loss,
        optimal_parameters,
        optimal_tokens,
        optimal_tokens_for_parameters,
    )
    from costmodel.training.cluster import (
        RESERVED_MEMORY_SHARE,
        Cluster,
        TrainingJob,
    )
    from costmodel.training.cost import (
        COTTIER_DECLINE_RATE,
        COTTIER_NETWORK_SHARE,
        COTTIER_POWER_FRACTION,
        COTTIER_SERVER_OVERHEAD,
        COTTIER_SERVER_POWER,
        CottierFigures,
        acquisition_cost,
        amortized_cost,
        amortized_hourly_cost,
        chip_part,
        cottier_figures,
        energy_cost,
        network_cost,
        rental_cost,
        run_energy,
        value_at_start,
    )
    from costmodel.training.development import data_cost, experiments_cost, failed_runs_cost, staff_cost
    from costmodel.training.discovery import (
        DiscoveryRun,
        DiscoveryRunResult,
        break_even_fleet,
        break_even_hours,
        discover,
        discovery_run_cost,
        saved_share,
    )
    from costmodel.training.duration import (
        accelerator_hours,
        hardware_flop_utilisation,
        model_flop_utilisation,
        training_flop,
        wall_clock,
    )
    from costmodel.training.fits import (
        PARAMETRIC_FITS,
        ScalingFit,
        data_limited_optimum,
        inference_aware_optimum,
        scaling_fit,
    )
    from costmodel.training.goodput import (
        daly_interval_higher_order,
        exponential_training_time_ratio,
        interruptions,
        mean_time_between_failures,
        spare_nodes,
    )
    from costmodel.training.inputs import (
        AmortizedInputs,
        DevelopmentInputs,
        OwningInputs,
        PowerInputs,
        PredictionInputs,
        ReliabilityInputs,
        RentalInputs,
    )
    from costmodel.training.layout import DIMENSIONS, Layouts, candidate_layouts
    from costmodel.training.parallelism import (
        exposed_time,
        microbatches_per_step,
        optimizer_time,
        pipeline_bubble_share,
        pipeline_layers_in_flight,
        slowest_stage_time,
        stage_layers,
    )
    from costmodel.training.programme import capability_index, training_budget
    from costmodel.training.recipe import POOLED, Recipe, framework_names
    from costmodel.training.scaling import (
        FLOP_PER_PARAMETER_TOKEN_INFERENCE,
        FLOP_PER_PARAMETER_TOKEN_TRAINING,
        effective_tokens,
        parametric_loss,
        tokens_for_loss,
    )
    from costmodel.training.search import LayoutSearch, evaluate_layouts, search_layouts
    from costmodel.training.training_ladder import TrainingLadder, TrainingLadderResult, climb, crossing_year
    from costmodel.training.training_run import TrainingRun, TrainingRunResult, train

__all__ = [
    "COTTIER_DECLINE_RATE",
    "COTTIER_NETWORK_SHARE",
    "COTTIER_POWER_FRACTION",
    "COTTIER_SERVER_OVERHEAD",
    "COTTIER_SERVER_POWER",
    "DIMENSIONS",
    "FLOP_PER_PARAMETER_TOKEN_INFERENCE",
    "FLOP_PER_PARAMETER_TOKEN_TRAINING",
    "PARAMETRIC_FITS",
    "POOLED",
    "RESERVED_MEMORY_SHARE",
    "AmortizedInputs",
    "Cluster",
    "CottierFigures",
    "DevelopmentInputs",
    "DiscoveryRun",
    "DiscoveryRunResult",
    "LayoutSearch",
    "Layouts",
    "OwningInputs",
    "PowerInputs",
    "PredictionInputs",
    "Recipe",
    "ReliabilityInputs",
    "RentalInputs",
    "ScalingFit",
    "TrainingJob",
    "TrainingLadder",
    "TrainingLadderResult",
    "TrainingRun",
    "TrainingRunResult",
    "accelerator_hours",
    "acquisition_cost",
    "amortized_cost",
    "amortized_hourly_cost",
    "break_even_fleet",
    "break_even_hours",
    "candidate_layouts",
    "capability_index",
    "chip_part",
    "climb",
    "compute_for_loss",
    "cottier_figures",
    "crossing_year",
    "daly_interval_higher_order",
    "data_cost",
    "data_limited_optimum",
    "discover",
    "discovery_run_cost",
    "effective_tokens",
    "energy_cost",
    "evaluate_layouts",
    "experiments_cost",
    "exponential_training_time_ratio",
    "exposed_time",
    "failed_runs_cost",
    "framework_names",
    "hardware_flop_utilisation",
    "inference_aware_optimum",
    "interruptions",
    "mean_time_between_failures",
    "microbatches_per_step",
    "model_flop_utilisation",
    "network_cost",
    "optimal_parameters",
    "optimal_tokens",
    "optimal_tokens_for_parameters",
    "optimizer_time",
    "parametric_loss",
    "pipeline_bubble_share",
    "pipeline_layers_in_flight",
    "rental_cost",
    "run_energy",
    "saved_share",
    "scaling_fit",
    "search_layouts",
    "slowest_stage_time",
    "spare_nodes",
    "staff_cost",
    "stage_layers",
    "tokens_for_loss",
    "train",
    "training_budget",
    "training_flop",
    "value_at_start",
    "wall_clock",
]

__getattr__, __dir__ = attach(__name__)
