"""Backtests: forecast with the knowledge of a past date, and score against what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from costmodel.analysis.assimilation import FEWEST, ConsistentDraws, consistent_draws
from costmodel.analysis.calibration import Observed
from costmodel.analysis.finite_draws import BoolArray
from costmodel.analysis.known_at_a_date import AsKnown, Plan, Standing, as_known, latest_day
from costmodel.analysis.problem import Model, Problem, Progress, as_problem
from costmodel.analysis.scores import Coverage, coverage, crps, fit_weights, pit, quantiles
from costmodel.analysis.targets import Selector
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.design import Design, RandomSource, seed_of
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.scenario import Observation, Scenario
from costmodel.foundation.tables import Table, Tabled

Reader: TypeAlias = Callable[[Any, Observation], Any]
"""Callable that returns a result's figure for an observation, in the observation's unit, ``()`` or ``(draw,)``."""

MIN_EFFECTIVE = 100.0
"""Fewest effective draws for which weights by history are accepted [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One outcome after the as-of date, with its forecast."""

    observation: Observation
    low: float
    median: float
    high: float
    inside: bool
    pit: float
    """Share of the forecast below the outcome, [1]."""
    crps: float
    """Continuous ranked probability score of the logarithms: about the relative error, [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored(Tabled):
    """Forecasts of one kind, unconditional or weighted by history, with their scores."""

    forecasts: tuple[Forecast, ...]
    by_output: dict[str, Coverage]
    overall: Coverage
    effective_draws: float

    @property
    def crps(self) -> float:
        """Mean CRPS of the logarithms over all outcomes, [1]; NaN without outcomes."""
        return float(np.mean([row.crps for row in self.forecasts])) if self.forecasts else float("nan")

    def table(self) -> Table:
        """Return a table with a row per outcome."""
        return Table.of(
            {
                "output": row.observation.output,
                "date": row.observation.date,
                "unit": row.observation.unit,
                "observed": row.observation.value,
                "low": row.low,
                "median": row.median,
                "high": row.high,
                "inside": row.inside,
                "pit": row.pit,
                "crps": row.crps,
            }
            for row in self.forecasts
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest(Tabled):
    """A forecast from a past date, with what happened."""

    scenario: str
    as_of: dt.date
    level: float
    known: AsKnown
    unconditional: Scored
    weighted: Scored | None
    """Draws weighted by their fit to what was observed up to the as-of date."""
    refusal: str | None
    """Reason for which there is no weighted forecast; None if there is one."""
    conditioned: Scored | None
    """Draws moved until each reproduces the observations up to the as-of date; None without such observations."""
    consistent: ConsistentDraws | None
    """The conditioned draws, for any other run of the scenario as known at the date."""
    fitted: tuple[Observation, ...]
    """Observations up to the as-of date, which the weights use."""
    published_later: tuple[Observation, ...]
    """Fitted observations whose figure was published after the as-of date: hindsight in the weights."""
    draws: int
    dropped: int

    def table(self) -> Table:
        """Return a table of the unconditional forecast and what happened."""
        return self.unconditional.table()

    @property
    def hindsight(self) -> tuple[str, ...]:
        """Lines on everything in the forecast that was not known at the date."""
        lines = [f"{line.path}: {line.why}" for line in self.known.of(Standing.HINDSIGHT)]
        later = [f"{row.output} at {row.date}: the figure was published later" for row in self.published_later]
        return (*lines, *later)


def backtest(
    scenario: Scenario,
    plan: Plan,
    *,
    read: Reader | None = None,
    level: float = 0.8,
    draws: int = 20_000,
    rng: RandomSource = None,
    on_progress: Progress | None = None,
    model: Model | None = None,
    beside: Sequence[tuple[Observation, float]] = (),
) -> Backtest:
    """Forecast from a past date with what was known then, and score it against the scenario's observations.

    Parameters
    ----------
    scenario
        The scenario as written today, with its observations.
    plan
        Plan for what was known at the date, see :mod:`costmodel.analysis.known_at_a_date`.
    read
        Callable that returns a result's figure for an observation; None: the output at the observation's year.
    level
        Probability of the intervals, between 0 and 1, [1].
    draws, rng
        Number of draws and seed.
    on_progress
        Called with draws done and draws in all.
    model
        Callable from a resolved scenario to a result; None: the scenario's registered model.
    beside
        Other figures published after the date, each with its logarithmic standard error [1]; they are scored too,
        against what ``read`` returns for them.

    Returns
    -------
    Backtest

    Raises
    ------
    ScenarioError
        If a parameter was not known by then and the plan has no entry for it, or if no observation is later.

    Notes
    -----
    A forecast is of what is *reported*: each draw is multiplied by the stated lognormal error of the observation.
    Weights are the likelihood of the observations up to the date, their logarithms normal with that error; they are
    refused below 100 effective draws, (Σw)²/Σw². The conditioned forecast uses the same observations with the same
    errors but moves the draws instead, see :func:`costmodel.analysis.assimilation.consistent_draws`. Draws that give a
    figure for an observation that is not finite or not positive are left out and counted.
    """
    known = as_known(scenario, plan)
    own = tuple(row for row in scenario.observations if not plan.outputs or row.output in plan.outputs)
    rows = (*own, *(row for row, _ in beside))
    past = np.array([*(latest_day(row.date) <= plan.date for row in own), *(False for _ in beside)], dtype=np.bool_)
    if past.all():
        raise ScenarioError(f"backtest as of {plan.as_of}: no observation of {scenario.name!r} lies after it")
    seed = seed_of(rng)
    problem = as_problem(known.scenario, [_selector(row, read) for row in rows], model=model)
    ranks = Design.random(problem, draws, seed).ranks()
    logs, kept = _logs(problem, ranks, draws, on_progress)
    actual = np.log([row.value for row in rows])
    stated = [plan.errors.get(row.output, plan.default_error) for row in own]
    error = np.array([*stated, *(spread for _, spread in beside)])
    noise = np.random.default_rng([seed, len(rows)])
    forecast = logs + error[:, None] * noise.standard_normal(logs.shape)
    future = [row for row, before in zip(rows, past, strict=True) if not before]
    plain = _score(future, forecast[~past], actual[~past], level, None)
    misfit = np.square((logs[past] - actual[past][:, None]) / error[past][:, None]).sum(axis=0)
    weights, effective = fit_weights(misfit)
    sound = bool(past.any()) and effective >= MIN_EFFECTIVE
    weighted = _score(future, forecast[~past], actual[~past], level, weights) if sound else None
    fitted = tuple(row for row, before in zip(rows, past, strict=True) if before)
    consistent = None
    if fitted and draws >= FEWEST:
        consistent = _consistent(known.scenario, fitted, error[past], read, draws, seed, model)
        logs, _ = _logs(problem, consistent.design.ranks(), consistent.design.draws, None)
        forecast = logs + error[:, None] * noise.standard_normal(logs.shape)
    return Backtest(
        scenario=scenario.name,
        as_of=plan.date,
        level=level,
        known=known,
        unconditional=plain,
        weighted=weighted,
        refusal=None if sound else _why_not(past, effective, draws),
        conditioned=None if consistent is None else _score(future, forecast[~past], actual[~past], level, None),
        consistent=consistent,
        fitted=fitted,
        published_later=tuple(row for row in fitted if _published(scenario, row) > plan.date),
        draws=draws,
        dropped=int(draws - kept.sum()),
    )


def _consistent(
    scenario: Scenario,
    rows: Sequence[Observation],
    errors: FloatArray,
    read: Reader | None,
    draws: int,
    seed: int,
    model: Model | None,
) -> ConsistentDraws:
    """Return draws moved until they reproduce the observations."""
    seen = [Observed(_selector(row, read), row.value, float(error)) for row, error in zip(rows, errors, strict=True)]
    return consistent_draws(scenario, seen, draws=draws, rng=seed, model=model)


def _logs(
    problem: Problem, ranks: dict[str, FloatArray], draws: int, on_progress: Progress | None
) -> tuple[FloatArray, BoolArray]:
    """Return logarithms of the figures, ``(observation, draw)``, of draws with all figures finite and positive."""
    _, y = problem.at(draws, ranks=ranks, on_progress=on_progress)
    kept = np.asarray((np.isfinite(y) & (y > 0.0)).all(axis=0))
    if kept.sum() < 2:
        raise ScenarioError(
            f"backtest: fewer than two of {draws} draws give finite, positive figures; narrow the priors"
        )
    return np.log(y[:, kept]), kept


def _selector(row: Observation, read: Reader | None) -> Selector:
    if read is None:
        return Selector.parse(f"{row.output}@{row.date[:4]}")
    return Selector(f"{row.output} at {row.date}", function=lambda result: read(result, row))


def _published(scenario: Scenario, row: Observation) -> dt.date:
    date = scenario.source_table[row.source].date
    return dt.date.max if date is None else latest_day(date)


def _why_not(past: BoolArray, effective: float, draws: int) -> str:
    if not past.any():
        return "nothing was observed up to the date"
    return (
        f"only {effective:.0f} of {draws} draws are effective under the weights, fewer than {MIN_EFFECTIVE:.0f}: take "
        "more draws or narrower priors"
    )


def _score(
    rows: Sequence[Observation],
    forecast: FloatArray,
    actual: FloatArray,
    level: float,
    weights: FloatArray | None,
) -> Scored:
    low, middle, high = quantiles(forecast, [0.5 - level / 2.0, 0.5, 0.5 + level / 2.0], weights)
    places, scores = pit(forecast, actual, weights), crps(forecast, actual, weights)
    forecasts = tuple(
        Forecast(
            observation=row,
            low=float(np.exp(low[i])),
            median=float(np.exp(middle[i])),
            high=float(np.exp(high[i])),
            inside=bool(low[i] <= actual[i] <= high[i]),
            pit=float(places[i]),
            crps=float(scores[i]),
        )
        for i, row in enumerate(rows)
    )
    outputs = dict.fromkeys(row.output for row in rows)
    groups = {name: [i for i, row in enumerate(rows) if row.output == name] for name in outputs}
    count = forecast.shape[1]
    return Scored(
        forecasts=forecasts,
        by_output={name: coverage(forecast[at], actual[at], level, weights) for name, at in groups.items()},
        overall=coverage(forecast, actual, level, weights),
        effective_draws=float(count if weights is None else weights.sum() ** 2 / np.square(weights).sum()),
    )


def plan_for(scenario: str, as_of: str) -> Plan:
    """Return the built-in plan of a scenario for a date.

    Raises
    ------
    ScenarioError
        If there is none; the message names those that exist.

    Examples
    --------
    >>> plan_for("bond-flywheel", "2024-12-31").date.isoformat()
    '2024-12-31'
    """
    folder, names = _built_in()
    name = f"{scenario}.{as_of}.toml"
    if name not in names:
        have = ", ".join(name[:-5].replace(".", " as of ", 1) for name in names) or "none"
        raise ScenarioError(
            f"no built-in backtest of {scenario!r} as of {as_of}: use one of {have}, or give a plan file"
        )
    return Plan.from_toml(folder.joinpath(name).read_text(encoding="utf-8"), name)


def backtest_dates(scenario: str) -> tuple[str, ...]:
    """Return the dates for which a scenario has a built-in plan, in order.

    Examples
    --------
    >>> backtest_dates("bond-flywheel")
    ('2023-12-31', '2024-12-31', '2025-12-31')
    """
    _, names = _built_in()
    return tuple(name[len(scenario) + 1 : -5] for name in names if name.startswith(f"{scenario}."))


def _built_in() -> tuple[Any, list[str]]:
    """Return the folder of built-in plans and their file names."""
    from importlib import resources

    folder = resources.files("costmodel.analysis").joinpath("backtests")
    return folder, sorted(item.name for item in folder.iterdir() if item.name.endswith(".toml"))
