"""Common spellings of inference engines, with or without a version."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"([a-z][a-z-]*?)[\s_=@:-]*(?:v?([0-9]+(?:\.[0-9]+)*)\S*)?")
_OTHERS = {"tensorrt-llm": "trtllm", "tensorrtllm": "trtllm", "trt-llm": "trtllm"}
"""Other spellings of an engine."""


def engine_version(written: str) -> tuple[str, tuple[int, ...]]:
    """Split an engine as it is written into its name in the catalog and its version.

    Parameters
    ----------
    written
        ``"vllm"``, ``"vLLM 0.10.1"``, ``"vllm==0.9.2rc1"``, ``"TensorRT-LLM v1.0"``.

    Returns
    -------
    tuple of str and tuple of int
        The name, in lower case; numbers of the version, empty where none is written.

    Examples
    --------
    >>> engine_version("vLLM 0.10.1"), engine_version("TensorRT-LLM"), engine_version("my own")
    (('vllm', (0, 10, 1)), ('trtllm', ()), ('my own', ()))
    """
    found = _WRITTEN.fullmatch(written.strip().lower())
    if found is None:
        return written, ()
    name, version = found.groups()
    return _OTHERS.get(name, name), tuple(map(int, version.split("."))) if version else ()
