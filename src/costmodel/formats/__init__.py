"""Readers and writers of other tools' files: one module per format, which states the supported versions.

Installed packages add formats under the entry points ``costmodel.formats``: a module that reads one, reached here by
the entry's name.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Return the format that an installed package brings under this name."""
    from costmodel.foundation.packages import FORMATS, provided, provided_names

    if name not in provided_names(FORMATS):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return provided(FORMATS, name)[0]
