"""Shapes of models from the ``config.json`` that they are published with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from costmodel.compute.config_blocks import read_blocks
from costmodel.compute.config_families import ENCODERS, RECURRENT_FIELDS, REFUSED, Family, canonical, family
from costmodel.compute.config_fields import OTHER_PARTS, TEXT_PARTS, Fields, language_fields, load
from costmodel.compute.config_mixers import read_mixers, width_of
from costmodel.compute.groups import FeedForward, Group, Prediction, Routed
from costmodel.compute.mixers import Mixer
from costmodel.compute.shapes import Shape
from costmodel.foundation.errors import DomainError

_EMBEDDED = ("word_embed_proj_dim", "embedding_size")
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx")
_LETTERS = {"*": "attention", "E": "moe"}
_MTP = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules", "num_mtp_layers")


def shape_from_config(source: str | Path | Mapping[str, Any], name: str | None = None) -> Shape:
    """Return the shape of a model from its ``config.json``.

    Parameters
    ----------
    source
        The file, its folder, or its fields. Of a multimodal model, only the language model is read.
    name
        Name of the shape; by default from the file, or else its folder.

    Returns
    -------
    Shape
        Its ``notes`` name assumptions, and fields that were not read and may matter.

    Raises
    ------
    DomainError
        If the file can't be read, a field is missing, or a shape can't represent a field; the message names it.

    Examples
    --------
    >>> config = {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    ...           "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256}
    >>> from costmodel.compute.parameters import total_parameters
    >>> total_parameters(shape_from_config(config, "Llama-3-8B"))
    8030261248
    """
    whole = load(source)
    config, type_of = _opened(whole, called := name or _name_of(source, whole))
    kind, (traits, known) = canonical(type_of), family(type_of)
    shape = _build(config, traits, kind, called)
    notes = [] if known else [f"model_type {type_of!r} is not known: read by the meaning of its fields, like Llama"]
    notes += _readings(config, kind)
    if others := _other_parts(whole):
        which = ", ".join(others)
        notes.append(f"not counted: vision, audio and speech parts ({which}); weights are the language model's alone")
    unread = config.unread()
    if not known:
        for field in unread:
            if field.startswith(RECURRENT_FIELDS):
                raise config.refuse(field, f"recurrent layers of the unknown model_type {type_of!r} can't be read")
    if unread:
        notes.append(f"not read, and may matter: {', '.join(unread)}")
    return shape.noted(tuple(notes))


def layers_from_config(
    source: str | Path | Mapping[str, Any],
) -> tuple[str, list[tuple[Mixer | None, FeedForward | None]]]:
    """Return the type that a model is built as, and the mixer and feed-forward of every layer in order.

    Raises
    ------
    DomainError
        As :func:`shape_from_config`.
    """
    whole = load(source)
    config, type_of = _opened(whole, _name_of(source, whole))
    kind, (traits, _) = canonical(type_of), family(type_of)
    mixers = read_mixers(config, traits, kind)
    return kind, list(zip(mixers, read_blocks(config, traits, kind, len(mixers)), strict=True))


def _other_parts(whole: Mapping[str, Any]) -> list[str]:
    """Return the tables of a file that describe parts beside the language model."""
    nested = [whole[name] for name in TEXT_PARTS if isinstance(whole.get(name), Mapping)]
    return [name for name in OTHER_PARTS if any(table.get(name) for table in (whole, *nested))]


def _opened(whole: Mapping[str, Any], called: str) -> tuple[Fields, str]:
    """Return the fields of the language model, and its type."""
    where = f"config.json of {called!r}"
    if "quantization" in whole and not whole.keys() & {"model_type", "hidden_size", "num_hidden_layers"}:
        raise DomainError(f"{where}: quantization: states only how weights are stored; give the config.json beside it")
    given = _flattened(language_fields(whole))
    type_of = str(given.get("model_type") or whole.get("model_type") or "")
    config = Fields(given, family(type_of)[0].defaults, where)
    for stated, why in REFUSED.items():
        if config.has(stated):
            raise config.refuse(stated, why)
    field = "model_type" if type_of in ENCODERS else "is_encoder_decoder"
    if type_of in ENCODERS or given.get(field) is True:
        raise config.refuse(field, "a shape cannot represent a model with an encoder")
    return config, type_of


def _name_of(source: str | Path | Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return the name of a model from its file's content, folder or file name."""
    stated = config.get("_name_or_path") or config.get("name")
    if not isinstance(source, Mapping):
        path = Path(source)
        stem = path.stem.removesuffix("_config") if path.suffix else path.name
        return path.parent.name if stem == "config" and path.parent.name else stem
    return str(stated) if stated else str(config.get("model_type") or "config.json")


def _flattened(given: dict[str, Any]) -> dict[str, Any]:
    """Move nested tables of older files to the top: ``attn_config``, ``ffn_config``, ``ssm_cfg``."""
    flat = _state_space(given) if "ssm_cfg" in given else dict(given)
    for name in ("attn_config", "ffn_config"):
        inner = flat.pop(name, None)
        if isinstance(inner, Mapping):
            flat = {**{key: value for key, value in inner.items() if key not in _OF_ATTENTION}, **flat}
    if "no_bias" in flat:
        flat["bias"] = not flat.pop("no_bias")
    return flat


def _state_space(given: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration of the state-spaces repository in the words of transformers, with its defaults."""
    whole = Fields(given, {}, "config.json")
    stated = given["ssm_cfg"] or {}
    if not isinstance(stated, Mapping):
        raise whole.refuse("ssm_cfg", "must be a table of fields")
    cell, of_cell = dict(stated), Fields(stated, {}, "config.json, ssm_cfg")
    multiple = whole.whole("pad_vocab_size_multiple", absent=1, least=1)
    kind = "mamba2" if str(cell.get("layer", "Mamba1")) == "Mamba2" else "mamba"
    inner = whole.whole("d_model", least=1) * of_cell.whole("expand", absent=2, least=1)
    rest = {key: value for key, value in given.items() if key not in ("ssm_cfg", "d_intermediate", "attn_layer_idx")}
    head_dim = of_cell.whole("headdim", absent=64, least=1)
    return rest | {
        "model_type": kind,
        "vocab_size": -(-whole.whole("vocab_size", least=1) // multiple) * multiple,
        "state_size": cell.get("d_state", 128 if kind == "mamba2" else 16),
        "conv_kernel": cell.get("d_conv", 4),
        "n_groups": cell.get("ngroups", 1),
        "expand": cell.get("expand", 2),
        **({"num_heads": inner // head_dim, "head_dim": head_dim} if kind == "mamba2" else {}),
    }


_OF_ATTENTION = frozenset({"alibi", "alibi_bias_max", "attn_impl", "attn_pdrop", "attn_type", "attn_uses_sequence_id"})


def _build(config: Fields, traits: Family, kind: str, name: str) -> Shape:
    """Build the shape from its layers and the parts outside them."""
    mixers = read_mixers(config, traits, kind)
    blocks = read_blocks(config, traits, kind, len(mixers))
    groups = _grouped(config, traits, kind, mixers, blocks)
    positions = config.whole(*_POSITIONS) + traits.position_offset if traits.positions else 0
    width = config.whole(*_EMBEDDED, absent=0)
    return Shape(
        name=name,
        d_model=width_of(config),
        vocabulary=config.whole("vocab_size", "padded_vocab_size", least=1),
        groups=groups,
        tied_embeddings=config.flag("tie_word_embeddings", "tie_embeddings", absent=traits.tied),
        positions=positions,
        norm_bias=traits.norm_bias,
        final_norm=config.flag("do_layer_norm_before", absent=True),
        embedding_norm=traits.embedding_norm,
        embedding_width=0 if width == width_of(config) else width,
        head_bias=traits.head_bias and config.flag("lm_head_bias", absent=True),
        layer_input=config.whole("hidden_size_per_layer_input", absent=0),
        prediction=_prediction(config, kind, groups),
    )


def _grouped(
    config: Fields, traits: Family, kind: str, mixers: list[Mixer | None], blocks: list[FeedForward | None]
) -> tuple[Group, ...]:
    """Group equal layers, in the order in which each kind first appears."""
    counts: dict[tuple[Mixer | None, FeedForward | None], int] = {}
    for pair in zip(mixers, blocks, strict=True):
        counts[pair] = counts.get(pair, 0) + 1
    norms, extra = _norms(config, traits, kind), _extra(config, kind)
    parallel = config.flag("use_parallel_residual", "parallel_attn", absent=traits.parallel)
    return tuple(
        Group(
            layers=layers,
            mixer=mixer,
            feed_forward=block,
            norms=_norms_of(kind, norms, mixer, block),
            norm_bias=traits.norm_bias,
            parallel=parallel,
            extra=extra,
        )
        for (mixer, block), layers in counts.items()
    )


def _norms(config: Fields, traits: Family, kind: str) -> int:
    """Return the norms of a layer."""
    if kind == "falcon":
        two = config.flag("new_decoder_architecture") and config.whole("num_ln_in_parallel_attn", absent=2) == 2
        return 2 if two or not config.flag("parallel_attn", absent=True) else 1
    if kind == "gemma4" and config.flag("enable_moe_block"):
        return traits.norms + 3
    return traits.norms


def _norms_of(kind: str, norms: int, mixer: Mixer | None, block: FeedForward | None) -> int:
    """Return the norms of one kind of layer; a half-layer that a searched model leaves out has none."""
    if kind != "nemotron-nas":
        return norms
    return int(mixer is not None) + int(block is not None)


def _extra(config: Fields, kind: str) -> int:
    """Return a layer's additional elements."""
    width = width_of(config)
    if kind == "gemma4":
        # a scalar; of the router a scale per width and one per expert
        routed = width + config.whole("num_experts", absent=0) if config.flag("enable_moe_block") else 0
        return 1 + routed
    if config.has("attn_res_block_size"):
        return 4 * width  # two queries over earlier blocks, with a norm each
    return 0


def _prediction(config: Fields, kind: str, groups: tuple[Group, ...]) -> Prediction | None:
    """Read heads for multi-token prediction: each a layer like the last, unless a list says otherwise."""
    heads = config.whole(*_MTP, absent=0)
    config.raw("mtp_use_dedicated_embeddings", "mtp_transformer_layers", "use_mtp")
    pattern = config.raw("mtp_hybrid_override_pattern") or ""
    if not isinstance(pattern, str):
        raise config.refuse("mtp_hybrid_override_pattern", "must be letters")
    words = config.rows("mtp_layers_block_type") or [_LETTERS[letter] for letter in pattern if letter in _LETTERS]
    if not heads or (kind == "nemotron_h" and not words):
        return None
    if words:
        layers = tuple(_like(groups, word) for word in words)
    else:
        routed = [group for group in groups if isinstance(group.feed_forward, Routed)]
        softmax = [group for group in (routed or groups) if group.mixer is not None and group.mixer.cached_elements]
        layers = (_one(softmax[-1] if softmax else groups[-1]),)
    return Prediction(heads=heads, groups=layers)


def _like(groups: tuple[Group, ...], word: str) -> Group:
    """Return one layer of the kind that a word stands for."""
    for group in groups:
        attends = group.mixer is not None and group.mixer.cached_elements > 0
        if (word == "attention" and attends) or (word == "moe" and isinstance(group.feed_forward, Routed)):
            return _one(group)
    return _one(groups[-1])


def _one(group: Group) -> Group:
    return Group(
        layers=1,
        mixer=group.mixer,
        feed_forward=group.feed_forward,
        norms=group.norms,
        norm_bias=group.norm_bias,
        parallel=group.parallel,
        extra=group.extra,
    )


def _readings(config: Fields, kind: str) -> list[str]:
    """Return remarks on fields that the shape represents in a simplified way."""
    found = []
    if config.raw("attention_chunk_size") and kind == "llama4":
        found.append("attention_chunk_size: attention inside chunks is read as a window of that length")
    config.raw("index_share_for_mtp_iteration")
    if config.raw("attn_res_block_size"):
        found.append("attn_res_block_size: attention over earlier blocks counts by its weights alone")
    return found
