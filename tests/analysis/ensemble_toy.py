"""Small model for the tests of ensembles, in a module so that other processes can import it."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.analysis.ensemble_result import EnsembleResult
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.results import Result, output
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import TimeGrid

GRID = TimeGrid(dt.date(2026, 1, 1), 3, "year")


class Toy(Scenario):
    tokens: Parameter = parameter("FLOP", gt=0, description="Tokens of the first year.")
    price: Parameter = parameter("USD/FLOP", description="Price of a token; a refund where negative.")
    growth: Parameter = parameter("1/year", description="Logarithmic growth of tokens.")

    @property
    def grid(self) -> TimeGrid:
        return GRID


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyResult(Result):
    tokens: FloatArray = output("FLOP", dims=("year",), label="tokens")
    margin: FloatArray = output("USD", dims=("year",), label="margin")
    price: FloatArray = output("USD/FLOP", label="price")
    constant: FloatArray = output("1", label="the same in every draw")
    falling: NDArray[np.bool_] = output("1", label="tokens fall")

    def coords(self) -> dict[str, Any]:
        return {"year": [2026, 2027, 2028]}


def toy_model(resolved: Toy) -> ToyResult:
    tokens = np.stack([resolved.tokens * np.exp(resolved.growth * t) for t in range(3)])
    return ToyResult(
        scenario=resolved,
        tokens=tokens,
        margin=tokens * resolved.price - np.where(resolved.growth > 0.0, 2e3, 0.0),
        price=resolved.price,
        constant=np.float64(7.0),
        falling=np.asarray(resolved.growth < 0.0),
    )


def broken_model(resolved: Toy) -> ToyResult:
    """Return a result whose margin of the last year is NaN where tokens fall."""
    whole = toy_model(resolved)
    margin = np.array(whole.margin)
    margin[2] = np.where(whole.falling, np.nan, margin[2])
    return ToyResult(
        scenario=resolved,
        tokens=whole.tokens,
        margin=margin,
        price=whole.price,
        constant=whole.constant,
        falling=whole.falling,
    )


def toy() -> Toy:
    return Toy(
        name="toy",
        model="toy",
        tokens={"dist": "lognormal", "p5": 1e3, "p95": 1e6},
        price={"dist": "normal", "p5": -1.0, "p95": 3.0},
        growth={"dist": "uniform", "low": -0.5, "high": 1.0},
    )


def slow_model(resolved: Toy) -> ToyResult:
    """Run the model slowly enough to be stopped in the middle."""
    time.sleep(0.01)
    return toy_model(resolved)


def fill(path: str, blocks: int) -> None:
    """Fill a store; run in a separate process."""
    from costmodel.analysis.store import store_ensemble

    store_ensemble(
        path, toy(), draws=blocks * BLOCK - 100, rng=0, outputs=("tokens", "price", "falling"), model=slow_model
    )


def assert_equal_bit_for_bit(one: EnsembleResult, two: EnsembleResult) -> None:
    assert (one.kept, one.excluded, one.flags, list(one)) == (two.kept, two.excluded, two.flags, list(two))
    for name in one:
        for rank in (0.05, 0.5, 0.95):
            assert one.quantile(name, rank).tobytes() == two.quantile(name, rank).tobytes()
        for part in ("mean", "squares", "low", "high"):
            assert getattr(one[name].moments, part).tobytes() == getattr(two[name].moments, part).tobytes()
        for side in ("negative", "positive"):
            counts = [getattr(result[name].histogram, side).counts for result in (one, two)]
            assert counts[0].tobytes() == counts[1].tobytes()
        if one[name].draws is not None:
            assert one.kept_draws(name).tobytes() == two.kept_draws(name).tobytes()
