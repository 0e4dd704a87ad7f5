"""The serving exam: measured rows compared with predictions from the library's engine profiles.

The rules for reading, excluding and splitting rows are in :mod:`costmodel.validation.serving_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.compute.architectures import shape
from costmodel.compute.precision import Scheme, scheme
from costmodel.foundation.arrays import FloatArray
from costmodel.serving import Configuration, Engine, Layout, Serving, Traffic, closed_loop, machine_of
from costmodel.serving.blocks import stacked
from costmodel.serving.engines import EIGHTY_PERCENT, profile
from costmodel.serving.reserve import reserve
from costmodel.validation.exams import Mark
from costmodel.validation.serving_rows import SOURCE, Rows, part_of, read_rows


def predict(rows: Rows, engines: Mapping[str, Engine]) -> tuple[FloatArray, FloatArray, NDArray[np.str_]]:
    """Predict time to first token and per output token of every row.

    Parameters
    ----------
    rows
        Measured rows; their times are not used.
    engines
        Engine by name.

    Returns
    -------
    first, per_token : array
        Times [s], [s/token]; NaN where infeasible, shape (row,).
    reason : array
        Reason for which a row is infeasible; empty if it is feasible, shape (row,).
    """
    first, per_token = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    reason = np.full(len(rows), "", dtype="<U100")
    keys = np.array([" ".join(key) for key in zip(rows.model, rows.precision, rows.mode, strict=True)])
    for key in np.unique(keys):
        index = np.flatnonzero(keys == key)
        served = _serve(rows.take(index), engines)
        first[index], per_token[index] = served.time_to_first_token, served.time_per_output_token
        reason[index] = served.reasons
    return first, per_token, reason


def _serve(rows: Rows, engines: Mapping[str, Engine]) -> Serving:
    """Serve rows of one model, precision and mode."""
    model, precision = str(rows.model[0]), str(rows.precision[0])
    accelerators, which = np.unique(rows.accelerator, return_inverse=True)
    names, engine = np.unique(rows.engine, return_inverse=True)
    stored = stored_as(model, precision)
    what = Configuration(
        shape=shape(model),
        machine=stacked([machine_of(str(name), stored) for name in accelerators], which),
        engine=replace(
            stacked([engines.get(str(name), Engine()) for name in names], engine), held_steps=rows.held_steps
        ),
        layout=Layout(tensor=rows.tensor, expert=np.maximum(rows.expert, rows.attention_groups)),
        precision=stored.precision(),
    )
    varied = rows.variation
    traffic = Traffic(
        mean_input=rows.input_tokens,
        mean_output=rows.output_tokens,
        variation_input=varied,
        variation_output=varied,
    )
    if rows.mode[0] == "agg":
        return closed_loop(what, traffic, rows.concurrency, waves=WAVES)
    return closed_loop(
        what,
        traffic,
        rows.concurrency,
        waves=WAVES,
        mode="disaggregated",
        prefill_layout=Layout(tensor=rows.prefill_tensor, expert=np.maximum(rows.prefill_expert, rows.prefill_groups)),
        readers=rows.readers,
        writers=rows.writers,
    )


MEMORY_USE = 0.98
"""Share of memory given to weights and cache in the measured runs [1]; assumed: all of them ran, and those of
DeepSeek-V3 in 8 bits on four GB200 need 0.97 for the weights."""
WAVES = 10.0
"""Requests of a run over those in the system, as the benchmark of most rows sets it [1] (InferenceX: prompts are ten
times the concurrency)."""


SCHEMES = {
    ("gpt-oss-120b", "fp4"): "mxfp4",
    ("gpt-oss-120b", "fp8"): "mxfp4",
    ("MiniMax-M2.5", "fp4"): "nvfp4-mlp",
    ("Kimi-K2", "fp4"): "nvfp4-experts",
}
"""Scheme of the checkpoints whose precision in the table does not name it; other 4-bit ones are ``nvfp4``."""


def stored_as(model: str, precision: str) -> Scheme:
    """Return how a row's model is stored; caches have 8 bits where weights have, which the table does not state."""
    name = SCHEMES.get((model, precision), "nvfp4" if precision == "fp4" else precision)
    return scheme(name, model, cache="bf16" if precision == "bf16" else "fp8")


def mark() -> tuple[Mark, ...]:
    """Mark the exam: time per output token and time to first token.

    Raises
    ------
    CatalogError
        If the wheel is not installed.
    """
    rows, excluded = read_rows()
    profiles = {str(name): profile(str(name)) for name in np.unique(rows.engine)}
    engines = {name: replace(item.engine(MEMORY_USE), reserve=reserve(name)) for name, item in profiles.items()}
    first, per_token, reason = predict(rows, engines)
    spreads = np.array([(profiles[str(name)].spread, profiles[str(name)].first_token_spread) for name in rows.engine])
    factors = np.exp(EIGHTY_PERCENT * spreads)
    shared: dict[str, Any] = {
        "exam": "serving",
        "source": SOURCE,
        "name": rows.name,
        "part": part_of(rows),
        "reason": reason,
        "labels": labels_of(rows),
        "excluded": excluded,
    }
    return (
        Mark(
            quantity="time per output token",
            unit="s/token",
            measured=rows.time_per_output_token,
            predicted=per_token,
            low=per_token / factors[:, 0],
            high=per_token * factors[:, 0],
            **shared,
        ),
        Mark(
            quantity="time to first token",
            unit="s",
            measured=rows.time_to_first_token,
            predicted=first,
            low=first / factors[:, 1],
            high=first * factors[:, 1],
            **shared,
        ),
        Mark(
            quantity="throughput at a concurrency",
            unit="token/s",
            measured=_throughput(rows, rows.time_to_first_token, rows.time_per_output_token),
            predicted=_throughput(rows, first, per_token),
            **shared,
        ),
    )


def _throughput(rows: Rows, first: FloatArray, per_token: FloatArray) -> FloatArray:
    """Return input and output tokens per second of the whole system, by Little's law [token/s]."""
    time = first + (rows.output_tokens - 1.0) * per_token
    return rows.concurrency * (rows.input_tokens + rows.output_tokens) / time


def labels_of(rows: Rows) -> dict[str, NDArray[np.str_]]:
    """Return the columns by which rows are grouped."""
    routed = np.array(["MoE" if shape(str(name)).moe_layers else "dense" for name in rows.model])
    each = rows.concurrency / rows.writers
    batch = np.select([each <= 8.0, each <= 64.0], ["to 8", "9 to 64"], "above 64")
    accelerators = rows.tensor * rows.attention_groups
    return {
        "engine": rows.engine,
        "accelerator": rows.accelerator,
        "model": rows.model,
        "kind": routed,
        "batch": batch,
        "accelerators": np.array([f"{count:.0f}" for count in accelerators]),
        "tensor": np.array([f"{count:.0f}" for count in rows.tensor]),
        "precision": rows.precision,
        "mode": rows.mode,
    }
