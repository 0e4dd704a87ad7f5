"""Which figures a result has: those that its outputs and studies are enough for, the telling ones first."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from costmodel.foundation.errors import CostModelError
from costmodel.foundation.results import Result
from costmodel.reporting import figures
from costmodel.reporting.report import Headline

STATIONS = (
    ("unit cost", ("fixed_weight_unit_cost", "average_unit_cost")),
    ("usage", ("tokens",)),
    ("infrastructure", ("facility_power", "accelerators_in_service")),
    ("total spend", ("user_spend",)),
)
"""What the flywheel turns through: a label and the outputs that may stand for it."""
STACKS = (
    ("user spend by workload", ("user_spend_by_workload",)),
    ("depreciation by class", ("depreciation_by_class",)),
    ("capex by class", ("capex_by_class",)),
)
"""Stacked bars that are drawn where a result has the outputs."""


def drawings(
    result: Result, headlines: Sequence[Headline], studies: Mapping[str, Any] | None = None
) -> Iterator[Callable[[], Any]]:
    """Yield what draws each figure that a result has the outputs for.

    Parameters
    ----------
    result
        A run, of medians or draws.
    headlines
        Outputs that are put first; each with years gets a fan.
    studies
        A tornado of the first headline, under ``tornado``.
    """
    chosen = stations(result)
    if len(chosen) == len(STATIONS):
        yield lambda: figures.loop(result, chosen)
    for headline in headlines:
        name = headline.name.split("@")[0]
        if result.spec(name).time_axis is not None:
            yield lambda name=name: figures.fan(result, name)  # type: ignore[misc]
    for title, names in STACKS:
        if all(name in result.outputs() for name in names):
            yield lambda names=names, title=title: figures.stacked(result, names, title=title)  # type: ignore[misc]
    if {"inference_cost", "training_cost"} <= result.outputs().keys():
        yield lambda: figures.crossing(result, "inference_cost", "training_cost")
    if studies and "tornado" in studies:
        unit = result.spec(headlines[0].name.split("@")[0]).unit
        yield lambda: figures.tornado(studies["tornado"], unit=unit)
    for name, spec in result.outputs().items():
        if spec.dims == ("part",):
            yield lambda name=name: figures.parts(result, name)  # type: ignore[misc]


def stations(result: Result) -> list[tuple[str, str]]:
    """Return label and output of each station of the flywheel that a result has."""
    return [
        (label, next(name for name in names if name in result.outputs()))
        for label, names in STATIONS
        if any(name in result.outputs() for name in names)
    ]


def drawn(draws: Iterable[Callable[[], Any]], most: int) -> Iterator[Any]:
    """Draw figures one after the other, at most so many; one that the result cannot fill is left out."""
    made = 0
    for draw in draws:
        if made == most:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                axes = draw()
            except CostModelError:
                continue  # this result has no such figure: an axis more, a year too few
        made += 1
        yield axes
