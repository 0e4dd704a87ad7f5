"""Strategies for the formulas of shapes, memory, roofline, collectives and software."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from costmodel.compute.groups import Dense, FeedForward, Group, Routed
from costmodel.compute.mixers import Attention, Indexer, LatentAttention, Matrix, Mixer, Recurrent
from costmodel.compute.shapes import Shape
from costmodel.testing.scalars import positive, rate, share

_WIDTH = positive(64.0, 1e5)
_HEADS = positive(1.0, 256.0)
_DIM = positive(16.0, 1024.0)
_BYTES = positive(0.5, 4.0)
_TOKENS = positive(1.0, 1e6)
_SHARDS = positive(1.0, 1e4)
_WORK = positive(1e3, 1e18)
_PEAK = positive(1e12, 1e17)
_BANDWIDTH = positive(1e9, 1e14)
_REACHED = positive(0.01, 1.0)
_LATENCY = positive(0.0, 1e-3)

_COLLECTIVE: dict[str, SearchStrategy[float]] = {
    "size": positive(0.0, 1e12),
    "ranks": positive(64.0, 1e5),
    "local_ranks": positive(1.0, 64.0),
    "scale_up_bandwidth": _BANDWIDTH,
    "scale_out_bandwidth": _BANDWIDTH,
    "scale_up_latency": _LATENCY,
    "scale_out_latency": _LATENCY,
    "base_latency": _LATENCY,
}
_MATMUL: dict[str, SearchStrategy[float]] = {
    "rows": positive(1.0, 1e6),
    "columns": positive(16.0, 1e6),
    "inner": positive(16.0, 1e6),
}

STRATEGIES: dict[str, dict[str, SearchStrategy[float]]] = {
    "costmodel.compute.parameters:mlp_parameters": {
        "d_model": _WIDTH,
        "inner": _WIDTH,
        "matrices": st.sampled_from([2.0, 3.0]),
    },
    "costmodel.compute.parameters:expected_experts_touched": {
        "experts": positive(8.0, 1024.0),
        "top_k": positive(0.0, 8.0),
        "tokens": positive(0.0, 1e6),
    },
    "costmodel.compute.cache:held_tokens": {"context": positive(0.0, 1e7), "window": _TOKENS},
    "costmodel.compute.flop:mean_attended_tokens": {
        "tokens": _TOKENS,
        "window": st.one_of(_TOKENS, st.just(float("inf"))),
        "cached": positive(0.0, 1e6),
    },
    "costmodel.compute.memory:training_state_bytes": {
        "parameters": positive(1e6, 1e13),
        "weight_bytes": _BYTES,
        "gradient_bytes": _BYTES,
        "optimizer_bytes": positive(0.0, 16.0),
        "weight_shards": _SHARDS,
        "gradient_shards": _SHARDS,
        "optimizer_shards": _SHARDS,
    },
    "costmodel.compute.memory:layer_activation_bytes": {
        "tokens": _TOKENS,
        "d_model": _WIDTH,
        "inner_elements": positive(0.0, 1e6),
        "score_bytes": positive(0.0, 1e9),
        "dropout_masks": positive(0.0, 2.0),
        "tensor": positive(1.0, 64.0),
        "norm_shards": positive(1.0, 64.0),
    },
    "costmodel.compute.memory:checkpoint_activation_bytes": {
        "tokens": _TOKENS,
        "d_model": _WIDTH,
        "norm_shards": positive(1.0, 64.0),
    },
    "costmodel.compute.roofline:compute_time": {"flop": _WORK, "peak": _PEAK, "share": _REACHED},
    "costmodel.compute.roofline:together": {"compute": _LATENCY, "memory": _LATENCY},
    "costmodel.compute.roofline:product_time": {
        **_MATMUL,
        "groups": positive(1.0, 256.0),
        "operand_bytes": _BYTES,
        "weight_bytes": _BYTES,
        "peak": _PEAK,
        "bandwidth": _BANDWIDTH,
        "compute_share": _REACHED,
        "memory_share": _REACHED,
        "half_inner": positive(0.0, 1e3),
        "tile_rows": positive(0.0, 128.0),
        "lost_elements": positive(0.0, 2e6),
        "launch": _LATENCY,
    },
    "costmodel.compute.layer:largest_load": {"mean": positive(0.1, 1e5), "ranks": positive(1.0, 512.0)},
    "costmodel.compute.collectives:local_ranks": {
        "ranks": _SHARDS,
        "stride": _SHARDS,
        "domain": positive(1.0, 1e4),
    },
    "costmodel.compute.collectives:all_gather_time": _COLLECTIVE,
    "costmodel.compute.collectives:all_reduce_time": _COLLECTIVE,
    "costmodel.compute.collectives:all_to_all_time": _COLLECTIVE,
    "costmodel.compute.collectives:expert_exchange_time": {
        "tokens": positive(1.0, 1e5),
        "token_bytes": positive(1e3, 1e5),
        "top_k": positive(1.0, 16.0),
        "ranks": positive(8.0, 512.0),
        "ranks_in_domain": positive(1.0, 8.0),
        "scale_up_bandwidth": positive(1e10, 1e12),
        "scale_out_bandwidth": positive(1e9, 1e12),
        "scale_up_latency": positive(0.0, 1e-5),
        "scale_out_latency": positive(0.0, 1e-5),
        "base_latency": positive(0.0, 1e-5),
        "most_domains": positive(1.0, 16.0),
    },
    "costmodel.compute.collectives:point_to_point_time": {
        "size": positive(0.0, 1e12),
        "bandwidth": _BANDWIDTH,
        "latency": _LATENCY,
    },
    "costmodel.compute.software:fading_trend": {
        "time": rate(-5.0, 15.0),
        "growth": rate(-3.0, 3.0),
        "fade_rate": rate(0.0, 2.0),
        "fade_from": rate(0.0, 10.0),
    },
    "costmodel.compute.software:software_efficiency": {
        "trend": rate(-3.0, 10.0),
        "cumulative_tokens_ratio": positive(1e-3, 1e6),
        "experience_exponent": rate(0.0, 1.0),
        "jumps": positive(0.1, 100.0),
    },
    "costmodel.compute.software:compute_per_token": {
        "initial": positive(1e9, 1e13),
        "model_growth_index": positive(1e-3, 1e3),
        "software_efficiency": positive(1e-2, 1e6),
        "floor": positive(0.0, 1e10),
    },
    "costmodel.compute.software:amdahl_speedup": {"share": share(), "factor": positive(0.1, 1e3)},
    "costmodel.compute.software:dated_jump": {
        "time": rate(-5.0, 15.0),
        "date": rate(-5.0, 15.0),
        "share": share(),
        "factor": positive(0.1, 1e3),
    },
    "costmodel.compute.software:accelerator_seconds_per_token": {
        "compute_per_token": positive(0.0, 1e14),
        "mfu": _REACHED,
        "peak": _PEAK,
    },
}
"""Scalar strategies by formula: ranges in which each has a meaning."""


@st.composite
def uniform_fields(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the fields of a transformer of equal layers: grouped or latent attention, windows, recurrences, experts."""
    layers = draw(st.integers(1, 100))
    kv_heads = draw(st.integers(1, 16))
    fields: dict[str, Any] = {
        "name": "drawn",
        "layers": layers,
        "d_model": draw(st.integers(16, 20_000)),
        "heads": kv_heads * draw(st.integers(1, 16)),
        "kv_heads": kv_heads,
        "head_dim": draw(st.integers(8, 512)),
        "vocabulary": draw(st.integers(2, 300_000)),
        "d_ff": draw(st.integers(16, 100_000)),
        "mlp_matrices": draw(st.sampled_from([2, 3])),
        "tied_embeddings": draw(st.booleans()),
    }
    if draw(st.booleans()):
        experts = draw(st.integers(2, 512))
        fields |= {
            "experts": experts,
            "top_k": draw(st.integers(1, experts - 1)),
            "shared_experts": draw(st.integers(0, 2)),
            "d_ff_expert": draw(st.integers(16, 10_000)),
            "dense_layers": draw(st.integers(0, layers)),
        }
    if draw(st.booleans()):
        names = ("kv_rank", "nope_dim", "rope_dim", "value_dim")
        fields |= {name: draw(st.integers(1, 512)) for name in names} | {"q_rank": draw(st.integers(0, 2048))}
    windowed = draw(st.integers(0, layers))
    if windowed:
        fields |= {"windowed_layers": windowed, "window": draw(st.integers(1, 10_000))}
    fields |= {
        "recurrent_layers": draw(st.integers(0, layers - windowed)),
        "recurrent_state": draw(st.integers(0, 10**6)),
    }
    return fields


