"""Measured training steps as their sources publish them: vTrain's tables, Megatron-Bridge's summaries, MLPerf's logs.

Each becomes rows with the fields of the catalog's table ``training_steps``. What a source leaves out is filled by a
rule that is written here, from its configuration files or as an assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from costmodel.catalog.named import catalog_model
from costmodel.foundation.errors import CatalogError, error_line
from costmodel.foundation.files import csv_rows, read_text
from costmodel.foundation.outside import needed_number

__all__ = ["read_training_steps"]

Row = dict[str, str]
GPUS_OF_A_NODE = 8
"""Accelerators of a node; larger steps of vTrain's tables span many [1]."""
SYSTEMS = {
    "DGX-H100": "H100-SXM",
    "DGX-H200": "H200-SXM",
    "DGX-B200": "B200",
    "DGX-B300": "B300",
    "DGX-GB200": "GB200-NVL72",
    "DGX-GB300": "GB300-NVL72",
}
"""Accelerator in the catalog of every system that Megatron-Bridge's summaries name."""
FUSED_SINCE = "26.06"
"""Release from which routing and experts' activation functions are fused."""
_BIASED, _LATENT = "gpt-oss-120b", frozenset({"DeepSeek-V3", "Kimi-K2"})
"""Models with biased experts, and with latent attention, whose configuration files differ from the others'."""
_VTRAIN = {
    "# GPUs": "accelerators",
    "global batch": "batch",
    "micro batch": "microbatch",
    "hidden size": "d_model",
    "attention heads": "heads",
    "# layers": "layers",
    "sequence length": "sequence",
    "tensor parallelism": "tensor",
    "data parallelism": "data",
    "pipeline parallelism": "pipeline",
}
_BRIDGE = {
    "gpus": "accelerators",
    "gbs": "batch",
    "mbs": "microbatch",
    "sequence": "sequence",
    "tp": "tensor",
    "pp": "pipeline",
    "cp": "context",
    "vp": "interleave",
    "ep": "expert",
    "tokens_s_gpu": "throughput",
}
_RACK: Row = {
    "precision": "nvfp4",
    "pipeline": "8",
    "context": "2",
    "interleave": "8",
    "microbatch": "1",
    "graphs": "1",
}
_RACKS: dict[str, Row] = {"GB300": _RACK | {"tensor": "2"}, "GB200": _RACK | {"tensor": "4"}}
"""Format and layout in the configuration files of the submissions on racks, the same for any number of chips."""
_MLPERF = {"chips": "accelerators", "global_batch_sequences": "batch", "step_s": "step_time"}


def read_training_steps(path: str | Path) -> tuple[Row, ...]:
    """Read measured steps from a file as one of the sources publishes it.

    Parameters
    ----------
    path
        A CSV file with the columns of vTrain's ground truth, of Megatron-Bridge's performance summaries, or of MLPerf's
        median times of a step; lines before the header are left out.

    Returns
    -------
    tuple of dict
        Fields of the catalog's table ``training_steps`` by name, as text; the model is named as in the catalog where
        that has it.

    Raises
    ------
    CatalogError
        If the file can't be read, has none of these headers, or names a system that is not known.
    """
    lines = read_text(path, refused=CatalogError).splitlines()
    for number, line in enumerate(lines):
        for marker, translate in _FORMS.items():
            if marker in line.split(","):
                rows = csv_rows("\n".join(lines[number:]), f"{path} from line {number + 1}", CatalogError)
                return tuple(_step(row, f"{path}:{number + 2 + i}", translate) for i, row in enumerate(rows))
    raise CatalogError(f"{path}: no header with {', '.join(_FORMS)}: is it a table of measured training steps?")


def _step(row: Mapping[str, str], where: str, translate: Callable[[Mapping[str, str], str], Row]) -> Row:
    """Translate one row; the error names the line of a row that cannot be read."""
    try:
        return translate(row, where)
    except (ValueError, KeyError) as error:
        raise CatalogError(f"{where}: cannot be read: {error_line(error)}") from None


