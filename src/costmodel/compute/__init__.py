"""Compute: parameters, bytes and FLOP of a model's shape, a chip's roofline, and collectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.foundation.lazy import attach

if TYPE_CHECKING:
    from costmodel.compute.additions import adapter_parameters, prediction_parameters
    from costmodel.compute.architectures import architecture_names, shape
    from costmodel.compute.cache import (
        cache_bytes,
        cache_bytes_per_token,
        cache_read_bytes,
        held_tokens,
        state_bytes,
    )
    from costmodel.compute.collectives import (
        all_gather_time,
        all_reduce_time,
        all_to_all_time,
        expert_exchange_time,
        local_ranks,
        point_to_point_time,
    )
    from costmodel.compute.efficiencies import (
        Efficiency,
        Protocol,
        efficiency,
        largest_compute_share,
        memory_share,
        protocol,
        protocols,
    )
    from costmodel.compute.flop import (
        decode_flop_per_token,
        forward_flop_per_token,
        mean_attended_tokens,
        training_flop_per_token,
    )
    from costmodel.compute.groups import GATED, PLAIN, Adapter, Dense, Group, Prediction, Routed
    from costmodel.compute.layer import Block, Product, block_time, blocks, largest_load
    from costmodel.compute.machine import Machine, Rate, derated, machine, rate
    from costmodel.compute.memory import (
        ADAM_BYTES,
        GRADIENT_BYTES,
        WEIGHT_BYTES,
        activation_bytes,
        checkpoint_activation_bytes,
        inner_activation_elements,
        layer_activation_bytes,
        touched_weight_bytes,
        training_state_bytes,
        weight_bytes,
    )
    from costmodel.compute.mixers import Attention, Indexer, LatentAttention, Matrix, Recurrent
    from costmodel.compute.parameters import (
        ParameterCounts,
        active_parameters,
        count_parameters,
        embedding_parameters,
        expected_experts_touched,
        layer_parameters,
        matmul_parameters,
        mlp_parameters,
        total_parameters,
        touched_experts,
        touched_parameters,
    )
    from costmodel.compute.precision import (
        FORMATS,
        PRECISION_BYTES,
        Precision,
        Scheme,
        bytes_per_element,
        scheme,
        scheme_names,
    )
    from costmodel.compute.roofline import (
        compute_time,
        product_time,
        together,
    )
    from costmodel.compute.shapes import Shape
    from costmodel.compute.software import (
        accelerator_seconds_per_token,
        amdahl_speedup,
        compute_per_token,
        dated_jump,
        fading_trend,
        software_efficiency,
    )

__all__ = [
    "ADAM_BYTES",
    "FORMATS",
    "GATED",
    "GRADIENT_BYTES",
    "PLAIN",
    "PRECISION_BYTES",
    "WEIGHT_BYTES",
    "Adapter",
    "Attention",
    "Block",
    "Dense",
    "Efficiency",
    "Group",
    "Indexer",
    "LatentAttention",
    "Machine",
    "Matrix",
    "ParameterCounts",
    "Precision",
    "Prediction",
    "Product",
    "Protocol",
    "Rate",
    "Recurrent",
    "Routed",
    "Scheme",
    "Shape",
    "accelerator_seconds_per_token",
    "activation_bytes",
    "active_parameters",
    "adapter_parameters",
    "all_gather_time",
    "all_reduce_time",
    "all_to_all_time",
    "amdahl_speedup",
    "architecture_names",
    "block_time",
    "blocks",
    "bytes_per_element",
    "cache_bytes",
    "cache_bytes_per_token",
    "cache_read_bytes",
    "checkpoint_activation_bytes",
    "compute_per_token",
    "compute_time",
    "count_parameters",
    "dated_jump",
    "decode_flop_per_token",
    "derated",
    "efficiency",
    "embedding_parameters",
    "expected_experts_touched",
    "expert_exchange_time",
    "fading_trend",
    "forward_flop_per_token",
    "held_tokens",
    "inner_activation_elements",
    "largest_compute_share",
    "largest_load",
    "layer_activation_bytes",
    "layer_parameters",
    "local_ranks",
    "machine",
    "matmul_parameters",
    "mean_attended_tokens",
    "memory_share",
    "mlp_parameters",
    "point_to_point_time",
    "prediction_parameters",
    "product_time",
    "protocol",
    "protocols",
    "rate",
    "scheme",
    "scheme_names",
    "shape",
    "software_efficiency",
    "state_bytes",
    "together",
    "total_parameters",
    "touched_experts",
    "touched_parameters",
    "touched_weight_bytes",
    "training_flop_per_token",
    "training_state_bytes",
    "weight_bytes",
]

__getattr__, __dir__ = attach(__name__, kept=("machine",))
