"""Read how a published checkpoint is stored from the quantisation in its ``config.json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from costmodel.compute.config_fields import language_fields, load
from costmodel.compute.config_modules import found_within, matcher
from costmodel.compute.config_shapes import layers_from_config
from costmodel.compute.groups import Dense, FeedForward, Routed
from costmodel.compute.mixers import Mixer
from costmodel.compute.precision import FORMATS, SIXTEEN_BITS, Scheme
from costmodel.foundation.errors import DomainError

_Chosen = Callable[[str], str | None]
_MODULES = {
    "attention": ("self_attn.q_proj", "self_attn.q_a_proj", "linear_attn.in_proj_qkv"),
    "dense": ("mlp.gate_proj",),
    "shared_experts": ("mlp.shared_experts.gate_proj", "mlp.shared_expert.gate_proj"),
    "experts": ("mlp.experts.0.gate_proj",),
}
"""Names of a module of each part of a layer in most families; a layer has at most one of the names of a part."""
_FAMILY_MODULES: dict[str, dict[str, tuple[str, ...]]] = {
    "minimax_m2": {"experts": ("block_sparse_moe.experts.0.w1",)},
    "minimax_m3": {
        "experts": ("block_sparse_moe.experts.0.w1",),
        "shared_experts": ("block_sparse_moe.shared_experts.gate_proj",),
    },
    "gemma4": {"experts": ("experts.0.gate_proj",), "shared_experts": ("mlp.gate_proj",)},
    "mixtral": {"experts": ("block_sparse_moe.experts.0.w1",)},
    "nemotron_h": {
        "attention": ("mixer.q_proj", "mixer.in_proj"),
        "dense": ("mixer.up_proj",),
        "shared_experts": ("mixer.shared_experts.up_proj",),
        "experts": ("mixer.experts.0.up_proj",),
    },
}
"""The same for families with other names."""
_PREFIXES = (
    "model.layers.",
    "model.language_model.layers.",
    "language_model.model.layers.",
    "backbone.layers.",
    "layers.",
)
_WIDE = {"float32": "fp32", "float16": "fp16", "bfloat16": SIXTEEN_BITS}
_ALGORITHMS = {
    "FP8": "fp8",
    "NVFP4": "nvfp4",
    "W4A16_NVFP4": "nvfp4",
    "MXFP4": "mxfp4",
    "MXFP8": "mxfp8",
    "FP8_PB_WO": "fp8-block",
    "FP8_BLOCK": "fp8-block",
    "INT4_AWQ": "int4-g128",
    "W4A16_AWQ": "int4-g128",
    "INT8_SQ": "int8",
}
"""Formats by name of the algorithm in NVIDIA's Model Optimizer."""


def scheme_from_config(source: str | Path | Mapping[str, Any]) -> Scheme:
    """Return how a checkpoint is stored, from its ``config.json``.

    Parameters
    ----------
    source
        The file, the folder that holds it, or its fields; an ``hf_quant_config.json`` beside it is read too.

    Returns
    -------
    Scheme
        A part is stored in 16 bits if the file leaves it out in more than half of the layers that have it; if in fewer,
        ``kept`` holds their share.

    Raises
    ------
    DomainError
        If the file gives a method or a width without a format here; the message names it.

    Examples
    --------
    >>> config = {"model_type": "gpt_oss", "quantization_config": {"quant_method": "mxfp4",
    ...           "modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"]},
    ...           "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 8, "num_key_value_heads": 2,
    ...           "intermediate_size": 64, "num_local_experts": 4, "num_experts_per_tok": 2, "vocab_size": 100}
    >>> scheme = scheme_from_config(config)
    >>> scheme.attention, scheme.experts, scheme.head
    ('bf16', 'mxfp4', 'bf16')
    """
    whole = load(source)
    given = language_fields(whole)
    wide = _WIDE.get(str(given.get("torch_dtype") or given.get("dtype") or ""), SIXTEEN_BITS)
    stated = given.get("quantization_config")
    parts: dict[str, Any] = dict.fromkeys((*_MODULES, "embedding", "head"), wide)
    if stated is None:
        return Scheme(name=PUBLISHED_AS, **parts)
    stated = _table(stated, "")
    kind, layers = layers_from_config(whole)
    chosen, left_out = _converted(stated, str(given.get("expert_dtype") or ""))
    modules: dict[str, tuple[str, ...]] = _MODULES | _FAMILY_MODULES.get(kind, {})
    kept = []
    for part, names in modules.items():
        having = [layer for layer, pair in enumerate(layers) if _has(part, *pair)]
        stored = [form for layer in having if (form := _format(f"{layer}.", names, chosen, left_out))]
        if stored and len(stored) >= len(having) / 2:
            parts[part] = max(set(stored), key=stored.count)
            kept.append((part, 1.0 - len(stored) / len(having)))
    shares = tuple((part, share) for part, share in kept if share)
    return Scheme(name=PUBLISHED_AS, kept=shares, **parts, **_kept_parts(stated))