@st.composite
def _mixers(draw: st.DrawFn) -> Mixer | None:
    """Draw what mixes tokens in a layer: any kind of attention, a recurrence, or nothing."""
    indexer = st.builds(Indexer, heads=st.integers(1, 64), dim=st.integers(8, 128), query_rank=st.integers(0, 512))
    width, reach = st.integers(8, 256), st.integers(0, 10_000)
    kv_heads = draw(st.integers(1, 16))
    grouped = st.builds(
        Attention,
        heads=st.just(kv_heads * draw(st.integers(1, 8))),
        kv_heads=st.just(kv_heads),
        head_dim=width,
        value_dim=st.integers(0, 256),
        window=reach,
        selected=reach,
        indexer=st.none() | indexer,
        gate=st.integers(0, 1024),
        shared_values=st.booleans(),
        reuses_cache=st.booleans(),
        qk_norm=st.sampled_from(["none", "head", "whole"]),
        bias=st.booleans(),
        output_bias=st.booleans(),
        sinks=st.booleans(),
    )
    latent = st.builds(
        LatentAttention,
        heads=st.integers(1, 128),
        q_rank=st.integers(0, 2048),
        kv_rank=width,
        nope_dim=width,
        rope_dim=st.integers(0, 64),
        value_dim=width,
        selected=reach,
        indexer=st.none() | indexer,
    )
    matrices = st.builds(Matrix, name=st.just("in"), inner=width, columns=width)
    recurrent = st.builds(
        Recurrent,
        weights=st.tuples(matrices),
        state=st.integers(0, 10**6),
        work=st.integers(0, 10**6),
        elements=st.integers(0, 1000),
    )
    return draw(st.one_of(grouped, latent, recurrent, st.none()))


