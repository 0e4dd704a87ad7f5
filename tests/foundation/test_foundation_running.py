"""Runs of models: scenario and design are attached, and values that are not finite are named."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import costmodel
from costmodel.foundation.design import Design, correlated, seed_of
from costmodel.foundation.errors import DomainError, NonFiniteResultError, ScenarioError
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.results import Result, derived, output
from costmodel.foundation.running import run_model
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.schedules import TimeGrid


class Shop(Scenario):
    price: Parameter = parameter("USD/hour", description="Price.")
    hours: Parameter = parameter("hour", default=2.0, description="Hours.")

    @property
    def grid(self) -> TimeGrid:
        return TimeGrid(dt.date(2026, 1, 1), 4, "quarter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Takings(Result):
    logs: Any = output("1", kind="rate", dims=("step",), label="logarithm of the price, from the third step on")
    best: Any = output("1", label="highest", blank="without sales")

    @derived("USD", label="twice the price")
    def twice(self) -> Any:
        """Twice the price."""
        return 2.0 * self.logs[3]

    def explain_nonfinite(self, name: str) -> str:
        return f"; {name} needs a price above 0"


def shop(resolved: Shop) -> Takings:
    price = np.asarray(resolved.price, dtype=np.float64)
    rows = np.stack([0.0 * price, 0.0 * price, np.log(price), np.log(price)])
    return Takings(scenario=resolved, logs=rows, best=np.where(price > 2.0, price, np.nan))


def written(price: Any) -> Shop:
    return Shop(name="shop", model="shop", price=price)


SPREAD = {"dist": "discrete", "values": [-1.0, 1.0, 3.0], "probabilities": [0.5, 0.25, 0.25]}


@pytest.mark.contract
def test_a_run_carries_what_was_run() -> None:
    scenario = written(SPREAD).replace({"price": {"dist": "uniform", "low": 1.0, "high": 3.0}})
    result = run_model(shop, scenario, draws=5, rng=0)
    assert result.scenario is scenario and result.design == Design.random(scenario, 5, 0)
    assert result.excluded == {} and result.left_out is None
    assert run_model(shop, scenario, design=result.design) == result
    assert run_model(shop, scenario).design is None


@pytest.mark.contract
def test_a_value_that_is_not_finite_is_named_with_its_place_and_cause() -> None:
    with pytest.raises(NonFiniteResultError, match=r"logs is not finite, first at step 2026-07-01; logs needs a price"):
        run_model(shop, written(-1.0))
    ranks = Design.from_ranks({"price": [0.9, 0.6, 0.1, 0.2]})  # 3, 1, -1, -1
    with pytest.raises(NonFiniteResultError, match=r"first at step 2026-07-01 in draw 2 \(and 1 more\)"):
        run_model(shop, written(SPREAD), design=ranks)


@pytest.mark.contract
def test_masked_draws_are_counted_and_leave_every_statistic() -> None:
    ranks = Design.from_ranks({"price": [0.9, 0.6, 0.1, 0.2]})
    result = run_model(shop, written(SPREAD), design=ranks, on_nonfinite="mask")
    assert result.left_out.tolist() == [False, False, True, True]
    assert result.excluded == {"logs not finite": 2}
    assert result.quantile("logs", 1.0)[3] == np.log(3.0) and result.quantile("logs", 0.0)[3] == 0.0
    with pytest.raises(NonFiniteResultError, match="no draw is left"):
        run_model(shop, written(SPREAD), design=Design.from_ranks({"price": [0.1]}), on_nonfinite="mask")
    with pytest.raises(NonFiniteResultError, match="logs"):  # one run has no draw to leave out
        run_model(shop, written(-1.0), on_nonfinite="mask")


@pytest.mark.contract
def test_a_declared_blank_is_allowed_and_infinity_is_not() -> None:
    assert np.isnan(run_model(shop, written(1.0)).best)

    def endless(resolved: Shop) -> Takings:
        return Takings(scenario=resolved, logs=np.zeros(4), best=np.float64(np.inf))

    with pytest.raises(NonFiniteResultError, match="best is not finite"):
        run_model(endless, written(1.0))


@pytest.mark.contract
def test_wrong_objects_get_one_clear_error() -> None:
    with pytest.raises(ScenarioError, match="returned a float, not a Result"):
        run_model(lambda resolved: 1.0, written(1.0))
    for call in (costmodel.run, costmodel.simulate):
        with pytest.raises(ScenarioError, match="not int: load one with"):
            call(5)  # type: ignore[arg-type]
    with pytest.raises(ScenarioError, match=r"runs the flywheel.*accelerator_hour.*use costmodel.run"):
        costmodel.simulate("h100-hour")
    with pytest.raises(ScenarioError, match="did you mean 'h100-hour'"):
        costmodel.run("h100-our")


@pytest.mark.contract
def test_a_design_comes_without_draws_and_seed() -> None:
    scenario = written({"dist": "uniform", "low": 1.0, "high": 3.0})
    design = Design.random(scenario, 4, 0)
    for extra in ({"draws": 4}, {"rng": 0}):
        with pytest.raises(DomainError, match="either draws and rng, or a design"):
            run_model(shop, scenario, design=design, **extra)
    with pytest.raises(ScenarioError, match="does not draw price"):
        run_model(shop, scenario, design=Design((), "random", 0, 4))
    with pytest.raises(DomainError, match="a seed of at least 0"):
        seed_of(np.int64(-1))
    with pytest.raises(DomainError, match="'raise' or 'mask'"):
        run_model(shop, scenario, on_nonfinite="ignore")  # type: ignore[arg-type]


@pytest.mark.law
def test_the_order_of_entries_moves_no_correlated_draw() -> None:
    generator = np.random.default_rng(0)
    ranks = {path: generator.random(50) for path in ("b", "c", "a", "d")}
    pairs = [("a", "b", 0.5), ("c", "a", -0.6), ("b", "d", 0.3)]
    one = correlated(ranks, pairs)
    other = correlated({path: ranks[path] for path in ("d", "a", "c", "b")}, pairs[::-1])
    for path, row in one.items():
        assert (other[path] == row).all()


@pytest.mark.contract
def test_runs_by_name_take_draws() -> None:
    result = costmodel.run("token-market", draws=3, rng=0)
    assert result.draws == 3 and result.design.seed == 0
