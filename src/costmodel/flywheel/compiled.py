"""Run the flywheel as machine code, over blocks of draws that fit the cache (extra ``fast``).

The code is compiled from the NumPy step (:mod:`costmodel.flywheel.traced_run`), once for each structure of a scenario:
its workloads, operators, steps and absent options. It is cached on disk. Parameter values are its inputs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, lru_cache, partial
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from costmodel.flywheel.recorder import DIMS, shape_of
from costmodel.flywheel.traced_run import leaves, structure, trace, traced, written_paths
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.files import write_whole
from costmodel.foundation.machine_code import Loaded, cache_folder, compiled, digest, machine
from costmodel.foundation.trace_graph import Graph
from costmodel.foundation.tracing import Table
from costmodel.foundation.vector_code import Writer
from costmodel.foundation.vector_run import FIELDS, LINE
from costmodel.foundation.version import VERSION

GROUP = 4
"""Vectors of draws that take a step together, so that their state stays in cache [1]."""
FEW = 2
"""Steps of a kind for which compiling longer does not pay [1]: the first, and those before all is known."""
FORMAT = 2
"""Format of the files of compiled steps."""


@dataclass(slots=True)
class Code:
    """Stored code of a traced step, with the layout of its inputs and outputs."""

    kinds: list[int]
    """Phase of each step, then of the end."""
    inputs: list[str]
    outputs: list[str]
    size: int
    """Scratch memory of a vector of draws, in vectors."""


def shapes_of(run: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of every stored output of a run, without draws."""
    return _shapes_of(run.drivers.grid.steps, len(run.scenario.market), len(run.scenario.operators))


@cache
def _shapes_of(steps: int, workloads: int, operators: int) -> dict[str, tuple[int, ...]]:
    return {name: shape_of(dims, steps, workloads, operators) for name, dims in DIMS.items()}


@cache
def numbers_of(key: str) -> tuple[str, tuple[int, ...]]:
    """Return the path and the shape that a key encodes.

    Examples
    --------
    >>> numbers_of(".state.last|4,1")
    ('.state.last', (4, 1))
    """
    path, _, sizes = key.rpartition("|")
    return path, tuple(map(int, filter(None, sizes.split(","))))


@cache
def _place_of(key: str) -> tuple[str, int, int]:
    """Return the path of a key, its elements per draw, and those of a row."""
    path, shape = numbers_of(key)
    return path, prod(shape), prod(shape[1:])


def code_of(run: Any) -> tuple[Code, bytes]:
    """Trace a scalar run before its first step, and compile it."""
    given = {leaf.path: leaf.own_shape for _, leaf in leaves(traced(run, Graph())) if isinstance(leaf, Table)}
    phases, kinds = trace(run, run.drivers.grid.steps, shapes_of(run))
    for number, phase in enumerate(phases):
        phase.often = kinds.count(number) > FEW
    kept = {key: numbers_of(key)[1] for phase in phases for key in phase.kept}
    writer = Writer(phases, {**given, **kept}, kept, written_paths(phases), given, machine()[2])
    text = writer.text()
    plan = writer.plan
    return Code(kinds, plan.inputs, plan.outputs, plan.size), compiled(text)


@lru_cache(maxsize=1)
def sources() -> str:
    """Return a digest of the library's code: the modules that a step uses and those that compile it."""
    folder = Path(__file__).parents[1]
    floors = ("flywheel", "market", "ownership", "compute", "training", "foundation")
    files = sorted(path for floor in floors for path in (folder / floor).glob("*.py"))
    return digest(VERSION, *(path.read_text(encoding="utf-8") for path in files))


_LOADED: dict[tuple[Any, ...], tuple[Code, Loaded]] = {}
"""Code by the length of a run and its structure; never dropped, since only other structures need other code."""
_ONE_AT_A_TIME = Lock()