WIDEST = 64
"""Widest number that a file may give [bit]."""
PUBLISHED_AS = "published"
"""Name of a scheme that comes from a checkpoint's own file."""


def _has(part: str, mixer: Mixer | None, block: FeedForward | None) -> bool:
    """Return whether a layer has a part."""
    if part == "attention":
        return mixer is not None
    if part == "dense":
        return isinstance(block, Dense)
    if part == "shared_experts":
        return isinstance(block, Routed) and block.shared_experts > 0
    return isinstance(block, Routed)


def _format(layer: str, names: tuple[str, ...], chosen: _Chosen, left_out: _Chosen) -> str | None:
    """Return the format of a part in a layer; None where the file leaves any of its modules out."""
    modules = [f"{prefix}{layer}{name}" for prefix in _PREFIXES for name in names]
    if any(left_out(module) is not None for module in modules):
        return None
    return next((form for form in map(chosen, modules) if form), None)


def _converted(stated: Mapping[str, Any], expert_dtype: str) -> tuple[_Chosen, _Chosen]:
    """Return two functions: the format of a module, and whether a module is left out."""
    name = next((name for name in _LEFT_OUT if stated.get(name)), _LEFT_OUT[0])
    ignored = matcher(stated.get(name) or (), _said(name))

    def left_out(module: str) -> str | None:
        return "" if ignored(module) else None

    groups = stated.get("config_groups")
    named = stated.get("quantized_layers")
    method = str(stated.get("quant_method") or "")
    algorithm = str(stated.get("quant_algo") or "")
    if isinstance(named, Mapping):
        entries = {str(name): _table(entry, "quantized_layers") for name, entry in named.items()}
        formats = {name: _algorithm(str(entry.get("quant_algo"))) for name, entry in entries.items()}
        return lambda module: found_within(module, formats), left_out
    if isinstance(groups, Mapping):
        tables = [_table(group, "config_groups") for group in groups.values()]
        listed = [(matcher(group.get("targets") or (), _said("targets")), _group_format(group)) for group in tables]
        return lambda module: _targeted(listed, module), left_out
    form = _algorithm(algorithm) if algorithm else _method(method, stated)
    if expert_dtype == "fp4":
        return lambda module: "mxfp4" if "experts" in module and "shared" not in module else form, left_out
    if method == "mxfp4":
        return lambda module: None if "_attn." in module else form, left_out
    if method == "fbgemm_fp8":
        return lambda module: form if ".mlp." in module else None, left_out
    return lambda module: form, left_out


_LEFT_OUT = (
    "modules_to_not_convert",
    "exclude_modules",
    "ignore",
    "ignored_layers",
    "llm_int8_skip_modules",
    "exclude",
    "skip_modules",
)
"""Names of the lists of modules that stay in 16 bits."""


def _table(given: Any, name: str) -> Mapping[str, Any]:
    """Return a table of the quantization config; an absent one is empty."""
    if given is not None and not isinstance(given, Mapping):
        raise DomainError(f"{_said(name)} = {str(given)[:40]!r} must be a table of fields")
    return given or {}


def _said(name: str) -> str:
    return f"quantization_config: {name}" if name else "quantization_config"


def _bits(given: Mapping[str, Any], name: str, absent: int = 4) -> int:
    """Return the bits of a number."""
    value = given.get(name) or absent
    if not isinstance(value, int) or not 0 <= value <= WIDEST:
        raise DomainError(f"{_said(name)} = {str(value)[:40]!r} must be a whole number of bits, {WIDEST} at most")
    return value


