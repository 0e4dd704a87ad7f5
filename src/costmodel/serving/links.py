"""Communication of one block: all-reduces of tensor parallelism, exchange of expert parallelism."""

from __future__ import annotations

import numpy as np

from costmodel.compute.collectives import local_ranks, point_to_point_time
from costmodel.compute.efficiencies import best_all_reduce_time
from costmodel.foundation.arrays import Numeric, formula
from costmodel.serving.configuration import Chip, Configuration, Engine, Layout


@formula()
def expert_exchange_time(
    tokens: Numeric,
    token_bytes: Numeric,
    top_k: Numeric,
    ranks: Numeric,
    ranks_in_domain: Numeric,
    scale_up_bandwidth: Numeric,
    scale_out_bandwidth: Numeric,
    scale_up_latency: Numeric,
    scale_out_latency: Numeric,
    base_latency: Numeric,
) -> Numeric:
    """Time to send each token to its experts, once per domain and then on inside it.

    Parameters
    ----------
    tokens
        Tokens that one rank sends, >= 0 [token].
    token_bytes
        Bytes of one token, > 0 [byte].
    top_k
        Experts that a token passes, >= 1 [1].
    ranks
        Ranks over which experts are spread, >= 1 [1].
    ranks_in_domain
        Ranks that share a scale-up domain, from 1 to ``ranks`` [1].
    scale_up_bandwidth, scale_out_bandwidth
        Per rank and direction, > 0 [byte/s].
    scale_up_latency, scale_out_latency
        Per message over either kind of link, >= 0 [s].
    base_latency
        Start of the exchange, >= 0 [s].

    Returns
    -------
    float or array
        Time [s]; 0 for one rank. The slower of the two kinds of link counts: they run at the same time.

    Notes
    -----
    Over ``D = ranks / local`` domains a token with k experts reaches ``D (1 − (1 − 1/D)^k)`` of them, a share
    ``(D − 1)/D`` of which is remote; inside, k copies go to ``(local − 1)/local`` other ranks.

    References
    ----------
    DeepSeek-AI (2024), *DeepSeek-V3 Technical Report*, arXiv 2412.19437, section 3.2.2: a token crosses the
    network once per node and is forwarded inside.

    Examples
    --------
    >>> seconds = expert_exchange_time(100.0, 7168.0, 8.0, 16.0, 8.0, 200e9, 50e9, 0.0, 0.0, 0.0)
    >>> round(float(seconds) * 1e6, 2)  # inside: 100 · 7168 · 8 · 7/8 / 200e9
    25.09
    """
    domains = ranks / ranks_in_domain
    reached = domains * (1.0 - np.power(1.0 - 1.0 / domains, top_k))
    remote = reached * (domains - 1.0) / domains
    local = top_k * (ranks_in_domain - 1.0) / ranks_in_domain
    inside = np.minimum(ranks_in_domain - 1.0, 1.0) * scale_up_latency
    outside = np.minimum(domains - 1.0, 1.0) * scale_out_latency
    inside = inside + tokens * token_bytes * local / scale_up_bandwidth
    outside = outside + tokens * token_bytes * remote / scale_out_bandwidth
    return np.where(ranks > 1.0, base_latency + np.maximum(inside, outside), 0.0) + 0.0


def stage_communication_time(what: Configuration, tokens: Numeric) -> Numeric:
    """Time of all collectives of one pass through one stage.

    Parameters
    ----------
    what
        The configuration.
    tokens
        Tokens of one attention group in the pass, > 0 [token].

    Returns
    -------
    float or array
        Time [s]; the send to the next stage is not in it.
    """
    shape, layout, precision, domain = what.shape, what.layout, what.precision, what.chip.scale_up_domain
    links = _links(what.chip, what.engine)
    attention, mlp = _reduce_times(what, tokens, links)
    if not shape.moe_layers:
        return shape.layers * (attention + mlp) / layout.pipeline
    spread = local_ranks(layout.stage, 1.0, domain)
    used = _used(links, layout.stage, spread)
    sent = tokens / layout.tensor
    exchange = 0.0
    for size in (precision.dispatch, precision.activation):
        exchange = exchange + expert_exchange_time(sent, shape.d_model * size, shape.top_k, layout.stage, spread, *used)
    routed = np.where(np.greater(layout.expert, 1.0), exchange, mlp)
    blocks = shape.plain_layers * (attention + mlp) + shape.moe_layers * (attention + routed)
    return blocks / layout.pipeline


