"""The feed-forward of every layer, read from a published configuration."""

from __future__ import annotations

from costmodel.compute.config_families import Family
from costmodel.compute.config_fields import Fields
from costmodel.compute.config_mixers import width_of
from costmodel.compute.groups import GATED, PLAIN, Dense, FeedForward, Routed

_INNER = ("intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim", "hidden_dim", "d_ff")
_EXPERTS = ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts")
_TOP_K = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "experts_per_token",
    "top_k_experts",
    "moe_top_k",
    "moe_k",
    "moe_topk",
)
_SHARED = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")
_SHARED_WIDTH = (
    "shared_expert_intermediate_size",
    "moe_shared_expert_intermediate_size",
    "share_expert_dim",
    "shared_intermediate_size",
)
_DENSE_WIDTH = ("intermediate_size_mlp", "dense_intermediate_size", *_INNER)
_PLAIN_ACTIVATIONS = ("relu", "relu2", "gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh")
SEARCHED_MULTIPLE = 256
"""Multiple to which the inner width of a layer found by architecture search is rounded up [1] (nvidia/
Llama-3_3-Nemotron-Super-49B-v1, modeling_decilm.py)."""


def read_blocks(config: Fields, family: Family, kind: str, layers: int) -> list[FeedForward | None]:
    """Return the feed-forward of every layer, in order.

    Parameters
    ----------
    config
        The fields.
    family
        Defaults of the family.
    kind
        Its ``model_type``.
    layers
        How many layers there are.
    """
    if kind in ("mamba", "mamba2"):
        return [None] * layers
    if kind == "nemotron-nas":
        return _searched_blocks(config, layers)
    if kind == "nemotron_h":
        return _pattern_blocks(config, family, layers)
    experts = config.whole(*_EXPERTS, absent=0)
    if experts <= 1 or (kind == "gemma4" and not config.flag("enable_moe_block")):
        return [_dense(config, family, kind, layer, layers) for layer in range(layers)]
    routed = _routed(config, family, kind, experts)
    return [
        routed if is_routed else _dense(config, family, kind, layer, layers)
        for layer, is_routed in enumerate(_routed_layers(config, kind, layers))
    ]


def _matrices(config: Fields, family: Family) -> int:
    """Return how many matrices an MLP has: a gate, unless the family or its activation has none."""
    act = str(config.raw("hidden_act", "activation_function", "mlp_hidden_act", "hidden_activation") or "")
    if config.raw("ffn_config", "gated_linear_unit") is not None or not family.gated:
        return PLAIN
    return PLAIN if act in ("relu2",) else GATED


def _mlp_bias(config: Fields, family: Family) -> bool:
    """Return whether MLPs have biases."""
    if family.mlp_bias is not None:
        return family.mlp_bias
    return config.flag("mlp_bias", "add_bias_linear", "bias", "use_bias")


def _inner_width(config: Fields, family: Family, names: tuple[str, ...] = _INNER) -> int:
    """Return the inner width: by name, or a multiple of the model's width."""
    ratio = config.number("expansion_ratio", "ffn_hidden_multiplier") or family.inner_ratio
    return config.whole(*names, absent=round(width_of(config) * ratio) if ratio else None, least=1)


def _dense(config: Fields, family: Family, kind: str, layer: int, layers: int) -> Dense:
    """Read a dense MLP; in some models the last layers, which reuse a cache, have twice the width."""
    names = _DENSE_WIDTH if config.whole(*_EXPERTS, absent=0) > 1 or kind == "llama4" else _INNER
    inner = _inner_width(config, family, names)
    shared = config.whole("num_kv_shared_layers", absent=0)
    if config.flag("use_double_wide_mlp") and shared and layer >= layers - shared:
        inner *= 2
    return Dense(d_ff=inner, mlp_matrices=_matrices(config, family), bias=_mlp_bias(config, family))


