"""Estimate the scarcity exponent from rents of an accelerator, and predict a later rent.

Two dated rents, the tightness at both dates and the fall of required rent between them identify the scarcity
exponent exactly; a third rent then tests it. Tightness comes from whoever models the fleet, with its spread as
draws, which pass straight through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.catalog import rental
from costmodel.catalog.periods import month_start
from costmodel.foundation.arrays import FloatArray, Numeric, formula, readonly
from costmodel.foundation.errors import DomainError
from costmodel.foundation.provenance import Grade
from costmodel.foundation.reducers import exact_quantile

LEAST_RISE = 0.01
"""Smallest rise of log tightness from which an exponent is read [1]: below it, a moving rent is not scarcity."""


@formula()
def scarcity_exponent(rent_ratio: Numeric, required_rent_ratio: Numeric, tightness_ratio: Numeric) -> Numeric:
    """Scarcity exponent that explains the move of a rent between two dates.

    Parameters
    ----------
    rent_ratio
        Rent at the later date over the earlier, > 0 [1].
    required_rent_ratio
        Required rent of new capacity at the later date over the earlier, > 0 [1].
    tightness_ratio
        Tightness at the later date over the earlier, > 0 and not 1 [1].

    Returns
    -------
    Numeric
        Exponent φ [1].

    Notes
    -----
    From ``ρ = R (x/u*)^φ`` with the same target utilisation at both dates:
    ``φ = (ln ρ'/ρ - ln R'/R) / ln x'/x``. The level of required rent cancels.

    Examples
    --------
    >>> round(float(scarcity_exponent(2.35 / 1.70, 0.94, 1.067)), 2)
    5.95
    """
    return (np.log(rent_ratio) - np.log(required_rent_ratio)) / np.log(tightness_ratio)


@formula()
def foretold_rent(rent: Numeric, required_rent_ratio: Numeric, tightness_ratio: Numeric, exponent: Numeric) -> Numeric:
    """Rent at a later date from the rent at an earlier one.

    Parameters
    ----------
    rent
        Rent at the earlier date, > 0 [USD/hour].
    required_rent_ratio
        Required rent of new capacity at the later date over the earlier, > 0 [1].
    tightness_ratio
        Tightness at the later date over the earlier, > 0 [1].
    exponent
        Scarcity exponent φ, >= 0; 0 is a world without scarcity, in which the rent follows required rent [1].

    Returns
    -------
    Numeric
        Rent at the later date [USD/hour].

    Notes
    -----
    ``ρ' = ρ (R'/R) (x'/x)^φ``.

    Examples
    --------
    >>> round(float(foretold_rent(2.35, 0.964, 1.023, 5.95)), 3)
    2.594
    """
    return rent * required_rent_ratio * np.power(tightness_ratio, exponent)


@dataclass(frozen=True, slots=True)
class DatedRent:
    """A rent with its date.

    Parameters
    ----------
    time
        Middle of the month that it describes [year].
    rent
        Hourly rent [USD/hour].
    grade
        Evidence.
    """

    time: float
    rent: float
    grade: Grade


def contract_rents(name: str = "H100 market") -> tuple[DatedRent, ...]:
    """Return the recorded one-year contract rents of a market, in order of time.

    Examples
    --------
    >>> [(round(rent.time, 2), rent.rent) for rent in contract_rents()]
    [(2025.79, 1.7), (2026.21, 2.35), (2026.46, 2.65)]
    """
    series = rental(name).series("contract_1y")
    return tuple(DatedRent(month_start(d.period or "") + 1 / 24, d.number, d.grade) for d in series)


@dataclass(frozen=True, slots=True, eq=False)
class RentBacktest:
    """A scarcity exponent read from two rents, and a third rent foretold with it.

    Parameters
    ----------
    exponent
        Scarcity exponent, () or (draw,); NaN in a draw that does not identify it [1].
    foretold
        Rent at the third date, same shape; NaN where the exponent is [USD/hour].
    without_scarcity
        Rent at the third date if it followed required rent from the first, same shape [USD/hour].
    observed
        Rent observed at the third date [USD/hour].
    identified
        Whether tightness rose enough between the first two dates, same shape.
    """

    exponent: FloatArray
    foretold: FloatArray
    without_scarcity: FloatArray
    observed: float
    identified: NDArray[np.bool_]

    @property
    def error(self) -> FloatArray:
        """Foretold over observed rent, less 1 [1]."""
        return readonly(self.foretold / self.observed - 1.0)

    @property
    def identified_share(self) -> float:
        """Share of draws that identify the exponent [1]."""
        return float(np.mean(self.identified))

    def interval(self, name: str, level: float = 0.9) -> tuple[float, float, float]:
        """Return the lower bound, median and upper bound of an output over the draws that identify it.

        Parameters
        ----------
        name
            ``exponent``, ``foretold``, ``without_scarcity`` or ``error``.
        level
            Share of draws within the bounds, between 0 and 1 [1].

        Raises
        ------
        DomainError
            If no draw identifies the exponent.
        """
        if not np.any(self.identified):
            raise DomainError("tightness does not rise between the first two rents in any draw: nothing is identified")
        values = np.atleast_1d(getattr(self, name))[np.atleast_1d(self.identified)]
        low, middle, high = exact_quantile(values, [0.5 - level / 2, 0.5, 0.5 + level / 2])
        return float(low), float(middle), float(high)


def rent_backtest(time: Any, tightness: Any, required_rent: Any, rents: Sequence[tuple[float, float]]) -> RentBacktest:
    """Read the scarcity exponent from two dated rents and foretell a third.

    Parameters
    ----------
    time
        Dates of the paths, increasing, (step,) [year].
    tightness
        Wanted over usable compute, > 0, (step,) or (step, draw) [1].
    required_rent
        Required rent of new capacity, > 0, (step,) or (step, draw), in any unit: only ratios are read.
    rents
        Three pairs of date [year] and rent [USD/hour], in order of time and within the dates of the paths.

    Returns
    -------
    RentBacktest
        Exponent, foretold rent and error; draws of tightness pass straight through.

    Raises
    ------
    DomainError
        If shapes don't fit, a value is not above 0, or a rent is dated outside the paths.

    Notes
    -----
    Paths are read between their dates as straight lines of logarithms. With two rents and one exponent the
    fit is exact, so that only the third rent tests it.

    Examples
    --------
    >>> test = rent_backtest([2025.0, 2026.0], [0.8, 1.0], [1.0, 0.9], [(2025.0, 2.0), (2025.5, 2.4), (2026.0, 3.0)])
    >>> round(float(test.exponent), 2), round(float(test.foretold), 2)
    (2.11, 2.88)
    """
    dates, paths = np.asarray(time, dtype=np.float64), []
    for name, values in (("tightness", tightness), ("required_rent", required_rent)):
        path = np.asarray(values, dtype=np.float64)
        if path.shape[:1] != dates.shape or not np.all(np.isfinite(path) & (path > 0)):
            raise DomainError(f"{name}: one finite value above 0 for each of {dates.size} dates is needed")
        paths.append(np.log(path))
    if len(rents) != 3 or not all(dates[0] <= when <= dates[-1] for when, _ in rents):
        raise DomainError(f"three rents dated from {dates[0]:g} to {dates[-1]:g} are needed; given {list(rents)}")
    (first, rent), (second, later_rent), (third, observed) = rents
    tight, required = ([_at(dates, path, when) for when in (first, second, third)] for path in paths)
    rise = tight[1] - tight[0]
    identified = np.asarray(rise > LEAST_RISE)
    ratio = np.exp(np.where(identified, rise, 1.0))
    exponent = scarcity_exponent(later_rent / rent, np.exp(required[1] - required[0]), ratio)
    foretold = foretold_rent(later_rent, np.exp(required[2] - required[1]), np.exp(tight[2] - tight[1]), exponent)
    plain = foretold_rent(rent, np.exp(required[2] - required[0]), np.exp(tight[2] - tight[0]), 0.0)
    return RentBacktest(
        readonly(np.where(identified, exponent, np.nan)),
        readonly(np.where(identified, foretold, np.nan)),
        readonly(np.broadcast_to(plain, np.shape(exponent))),
        float(observed),
        identified,
    )


def _at(dates: FloatArray, path: FloatArray, when: float) -> FloatArray:
    """Return a path at a date between its own."""
    after = int(np.clip(np.searchsorted(dates, when), 1, dates.size - 1))
    weight = (when - dates[after - 1]) / (dates[after] - dates[after - 1])
    return np.asarray((1.0 - weight) * path[after - 1] + weight * path[after])
