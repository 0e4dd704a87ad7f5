"""A store on disk for ensembles too long to lose: one chunk per canonical block (extra ``distributed``).

Every worker writes the blocks that it computes, output by output, and marks a block as complete only after all of
it is written. A run that is stopped at any moment, by ``kill -9`` or by the machine's owner, is taken up where it
stopped by the same call: complete blocks stay, all others are computed again, and the store ends equal to that of
an uninterrupted run, byte by byte. What is opened shows complete blocks only.

On one machine any executor serves::

    store = store_ensemble("runs/forward", None, scenario, 1_000_000, rng=0, executor=ProcessPoolExecutor())
    store.to_xarray()["tokens"].sel(year=2030).quantile([0.05, 0.5, 0.95], dim="draw")

On a cluster, the path must be on a file system that the caller and all workers share, and costmodel must be
installed on each of them in the same version::

    from dask.distributed import Client            # or dask_jobqueue.SLURMCluster(…), dask_kubernetes, …

    client = Client("tcp://scheduler:8786")
    store = store_ensemble("/shared/runs/forward", None, scenario, 10_000_000, rng=0, executor=client.get_executor())

Blocks are handed out a few at a time, each as a scenario, a design and a number; only the number of a finished block
travels back. A worker that dies costs its blocks alone: the call raises, and the same call resumes. Machines of one
kind give equal bits; different processors may differ in the last one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.analysis.ensemble import (
    BlockOutputs,
    BlockRun,
    Progress,
    chosen_design,
    chosen_model,
    reduce_stored,
)
from costmodel.analysis.ensemble_result import EnsembleResult
from costmodel.analysis.targets import Output, listed_outputs
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.errors import ScenarioError, missing_extra
from costmodel.foundation.executors import ordered_map
from costmodel.foundation.results import OutputSpec
from costmodel.foundation.running import Model, OnNonFinite
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.version import VERSION

FORMAT = 1
"""Version of the layout of a store [1]."""
_COMPLETE = "block_complete"


def _zarr() -> Any:
    """Import zarr where it is installed."""
    try:
        import zarr
    except ImportError:
        raise missing_extra("distributed", "a store of an ensemble") from None
    return zarr


@dataclass(frozen=True, slots=True)
class EnsembleStore:
    """A stored ensemble, complete or not.

    Parameters
    ----------
    path
        Folder of the store.
    scenario, design
        What it holds, on which draws; a ``given`` design is the one that was passed.
    """

    path: Path
    scenario: Scenario
    design: Design

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Which blocks are complete, shape ``(block,)``."""
        return np.asarray(self._group()[_COMPLETE][:], dtype=bool)

    @property
    def draws_complete(self) -> int:
        """Number of draws of complete blocks."""
        return sum(self.design.block_draws(int(block)) for block in np.flatnonzero(self.complete))

    def to_xarray(self, chunks: Any = None) -> Any:
        """Open the complete blocks as a labelled dataset, read when it is used.

        Parameters
        ----------
        chunks
            ``{}`` for a Dask array with one chunk per block; a plain lazy array where absent.

        Returns
        -------
        xarray.Dataset
            Every output with its axes, unit and label; ``draw`` numbers the draws of the design.

        Raises
        ------
        MissingExtraError
            If xarray is not installed.
        """
        try:
            import xarray
        except ImportError:
            raise missing_extra("frames", "to_xarray()") from None
        complete = self.complete
        data = xarray.open_zarr(self.path, consolidated=False, chunks=chunks).drop_vars(_COMPLETE)
        draws = np.arange(self.design.draws)
        labels = {dim: row for dim, row in data.attrs.pop("labels").items() if dim in data.dims}
        data.attrs["draws_complete"] = self.draws_complete
        data = data.assign_coords(draw=draws, **labels)
        return data if complete.all() else data.isel(draw=np.flatnonzero(complete[draws // BLOCK]))

    def summarize(
        self,
        *,
        exact: Sequence[str] = (),
        exclude: Sequence[str] = (),
        on_nonfinite: OnNonFinite = "raise",
        on_progress: Progress | None = None,
    ) -> EnsembleResult:
        """Return what ``run_ensemble`` would have returned, from the stored draws.

        Raises
        ------
        ScenarioError
            If a block is not complete.
        NonFiniteResultError
            If a value is not finite and ``on_nonfinite`` is ``"raise"``.
        """
        open_blocks = int((~self.complete).sum())
        if open_blocks:
            raise ScenarioError(f"{self.path}: {open_blocks} of {self.design.blocks} blocks are not complete")
        return reduce_stored(self.scenario, self.design, self.read, exact, exclude, on_nonfinite, on_progress)

    def read(self, block: int) -> BlockOutputs:
        """Return the outputs of one block."""
        group = self._group()
        attributes = dict(group.attrs)
        first = block * BLOCK
        span = slice(first, first + self.design.block_draws(block))
        specs = tuple(_spec_of(row) for row in attributes["outputs"])
        values = tuple(np.asarray(group[spec.name][..., span]) for spec in specs)
        return BlockOutputs(block, specs, values, attributes["labels"])

    def _group(self) -> Any:
        return _zarr().open_group(self.path, mode="r")


def store_ensemble(
    path: str | Path,
    scenario: Scenario,
    outputs: Output | Sequence[Output] | None = None,
    *,
    draws: int | None = None,
    rng: RandomSource = None,
    design: Design | None = None,
    executor: Executor | None = None,
    in_flight: int | None = None,
    on_progress: Progress | None = None,
    model: Model | None = None,
) -> EnsembleStore:
    """Run an ensemble into a store, or take up one that was stopped.

    Parameters
    ----------
    path
        Folder of the store; made where it does not exist.
    scenario, outputs, draws, design, executor, in_flight, on_progress, model
        As those of :func:`costmodel.analysis.ensemble.run_ensemble`.
    rng
        Seed, as there; where absent, that of the store which is taken up.

    Returns
    -------
    EnsembleStore
        With every block complete.

    Raises
    ------
    ScenarioError
        If the folder holds something else: another scenario, design, choice of outputs, model or version.
    MissingExtraError
        If zarr is not installed.

    Notes
    -----
    Values are stored as the model gave them, finite or not.
    """
    zarr, folder = _zarr(), Path(path)
    if design is None and rng is None and (folder / "zarr.json").exists():
        rng = int(zarr.open_group(folder, mode="r").attrs.get("design", {}).get("seed", 0))
    drawn, function = chosen_design(scenario, draws, rng, design), chosen_model(model, scenario)
    run = BlockRun(function, scenario, drawn, None if outputs is None else tuple(listed_outputs(outputs)))
    identity = _identity(run)
    if not folder.exists():
        first = run(0)
        _create(folder, identity, first, drawn)
        _write(folder, first)
    _check_identity(folder, identity)
    _sweep(folder)
    store = EnsembleStore(folder, scenario, drawn)
    done = store.draws_complete
    for block in ordered_map(
        _WriteBlock(run, folder), np.flatnonzero(~store.complete).tolist(), executor, in_flight=in_flight
    ):
        done += drawn.block_draws(block)
        if on_progress is not None:
            on_progress(done, drawn.draws)
    _sweep(folder)
    return store


@dataclass(frozen=True, slots=True)
class _WriteBlock:
    """Compute a block and write it, wherever this runs; only the block's number goes back."""

    run: BlockRun
    folder: Path

    def __call__(self, block: int) -> int:
        _write(self.folder, self.run(block))
        return block


def _write(folder: Path, outputs: BlockOutputs) -> None:
    """Write a block's outputs, each into a chunk of its own, then mark the block."""
    group = _zarr().open_group(folder, mode="r+")
    first = outputs.block * BLOCK
    for spec, value in zip(outputs.specs, outputs.values, strict=True):
        group[spec.name][..., first : first + value.shape[-1]] = value
    group[_COMPLETE][outputs.block] = True


def _spec_of(row: Mapping[str, Any]) -> OutputSpec:
    """Return a declaration from its JSON form, whose sequences are lists."""
    form: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in row.items()}
    return OutputSpec(**form)


def _create(folder: Path, identity: Mapping[str, Any], first: BlockOutputs, design: Design) -> None:
    """Make an empty store beside the wanted place and move it there in one step."""
    begun = folder.with_name(f".{folder.name}.begun")
    shutil.rmtree(begun, ignore_errors=True)
    begun.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(spec) for spec in first.specs]
    labels = {dim: [_plain(label) for label in row] for dim, row in first.labels.items()}
    group = _zarr().create_group(begun, zarr_format=3, attributes={**identity, "outputs": rows, "labels": labels})
    for spec, value in zip(first.specs, first.values, strict=True):
        group.create_array(
            spec.name,
            shape=(*value.shape[:-1], design.draws),
            chunks=(*(max(size, 1) for size in value.shape[:-1]), BLOCK),
            dtype=value.dtype,
            dimension_names=(*spec.dims, "draw"),
            fill_value=False if value.dtype == np.bool_ else np.nan if value.dtype.kind == "f" else 0,
            attributes={"units": spec.unit, "long_name": spec.label},
        )
    group.create_array(
        _COMPLETE, shape=(design.blocks,), chunks=(1,), dtype=bool, dimension_names=("block",), fill_value=False
    )
    begun.rename(folder)


def _identity(run: BlockRun) -> dict[str, Any]:
    """Return what makes two runs the same one, as plain JSON."""
    design, model = run.design, run.model
    ranks = design.given
    return {
        "format": FORMAT,
        "costmodel_version": VERSION,
        "block": BLOCK,
        "model": f"{getattr(model, '__module__', '')}:{getattr(model, '__qualname__', type(model).__qualname__)}",
        "scenario": run.scenario.to_toml(),
        "design": {
            "paths": list(design.paths),
            "method": design.method,
            "seed": str(design.seed),
            "draws": int(design.draws),
            "correlations": [list(row) for row in design.correlations],
            "ranks": None if ranks is None else hashlib.blake2b(np.ascontiguousarray(ranks).tobytes()).hexdigest(),
        },
        "asked": None if run.outputs is None else [_asked(output) for output in run.outputs],
    }


def _asked(output: Output) -> str:
    return output if isinstance(output, str) else str(getattr(output, "label", getattr(output, "__qualname__", output)))


def _plain(label: Any) -> Any:
    """Return a label as JSON holds it."""
    if isinstance(label, np.generic):
        label = label.item()
    return label if isinstance(label, int | float | str) else str(label)


def _check_identity(folder: Path, identity: Mapping[str, Any]) -> None:
    """Refuse to go on with a store that holds something else, naming what differs."""
    if not (folder / "zarr.json").exists():
        raise ScenarioError(f"{folder}: exists and is not a stored ensemble")
    stored = dict(_zarr().open_group(folder, mode="r").attrs)
    wanted = json.loads(json.dumps(identity))
    differing = [key for key in wanted if stored.get(key) != wanted[key]]
    if differing:
        raise ScenarioError(
            f"{folder}: holds another ensemble ({', '.join(differing)} differ): choose another folder, or remove it"
        )


def _sweep(folder: Path) -> None:
    """Remove what writers that were stopped left half-written beside their chunks."""
    for leftover in folder.rglob("*.partial"):
        leftover.unlink(missing_ok=True)
