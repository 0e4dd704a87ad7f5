"""The mixer of every layer, read from a published configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from costmodel.compute.config_families import Family
from costmodel.compute.config_fields import Fields
from costmodel.compute.mixers import Attention, Indexer, LatentAttention, Mixer
from costmodel.compute.recurrent import gated_delta, kimi_delta, lightning, mamba, mamba2

FULL, SLIDING, LINEAR, CHUNKED, NONE = "full", "sliding", "linear", "chunked", "none"
_WORDS = {
    "full_attention": FULL,
    "attention": FULL,
    "sliding_attention": SLIDING,
    "linear_attention": LINEAR,
    "chunked_attention": CHUNKED,
    "mamba": LINEAR,
    "moe": NONE,
    "mlp": NONE,
    "hybrid": LINEAR,
    "deepseek_sparse_attention": FULL,
    "sparse_attention": FULL,
}
_LETTERS = {"M": LINEAR, "*": FULL, "-": NONE, "E": NONE}
MOST_LAYERS = 10_000
"""Largest number of layers that a file may have [1]; the deepest published transformer has 1,000 (Wang et al. 2022,
"DeepNet", arXiv 2203.00555)."""
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_WIDTH = ("hidden_size", "n_embd", "d_model", "dim", "n_embed")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "num_attention_groups", "kv_n_heads")


def width_of(config: Fields) -> int:
    """Return the width of the residual stream."""
    return config.whole(*_WIDTH, least=1)


def heads_of(config: Fields) -> int:
    """Return the query heads."""
    return config.whole(*_HEADS, least=1)


def layers_of(config: Fields) -> int:
    """Return the number of layers; the length of a written pattern takes precedence over a number."""
    for name in ("hybrid_override_pattern", "layers_block_type"):
        pattern = config.raw(name)
        if pattern:
            if not isinstance(pattern, str | list) or len(pattern) > MOST_LAYERS:
                raise config.refuse(name, f"must have one word per layer, for at most {MOST_LAYERS:,} layers")
            config.raw(*_LAYERS)
            return len(pattern)
    return config.whole(*_LAYERS, least=1, most=MOST_LAYERS)


def read_mixers(config: Fields, family: Family, kind: str) -> list[Mixer | None]:
    """Return the mixer of every layer, in order.

    Parameters
    ----------
    config
        The fields.
    family
        Defaults of the family.
    kind
        Its ``model_type``.
    """
    layers = layers_of(config)
    if kind == "nemotron-nas":
        return _searched_mixers(config, family, layers)
    words = _layer_words(config, family, kind, layers)
    shared = config.whole("num_kv_shared_layers", absent=0)
    build = _softmax(config, family, kind) if set(words) - {LINEAR, NONE} else None
    recurrence = _recurrence(config, kind) if LINEAR in words else None
    sparse = _sparse_layers(config, layers)
    found: list[Mixer | None] = []
    for layer, word in enumerate(words):
        if word == NONE:
            found.append(None)
        elif word == LINEAR:
            found.append(recurrence)
        elif build is not None:
            found.append(build(word, layer >= layers - shared if shared else False, sparse[layer]))
    return found


def _layer_words(config: Fields, family: Family, kind: str, layers: int) -> list[str]:
    """Return the kind of mixer of every layer."""
    pattern = config.raw("hybrid_override_pattern")
    if isinstance(pattern, str):
        unknown = sorted(set(pattern) - set(_LETTERS))
        if unknown:
            raise config.refuse("hybrid_override_pattern", f"layers of kind {', '.join(unknown)} are not known")
        return [_LETTERS[letter] for letter in pattern]
    written = config.words("layer_types", "layers_block_type", length=layers)
    if written:
        config.raw("full_attention_interval", "sliding_window_pattern", "_sliding_window_pattern")
        unknown = sorted({str(word) for word in written} - set(_WORDS))
        if unknown:
            raise config.refuse("layer_types", f"layers of type {', '.join(unknown)} are not known")
        words = [_WORDS[str(word)] for word in written]
        return words if _window(config) else [FULL if word == SLIDING else word for word in words]
    hybrid = _hybrid_words(config, kind, layers)
    return hybrid or _window_words(config, family, layers)


def _hybrid_words(config: Fields, kind: str, layers: int) -> list[str]:
    """Return the kinds of layers of a hybrid without a list of words; empty for any other model."""
    numbers = config.rows("attn_type_list", length=layers)
    if numbers:  # MiniMax-01: 1 is softmax attention, 0 is lightning attention
        return [FULL if number else LINEAR for number in numbers]
    if kind in ("mamba", "mamba2"):
        return [LINEAR] * layers
    if config.has("linear_attn_config"):
        full = set(config.table("linear_attn_config").words("full_attn_layers"))
        return [FULL if layer + 1 in full else LINEAR for layer in range(layers)]
    if config.has("attn_layer_period"):
        period, offset = config.whole("attn_layer_period", least=1), config.whole("attn_layer_offset", absent=0)
        return [FULL if layer % period == offset else LINEAR for layer in range(layers)]
    if config.has("full_attention_interval") and config.has("linear_num_value_heads"):
        interval = config.whole("full_attention_interval", least=1)
        return [FULL if (layer + 1) % interval == 0 else LINEAR for layer in range(layers)]
    return []


def _window(config: Fields) -> int:
    """Return the tokens of a sliding window; 0 where there is none or it is switched off."""
    if config.raw("use_sliding_window") is False:
        config.raw("sliding_window")
        return 0
    return config.whole("sliding_window", "attention_window", absent=0)


def _window_words(config: Fields, family: Family, layers: int) -> list[str]:
    """Return which layers have a window where the file has no list."""
    numbers = config.rows("hybrid_layer_pattern", length=layers)
    if numbers:
        return [SLIDING if number else FULL for number in numbers]
    if config.has("attention_chunk_size"):
        turned = config.rows("no_rope_layers", length=layers)
        step = config.whole("no_rope_layer_interval", absent=4, least=1)
        turned = turned or [int((layer + 1) % step != 0) for layer in range(layers)]
        return [CHUNKED if turns else FULL for turns in turned]
    if not _window(config):
        return [FULL] * layers
    if family.windows == "all":
        return [SLIDING] * layers
    if family.windows == "alternate":
        return [SLIDING if layer % 2 == 0 else FULL for layer in range(layers)]
    letters = config.raw("sliding_window_pattern", "_sliding_window_pattern")
    if isinstance(letters, str):  # EXAONE: L for a layer with a window, G for one without, over and over
        if not letters or set(letters) - {"L", "G"}:
            raise config.refuse("sliding_window_pattern", "letters other than L and G are not known")
        return [SLIDING if letters[layer % len(letters)] == "L" else FULL for layer in range(layers)]
    period = config.whole("sliding_window_pattern", "_sliding_window_pattern", absent=0)
    if period:
        return [FULL if (layer + 1) % period == 0 else SLIDING for layer in range(layers)]
    first = config.whole("max_window_layers", absent=0)
    return [SLIDING if layer >= first else FULL for layer in range(layers)]


def _sparse_layers(config: Fields, layers: int) -> list[bool]:
    """Return which layers choose the tokens that they read, with an indexer of their own."""
    if config.has("sparse_attention_config"):
        sparse = config.table("sparse_attention_config")
        chosen = sparse.rows("sparse_attention_freq", length=layers)
        return [bool(number) for number in chosen] or [True] * layers
    config.raw("index_topk_freq", "index_skip_topk_offset")
    words = config.rows("indexer_types", length=layers)  # a shared indexer is another layer's: its choice is used
    return [word != "shared" for word in words] or [config.has("index_topk")] * layers


def _softmax(config: Fields, family: Family, kind: str) -> Callable[[str, bool, bool], Mixer]:
    """Return a function that builds a layer's attention from its word, and whether it reuses a cache and is sparse."""
    if config.has("kv_lora_rank"):
        mixer = _latent(config, family)
        follower = replace(mixer, indexer=None)
        return lambda word, reuses, sparse: mixer if sparse else follower
    fields = _grouped_fields(config, family, kind)

    def build(word: str, reuses: bool, sparse: bool) -> Mixer:
        own = dict(fields[word])
        if sparse:
            own |= _selection(config)
        return Attention(**own, reuses_cache=reuses)

    return build