def _vtrain(row: Mapping[str, str], where: str) -> Row:
    """GPT models in Megatron-LM on A100; many nodes recompute whole layers, one node nothing: assumed, not printed."""
    found = _named(row, _VTRAIN, where)
    many = _figure(found["accelerators"], where) > GPUS_OF_A_NODE
    return found | {
        "source": "vtrain-ground-truth",
        "framework": "Megatron-LM 2021",
        "model": f"GPT {found['d_model']} x {found['layers']}",
        "accelerator": "A100-SXM-80",
        "precision": "bf16",
        "recompute": "2" if many else "0",
        "step_time": repr(_figure(row["iteration time (ms)"], where) / 1e3),
    }


def _bridge(row: Mapping[str, str], where: str) -> Row:
    """Megatron-Bridge; recomputation, overlap and graphs are those of its configuration files."""
    found = {name: value for name, value in _named(row, _BRIDGE, where).items() if value not in ("", "n/a")}
    if row["system"] not in SYSTEMS:
        raise CatalogError(f"{where}: system {row['system']!r}: known are {', '.join(SYSTEMS)}")
    accelerator, model, precision = (
        SYSTEMS[row["system"]],
        catalog_model(row["model"]) or row["model"],
        row["precision"].lower(),
    )
    printed = row["other"].partition("=")[2].partition("[")[0]
    found |= {
        "source": "megatron-bridge-performance",
        "note": row["release"],
        "framework": "Megatron-Bridge 26.06" if row["release"] >= FUSED_SINCE else "Megatron-Bridge",
        "model": model,
        "accelerator": accelerator,
        "precision": precision,
        "recompute": "1" if model == _BIASED and precision == "bf16" else "0",
    }
    if "expert" in found:
        found |= _expert_settings(model, accelerator, precision)
    if row["fsdp"] not in ("", "0"):
        found["sharding"] = "3"
    return found | ({"flop_rate": repr(_figure(printed, where) * 1e12)} if printed else {})


def _expert_settings(model: str, accelerator: str, precision: str) -> Row:
    """Return settings of the configuration files: exchange with experts, graphs, and latent attention."""
    racks, narrow = accelerator.endswith("NVL72"), precision == "mxfp8"
    if model in _LATENT:
        captured = racks or accelerator == "B300"
        overlapped = captured and narrow
        settings = {"overlap_experts": overlapped, "graphs": captured, "dispatch_once": True, "recompute": True}
    elif model == _BIASED:
        settings = {"overlap_experts": racks, "graphs": narrow}
    else:
        settings = {"overlap_experts": accelerator == "H100-SXM", "graphs": racks}
    return {name: str(int(value)) for name, value in settings.items()}


def _mlperf(row: Mapping[str, str], where: str) -> Row:
    """Llama-3.1-405B in MLPerf Training v5.1; for racks, configuration files give format and layout."""
    chip = row["chip"]
    return (
        _RACKS.get(chip, {})
        | _named(row, _MLPERF, where)
        | {
            "source": "mlperf-training-5-1",
            "framework": "MLPerf NeMo",
            "model": "Llama-3.1-405B",
            "accelerator": f"{chip}-NVL72" if chip.startswith("GB") else chip,
            "sequence": "8192",
        }
    )


_FORMS: dict[str, Callable[[Mapping[str, str], str], Row]] = {
    "iteration time (ms)": _vtrain,
    "tokens_s_gpu": _bridge,
    "step_s": _mlperf,
}
"""Reader of a row, by the column that identifies its source."""


def _named(row: Mapping[str, str], names: Mapping[str, str], where: str) -> Row:
    """Return the entries of a row under the catalog's names."""
    missing = [name for name in names if name not in row]
    if missing:
        raise CatalogError(f"{where}: no {', '.join(missing)}")
    return {ours: row[theirs].strip() for theirs, ours in names.items()}


def _figure(cell: str, where: str) -> float:
    return needed_number(cell, f"{where}: a figure", CatalogError, least=0.0, above=True)
