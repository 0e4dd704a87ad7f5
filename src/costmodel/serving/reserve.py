"""Memory of a card that an engine keeps back, besides weights and cache: a record per engine, and its bytes.

An engine plans with a share of the memory that it sees. From it go the weights as loaded, the activations of the
largest pass, what the runtime and the buffers of collectives take; the rest is room for the cache. Captured graphs
come after that, from what the share leaves. If an engine's share holds weights and cache alone, the others take their
memory from what the share leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from costmodel.catalog import table
from costmodel.compute.groups import Dense, Group, Routed
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import near_matches
from costmodel.serving.engine_versions import engine_version

_TABLE = "engine_memory"
DEFAULT = "vllm"
"""Engine whose record is used for an engine without one."""
OLDER = f"{DEFAULT}-0.11"
"""Record of the default engine's versions that kept most for sampling."""
ELEMENT_BYTES = 2.0
"""Bytes of an activation: half precision [byte]."""
RESIDUAL_COPIES = 2.0
"""Copies of the residual stream that live through a pass [1]: the stream, and a layer's result."""
FOUR_BITS = 0.75
"""Bytes per weight below which experts are stored in 4 bits with their scales [byte]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Memory that an engine keeps back; none by default.

    Parameters
    ----------
    tokens, sequences
        Most tokens and sequences of a pass, >= 0 [token], [1]; memory is reserved for the largest pass.
    logit_bytes
        Memory for sampling per sequence and entry of the vocabulary, >= 0 [byte].
    runtime, communication, graphs
        Context and libraries; buffers of collectives; captured graphs, >= 0 [byte].
    inside
        Whether the engine's share of the memory holds activations, runtime and buffers, 0 or 1 [1].
    of_free
        Whether the share is of what weights, activations, runtime and buffers leave free, 0 or 1 [1].
    workspace
        Whether buffers of routed copies outlive their layer, 0 or 1 [1].
    pad_width, pad_inner
        Multiples to which the two widths of 4-bit experts are padded, >= 1 [1].
    """

    tokens: Numeric = 0.0
    sequences: Numeric = 0.0
    logit_bytes: Numeric = 0.0
    runtime: Numeric = 0.0
    communication: Numeric = 0.0
    graphs: Numeric = 0.0
    inside: Numeric = 1.0
    of_free: Numeric = 0.0
    workspace: Numeric = 1.0
    pad_width: Numeric = 1.0
    pad_inner: Numeric = 1.0


@cache
def reserve(engine: str = DEFAULT, accelerator: str | None = None) -> Reserve:
    """Return the memory that an engine keeps back; an engine without a record takes vLLM's.

    Parameters
    ----------
    engine
        Name of an engine, with a version where older ones keep more: ``"vllm"``, ``"vllm 0.10.1"``, ``"sglang"``,
        ``"trtllm"``.
    accelerator
        Name of the accelerator: on smaller ones some engines plan for smaller passes.

    Examples
    --------
    >>> reserve("vllm").sequences, reserve("vllm", "A100-SXM-80").sequences, reserve("tgi") == reserve("vllm")
    (1024.0, 256.0, True)
    >>> reserve("vllm 0.10.1").logit_bytes, reserve("vLLM==0.19.0").logit_bytes
    (38.0, 14.0)
    """
    record = table(_TABLE)[_record_of(engine) or DEFAULT]
    kept = Reserve(**{name: record.value(name) for name in Reserve.__dataclass_fields__})
    full = record.label("full_on")
    if accelerator is None or full is None or accelerator in (name.strip() for name in full.split(",")):
        return kept
    return replace(kept, tokens=record.value("others_tokens"), sequences=record.value("others_sequences"))


def older_reserve(engine: str | None, accelerator: str) -> Reserve | None:
    """Return what older versions of the default engine keep back, where an engine is named without its version.

    Parameters
    ----------
    engine
        As it is written; absent or ``"pooled"``: none is named, and the default engine's record is used.
    accelerator
        Its name in the catalog.

    Examples
    --------
    >>> older_reserve("vLLM", "H100-SXM").logit_bytes
    38.0
    >>> older_reserve("vllm 0.12", "H100-SXM"), older_reserve("sglang", "H100-SXM")
    (None, None)
    """
    family, version = engine_version(engine or DEFAULT)
    return reserve(OLDER, accelerator) if family in (DEFAULT, "pooled") and not version else None


def reserve_remark(engine: str) -> str:
    """Return a remark on an engine's record for the user; empty where it is the engine's own.

    Examples
    --------
    >>> reserve_remark("tgi")
    "no record of the memory that the engine 'tgi' keeps back: that of vllm is used"
    """
    if _record_of(engine):
        return ""
    hint = near_matches(engine, table(_TABLE))
    return f"no record of the memory that the engine {engine!r} keeps back: that of {DEFAULT} is used{hint}"


