"""The training exam: measured steps of the catalog's table ``training_steps``, predicted at their published layouts.

Rules that this module fixes:

* **Reading.** Degrees of parallelism are held as published. What is not printed: a plain GPT has a vocabulary of
  51,200; recomputation is that of the record (of the configuration files, or assumed), or the least that fits into
  memory; a layout without degrees is searched for. A step whose printed FLOP per token are those of a frozen model
  trains adapters only.
* **Split.** Groups of (model, accelerator) of each set of measurements in order of the model's parameters, then of the
  accelerator's name: every second group, starting with the first, may be used in fitting. The others never are, nor is
  any group of a set with one model.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from costmodel.catalog import Record
from costmodel.catalog import table as catalog_table
from costmodel.catalog.loader import parse
from costmodel.compute import Shape, architecture_names, count_parameters, shape, training_flop_per_token
from costmodel.formats.training_steps import read_training_steps
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.files import read_whole
from costmodel.training.cluster import Cluster, TrainingJob
from costmodel.training.layout import DIMENSIONS, Layouts
from costmodel.training.recipe import Recipe
from costmodel.training.search import LayoutSearch, evaluate_layouts, search_layouts
from costmodel.validation.exams import Mark

__all__ = ["Step", "evaluate", "mark", "mark_file", "measured_time", "parts", "steps", "steps_of_file"]

_TABLE = "training_steps"
NETWORK = {"A100-SXM-80": 25e9, "B300": 100e9, "GB300-NVL72": 100e9}
"""Network bandwidth of an accelerator between scale-up domains, one direction [byte/s], for steps that do not state it:
200 Gbit/s as in the rows on A100, 800 Gbit/s with Quantum-X800 (B300, GB300)."""
_USUAL_NETWORK = 50e9
"""Network bandwidth of all other accelerators [byte/s]: 400 Gbit/s, as on DGX H100, B200 and GB200."""
_GPT_VOCABULARY = 51_200
QUANTILE = 1.2816
"""Half-width of an 80 % interval of the standard normal distribution [1]."""
_ASSUMED_PRECISION = "fp8"
"""Precision where none is printed: the default of the submission's common configuration."""
_QUANTITY = "time of a step"
_LINES = {
    "vtrain-multi": ("vTrain", "several nodes"),
    "vtrain-single": ("vTrain", "one node"),
    "megatron-bridge": ("Megatron on Hopper and Blackwell", "Megatron-Bridge"),
    "mlperf-405b": ("Megatron on Hopper and Blackwell", "MLPerf 405B"),
}
"""Line of the short table that a set of steps shares, and the set's name in it."""
_FROZEN_FLOP_SHARE = 0.8
"""Share of the FLOP of full training [1] below which printed FLOP are those of a frozen model, which needs 2/3 of them
and attention."""
_FRAMEWORKS = {"MLPerf NeMo": "Megatron-Bridge"}
"""Framework whose recipe replaces a missing one, since both run Megatron Core."""


@dataclass(frozen=True, slots=True)
class Step:
    """Measured step, as input to the model.

    Parameters
    ----------
    record
        The catalog's record.
    job, cluster
        Job and cluster for which a time is predicted.
    fixed
        Published dimensions of the layout; empty if the layout is searched for.
    """

    record: Record
    job: TrainingJob
    cluster: Cluster
    fixed: Mapping[str, int]

    @property
    def group(self) -> tuple[str, str]:
        """Model and accelerator."""
        return self.record.text("model"), self.record.text("accelerator")


@cache
def steps(exam: str | None = None) -> tuple[Step, ...]:
    """Return the measured steps of a set, or all."""
    records = catalog_table(_TABLE).values()
    return tuple(_step(record) for record in records if exam is None or record.text("exam") == exam)


