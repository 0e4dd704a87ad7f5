"""MLPerf Inference results: what each submission served, on which accelerators, by scenario.

**Versions.** ``summary_results.json`` as MLCommons publishes it (columns of v4.1 and v5.1), and the table of its
submission checker (CSV) with a unit for each row. Summaries without units, of early rounds, summaries of power alone,
and logs of MLPerf Training (``:::MLLOG``) are refused by name; training steps are read by
`costmodel.formats.training_steps`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from costmodel.foundation.errors import DomainError
from costmodel.foundation.files import csv_rows, read_text
from costmodel.foundation.outside import number_from

PUBLISHED = {
    "version": "version", "submitter": "Submitter", "division": "Category", "availability": "Availability",
    "system": "System", "model": "Model", "scenario": "Scenario", "accelerator": "Accelerator", "each": "a#",
    "nodes": "Nodes", "result": "Performance_Result", "unit": "Performance_Units", "weights": "weight_data_types",
}  # fmt: skip
"""Columns of the published summary."""
CHECKED = {
    "version": "version", "submitter": "Organization", "division": "Division", "availability": "Availability",
    "system": "SystemName", "model": "MlperfModel", "scenario": "Scenario", "accelerator": "accelerator_model_name",
    "each": "accelerators_per_node", "nodes": "number_of_nodes", "result": "Result", "unit": "Units",
    "weights": "weight_data_types",
}  # fmt: skip
"""Columns of the submission checker's table."""
TOKENS = "Tokens/s"
"""Unit of a rate of output tokens."""


@dataclass(frozen=True, slots=True)
class MlperfResult:
    """A result of a submission.

    Parameters
    ----------
    version, submitter, division, availability, system
        Round, submitter, ``closed`` or ``open``, ``available`` or ``preview``, and the system's name.
    model, scenario, weights
        Benchmark, ``Offline``, ``Server`` or ``Interactive``, and the format of the weights.
    accelerator
        Accelerator, as the submission names it.
    accelerators
        Accelerators in all nodes [1].
    result, unit
        The figure, and its unit as printed: ``Tokens/s`` counts output tokens of the whole system.
    """

    version: str
    submitter: str
    division: str
    availability: str
    system: str
    model: str
    scenario: str
    weights: str
    accelerator: str
    accelerators: float
    result: float
    unit: str

    @property
    def tokens_per_accelerator(self) -> float | None:
        """Output tokens per second per accelerator [token/s]; None where the figure counts something else."""
        return self.result / self.accelerators if self.unit.lower() == TOKENS.lower() else None


def read(source: str | Path) -> tuple[MlperfResult, ...]:
    r"""Read the results of accelerated systems.

    Parameters
    ----------
    source
        ``summary_results.json``, or the submission checker's ``.csv``.

    Returns
    -------
    tuple of MlperfResult
        Rows without accelerators, and those of power, are left out.

    Raises
    ------
    DomainError
        If it is another table, or of a version that is not read; the message names it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "summary.csv"
    >>> _ = path.write_text(
    ...     "Organization,Availability,Division,SystemName,MlperfModel,Scenario,Result,Units,number_of_nodes,"
    ...     "accelerator_model_name,accelerators_per_node,version,weight_data_types\n"
    ...     "Lab,available,closed,8xH100,llama2-70b-99,Offline,24000,Tokens/s,1,NVIDIA H100-SXM-80GB,8,v5.0,fp8\n")
    >>> [(row.accelerator, row.tokens_per_accelerator) for row in read(path)]
    [('NVIDIA H100-SXM-80GB', 3000.0)]
    """
    rows = _rows(Path(source))
    names = next((names for names in (PUBLISHED, CHECKED) if all(name in rows[0] for name in names.values())), None)
    if names is None:
        raise DomainError(f"{source}: {_other(rows[0])}")
    found = []
    for number, row in enumerate(rows, start=1):
        each, nodes, figure = (
            _number(row, names[name], f"{source}: row {number}") for name in ("each", "nodes", "result")
        )
        texts = {name: str(row.get(column) or "") for name, column in names.items()}
        if each * nodes > 0.0 and "joule" not in texts["unit"].lower() and "watt" not in texts["unit"].lower():
            del texts["each"], texts["nodes"], texts["result"]
            found.append(MlperfResult(**texts, accelerators=each * nodes, result=figure))
    return tuple(found)


def _rows(path: Path) -> list[Mapping[str, Any]]:
    text = read_text(path, refused=DomainError)
    if text.lstrip().startswith(":::MLLOG"):
        raise DomainError(f"{path}: a log of MLPerf Training; results of MLPerf Inference are read")
    if path.suffix.lower() == ".csv":
        rows: Any = list(csv_rows(text, str(path), DomainError))
    else:
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError):
            raise DomainError(f"{path}: neither CSV (name it .csv) nor JSON") from None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise DomainError(f"{path}: not a table of MLPerf results: a list of objects is needed")
    return rows


def _other(row: Mapping[str, Any]) -> str:
    """Return what a table is that is not read."""
    if "Power_Result" in row and "Performance_Result" not in row:
        return "a summary of power; results of performance are read"
    if ("Result" in row or "Performance_Result" in row) and not {"Units", "Performance_Units"} & row.keys():
        return "a summary without units, of an early round of MLPerf Inference"
    missing = [name for name in PUBLISHED.values() if name not in row]
    return f"not a summary of MLPerf Inference: {', '.join(missing[:3])} is missing"


def _number(row: Mapping[str, Any], name: str, where: str) -> float:
    """Return a field as a number, 0 where it is empty."""
    value = row.get(name)
    number = 0.0 if value in (None, "") else number_from(value)
    if math.isnan(number):
        raise DomainError(f"{where}: {name} is not a number")
    return number
