"""Scaling laws: closed forms against independent numbers and against a numerical optimum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from costmodel.training import allocation, scaling

_MODULE = "costmodel.training.scaling"
_ALLOCATION = "costmodel.training.allocation"
_BESIROGLU = (482.01, 2085.43, 0.3478, 0.3658)
_SARDANA = (406.4, 410.7, 0.336, 0.283)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_MODULE}:parametric_loss")
def test_loss_is_the_sum_of_its_three_terms() -> None:
    # N = 1e10 and alpha = 0.3 give N^-alpha = 1e-3; D = 1e10 and beta = 0.4 give 1e-4
    loss = scaling.parametric_loss(1e10, 1e10, 1.7, 400.0, 2000.0, 0.3, 0.4)
    assert loss == pytest.approx(1.7 + 400.0 * 1e-3 + 2000.0 * 1e-4, rel=1e-13)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_ALLOCATION}:optimal_parameters")
def test_closed_form_optimum_is_the_numerical_one() -> None:
    compute = 5.76e23

    def loss(log_parameters: float) -> float:
        parameters = np.exp(log_parameters)
        return float(scaling.parametric_loss(parameters, compute / 6 / parameters, 1.8172, *_BESIROGLU))

    best = minimize_scalar(loss, bounds=(np.log(1e9), np.log(1e13)), method="bounded", options={"xatol": 1e-9})
    assert allocation.optimal_parameters(compute, *_BESIROGLU) == pytest.approx(np.exp(best.x), rel=1e-5)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_ALLOCATION}:optimal_tokens")
def test_optimal_parameters_and_tokens_use_the_compute_up() -> None:
    parameters = allocation.optimal_parameters(5.76e23, *_BESIROGLU)
    tokens = allocation.optimal_tokens(5.76e23, *_BESIROGLU)
    assert 6 * parameters * tokens == pytest.approx(5.76e23, rel=1e-13)
    few = allocation.optimal_parameters(10.0, *_BESIROGLU), allocation.optimal_tokens(10.0, *_BESIROGLU)
    assert 6 * few[0] * few[1] == pytest.approx(10.0, rel=1e-13)  # also of a compute that is no whole multiple of 6
    # both terms' marginal losses are equal at the optimum
    a, b, alpha, beta = _BESIROGLU
    assert alpha * a * parameters**-alpha == pytest.approx(beta * b * tokens**-beta, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_ALLOCATION}:optimal_tokens_for_parameters")
def test_tokens_for_parameters_invert_the_allocation() -> None:
    parameters = allocation.optimal_parameters(5.76e23, *_BESIROGLU)
    tokens = allocation.optimal_tokens(5.76e23, *_BESIROGLU)
    assert allocation.optimal_tokens_for_parameters(parameters, *_BESIROGLU) == pytest.approx(tokens, rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_MODULE}:tokens_for_loss")
def test_tokens_for_loss_inverts_the_loss_and_refuses_the_impossible() -> None:
    loss = scaling.parametric_loss(7e9, 1.2e12, 1.69, *_SARDANA)
    assert scaling.tokens_for_loss(loss, 7e9, 1.69, *_SARDANA) == pytest.approx(1.2e12, rel=1e-9)
    # 1 M parameters alone keep the loss above 1.69 + 406.4 · 1e6^-0.336 = 5.6
    assert scaling.tokens_for_loss(loss, 1e6, 1.69, *_SARDANA) == np.inf


@pytest.mark.closed_form
@pytest.mark.reference(f"{_ALLOCATION}:compute_for_loss")
def test_compute_for_loss_inverts_the_optimum() -> None:
    parameters = allocation.optimal_parameters(5.76e23, *_BESIROGLU)
    loss = scaling.parametric_loss(parameters, 5.76e23 / 6 / parameters, 1.8172, *_BESIROGLU)
    assert allocation.compute_for_loss(loss, 1.8172, *_BESIROGLU) == pytest.approx(5.76e23, rel=1e-10)


@pytest.mark.closed_form
@pytest.mark.reference(f"{_MODULE}:effective_tokens")
def test_repeated_tokens_are_worth_less_and_saturate() -> None:
    assert scaling.effective_tokens(0.7e12, 1e12, 15.39) == 0.7e12
    assert scaling.effective_tokens(1e12, 1e12, 15.39) == 1e12
    # one constant's worth of repetitions is worth (1 - 1/e) of it
    assert scaling.effective_tokens(16.39e12, 1e12, 15.39) == pytest.approx(
        1e12 * (1 + 15.39 * (1 - np.exp(-1.0))), rel=1e-12
    )
    assert scaling.effective_tokens(1e18, 1e12, 15.39) == pytest.approx(1e12 * (1 + 15.39), rel=1e-9)
