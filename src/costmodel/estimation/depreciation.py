"""Backtest of a company's depreciation: fitted to years up to a cut, predicted for the years after it.

Four numbers are fitted per company: the short-lived share of capital spending, the life of the rest, the lag from
payment to service, and the remaining life of what the company opened with. The life of the short-lived share is not
fitted: it is the company's policy. Every combination on a grid is tried and weighted by how well it explains the
reported years, with an unknown size of the model's error; predictions carry that weight and that error, so that
interval and point come from one place and nothing is drawn at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from costmodel import catalog
from costmodel.catalog.periods import span
from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.errors import CatalogError, DomainError
from costmodel.foundation.units import DAYS_PER_YEAR
from costmodel.ownership.company import (
    STEPS_PER_YEAR,
    LifePolicy,
    long_lived_depreciation,
    opening_depreciation,
    policy_of,
    short_lived_depreciation,
)

SHORT_LIVED_SHARES = (0.20, 0.90, 29)
"""Lowest, highest and number of short-lived shares tried [1]; guides say .45 to .67."""
LONG_LIVES = (8.0, 40.0, 17)
"""Lives of the rest tried [year]; filings say buildings 5 to 40 years."""
LAGS = (0.0, 1.5, 13)
"""Lags from payment to service tried [year]; guides say 3 to 9 months, 24 for shells."""
REMAINING_LIVES = (2.0, 15.0, 14)
"""Remaining lives of the opening assets tried [year]."""
SUBSET_SHARES = (0.0, 1.0, 3)
"""Shares of a life change tried where it concerns an undisclosed subset of the assets [1]."""
MODEL_ERROR = 0.05
"""Relative error expected of the model before it has seen a year [1]; assumed."""
MODEL_ERROR_WEIGHT = 4.0
"""Years that this expectation counts for [1]; assumed."""
_SPREAD = np.array([-1.465, -0.792, -0.366, 0.0, 0.366, 0.792, 1.465])
"""Medians of seven equal parts of the normal distribution: how the model's error is spread over predictions."""

