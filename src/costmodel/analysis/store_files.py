"""Checks on the files of a stored ensemble before they are read or written: type, size and form."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.budgets import memory_of_machine
from costmodel.foundation.errors import ScenarioError, error_line
from costmodel.foundation.outputs import OutputSpec

DIGEST_BYTES = 32
"""Length of a block's digest [byte]."""
DIGESTS = "block_digest"
"""Name of the array of digests."""
MAX_DESCRIPTION_BYTES = 64 * 2**20
"""Largest description of a store or of one of its arrays [byte]."""
FAULTS = (
    OSError, ValueError, LookupError, TypeError, RuntimeError, AttributeError, ArithmeticError, AssertionError,
    EOFError, MemoryError,
)  # fmt: skip
"""Exceptions that reading or writing a damaged store may raise."""
CODING_ROOM = 65_536
"""Most that a chunk's encoding may add to its size [byte]."""


def checked_array(folder: Path, group: Any, name: str, block: int, draws: int) -> Any:
    """Return an array of a store after checking its shape, its chunks, and the type and size of its files.

    Raises
    ------
    ValueError
        If a check fails.
    """
    check_file(folder / name / "zarr.json", MAX_DESCRIPTION_BYTES)
    array = group[name]
    *structural, length = array.shape
    chunks: tuple[int, ...] = (1, DIGEST_BYTES)
    wanted, place = DIGEST_BYTES, [str(block), "0"]
    if name != DIGESTS:
        chunks = (*(max(size, 1) for size in structural), BLOCK)
        wanted, place = draws, [*("0" for _ in structural), str(block)]
    if length != wanted or tuple(array.chunks) != chunks:
        raise ValueError(f"{name} has the shape {array.shape} in chunks of {array.chunks}")
    whole = int(np.prod(chunks, dtype=object)) * array.dtype.itemsize
    if whole > memory_of_machine():
        raise ValueError(f"{name} has chunks of {whole:,} bytes, more than the machine's memory")
    check_file(folder.joinpath(name, "c", *place), 2 * whole + CODING_ROOM)
    return array


def check_file(path: Path, longest: int) -> None:
    """Raise ``ValueError`` for a file that is not regular or is larger than ``longest`` bytes; ignore an absent one."""
    with suppress(FileNotFoundError):
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{path.name} of {path.parent} is not a regular file")
        if found.st_size > longest:
            raise ValueError(
                f"{path.name} of {path.parent} has {found.st_size:,} bytes; at most {longest:,} were written"
            )


@contextmanager
def readable(folder: Path, what: str) -> Iterator[None]:
    """Turn exceptions from reading a damaged store into one ``ScenarioError``."""
    try:
        yield
    except FAULTS as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(f"{folder}: {what} cannot be read ({error_line(error)}): the store is damaged") from None


def check_described(folder: Path, group: Any, spec: OutputSpec) -> None:
    """Refuse an array whose metadata differ from those written, since its values would be decoded differently."""
    with readable(folder, f"output {spec.name}"):
        check_file(folder / spec.name / "zarr.json", MAX_DESCRIPTION_BYTES)
        array = group[spec.name]
        said = dict(array.attrs), tuple(array.metadata.dimension_names)
        if said != (shown_attributes(spec), (*spec.dims, "draw")):
            raise ValueError(f"its metadata are {said}")


def shown_attributes(spec: OutputSpec) -> dict[str, str]:
    """Return the attributes of an output in a dataset."""
    return {"units": spec.unit, "long_name": spec.label}


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Lock a store's folder for one writer; the lock ends with the process and writes no file.

    Raises
    ------
    ScenarioError
        If another process holds the lock.

    Notes
    -----
    On systems without such locks (Windows), two writers of one store are not kept apart.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ScenarioError(f"{folder}: exists and is not a stored ensemble: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ScenarioError(f"{folder}: another process is writing to it; wait for it, or stop it") from None
        yield
    finally:
        os.close(descriptor)


def exists(folder: Path) -> bool:
    """Whether anything has this name, including a broken link."""
    try:
        return folder.is_symlink() or folder.exists()
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{str(folder)[:200]!r}: {getattr(error, 'strerror', None) or error}") from None


def sync(chunk: Path) -> None:
    """Flush a chunk and its folder entry to disk; a chunk of fill values has no file."""
    for place in (chunk, chunk.parent):
        with suppress(FileNotFoundError, PermissionError):  # Windows cannot open folders
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove partial files left by writers that were stopped."""
    for leftover in folder.rglob("*.partial"):
        if leftover.is_file() or leftover.is_symlink():
            leftover.unlink(missing_ok=True)