@st.composite
def _blocks(draw: st.DrawFn) -> FeedForward | None:
    """Draw the feed-forward of a layer: dense, routed, or nothing."""
    inner, experts = st.integers(16, 20_000), draw(st.integers(2, 512))
    dense = st.builds(Dense, d_ff=inner, mlp_matrices=st.sampled_from([2, 3]), bias=st.booleans())
    routed = st.builds(
        Routed,
        experts=st.just(experts),
        top_k=st.integers(1, experts),
        d_ff_expert=inner,
        shared_experts=st.integers(0, 2),
        d_ff_shared=st.integers(0, 20_000),
        width=st.integers(0, 2048),
        shared_gate=st.booleans(),
    )
    return draw(st.one_of(dense, routed, st.none()))


GROUPS: SearchStrategy[Group] = st.builds(
    Group,
    layers=st.integers(1, 40),
    mixer=_mixers(),
    feed_forward=_blocks(),
    norms=st.integers(0, 4),
    norm_bias=st.booleans(),
    parallel=st.booleans(),
)
"""Groups of equal layers of every kind."""

UNIFORM: SearchStrategy[Shape] = uniform_fields().map(lambda fields: Shape(**fields))
"""Shapes of transformers of equal layers."""

SHAPES: SearchStrategy[Shape] = st.one_of(
    UNIFORM,
    st.builds(
        Shape,
        name=st.just("drawn"),
        d_model=st.integers(16, 20_000),
        vocabulary=st.integers(2, 300_000),
        groups=st.lists(GROUPS, min_size=1, max_size=5).map(tuple),
        tied_embeddings=st.booleans(),
    ),
)
"""Shapes of models of every kind."""