def _reduce_times(what: Configuration, tokens: Numeric, links: tuple[Numeric, ...]) -> tuple[Numeric, Numeric]:
    """Return the time of a block's all-reduces after attention and after the MLP [s].

    Split along one side, each ends in one all-reduce of the residual stream; blocks side by side share it. Split
    along both sides, inner widths are reduced as well, each over a side of the square (Erdil 2025).
    """
    shape, layout = what.shape, what.layout
    local = local_ranks(layout.tensor, 1.0, what.chip.scale_up_domain)
    element = tokens * what.precision.activation
    used = _used(links, layout.tensor, local)
    line = best_all_reduce_time(element * shape.d_model, layout.tensor, local, *used[:2])
    both = 0.0 if shape.parallel_blocks else 1.0
    if np.ndim(layout.dimensions) == 0 and layout.dimensions == 1.0:
        return line, both * line
    side, near = np.power(layout.tensor, 0.5), np.power(local, 0.5)
    into_attention = shape.heads * shape.query_dim + 2.0 * shape.kv_heads * shape.head_dim
    inner = shape.d_ff if shape.plain_layers else (shape.top_k + shape.shared_experts) * shape.d_ff_expert
    into_mlp = (shape.mlp_matrices - 1.0) * inner

    def reduce(width: Numeric) -> Numeric:
        return best_all_reduce_time(element * width / side, side, near, *used[:2])

    out = reduce(shape.d_model)
    side_by_side = reduce(into_attention + into_mlp) + out
    attention = np.where(both, reduce(into_attention) + out, side_by_side)
    mlp = both * (reduce(into_mlp) + out)
    square = np.equal(layout.dimensions, 2.0)
    return np.where(square, attention, line)[()], np.where(square, mlp, both * line)[()]


def stage_send_time(what: Configuration, tokens: Numeric) -> Numeric:
    """Time to hand the activations of a pass to the next stage; 0 with one stage.

    Parameters
    ----------
    what
        The configuration.
    tokens
        Tokens of one attention group in the pass, > 0 [token].

    Returns
    -------
    float or array
        Time [s].
    """
    chip, engine, layout = what.chip, what.engine, what.layout
    inside = np.less_equal(layout.accelerators, chip.scale_up_domain)
    bandwidth = np.where(
        inside, chip.scale_up_bandwidth * engine.scale_up_share, chip.scale_out_bandwidth * engine.scale_out_share
    )
    latency = np.where(inside, engine.scale_up_latency, engine.scale_out_latency) + engine.base_latency
    several = np.greater(layout.pipeline, 1.0)
    message = tokens * what.shape.d_model * what.precision.activation / layout.tensor
    send = point_to_point_time(message, np.where(several, bandwidth, 1.0), latency)
    return np.where(several, send, 0.0)[()]


def links_missing(chip: Chip, layout: Layout) -> Numeric:
    """Whether a layout needs a link that the chip lacks.

    Parameters
    ----------
    chip, layout
        What is asked.

    Returns
    -------
    bool or array
        True where the stage or the pipeline has accelerators that no known link connects.
    """
    within = np.greater(layout.accelerators, 1.0) & np.greater(chip.scale_up_domain, 1.0)
    beyond = np.greater(layout.accelerators, chip.scale_up_domain)
    return (within & np.isnan(chip.scale_up_bandwidth)) | (beyond & np.isnan(chip.scale_out_bandwidth))


def _links(chip: Chip, engine: Engine) -> tuple[Numeric, ...]:
    """Return bandwidths reached and latencies, in the order in which collectives take them."""
    return (
        chip.scale_up_bandwidth * engine.scale_up_share,
        chip.scale_out_bandwidth * engine.scale_out_share,
        engine.scale_up_latency,
        engine.scale_out_latency,
        engine.base_latency,
    )


def _used(links: tuple[Numeric, ...], ranks: Numeric, local: Numeric) -> tuple[Numeric, ...]:
    """Return the links with 1 in place of a bandwidth that the group does not use, which may be unknown."""
    inside, outside, *latencies = links
    inside = np.where(np.greater(local, 1.0), inside, 1.0)
    outside = np.where(np.greater(ranks, local), outside, 1.0)
    return (inside, outside, *latencies)
