"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from costmodel.foundation.errors import ScenarioError


def write_whole(path: Path, write: Callable[[Path], None] | None) -> None:
    """Write a file beside its target and move it there: whole or not at all; without ``write``, only try.

    Parameters
    ----------
    path
        Where the file shall be.
    write
        Called with the path of an empty file beside it, with the same suffix.

    Raises
    ------
    ScenarioError
        If the file cannot be written.
    """
    if path.is_dir():
        raise ScenarioError(f"{path}: Is a directory")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from None
    os.close(handle)
    partial = Path(name)
    try:
        if write is not None:
            write(partial)
            partial.chmod(0o644)
            partial.replace(path)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