def _record_of(engine: str) -> str:
    """Return the record of an engine and version: the oldest that reaches up to it; empty where there is none."""
    records = table(_TABLE)
    if engine in records:
        return engine
    family, version = engine_version(engine)
    if not version:
        return family if family in records else ""
    reaching = {
        tuple(map(int, until.split("."))): name
        for name, record in records.items()
        if name.partition("-")[0] == family and (until := record.label("until"))
    }
    ends = sorted(end for end in reaching if version[: len(end)] <= end)
    return reaching[ends[0]] if ends else family if family in records else ""


@formula()
def sampling_bytes(sequences: Numeric, vocabulary: Numeric, logit_bytes: Numeric) -> Numeric:
    """Memory to sample the next token of every sequence.

    Parameters
    ----------
    sequences
        Sequences of a pass, >= 0 [1], any shape.
    vocabulary
        Entries of the vocabulary, > 0 [1].
    logit_bytes
        Bytes per sequence and entry, >= 0 [byte].

    Returns
    -------
    Numeric
        Bytes [byte].

    Examples
    --------
    >>> round(float(sampling_bytes(1024, 128256, 14)) / 2**30, 2)
    1.71
    """
    return sequences * vocabulary * logit_bytes


def pass_bytes(shape: Shape, tokens: Numeric, tensor: Numeric = 1.0) -> Numeric:
    """Activations of a pass on one accelerator: the residual stream, the widest layer, and buffers of routed copies.

    Parameters
    ----------
    shape
        The model.
    tokens
        Tokens of the pass, >= 0 [token], any shape.
    tensor
        Accelerators that share a layer, >= 1 [1].

    Returns
    -------
    Numeric
        Bytes [byte].

    Examples
    --------
    >>> from costmodel.compute import shape
    >>> round(float(pass_bytes(shape("Llama-3-8B"), 8192.0)) / 2**20)
    800
    """
    residual = RESIDUAL_COPIES * shape.d_model
    inner = max(_inner_elements(group, shape.d_model) for group in shape.groups)
    return tokens * ELEMENT_BYTES * (residual + inner / tensor)


def routed_bytes(shape: Shape, tokens: Numeric, tensor: Numeric = 1.0) -> Numeric:
    """Buffers in which routed copies of tokens wait for their experts, kept for all layers [byte].

    A copy holds the width that experts work in, and once the widths inside an expert.
    """
    blocks = [group.feed_forward for group in shape.groups if isinstance(group.feed_forward, Routed)]
    widest: Numeric = 0.0
    for block in blocks:
        inner = block.mlp_matrices - 1.0
        copy = (block.width or shape.d_model) + np.maximum(inner * block.d_ff_expert / tensor, 0.0)
        widest = np.maximum(widest, block.top_k * copy)
    return tokens * ELEMENT_BYTES * widest


def _inner_elements(group: Group, d_model: int) -> float:
    """Elements per token of the widest part of a layer: projections in, or a dense MLP's inner widths."""
    mixer, block = group.mixer, group.feed_forward
    into = 0 if mixer is None else sum(item.columns for item in mixer.matrices(d_model) if item.side == "columns")
    dense = block.mlp_matrices * block.d_ff if isinstance(block, Dense) else 0
    return float(max(into, dense))


def activation_reserve(shape: Shape, kept: Reserve, tensor: Numeric = 1.0) -> Numeric:
    """Activations of the largest pass that an engine plans for [byte].

    Sampling comes after the layers and may reuse their memory, and also that of routed copies unless the engine
    keeps their buffers.
    """
    layers = pass_bytes(shape, kept.tokens, tensor)
    residual = kept.tokens * ELEMENT_BYTES * RESIDUAL_COPIES * shape.d_model
    sampling = sampling_bytes(kept.sequences, float(shape.vocabulary), kept.logit_bytes)
    routed = routed_bytes(shape, kept.tokens, tensor)
    stays = kept.workspace * routed
    return stays + np.maximum(layers + (routed - stays), residual + sampling)


def padding_share(shape: Shape, kept: Reserve, expert_bytes: Numeric) -> Numeric:
    """Share by which routed experts grow on loading where they are stored in 4 bits [1]."""
    found: Numeric = 0.0
    for group in shape.groups:
        block = group.feed_forward
        if isinstance(block, Routed):
            width = float(block.width or shape.d_model)
            grown = _up(width, kept.pad_width) * _up(float(block.d_ff_expert), kept.pad_inner)
            found = np.maximum(found, grown / (width * block.d_ff_expert) - 1.0)
    return np.where(np.less(expert_bytes, FOUR_BITS), found, 0.0)


def _up(width: float, multiple: Numeric) -> Numeric:
    """Round up to a multiple."""
    return np.ceil(width / multiple) * multiple
