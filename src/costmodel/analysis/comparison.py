"""Compare scenarios with shared draws, or by a waterfall that does not depend on the order of changes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.analysis.finite_draws import OnNonFinite, finite_draws
from costmodel.analysis.problem import Model, Progress, as_problem
from costmodel.analysis.shapley import shapley_sampled, shapley_values, subsets
from costmodel.analysis.sobol import output_index
from costmodel.analysis.targets import Output, declared_units
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design, RandomSource, seed_of
from costmodel.foundation.differences import changed_paths
from costmodel.foundation.errors import CostModelWarning, DomainError
from costmodel.foundation.inheritance import bare_value
from costmodel.foundation.reducers import exact_quantile
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import Cell, Table, Tabled, TabledByOutput
from costmodel.foundation.values import Resolver

MAX_EXACT = 12
"""Largest number of changes for which a waterfall runs every combination, 2¹² [1]."""
BANDS = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Tabled):
    """Two scenarios under the same draws.

    ``first`` and ``second`` are ``(output, draw)``. A draw has the same ranks in both for the parameters that both
    share, so that ``difference`` shows the effect of the changes and not sampling noise.
    """

    scenarios: tuple[str, str]
    outputs: tuple[str, ...]
    first: FloatArray
    second: FloatArray
    seed: int
    dropped: int

    @property
    def difference(self) -> FloatArray:
        """Second less first in each draw, ``(output, draw)``."""
        return self.second - self.first

    def table(self) -> Table:
        """Return a table with a row per output: medians, and the band of the difference."""
        rows: list[dict[str, Cell]] = []
        for index, label in enumerate(self.outputs):
            change = self.difference[index]
            low, middle, high = exact_quantile(change, BANDS)
            separate = float(np.sqrt(self.first[index].var() + self.second[index].var()))
            rows.append(
                {
                    "output": label,
                    self.scenarios[0]: float(exact_quantile(self.first[index], 0.5)),
                    self.scenarios[1]: float(exact_quantile(self.second[index], 0.5)),
                    "difference_p5": float(low),
                    "difference_p50": float(middle),
                    "difference_p95": float(high),
                    "share_above": float((change > 0.0).mean() + 0.5 * (change == 0.0).mean()),
                    "spread_kept": float(change.std() / separate) if separate > 0.0 else float("nan"),
                }
            )
        return Table.of(rows, " against ".join(self.scenarios[1::-1]))


def compare(
    first: Scenario,
    second: Scenario,
    outputs: Output | Sequence[Output],
    *,
    draws: int = 1000,
    rng: RandomSource = None,
    on_nonfinite: OnNonFinite = "raise",
    on_progress: Progress | None = None,
    model: Model | None = None,
) -> Comparison:
    """Run two scenarios on common random numbers.

    Parameters
    ----------
    first, second
        Scenarios; a parameter with the same path shares its ranks.
    outputs
        Outputs to compare; of a trajectory, the years that both cover.
    draws, rng
        Number of draws and seed.
    on_nonfinite
        ``"raise"``, or ``"drop"``: a draw that is not finite in either scenario is left out of both and counted.
    on_progress
        Called with the runs done and the total, for each scenario.
    model
        Callable from a resolved scenario to a result; None: each scenario's registered model.

    Returns
    -------
    Comparison

    Raises
    ------
    DomainError
        If the scenarios have no output and year in common.
    """
    seed = seed_of(rng)
    labels, y = zip(*(_ensemble(model, one, outputs, draws, seed, on_progress) for one in (first, second)), strict=True)
    common = tuple(label for label in labels[0] if label in labels[1])
    if not common:
        raise DomainError(f"the scenarios have no output in common: {', '.join(labels[0])} and {', '.join(labels[1])}")
    y = tuple(rows[[own.index(label) for label in common]] for own, rows in zip(labels, y, strict=True))
    kept = finite_draws(np.concatenate(y), common * 2, on_nonfinite)
    return Comparison(
        scenarios=_names(first, second),
        outputs=common,
        first=y[0][:, kept],
        second=y[1][:, kept],
        seed=seed,
        dropped=int(kept.size - kept.sum()),
    )


def _names(first: Scenario, second: Scenario) -> tuple[str, str]:
    return first.name, second.name if second.name != first.name else f"{second.name} (changed)"


def _ensemble(
    model: Model | None,
    scenario: Scenario,
    outputs: Output | Sequence[Output],
    draws: int,
    seed: int,
    on_progress: Progress | None,
) -> tuple[tuple[str, ...], FloatArray]:
    problem = as_problem(scenario, outputs, model=model)
    ranks = Design.random(problem, draws, seed).ranks()
    return problem.at(draws, ranks=ranks, on_progress=on_progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall(TabledByOutput):
    """Change between two scenarios, attributed to the differing parameters; the parts add up exactly.

    Arrays are ``(output,)`` and ``parts`` ``(change, output)``: means over the shared draws, or the values at the
    medians. ``error`` is the standard error where the orders were sampled, else 0.
    """

    scenarios: tuple[str, str]
    changes: tuple[str, ...]
    outputs: tuple[str, ...]
    first: FloatArray
    second: FloatArray
    parts: FloatArray
    error: FloatArray
    draws: int
    """Shared draws; 0 where the scenarios were run at their medians."""
    units: tuple[str, ...] = ()
    """Unit of each output, where the model's results declare it."""

    def table(self, output: str | None = None) -> Table:
        """Return a table: the first value, a row per change (largest first) and the second value."""
        column = output_index(self.outputs, output)
        order = np.argsort(-np.abs(self.parts[:, column]), kind="stable")
        steps: list[dict[str, Cell]] = [
            {
                "step": self.changes[row],
                "value": float(self.parts[row, column]),
                "error": float(self.error[row, column]),
            }
            for row in order
        ]
        ends: list[dict[str, Cell]] = [
            {"step": name, "value": float(value[column]), "error": 0.0}
            for name, value in zip(self.scenarios, (self.first, self.second), strict=True)
        ]
        unit = self.units[column] if self.units else ""
        return Table.of([ends[0], *steps, ends[1]]).in_unit(unit, "value", "error")


