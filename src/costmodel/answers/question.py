"""A question, its answers, and the table that shows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.results import Result
from costmodel.foundation.tables import Table, figure, shown_unit

Flags = NDArray[np.bool_]
"""Whether a condition holds, draw by draw."""
DRAWS = 256
"""Draws of a scenario behind an interval [1]: its ends move by a few per cent with more."""
SEED = 0
"""Seed of the draws, the same for all answers, so that two runs of one scenario differ by what was changed alone."""
QUANTILES = (0.05, 0.5, 0.95)
"""Ends and middle of an interval over draws [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The model's answer to one claim.

    Parameters
    ----------
    claim
        The statement that is tested, or the figure that is asked for.
    says
        The answer in words; it is shown with the figure.
    value, low, high
        Figure and the ends of its interval [unit]; ends are ``nan`` where the figure has no interval.
    unit
        Canonical unit; ``%`` for a share or a relative change, given as a number of 1.
    rests_on
        Scenario, what the interval spans, and what moves the answer most.
    """

    claim: str
    says: str
    value: float
    low: float = math.nan
    high: float = math.nan
    unit: str = "1"
    rests_on: str

    def shown(self) -> tuple[str, str]:
        """Return the figure with its unit, and its interval, as text.

        Examples
        --------
        >>> Answer(claim="c", says="yes", value=5e9, low=4e9, high=6e9, unit="USD", rests_on="r").shown()
        ('5 B USD', '4 … 6 B USD')
        >>> Answer(claim="c", says="yes", value=0.25, unit="%", rests_on="r").shown()
        ('25 %', '–')
        """
        if self.unit == "%":
            name, scale = "%", 100.0
        else:
            name, scale = shown_unit(self.unit, np.nanmax(np.abs([self.value, self.low, self.high])))
        form = _date if self.unit == "date" else _short
        unit = "" if self.unit == "date" else f" {name}".rstrip()
        low, high = form(self.low * scale), form(self.high * scale)
        interval = "–" if math.isnan(self.low) else f"{low} … {high}{unit}"
        return f"{form(self.value * scale)}{unit}", interval


def _short(value: float) -> str:
    """Return a number to three digits: an answer promises no more."""
    return figure(float(f"{value:.3g}"))


def _date(value: float) -> str:
    """Return a date to a tenth of a year; infinity is a date that never comes."""
    return "never" if math.isinf(value) else f"{round(value, 1):g}"


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a document, the function that answers it, and the built-in scenarios that it runs."""

    document: str
    text: str
    answer: Callable[[], tuple[Answer, ...]]
    scenarios: tuple[str, ...] = ()


def share_of_draws(condition: Flags) -> str:
    """Return the share of draws in which a condition holds, as text: ``in 91 % of draws``."""
    return f"in {100.0 * float(np.mean(condition)):.0f} % of draws"


def over_draws(values: FloatArray) -> tuple[float, float, float]:
    """Return the middle of draws and the ends of their interval.

    Parameters
    ----------
    values
        One value per draw.

    Returns
    -------
    tuple
        Median, 5 % and 95 % quantile, in the unit of the values; an infinite draw counts, so that an end may be
        infinite.
    """
    low, middle, high = np.quantile(values, QUANTILES, method="higher")
    return float(middle), float(low), float(high)


def in_year(run: Result, output: str, year: int) -> FloatArray:
    """Return an output of a run in a calendar year, by the rule of its kind: a number or one value per draw."""
    years, values = run.by_year(output)
    return np.asarray(values[list(years).index(year)])


def table_of(found: Iterable[tuple[Question, tuple[Answer, ...]]]) -> Table:
    """Return answers as one table: claim, document, answer, interval and what it rests on.

    Parameters
    ----------
    found
        Questions with their answers.
    """
    rows = []
    for question, answers in found:
        for answer in answers:
            value, interval = answer.shown()
            rows.append((answer.claim, question.document, f"{answer.says}: {value}", interval, answer.rests_on))
    return Table(("claim", "document", "answer", "interval", "rests on"), tuple(rows))