LIMITS = (
    "Parameters belong to one company: carried to another they fail.",
    "Capital spending is cash paid: assets under finance leases are depreciated but not bought for cash.",
    "One policy life stands for all short-lived assets; network with another life is inside it.",
    "Impairments, accelerated depreciation of single sites and disposals are not modelled.",
    "Spending is even within a fiscal year, and the shares, the long life and the lag are the same in all years: a "
    "shift towards servers or shells, or assets that wait longer for power, shows as an error.",
)
"""Where the method fails, in words."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LifeChangeEffect:
    """Effect of a change of useful life on the fiscal year in which it takes effect."""

    name: str
    effective: date
    fiscal_year: int
    life_before: float
    life_after: float
    effect: Estimate
    """Depreciation with the change less without it [USD]; negative where life is extended."""
    disclosed: float | None
    """Effect that the company disclosed, if the catalog has it [USD]."""


@dataclass(frozen=True, slots=True)
class DepreciationBacktest:
    """Depreciation by fiscal year, reported and predicted.

    Parameters
    ----------
    company
        Name in the catalog.
    fit_through
        Last fiscal year that was fitted.
    level
        Probability inside the intervals [1].
    years
        Fiscal years, by the calendar year in which they end.
    fitted
        The years whose reported figure was fitted; empty where none is recorded: predictions then rest on the
        ranges tried alone.
    reported
        Reported depreciation by fiscal year, where recorded [USD].
    predicted
        Median and interval by fiscal year [USD].
    short_lived
        The part of it that belongs to short-lived assets bought since the opening [USD].
    parameters
        Median and interval of what was fitted.
    effects
        Effect of each change of useful life in its first fiscal year.
    model_error
        Size of the model's relative error, given the fitted years [1].
    limits
        Where the method fails, in words.
    """

    company: str
    fit_through: int
    level: float
    years: tuple[int, ...]
    fitted: tuple[int, ...]
    reported: Mapping[int, float]
    predicted: Mapping[int, Estimate]
    short_lived: Mapping[int, Estimate]
    parameters: Mapping[str, Estimate]
    effects: tuple[LifeChangeEffect, ...]
    model_error: float
    limits: tuple[str, ...]

    @property
    def errors(self) -> dict[int, float]:
        """Relative error of the median in each year that was predicted, not fitted, and is reported [1]."""
        return {
            year: self.predicted[year].median / self.reported[year] - 1.0
            for year in self.years
            if year > self.fit_through and year in self.reported
        }

    def __str__(self) -> str:
        """Return a table of the years."""
        head = f"{self.company}: depreciation of property and equipment, billion USD, fitted through {self.fit_through}"
        lines = [head, f"{'year':>6} {'reported':>9} {'predicted':>9}  {self.level:.0%} interval   error"]
        for year in self.years:
            band = self.predicted[year]
            known = self.reported.get(year)
            shown = f"{known / 1e9:9.2f}" if known is not None else f"{'–':>9}"
            error = f"{band.median / known - 1:+7.1%}" if known is not None else ""
            used = " fitted" if year in self.fitted else ""
            span_text = f"{band.low / 1e9:6.2f} … {band.high / 1e9:6.2f}"
            lines.append(f"{year:>6} {shown} {band.median / 1e9:9.2f}  {span_text}  {error}{used}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Record:
    """Catalog figures of a company, by its fiscal years."""

    years: tuple[int, ...]
    start: date
    capex: FloatArray
    opening: float
    reported: dict[int, float]
    changes: tuple[catalog.Record, ...]


def backtest_depreciation(
    company: str,
    fit_through: int | None = None,
    *,
    reported: str = "depreciation",
    level: float = 0.9,
) -> DepreciationBacktest:
    """Fit a company's depreciation to its capital spending up to a year, and predict the years after it.

    Parameters
    ----------
    company
        Name in the catalog, as ``"Alphabet"``.
    fit_through
        Last fiscal year to fit, by the calendar year in which it ends; the last reported one where absent.
    reported
        The reported series to fit: ``"depreciation"`` (of property and equipment), or
        ``"depreciation_and_amortization"`` where a company gives only that.
    level
        Probability inside the intervals, between 0 and 1 [1].

    Returns
    -------
    DepreciationBacktest
        Predicted for every fiscal year with capital spending from the first opening balance on, reported or not.

    Raises
    ------
    CatalogError
        If the company, its capital spending, an opening balance or a useful life is not recorded.
    DomainError
        If ``level`` is not between 0 and 1.

    Notes
    -----
    Weight of a combination: ``(Σ e² + ν s₀²)^−(k+ν)/2`` over the k fitted years, e the logarithm of predicted over
    reported: a Student likelihood whose error has the expected size s₀ with a weight of ν years.

    Examples
    --------
    >>> backtest = backtest_depreciation("Alphabet", fit_through=2020)
    >>> max(abs(error) for error in backtest.errors.values()) < 0.20
    True
    """
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must be between 0 and 1; given {level!r}")
    record = _read(company, reported)
    cut = max(record.reported, default=record.years[0] - 1) if fit_through is None else fit_through
    fitted = tuple(year for year in record.years if year <= cut and year in record.reported)
    grid = _Grid(record)
    total = grid.combine(grid.short, grid.long, grid.opening)
    rows = [record.years.index(year) for year in fitted]
    weights, error = _weights(total[rows], np.array([record.reported[year] for year in fitted]))
    predicted = {
        year: _estimate(total[i], weights, level, 0.0 if year in fitted else error)
        for i, year in enumerate(record.years)
    }
    short = grid.combine(grid.short, np.zeros_like(grid.long), np.zeros_like(grid.opening))
    short_lived = {year: _estimate(short[i], weights, level, 0.0) for i, year in enumerate(record.years)}
    parameters = {name: _estimate(values, weights, level, 0.0) for name, values in grid.parameters().items()}
    return DepreciationBacktest(
        company,
        cut,
        level,
        record.years,
        fitted,
        record.reported,
        predicted,
        short_lived,
        parameters,
        tuple(_effects(record, grid, weights, level)),
        error,
        LIMITS,
    )


def _read(company: str, reported: str) -> _Record:
    """Read a company's record, refusing one with a gap."""
    entry = catalog.company(company)
    spent = entry.annual("capex")
    if not spent:
        raise CatalogError(f"no annual capex of {company!r} is recorded")
    years = tuple(sorted(spent))
    missing = sorted(set(range(years[0], years[-1] + 1)) - set(years))
    if missing:
        raise CatalogError(f"capex of {company!r} is not recorded for the fiscal years {missing}")
    known = {year: datum.number for year, datum in entry.annual(reported).items() if year in spent}
    book = entry.annual("net_ppe")
    changes = tuple(
        sorted(catalog.useful_life_changes(company), key=lambda row: span(row.datum("life_after").period or "")[0])
    )
    if not changes:
        raise CatalogError(f"no useful life of {company!r} is recorded")
    first = next((year for year in years if year in book or year - 1 in book), None)
    if first is None:
        raise CatalogError(f"net property and equipment of {company!r} is not recorded in or before {list(years)}")
    if first in book:
        opening = book[first].number - spent[first].number + _first_charge(entry, first)
    else:
        opening = book[first - 1].number
    kept = tuple(year for year in years if year >= first)
    return _Record(
        kept,
        span(spent[first].period or "")[0],
        readonly([spent[year].number for year in kept]),
        max(opening, 0.0),
        {year: figure for year, figure in known.items() if year >= first},
        changes,
    )


def _first_charge(entry: catalog.Company, year: int) -> float:
    """Return what the first year's balance was reduced by, to roll it back to the opening."""
    for field in ("depreciation", "depreciation_and_amortization"):
        charge = entry.annual(field).get(year)
        if charge is not None:
            return charge.number
    return 0.0


