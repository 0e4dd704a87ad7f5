"""Published fits of the scaling law and the optima that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from costmodel.foundation.errors import CatalogError, DomainError
from costmodel.training import fits

CHINCHILLA_FLOP = 5.76e23


@pytest.mark.published
@pytest.mark.parametrize(
    ("name", "tokens_per_parameter", "loss"),
    [("besiroglu", 18.4, 1.9744), ("hoffmann_tex", 59.1, 1.9184), ("hoffmann_rounded", 92.6, 1.9307)],
)
def test_chinchilla_under_each_fit(name: str, tokens_per_parameter: float, loss: float) -> None:
    """Only Besiroglu's refit is compatible with the model that was trained: 70 B on 1.4 T tokens."""
    fit = fits.scaling_fit(name)
    parameters, tokens = fit.optimal_parameters(CHINCHILLA_FLOP), fit.optimal_tokens(CHINCHILLA_FLOP)
    assert tokens / parameters == pytest.approx(tokens_per_parameter, rel=2e-3)
    assert fit.loss(parameters, tokens) == pytest.approx(loss, abs=1e-4)


@pytest.mark.published
@pytest.mark.parametrize(("name", "g", "a"), [("hoffmann_rounded", 1.3447, 0.4516), ("besiroglu", 0.1196, 0.5126)])
def test_closed_form_constants(name: str, g: float, a: float) -> None:
    """G and a of N* = G·(C/6)^a as derived from the printed coefficients."""
    fit = fits.scaling_fit(name)
    assert fit.optimal_parameters(6.0) == pytest.approx(g, abs=1e-4)
    assert np.log10(fit.optimal_parameters(6e10) / fit.optimal_parameters(6.0)) / 10 == pytest.approx(a, abs=1e-4)


@pytest.mark.published
def test_sardana_trains_a_smaller_model_for_longer() -> None:
    """arXiv 2401.00448: 7 B instead of 13 B saves 1.7e22 FLOP, 17 %, when 2 T tokens are served."""
    fit = fits.scaling_fit("sardana_used")
    base_tokens = fit.optimal_tokens_for_parameters(13e9)
    loss = fit.loss(13e9, base_tokens)
    small_tokens = fit.tokens_for_loss(loss, 7e9)
    base = 6 * 13e9 * base_tokens + 2 * 13e9 * 2e12
    small = 6 * 7e9 * small_tokens + 2 * 7e9 * 2e12
    assert base - small == pytest.approx(1.7e22, rel=0.01)
    assert (base - small) / base == pytest.approx(0.174, abs=5e-4)
    best, _ = fits.inference_aware_optimum(fit, loss, 2e12)
    assert best == pytest.approx(6.97e9, rel=1e-3)


@pytest.mark.peer
@pytest.mark.parametrize("ratio", [0.3, 1.0, 4.0])
def test_inference_aware_optimum_is_the_numerical_one(ratio: float) -> None:
    fit = fits.scaling_fit("besiroglu")
    loss = 2.05

    def cost(log_parameters: float) -> float:
        parameters = np.exp(log_parameters)
        return float(np.log(6 * parameters * fit.tokens_for_loss(loss, parameters) + ratio * 2 * parameters * 1e13))

    smallest = (fit.parameter_coefficient / (loss - fit.irreducible_loss)) ** (1 / fit.parameter_exponent)
    bounds = (np.log(smallest * 1.001), np.log(smallest * 100))
    best = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    parameters, tokens = fits.inference_aware_optimum(fit, loss, 1e13, ratio)
    assert parameters == pytest.approx(np.exp(best.x), rel=1e-4)
    assert fit.loss(parameters, tokens) == pytest.approx(loss, rel=1e-12)


@pytest.mark.closed_form
def test_without_inference_the_optimum_is_the_compute_optimal_one() -> None:
    fit = fits.scaling_fit("besiroglu")
    loss = fit.loss(fit.optimal_parameters(1e24), fit.optimal_tokens(1e24))
    parameters, tokens = fits.inference_aware_optimum(fit, loss, 0.0)
    assert parameters == pytest.approx(fit.optimal_parameters(1e24), rel=1e-9)
    assert 6 * parameters * tokens == pytest.approx(fit.compute_for_loss(loss), rel=1e-9)


@pytest.mark.closed_form
def test_enough_data_needs_no_repetition() -> None:
    fit = fits.scaling_fit("besiroglu")
    parameters, tokens = fits.data_limited_optimum(fit, 1e22, np.array([1e15, 1e11]))
    assert parameters[0] == pytest.approx(fit.optimal_parameters(1e22), rel=1e-6)
    # limited data: a larger model than compute-optimal, fewer tokens, but more than the distinct ones
    assert parameters[1] > parameters[0]
    assert 1e11 < tokens[1] < tokens[0]


@pytest.mark.closed_form
def test_an_ensemble_of_losses_is_each_loss_alone() -> None:
    fit = fits.scaling_fit("besiroglu")
    losses = np.array([2.0, 2.05, 2.2])
    together, _ = fits.inference_aware_optimum(fit, losses, 1e12)
    assert together.tolist() == [fits.inference_aware_optimum(fit, loss, 1e12)[0] for loss in losses]


@pytest.mark.contract
def test_ranges_say_where_a_fit_is_extrapolated() -> None:
    for name in fits.PARAMETRIC_FITS:
        fit = fits.scaling_fit(name)
        assert fit.within_range(1e9, 20e9)
        assert fit.within_range([1e9, 70e9], [20e9, 1.4e12]).tolist() == [True, False]


@pytest.mark.contract
def test_what_has_no_meaning_is_refused() -> None:
    fit = fits.scaling_fit("besiroglu")
    with pytest.raises(CatalogError, match="besiroglu"):
        fits.scaling_fit("besirogl")
    with pytest.raises(DomainError, match="irreducible"):
        fits.inference_aware_optimum(fit, 1.5, 1e12)
    with pytest.raises(DomainError, match="negative"):
        fits.inference_aware_optimum(fit, 2.0, -1.0)
    with pytest.raises(DomainError, match="positive"):
        fits.data_limited_optimum(fit, 0.0, 1e12)


@pytest.mark.closed_form
def test_repetition_constant_reaches_the_optimum() -> None:
    """With worthless repetitions the unique tokens are used once: the closed form of a hard limit."""
    fit = fits.scaling_fit("besiroglu")
    parameters, tokens = fits.data_limited_optimum(fit, 5.76e23, 0.3e12, repetition_constant=1e-9)
    assert tokens == pytest.approx(0.3e12, rel=1e-6)
    assert parameters == pytest.approx(5.76e23 / (6 * 0.3e12), rel=1e-6)
