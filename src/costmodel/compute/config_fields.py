"""Fields of a published ``config.json``: read them by name, and report those left unread."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from costmodel.compute.written import LARGEST
from costmodel.foundation.errors import DomainError
from costmodel.foundation.files import read_json

CONFIG = "config.json"
"""Name of the file that a model is published with."""
QUANTIZATION = "hf_quant_config.json"
"""Name of the file beside it in which some tools describe how weights are stored."""
LARGEST_FILE = 64_000_000
"""Largest file that is read [byte]; published ones have up to 2.5 million bytes."""
LARGEST_RATIO = 1e6
"""Largest ratio of two widths [1]."""
TEXT_PARTS = ("text_config", "llm_config", "language_config", "thinker_config", "language_model_config")
"""Entries in which multimodal models keep the fields of their language model."""
OTHER_PARTS = ("vision_config", "audio_config", "talker_config", "token2wav_config", "code2wav_config")
"""Tables of vision, audio and speech parts."""
_NEUTRAL_WORDS = """
    _name_or_path _remove_final_layer_norm activation activation_function activation_situ_beta
    activation_situ_linear_beta alibi apply_query_key_layer_scaling apply_residual_connection_post_layernorm
    architectures attention_dropout attention_dropout_prob attention_multiplier attention_probs_dropout_prob
    attention_softmax attention_softmax_in_fp32 attention_value_scale attn_implementation attn_logit_softcapping
    attn_pdrop audio_token_id auto_map aux_loss_alpha beta_fast beta_slow bias_dropout_fusion
    boa_token_id boi_token_id boi_token_index bos_token_id chunk_size classifier_dropout compress_rope_theta
    decoder_start_token_id dropout dtype emb_pdrop embd_pdrop embedding_fraction embedding_multiplier enable_bias
    eoa_token_id eoa_token_index eoi_token_id eoi_token_index eos_token_id ep_size expert_dtype
    final_logit_softcapping fp32_residual_connection freeze_moe_router fused_add_norm gate_lower_bound
    global_rope_theta gradient_accumulation hidden_act hidden_activation hidden_dropout hidden_dropout_prob
    id2label ignore_index image_grid_pinpoints image_placeholder image_seq_length image_token_id image_token_index
    img_token_compression_config indexer_rope_interleave init_config init_device initial_context_length
    initializer_factor initializer_range interleaved_qkv label2id layer_norm_elementwise_affine layer_norm_eps
    layer_norm_epsilon layerdrop layernorm_compute_fp32 layernorm_epsilon learned_pos_emb local_rope_theta
    logit_scale logits_scaling loss_type mamba_chunk_size mamba_hidden_act mamba_ssm_cache_dtype mamba_ssm_dtype
    masked_softmax_fusion max_position_embeddings max_seq_len max_sequence_length max_window_layers
    media_placeholder_token_id mlp_hidden_act mm_tokens_per_image model_max_length model_type moe_renormalize
    moe_router_activation_func moe_router_dtype moe_router_scaling_factor moe_shared_expert_overlap mrope_section
    multi_query_attention_bias multimodal_projector_bias n_ctx n_group n_positions name_or_path norm_eps
    norm_epsilon norm_topk_prob norm_type num_expert_group num_logits_to_keep num_reward_heads offset_alibi
    original_max_length original_max_position_embeddings original_rope output_gate_type output_router_logits
    pad_token_id pad_vocab_size_multiple partial_rotary_factor post_layer_norm pre_seq_len prefix_projection
    pretraining_tp process_image_mode projector_hidden_act projector_hidden_size quantization quantization_config
    query_pre_attn_scalar reorder_and_upcast_attn rescale_prenorm_residual resid_pdrop residual_dropout
    residual_in_fp32 residual_multiplier rms_norm rms_norm_eps rmsnorm rope_interleave rope_local_base_freq
    rope_parameters rope_ratio rope_scaling rope_theta rope_type rotary_dim rotary_emb_base rotary_pct
    rotary_percent routed_scaling_factor router_aux_loss_coef router_dtype router_jitter_noise
    router_scaling_factor router_z_loss_coef scale_attn_by_inverse_layer_idx scale_attn_weights scoring_func
    seq_aux seq_len seq_length skip_bias_add skip_bias_add_qkv sliding_window_size slow_but_exact
    summary_activation summary_first_dropout summary_proj_to_labels summary_type summary_use_proj swa_rope_theta
    swiglu_alpha swiglu_limit task_specific_params time_step_floor time_step_limit time_step_max time_step_min
    time_step_rank_scale tokenizer_name topk_group topk_method torch_dtype transformers_version unk_token_id
    use_alibi use_bidirectional_attention use_cache use_expert_bias_update use_gemma_norm use_grouped_topk
    use_mamba_kernels use_mrope use_qkv_bias_in_fp32 use_unified_vision_chunk verbose video_placeholder
    video_token_id video_token_index vision_end_token_id vision_feature_layer
    vision_feature_select_strategy vision_soft_tokens_per_image vision_start_token_id vocab_size_per_layer_input
