"""A buyer's year of AI: this year's bill with its audit, and what the same tasks cost a later year.

Tokens are bought by kind of task. Their price falls, each task takes more of them, and some tasks move to a smaller
model. Rented hours are compared with the market's price of an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.results import Result, output
from costmodel.foundation.scenario import Scenario, register_model


class Tasks(Inputs):
    """Tasks of one kind: what they cost this year, and what changes by the later year."""

    spend: Parameter = parameter("USD/year", ge=0, description="What their tokens cost this year.")
    price_ratio: Parameter = parameter("1", ge=0, description="Price of a token later over now, same class of model.")
    intensity_ratio: Parameter = parameter("1", ge=0, description="Tokens of a task later over now.")
    moved_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of the tasks that move to a smaller model."
    )
    small_price: Parameter = parameter(
        "1", ge=0, default=1.0, description="Price of a token of the smaller model over that of the model in use."
    )
    small_tokens: Parameter = parameter(
        "1", ge=0, default=1.0, description="Tokens of a task with the smaller model, retries included, over those now."
    )


class BuyersYear(Scenario):
    """A buyer's bill of a year, and the same tasks in a later one.

    Examples
    --------
    >>> chat = {"spend": 1e6, "price_ratio": 0.2, "intensity_ratio": 1.5}
    >>> BuyersYear(name="b", tasks={"chat": chat}).hours
    0.0
    """

    model: Literal["buyers_year"] = "buyers_year"
    not_modelled: tuple[str, ...] = (
        "tasks that become worth doing as they get cheaper",
        "the cost of changing models",
        "staff that uses the tokens",
    )
    tasks: dict[str, Tasks] = Field(min_length=1)
    hours: Parameter = parameter("hour/year", ge=0, default=0.0, description="Accelerator-hours rented in a year.")
    hour_paid: Parameter = parameter("USD/hour", ge=0, default=0.0, description="What an hour cost this year.")
    hour_market: Parameter = parameter("USD/hour", ge=0, default=0.0, description="What the market asked for it.")
    hour_ratio: Parameter = parameter("1", ge=0, default=1.0, description="The market's price later over now.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyersYearResult(Result):
    """A year's bill, what its audit finds, and the later year's with one change after the other."""

    bill: FloatArray = output("USD/year", label="this year's bill")
    above_market: FloatArray = output("USD/year", label="paid for hours above the market's price")
    audited_bill: FloatArray = output("USD/year", label="this year's bill with no hour above the market's price")
    at_later_prices: FloatArray = output("USD/year", label="same tokens and hours at the later year's prices")
    with_intensity: FloatArray = output("USD/year", label="same tasks, which take the later year's tokens")
    with_choice: FloatArray = output("USD/year", label="same tasks, some of them on a smaller model")


def buyers_year(resolved: BuyersYear) -> BuyersYearResult:
    """Compute a buyer's bill, its audit, and what the same tasks cost later.

    Parameters
    ----------
    resolved
        Resolved inputs: floats or ``(draw,)`` arrays.

    Returns
    -------
    BuyersYearResult
        Amounts a year [USD/year]. The audited and the later bills hold hours at the lower of what was paid and the
        market's price, so that the audit's finding does not count as a fall in price.

    Examples
    --------
    >>> chat = {"spend": 100.0, "price_ratio": 0.2, "intensity_ratio": 1.5, "moved_share": 0.5, "small_price": 0.1}
    >>> found = buyers_year(BuyersYear(name="b", tasks={"chat": chat}, hours=10.0, hour_paid=7.0, hour_market=3.0,
    ...                                hour_ratio=0.5).resolve())
    >>> [round(float(found[name]), 6) for name in ("bill", "above_market", "with_intensity", "with_choice")]
    [170.0, 40.0, 45.0, 31.5]
    """
    paid, market = (np.asarray(resolved.hours * price) for price in (resolved.hour_paid, resolved.hour_market))
    above = np.maximum(paid - market, 0.0)
    later_hours = np.minimum(paid, market) * resolved.hour_ratio
    tokens, prices, intensity, choice = (np.zeros(()) for _ in range(4))
    for task in resolved.tasks.values():
        cheaper = task.spend * task.price_ratio
        more = cheaper * task.intensity_ratio
        small = task.small_price * task.small_tokens
        tokens, prices, intensity = tokens + task.spend, prices + cheaper, intensity + more
        choice = choice + more * (1.0 - task.moved_share + task.moved_share * small)
    return BuyersYearResult(
        scenario=resolved,
        bill=tokens + paid,
        above_market=above,
        audited_bill=tokens + paid - above,
        at_later_prices=prices + later_hours,
        with_intensity=intensity + later_hours,
        with_choice=choice + later_hours,
    )


register_model("buyers_year", BuyersYear, "costmodel.studies.buyers_year:buyers_year")