def known(run: Any, held: Iterable[tuple[str, Any]]) -> tuple[Code, Loaded]:
    """Return the code of a scalar run with this content: from memory, from disk, or compiled now and cached."""
    key = run.drivers.grid.steps, run.drivers.grid.length, structure(held)
    with _ONE_AT_A_TIME:  # threads that start together wait for one compilation
        if key not in _LOADED:
            _LOADED[key] = _from_disk(run, cache_folder() / f"flywheel-{digest(sources(), repr(key), str(FORMAT))}")
    return _LOADED[key]


def _from_disk(run: Any, stem: Path) -> tuple[Code, Loaded]:
    """Load code from disk; where it is missing or damaged, compile and cache it."""
    plan, binary = stem.with_suffix(".json"), stem.with_suffix(".o")
    try:
        code, machine_code = Code(**json.loads(plan.read_text(encoding="utf-8"))), binary.read_bytes()
    except (OSError, ValueError, TypeError):
        code, machine_code = code_of(run)
        _keep(plan, binary, code, machine_code)
    return code, Loaded(machine_code, "run", 8)


def _keep(plan: Path, binary: Path, code: Code, machine_code: bytes) -> None:
    """Cache code on disk; if the disk cannot be written, it is compiled again next time."""
    try:
        plan.parent.mkdir(parents=True, exist_ok=True)
        for target, content in ((binary, machine_code), (plan, json.dumps(asdict(code)).encode())):
            write_whole(target, partial(_written, content))
    except OSError:
        pass


