"""Decompose the growth of user spend and compute by the log-mean Divisia index.

Each workload's user spend is a product of factors. The change of a product from a step to the same step of
the next year is divided among its factors: each factor's part is its log change times the logarithmic mean of the
two products. The parts add up to the change exactly. Workloads that enter or leave, training and internal work are
terms of their own.

History does not identify the price elasticity and the capability elasticity: with other values the same tokens
would have been reached by other adoption and intensity. Publish a split as a range, therefore: see
:func:`range_of_parts`.

References
----------
Ang (2005), "The LMDI approach to decomposition analysis", Energy Policy 33, 867-871, equations 2 to 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np

from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray, Numeric, formula, ordered_sum
from costmodel.foundation.errors import DomainError
from costmodel.foundation.results import Result, output

SPEND_FACTORS = (
    "hardware", "software", "model growth", "price-to-cost gap", "price realisation", "adoption",
    "intensity", "price response", "capability", "ceiling", "served over demanded", "paid share", "entry and exit",
)  # fmt: skip
"""Parts of the growth of user spend."""
NET_OF_PRICE = ("hardware", "software", "model growth", "price-to-cost gap", "price realisation", "price response")
"""Factors of the net effect of a changing price on user spend: the price itself and the response of usage."""
COMPUTE_FACTORS = (
    "software", "model growth", "adoption", "intensity", "price response", "capability", "ceiling",
    "served over demanded", "entry and exit", "training", "internal work",
)  # fmt: skip
"""Parts of the growth of compute in use."""
_NEAR = 1e-3
"""Log ratio below which the logarithmic mean is taken by its series: its next term is under 1e-15 [1]."""


@formula()
def log_mean(one: Numeric, two: Numeric) -> Numeric:
    """Logarithmic mean of two positive numbers.

    Parameters
    ----------
    one, two
        Positive numbers of one unit.

    Returns
    -------
    Numeric
        ``(one − two)/(ln one − ln two)``, and ``one`` where they are equal, in their unit.

    Notes
    -----
    With d = ln(two/one): ``one·(e^d − 1)/d``; near d = 0 by ``sqrt(one·two)·(1 + d²/24 + d⁴/1920)``.

    References
    ----------
    Ang (2005), equation 4.

    Examples
    --------
    >>> round(float(log_mean(1.0, np.e)), 6)
    1.718282
    >>> float(log_mean(2.0, 2.0))
    2.0
    """
    gap = np.log(two / one)
    far = np.where(np.abs(gap) < _NEAR, _NEAR, gap)
    near = np.sqrt(one * two) * (1.0 + gap * gap / 24.0 + gap * gap * gap * gap / 1920.0)
    return np.where(np.abs(gap) < _NEAR, near, one * np.expm1(far) / far) + 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition(Result):
    """Parts of a yearly change of user spend; ``parts`` adds up over factors to ``change``."""

    parts: FloatArray = output("USD", dims=("factor", "year"), label="part of the change on the year before")
    change: FloatArray = output("USD", dims=("year",), label="change on the year before")
    factors: tuple[str, ...]
    years: tuple[int, ...]

    def coords(self) -> Mapping[str, Any]:
        """Return the names of the factors and the years."""
        return {"factor": list(self.factors), "year": list(self.years)}

    def part(self, factor: str, *, since: int | None = None, until: int | None = None) -> FloatArray:
        """Return a factor's part, summed from the change into ``since`` to the change into ``until``.

        Raises
        ------
        DomainError
            If there is no such factor.
        """
        if factor not in self.factors:
            raise DomainError(f"no factor {factor!r}: there are {', '.join(self.factors)}")
        chosen = [i for i, year in enumerate(self.years) if (since or 0) <= year <= (until or 9999)]
        return np.asarray(ordered_sum(self.parts[self.factors.index(factor), i] for i in chosen))

    def share(self, *factors: str, since: int | None = None, until: int | None = None) -> FloatArray:
        """Return the share of the whole change due to some factors [1]."""
        whole = ordered_sum(self.part(name, since=since, until=until) for name in self.factors)
        named = ordered_sum(self.part(name, since=since, until=until) for name in factors)
        return np.asarray(named / whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeDecomposition(Decomposition):
    """Parts of a yearly change of accelerators in use, summed over the steps of a year."""

    parts: FloatArray = output("1", dims=("factor", "year"), label="part of the change on the year before")
    change: FloatArray = output("1", dims=("year",), label="change on the year before")


_Kind = TypeVar("_Kind", bound=Decomposition)


def user_spend_parts(
    trajectory: Trajectory, *, elasticity: float | None = None, capability_elasticity: float | None = None
) -> Decomposition:
    """Split the growth of user spend, workload by workload, year on year at the same step.

    Parameters
    ----------
    trajectory
        A run, scalar or ensemble.
    elasticity, capability_elasticity
        Other elasticities for the same history: responses to price and to capability are computed with these, and
        adoption absorbs the difference, so that tokens stay the same.

    Returns
    -------
    Decomposition
        Parts ``(factor, year) + batch`` [USD].
    """
    logs = _demand_logs(trajectory, elasticity, capability_elasticity)
    with np.errstate(divide="ignore", invalid="ignore"):
        price, cost = np.log(trajectory.price), np.log(trajectory.unit_cost)
        logs["hardware"] = cost - np.log(trajectory.compute_per_token)
        logs["model growth"] = np.log(trajectory.model_index)
        logs["software"] = np.log(trajectory.compute_per_token) - logs["model growth"]
        logs["price-to-cost gap"] = price - cost
        logs["price realisation"] = np.log(trajectory.price_realisation)
        logs["paid share"] = np.log(trajectory.paid_share)
    return _divide(trajectory, trajectory.user_spend_by_workload, logs, SPEND_FACTORS, Decomposition, {})


def compute_parts(
    trajectory: Trajectory, *, elasticity: float | None = None, capability_elasticity: float | None = None
) -> ComputeDecomposition:
    """Split the growth of accelerators in use, year on year at the same step; sums of steps [accelerator-steps].

    Parameters are those of :func:`user_spend_parts`; "price response" is the rebound.
    """
    logs = _demand_logs(trajectory, elasticity, capability_elasticity)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs["model growth"] = np.log(trajectory.model_index)
        logs["software"] = np.log(trajectory.compute_per_token) - logs["model growth"]
    extra = {"training": trajectory.training_compute, "internal work": trajectory.internal}
    return _divide(trajectory, trajectory.accelerators_by_workload, logs, COMPUTE_FACTORS, ComputeDecomposition, extra)


def net_and_gross(
    trajectory: Trajectory, *, since: int | None = None, until: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the share of the growth of user spend due to falling prices: net, and through usage alone.

    Parameters
    ----------
    trajectory
        A run, scalar or ensemble.
    since, until
        First and last year of change.

    Returns
    -------
    tuple
        The net share, which counts that a lower price itself lowers user spend, and the gross share: the response of
        usage alone [1].
    """
    parts = user_spend_parts(trajectory)
    return parts.share(*NET_OF_PRICE, since=since, until=until), parts.share("price response", since=since, until=until)


