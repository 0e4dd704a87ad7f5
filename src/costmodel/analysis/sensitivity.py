"""Sensitivity studies: draw a sample, run a model at its points and pass the outputs to an estimator.

Every study takes a model and its scenario (or a plain function and its ranges, see
:func:`costmodel.analysis.problem.as_problem`) and outputs; an output without a year stands for its whole trajectory,
year by year, from the same runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from costmodel.analysis.finite_draws import OnNonFinite
from costmodel.analysis.given_data import (
    FirstOrderIndices,
    RankCorrelations,
    given_data_indices,
    rank_correlations,
)
from costmodel.analysis.morris import MorrisEffects, morris_effects, morris_sample
from costmodel.analysis.pick_freeze import base_sample
from costmodel.analysis.problem import Model, Problem, Progress, Ranges, as_problem
from costmodel.analysis.sobol import Estimator, Interval, SobolIndices, pooled, sobol_indices
from costmodel.analysis.targets import Output, Selector, listed_outputs, select_all
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design, RandomSource, seed_of
from costmodel.foundation.errors import DomainError, UnknownParameterError, near_matches
from costmodel.foundation.notebooks import shown_progress
from costmodel.foundation.scenario import Scenario

_FEW_VALUES = 12


def sobol_study(
    inputs: Scenario | Ranges,
    outputs: Output | Sequence[Output] | None = None,
    *,
    base_points: int = 1024,
    groups: Mapping[str, Sequence[str]] | None = None,
    rng: RandomSource = None,
    sample: Literal["sobol", "random"] = "sobol",
    replicates: int = 1,
    level: float = 0.95,
    estimator: Estimator = "saltelli",
    interval: Interval = "asymptotic",
    on_nonfinite: OnNonFinite = "raise",
    on_progress: Progress | None = None,
    model: Model | None = None,
) -> SobolIndices:
    """Apportion an output's variance to inputs, or groups of inputs: first and total order, with intervals.

    Parameters
    ----------
    inputs, outputs, model
        See :func:`~costmodel.analysis.problem.as_problem`.
    base_points
        n; the study costs n (g + 2) runs for g inputs or groups. A power of two for a Sobol' sample.
    groups
        Inputs by group name; every other input is a group of its own. Correlation is allowed inside a group.
    rng
        Seed.
    sample
        ``"sobol"``: a scrambled sequence, more accurate, mostly more so than its intervals show. ``"random"``:
        independent points, with intervals of the stated coverage.
    replicates
        Number of independent samples among which base points are divided. With four or more, intervals come from the
        differences between them and are valid for Sobol' sequences too.
    level, estimator, interval, on_nonfinite
        See :func:`~costmodel.analysis.sobol.sobol_indices`.
    on_progress
        Called with runs done and runs in all.

    Returns
    -------
    SobolIndices

    Raises
    ------
    DomainError
        If inputs of different groups are correlated, or none is uncertain.
    NonFiniteResultError
        If an output is not finite and ``on_nonfinite`` is ``"raise"``.

    Examples
    --------
    >>> from costmodel.validation.replicas.sensitivity_functions import ishigami
    >>> around = {name: (-np.pi, np.pi) for name in ("x1", "x2", "x3")}
    >>> study = sobol_study(around, base_points=4096, rng=0, model=ishigami)
    >>> [f"{row['input']} {row['total']:.1f}" for row in study.table().records()]
    ['x1 0.6', 'x2 0.4', 'x3 0.2']
    """
    problem = as_problem(inputs, outputs, model=model)
    members = _members(problem, groups)
    problem.require_independent("a Sobol' study", members)
    columns = [[problem.names.index(name) for name in names] for names in members.values()]
    each = base_points // max(replicates, 1)
    if replicates < 1 or each * replicates != base_points:
        raise DomainError(f"{base_points} base points cannot be divided among {replicates} replicates; use a multiple")
    seed, runs = seed_of(rng), base_points * (len(columns) + 2)

    def one(replicate: int) -> SobolIndices:
        own = seed if replicate == 0 else seed_of(np.random.SeedSequence([seed, replicate]))
        a, b = base_sample(each, len(problem.names), rng=own, method=sample)
        done = None if on_progress is None else _after(on_progress, replicate * runs // replicates, runs)
        labels, y = _run_rows(problem, _pick_freeze(a, b, columns), runs // replicates, done)
        stack = y.reshape(len(labels), len(columns) + 2, each)
        return sobol_indices(
            stack[:, 0],
            stack[:, 1],
            np.moveaxis(stack[:, 2:], 0, 1),
            names=tuple(members),
            outputs=labels,
            level=level,
            estimator=estimator,
            interval=interval,
            rng=0,
            on_nonfinite=on_nonfinite,
        )

    return one(0) if replicates == 1 else pooled([one(replicate) for replicate in range(replicates)])


def _after(on_progress: Progress, before: int, runs: int) -> Progress:
    return lambda done, _: on_progress(before + done, runs)


def _members(problem: Problem, groups: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    """Return the inputs of every group; an input outside all groups is a group of its own."""
    if not problem.names:
        raise DomainError("nothing is uncertain here: write a distribution for at least one input")
    named = [name for names in (groups or {}).values() for name in names]
    for name in named:
        if name not in problem.names:
            raise UnknownParameterError(f"{name}: is not an uncertain input{near_matches(name, problem.names)}")
    if len(set(named)) != len(named):
        raise DomainError("groups: an input is in two groups; list it once")
    alone = {name: (name,) for name in problem.names if name not in named}
    return {**{key: tuple(names) for key, names in (groups or {}).items() if names}, **alone}


def _pick_freeze(a: FloatArray, b: FloatArray, columns: Sequence[Sequence[int]]) -> Iterator[FloatArray]:
    """Yield A, B and the mixed samples one by one, so that memory does not grow with their number."""
    yield a
    yield b
    for group in columns:
        mixed = a.copy()
        mixed[:, list(group)] = b[:, list(group)]
        yield mixed


def _run_rows(
    problem: Problem, samples: Iterator[FloatArray], runs: int, on_progress: Progress | None
) -> tuple[tuple[str, ...], FloatArray]:
    """Run samples, small ones together, so that every call of the model has at least a block of points."""
    labels: tuple[str, ...] = ()
    parts: list[FloatArray] = []
    waiting: list[FloatArray] = []
    report = shown_progress(on_progress, "running")
    done = 0

    def flush() -> None:
        nonlocal labels, done
        points = waiting[0] if len(waiting) == 1 else np.concatenate(waiting)
        labels, y = problem.at_ranks(points, copula=True)
        parts.append(y)
        waiting.clear()
        done += len(points)
        if report is not None:
            report(done, runs)

    for sample in samples:
        waiting.append(sample)
        if sum(map(len, waiting)) >= BLOCK:
            flush()
    if waiting:
        flush()
    return labels, np.concatenate(parts, axis=1)


def morris_study(
    inputs: Scenario | Ranges,
    outputs: Output | Sequence[Output] | None = None,
    *,
    paths: int = 20,
    levels: int = 4,
    rng: RandomSource = None,
    level: float = 0.95,
    on_nonfinite: OnNonFinite = "raise",
    on_progress: Progress | None = None,
    model: Model | None = None,
) -> MorrisEffects:
    """Screen many inputs with few runs: paths × (inputs + 1).

    Parameters
    ----------
    inputs, outputs, model
        See :func:`~costmodel.analysis.problem.as_problem`.
    paths, levels
        See :func:`~costmodel.analysis.morris.morris_sample`.
    rng
        Seed.
    level, on_nonfinite
        See :func:`~costmodel.analysis.morris.morris_effects`.
    on_progress
        Called with runs done and runs in all.

    Returns
    -------
    MorrisEffects
        Effects per unit of an input's quantile, in the output's unit.

    Raises
    ------
    DomainError
        If inputs are correlated, or none is uncertain.

    Examples
    --------
    >>> screening = morris_study({"x": (0.0, 1.0), "y": (0.0, 1.0)}, rng=0, model=lambda x, y: 10.0 * x + y)
    >>> [row["input"] for row in screening.table().records()]
    ['x', 'y']
    """
    problem = as_problem(inputs, outputs, model=model)
    _members(problem, None)
    problem.require_independent("Morris screening")
    points = morris_sample(len(problem.names), paths=paths, levels=levels, rng=seed_of(rng))
    labels, y = problem.at_ranks(points.reshape(-1, len(problem.names)), on_progress=on_progress)
    return morris_effects(
        points,
        y.reshape(len(labels), paths, len(problem.names) + 1),
        names=problem.names,
        outputs=labels,
        level=level,
        on_nonfinite=on_nonfinite,
    )


def given_data_study(
    inputs: Scenario | Ranges,
    outputs: Output | Sequence[Output] | None = None,
    *,
    draws: int = 4096,
    rng: RandomSource = None,
    level: float = 0.95,
    on_nonfinite: OnNonFinite = "raise",
    on_progress: Progress | None = None,
    model: Model | None = None,
) -> tuple[FirstOrderIndices, RankCorrelations]:
    """Estimate first-order indices and rank correlations from one random ensemble; correlated inputs are allowed.

    Parameters
    ----------
    inputs, outputs, model
        See :func:`~costmodel.analysis.problem.as_problem`.
    draws
        Number of runs, for any number of inputs.
    rng
        Seed; the draws are those of an ensemble with the same seed.
    level, on_nonfinite
        See :func:`~costmodel.analysis.given_data.given_data_indices`.
    on_progress
        Called with runs done and runs in all.

    Returns
    -------
    indices, correlations

    Examples
    --------
    >>> indices, ranks = given_data_study({"x": (0.0, 1.0), "y": (0.0, 1.0)}, rng=0, model=lambda x, y: 3.0 * x - y)
    >>> round(float(indices.first[0, 0]), 1), round(float(ranks.plain[1, 0]), 1)
    (0.9, -0.3)
    """
    problem = as_problem(inputs, outputs, model=model)
    _members(problem, None)
    ranks = Design.random(problem, draws, rng).ranks()
    labels, y = problem.at(draws, ranks=ranks, on_progress=on_progress)
    sample = sampled_inputs(problem, ranks)
    return (
        given_data_indices(sample, y, names=problem.names, outputs=labels, level=level, on_nonfinite=on_nonfinite),
        rank_correlations(sample, y, names=problem.names, outputs=labels, on_nonfinite=on_nonfinite),
    )


def sampled_inputs(problem: Problem, ranks: Mapping[str, FloatArray]) -> FloatArray:
    """Return a sample's inputs, ``(draw, input)``: ranks, or values for an input with few distinct values."""
    columns = []
    for name in problem.names:
        values = problem.quantile(name, ranks[name])
        few = values is not None and np.unique(values).size <= _FEW_VALUES
        columns.append(values if few and values is not None else ranks[name])
    return np.stack(columns, axis=1)


def first_order_of(
    result: Any,
    outputs: Output | Sequence[Output],
    *,
    level: float = 0.95,
    on_nonfinite: OnNonFinite = "raise",
) -> FirstOrderIndices:
    """Estimate first-order indices from an existing ensemble, without running the model.

    Parameters
    ----------
    result
        Result of a run with draws; it holds its scenario and its design.
    outputs
        Outputs to analyse.
    level, on_nonfinite
        See :func:`~costmodel.analysis.given_data.given_data_indices`.

    Raises
    ------
    DomainError
        If the result has no design.
    """
    design, draws = getattr(result, "design", None), getattr(result, "draws", None)
    if design is None or not draws:
        raise DomainError(f"{type(result).__name__} has no design: run the scenario with draws")
    labels, y = select_all(result, [Selector.parse(output) for output in listed_outputs(outputs)], draws)
    ranks = design.ranks()
    sample = np.stack([ranks[path] for path in design.paths], axis=1)
    return given_data_indices(sample, y, names=design.paths, outputs=labels, level=level, on_nonfinite=on_nonfinite)
