"""Exogenous paths of workloads for all steps: adoption, intensity, launch, budgets and the paid share.

Inside a market arrays always have a draw axis, of length 1 for a scalar run: shapes are ``(draw,)``,
``(step, draw)``, ``(workload, draw)`` and ``(step, workload, draw)``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import DomainError
from costmodel.foundation.rates import Rate, VaryingRate
from costmodel.foundation.schedules import TimeGrid, year_fraction
from costmodel.market.demand import bass_adoption, fading_growth, launch_ramp, logistic_adoption
from costmodel.market.workload import AdoptionInputs, WorkloadDemand

__all__ = [
    "NEVER",
    "WorkloadPaths",
    "draws",
    "log_growth",
    "path",
    "rate_at",
    "since",
    "stack",
    "trend_after",
    "workload_paths",
]

NEVER = 1e9
"""A date that is never reached [year]."""


def draws(value: Any) -> FloatArray:
    """Return a resolved parameter with its draw axis: ``(draw,)``, of length 1 for a number."""
    array = np.asarray(value, dtype=np.float64)
    return array if array.ndim else array.reshape(1)


def path(value: Any) -> FloatArray:
    """Return a resolved trajectory with its draw axis: ``(step, draw)``."""
    array = np.asarray(value, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def stack(rows: Sequence[FloatArray]) -> FloatArray:
    """Stack rows along a new leading axis after broadcasting them."""
    if _alike(rows):
        return np.array(rows)
    return np.stack(np.broadcast_arrays(*rows))


def by_step(rows: Sequence[FloatArray]) -> FloatArray:
    """Stack trajectories ``(step, draw)`` into ``(step, row, draw)``."""
    if len(rows) == 1 and type(rows[0]) is np.ndarray:
        return rows[0][:, np.newaxis].copy()
    return np.stack(np.broadcast_arrays(*rows), axis=1)


def _alike(rows: Sequence[FloatArray]) -> bool:
    """Whether rows are arrays of one shape, which need no broadcasting; traced arrays are left to NumPy's protocol."""
    return all(type(row) is np.ndarray and row.shape == rows[0].shape for row in rows)


def since(grid: TimeGrid, date: dt.date | None) -> float:
    """Return a date as years since the start; an absent date is never reached."""
    return NEVER if date is None else year_fraction(date) - grid.begin


def log_growth(rate: Rate, times: FloatArray, start: float = 0.0) -> FloatArray:
    """Return the growth in logs that a rate adds up to from ``start`` on, ``(step, draw)``; 0 before it [1].

    Parameters
    ----------
    rate
        A resolved rate of growth: a number, one per draw, or one that varies in time [1/year].
    times
        Years since the start of the run, ``(step,)``.
    start
        From when it grows, in the same years.
    """
    if isinstance(rate, VaryingRate):
        return path(rate.grown(np.maximum(times, start), start))
    return np.asarray(draws(rate) * np.maximum(times - start, 0.0)[:, None])


def rate_at(rate: Rate, times: FloatArray) -> FloatArray:
    """Return a rate of growth at some times, ``(step, draw)``; ``(draw,)`` where it is the same at all [1/year]."""
    return path(rate.at(times)) if isinstance(rate, VaryingRate) else draws(rate)


def trend_after(times: FloatArray, rate: Rate, start: float) -> FloatArray:
    """Return the factor of a trend at a resolved rate of growth that begins at ``start``, ``(step, draw)``."""
    return np.asarray(np.exp(log_growth(rate, times, start)))


@dataclass(frozen=True, slots=True)
class WorkloadPaths:
    """Parameters ``(workload, draw)`` and trajectories ``(step, workload, draw)`` of the workloads."""

    tokens: FloatArray
    log_reference: FloatArray
    log_margin: FloatArray
    elasticity: FloatArray
    capability_elasticity: FloatArray
    memory: FloatArray
    sharpness: FloatArray
    adoption: FloatArray
    """Adoption, with the launch."""
    intensity: FloatArray
    budget: FloatArray
    paid_share: FloatArray
    realisation: FloatArray


def workload_paths(
    items: Sequence[WorkloadDemand], grid: TimeGrid, times: FloatArray, budgets: Sequence[FloatArray] | None = None
) -> WorkloadPaths:
    """Return the paths of some workloads.

    Parameters
    ----------
    items
        Resolved workloads.
    grid
        Time grid, for dates.
    times
        Years since the start at which the paths are evaluated, ``(step,)`` [year].
    budgets
        Users' budget by workload, ``(step, draw)`` each [USD/year]; each workload's own where absent.
    """

    def row(name: str, absent: float | None = None) -> FloatArray:
        values = [getattr(item, name) for item in items]
        return stack([draws(absent if value is None else value) for value in values])

    def own_budget(item: WorkloadDemand) -> FloatArray:
        return np.full((len(times), 1), np.inf) if item.budget is None else path(item.budget)

    def intensity(item: WorkloadDemand) -> FloatArray:
        if isinstance(item.intensity_growth, VaryingRate):
            return trend_after(times, item.intensity_growth, 0.0)
        fade = draws(np.inf if item.intensity_fade is None else item.intensity_fade)
        return np.asarray(fading_growth(times[:, None], draws(item.intensity_growth), fade))

    def live(item: WorkloadDemand) -> FloatArray:
        begin = -NEVER if item.launch is None else since(grid, item.launch)
        return np.asarray(launch_ramp(times[:, None], begin, draws(item.ramp)) * _adoption(item.adoption, times))

    return WorkloadPaths(
        tokens=row("tokens"),
        log_reference=np.log(row("price")),
        log_margin=np.log1p(row("markup")),
        elasticity=row("price_elasticity"),
        capability_elasticity=row("capability_elasticity"),
        memory=row("price_memory", np.inf),
        sharpness=row("budget_sharpness"),
        adoption=by_step([live(item) for item in items]),
        intensity=by_step([intensity(item) for item in items]),
        budget=by_step([own_budget(item) for item in items] if budgets is None else budgets),
        paid_share=by_step([path(item.paid_share) for item in items]),
        realisation=by_step([path(item.price_realisation) for item in items]),
    )


def _adoption(adoption: AdoptionInputs, times: FloatArray) -> FloatArray:
    """Return the adoption index of a workload, ``(step, draw)``."""
    ceiling = draws(adoption.ceiling)
    if adoption.kind == "bass":
        return np.asarray(bass_adoption(times[:, None], draws(adoption.innovation), draws(adoption.imitation), ceiling))
    if adoption.kind == "logistic":  # its equation in logs of growth in place of time, at a rate of 1
        _refuse_falling(adoption.growth)
        return np.asarray(logistic_adoption(log_growth(adoption.growth, times), 1.0, ceiling))
    return np.asarray(path(adoption.index) * trend_after(times, adoption.growth, 0.0))


def _refuse_falling(growth: Rate) -> None:
    """Raise an error for a logistic adoption whose scheduled growth is below 0 at a time."""
    low = float(np.asarray(growth).min()) if isinstance(growth, VaryingRate) else 0.0
    if low < 0.0:
        raise DomainError(f"adoption.growth: a logistic adoption needs at least 0; its schedule gives {low:g}")