def range_of_parts(
    trajectory: Trajectory,
    factors: Sequence[str],
    *,
    elasticities: Sequence[float] = (-0.5, -1.8),
    capability_elasticities: Sequence[float] = (0.0, 0.3),
    since: int | None = None,
    until: int | None = None,
) -> tuple[float, float]:
    """Return the lowest and highest share due to some factors, over elasticities that fit history equally well.

    Parameters
    ----------
    trajectory
        A scalar run.
    factors
        Factors of user spend, taken together.
    elasticities, capability_elasticities
        Ends of the ranges [1]. Price elasticities from -0.5 to -1.8 fit 2023 to 2026 equally well; the range of
        capability elasticities is assumed.
    since, until
        First and last year of change.
    """
    shares = [
        float(
            user_spend_parts(trajectory, elasticity=epsilon, capability_elasticity=eta).share(
                *factors, since=since, until=until
            )
        )
        for epsilon, eta in product(elasticities, capability_elasticities)
    ]
    return min(shares), max(shares)


def _demand_logs(
    trajectory: Trajectory, elasticity: float | None, capability_elasticity: float | None
) -> dict[str, FloatArray]:
    """Return the logs of the factors of tokens served, ``(step, workload) + batch``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        adoption = np.log(trajectory.adoption)
        response, capable = np.log(trajectory.price_response), np.log(trajectory.capability_response)
        logs = {
            "intensity": np.log(trajectory.intensity),
            "ceiling": np.log(trajectory.ceiling_factor),
            "served over demanded": np.log(trajectory.tokens_served) - np.log(trajectory.tokens_demanded),
        }
    own_epsilon, own_eta = _own(trajectory, "price_elasticity"), _own(trajectory, "capability_elasticity")
    new_response = response if elasticity is None else _rescaled(response, elasticity, own_epsilon, "elasticity")
    new_capable = capable
    if capability_elasticity is not None:
        new_capable = _rescaled(capable, capability_elasticity, own_eta, "capability_elasticity")
    logs["price response"], logs["capability"] = new_response, new_capable
    logs["adoption"] = adoption + (response - new_response) + (capable - new_capable)
    return logs


def _own(trajectory: Trajectory, name: str) -> FloatArray:
    """Return the workloads' own elasticities, shaped to broadcast against ``(step, workload) + batch``."""
    resolved = trajectory.scenario.resolve(trajectory.design)
    values = [np.atleast_1d(np.asarray(getattr(item, name), dtype=np.float64)) for item in resolved.market.values()]
    table = np.stack(np.broadcast_arrays(*values))[None]
    return table if trajectory.draws is not None else table[..., 0]


