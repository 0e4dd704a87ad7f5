"""InferenceX's results (InferenceMAX until 2025): rows of its runs, or the tables of its dump, as measured throughput.

**Versions.** ``agg_*.json`` of a run, from the releases that write ``isl`` and ``osl`` (late 2025 on), and of the dump
``benchmark_results.json`` with ``configs.json`` (2026). Rows of the first releases, which leave the lengths to the
file's name, and rows of agents' runs, which have no two lengths, are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from costmodel.foundation.errors import DomainError
from costmodel.foundation.files import read_json
from costmodel.foundation.outside import number_from
from costmodel.serving.measured import Measured, inferencex_row, read_measured

MAX_BYTES = 512 * 2**20
"""Largest table of the dump that is read [byte]."""
SINGLE_TURN = "single_turn"
"""Kind of run whose requests have one prompt and one answer."""


def read(source: str | Path, configs: str | Path | None = None) -> Measured:
    """Read measured throughput.

    Parameters
    ----------
    source
        A run's rows (an object, or a list of them), or the dump's ``benchmark_results.json``.
    configs
        The dump's ``configs.json``, which says what each of its results ran on.

    Returns
    -------
    Measured
        A row for each result without an error; accelerators as the source names them, ``h100``.

    Raises
    ------
    DomainError
        If it is not such a file, is of a version that is not read, or a row has no figures.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "agg.json"
    >>> row = {"hw": "h100", "tp": 8, "conc": 64, "isl": 1024, "osl": 1024, "tput_per_gpu": 900.0, "median_tpot": 0.02}
    >>> _ = path.write_text(json.dumps([row]))
    >>> table = read(path)
    >>> table.accelerator, float(table.user_speed[0])
    (('h100',), 50.0)
    """
    rows = _listed(source)
    if any("metrics" in row for row in rows):
        if configs is None:
            raise DomainError(f"{source}: results of the dump: give configs, its configs.json")
        rows = list(_joined(rows, {str(row.get("id")): row for row in _listed(configs)}, source))
    elif configs is not None:
        raise DomainError(f"{source}: rows of a run say what they ran on: leave configs out")
    for number, row in enumerate(rows, start=1):
        if "tput_per_gpu" not in row:
            raise DomainError(f"{source}: row {number}: not a result of InferenceX: tput_per_gpu is missing")
        if "isl" not in row or "osl" not in row:
            raise DomainError(
                f"{source}: row {number}: of a first release (2025), which leaves isl and osl in the file's name"
            )
    return read_measured(rows, inferencex_row)


def _listed(source: str | Path) -> list[Mapping[str, Any]]:
    form = read_json(Path(source), MAX_BYTES)
    rows = form if isinstance(form, list) else [form]
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise DomainError(f"{source}: not a table of InferenceX: a list of objects is needed")
    return rows


def _joined(
    results: Iterable[Mapping[str, Any]], configs: Mapping[str, Mapping[str, Any]], source: str | Path
) -> Iterable[Mapping[str, Any]]:
    """Yield each result without an error with what it ran on."""
    for number, row in enumerate(results, start=1):
        kind = row.get("benchmark_type", SINGLE_TURN)
        if kind != SINGLE_TURN:
            raise DomainError(
                f"{source}: row {number}: a run of kind {kind!r} has no two lengths; {SINGLE_TURN} is read"
            )
        if row.get("error") is not None:
            continue
        config = configs.get(str(row.get("config_id")))
        if config is None:
            raise DomainError(f"{source}: row {number}: configs.json has no config {row.get('config_id')!r}")
        pools = ("num_prefill_gpu", "num_decode_gpu") if config.get("disagg") else ("num_prefill_gpu",)
        count = sum(number_from(config.get(pool)) for pool in pools)
        figures = row.get("metrics")
        lengths = {name: row[name] for name in ("isl", "osl", "conc") if name in row}
        yield {**(figures if isinstance(figures, Mapping) else {}), **lengths, "hw": config.get("hardware"),
               "num_gpus": count}  # fmt: skip