def waterfall(
    first: Scenario,
    second: Scenario,
    outputs: Output | Sequence[Output],
    *,
    parts: Mapping[str, Sequence[str]] | None = None,
    draws: int = 0,
    rng: RandomSource = None,
    permutations: int = 64,
    model: Model | None = None,
) -> Waterfall:
    """Divide the change between two scenarios among the parameters that differ, by Shapley values.

    Parameters
    ----------
    first, second
        Scenarios of one model.
    outputs
        Outputs to compare.
    parts
        Changed paths by name of the step that they form together; a path may be the common beginning of several. Every
        other changed path is a step of its own.
    draws, rng
        Number of shared draws to average over, and their seed; 0 draws compares runs at the medians.
    permutations
        Number of random orders to sample if there are more than twelve steps.
    model
        Callable from a resolved scenario to a result; None: the registered model.

    Returns
    -------
    Waterfall

    Raises
    ------
    DomainError
        If no parameter differs, or the scenarios are of different models.
    NonFiniteResultError
        If an output is not finite for some combination.
    """
    differing = changed_paths(first, second)
    if not differing:
        raise DomainError(f"{first.name!r} and {second.name!r} have the same values in every parameter; change one")
    steps = _steps(tuple(differing), parts)
    both = {**second.written().get("sources", {}), **first.written().get("sources", {})}
    mixer = _Mixer(model, first.replace({"sources": both}), outputs, differing, steps, draws, seed_of(rng))
    count = len(steps)
    if count <= MAX_EXACT:
        worth = mixer.worth(subsets(count))
        shares, error = shapley_values(worth), np.zeros((count, worth.shape[1]))
        ends = worth[[0, -1]]
    else:
        generator = np.random.default_rng(seed_of(rng))
        shares, error = shapley_sampled(mixer.worth, count, permutations, generator)
        ends = mixer.worth(np.array([[False] * count, [True] * count]))
    return Waterfall(
        scenarios=_names(first, second),
        changes=tuple(steps),
        outputs=mixer.labels,
        first=ends[0],
        second=ends[1],
        parts=shares,
        error=error,
        draws=draws,
        units=declared_units(first, mixer.labels),
    )