def _rescaled(logs: FloatArray, to: float, own: FloatArray, name: str) -> FloatArray:
    """Return the log of a response at another elasticity."""
    if bool(np.any(own == 0.0)) and to != 0.0:
        raise DomainError(f"{name} = {to:g}: a workload's own value is 0, so no response can be rescaled; omit {name}")
    return np.asarray(logs * np.where(own == 0.0, 1.0, to / np.where(own == 0.0, 1.0, own)))


def _divide(
    trajectory: Trajectory,
    totals: FloatArray,
    logs: Mapping[str, FloatArray],
    factors: tuple[str, ...],
    kind: type[_Kind],
    extra: Mapping[str, FloatArray],
) -> _Kind:
    """Share each yearly change of the totals among the factors."""
    grid = trajectory.scenario.grid
    years = tuple(year for year in grid.years if year - 1 in grid.years)
    if not years:
        raise DomainError(f"time: a decomposition needs two whole years; the run has {len(grid.years)}")
    parts: dict[str, list[FloatArray]] = {name: [] for name in factors}
    changes = []
    for year in years:
        now, before = grid.year_steps(year), grid.year_steps(year - 1)
        last, first = totals[now], totals[before]
        both = (last > 0.0) & (first > 0.0)
        weight = np.where(both, log_mean(np.where(both, first, 1.0), np.where(both, last, 1.0)), 0.0)
        for name, series in logs.items():
            step = np.where(both, series[now], 0.0) - np.where(both, series[before], 0.0)
            parts[name].append(_add(_add(weight * step)))
        parts["entry and exit"].append(_add(_add(np.where(both, 0.0, last - first))))
        change = _add(_add(last - first))
        for name, values in extra.items():
            parts[name].append(_add(values[now] - values[before]))
            change = change + parts[name][-1]
        changes.append(change)
    table = np.array([np.array(parts[name]) for name in factors])
    return kind(
        scenario=trajectory.scenario,
        design=trajectory.design,
        parts=table,
        change=np.array(changes),
        factors=factors,
        years=years,
    )


def _add(rows: FloatArray) -> FloatArray:
    return np.asarray(ordered_sum(rows))