def _latent(config: Fields, family: Family) -> LatentAttention:
    """Read multi-head latent attention."""
    heads, q_rank = heads_of(config), config.whole("q_lora_rank", absent=0)
    config.raw(*_KV_HEADS, "head_dim", "qk_head_dim")
    value_dim = config.whole("v_head_dim")
    indexer = None
    if config.has("index_topk"):
        dim = config.whole("index_head_dim")
        # the norm on its keys has a bias
        indexer = Indexer(heads=config.whole("index_n_heads"), dim=dim, query_rank=q_rank, norm=2 * dim)
    config.raw("mla_use_nope")
    return LatentAttention(
        heads=heads,
        q_rank=q_rank,
        kv_rank=config.whole("kv_lora_rank"),
        nope_dim=config.whole("qk_nope_head_dim"),
        rope_dim=config.whole("qk_rope_head_dim", absent=0),
        value_dim=value_dim,
        selected=config.whole("index_topk", absent=0),
        indexer=indexer,
        gate=heads * value_dim if config.flag("mla_use_output_gate") else 0,
        bias=config.flag("attention_bias"),
    )


def _grouped_fields(config: Fields, family: Family, kind: str) -> dict[str, dict[str, Any]]:
    """Return the fields of attention by the kind of layer."""
    heads = heads_of(config)
    head_dim = config.whole("head_dim", "attention_head_dim", "kv_channels", absent=width_of(config) // heads)
    stated = config.raw("attention_bias")
    bias = bool(stated) or config.flag("qkv_bias", "use_qkv_bias", "add_qkv_bias", "bias", "use_bias")
    output = bool(stated) or config.flag("bias", "use_bias")
    full: dict[str, Any] = {
        "heads": heads,
        "kv_heads": _kv_heads(config, kind, heads),
        "head_dim": head_dim,
        "value_dim": config.whole("v_head_dim", absent=0),
        "qk_norm": _qk_norm(config, family),
        "bias": bias if family.qkv_bias is None else family.qkv_bias and stated is not False,
        "output_bias": output if family.output_bias is None else family.output_bias and stated is not False,
        "gate": _gate(config, heads, head_dim),
        "sinks": family.sinks or config.flag("add_full_attention_sink_bias"),
    }
    near = {
        **full,
        "window": _window(config),
        "heads": config.whole("swa_num_attention_heads", absent=heads),
        "kv_heads": config.whole("swa_num_key_value_heads", absent=full["kv_heads"]),
        "head_dim": config.whole("swa_head_dim", absent=head_dim),
        "value_dim": config.whole("swa_v_head_dim", absent=full["value_dim"]),
        "sinks": family.sinks or config.flag("add_swa_attention_sink_bias"),
    }
    chunked = {**full, "window": config.whole("attention_chunk_size", absent=0)}
    if kind == "gemma4":
        full = _gemma4_global(config, full)
    return {FULL: full, SLIDING: near, CHUNKED: chunked}


def _kv_heads(config: Fields, kind: str, heads: int) -> int:
    """Return the number of key-value heads: as the file gives it, or 1 for multi-query attention."""
    if config.has("multi_query_group_num"):
        return (
            config.whole("multi_query_group_num", least=1)
            if config.flag("multi_query_attention", absent=True)
            else heads
        )
    if kind == "falcon" and not config.flag("new_decoder_architecture"):
        config.raw(*_KV_HEADS)
        return 1 if config.flag("multi_query", absent=True) else heads
    if config.flag("multi_query") and not config.has(*_KV_HEADS):
        return 1
    return config.whole(*_KV_HEADS, absent=heads, least=1)


def _gemma4_global(config: Fields, full: dict[str, Any]) -> dict[str, Any]:
    """Return the global attention of Gemma 4: wider heads, fewer key-value heads, keys that serve as values."""
    alike = config.flag("attention_k_eq_v")
    kv_heads = config.whole("num_global_key_value_heads", absent=full["kv_heads"])
    return {
        **full,
        "head_dim": config.whole("global_head_dim", absent=full["head_dim"]),
        "kv_heads": kv_heads if alike else full["kv_heads"],
        "shared_values": alike,
    }


def _qk_norm(config: Fields, family: Family) -> str:
    """Return the norms on queries and keys that have weights."""
    kind = config.raw("qk_norm_type")
    if config.flag("use_qk_norm", "qk_layernorm", absent=False) and config.raw("model_type") != "llama4_text":
        # Llama 4 norms queries and keys without weights
        return {"per_layer": "whole"}.get(str(kind), "head")
    return family.qk_norm


def _gate(config: Fields, heads: int, head_dim: int) -> int:
    """Return the columns of a projection that gates the output."""
    if config.flag("attn_output_gate", "attention_output_gate"):
        return heads * head_dim
    return heads if config.flag("use_head_wise_attn_gate") else 0


def _selection(config: Fields) -> dict[str, Any]:
    """Return the fields of sparse attention that picks blocks of tokens."""
    sparse = config.table("sparse_attention_config")
    dim = sparse.whole("sparse_index_dim")
    heads = sparse.whole("sparse_num_index_heads")
    tokens = sparse.whole("sparse_topk_blocks") * sparse.whole("sparse_block_size")
    return {"selected": tokens, "indexer": Indexer(heads=heads, dim=dim, head_weights=False, norm=2 * dim)}


def _recurrence(config: Fields, kind: str) -> Mixer:
    """Read the mixer of recurrent layers."""
    width = width_of(config)
    if config.has("linear_num_value_heads"):
        return gated_delta(
            d_model=width,
            key_heads=config.whole("linear_num_key_heads"),
            value_heads=config.whole("linear_num_value_heads"),
            key_dim=config.whole("linear_key_head_dim"),
            value_dim=config.whole("linear_value_head_dim"),
            kernel=config.whole("linear_conv_kernel_dim"),
        )
    if config.has("linear_attn_config"):
        linear = config.table("linear_attn_config")
        return kimi_delta(
            d_model=width,
            heads=linear.whole("num_heads"),
            head_dim=linear.whole("head_dim"),
            kernel=linear.whole("short_conv_kernel_size"),
            full_gate=linear.flag("use_full_rank_gate"),
        )
    if kind.startswith("minimax"):
        heads = heads_of(config)
        return lightning(d_model=width, heads=heads, head_dim=config.whole("head_dim", absent=width // heads))
    if config.has("mamba_num_heads", "mamba_n_heads") or kind == "mamba2":
        return _mamba2(config, width)
    if config.has("mamba_d_state") or kind == "mamba":
        return _mamba(config, width)
    raise config.refuse("layer_types", "recurrent layers of this family are not known")


def _mamba2(config: Fields, width: int) -> Mixer:
    """Read a Mamba 2 mixer."""
    own = config.raw("mamba_num_heads", "mamba_n_heads") is not None
    heads = config.whole("mamba_num_heads", "mamba_n_heads") if own else config.whole("num_heads")
    head_dim = config.whole("mamba_head_dim", "mamba_d_head") if own else config.whole("head_dim")
    config.raw("expand", "mamba_expand", "time_step_rank", "mamba_proj_bias")
    return mamba2(
        d_model=width,
        heads=heads,
        head_dim=head_dim,
        state=config.whole("ssm_state_size", "state_size", "mamba_d_state"),
        groups=config.whole("n_groups", "mamba_n_groups", absent=1),
        kernel=config.whole("conv_kernel", "mamba_d_conv", absent=4),
        conv_bias=config.flag("use_conv_bias", "mamba_conv_bias", absent=True),
        bias=config.flag("use_bias", "mamba_proj_bias"),
    )


def _mamba(config: Fields, width: int) -> Mixer:
    """Read a Mamba mixer."""
    inner = width * config.whole("mamba_expand", "expand", absent=2)
    rank = config.raw("mamba_dt_rank", "time_step_rank")
    return mamba(
        d_model=width,
        inner=config.whole("intermediate_size", absent=inner) if not config.has("mamba_d_state") else inner,
        state=config.whole("mamba_d_state", "state_size"),
        kernel=config.whole("mamba_d_conv", "conv_kernel", absent=4),
        rank=-(-width // 16) if rank in (None, "auto") else config.whole("mamba_dt_rank", "time_step_rank"),
        conv_bias=config.flag("mamba_conv_bias", "use_conv_bias", absent=True),
        bias=config.flag("mamba_proj_bias", "use_bias"),
        norms=config.has("mamba_d_state"),
    )


def _searched_mixers(config: Fields, family: Family, layers: int) -> list[Mixer | None]:
    """Read a model found by architecture search: each layer gives its own attention, or none."""
    heads = heads_of(config)
    head_dim = config.whole("head_dim", absent=width_of(config) // heads)
    found: list[Mixer | None] = []
    for own in config.parts("block_configs", "attention", layers):
        if own.flag("replace_with_linear"):
            raise config.refuse("block_configs", "a shape cannot represent attention replaced by a linear layer")
        if own.flag("no_op"):
            found.append(None)
            continue
        found.append(
            Attention(
                heads=heads,
                kv_heads=heads // own.whole("n_heads_in_group", least=1),
                head_dim=head_dim,
                window=own.whole("window_length", absent=0),
            )
        )
    return found
