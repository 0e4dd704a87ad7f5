"""Damaged stores: a store shows only what was written or is refused in one line, and repair restores it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import stores
from attack import Campaign, message_fault

from costmodel.analysis.store import store_ensemble
from costmodel.foundation.errors import CostModelError

REPAIRED = 0.1
"""Share of damaged stores for which repair is tried [1]."""


def case(chance: random.Random, folder: Path) -> str | None:
    path = folder / "run"
    shutil.copytree(stores.whole() / "run", path)
    done = stores.corrupt(path, chance)
    try:
        fault = stores.seen_fault(path)
    except CostModelError as error:
        fault = message_fault(error)
        if fault is None and chance.random() < REPAIRED:
            fault = _repair_fault(path)
        if fault is None:
            raise
    return None if fault is None else f"{fault} | {done}"


def _repair_fault(path: Path) -> str | None:
    """Repair a store; unless the repair is refused, check that the store shows what was written."""
    try:
        store_ensemble(path, stores.toy(), draws=stores.DRAWS, rng=0, model=stores.toy_model, repair=True)
    except CostModelError as error:
        return message_fault(error)
    fault = stores.seen_fault(path)
    return None if fault is None else f"after repair: {fault}"


CAMPAIGN = Campaign(case, whole=2_000)