"""
NEUTRAL = frozenset(_NEUTRAL_WORDS.split())
"""Fields that affect neither parameters, cache nor compute: position rates, tokens, training, dtypes."""
_INHERITED_WORDS = """
    add_cross_attention bad_words_ids begin_suppress_tokens chunk_size_feed_forward cross_attention_hidden_size
    diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size exponential_decay_length_penalty
    finetuning_task forced_bos_token_id forced_eos_token_id gradient_checkpointing is_decoder is_encoder_decoder
    length_penalty max_length min_length no_repeat_ngram_size num_beam_groups num_beams num_return_sequences
    output_attentions output_hidden_states output_scores prefix problem_type pruned_heads remove_invalid_values
    repetition_penalty return_dict return_dict_in_generate sep_token_id suppress_tokens temperature tf_legacy_loss
    tie_encoder_decoder tokenizer_class top_k top_p torchscript typical_p use_bfloat16 use_return_dict
"""
INHERITED = frozenset(_INHERITED_WORDS.split())
"""Fields that old writers copy into every file from the generation settings."""


def load(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a published configuration.

    Parameters
    ----------
    source
        A ``config.json``, the folder that holds one, or its fields. An ``hf_quant_config.json`` beside the file
        stands in for a missing ``quantization_config``.

    Raises
    ------
    DomainError
        If there is no such file, or it is not a JSON object.

    Examples
    --------
    >>> load({"model_type": "llama"})
    {'model_type': 'llama'}
    """
    if isinstance(source, Mapping):
        return dict(source)
    path = Path(source)
    file = path / CONFIG if os.path.isdir(path) else path
    fields = _read(file)
    beside = file.with_name(file.name.replace(CONFIG, QUANTIZATION))
    if "quantization_config" not in fields and beside != file and os.path.isfile(beside):
        stated = _read(beside)
        fields["quantization_config"] = {"quant_method": "modelopt", **stated.get("quantization", stated)}
    return fields


def _read(file: Path) -> dict[str, Any]:
    """Read a JSON object."""
    fields = read_json(file, LARGEST_FILE, DomainError)
    if not isinstance(fields, dict):
        raise DomainError(f"{file}: holds a {type(fields).__name__}; a {CONFIG} is an object of fields")
    return fields