def _routed(config: Fields, family: Family, kind: str, experts: int) -> Routed:
    """Read a mixture of experts."""
    widths = ("moe_intermediate_size", "expert_intermediate_size")
    expert = config.whole(*widths, least=1) if config.has(*widths) else _inner_width(config, family)
    config.raw(*_DENSE_WIDTH)
    shared, shared_width = config.whole(*_SHARED, absent=0), config.whole(*_SHARED_WIDTH, absent=0)
    if shared_width and not shared:
        shared = 1
    if kind == "llama4":
        shared, shared_width = 1, expert
    if kind == "gemma4":  # the dense MLP beside the experts
        shared, shared_width = 1, _inner_width(config, family)
    width = config.whole("moe_latent_size", "routed_expert_hidden_size", absent=0)
    return Routed(
        experts=experts,
        top_k=config.whole(*_TOP_K, least=1, most=experts),
        d_ff_expert=expert,
        shared_experts=shared,
        d_ff_shared=shared_width if shared_width != expert else 0,
        mlp_matrices=_matrices(config, family),
        bias=_mlp_bias(config, family),
        router_bias=_router_bias(config, family),
        shared_gate=family.shared_gate and shared > 0,
        width=width,
        width_norm=width if width and config.flag("latent_moe_use_norm") else 0,
    )


def _router_bias(config: Fields, family: Family) -> bool:
    """Return whether routers have a bias per expert, learned or set by load balancing."""
    stated = config.raw("use_routing_bias", "use_moe_router_bias", "moe_router_enable_expert_bias", "use_expert_bias")
    if stated is not None:
        return bool(stated)
    return family.router_bias or config.raw("topk_method") == "noaux_tc"


def _routed_layers(config: Fields, kind: str, layers: int) -> list[bool]:
    """Return which layers are a mixture of experts."""
    if isinstance(config.raw("moe_layers"), list):
        chosen = set(config.words("moe_layers"))
        return [layer in chosen for layer in range(layers)]
    words = config.rows("mlp_layer_types", length=layers)
    if words:
        config.raw("first_k_dense_replace", "moe_layer_freq")
        return [word != "dense" for word in words]
    if isinstance(config.raw("moe_layer_freq"), list):
        config.raw("first_k_dense_replace")
        return [bool(number) for number in config.rows("moe_layer_freq", length=layers)]
    if config.has("expert_layer_period"):
        period, offset = config.whole("expert_layer_period", least=1), config.whole("expert_layer_offset", absent=0)
        return [layer % period == offset for layer in range(layers)]
    if kind == "llama4":
        step = config.whole("interleave_moe_layer_step", least=1)
        return [(layer + 1) % step == 0 for layer in range(layers)]
    first = config.whole("first_k_dense_replace", "moe_layer_start_index", absent=0)
    step = config.whole("decoder_sparse_step", absent=1)
    frequency = config.whole("moe_layer_freq", "moe_layer_interval", absent=1)
    dense = set(config.words("mlp_only_layers")) | set(range(min(first, layers)))
    routed = [step > 0 and (layer + 1) % step == 0 and layer % max(frequency, 1) == 0 for layer in range(layers)]
    return [chosen and layer not in dense for layer, chosen in enumerate(routed)]


def _pattern_blocks(config: Fields, family: Family, layers: int) -> list[FeedForward | None]:
    """Read the layers of a hybrid in which a layer is either a mixer or a feed-forward."""
    pattern = config.raw("hybrid_override_pattern") or config.rows("layers_block_type", length=layers)
    found: list[FeedForward | None] = []
    for word in pattern:
        if word in ("E", "moe"):
            found.append(_routed(config, family, "nemotron_h", config.whole(*_EXPERTS)))
        elif word in ("-", "mlp"):
            found.append(_dense(config, family, "nemotron_h", 0, layers))
        else:
            found.append(None)
    return found


def _searched_blocks(config: Fields, layers: int) -> list[FeedForward | None]:
    """Read a model found by architecture search: each layer gives its own inner width, or no feed-forward."""
    width = width_of(config)
    found: list[FeedForward | None] = []
    for own in config.parts("block_configs", "ffn", layers):
        if own.flag("replace_with_linear"):
            raise config.refuse("block_configs", "a shape cannot represent a feed-forward replaced by a linear layer")
        if own.flag("no_op"):
            found.append(None)
            continue
        multiple = own.number("ffn_mult")
        if multiple is None:
            raise config.refuse("block_configs", "a layer has neither ffn_mult nor no_op")
        inner = int(2 * multiple * width / 3)
        found.append(Dense(d_ff=-(-inner // SEARCHED_MULTIPLE) * SEARCHED_MULTIPLE))
    return found
