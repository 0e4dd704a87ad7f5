"""A scaling law fitted to runs: recovery, robustness, and scores on unseen runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from costmodel.estimation import scaling
from costmodel.estimation.scaling import LEAST_RUNS, fit_scaling
from costmodel.foundation.errors import DomainError

SIZE, DATA = (grid.ravel() for grid in np.meshgrid(np.geomspace(7e7, 1.6e10, 6), np.geomspace(5e9, 5e11, 6)))
LAW = {"irreducible_loss": 1.8172, "parameter_coefficient": 482.01, "token_coefficient": 2085.43}
EXPONENTS = {"parameter_exponent": 0.3478, "token_exponent": 0.3658}


def loss(size, data):
    return 1.8172 + 482.01 / size**0.3478 + 2085.43 / data**0.3658


@pytest.mark.closed_form
def test_without_noise_all_five_numbers_come_back():
    found = fit_scaling(SIZE, DATA, loss(SIZE, DATA), resamples=0)
    for name, value in {**LAW, **EXPONENTS}.items():
        assert getattr(found.fit, name) == pytest.approx(value, rel=1e-5), name
    assert found.error < 1e-9
    assert (found.fitted, found.unseen, found.unseen_error, dict(found.standard_error)) == (36, 0, None, {})
    assert found.fit.parameter_range == pytest.approx((7e7, 1.6e10), rel=1e-12)
    assert found.fit.token_range == pytest.approx((5e9, 5e11), rel=1e-12)


@pytest.mark.closed_form
def test_a_few_broken_runs_do_not_move_it_and_noise_widens_the_errors():
    rng = np.random.default_rng(4)
    noisy = loss(SIZE, DATA) * np.exp(rng.normal(0.0, 3e-4, SIZE.size))
    noisy[[3, 17]] *= 1.2  # two runs that diverged
    found = fit_scaling(SIZE, DATA, noisy, resamples=40, rng=1)
    for name, value in EXPONENTS.items():
        assert getattr(found.fit, name) == pytest.approx(value, rel=0.1)
        assert 0.0 < found.standard_error[name] < 0.1
    assert found.fit.irreducible_loss == pytest.approx(1.8172, rel=0.02)
    again = fit_scaling(SIZE, DATA, noisy, resamples=40, rng=1)
    assert dict(again.standard_error) == dict(found.standard_error)


@pytest.mark.closed_form
def test_the_largest_runs_are_held_out_before_fitting():
    broken = loss(SIZE, DATA)
    largest = np.argsort(SIZE * DATA)[-9:]
    broken[largest] *= np.exp(0.1)  # unseen runs only change the unseen error
    found = fit_scaling(SIZE, DATA, broken, hold=0.25, resamples=0)
    assert (found.fitted, found.unseen) == (27, 9)
    assert found.fit.parameter_exponent == pytest.approx(0.3478, rel=1e-4)
    assert found.unseen_error == pytest.approx(0.1, rel=1e-3)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((SIZE[:5], DATA, SIZE), "5, 36, 36 runs"),
        ((SIZE[: LEAST_RUNS - 1], DATA[: LEAST_RUNS - 1], SIZE[: LEAST_RUNS - 1]), "too few"),
        ((-SIZE, DATA, SIZE), "parameters"),
        ((SIZE, DATA, np.full(36, np.nan)), "loss"),
    ],
)
def test_runs_that_allow_no_fit_are_refused(arguments, said):
    with pytest.raises(DomainError, match=said):
        fit_scaling(*arguments)
    with pytest.raises(DomainError, match="hold"):
        fit_scaling(SIZE, DATA, loss(SIZE, DATA), hold=1.0)


@pytest.mark.closed_form
def test_of_the_fits_from_all_starts_the_one_with_the_least_cost_counts(monkeypatch):
    costs = iter([3.0, 1.0, 2.0, *[5.0] * 1000])

    def found(runs, centre, start):
        cost = next(costs)
        return SimpleNamespace(success=True, cost=cost, x=np.full(5, cost))

    monkeypatch.setattr(scaling, "_minimum", found)
    runs = np.log(np.stack([SIZE, DATA, loss(SIZE, DATA)]))
    assert scaling._best(runs, runs.mean(axis=1)).tolist() == [1.0] * 5
