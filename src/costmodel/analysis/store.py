"""Store on disk for long ensembles, with one chunk per canonical block (extra ``distributed``).

Every worker writes the blocks that it computes, output by output, and writes a block's digest only after all of it
is on disk: a block with a digest is complete. The same call resumes a run that was stopped at any moment, for example
by ``kill -9``: complete blocks stay, all others are computed again, and the final store equals that of an
uninterrupted run byte by byte. An opened store shows complete blocks only.

**Reads are checked.** A digest covers a block's values and the metadata of the store: scenario, design, outputs,
shapes. Reading a block finds and names flipped bits, chunks that were swapped, shortened or deleted, and changed
metadata; `store_ensemble` with ``repair=True`` computes damaged blocks again. Only one process can write to a store at
a time; others are refused.

On one machine, use any executor::

    store = store_ensemble("runs/forward", scenario, draws=1_000_000, rng=0, executor=ProcessPoolExecutor())
    store.to_xarray()["tokens"].sel(year=2030).quantile([0.05, 0.5, 0.95], dim="draw")

On a cluster, the path must be on a file system that the caller and all workers share, and costmodel must be
installed on each of them in the same version::

    from dask.distributed import Client            # or dask_jobqueue.SLURMCluster(…), dask_kubernetes, …

    client = Client("tcp://scheduler:8786")
    workers = client.get_executor()
    store = store_ensemble("/shared/runs/forward", scenario, draws=10_000_000, rng=0, executor=workers)

Blocks are submitted a few at a time, one in a task, or several with more than 32 workers
(:func:`costmodel.foundation.blocks.spans`), each as a scenario, a design and numbers; only the numbers of finished
blocks are sent back. If a worker dies, only the blocks that it had not finished are lost: the call raises an error, and
the same call resumes. Machines of one kind give equal bits; results of different processors may differ in the last bit.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
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
from costmodel.analysis.store_files import (
    CODING_ROOM,
    DIGEST_BYTES,
    DIGESTS,
    FAULTS,
    MAX_DESCRIPTION_BYTES,
    check_described,
    check_file,
    checked_array,
    exists,
    readable,
    shown_attributes,
    sole_writer,
    sweep,
    sync,
)
from costmodel.analysis.targets import Output, listed_outputs
from costmodel.foundation.blocks import BLOCK, spans
from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.engines import Engine
from costmodel.foundation.errors import ScenarioError, error_line, missing_extra
from costmodel.foundation.executors import ordered_map, workers_of
from costmodel.foundation.results import OutputSpec
from costmodel.foundation.running import Model, OnNonFinite
from costmodel.foundation.scenario import MODELS, Scenario
from costmodel.foundation.version import VERSION

FORMAT = 2
"""Version of the layout of a store [1]."""
_META = ("format", "costmodel_version", "block", "model", "scenario", "design", "asked", "outputs", "labels")
"""Metadata in a store's digests; the processor is not part of it, since values may be read on another one."""


