"""Benchmark files: what aiperf, vLLM, SGLang, InferenceX and aiconfigurator's sample write, read as measured rows.

**Versions.** vLLM and SGLang: results with ``max_concurrency``, ``mean_tpot_ms`` and a total rate of tokens; older ones
that lack an entry are refused, with its name. aiperf: ``profile_export_aiperf.json`` with means under ``avg``.
InferenceX: rows of a run; the tables of its dump are read by `costmodel.formats.inferencex`. aiconfigurator: tables
with ``tokens/s/gpu``, and ``silicon_sample.csv``.

The format is recognized by the names of the entries. A client's benchmark does not know how many accelerators served
it: give the number, or add ``accelerators`` to the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from costmodel.foundation.errors import DomainError
from costmodel.foundation.files import csv_rows, read_text
from costmodel.foundation.outside import needed_number
from costmodel.serving.measured import COLUMNS, Measured, aiconfigurator_row, inferencex_row, read_measured

Row: TypeAlias = Mapping[str, Any]

_CONCURRENCY = re.compile(r"silicon_concurrency=([0-9]+)")
SMALLEST = 1e-12
"""Smallest number that counts as measured, in the units of the files [1]; quotients of smaller ones overflow."""
_COUNTS = ("accelerators", "num_gpus", "tensor_parallel_size", "tp")
"""Entries that may hold the number of accelerators, first to last."""


def read_benchmark(*paths: str | Path, accelerators: int | None = None, accelerator: str = "") -> Measured:
    """Read a benchmark: one file with a row for each load, or a file for each.

    Parameters
    ----------
    *paths
        CSV, JSON (an object, or a list of them) or JSON lines; each may be of another tool.
    accelerators
        Accelerators that served the model, where the file does not say [1].
    accelerator
        Name of the accelerator, where the file does not say.

    Raises
    ------
    DomainError
        If a file's format is not known, or a figure is missing; entry and row are named.
    """
    found: list[Row] = []
    for path in map(Path, paths):
        rows = _rows(path)
        reader = _reader(rows[0], path)
        found += [_complete(reader(row), row, accelerators, accelerator) for row in rows]
    return read_measured(found)


def client_row(row: Row) -> dict[str, Any]:
    """Turn a result of ``vllm bench serve --save-result`` or ``sglang.bench_serving`` into a measured row.

    Takes ``max_concurrency``, ``completed``, ``total_input_tokens``, ``total_output_tokens``, ``mean_tpot_ms``,
    ``mean_ttft_ms`` and ``total_token_throughput`` (vLLM) or ``total_throughput`` (SGLang).
    """
    requests = _number(row, "completed")
    total = row.get("total_token_throughput", row.get("total_throughput"))
    return {
        "concurrency": _number(row, "max_concurrency"),
        "input_tokens": _number(row, "total_input_tokens") / requests,
        "output_tokens": _number(row, "total_output_tokens") / requests,
        "total": _number({"total_token_throughput": total}, "total_token_throughput"),
        "user_speed": 1e3 / _number(row, "mean_tpot_ms"),
        "time_to_first_token": _number(row, "mean_ttft_ms") / 1e3,
    }


def aiperf_row(row: Row) -> dict[str, Any]:
    """Turn aiperf's ``profile_export_aiperf.json`` into a measured row.

    Takes the means of ``input_sequence_length``, ``output_sequence_length``, ``inter_token_latency``,
    ``time_to_first_token`` and ``request_throughput``, and the concurrency of ``input_config.loadgen``.
    """
    lengths = [_mean(row, name) for name in ("input_sequence_length", "output_sequence_length")]
    return {
        "concurrency": _number(_within(_within(row, "input_config"), "loadgen"), "concurrency"),
        "input_tokens": lengths[0],
        "output_tokens": lengths[1],
        "total": _mean(row, "request_throughput") * sum(lengths),
        "user_speed": 1e3 / _mean(row, "inter_token_latency"),
        "time_to_first_token": _mean(row, "time_to_first_token") / 1e3,
    }


def sample_row(row: Row) -> dict[str, Any]:
    """Turn a row of ``silicon_sample.csv`` into a measured row; its rate follows from its times by Little's law."""
    stated = _CONCURRENCY.search(str(row.get("silicon_data_source", "")))
    concurrency = _number({"batch_size": stated[1]} if stated else row, "batch_size")
    lengths = _number(row, "isl"), _number(row, "osl")
    first, per_token = _number(row, "silicon_ttft_ms") / 1e3, _number(row, "silicon_tpot_ms") / 1e3
    if lengths[1] < 1.0:
        raise DomainError(f"benchmark: osl = {lengths[1]:g}: at least one output token is needed")
    return {
        "accelerator": row.get("system"),
        "accelerators": _number(row, "tp_size"),
        "concurrency": concurrency,
        "input_tokens": lengths[0],
        "output_tokens": lengths[1],
        "total": concurrency * sum(lengths) / (first + (lengths[1] - 1.0) * per_token),
        "user_speed": 1.0 / per_token,
        "time_to_first_token": first,
    }