def _written(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def in_vectors(draws: int, width: int) -> int:
    """Return the number of draws of whole vectors that hold ``draws`` draws.

    Examples
    --------
    >>> in_vectors(17, 8), in_vectors(16, 8)
    (24, 16)
    """
    return -(-draws // width) * width


def _aligned(count: int) -> FloatArray:
    """Return a new array that begins at a line of the cache."""
    room = np.empty(count + LINE)
    begin = -(room.ctypes.data // room.itemsize) % LINE
    return room[begin : begin + count]


def places(
    arrays: Sequence[Any], sizes: Sequence[int], draws: int, width: int
) -> tuple[list[FloatArray], list[tuple[int, int, int]]]:
    """Lay out arrays for the code; return them with each one's address and its strides between elements and draws.

    Parameters
    ----------
    arrays
        Arrays of a run: the same in all draws, or with draws on the last axis.
    sizes
        Number of elements per draw, of each array.
    draws
        Number of draws.
    width
        Draws in a vector; a value that all draws share is repeated this many times.

    Returns
    -------
    tuple
        Arrays that must stay in memory, and for each input its address and two strides, in units of 8 bytes. The last
        draw is repeated where a vector is not full.
    """
    whole = in_vectors(draws, width)
    alike: dict[int, FloatArray] = {}
    apart: dict[int, FloatArray] = {}
    for number, (array, size) in enumerate(zip(arrays, sizes, strict=True)):
        values = np.asarray(array, dtype=np.float64)
        if values.size == size * draws and draws > 1 and values.strides[-1] == 0:
            values = values[..., : values.shape[-1] // draws]  # the last axis may hold operators and draws
        if values.size == size:
            alike[number] = values.reshape(-1)
            continue
        table = np.ascontiguousarray(values).reshape(size, draws)
        padding = np.repeat(table[:, -1:], whole - draws, axis=1)
        apart[number] = np.concatenate([table, padding], axis=1) if draws < whole else table
    packed = np.repeat(np.concatenate([np.empty(0), *alike.values()]), width)
    rows = [(0, 0, 0)] * len(arrays)
    place = packed.ctypes.data
    for number, values in alike.items():
        rows[number] = place, width, 0
        place += values.size * width * packed.itemsize
    for number, table in apart.items():
        rows[number] = table.ctypes.data, whole, 1
    return [packed, *apart.values()], rows


@dataclass(slots=True)
class Bound:
    """A run and its code, ready to call: addresses of inputs and outputs, and the arrays that must stay in memory."""

    code: Code
    call: Loaded
    context: Any
    outputs: dict[str, FloatArray]
    held: list[Any]
    draws: int
    """Number of draws, in whole vectors."""

    def take(self, first: int, vectors: int, width: int) -> None:
        """Take all steps of ``vectors`` vectors of draws, from draw ``first`` on."""
        scratch = np.empty(self.code.size * width * GROUP + width)
        offset = -scratch.ctypes.data % (8 * width)
        kinds = np.array(self.code.kinds, dtype=np.int64)
        self.call(
            self.context.ctypes.data + 8, first, vectors, len(kinds) - 1, self.draws - width,
            kinds.ctypes.data, scratch.ctypes.data + offset, GROUP,
        )  # fmt: skip


def bound(run: Any, scalar: Any, draws: int, asked: Collection[str] | None) -> Bound:
    """Bind a run before its first step to its code.

    Parameters
    ----------
    run
        The run with all draws.
    scalar
        The same run with one draw; its shapes give the number of elements per draw.
    draws
        Number of draws.
    asked
        Outputs to store; all where absent.
    """
    arrays = dict(leaves(run))
    code, call = known(scalar, arrays.items() if scalar is run else leaves(scalar))
    width = machine()[2]
    named = [_place_of(key) for key in code.inputs]
    held, found = places([arrays[path] for path, _, _ in named], [size for _, size, _ in named], draws, width)
    rows = [(address, row * cell, cell, draw) for (address, cell, draw), (_, _, row) in zip(found, named, strict=True)]
    whole = in_vectors(draws, width)
    outputs, homes = _outputs(code, shapes_of(run), whole, asked)
    targets = [homes.get(name, (0, 0, 0, 0)) for name in code.outputs]
    table_of_outputs = np.array(targets, dtype=np.int64)
    context = np.empty(1 + FIELDS * len(rows), dtype=np.int64)
    context[0] = table_of_outputs.ctypes.data
    context[1:] = np.array(rows, dtype=np.int64).reshape(-1)
    return Bound(code, call, context, outputs, [*held, table_of_outputs], whole)


def _outputs(
    code: Code, shapes: Mapping[str, tuple[int, ...]], draws: int, asked: Collection[str] | None
) -> tuple[dict[str, FloatArray], dict[str, tuple[int, int, int, int]]]:
    """Return arrays for the requested outputs, and their addresses and strides.

    The arrays are parts of one, for which the system can use large pages: each step writes to all of them.
    """
    names = [name for name in code.outputs if asked is None or name in asked]
    sizes = [in_vectors(prod(shapes[name]) * draws, LINE) for name in names]
    whole, begin = _aligned(sum(sizes)), 0
    arrays: dict[str, FloatArray] = {}
    homes: dict[str, tuple[int, int, int, int]] = {}
    for name, size in zip(names, sizes, strict=True):
        shape = *shapes[name], draws
        arrays[name] = whole[begin : begin + prod(shape)].reshape(shape)
        homes[name] = arrays[name].ctypes.data, prod(shape[1:]), draws, 1
        begin += size
    return arrays, homes


def steps_taken(
    run: Any, scalar: Any, draws: int, asked: Collection[str] | None = None, threads: int = 1
) -> dict[str, FloatArray]:
    """Take all steps of a run, and return the requested outputs, with draws on the last axis."""
    ready, width = bound(run, scalar, draws, asked), machine()[2]
    vectors = -(-draws // width)
    if threads == 1 or vectors < threads:
        ready.take(0, vectors, width)
    else:
        share = -(-vectors // threads)
        with ThreadPoolExecutor(threads) as pool:
            for part in [
                pool.submit(ready.take, begin * width, min(share, vectors - begin), width)
                for begin in range(0, vectors, share)
            ]:
                part.result()
    return {name: array[..., :draws] for name, array in ready.outputs.items()}