def _zarr() -> Any:
    """Import zarr, or raise an error that names the extra."""
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
        Scenario and draws of the ensemble; for a ``given`` design, the one passed when it was stored.

    Raises
    ------
    ScenarioError
        From every method, if the folder has no store, or one that is damaged, of another ensemble or another format.
    """

    path: Path
    scenario: Scenario
    design: Design

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Mask of complete blocks, shape ``(block,)``."""
        return np.asarray(self._digests().any(axis=1))

    @property
    def draws_complete(self) -> int:
        """Number of draws in complete blocks."""
        return sum(self.design.block_draws(int(block)) for block in np.flatnonzero(self.complete))

    @property
    def asked(self) -> tuple[str, ...] | None:
        """Selectors of the stored outputs, as text; None if every output is stored."""
        asked = self._group()[1]["asked"]
        return None if asked is None else tuple(str(text) for text in asked)

    def damaged(self, on_progress: Progress | None = None) -> tuple[int, ...]:
        """Return the complete blocks whose values or metadata differ from those written.

        Parameters
        ----------
        on_progress
            Called with the number of blocks checked and the total.
        """
        found = []
        blocks = np.flatnonzero(self.complete).tolist()
        for place, block in enumerate(blocks, start=1):
            try:
                self.read(block)
            except ScenarioError:
                found.append(block)
            if on_progress is not None:
                on_progress(place, len(blocks))
        return tuple(found)

    def to_xarray(self, chunks: Any = None, *, verify: bool = True) -> Any:
        """Open the complete blocks as a labelled dataset, whose values are read on use.

        Parameters
        ----------
        chunks
            ``{}`` for a Dask array with one chunk per block; None: a plain lazy array.
        verify
            Whether to read and check every complete block first; if false, damaged blocks are shown unchecked.

        Returns
        -------
        xarray.Dataset
            Every output with its axes, unit and label; ``draw`` numbers the draws of the design.

        Raises
        ------
        MissingExtraError
            If xarray is not installed.
        ScenarioError
            If a block is damaged.
        """
        try:
            import xarray
        except ImportError:
            raise missing_extra("frames", "to_xarray()") from None
        group, attributes = self._group()
        with readable(self.path, "its description"):
            specs = tuple(_spec_of(row) for row in attributes["outputs"])
        for spec in specs:
            check_described(self.path, group, spec)
        bad = self.damaged() if verify else ()
        if bad:
            raise ScenarioError(f"{self.path}: {_named(bad)}; compute them again with repair=True")
        complete, draws = self.complete, np.arange(self.design.draws)
        with readable(self.path, "its description"):
            data = xarray.open_zarr(self.path, consolidated=False, chunks=chunks, decode_cf=False)
            data = data[[spec.name for spec in specs]]
            labels = {dim: row for dim, row in data.attrs.pop("labels").items() if dim in data.dims}
            data = data.assign_coords(draw=draws, **labels)
        data.attrs["draws_complete"] = self.draws_complete
        return data if complete.all() else data.isel(draw=np.flatnonzero(complete[draws // BLOCK]))

    def summarize(
        self,
        *,
        exact: Sequence[str] = (),
        exclude: Sequence[str] = (),
        on_nonfinite: OnNonFinite = "raise",
        on_progress: Progress | None = None,
    ) -> EnsembleResult:
        """Return the result of ``run_ensemble`` from the stored draws.

        Raises
        ------
        ScenarioError
            If a block is not complete, or is damaged.
        NonFiniteResultError
            If a value is not finite and ``on_nonfinite`` is ``"raise"``.
        """
        open_blocks = int((~self.complete).sum())
        if open_blocks:
            raise ScenarioError(
                f"{self.path}: {open_blocks} of {self.design.blocks} blocks are incomplete; resume with store_ensemble"
            )
        return reduce_stored(self.scenario, self.design, self.read, exact, exclude, on_nonfinite, on_progress)

    def read(self, block: int) -> BlockOutputs:
        """Return the outputs of one complete block, checked against its digest.

        Raises
        ------
        ScenarioError
            If the block is not complete, or is damaged.
        """
        group, attributes = self._group()
        with readable(self.path, f"block {block}"):
            first, draws = block * BLOCK, self.design.draws
            span = slice(first, first + self.design.block_draws(block))
            specs = tuple(_spec_of(row) for row in attributes["outputs"])
            values = tuple(
                np.asarray(checked_array(self.path, group, spec.name, block, draws)[..., span]) for spec in specs
            )
            outputs = BlockOutputs(block, specs, values, attributes["labels"])
            written = np.asarray(checked_array(self.path, group, DIGESTS, block, draws)[block])
        if not written.any():
            raise ScenarioError(f"{self.path}: block {block} is not complete")
        if written.tobytes() != _digest(attributes, outputs):
            raise ScenarioError(f"{self.path}: {_named((block,))}; compute it again with repair=True")
        return outputs

    def _digests(self) -> NDArray[np.uint8]:
        group, _ = self._group()
        with readable(self.path, "what is complete"):
            check_file(self.path / DIGESTS / "zarr.json", MAX_DESCRIPTION_BYTES)
            held = group[DIGESTS]
            if held.shape != (self.design.blocks, DIGEST_BYTES):
                raise ScenarioError(
                    f"{self.path}: lists {held.shape} digests; the design has {self.design.blocks} blocks"
                )
            for chunk in (self.path / DIGESTS / "c").glob("*/0"):
                check_file(chunk, 2 * DIGEST_BYTES + CODING_ROOM)
            digests = np.asarray(held[:], dtype=np.uint8)
        return digests

    def _group(self) -> tuple[Any, dict[str, Any]]:
        """Open the store, and check that it holds this scenario on this design."""
        group, attributes = _opened(self.path)
        wanted = json.loads(json.dumps({"scenario": self.scenario.to_toml(), "design": _design_form(self.design)}))
        differing = [key for key, value in wanted.items() if attributes[key] != value]
        if differing:
            raise ScenarioError(f"{self.path}: holds another ensemble ({', '.join(differing)} differ)")
        return group, attributes


def open_store(path: str | Path) -> EnsembleStore:
    """Open an existing store, with its own scenario and design.

    Parameters
    ----------
    path
        Folder of the store.

    Raises
    ------
    ScenarioError
        If the folder has no store, or one of a given design, whose ranks are not stored; then use `EnsembleStore`.
    """
    from costmodel.foundation.toml import parse_toml

    folder = Path(path)
    _, attributes = _opened(folder)
    form = parse_toml(attributes["scenario"], str(folder))
    entry = MODELS.get(str(form.get("model")))
    drawn = attributes["design"]
    if entry is None:
        raise ScenarioError(f"{folder}: holds the model {form.get('model')!r}, which is not registered here")
    if drawn.get("ranks") is not None:
        raise ScenarioError(f"{folder}: holds a given design, whose ranks are not stored: open it with EnsembleStore")
    with readable(folder, "its design"):
        correlations = tuple((a, b, float(rank)) for a, b, rank in drawn["correlations"])
        design = Design(tuple(drawn["paths"]), drawn["method"], int(drawn["seed"]), int(drawn["draws"]), correlations)
    return EnsembleStore(folder, entry.scenario(**form), design)


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
    repair: bool = False,
    engine: Engine = "auto",
) -> EnsembleStore:
    """Run an ensemble into a store, or resume one that was stopped.

    Parameters
    ----------
    path
        Folder of the store; created if it does not exist.
    scenario, outputs, draws, design, executor, in_flight, on_progress, model, engine
        As for :func:`costmodel.analysis.ensemble.run_ensemble`.
    rng
        Seed, likewise; None: that of the existing store, if any.
    repair
        Whether to read and check complete blocks first, and compute damaged ones again.

    Returns
    -------
    EnsembleStore
        With every block complete.

    Raises
    ------
    ScenarioError
        If the folder has a store of another scenario, design, choice of outputs, model, engine, version or kind of
        processor, or something that is not a store; or if another process is writing to it.
    MissingExtraError
        If zarr is not installed.

    Notes
    -----
    Values are stored as the model returns them, finite or not.
    """
    folder = Path(path)
    _zarr()
    if design is None and rng is None and (folder / "zarr.json").exists():
        with readable(folder, "its seed"):
            rng = int(_opened(folder)[1]["design"]["seed"])
    drawn, function = chosen_design(scenario, draws, rng, design), chosen_model(model, scenario)
    run = BlockRun.of(function, scenario, drawn, None if outputs is None else listed_outputs(outputs), engine)
    identity = _identity(run)
    if not exists(folder):
        _create(folder, identity, run(0), drawn)
    with sole_writer(folder):
        _check_identity(folder, identity)
        sweep(folder)
        store = EnsembleStore(folder, scenario, drawn)
        if repair:
            _unmark(folder, store.damaged())
        done = store.draws_complete
        left = np.flatnonzero(~store.complete).tolist()
        tasks = [left[span.start : span.stop] for span in spans(len(left), workers_of(executor))]
        for blocks in ordered_map(_WriteBlocks(run, folder), tasks, executor, in_flight=in_flight):
            done += sum(map(drawn.block_draws, blocks))
            if on_progress is not None:
                on_progress(done, drawn.draws)
        sweep(folder)
    return store


@dataclass(frozen=True, slots=True)
class _WriteBlocks:
    """Task of computing blocks and writing each on a worker; returns only the numbers of the blocks."""

    run: BlockRun
    folder: Path

    def __call__(self, blocks: list[int]) -> list[int]:
        for block in blocks:
            _write(self.folder, self.run(block))
        return blocks


def _write(folder: Path, outputs: BlockOutputs) -> None:
    """Write a block's outputs, each to its own chunk, then its digest; each is on disk before the next."""
    group, attributes = _opened(folder)
    first, block, draws = outputs.block * BLOCK, outputs.block, int(attributes["design"]["draws"])
    try:
        for spec, value in zip(outputs.specs, outputs.values, strict=True):
            checked_array(folder, group, spec.name, block, draws)[..., first : first + value.shape[-1]] = value
            sync(folder.joinpath(spec.name, "c", *("0" for _ in value.shape[:-1]), str(block)))
        digests = checked_array(folder, group, DIGESTS, block, draws)
        digests[block] = np.frombuffer(_digest(attributes, outputs), dtype=np.uint8)
        sync(folder.joinpath(DIGESTS, "c", str(block), "0"))
    except FAULTS as error:
        said = getattr(error, "strerror", None) or error_line(error)
        raise ScenarioError(f"{folder}: block {block} cannot be written: {said}") from None


def _digest(attributes: Mapping[str, Any], outputs: BlockOutputs) -> bytes:
    """Return a digest of a block: of the store's metadata, and of every array with its type and shape."""
    meta = {key: attributes[key] for key in _META}
    digest = hashlib.blake2b(json.dumps(meta, sort_keys=True).encode(), digest_size=DIGEST_BYTES)
    digest.update(f"block {outputs.block}".encode())
    for spec, value in zip(outputs.specs, outputs.values, strict=True):
        digest.update(f"{spec.name} {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.digest()


def _named(blocks: Sequence[int]) -> str:
    listed = ", ".join(map(str, blocks[:10])) + (" …" if len(blocks) > 10 else "")
    return f"{'block' if len(blocks) == 1 else 'blocks'} {listed} damaged: the content is not as written"


def _unmark(folder: Path, blocks: Sequence[int]) -> None:
    """Remove the digests of damaged blocks, so that these are computed again."""
    for block in blocks:
        folder.joinpath(DIGESTS, "c", str(block), "0").unlink(missing_ok=True)


def _opened(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Open a store and return its group and metadata.

    Raises
    ------
    ScenarioError
        If there is no store, or it cannot be read or has another format.
    """
    if not (folder / "zarr.json").is_file():
        raise ScenarioError(f"{folder}: {'exists and is not' if folder.exists() else 'is not'} a stored ensemble")
    with readable(folder, "its description"):
        check_file(folder / "zarr.json", MAX_DESCRIPTION_BYTES)
        writable = os.access(folder, os.W_OK)
        group = _zarr().open_group(folder, mode="r+" if writable else "r", use_consolidated=False)
        attributes = dict(group.attrs)
    if attributes.get("format") != FORMAT:
        given = attributes.get("format")
        raise ScenarioError(f"{folder}: has format {given!r}, but this version reads {FORMAT}: run the ensemble again")
    missing = [key for key in _META if key not in attributes]
    if missing:
        raise ScenarioError(f"{folder}: its description lacks {missing[0]!r}: the store is damaged")
    if not isinstance(attributes["scenario"], str) or not isinstance(attributes["design"], dict):
        raise ScenarioError(f"{folder}: its description has no scenario or no design: the store is damaged")
    return group, attributes


def processor() -> str:
    """Return the properties of the processor that affect last bits: its kind, and the vector instructions of NumPy.

    Examples
    --------
    >>> processor() == processor()
    True
    """
    shown: Any = np.show_config(mode="dicts")
    found = (shown or {}).get("SIMD Extensions", {}).get("found", [])
    return f"{platform.machine()} {' '.join(sorted(found))}".strip()


def _spec_of(row: Mapping[str, Any]) -> OutputSpec:
    """Return an output's declaration from its JSON form, whose sequences are lists."""
    form: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in row.items()}
    return OutputSpec(**form)


def _create(folder: Path, identity: Mapping[str, Any], first: BlockOutputs, design: Design) -> None:
    """Create a store with its first block in a temporary folder and rename it, so that a failure leaves nothing."""
    begun: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        begun = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        _fill(begun, identity, first, design)
        begun.chmod(0o755)
        begun.rename(folder)
        sync(folder.parent)
    except FAULTS as error:
        if isinstance(error, OSError) and exists(folder):
            return  # another writer was first; its store is checked next
        said = getattr(error, "strerror", None) or error_line(error)
        raise ScenarioError(f"{str(folder)[:200]!r}: cannot create a store here: {said}") from None
    finally:
        if begun is not None:
            shutil.rmtree(begun, ignore_errors=True)


def _fill(begun: Path, identity: Mapping[str, Any], first: BlockOutputs, design: Design) -> None:
    """Write the description of a store, its arrays and its first block."""
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
            attributes=shown_attributes(spec),
        )
    group.create_array(
        DIGESTS,
        shape=(design.blocks, DIGEST_BYTES),
        chunks=(1, DIGEST_BYTES),
        dtype=np.uint8,
        dimension_names=("block", "byte"),
        fill_value=0,
    )
    _write(begun, first)


def _identity(run: BlockRun) -> dict[str, Any]:
    """Return the properties that identify a run, as plain JSON."""
    model = run.model
    return {
        "format": FORMAT,
        "costmodel_version": VERSION,
        "block": BLOCK,
        "model": f"{getattr(model, '__module__', '')}:{getattr(model, '__qualname__', type(model).__qualname__)}",
        "scenario": run.scenario.to_toml(),
        "design": _design_form(run.design),
        "processor": processor(),
        "engine": run.engine,
        "asked": None if run.outputs is None else [_asked(output) for output in run.outputs],
    }


def _design_form(design: Design) -> dict[str, Any]:
    """Return a design as plain JSON, with a digest instead of given ranks."""
    ranks = design.given
    return {
        "paths": list(design.paths),
        "method": design.method,
        "seed": str(design.seed),
        "draws": int(design.draws),
        "correlations": [list(row) for row in design.correlations],
        "ranks": None if ranks is None else hashlib.blake2b(np.ascontiguousarray(ranks).tobytes()).hexdigest(),
    }


def _asked(output: Output) -> str:
    return output if isinstance(output, str) else str(getattr(output, "label", getattr(output, "__qualname__", output)))


def _plain(label: Any) -> Any:
    """Return a label as a JSON value."""
    plain = label.item() if isinstance(label, np.generic) else label
    return plain if isinstance(plain, int | float | str) else str(plain)


def _check_identity(folder: Path, identity: Mapping[str, Any]) -> None:
    """Refuse to resume a store of another ensemble, and name the differences."""
    _, stored = _opened(folder)
    wanted = json.loads(json.dumps(identity))
    differing = [key for key in wanted if stored.get(key) != wanted[key]]
    if differing:
        raise ScenarioError(
            f"{folder}: holds another ensemble ({', '.join(differing)} differ): choose another folder, or remove it"
        )
