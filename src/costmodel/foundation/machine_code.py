"""Compile machine code once with LLVM (llvmlite, extra ``fast``), cache it on disk and load it."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from costmodel.foundation.errors import missing_extra

CACHE_VARIABLE = "COSTMODEL_CACHE"
"""Environment variable with the cache folder of compiled steps."""
OPTIMIZATION = 2
"""Level of optimization [1], as for ``clang -O2``."""


def cache_folder() -> Path:
    """Return the cache folder of compiled steps: ``COSTMODEL_CACHE``, or a folder in the user's cache."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "costmodel"


def llvm() -> Any:
    """Return llvmlite's binding, ready for this machine.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import llvmlite.binding as binding
    except ImportError:
        raise missing_extra("fast", "the compiled engine") from None
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


@lru_cache(maxsize=1)
def machine() -> tuple[str, str, int]:
    """Return the kind of processor, its features, and how many 64-bit numbers fit a register."""
    binding = llvm()
    features = binding.get_host_cpu_features()
    width = 8 if features.get("avx512f") else 4 if features.get("avx") else 2
    return binding.get_host_cpu_name(), features.flatten(), width


def _target() -> Any:
    """Return a target description of this machine; loaded code takes ownership, so each load needs a new one.

    Constants are addressed relative to the code, in 32 bits: `Loaded` keeps all sections in one piece of memory.
    """
    binding = llvm()
    name, features, _ = machine()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=OPTIMIZATION, reloc="pic", codemodel="small", jit=True
    )


def digest(*texts: str) -> str:
    """Return a short digest of the code's source, its compiler and the machine."""
    binding = llvm()
    name, features, _ = machine()
    whole = "\n".join([*texts, name, features, str(binding.llvm_version_info), str(OPTIMIZATION)])
    return hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()


def compiled(text: str) -> bytes:
    """Return the machine code of LLVM assembly."""
    binding = llvm()
    module = binding.parse_assembly(text)
    module.verify()
    target = _target()
    builder = binding.create_pass_builder(target, binding.create_pipeline_tuning_options(speed_level=OPTIMIZATION))
    builder.getModulePassManager().run(module, builder)
    return bytes(target.emit_object(module))


class Loaded:
    """Machine code in memory; a call releases the GIL."""

    def __init__(self, code: bytes, name: str, arguments: int) -> None:
        binding = llvm()
        empty = binding.parse_assembly("")
        self._engine = binding.create_mcjit_compiler(empty, _target(), use_lmm=True)
        self._engine.add_object_file(binding.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        address = self._engine.get_function_address(name)
        self._call = ctypes.CFUNCTYPE(None, *([ctypes.c_int64] * arguments))(address)

    def __call__(self, *arguments: int) -> None:
        """Call the code with integers and addresses."""
        self._call(*arguments)
