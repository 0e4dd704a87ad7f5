"""Adjust draws to observations: move the inputs of an ensemble until its outputs reproduce history.

With many inputs, weighting draws by their fit to history leaves only a handful; here every draw is kept and moved. The
result is a design of ranks, so that any run or study of the scenario can use draws consistent with history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.analysis.calibration import Observed
from costmodel.analysis.problem import Model, Problem, Progress, Ranges, as_problem
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.design import Design, RandomSource, seed_of
from costmodel.foundation.errors import DomainError
from costmodel.foundation.scenario import Scenario

ROUNDS = 8
"""Rounds of assimilation [1]; each uses the observation errors times the square root of this number."""
FEWEST = 100
"""Fewest draws for a usable covariance over draws [1]."""
_FARTHEST = 7.0
"""Largest normal score of a rank [1]: beyond it a rank is 0 or 1 in floating point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistentDraws:
    """Draws of a scenario's uncertain inputs that agree with observations."""

    design: Design
    """Ranks of the draws, for any run or study of the scenario."""
    misfit: tuple[float, float]
    """Root mean square of model less observed in observation errors, over figures and draws, before and after [1]."""
    rounds: int
    lost: int
    """Draws left out because a figure was not finite in some round."""


def consistent_draws(
    inputs: Scenario | Ranges,
    observed: Sequence[Observed],
    *,
    draws: int = 4000,
    rng: RandomSource = None,
    rounds: int = ROUNDS,
    model: Model | None = None,
    on_progress: Progress | None = None,
) -> ConsistentDraws:
    """Adjust the draws of uncertain inputs until each reproduces the observations within their errors.

    Parameters
    ----------
    inputs
        A scenario with distributions, or a plain function's table of ranges.
    observed
        Observed figures, with their errors.
    draws
        Number of draws, at least 100.
    rng
        Seed or generator; None: fresh entropy.
    rounds
        Number of rounds of assimilation, at least 1.
    model
        As for :func:`costmodel.analysis.problem.as_problem`.
    on_progress
        Called with rounds done and rounds in all.

    Returns
    -------
    ConsistentDraws

    Raises
    ------
    DomainError
        If nothing is uncertain or observed, if there are too few draws, or if most draws give no finite figures.

    Notes
    -----
    Ensemble smoother with multiple data assimilation. In normal scores z of the ranks, each of n rounds moves a draw by
    ``C_zy (C_yy + n R)⁻¹ (d + √n e − y)`` with covariances over draws, R the observations' error variances and e a draw
    of their errors. For a linear model and normal priors the draws are a sample of the posterior; otherwise they
    approximate it, and the misfit measures how well they reproduce history. What history does not identify keeps its
    prior.

    References
    ----------
    Emerick and Reynolds, *Ensemble smoother with multiple data assimilation*, Computers & Geosciences 55 (2013).

    Examples
    --------
    >>> from costmodel.analysis import Observed
    >>> found = consistent_draws(
    ...     {"x": {"dist": "normal", "mean": 0.0, "sd": 1.0}}, [Observed("y", 2.0, 0.5, log=False)],
    ...     draws=2000, rng=0, model=lambda x: {"y": x},
    ... )
    >>> bool(found.misfit[1] < 1.6 < found.misfit[0])
    True
    """
    from scipy.special import ndtr, ndtri

    problem = as_problem(inputs, [item.output for item in observed], model=model)
    if not problem.names or not observed:
        raise DomainError("draws consistent with history need uncertain inputs and something observed")
    if draws < FEWEST or rounds < 1:
        raise DomainError(f"draws = {draws}, rounds = {rounds}: give at least {FEWEST} draws and one round")
    seed = seed_of(rng)
    start = Design.random(problem, draws, seed).ranks()
    scores = np.clip(ndtri(np.array([start[name] for name in problem.names])), -_FARTHEST, _FARTHEST)
    noise, first = np.random.default_rng([seed, rounds]), 0.0
    for number in range(rounds):
        figures = _figures(problem, ndtr(scores), observed)
        kept = np.isfinite(figures).all(axis=0)
        if kept.sum() < FEWEST:
            raise DomainError(
                f"only {int(kept.sum())} of {draws} draws give finite figures for history; narrow the priors"
            )
        scores, figures = scores[:, kept], figures[:, kept]
        first = first if number else float(np.sqrt(np.mean(figures**2)))
        scores = np.clip(_moved(scores, figures, rounds, noise), -_FARTHEST, _FARTHEST)
        if on_progress is not None:
            on_progress(number + 1, rounds)
    figures = _figures(problem, ndtr(scores), observed)
    kept = np.isfinite(figures).all(axis=0)
    design = Design.from_ranks(dict(zip(problem.names, ndtr(scores[:, kept]), strict=True)))
    last = float(np.sqrt(np.mean(figures[:, kept] ** 2)))
    return ConsistentDraws(design=design, misfit=(first, last), rounds=rounds, lost=draws - design.draws)


def _figures(problem: Problem, ranks: FloatArray, observed: Sequence[Observed]) -> FloatArray:
    """Return model less observed in observation errors, ``(figure, draw)``."""
    table = {name: ranks[i] for i, name in enumerate(problem.names)}
    _, model = problem.at(ranks.shape[1], ranks=table)
    rows = []
    for item, row in zip(observed, model, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            rows.append((np.log(row) - np.log(item.value) if item.log else row - item.value) / item.error)
    return np.array(rows)


def _moved(scores: FloatArray, figures: FloatArray, rounds: int, noise: np.random.Generator) -> FloatArray:
    """Return the scores after a round; figures are in observation errors, so that R is the unit matrix."""
    count = scores.shape[1]
    z, y = (values - values.mean(axis=1, keepdims=True) for values in (scores, figures))
    cross, own = z @ y.T / (count - 1), y @ y.T / (count - 1)
    wanted = np.sqrt(rounds) * noise.standard_normal(figures.shape) - figures
    return np.asarray(scores + cross @ np.linalg.solve(own + rounds * np.eye(len(figures)), wanted))