def _steps(paths: tuple[str, ...], parts: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    """Return the changed paths of every step."""
    steps: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for name, beginnings in (parts or {}).items():
        members = tuple(
            path
            for path in paths
            if path not in taken and any(path == head or path.startswith(f"{head}.") for head in beginnings)
        )
        if not members:
            raise DomainError(
                f"step {name!r}: none of {', '.join(beginnings)} differs; parameters that differ: {', '.join(paths)}"
            )
        taken.update(members)
        steps[name] = members
    return {**steps, **{path: (path,) for path in paths if path not in taken}}


class _Mixer:
    """Runner of mixtures of two scenarios: changed numbers as draws of one run, other changes one by one."""

    def __init__(
        self,
        model: Model | None,
        first: Scenario,
        outputs: Output | Sequence[Output],
        differing: Mapping[str, tuple[Any, Any]],
        steps: Mapping[str, tuple[str, ...]],
        draws: int,
        seed: int,
    ) -> None:
        self.labels: tuple[str, ...] = ()
        self._model, self._first, self._outputs = model, first, outputs
        self._differing, self._steps = differing, list(steps.values())
        self._draws, self._seed = draws, seed
        present = {path for path, value, _, _ in first.walk() if value is not None}
        rates = {path for path, _, spec, _ in first.walk() if spec.growth}
        numbers = {
            path
            for path, (a, b) in differing.items()
            if path in present and b is not None and not (path in rates and (_is_scheduled(a) or _is_scheduled(b)))
        }
        self._numeric = np.array([all(path in numbers for path in step) for step in self._steps])

    def worth(self, masks: NDArray[np.bool_]) -> FloatArray:
        """Return the outputs, ``(subset, output)``, of many combinations."""
        shapes, member = np.unique(masks & ~self._numeric, axis=0, return_inverse=True)
        member = member.reshape(-1)
        found: FloatArray = np.empty((len(masks), 0))
        for index, shape in enumerate(shapes):
            chosen = np.flatnonzero(member == index)
            before = self.labels
            values = self._with_structure(shape, masks[chosen])
            found = np.empty((len(masks), values.shape[1])) if found.size == 0 else found
            if before and self.labels != before:
                raise DomainError(
                    "the outputs of the two scenarios cover different years: select a year that both "
                    "have, as user_spend@2030"
                )
            found[chosen] = values
        return found

    def _taken(self, mask: NDArray[np.bool_]) -> dict[str, Any]:
        steps = [step for step, on in zip(self._steps, mask, strict=True) if on]
        return {path: self._differing[path][1] for step in steps for path in step}

    def _with_structure(self, shape: NDArray[np.bool_], masks: NDArray[np.bool_]) -> FloatArray:
        """Run all combinations of changed numbers for one combination of the other changes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CostModelWarning)  # changing one entry alone is intended here
            scenario = self._first.replace(self._taken(shape))
            changed = scenario.replace(self._taken(self._numeric))
        problem = as_problem(scenario, self._outputs, model=self._model)
        ranks, before = self._resolved(scenario)
        _, after = self._resolved(changed)
        each = max(self._draws, 1)
        size = max(1, BLOCK // each)
        parts = []
        for start in range(0, len(masks), size):
            some = masks[start : start + size]
            values = {}
            for position in np.flatnonzero(self._numeric):
                on = np.repeat(some[:, position], each)
                for path in self._steps[position]:
                    a, b = (_tiled(table[path], each, len(some)) for table in (before, after))
                    values[path] = np.where(on, b, a)
            tiled = None if ranks is None else {name: np.tile(row, len(some)) for name, row in ranks.items()}
            self.labels, y = problem.at(each * len(some), ranks=tiled, values=values)
            finite_draws(y, self.labels, "raise")
            parts.append(y.reshape(len(y), len(some), each).mean(axis=2).T)
        return np.concatenate(parts)

    def _resolved(self, scenario: Scenario) -> tuple[dict[str, FloatArray] | None, dict[str, FloatArray]]:
        """Return the ranks and the resolved parameters of a scenario, at its medians or its draws."""
        ranks = Design.random(scenario, self._draws, self._seed).ranks() if self._draws else None
        resolved = scenario.resolved(Resolver(scenario.outlook, ranks))
        table = {path: np.asarray(value) for path, value, _, _ in resolved.walk() if value is not None}
        return ranks, table


def _is_scheduled(entry: Any) -> bool:
    """Whether a written entry is a schedule or a formula."""
    bare = bare_value(entry)
    return isinstance(bare, Mapping) and ("knots" in bare or "formula" in bare)


def _tiled(value: FloatArray, draws: int, copies: int) -> FloatArray:
    """Return a resolved value with a trailing axis of all draws, repeated for every combination."""
    if value.ndim and value.shape[-1] == draws and draws > 1:
        return np.tile(value, copies)
    return np.repeat(value[..., None], draws * copies, axis=-1)
