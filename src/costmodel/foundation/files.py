"""Write files completely or not at all, and read files from outside within a size limit."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from costmodel.foundation.errors import CostModelError, ScenarioError, error_line

MAX_TEXT_BYTES = 64 * 2**20
"""Largest text to read, unless a reader states a smaller limit [byte]."""
MAX_CELL = 131_072
"""Longest cell of a CSV text [character]: the csv module's default limit, which any other package could change."""
_BEYOND = "\x00beyond the header"


def read_whole(path: str | Path, longest: int = MAX_TEXT_BYTES, refused: type[CostModelError] = ScenarioError) -> bytes:
    """Return the bytes of a regular file; a pipe or a device is refused, since it may never end.

    Parameters
    ----------
    path
        The file.
    longest
        Largest file to read [byte].
    refused
        Class of the error.

    Raises
    ------
    CostModelError
        If the file does not exist, is not a regular file, cannot be read, or is larger.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise refused(f"{path}: is a pipe or a device, not a file")
            content = file.read(longest + 1)
    except OSError as error:
        raise refused(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        if isinstance(error, CostModelError):
            raise
        raise refused(f"{str(path)!r}: {error}") from None
    if len(content) > longest:
        raise refused(f"{path}: larger than {longest:,} bytes")
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open a file without blocking, as opening a pipe without a writer would."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_text(path: str | Path, longest: int = MAX_TEXT_BYTES, refused: type[CostModelError] = ScenarioError) -> str:
    """Return the UTF-8 text of a regular file, without a byte-order mark.

    Raises
    ------
    CostModelError
        If it cannot be read, is larger, or is not UTF-8.
    """
    try:
        return read_whole(path, longest, refused).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from None


def read_json(path: str | Path, longest: int = MAX_TEXT_BYTES, refused: type[CostModelError] = ScenarioError) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    CostModelError
        If it cannot be read, is larger, is not JSON, or is nested too deeply.
    """
    text = read_text(path, longest, refused)
    try:
        return json.loads(text)
    except RecursionError:
        raise refused(f"{path}: nested too deeply") from None
    except ValueError as error:
        raise refused(f"{path}: not JSON: {error_line(error)}") from None


def csv_rows(text: str, where: str, refused: type[CostModelError] = ScenarioError) -> list[dict[str, str]]:
    r"""Return the rows of a CSV text by column; missing cells of a short row are empty.

    Raises
    ------
    CostModelError
        If the text is not CSV, a row has more cells than the header, or a cell is longer than `MAX_CELL`; the message
        names the row.

    Examples
    --------
    >>> csv_rows("a,b\n1,2\n3\n", "mine.csv")
    [{'a': '1', 'b': '2'}, {'a': '3', 'b': ''}]
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey=_BEYOND, restval="")
    rows: list[dict[str, str]] = []
    try:
        for row in reader:
            if _BEYOND in row:
                raise refused(f"{where}: row {len(rows) + 1} has more cells than the header")
            if max(map(len, row.values()), default=0) > MAX_CELL:
                raise refused(f"{where}: row {len(rows) + 1}: field larger than field limit ({MAX_CELL})")
            rows.append(row)
    except csv.Error as error:
        raise refused(f"{where}: row {len(rows) + 1}: {error}") from None
    return rows


def write_whole(path: Path, write: Callable[[Path], object] | None) -> None:
    """Write a file completely or not at all, by renaming a temporary file; without ``write``, check that it can be.

    A link is followed, and its target is replaced. A device, a pipe or a socket is refused, since a file would replace
    it.

    Parameters
    ----------
    path
        Path of the file.
    write
        Called with the path of an empty file beside it, with the same suffix.

    Raises
    ------
    ScenarioError
        If the file cannot be written.
    """
    try:
        path = Path(os.path.realpath(path)) if path.is_symlink() else path
        if path.is_symlink():
            raise ScenarioError(f"{path}: is a link to itself")
        if path.exists() and not path.is_file():
            raise ScenarioError(f"{path}: {'Is a directory' if path.is_dir() else 'is a pipe or a device, not a file'}")
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    except OSError as error:
        raise ScenarioError(f"{str(path)[:200]}: {error.strerror}") from None
    except ValueError as error:
        if isinstance(error, CostModelError):
            raise
        raise ScenarioError(f"{str(path)!r}: {error}") from None
    os.close(handle)
    partial = Path(name)
    try:
        if write is not None:
            write(partial)
            _on_disk(partial)
            partial.chmod(0o644)
            partial.replace(path)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)


def _on_disk(path: Path) -> None:
    """Flush a file's content to disk, so that a power failure after the rename does not leave an empty file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
