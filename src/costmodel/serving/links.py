"""Communication of one block: all-reduces of tensor parallelism, exchange of expert parallelism."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from costmodel.compute.collectives import local_ranks, point_to_point_time
from costmodel.compute.groups import Routed
from costmodel.compute.machine import Machine
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric
from costmodel.serving.configuration import Configuration, Layout


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

    Notes
    -----
    Where experts are spread over the ranks of one attention group, every rank has every token and the experts' results
    are summed like those of a dense MLP. Over several groups tokens are sent to their experts and back.
    """
    shape, layout, precision, machine = what.shape, what.layout, what.precision, what.machine
    attention, mlp = _reduce_times(what, tokens)
    if not shape.moe_layers:
        return shape.layers * (attention + mlp) / layout.pipeline
    sent = tokens / layout.tensor
    exchange: Numeric = 0.0
    for top_k, layers in _routing(shape):
        for size in (precision.dispatch, precision.activation):
            sized = shape.d_model * size
            each = machine.expert_exchange(sent, sized, top_k, layout.stage)
            exchange = exchange + layers / shape.moe_layers * each
    routed = np.where(np.greater(layout.groups, 1.0), exchange, mlp)
    return (shape.layers * attention + shape.plain_layers * mlp + shape.moe_layers * routed) / layout.pipeline


def _reduce_times(what: Configuration, tokens: Numeric) -> tuple[Numeric, Numeric]:
    """Return the time of a block's all-reduces after attention and after the MLP [s].

    Split along one side, each ends in one all-reduce of the residual stream; blocks side by side share it. Split
    along both sides, inner widths are reduced as well, each over a side of the square (Erdil 2025).
    """
    shape, layout, machine = what.shape, what.layout, what.machine
    element = tokens * what.precision.activation
    line = machine.all_reduce(element * shape.d_model, layout.tensor)
    both = 0.0 if all(group.parallel for group in shape.groups) else 1.0
    if np.ndim(layout.dimensions) == 0 and layout.dimensions == 1.0:
        return line, both * line
    side = np.power(layout.tensor, 0.5)
    near = np.power(local_ranks(layout.tensor, 1.0, machine.scale_up_domain), 0.5)
    into_attention, into_mlp = _inner_widths(shape)
    square_of = replace(machine, scale_up_domain=near)

    def reduced(width: Numeric) -> Numeric:
        return square_of.all_reduce(element * width / side, side)

    out = reduced(shape.d_model)
    side_by_side = reduced(into_attention + into_mlp) + out
    attention = np.where(both, reduced(into_attention) + out, side_by_side)
    mlp = both * (reduced(into_mlp) + out)
    square = np.equal(layout.dimensions, 2.0)
    return np.where(square, attention, line)[()], np.where(square, mlp, both * line)[()]


def _routing(shape: Shape) -> tuple[tuple[float, int], ...]:
    """Return experts that a token passes, and how many layers route so."""
    return tuple(
        (float(group.feed_forward.top_k), group.layers)
        for group in shape.groups
        if isinstance(group.feed_forward, Routed)
    )


def _inner_widths(shape: Shape) -> tuple[float, float]:
    """Widths between the products of a mixer and of a feed-forward, mean over layers [1]."""
    mixer = feed_forward = 0.0
    for group in shape.groups:
        if group.mixer is not None:
            columns = (item.columns for item in group.mixer.matrices(shape.d_model) if item.side == "columns")
            mixer += group.layers * sum(columns)
        if group.feed_forward is not None:
            feed_forward += group.layers * (group.feed_forward.mlp_matrices - 1.0) * group.feed_forward.active_width
    return mixer / shape.layers, feed_forward / shape.layers


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
    machine, layout = what.machine, what.layout
    inside = np.less_equal(layout.accelerators, machine.scale_up_domain)
    bandwidth = np.where(
        inside,
        machine.scale_up_bandwidth * machine.scale_up_share,
        machine.scale_out_bandwidth * machine.scale_out_share,
    )
    latency = np.where(inside, 0.0, machine.scale_out_latency) + machine.exchange_latency
    several = np.greater(layout.pipeline, 1.0)
    message = tokens * what.shape.d_model * what.precision.activation / layout.tensor
    send = point_to_point_time(message, np.where(several, bandwidth, 1.0), latency)
    return np.where(several, send, 0.0)[()]


def links_missing(machine: Machine, layout: Layout) -> Numeric:
    """Whether a layout needs a link that the machine lacks.

    Parameters
    ----------
    machine, layout
        Machine and layout to check.

    Returns
    -------
    bool or array
        True where the stage or the pipeline has accelerators that no known link connects.
    """
    within = np.greater(layout.accelerators, 1.0) & np.greater(machine.scale_up_domain, 1.0)
    beyond = np.greater(layout.accelerators, machine.scale_up_domain)
    return (within & np.isnan(machine.scale_up_bandwidth)) | (beyond & np.isnan(machine.scale_out_bandwidth))