class Fields:
    """Fields of a configuration, read by any of their names; remembers what was read.

    Parameters
    ----------
    given
        The fields.
    defaults
        Values of the family for absent fields.
    where
        Name of the file or table that holds the fields, for messages.
    """

    def __init__(self, given: Mapping[str, Any], defaults: Mapping[str, Any], where: str) -> None:
        self.given, self.defaults, self.where = dict(given), dict(defaults), where
        self.read: set[str] = set()

    def raw(self, *names: str) -> Any:
        """Return the first of the names that is given and not null, else a default, else ``None``."""
        self.read.update(names)
        for table in (self.given, self.defaults):
            for name in names:
                if table.get(name) is not None:
                    return table[name]
        return None

    def has(self, *names: str) -> bool:
        """Return whether any of the names is given or has a default."""
        return self.raw(*names) is not None

    def whole(self, *names: str, absent: int | None = None, least: int = 0, most: int = LARGEST) -> int:
        """Return a whole number; from a list with one entry per layer, the number that all layers have.

        Raises
        ------
        DomainError
            If it is missing without ``absent``, differs between layers, or is not a whole number from ``least`` to
            ``most``.
        """
        value = self.raw(*names)
        if value is None:
            if absent is None:
                raise DomainError(f"{self.where}: {names[0]} is missing" + _other_names(names))
            return absent
        if isinstance(value, list) and value:
            if any(item != value[0] for item in value):
                raise DomainError(
                    f"{self._named(names)} = {_short(value)}: differs between layers, which is not supported"
                )
            value = value[0]
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most or value % 1:
            ends = f"≥ {least}" if most == LARGEST else f"from {least} to {most:,}"
            raise DomainError(f"{self._named(names)} = {_short(value)} must be a whole number {ends}")
        return int(value)

    def number(self, *names: str) -> float | None:
        """Return a number > 0, or nothing where the field is absent.

        Raises
        ------
        DomainError
            If it is not a number above 0 and at most a million.
        """
        value = self.raw(*names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LARGEST_RATIO:
            raise DomainError(f"{self._named(names)} = {_short(value)} must be a number > 0 and ≤ {LARGEST_RATIO:g}")
        return float(value)

    def flag(self, *names: str, absent: bool = False) -> bool:
        """Return whether a field is set.

        Raises
        ------
        DomainError
            If it is neither true nor false.
        """
        value = self.raw(*names)
        if value is None:
            return absent
        if not isinstance(value, bool | int) or value not in (0, 1):
            raise DomainError(f"{self._named(names)} = {_short(value)} must be true or false")
        return bool(value)

    def rows(self, *names: str, length: int | None = None) -> list[Any]:
        """Return a list with one entry per layer; empty where the field is absent.

        Raises
        ------
        DomainError
            If it is not a list, or has fewer entries than layers.
        """
        value = self.raw(*names)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise DomainError(f"{self._named(names)} = {_short(value)} must be a list")
        if length is not None and len(value) < length:
            raise DomainError(f"{self.where}: {names[0]} has {len(value)} entries for {length} layers")
        return list(value[:length])

    def words(self, *names: str, length: int | None = None) -> list[str | float]:
        """Return a list as :meth:`rows` does, whose entries are words, numbers, or true and false.

        Raises
        ------
        DomainError
            If it is not such a list.
        """
        found = self.rows(*names, length=length)
        if not all(isinstance(word, str | int | float) for word in found):
            raise DomainError(f"{self._named(names)} = {_short(found)} must be a list of words or numbers")
        return found

    def table(self, *names: str) -> Fields:
        """Return the fields of a nested table; fields read from it count as read here too."""
        value = self.raw(*names)
        inner = value if isinstance(value, Mapping) else {}
        return Fields(inner, {}, f"{self.where}, {names[0]}")

    def parts(self, name: str, part: str, length: int) -> list[Fields]:
        """Return the fields of a part of every layer, from a list of tables of tables.

        Raises
        ------
        DomainError
            If an entry or its part is not a table.
        """
        found = []
        for layer, entry in enumerate(self.rows(name, length=length)):
            inner = entry.get(part, {}) if isinstance(entry, Mapping) else None
            if not isinstance(inner, Mapping):
                raise DomainError(f"{self.where}: {name}[{layer}] = {_short(entry)} must be a table with {part}")
            found.append(Fields(inner, {}, f"{self.where}, {name}[{layer}], {part}"))
        return found

    def _named(self, names: tuple[str, ...]) -> str:
        """Return the place and name of a field, by the first name that is given."""
        return f"{self.where}: {next((name for name in names if self.given.get(name) is not None), names[0])}"

    def refuse(self, name: str, why: str) -> DomainError:
        """Return the one-line error for a field that can't be represented."""
        return DomainError(f"{self.where}: {name} = {_short(self.raw(name))}: {why}")

    def unread(self) -> list[str]:
        """Return the fields that were not read and may matter: present, not empty, and not known to be neutral."""
        kept = set(self.given) - self.read - NEUTRAL - INHERITED - {*TEXT_PARTS, *OTHER_PARTS}
        return sorted(name for name in kept if self.given[name] not in (None, False, 0, [], {}, ""))


def _short(value: object) -> str:
    """Return a value as a message shows it."""
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}…"


def _other_names(names: tuple[str, ...]) -> str:
    return f" (also called {', '.join(names[1:])})" if len(names) > 1 else ""


def language_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the language model: those of a nested part, and those that apply to all parts.

    Examples
    --------
    >>> language_fields({"text_config": {"hidden_size": 8}, "tie_word_embeddings": True})["tie_word_embeddings"]
    True
    """
    for name in TEXT_PARTS:
        part = config.get(name)
        if isinstance(part, Mapping) and part:
            shared = {key: value for key, value in config.items() if key in _OF_THE_WHOLE}
            inner = language_fields(part)
            return {**shared, **inner, "model_type": inner.get("model_type", config.get("model_type"))}
    return dict(config)


_OF_THE_WHOLE = ("tie_word_embeddings", "quantization_config", "torch_dtype", "dtype", "vocab_size")
