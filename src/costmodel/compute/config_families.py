"""Defaults of model families that their published files leave out, by ``model_type``.

Each entry was read from the family's modelling code in huggingface/transformers, or in the repository that the file
names; totals against published counts are kept in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Windows = Literal["none", "all", "alternate", "period", "switch"]
Norm = Literal["none", "head", "whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Defaults of a model family.

    Parameters
    ----------
    qkv_bias, output_bias, mlp_bias
        Whether projections have bias vectors; absent: as the file's ``attention_bias`` and ``mlp_bias``.
    norms, norm_bias
        Norms of the model's width per layer, and whether they have biases.
    qk_norm
        Norms on queries and keys.
    gated
        Whether the MLP has a gate.
    parallel
        Whether attention and MLP run side by side.
    tied
        Whether input and output embedding are one table, where the file does not say.
    positions, position_offset
        Whether there is a learned table of positions, and its rows beyond the longest sequence.
    embedding_norm, head_bias, router_bias, shared_gate, sinks
        As for a shape and its parts.
    windows
        Which layers a sliding window belongs to where the file has no list: ``none``; ``all``; every second
        (``alternate``); all but every n-th (``period``); those that ``use_sliding_window`` switches on (``switch``).
    inner_ratio
        Inner width over the model's width where the file gives none; 0: the file must give it.
    defaults
        Fields of the family's configuration class where a file leaves them out.
    """

    qkv_bias: bool | None = None
    output_bias: bool | None = None
    mlp_bias: bool | None = None
    norms: int = 2
    norm_bias: bool = False
    qk_norm: Norm = "none"
    gated: bool = True
    parallel: bool = False
    tied: bool = False
    positions: bool = False
    position_offset: int = 0
    embedding_norm: bool = False
    head_bias: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    sinks: bool = False
    windows: Windows = "switch"
    inner_ratio: int = 0
    defaults: Mapping[str, Any] = field(default_factory=dict)


LLAMA = Family()
"""Defaults assumed for an unknown ``model_type``."""
_QWEN2 = Family(qkv_bias=True, output_bias=False)
_QWEN3 = Family(qk_norm="head")
_QWEN3_NEXT = Family(
    qk_norm="head",
    shared_gate=True,
    defaults={
        "attn_output_gate": True,
        "full_attention_interval": 4,
        "linear_conv_kernel_dim": 4,
        "decoder_sparse_step": 1,
    },
)
_DEEPSEEK = Family(defaults={"moe_layer_freq": 1})
_DEEPSEEK_V3 = replace(_DEEPSEEK, router_bias=True)
_GLM4 = Family(qkv_bias=True, output_bias=False)
_BIASED = Family(
    qkv_bias=True,
    output_bias=True,
    mlp_bias=True,
    norm_bias=True,
    gated=False,
    tied=True,
    windows="none",
    inner_ratio=4,
)
_GEMMA2 = Family(norms=4, tied=True, windows="alternate", defaults={"sliding_window": 4096, "head_dim": 256})
_GEMMA3 = Family(
    norms=4,
    tied=True,
    qk_norm="head",
    windows="period",
    defaults={"sliding_window_pattern": 6, "sliding_window": 4096, "head_dim": 256, "vocab_size": 262208},
)

