"""Concurrent writers of one store: one locks it, the others are refused or find it complete, and it ends complete."""

from __future__ import annotations

import random
import time
from pathlib import Path

import stores
from attack import Campaign
from kills import _wait


def case(chance: random.Random, folder: Path) -> str | None:
    path = folder / "run"
    if chance.random() < 0.3:
        stores.write(path)
        (path / "block_digest" / "c" / str(chance.randrange(5)) / "0").unlink()
    children = []
    for _ in range(chance.choice((2, 2, 3, 4))):
        children.append(stores.in_a_child(lambda: stores.write(path)))
        time.sleep(chance.choice((0.0, 0.0, 0.01, 0.1)))
    ends = [_wait(child) for child in children]
    if any(end not in (0, 2) for end in ends):
        return f"a writer ended otherwise than done or refused | {ends}"
    if 0 not in ends:
        return f"no writer finished | {ends}"
    if stores.content(path) != stores.content(stores.whole() / "run"):
        return "the store holds other bytes"
    beside = sorted(item.name for item in folder.iterdir() if item != path)
    return f"left beside the store: {beside}" if beside else None


CAMPAIGN = Campaign(case, whole=200)
