"""Parallelism: step-time overhead of pipeline, tensor, context, expert and data parallelism.

Degrees of parallelism multiply to the accelerators of a run. Neighbours are placed in the order tensor, context,
data (its expert part first), pipeline, so that the kinds that communicate most sit closest together.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula

__all__ = [
    "exposed_time",
    "microbatches_per_step",
    "optimizer_time",
    "pipeline_bubble_share",
    "pipeline_layers_in_flight",
    "slowest_stage_time",
    "stage_layers",
]


@formula()
def microbatches_per_step(batch: Numeric, data: Numeric, microbatch: Numeric) -> Numeric:
    """Return the microbatches that each pipeline works through in a step.

    Parameters
    ----------
    batch : ``()`` or array
        Sequences of the global batch, positive [1].
    data : ``()`` or array
        Data-parallel degree, at least 1 [1].
    microbatch : ``()`` or array
        Sequences of a microbatch, at least 1 [1].

    Returns
    -------
    ``()`` or array
        Microbatches [1]; a layout is possible where this is whole.

    Notes
    -----
    ``m = B/(d·b)``.

    References
    ----------
    Narayanan et al. (2021), "Efficient large-scale language model training on GPU clusters", arXiv 2104.04473,
    section 3.

    Examples
    --------
    >>> microbatches_per_step(2048.0, 128.0, 1.0)
    16.0
    """
    return batch / (data * microbatch)


@formula()
def pipeline_bubble_share(stages: Numeric, microbatches: Numeric, interleave: Numeric) -> Numeric:
    """Return the idle time of a pipeline over the time in which it works.

    Parameters
    ----------
    stages : ``()`` or array
        Pipeline stages, at least 1 [1].
    microbatches : ``()`` or array
        Microbatches in a step, at least 1 [1].
    interleave : ``()`` or array
        Model chunks on each stage, at least 1 [1].

    Returns
    -------
    ``()`` or array
        Bubble over ideal time [1].

    Notes
    -----
    ``(p − 1)/(v·m)``.

    References
    ----------
    Narayanan et al. (2021), arXiv 2104.04473, section 2.2.2.

    Examples
    --------
    >>> pipeline_bubble_share(16.0, 16.0, 1.0)
    0.9375
    """
    return (stages - 1.0) / (interleave * microbatches)


@formula()
def stage_layers(layers: Numeric, stages: Numeric, interleave: Numeric) -> Numeric:
    """Return the layers that the fullest stage holds.

    Parameters
    ----------
    layers : ``()`` or array
        Transformer blocks of the model, at least 1 [1].
    stages : ``()`` or array
        Pipeline stages, at least 1 [1].
    interleave : ``()`` or array
        Model chunks on each stage, at least 1 [1].

    Returns
    -------
    ``()`` or array
        Layers, whole [1].

    Notes
    -----
    ``v·⌈L/(p·v)⌉``: chunks are whole layers.

    References
    ----------
    Narayanan et al. (2021), arXiv 2104.04473, section 2.2.2.

    Examples
    --------
    >>> float(stage_layers(126.0, 16.0, 8.0))
    8.0
    """
    return interleave * np.ceil(layers / (stages * interleave))


@formula()
def slowest_stage_time(
    layer_time: Numeric, head_time: Numeric, layers: Numeric, stages: Numeric, interleave: Numeric
) -> Numeric:
    """Return the time of a microbatch on the slowest stage, with the output layer placed as well as possible.

    Parameters
    ----------
    layer_time : ``()`` or array
        Forward and backward of one microbatch through one layer, positive [s].
    head_time : ``()`` or array
        The same for the output projection and the loss, non-negative [s].
    layers : ``()`` or array
        Transformer blocks of the model, at least 1 [1].
    stages : ``()`` or array
        Pipeline stages, at least 1 [1].
    interleave : ``()`` or array
        Model chunks on each stage, at least 1 [1].

    Returns
    -------
    ``()`` or array
        Time [s].

    Notes
    -----
    With ``k`` layers on the fullest stage and ``p·k − L`` places to spare, the last stage gives up as many layers
    as the output costs, ``j = min(p·k − L, ⌈t_head/t_layer⌉)``: ``max(k·t_layer, (k − j)·t_layer + t_head)``.
    Llama-3.1-405B has 126 layers instead of 128 for this reason.

    References
    ----------
    Llama team (2024), arXiv 2407.21783, section 3.3.2.

    Examples
    --------
    >>> float(slowest_stage_time(1.0, 0.8, 126.0, 16.0, 8.0))
    8.0
    >>> float(slowest_stage_time(1.0, 0.8, 128.0, 16.0, 8.0))
    8.8
    """
    fullest = stage_layers(layers, stages, interleave)
    given_up = np.minimum(stages * fullest - layers, np.ceil(head_time / layer_time))
    return np.maximum(fullest * layer_time, (fullest - given_up) * layer_time + head_time)


@formula()
def pipeline_layers_in_flight(layers: Numeric, stages: Numeric, microbatches: Numeric, interleave: Numeric) -> Numeric:
    """Return how many layers' activations the first stage holds at its peak.

    Parameters
    ----------
    layers : ``()`` or array
        Layers on the stage, at least 1 [1].
    stages : ``()`` or array
        Pipeline stages, at least 1 [1].
    microbatches : ``()`` or array
        Microbatches in a step, at least 1 [1].
    interleave : ``()`` or array
        Model chunks on each stage, at least 1 [1].

    Returns
    -------
    ``()`` or array
        Layers times microbatches kept [1].

    Notes
    -----
    One-forward-one-backward keeps ``min(p, m)`` microbatches of all layers; with v chunks
    ``min(p·(1 + (p − 1)/(p·v)), m)`` for v > 1.

    References
    ----------
    Korthikanti et al. (2022), arXiv 2205.05198, section 4.2.3.

    Examples
    --------
    >>> float(pipeline_layers_in_flight(8.0, 16.0, 64.0, 1.0)), float(pipeline_layers_in_flight(8.0, 16.0, 64.0, 8.0))
    (128.0, 143.0)
    """
    extra = np.where(interleave > 1.0, (stages - 1.0) / interleave, 0.0)
    return layers * np.minimum(stages + extra, microbatches)


@formula()
def exposed_time(communication: Numeric, covering: Numeric) -> Numeric:
    """Return the part of a communication's time that concurrent work does not hide.

    Parameters
    ----------
    communication : ``()`` or array
        Time of the communication alone, non-negative [s].
    covering : ``()`` or array
        Time of independent work that runs at the same time, non-negative [s].

    Returns
    -------
    ``()`` or array
        Time added to the step [s].

    Notes
    -----
    ``max(t_comm − t_work, 0)``: both run at full speed at the same time, which is the best case.

    References
    ----------
    Rajbhandari et al. (2020), arXiv 1910.02054.

    Examples
    --------
    >>> float(exposed_time(3.0, 2.0)), float(exposed_time(1.0, 2.0))
    (1.0, 0.0)
    """
    return np.maximum(communication - covering, 0.0)


@formula()
def optimizer_time(parameters: Numeric, state_bytes: Numeric, bandwidth: Numeric, memory_share: Numeric) -> Numeric:
    """Return the time of the optimizer's update on one device.

    Parameters
    ----------
    parameters : ``()`` or array
        Parameters that the device updates, non-negative [1].
    state_bytes : ``()`` or array
        Bytes read and written per parameter, positive [byte].
    bandwidth : ``()`` or array
        Peak memory bandwidth, positive [byte/s].
    memory_share : ``()`` or array
        Share of it reached, above 0 to 1 [1].

    Returns
    -------
    ``()`` or array
        Time [s].

    Notes
    -----
    ``N·b/(B·η)``: the update is bound by memory traffic, its arithmetic is negligible.

    References
    ----------
    Williams, Waterman and Patterson (2009), "Roofline", CACM 52(4).

    Examples
    --------
    >>> round(float(optimizer_time(3e9, 30.0, 3.35e12, 0.9)) * 1e3, 1)
    29.9
    """
    return parameters * state_bytes / (bandwidth * memory_share)