_READERS: tuple[tuple[str, Callable[[Row], Row]], ...] = (
    ("tokens_per_second", dict),
    ("silicon_tpot_ms", sample_row),
    ("mean_tpot_ms", client_row),
    ("inter_token_latency", aiperf_row),
    ("tput_per_gpu", inferencex_row),
    ("tokens/s/gpu", aiconfigurator_row),
)
"""The entry by which a format is recognized, and its reader."""


def _reader(row: Row, path: Path) -> Callable[[Row], Row]:
    for entry, reader in _READERS:
        if entry in row:
            return reader
    known = ", ".join(entry for entry, _ in _READERS)
    raise DomainError(
        f"{path}: not a known benchmark format: a row needs one of {known}; it has {', '.join(row)[:200]}"
    )


def _rows(path: Path) -> list[Row]:
    """Return the rows of a file."""
    text = read_text(path, refused=DomainError)
    if path.suffix.lower() == ".csv":
        found: list[Row] = list(csv_rows(text, str(path), DomainError))
    else:
        try:
            whole = json.loads(text)
        except ValueError:
            whole = [_line(number, line, path) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        found = list(whole) if isinstance(whole, list) else [whole]
    if not found or not all(isinstance(row, Mapping) for row in found):
        raise DomainError(f"{path}: a benchmark is a table, or objects of named entries; there are none")
    return found


def _line(number: int, line: str, path: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise DomainError(f"{path}, line {number}: neither CSV (name it .csv) nor JSON") from None


def _complete(row: Row, source: Row, accelerators: int | None, accelerator: str) -> dict[str, Any]:
    """Return a row with its accelerators, and its rate by accelerator."""
    given = dict(row)
    count = given.get("accelerators") or accelerators or next((source[key] for key in _COUNTS if source.get(key)), None)
    if count is None:
        raise DomainError("the benchmark does not say how many accelerators served it: give accelerators")
    given["accelerators"] = count
    given["accelerator"] = given.get("accelerator") or accelerator or "not stated"
    if "total" in given:
        given["tokens_per_second"] = given.pop("total") / _number({"accelerators": count}, "accelerators")
    return {name: given.get(name) for name in COLUMNS}


def _within(row: Row, name: str) -> Row:
    """Return the entries of an object in a row; none where it is no object."""
    entry = row.get(name)
    return entry if isinstance(entry, Mapping) else {}


def _mean(row: Row, name: str) -> float:
    entry = row.get(name)
    return _number(entry if isinstance(entry, Mapping) else {"avg": entry}, "avg", name)


def _number(row: Row, name: str, shown: str = "") -> float:
    """Return an entry as a number of at least `SMALLEST`."""
    return needed_number(row.get(name), f"benchmark: {shown or name}", least=SMALLEST)
