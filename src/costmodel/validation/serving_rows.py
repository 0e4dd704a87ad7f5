"""Measured rows of the serving exam: ``silicon_sample.csv``, measured on six systems with three engines.

The wheel ``aiconfigurator-core`` (extra ``exams``) ships the table. Rules that this module fixes:

* **Reading.** An export writes a layout of n attention ranks over n expert ranks as n² in one column (the same
  measurement has n in another export): it is read as n. A precision that is not written is that of the
  checkpoint, 16 bits. Attention groups that are not written follow from
  the ranks of the experts.
* **Schedulers.** Settings come from the published scripts of InferenceX: SGLang on B200 and B300 checks for
  requests of DeepSeek-R1 and Qwen3.5 every 30 decode steps, every 10 below 16 requests or on four ranks in 8 bits
  (``dsr1_fp8_b200.sh``, ``dsr1_fp4_b200.sh``, ``qwen3.5_fp8_b200.sh``); TensorRT-LLM holds prompts of Llama 70B at
  1k/1k back for 20 steps on fewer than eight ranks, to read several at once (``70b_fp8_h200_trt_slurm.sh``).
* **Exclusion.** A row is left out where it has no meaning for one copy of a model: the same measurement again; a
  disaggregated row without the number of decode workers, whose batch is unknown; an aggregated row whose tensor
  ranks are the total of several workers; a row without concurrency, or whose batch contradicts it.
* **Split.** Groups of (model, engine) on Hopper in alphabetical order: every second one, from the first, may be
  fitted on. The other Hopper groups, and every row on Blackwell, never are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.files import csv_rows, read_text

SOURCE = "aiconfigurator-core 0.12.0, systems/silicon_sample.csv"
"""Document of the measurements."""
_PACKAGE, _TABLE = "aiconfigurator_core", "systems/silicon_sample.csv"

MODELS = {
    "MiniMaxAI/MiniMax-M2.5": "MiniMax-M2.5",
    "Qwen/Qwen3-235B-A22B-FP8": "Qwen3-235B-A22B",
    "Qwen/Qwen3-32B": "Qwen3-32B",
    "Qwen/Qwen3.5-397B-A17B": "Qwen3.5-397B-A17B",
    "deepseek-ai/DeepSeek-R1": "DeepSeek-V3",
    "deepseek-ai/DeepSeek-V3": "DeepSeek-V3",
    "meta-llama/Llama-3.1-70B": "Llama-3.1-70B",
    "meta-llama/Llama-3.1-8B-Instruct": "Llama-3.1-8B",
    "moonshotai/Kimi-K2.5": "Kimi-K2",
    "nvidia/DeepSeek-R1-NVFP4": "DeepSeek-V3",
    "nvidia/DeepSeek-V3.1-NVFP4": "DeepSeek-V3",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "Llama-3.1-8B",
    "nvidia/Qwen3-32B-NVFP4": "Qwen3-32B",
    "openai/gpt-oss-120b": "gpt-oss-120b",
    "zhipuai/GLM-5": "GLM-5",
}
"""Architecture in the catalog of every checkpoint of the table."""
SYSTEMS = {
    "h100_sxm": "H100-SXM",
    "h200_sxm": "H200-SXM",
    "b200_sxm": "B200",
    "b300_sxm": "B300",
    "gb200": "GB200-NVL72",
    "gb300": "GB300-NVL72",
}
"""Accelerator in the catalog of every system of the table."""
HOPPER = frozenset({"H100-SXM", "H200-SXM"})
"""Accelerators on which half of the groups may be fitted."""
_PRECISIONS = {"fp8": "fp8", "fp4": "fp4", "int4": "int4", "bf16": "bf16", "": "bf16"}
VARIATION = 0.2 / 12.0**0.5 / 0.9
"""Coefficient of variation of lengths drawn uniformly from 0.8 to 1 of the nominal [1]: the benchmark of the dated
exports (InferenceX, range ratio 0.8)."""
_FIXED_LENGTHS = "aic-auto-gap-analysis"
"""Source whose requests all have the nominal lengths."""
_CONCURRENCY = re.compile(r"silicon_concurrency=([0-9]+)")
_RANKS_OF_ONE_SERVER = 8.0
"""Accelerators of a server of the table: an aggregated copy never spans more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Measured rows; arrays of shape (row,).

    Parameters
    ----------
    name, model, engine, version, accelerator, precision, mode
        Identifier, architecture and accelerator in the catalog, engine with its version, precision of the
        weights, ``"agg"`` or ``"disagg"``.
    input_tokens, output_tokens
        Lengths of a request [token].
    variation
        Coefficient of variation of both lengths [1].
    concurrency
        Requests in the system [1].
    held_steps
        Decode steps for which a request waits before the scheduler takes it in, on average [1].
    tensor, attention_groups, expert
        Ranks of an attention group, attention groups of a copy, ranks over which experts are spread [1].
    prefill_tensor, prefill_groups, prefill_expert
        The same for the copy that reads prompts; as above where it is the same copy [1].
    readers, writers
        Copies of the model that read prompts and that decode; 1 and 1 where one does both [1].
    time_to_first_token, time_per_output_token
        Measured [s], [s/token].
    """

    name: NDArray[np.str_]
    model: NDArray[np.str_]
    engine: NDArray[np.str_]
    version: NDArray[np.str_]
    accelerator: NDArray[np.str_]
    precision: NDArray[np.str_]
    mode: NDArray[np.str_]
    input_tokens: FloatArray
    output_tokens: FloatArray
    variation: FloatArray
    concurrency: FloatArray
    held_steps: FloatArray
    tensor: FloatArray
    attention_groups: FloatArray
    expert: FloatArray
    prefill_tensor: FloatArray
    prefill_groups: FloatArray
    prefill_expert: FloatArray
    readers: FloatArray
    writers: FloatArray
    time_to_first_token: FloatArray
    time_per_output_token: FloatArray

    def __len__(self) -> int:
        return len(self.name)

    def take(self, keep: NDArray[Any]) -> Rows:
        """Return some of the rows."""
        return Rows(**{item.name: getattr(self, item.name)[keep] for item in fields(self)})

    @property
    def group(self) -> NDArray[np.str_]:
        """Model and engine of each row."""
        return np.char.add(np.char.add(self.model, " | "), self.engine)

    @property
    def hopper(self) -> NDArray[np.bool_]:
        """Whether a row was measured on Hopper."""
        return np.isin(self.accelerator, list(HOPPER))


def table_path() -> Path:
    """Return where the table is installed.

    Raises
    ------
    CatalogError
        If the wheel is not installed.
    """
    found = find_spec(_PACKAGE)
    if found is None or found.submodule_search_locations is None:
        raise CatalogError("the serving exam reads the wheel aiconfigurator-core: pip install 'ai-costmodel[exams]'")
    return Path(next(iter(found.submodule_search_locations))) / _TABLE


def read_rows(path: Path | None = None) -> tuple[Rows, dict[str, int]]:
    """Read the table.

    Parameters
    ----------
    path
        The CSV file; absent: the installed wheel's.

    Returns
    -------
    rows : Rows
        Those that have a meaning for one copy of a model.
    excluded : dict
        How many were left out, by rule.
    """
    written = csv_rows(read_text(table_path() if path is None else path), "table of measured rows")
    kept: list[dict[str, Any]] = []
    excluded: dict[str, int] = {}
    seen: set[tuple[str, ...]] = set()
    for row in written:
        read = _read(row)
        reason = read if isinstance(read, str) else _repeated(read, seen)
        if reason or isinstance(read, str):
            excluded[reason] = excluded.get(reason, 0) + 1
        else:
            kept.append(read)
    return Rows(**{item.name: np.array([row[item.name] for row in kept]) for item in fields(Rows)}), excluded


def may_be_fitted(rows: Rows) -> NDArray[np.bool_]:
    """Return which rows the split allows to fit on, shape (row,)."""
    groups = fitted_groups(rows.group[rows.hopper])
    return rows.hopper & np.isin(rows.group, groups)


def fitted_groups(groups: Sequence[str] | NDArray[np.str_]) -> tuple[str, ...]:
    """Return every second group in alphabetical order, from the first.

    Examples
    --------
    >>> fitted_groups(["c", "a", "b", "a"])
    ('a', 'c')
    """
    return tuple(sorted({str(group) for group in groups})[::2])


def part_of(rows: Rows) -> NDArray[np.str_]:
    """Return the part of the split of every row: ``fitted``, ``unseen Hopper`` or ``unseen Blackwell``."""
    unseen = np.where(rows.hopper, "unseen Hopper", "unseen Blackwell")
    return np.where(may_be_fitted(rows), "fitted", unseen)


def _repeated(row: dict[str, Any], seen: set[tuple[str, ...]]) -> str:
    """Return why a row is left out as a repetition, or nothing; remember it."""
    key = tuple(str(row[name]) for name in _SAME)
    repeated = key in seen
    seen.add(key)
    return "the same measurement again" if repeated else ""


_SAME = ("model", "engine", "accelerator", "precision", "input_tokens", "output_tokens", "time_to_first_token",
         "time_per_output_token")  # fmt: skip
"""Columns that agree, to a nanosecond, in two rows of one measurement."""


def _read(row: dict[str, str]) -> dict[str, Any] | str:
    """Return the entries of a row, or why it is left out."""
    stated = _CONCURRENCY.search(row["silicon_data_source"])
    concurrency = float(stated.group(1)) if stated else np.nan
    found = _together(row, concurrency) if row["mode"] == "agg" else _apart(row, concurrency)
    if isinstance(found, str):
        return found
    return {
        "name": row["id"],
        "model": MODELS[row["model_path"]],
        "engine": row["backend"],
        "version": row["backend_version"],
        "accelerator": SYSTEMS[row["system"]],
        "precision": _PRECISIONS[row["precision"]],
        "mode": row["mode"],
        "input_tokens": float(row["isl"]),
        "output_tokens": float(row["osl"]),
        "variation": 0.0 if _FIXED_LENGTHS in row["silicon_data_source"] else VARIATION,
        "time_to_first_token": round(float(row["silicon_ttft_ms"]) / 1e3, 9),
        "time_per_output_token": round(float(row["silicon_tpot_ms"]) / 1e3, 9),
        "held_steps": _held_steps(row, found) if row["mode"] == "agg" else 0.0,
        **found,
    }


_POLLED = {"B200", "B300"}, {"DeepSeek-V3", "Qwen3.5-397B-A17B"}
"""Accelerators and models for which SGLang is configured to check for requests rarely."""
_POLLS = 30.0, 10.0, 16.0
"""Decode steps between two checks, the same at small loads, and the load from which the first number holds [1]."""
_BATCH_STEPS, _BATCHED_RANKS = 20.0, 8.0
"""Steps for which TensorRT-LLM waits for a batch of prompts, and the number of ranks from which it does not [1]."""


def _held_steps(row: dict[str, str], found: dict[str, float]) -> float:
    """Return for how many decode steps a request is held back, by the scripts of the dated exports."""
    if _FIXED_LENGTHS in row["silicon_data_source"]:
        return 0.0
    model, ranks = MODELS[row["model_path"]], found["tensor"]
    accelerators, models = _POLLED
    if row["backend"] == "sglang" and SYSTEMS[row["system"]] in accelerators and model in models:
        seldom, often, load = _POLLS
        four = model == "DeepSeek-V3" and row["precision"] == "fp8" and ranks < _BATCHED_RANKS
        return 0.5 * (often if found["concurrency"] < load or four else seldom)
    batched = row["backend"] == "trtllm" and model == "Llama-3.1-70B" and row["isl"] == row["osl"] == "1024"
    return _BATCH_STEPS if batched and ranks < _BATCHED_RANKS else 0.0


def _together(row: dict[str, str], concurrency: float) -> dict[str, float] | str:
    """Return the layout of an aggregated row, or why it is left out."""
    ranks = _ranks(row, "")
    if ranks["tensor"] * ranks["attention_groups"] > _RANKS_OF_ONE_SERVER:
        return "aggregated, but its ranks are the total of several workers"
    if not concurrency > 0.0:
        return "no concurrency"
    batch = _figure(row, "batch_size") * (_figure(row, "attention_dp_size") or 1.0)
    if batch > 0.0 and abs(batch / concurrency - 1.0) > 0.01:
        return "batch and concurrency contradict each other"
    reading = {f"prefill_{name.removeprefix('attention_')}": value for name, value in ranks.items()}
    return {**ranks, **reading, "concurrency": concurrency, "readers": 1.0, "writers": 1.0}


def _apart(row: dict[str, str], concurrency: float) -> dict[str, float] | str:
    """Return the layouts of a disaggregated row, or why it is left out."""
    workers, readers = _figure(row, "decode_num_workers"), _figure(row, "prefill_num_workers")
    if not workers or not readers:
        return "disaggregated without the number of workers: batch unknown"
    if not concurrency > 0.0:
        return "no concurrency"
    reading = {f"prefill_{name.removeprefix('attention_')}": value for name, value in _ranks(row, "prefill_").items()}
    return {
        **_ranks(row, "decode_"),
        **reading,
        "concurrency": concurrency,
        "readers": readers,
        "writers": workers,
    }


def _ranks(row: dict[str, str], prefix: str) -> dict[str, float]:
    """Return tensor ranks, attention groups and expert ranks of one copy, with squares read as their side."""
    tensor = _figure(row, f"{prefix}tp_size") or 1.0
    split = _figure(row, f"{prefix}moe_tp_size") or 1.0
    expert = _figure(row, f"{prefix}moe_ep_size") or 1.0
    groups = _figure(row, f"{prefix}attention_dp_size") or max(split * expert / tensor, 1.0)
    side = expert**0.5
    exported = row["silicon_data_source"].startswith(("source_file=20", "db-dump"))
    if exported and split == expert > 1.0 and tensor * groups == split * expert:
        tensor, groups, split = (expert, 1.0, 1.0) if tensor > 1.0 else (1.0, expert, 1.0)
    elif exported and tensor == groups == side > 1.0:
        tensor, expert = 1.0, side
    spread = expert if groups == 1.0 else max(expert, split)
    return {"tensor": tensor, "attention_groups": groups, "expert": spread}


def _figure(row: dict[str, str], column: str) -> float:
    """Return a cell as a number; 0 where it is empty."""
    return float(row[column] or 0.0)