def steps_of_file(path: str | Path) -> tuple[tuple[Step, ...], dict[str, int]]:
    """Return the measured steps of a user's file, none of which was fitted on, and how many each rule left out.

    Parameters
    ----------
    path
        A CSV file with the columns of the catalog's table ``training_steps``, one step a line, or as vTrain,
        Megatron-Bridge and MLPerf publish theirs.

    Raises
    ------
    CatalogError
        If the file is of no known form, or a step lacks what it needs; the line is named.
    """
    path = Path(path)
    raw = read_whole(path, refused=CatalogError)
    if not raw.startswith(b"id,"):
        rows = read_training_steps(path)
        names = sorted({name for row in rows for name in row})
        text = io.StringIO()
        writer = csv.DictWriter(text, ["id", "grade", *names], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({"id": f"{path.stem}-{i:03d}", "grade": "published", **row} for i, row in enumerate(rows, 1))
        raw = text.getvalue().encode()
    records = parse(f"{_TABLE}.csv", raw).values()
    known = [record for record in records if "layers" in record or record.text("model") in _architectures()]
    left_out = len(records) - len(known)
    return tuple(_step(record) for record in known), {"model not in the catalog": left_out} if left_out else {}


@cache
def _architectures() -> frozenset[str]:
    """Return every name of an architecture in the catalog."""
    found = set(architecture_names())
    for record in catalog_table("architectures").values():
        found |= {name.strip() for name in (record.label("also") or "").split(",")}
    return frozenset(found)


def _step(record: Record) -> Step:
    model, chip = _shape(record), record.text("accelerator")
    precision = record.text("precision") if "precision" in record else _ASSUMED_PRECISION
    accelerators = int(record.value("accelerators"))
    job = TrainingJob(
        shape=model,
        sequence=int(record.value("sequence")),
        batch=int(record.value("batch")),
        frozen=_is_frozen(record, model),
        recipe=_recipe(record),
    )
    network = record.value("network") if "network" in record else NETWORK.get(chip, _USUAL_NETWORK)
    cluster = Cluster.recorded(chip, accelerators, network, precision)
    return Step(record, job, cluster, _fixed(record, accelerators))


def _recipe(record: Record) -> Recipe:
    """Return the recipe of a step's framework, with the overlap and graphs that its configuration states."""
    framework = record.text("framework")
    recipe = Recipe.recorded(_FRAMEWORKS.get(framework, framework), record.text("accelerator"))
    overlapped = bool(_recorded(record, "overlap_experts", int(recipe.overlap_experts)))
    once = bool(_recorded(record, "dispatch_once", int(recipe.dispatch_once)))
    prepared = 0.0 if _recorded(record, "graphs", 0) else recipe.host_time
    return replace(recipe, overlap_experts=overlapped, dispatch_once=once, host_time=prepared)


def _is_frozen(record: Record, model: Shape) -> bool:
    """Return whether the printed FLOP are those of a step that trains adapters only."""
    if "flop_rate" not in record:
        return False
    printed = record.value("flop_rate") / record.value("throughput")
    full = float(training_flop_per_token(model, record.value("sequence")))
    return printed < _FROZEN_FLOP_SHARE * full


@cache
def _gpt(layers: int, width: int, heads: int) -> Shape:
    return Shape(
        name=f"GPT {width} x {layers}",
        layers=layers,
        d_model=width,
        heads=heads,
        kv_heads=heads,
        head_dim=width // heads,
        vocabulary=_GPT_VOCABULARY,
        d_ff=4 * width,
        mlp_matrices=2,
        tied_embeddings=True,
    )


def _shape(record: Record) -> Shape:
    if "layers" in record:
        return _gpt(*(int(record.value(name)) for name in ("layers", "d_model", "heads")))
    return shape(record.text("model"))


def _fixed(record: Record, accelerators: int) -> dict[str, int]:
    """Return the printed dimensions of a layout, with 1 for degrees that are left out."""
    if "tensor" not in record:
        return {}
    names = [name for name in DIMENSIONS if name not in ("sharding", "recompute")]
    fixed = {name: _recorded(record, name, 1) for name in names}
    fixed["sharding"] = _recorded(record, "sharding", 1)
    return fixed | {"data": accelerators // (fixed["tensor"] * fixed["context"] * fixed["pipeline"])}


def _recorded(record: Record, name: str, otherwise: int) -> int:
    """Return a whole number of a record, or a default where none is printed."""
    return int(record.value(name)) if name in record else otherwise


def evaluate(given: Sequence[Step]) -> FloatArray:
    """Return the predicted time of each step [s], shape ``(step,)``.

    Steps of one job and cluster are evaluated together.
    """
    found = np.empty(len(given))
    together: dict[tuple[TrainingJob, Cluster], list[int]] = {}
    for position, step in enumerate(given):
        if step.fixed:
            together.setdefault((step.job, step.cluster), []).append(position)
        else:
            found[position] = search_layouts(step.job, step.cluster).step_time[0]
    for (job, cluster), positions in together.items():
        found[positions] = _least_recomputation(job, cluster, [given[position] for position in positions])
    return found


def _least_recomputation(job: TrainingJob, cluster: Cluster, given: Sequence[Step]) -> FloatArray:
    """Return times under the recorded recomputation, or the least that fits."""
    known = np.array([float(_recorded(step.record, "recompute", -1)) for step in given])
    if np.all(known >= 0.0):
        return _evaluated(job, cluster, given, known).step_time
    levels = [_evaluated(job, cluster, given, np.full(len(given), level)) for level in (0.0, 1.0, 2.0)]
    fits = np.stack([level.fits for level in levels])
    chosen = np.where(known >= 0.0, known, np.where(fits.any(axis=0), fits.argmax(axis=0), 0))
    times = np.stack([level.step_time for level in levels])
    return np.asarray(times[chosen.astype(int), np.arange(len(given))])


def _evaluated(job: TrainingJob, cluster: Cluster, given: Sequence[Step], recompute: FloatArray) -> LayoutSearch:
    columns = {name: np.array([float(step.fixed[name]) for step in given]) for name in given[0].fixed}
    return evaluate_layouts(job, cluster, Layouts(**columns, recompute=recompute))


def parts(given: Sequence[Step]) -> NDArray[np.str_]:
    """Return the part of the split of each step: ``"fitted"`` or ``"unseen"``, shape ``(step,)``."""
    sizes = {step.group: (count_parameters(step.job.shape).total, step.group[1]) for step in given}
    ordered = sorted(sizes, key=lambda group: sizes[group])
    models = {model for model, _ in ordered}
    fitted = set(ordered[::2]) if len(models) > 1 else set()
    return np.array(["fitted" if step.group in fitted else "unseen" for step in given])


def mark() -> tuple[Mark, ...]:
    """Mark every set of measured steps."""
    exams = list(dict.fromkeys(step.record.text("exam") for step in steps()))
    return tuple(_mark(exam, steps(exam), parts(steps(exam))) for exam in exams)


def mark_file(path: str | Path) -> Mark:
    """Mark the measured steps of a user's file; see `steps_of_file`."""
    given, left_out = steps_of_file(path)
    if not given:
        raise CatalogError(f"{path}: no step is of a model in the catalog: {', '.join(architecture_names())}")
    return replace(_mark(Path(path).stem, given, np.full(len(given), "unseen")), excluded=left_out)


def _mark(exam: str, given: tuple[Step, ...], part: NDArray[np.str_]) -> Mark:
    measured = np.array([measured_time(step) for step in given])
    predicted = evaluate(given)
    band = np.exp(QUANTILE * np.array([step.job.recipe.spread for step in given]))
    line, called = _LINES.get(exam, ("", ""))
    return Mark(
        exam="training",
        quantity=f"{_QUANTITY}, {exam}",
        unit="s",
        source=given[0].record.datum("model").source.title,
        name=np.array([step.record.name for step in given]),
        part=part,
        measured=measured,
        predicted=predicted,
        low=predicted / band,
        high=predicted * band,
        labels={
            "model": np.array([step.group[0] for step in given]),
            "accelerator": np.array([step.group[1] for step in given]),
            "kind": np.array(["routed" if step.job.shape.experts else "dense" for step in given]),
            "precision": np.array(
                [step.record.text("precision") if "precision" in step.record else "" for step in given]
            ),
            "accelerators": np.array([f"{step.cluster.accelerators}" for step in given]),
        },
        reason=np.full(len(given), ""),
        line=f"{_QUANTITY}, {line}" if line else "",
        called=called,
    )


def measured_time(step: Step) -> float:
    """Return the measured time of a step, from the throughput where that is printed [s]."""
    record = step.record
    if "step_time" in record:
        return record.value("step_time")
    return step.job.tokens / (record.value("throughput") * step.cluster.accelerators)