class _Grid:
    """Every combination of what is fitted; axes: lag and subset share, long life, short-lived share, opening."""

    def __init__(self, record: _Record) -> None:
        self.record = record
        subset = any("subset" in row.text("assets") for row in record.changes)
        lags, parts = np.linspace(*LAGS), np.linspace(*SUBSET_SHARES) if subset else np.array([1.0])
        self.lag, self.part = (axis.ravel() for axis in np.meshgrid(lags, parts, indexing="ij"))
        self.share, self.life = np.linspace(*SHORT_LIVED_SHARES), np.linspace(*LONG_LIVES)
        self.remaining = np.linspace(*REMAINING_LIVES)
        self.policy, self.kept = self._policy()
        self.short = short_lived_depreciation(record.capex, self.policy, self.lag)
        long_lag, long_life = (axis.ravel() for axis in np.meshgrid(lags, self.life, indexing="ij"))
        long = long_lived_depreciation(record.capex, long_life, long_lag)
        self.long = np.repeat(long.reshape(len(record.years), len(lags), -1), len(parts), axis=1)
        self.opening = opening_depreciation(record.opening, len(record.years), self.remaining)

    def _policy(self) -> tuple[LifePolicy, list[catalog.Record]]:
        """Return the policy of short-lived assets, and the records that changed it."""
        dated = []
        for row in self.record.changes:
            day = span(row.datum("life_after").period or "")[0]
            before, after = row.value("life_before"), row.value("life_after")
            mixed = before + self.part * (after - before) if "subset" in row.text("assets") else after
            dated.append((((day - self.record.start).days / DAYS_PER_YEAR), before, mixed))
        policy = policy_of(dated)
        times = [time for time, _ in policy.changes]
        kept = [row for row, (time, _, _) in zip(self.record.changes, dated, strict=True) if time in times]
        return policy, kept

    def combine(self, short: FloatArray, long: FloatArray, opening: FloatArray) -> FloatArray:
        """Return depreciation of every combination, ``(year, combination)``."""
        share = self.share[:, np.newaxis]
        new = (
            share * short[:, :, np.newaxis, np.newaxis, np.newaxis]
            + (1.0 - share) * long[:, :, :, np.newaxis, np.newaxis]
        )
        return np.asarray((new + opening[:, np.newaxis, np.newaxis, np.newaxis, :]).reshape(len(short), -1))

    def parameters(self) -> dict[str, FloatArray]:
        """Return the fitted numbers of every combination."""
        axes = np.meshgrid(self.lag, self.life, self.share, self.remaining, indexing="ij")
        names = ("lag", "long_life", "short_lived_share", "remaining_life")
        return {name: axis.ravel() for name, axis in zip(names, axes, strict=True)}


def _weights(fitted: FloatArray, reported: FloatArray) -> tuple[FloatArray, float]:
    """Return the weight of every combination, and the size of the model's error."""
    freedom = len(reported) + MODEL_ERROR_WEIGHT
    with np.errstate(divide="ignore"):
        errors = np.log(fitted / reported[:, np.newaxis])
    squares = np.zeros(fitted.shape[1]) + MODEL_ERROR_WEIGHT * MODEL_ERROR * MODEL_ERROR
    for row in errors:
        squares = squares + np.where(np.isfinite(row), row * row, np.inf)
    weights = np.power(squares / squares.min(), -freedom / 2.0)
    weights = weights / weights.sum()
    return readonly(weights), float(np.sqrt(np.sum(weights * np.where(weights > 0, squares, 0.0)) / freedom))


def _estimate(values: FloatArray, weights: FloatArray, level: float, error: float) -> Estimate:
    """Return the weighted median and interval of values, with a relative error spread over each."""
    heavy = weights > weights.max() * 1e-6
    values, weights = values[heavy], weights[heavy]
    if error > 0.0:
        values = (values * np.exp(error * _SPREAD)[:, np.newaxis]).ravel()
        weights = np.tile(weights, len(_SPREAD))
    order = np.argsort(values, kind="stable")
    ranks = np.cumsum(weights[order])
    ranks = (ranks - 0.5 * weights[order]) / ranks[-1]
    low, median, high = np.interp([(1 - level) / 2, 0.5, (1 + level) / 2], ranks, values[order])
    return Estimate(float(median), float(low), float(high))


def _effects(record: _Record, grid: _Grid, weights: FloatArray, level: float) -> list[LifeChangeEffect]:
    """Return what each change of life did in the fiscal year in which it took effect."""
    found = []
    for index, (row, (time, _)) in enumerate(zip(grid.kept, grid.policy.changes, strict=True)):
        year = int(time + 0.5 / STEPS_PER_YEAR)
        if time < 0.0 or year >= len(record.years):
            continue
        without = short_lived_depreciation(record.capex, grid.policy.without(index), grid.lag)
        nothing = np.zeros_like(grid.long), np.zeros_like(grid.opening)
        difference = grid.combine(grid.short - without, *nothing)[year]
        datum = row.datum("life_after")
        found.append(
            LifeChangeEffect(
                row.name,
                span(datum.period or "")[0],
                record.years[year],
                row.value("life_before"),
                datum.number,
                _estimate(difference, weights, level, 0.0),
                _disclosed(row),
            )
        )
    return found


def _disclosed(row: catalog.Record) -> float | None:
    """Return the disclosed effect on depreciation, or what it was on operating income with its sign turned."""
    income = row.get("operating_income_effect")
    return row.get("depreciation_effect") if income is None else -income
