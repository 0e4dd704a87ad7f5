"""Additions to a model: heads for multi-token prediction, and low-rank adapters."""

from __future__ import annotations

from costmodel.compute.groups import Dense, Group
from costmodel.compute.parameters import ParameterCounts, layer_parameters
from costmodel.compute.shapes import Shape


def prediction_parameters(shape: Shape) -> ParameterCounts:
    """Count the heads for multi-token prediction, term by term; zero where the shape has none.

    Examples
    --------
    DeepSeek-V3's head is one layer, two norms before and one after it, and a projection of twice the width:

    >>> from costmodel.compute.architectures import shape
    >>> from dataclasses import replace
    >>> from costmodel.compute.groups import Prediction
    >>> deepseek = shape("DeepSeek-V3")
    >>> last = replace(deepseek.groups[-1], layers=1)
    >>> counts = prediction_parameters(replace(deepseek, prediction=Prediction(groups=(last,))))
    >>> round(counts.total / 1e9, 2)
    11.61
    """
    heads = shape.prediction
    if heads is None:
        return ParameterCounts()
    merge = 2 * shape.d_model * shape.d_model if heads.merge else 0
    outside = ParameterCounts(
        dense_mlp=merge,
        vectors=heads.norms * shape.d_model,
        output_embedding=heads.own_tables * shape.vocabulary * shape.d_model,
    )
    layers = (layer_parameters(group, shape.d_model).times(group.layers) for group in heads.groups)
    return sum(layers, outside).times(heads.heads)


def adapter_parameters(shape: Shape) -> int:
    """Count the parameters of all adapters that are loaded [1].

    An adapter of rank r adds ``r·(k + c)`` parameters to a matrix of ``k`` by ``c``; ``feed_forward`` stands for every
    matrix of the MLP, or of all experts.

    Examples
    --------
    >>> from costmodel.compute.groups import Adapter
    >>> llama = Shape(name="Llama-3-8B", layers=32, d_model=4096, heads=32, kv_heads=8, head_dim=128,
    ...               vocabulary=128256, d_ff=14336, adapters=(Adapter(rank=16, targets=("query",)),))
    >>> adapter_parameters(llama) == 32 * 16 * (4096 + 4096)
    True
    """
    found = 0
    for adapter in shape.adapters:
        sides = shape.d_model + shape.vocabulary if "head" in adapter.targets else 0
        for group in shape.groups:
            sides += group.layers * _adapted_sides(group, shape.d_model, adapter.targets)
        found += adapter.loaded * adapter.rank * sides
    return found


def _adapted_sides(group: Group, d_model: int, targets: tuple[str, ...]) -> int:
    """Sum the two sides of every matrix of a layer that has an adapter."""
    matrices = () if group.mixer is None else group.mixer.matrices(d_model)
    sides = sum(matrix.inner + matrix.columns for matrix in matrices if matrix.name in targets)
    block = group.feed_forward
    if block is None or "feed_forward" not in targets:
        return sides
    if isinstance(block, Dense):
        return sides + block.mlp_matrices * (d_model + block.d_ff)
    routed = block.experts * ((block.width or d_model) + block.d_ff_expert)
    shared = block.shared_experts * (d_model + (block.d_ff_shared or block.d_ff_expert))
    return sides + block.mlp_matrices * (routed + shared)
