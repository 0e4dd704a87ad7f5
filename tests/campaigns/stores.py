"""A small ensemble in a store, and ways to damage it, for the campaigns of corruptions, kills and writers."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from attack import message_fault

sys.path.append(str(Path(__file__).parents[1] / "analysis"))
from ensemble_toy import toy, toy_model

from costmodel.analysis.store import EnsembleStore, open_store, store_ensemble
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.errors import CostModelError

DRAWS = 5 * BLOCK + 700
"""Draws of the store [1]: five whole blocks and part of another."""
OUTPUTS = ("tokens", "margin", "price", "falling")


@cache
def design() -> Design:
    """Return the design of the store."""
    return Design.random(toy(), DRAWS, 0)


@cache
def whole() -> Path:
    """Return the folder of an undisturbed store, kept while the process runs."""
    folder = Path(tempfile.mkdtemp(prefix="whole-store-"))
    store_ensemble(folder / "run", toy(), draws=DRAWS, rng=0, model=toy_model)
    store_ensemble(folder / "other", toy(), draws=DRAWS, rng=1, model=toy_model)
    _forget_at_exit(folder)
    return folder


def _forget_at_exit(folder: Path) -> None:
    import atexit

    atexit.register(shutil.rmtree, folder, ignore_errors=True)


@cache
def expected() -> dict[str, Any]:
    """Return the values that the store should have, computed by the model itself."""
    ran = toy_model(toy().resolve(design()))
    return {name: np.asarray(getattr(ran, name)) for name in OUTPUTS}


@cache
def _declared() -> dict[Any, Any]:
    """Return the metadata of the outputs in an undamaged store."""
    data = EnsembleStore(whole() / "run", toy(), design()).to_xarray()
    return {name: row.attrs for name, row in data.items()}


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its bytes."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def write(path: Path) -> None:
    """Write the store, or resume it."""
    store_ensemble(path, toy(), draws=DRAWS, rng=0, model=toy_model)


def seen_fault(path: Path) -> str | None:
    """Read everything that a store shows; return a value that was not written, or None. A refusal passes."""
    store = EnsembleStore(path, toy(), design())
    with contextlib.suppress(CostModelError):
        open_store(path)
    data = store.to_xarray()
    if {name: row.attrs for name, row in data.items()} != _declared():
        return "units or names are other ones in silence"
    draws = data["draw"].values
    for name, values in expected().items():
        if not np.array_equal(data[name].values, values[..., draws]):
            return f"{name} shows other values in silence"
    if store.complete.all():
        found = store.summarize()
        wanted = expected()["price"]
        if found["price"].moments.low != wanted.min() or found["price"].moments.high != wanted.max():
            return "the summary is another one in silence"
    return None


def corrupt(path: Path, chance: random.Random) -> str:
    """Damage a store in one way; return a description."""
    way = chance.choice(sorted(_WAYS))
    files = sorted(file for file in path.rglob("*") if file.is_file())
    target = chance.choice(files)
    _WAYS[way](path, target, chance)
    return f"{way} {target.relative_to(path)}"


def _flip(path: Path, target: Path, chance: random.Random) -> None:
    raw = bytearray(target.read_bytes())
    if raw:
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        target.write_bytes(bytes(raw))


def _cut(path: Path, target: Path, chance: random.Random) -> None:
    raw = target.read_bytes()
    target.write_bytes(raw[: chance.randrange(len(raw) + 1)])


def _grow(path: Path, target: Path, chance: random.Random) -> None:
    target.write_bytes(target.read_bytes() + chance.choice((b"\x00", b"x" * 1000, b"{}")))


def _zero(path: Path, target: Path, chance: random.Random) -> None:
    raw = bytearray(target.read_bytes())
    start = chance.randrange(len(raw) + 1)
    raw[start : start + 4096] = bytes(len(raw[start : start + 4096]))
    target.write_bytes(bytes(raw))


def _delete(path: Path, target: Path, chance: random.Random) -> None:
    target.unlink()


def _folder(path: Path, target: Path, chance: random.Random) -> None:
    target.unlink()
    target.mkdir()


def _link(path: Path, target: Path, chance: random.Random) -> None:
    target.unlink()
    target.symlink_to(chance.choice(("nowhere", "/dev/zero", str(whole() / "other" / "zarr.json"))))


def _swap(path: Path, target: Path, chance: random.Random) -> None:
    chunks = sorted(file for file in path.rglob("*") if file.is_file() and file.name != "zarr.json")
    one, two = chance.sample(chunks, 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def _stranger(path: Path, target: Path, chance: random.Random) -> None:
    """Replace a file by that of a store with another seed."""
    shutil.copyfile(whole() / "other" / target.relative_to(path), target)


def _strange_block(path: Path, target: Path, chance: random.Random) -> None:
    """Replace a whole block, with its digest, by that of a store with another seed."""
    block = str(chance.randrange(design().blocks))
    for file in path.rglob("*"):
        if file.is_file() and block in file.parent.name + "/" + file.name and file.name != "zarr.json":
            shutil.copyfile(whole() / "other" / file.relative_to(path), file)


def _metadata(path: Path, target: Path, chance: random.Random) -> None:
    """Change one entry of the metadata, which stay valid JSON."""
    import nasty

    described = chance.choice(sorted(path.rglob("zarr.json")))
    form = json.loads(described.read_text())
    changed = nasty.mutated(form, chance, 1)
    with contextlib.suppress(TypeError, ValueError):
        described.write_text(json.dumps(changed), encoding="utf-8", errors="backslashreplace")


def _attribute(path: Path, target: Path, chance: random.Random) -> None:
    """Give an array another scale, unit or name, by the attributes that readers of climate data use."""
    described = chance.choice([file for file in sorted(path.rglob("zarr.json")) if file.parent != path])
    form = json.loads(described.read_text())
    more = {"units": chance.choice(("furlong", "days since 2000-01-01")), "scale_factor": 2.0, "add_offset": 1.0,
            "coordinates": "price", "dtype": "bool", "_FillValue": 1.0, "long_name": "x"}  # fmt: skip
    key = chance.choice(sorted(more))
    form["attributes"][key] = more[key]
    described.write_text(json.dumps(form))


def _shape(path: Path, target: Path, chance: random.Random) -> None:
    described = chance.choice([file for file in sorted(path.rglob("zarr.json")) if file.parent != path])
    form = json.loads(described.read_text())
    form["shape"][-1] = max(1, form["shape"][-1] + chance.choice((-1, 1, -BLOCK, BLOCK, -4 * BLOCK)))
    if chance.random() < 0.5:
        form["fill_value"] = True if form["data_type"] == "bool" else 7
    described.write_text(json.dumps(form))


_WAYS: dict[str, Callable[[Path, Path, random.Random], None]] = {
    "flip": _flip, "cut": _cut, "grow": _grow, "zero": _zero, "delete": _delete, "folder": _folder, "link": _link,
    "swap": _swap, "stranger": _stranger, "block": _strange_block, "metadata": _metadata, "shape": _shape,
    "attribute": _attribute,
}  # fmt: skip


def in_a_child(work: Callable[[], str | None]) -> int:
    """Start work in a forked process, whose status is 0 if it succeeds, 2 if it is refused, and 3 otherwise."""
    child = os.fork()
    if child:
        return child
    status = 3
    try:
        work()
        status = 0
    except CostModelError as error:
        status = 2 if message_fault(error) is None else 3
    except BaseException:  # noqa: BLE001 - the parent counts it
        traceback.print_exc()
    finally:
        os._exit(status)
