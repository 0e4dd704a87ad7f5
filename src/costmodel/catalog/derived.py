"""Figures derived from records: computed on request, each with the figures that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.catalog.access import Catalog
from costmodel.catalog.formulas import (
    annual_change,
    doubling_time,
    doubling_time_error,
    implied_utilisation,
    power_per_flop_per_second,
    price_per_flop_per_second,
    to_real,
)
from costmodel.catalog.periods import decimal_year
from costmodel.catalog.records import Datum, Derived
from costmodel.foundation.errors import CatalogError, DomainError

DEFAULT_INDEX = "US CPI-U"
"""Price index used where none is named: US consumer prices, all urban consumers."""
_WHOLE = Catalog()


def run_utilisation(name: str, precision: str = "bf16", catalog: Catalog = _WHOLE) -> Derived:
    """Return the utilisation that a training run's disclosures imply (6ND check).

    Parameters
    ----------
    name
        Name of the training run.
    precision
        Peak that counts as one.
    catalog
        Catalog to read.

    Raises
    ------
    CatalogError
        If parameters, tokens, hours or the accelerator are not recorded.

    Examples
    --------
    >>> check = run_utilisation("DeepSeek-V3")
    >>> round(check.value, 3), check.unit
    (0.346, '1')
    """
    run = catalog.training_run(name)
    chip = catalog.accelerator(run.accelerator)
    inputs = (
        run.datum("active_parameters"),
        run.datum("tokens"),
        run.datum("chip_hours"),
        chip.datum(precision),
    )
    return Derived(float(implied_utilisation(*(datum.number for datum in inputs))), "1", inputs)


def accelerator_price_per_flop_per_second(
    accelerator: str, price: Datum, precision: str = "bf16", catalog: Catalog = _WHOLE
) -> Derived:
    """Return the price of a FLOP/s of peak, at a recorded price of the accelerator.

    Examples
    --------
    >>> paid = _WHOLE.accelerator_price("H100").datum("server", "2024-02-21")
    >>> f"{accelerator_price_per_flop_per_second('H100-SXM', paid).value:.3g}"
    '3.42e-11'
    """
    peak = catalog.accelerator(accelerator).datum(precision)
    return Derived(float(price_per_flop_per_second(price.number, peak.number)), "USD*s/FLOP", (price, peak))


def accelerator_power_per_flop_per_second(
    accelerator: str, precision: str = "bf16", catalog: Catalog = _WHOLE
) -> Derived:
    """Return the rated power of a FLOP/s of peak.

    Examples
    --------
    >>> f"{accelerator_power_per_flop_per_second('H100-SXM').value:.3e}"
    '7.075e-13'
    """
    chip = catalog.accelerator(accelerator)
    power, peak = chip.datum("power"), chip.datum(precision)
    return Derived(float(power_per_flop_per_second(power.number, peak.number)), "W*s/FLOP", (power, peak))


def change_between(first: Datum, last: Datum) -> Derived:
    """Return the relative change a year between two dated figures of one unit.

    Raises
    ------
    CatalogError
        If a figure has no period, the units differ or both describe the same time.

    Examples
    --------
    >>> p5 = _WHOLE.rental("AWS p5.48xlarge").series("server")
    >>> round(change_between(p5[0], p5[1]).value, 3)
    -0.993
    """
    if first.unit != last.unit:
        raise CatalogError(f"{first.where} is in {first.unit!r} and {last.where} in {last.unit!r}")
    years = _when(last) - _when(first)
    if years <= 0:
        raise CatalogError(f"{last.where} does not describe a later time than {first.where}")
    return Derived(float(annual_change(first.number, last.number, years)), "1/year", (first, last))


def in_money_of(year: int, amount: float, paid_in: int, index: str = DEFAULT_INDEX, catalog: Catalog = _WHOLE) -> float:
    """Convert an amount of money into money of another year.

    Parameters
    ----------
    year
        Year whose money is wanted.
    amount
        Money of the year ``paid_in`` [USD].
    paid_in
        Year of the money.
    index
        Name of the price index.

    Raises
    ------
    CatalogError
        If the index has no figure for a year: a missing year is not extrapolated.

    Examples
    --------
    >>> round(in_money_of(2023, 100.0, 2020), 1)
    117.7
    """
    series = catalog.price_index(index)
    return float(to_real(amount, series.value("index", paid_in), series.value("index", year)))


@dataclass(frozen=True, slots=True)
class Trend:
    """An exponential trend fitted by least squares on logarithms.

    Parameters
    ----------
    log_slope, standard_error
        Growth of the natural logarithm and its standard error [1/year].
    points
        Number of points.
    """

    log_slope: float
    standard_error: float
    points: int

    @property
    def doubling_time(self) -> float:
        """Doubling time [year]; negative where the value falls."""
        return float(doubling_time(self.log_slope))

    @property
    def doubling_time_error(self) -> float:
        """Standard error of the doubling time [year], to first order."""
        return float(doubling_time_error(self.log_slope, self.standard_error))

    @property
    def fold_per_year(self) -> float:
        """Factor a year."""
        return float(np.exp(self.log_slope))


def fit_trend(years: Sequence[float], values: Sequence[float]) -> Trend:
    """Fit ``ln value = a + slope · year`` by least squares.

    Parameters
    ----------
    years
        Decimal years, at least three, not all equal.
    values
        Positive values, one for each.

    Raises
    ------
    DomainError
        If there are fewer than three points, lengths differ, a value is not positive or all years are equal.

    Notes
    -----
    The standard error is ``sqrt(Σ residual² / (n − 2) / Σ (year − mean)²)``: it treats errors as independent,
    which series of prices seldom are, so it is a lower bound on the doubt.

    Examples
    --------
    >>> trend = fit_trend([2020.0, 2021.0, 2022.0], [1.0, 2.0, 4.0])
    >>> round(trend.doubling_time, 9)
    1.0
    """
    x, y = np.asarray(years, dtype=float), np.asarray(values, dtype=float)
    if x.shape != y.shape or x.ndim != 1 or x.size < 3:
        raise DomainError(f"a trend needs at least three years and as many values, got {x.size} and {y.size}")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (y > 0).all()):
        raise DomainError("a trend needs finite years and positive values")
    centred = x - x.mean()
    spread = float(np.sum(np.square(centred)))
    if spread == 0.0:
        raise DomainError(f"all years are {x[0]:g}: a trend needs at least two different ones")
    logs = np.log(y)
    slope = float(np.sum(centred * (logs - logs.mean()))) / spread
    residual = logs - logs.mean() - slope * centred
    error = float(np.sqrt(np.sum(np.square(residual)) / (x.size - 2) / spread))
    return Trend(slope, error, int(x.size))


def trend_of(data: Sequence[Datum]) -> Trend:
    """Fit a trend to dated figures, each at the middle of its period.

    Raises
    ------
    CatalogError
        If a figure has no period.
    DomainError
        If the figures allow no fit.

    Examples
    --------
    >>> trend = trend_of(_WHOLE.users("ChatGPT").series("weekly_users"))
    >>> 0.5 < trend.doubling_time < 1.0
    True
    """
    return fit_trend([_when(datum) for datum in data], [datum.number for datum in data])


def _when(datum: Datum) -> float:
    if datum.period is None:
        raise CatalogError(f"{datum.where}: {datum.field} of {datum.record!r} states no period")
    return decimal_year(datum.period)
