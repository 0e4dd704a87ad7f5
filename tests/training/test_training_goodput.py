"""Goodput: failures, checkpoints, spares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from costmodel.foundation.errors import DomainError
from costmodel.training import goodput

_MODULE = "costmodel.training.goodput"


@pytest.mark.reference(f"{_MODULE}:mean_time_between_failures")
@pytest.mark.published
def test_time_between_failures_of_16_384_accelerators() -> None:
    # arXiv 2410.21680 prints 1.8 h for 16,384 GPUs at 6.5 failures per 1,000 node-days
    assert goodput.mean_time_between_failures(16_384 / 8, 6.5e-3 / 24) == pytest.approx(1.8, rel=0.01)


@pytest.mark.reference(f"{_MODULE}:interruptions")
@pytest.mark.published
def test_llama_interruptions_give_the_derived_rate() -> None:
    # 419 unexpected in 54 days on 2,048 nodes: one in 3.093 h, 3.79 per 1,000 node-days
    mean_time = goodput.mean_time_between_failures(2048, 3.79e-3 / 24)
    assert goodput.interruptions(54 * 24, mean_time) == pytest.approx(419, rel=1e-3)
    assert mean_time == pytest.approx(3.093, rel=1e-3)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_MODULE}:daly_interval_higher_order")
@pytest.mark.reference(f"{_MODULE}:exponential_training_time_ratio")
@pytest.mark.parametrize("write", [0.001, 0.02, 0.2])
def test_higher_order_interval_is_the_optimum_of_the_exact_ratio(write: float) -> None:
    mean_time = 4.0
    best = minimize_scalar(
        lambda interval: -goodput.exponential_training_time_ratio(interval, write, mean_time, 0.1),
        bounds=(0.01, 4.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert goodput.daly_interval_higher_order(write, mean_time) == pytest.approx(best.x, rel=1e-3)


@pytest.mark.closed_form
def test_higher_order_interval_is_the_mean_time_when_writes_are_too_long() -> None:
    assert goodput.daly_interval_higher_order(8.0, 4.0) == 4.0


@pytest.mark.closed_form
def test_training_time_ratio_in_its_limits() -> None:
    """Without failures the ratio is that of writing; for rare ones, the first-order 1 - (R + T/2)/M besides."""
    assert goodput.exponential_training_time_ratio(1.0, 0.25, 1e12, 0.1) == pytest.approx(1 / 1.25, rel=1e-9)
    first_order = (1 - (0.1 + 0.2) / 400.0) / (1 + 0.05)
    assert goodput.exponential_training_time_ratio(0.4, 0.02, 400.0, 0.1) == pytest.approx(first_order, rel=1e-4)


@pytest.mark.closed_form
@pytest.mark.parametrize("write", [0.001, 0.01])
def test_short_writes_have_the_interval_of_young(write: float) -> None:
    """Young (1974): the square root of twice the time of a write and the mean time between failures."""
    young = np.sqrt(2 * write * 40.0)
    assert goodput.daly_interval_higher_order(write, 40.0) == pytest.approx(young, rel=0.02)


@pytest.mark.peer
@pytest.mark.parametrize("mean", [0.01, 0.5, 5.0, 50.0, 1000.0])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_spare_nodes_are_the_poisson_quantile(mean: float, confidence: float) -> None:
    from scipy.stats import poisson

    assert goodput.spare_nodes(100, mean / 100 / 24, 24.0, confidence) == poisson.ppf(confidence, mean)


@pytest.mark.contract
def test_spare_nodes_of_an_ensemble_are_those_of_each_draw() -> None:
    rates = np.array([1e-5, 1e-4, 1e-3])
    together = goodput.spare_nodes(1000, rates, 24.0)
    assert together.tolist() == [goodput.spare_nodes(1000, rate, 24.0) for rate in rates]


@pytest.mark.contract
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0.0, 1e-4, 24.0, 0.99), "nodes"),
        ((100, -1e-4, 24.0, 0.99), "failure_rate"),
        ((100, 1e-4, 0.0, 0.99), "repair_time"),
        ((100, 1e-4, 24.0, 1.0), "confidence"),
    ],
)
def test_spare_nodes_refuse_what_has_no_meaning(arguments: tuple[float, float, float, float], named: str) -> None:
    with pytest.raises(DomainError, match=named):
        goodput.spare_nodes(*arguments)
