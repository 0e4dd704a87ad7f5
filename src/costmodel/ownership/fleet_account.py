"""Opening state of a fleet, and the account of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import DomainError
from costmodel.ownership.class_books import OpeningBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Opening state of a fleet.

    Parameters
    ----------
    in_service
        Row → amount in service, ≥ 0: ``units``, the further rows, and the purchase cost of each class.
    life
        Time over which these units retire, evenly, > 0 [year].
    on_order
        Row → amount on order, ≥ 0; a class's row is the amount already paid. Orders arrive evenly over the lag; without
        a lag, in the first step.
    books
        Class → `OpeningBook`.
    """

    in_service: Mapping[str, ArrayLike] = field(default_factory=dict)
    life: ArrayLike = 1.0
    on_order: Mapping[str, ArrayLike] = field(default_factory=dict)
    books: Mapping[str, OpeningBook] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FleetStep:
    """Account of a step; in a history the step is the first axis.

    By row, ``(row,) + batch``: flows ``ordered``, ``shipped``, ``arrived``, ``failed``, ``retired`` (at physical life),
    ``left`` (before it); stocks at the end of the step ``in_service``, ``on_order``. By class, ``(class,) + batch``
    [USD]: flows ``paid``, ``placed`` (in service), ``depreciation``, ``written_off`` (failed and left, at book),
    ``impaired``, ``disposed`` (retired, at book); stocks ``book_value`` (in service), ``construction`` (paid, not yet
    in service), ``committed`` (ordered, not yet paid).
    """

    ordered: FloatArray
    shipped: FloatArray
    arrived: FloatArray
    failed: FloatArray
    retired: FloatArray
    left: FloatArray
    in_service: FloatArray
    on_order: FloatArray
    paid: FloatArray
    placed: FloatArray
    depreciation: FloatArray
    written_off: FloatArray
    impaired: FloatArray
    disposed: FloatArray
    book_value: FloatArray
    construction: FloatArray
    committed: FloatArray


def stacked(steps: Sequence[FleetStep]) -> FleetStep:
    """Return a history, ``(step, …) + batch``, from its steps.

    Raises
    ------
    DomainError
        If there are no steps.
    """
    if not steps:
        raise DomainError("a history needs at least one step")
    return FleetStep(
        **{item.name: readonly(np.stack([getattr(done, item.name) for done in steps])) for item in fields(FleetStep)}
    )