def _targeted(listed: list[tuple[Callable[[str], bool], str]], module: str) -> str | None:
    return next((form for matches, form in listed if matches(module)), None)


def _algorithm(name: str) -> str:
    if name not in _ALGORITHMS:
        raise DomainError(f"quantization_config: quant_algo = {name!r}: known are {', '.join(_ALGORITHMS)}")
    return _ALGORITHMS[name]


def _method(method: str, stated: Mapping[str, Any]) -> str:
    """Return the format of a method that stores all modules in the same way."""
    if method in ("fp8", "fbgemm_fp8"):
        return "fp8-block" if stated.get("weight_block_size") else "fp8"
    if method == "mxfp4":
        return "mxfp4"
    if method in ("awq", "gptq", "auto-round", "intel/auto-round"):
        size = stated.get("group_size", stated.get("q_group_size", 128))
        return _integers(_bits(stated, "bits", _bits(stated, "w_bit")), size)
    if method == "bitsandbytes" or stated.get("load_in_4bit") or stated.get("load_in_8bit"):
        return _bits_and_bytes(stated)
    if method == "hqq":
        own = _table(
            _table(stated.get("quant_config"), "quant_config").get("weight_quant_params"), "weight_quant_params"
        )
        return _integers(_bits(own, "nbits"), own.get("group_size"))
    if method == "quark":
        whole = _table(stated.get("global_quant_config"), "global_quant_config")
        return _quark(_table(whole.get("weight"), "global_quant_config, weight"))
    raise DomainError(
        f"quantization_config: quant_method = {method!r}: known are fp8, fbgemm_fp8, mxfp4, awq, gptq, auto-round, "
        "bitsandbytes, hqq, quark, modelopt and compressed-tensors; or name a scheme in place of 'published'"
    )


def _bits_and_bytes(stated: Mapping[str, Any]) -> str:
    """Return the format of bitsandbytes: 8-bit integers, or 4-bit floats whose scales may be stored in 8 bits."""
    if stated.get("load_in_8bit"):
        return "int8"
    return "nf4-dq" if stated.get("bnb_4bit_use_double_quant") else "nf4"


def _quark(weight: Mapping[str, Any]) -> str:
    """Return the format of AMD's Quark, from the type and the group of its weights."""
    kind, size = str(weight.get("dtype") or ""), weight.get("group_size")
    if kind.startswith("fp8"):
        return "fp8"
    if kind == "fp4" and size == 32:
        return "mxfp4"
    if kind in ("int4", "uint4", "int8"):
        return _integers(int(kind[-1]), size)
    raise DomainError(f"quantization_config: quark: weights of {kind!r} in groups of {size} have no format")


def _group_format(group: Mapping[str, Any]) -> str:
    """Return the format of a group of modules, from the bits, type and group of its weights."""
    weights = _table(group.get("weights"), "weights")
    bits, kind = _bits(weights, "num_bits", 0), str(weights.get("type") or "")
    size = weights.get("group_size")
    if kind == "int":
        return _integers(bits, size)
    if bits == 8:
        return "mxfp8" if size == 32 else "fp8-block" if weights.get("strategy") == "block" else "fp8"
    if bits == 4 and size in (16, 32):
        return "nvfp4" if size == 16 else "mxfp4"
    raise DomainError(
        f"quantization_config: weights of {bits} bits, type {kind!r}, in groups of {size} have no format: name a scheme"
    )


def _integers(bits: int, size: Any) -> str:
    """Return the format of integers in groups."""
    if size in (None, -1, 0) and bits in (4, 8):
        return f"int{bits}"
    if f"int{bits}-g{size}" in FORMATS:
        return f"int{bits}-g{size}"
    if isinstance(size, int) and size > 0 and bits in (4, 8) and size % 256 == 0:
        return f"int{bits}"  # below one part in a hundred
    raise DomainError(f"quantization_config: integers of {bits} bits in groups of {size} have no format: name a scheme")


def _kept_parts(stated: Mapping[str, Any]) -> dict[str, str]:
    """Return the format of keys and values where the file gives one."""
    name = str(stated.get("kv_cache_quant_algo") or "")
    scheme = stated.get("kv_cache_scheme")
    if name == "FP8" or (isinstance(scheme, Mapping) and scheme.get("num_bits") == 8):
        return {"cache": "fp8"}
    return {}