FAMILIES: dict[str, Family] = {
    "llama": LLAMA,
    "llama4": Family(defaults={"attention_chunk_size": 8192, "interleave_moe_layer_step": 1}),
    "mistral": Family(windows="all"),
    "ministral": Family(windows="all"),
    "mixtral": Family(windows="all"),
    "qwen2": _QWEN2,
    "qwen2_moe": replace(_QWEN2, shared_gate=True, defaults={"decoder_sparse_step": 1}),
    "qwen2_vl": _QWEN2,
    "qwen2_5_vl": _QWEN2,
    "qwen3": _QWEN3,
    "qwen3_moe": replace(_QWEN3, defaults={"decoder_sparse_step": 1}),
    "qwen3_vl": _QWEN3,
    "qwen3_vl_moe": replace(_QWEN3, defaults={"decoder_sparse_step": 1}),
    "qwen3_next": _QWEN3_NEXT,
    "qwen3_5": _QWEN3_NEXT,
    "qwen3_5_moe": _QWEN3_NEXT,
    "deepseek_v2": _DEEPSEEK,
    "deepseek_v3": _DEEPSEEK_V3,
    "deepseek_v32": _DEEPSEEK_V3,
    "kimi_k2": _DEEPSEEK_V3,
    "kimi_linear": _DEEPSEEK_V3,
    "glm": _GLM4,
    "glm4": replace(_GLM4, norms=4),
    "glm4_moe": replace(_GLM4, router_bias=True),
    "glm4_moe_lite": _DEEPSEEK_V3,
    "glm_moe_dsa": _DEEPSEEK_V3,
    "chatglm": Family(qkv_bias=True, output_bias=False),
    "gpt_oss": Family(
        qkv_bias=True,
        output_bias=True,
        mlp_bias=True,
        router_bias=True,
        sinks=True,
        windows="alternate",
        defaults={"head_dim": 64, "sliding_window": 128},
    ),
    "gemma": Family(tied=True, windows="none", defaults={"head_dim": 256}),
    "gemma2": _GEMMA2,
    "gemma3": _GEMMA3,
    "gemma3_text": _GEMMA3,
    "gemma4": replace(_GEMMA3, defaults={"vocab_size": 262144}),
    "phi": replace(_BIASED, norms=1, parallel=True, tied=False, head_bias=True),
    "phi3": Family(qkv_bias=False, output_bias=False, windows="all"),
    "phimoe": Family(norm_bias=True, head_bias=True, windows="all", defaults={"attention_bias": True}),
    "nemotron": Family(norm_bias=True, gated=False),
    "nemotron_h": Family(norms=1, gated=False, router_bias=True),
    "minimax": Family(windows="none"),
    "minimax_text_01": Family(windows="none"),
    "minimax_m1": Family(windows="none"),
    "minimax_m2": Family(windows="none"),
    "minimax_m3": Family(windows="none"),
    "jamba": Family(windows="none", defaults={"mamba_d_conv": 4, "mamba_conv_bias": True}),
    "mamba": Family(norms=1, tied=True, windows="none", defaults={"use_conv_bias": True, "conv_kernel": 4}),
    "mamba2": Family(norms=1, windows="none", defaults={"use_conv_bias": True, "conv_kernel": 4, "expand": 2}),
    "falcon": replace(_BIASED, qkv_bias=None, output_bias=None, mlp_bias=None),
    "opt": replace(_BIASED, positions=True, position_offset=2),
    "mpt": replace(_BIASED, qkv_bias=None, output_bias=None, mlp_bias=None, norm_bias=False),
    "bloom": replace(_BIASED, embedding_norm=True),
    "gpt2": replace(_BIASED, positions=True),
    "gpt_bigcode": replace(_BIASED, positions=True),
    "gpt_neox": replace(_BIASED, tied=False, parallel=True),
    "gptj": replace(_BIASED, qkv_bias=False, output_bias=False, norms=1, parallel=True, tied=False, head_bias=True),
    "starcoder2": replace(_BIASED, windows="all"),
    "mimo": replace(_QWEN2),
    "mimo_v2_flash": Family(router_bias=True),
    "olmo2": Family(qk_norm="whole", windows="none"),
    "olmoe": Family(qk_norm="whole", windows="none"),
    "granite": LLAMA,
    "granitemoe": LLAMA,
    "seed_oss": Family(qkv_bias=True, output_bias=False),
    "smollm3": LLAMA,
    "cohere": Family(norms=1, parallel=True, tied=True, windows="none"),
    "nemotron-nas": LLAMA,
}
"""Families by ``model_type``."""

SAME_AS = {
    "kimi_k25": "kimi_k2",
    "kimi_k3": "kimi_linear",
    "minimax_m3_vl": "minimax_m3",
    "deepseek_vl_v2": "deepseek_v2",
    "qwen3_omni_moe_text": "qwen3_moe",
    "mistral3": "mistral",
    "RefinedWeb": "falcon",
    "RefinedWebModel": "falcon",
    "exaone_moe": "glm4_moe",
}
"""Types that are built like another type."""

_ENCODER_WORDS = """
    albert bart bert clip deberta deberta-v2 distilbert electra m2m_100 marian mbart modernbert mpnet mt5 pegasus
    roberta siglip t5 umt5 vit whisper xlm-roberta
"""
ENCODERS = frozenset(_ENCODER_WORDS.split())
"""Types with an encoder, alone or in front of a decoder; a shape cannot represent them."""
RECURRENT_FIELDS = ("mamba_", "ssm_", "linear_attn", "linear_num_", "conv_L_", "rwkv", "time_mix")
"""Prefixes of fields of recurrent layers: an unknown type that has them can't be read like Llama."""

REFUSED = {
    "compress_ratios": "a shape cannot represent attention over compressed keys and values",
    "altup_num_inputs": "a shape cannot represent several residual streams (AltUp)",
    "hc_mult": "a shape cannot represent several residual streams (hyper-connections)",
    "zero_expert_num": "a shape cannot represent experts that compute nothing",
    "decoder_layers": "a shape cannot represent a decoder beside an encoder",
    "num_memory_blocks": "a shape cannot represent memory blocks",
}
"""Fields that change a model in ways that a shape cannot represent, with the reason."""


def family(model_type: str) -> tuple[Family, bool]:
    """Return the defaults of a family, and whether the type is known; an unknown type is read like Llama.

    Examples
    --------
    >>> family("qwen3_moe")[0].qk_norm, family("something_new")[1]
    ('head', False)
    """
    name = SAME_AS.get(model_type, model_type)
    stem = name.removesuffix("_text")
    for known in (name, stem):
        if known in FAMILIES:
            return FAMILIES[known], True
    return LLAMA, False


def canonical(model_type: str) -> str:
    """Return the type that a type is built as.

    Examples
    --------
    >>> canonical("kimi_k25"), canonical("llama4_text")
    ('kimi_k2', 'llama4')
    """
    name = SAME_AS.get(model_type, model_type)
    stem = name.removesuffix("_text")
    return stem if stem in FAMILIES and name not in FAMILIES else name
