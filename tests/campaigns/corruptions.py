"""Damaged stores: what is shown is what was written, or the store is refused in one line; repair makes it whole."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import stores
from attack import Campaign, message_fault

from costmodel.analysis.store import store_ensemble
from costmodel.foundation.errors import CostModelError

REPAIRED = 0.1
"""Share of the damaged stores that are repaired, where that is possible [1]."""


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
    """Repair a store; where that is not refused, it shows what was written afterwards."""
    try:
        store_ensemble(path, stores.toy(), draws=stores.DRAWS, rng=0, model=stores.toy_model, repair=True)
    except CostModelError as error:
        return message_fault(error)
    fault = stores.seen_fault(path)
    return None if fault is None else f"after repair: {fault}"


CAMPAIGN = Campaign(case, whole=2_000)
