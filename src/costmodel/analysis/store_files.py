"""The files of a stored ensemble, looked at before they are read or written: what they have to be, and no devices."""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.budgets import memory_of_machine

DIGEST_BYTES = 32
"""Length of a block's digest [byte]."""
DIGESTS = "block_digest"
"""Name of the array of digests."""
MAX_DESCRIPTION_BYTES = 64 * 2**20
"""Largest description of a store or of one of its arrays [byte]."""
CODING_ROOM = 65_536
"""Bytes that a chunk's coding may add [byte]."""


def checked_array(folder: Path, group: Any, name: str, block: int, draws: int) -> Any:
    """Return an array of a store after a look at its form and files: as they were made, of a size, and no devices.

    Raises
    ------
    ValueError
        If they are not.
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
        raise ValueError(f"{name} has the shape {array.shape} in parts of {array.chunks}")
    whole = int(np.prod(chunks, dtype=object)) * array.dtype.itemsize
    if whole > memory_of_machine():
        raise ValueError(f"{name} has parts of {whole:,} bytes")
    check_file(folder.joinpath(name, "c", *place), 2 * whole + CODING_ROOM)
    return array


def check_file(path: Path, longest: int) -> None:
    """Raise ``ValueError`` for a file that is a device or larger than what was written; an absent one passes."""
    with suppress(FileNotFoundError):
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{path.name} of {path.parent} is not a regular file")
        if found.st_size > longest:
            raise ValueError(
                f"{path.name} of {path.parent} has {found.st_size:,} bytes; at most {longest:,} were written"
            )
