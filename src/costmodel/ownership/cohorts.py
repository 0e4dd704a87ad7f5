"""What a fleet keeps of its cohorts: their rows, their exits, and the account of a step."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError

RowArray: TypeAlias = NDArray[np.signedinteger[Any]]
"""Row numbers of a table, one per draw."""

UNITS, PERFORMANCE, RUNNING, GROSS, BASE, SALVAGE = range(6)
"""Rows of a cohort: units, relative performance, running cost a year, cost, and its two parts in the books."""


@dataclass(frozen=True, slots=True)
class FleetStep:
    """What happened in one step; arrays of the shape of the batch, or ``(step,) + batch`` in a history.

    Flows [units or USD per step]: ``bought``, ``entered``, ``failed``, ``retired`` (physical life), ``retired_early``;
    ``capex``, ``placed`` (cost placed in service), ``depreciation``, ``written_off`` (book value of failed and of
    early retired units), ``disposed`` (book value at physical life), ``impaired``. In use during the step:
    ``in_service`` [units], ``capacity`` (units × relative performance), ``running_cost`` [USD/year]. Stocks at the
    end of the step: ``installed``, ``pipeline`` [units], ``book_value``, ``in_construction`` [USD].
    """

    bought: FloatArray
    entered: FloatArray
    failed: FloatArray
    retired: FloatArray
    retired_early: FloatArray
    capex: FloatArray
    placed: FloatArray
    depreciation: FloatArray
    written_off: FloatArray
    disposed: FloatArray
    impaired: FloatArray
    in_service: FloatArray
    capacity: FloatArray
    running_cost: FloatArray
    installed: FloatArray
    pipeline: FloatArray
    book_value: FloatArray
    in_construction: FloatArray


class Exit:
    """Exit of cohorts a life after entry, in two neighbouring steps, thinned by failures."""

    def __init__(self, steps: FloatArray, horizon: int, decay: FloatArray) -> None:
        self.steps = steps
        whole = np.floor(steps)
        self.offset = np.minimum(whole, horizon + 1.0).astype(np.intp)
        part = np.where(np.isfinite(steps), steps - np.where(np.isfinite(whole), whole, 0.0), 0.0)
        self.first = (1.0 - part) * np.power(decay, self.offset)
        self.second = part * np.power(decay, self.offset + 1.0)

    def present(self, age: FloatArray) -> FloatArray:
        """Return the share of a cohort that is present at an age in steps, failures left out."""
        return np.where(age < 0.0, 0.0, np.minimum(np.maximum(self.steps - age, 0.0), 1.0))


def stacked(steps: list[FleetStep]) -> FleetStep:
    """Return a history, ``(step,) + batch``, from the steps of it.

    Raises
    ------
    DomainError
        If there are none.
    """
    if not steps:
        raise DomainError("a history needs at least one step")
    return FleetStep(
        **{item.name: readonly(np.stack([getattr(done, item.name) for done in steps])) for item in fields(FleetStep)}
    )
