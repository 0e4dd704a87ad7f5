"""Every kind of distribution against another implementation, with its forms, its support and its refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from costmodel.foundation.distributions import PERT_WEIGHT, USUAL_QUANTILES, Distribution
from costmodel.foundation.errors import CostModelError, DomainError, ScenarioError

RANKS = np.array([1e-6, 0.05, 0.3, 0.5, 0.8, 0.99, 1 - 1e-6])
LOG = math.log


def parse(dist: str, **entries: Any) -> Distribution:
    return Distribution.parse({"dist": dist, **entries}, "1")


def cut(location: float, scale: float, low: float, high: float) -> Any:
    """Return SciPy's normal distribution between two bounds."""
    return stats.truncnorm((low - location) / scale, (high - location) / scale, location, scale)


PEERS = [
    (parse("uniform", low=2.0, high=5.0), stats.uniform(2.0, 3.0)),
    (parse("uniform", p10=2.0, p90=10.0), stats.uniform(1.0, 10.0)),
    (parse("uniform", p25=0.0, p30=1.0), stats.uniform(-5.0, 20.0)),
    (parse("normal", mean=3.0, sd=2.0), stats.norm(3.0, 2.0)),
    (parse("normal", p25=-1.0, p75=1.0), stats.norm(0.0, 1.0 / stats.norm.ppf(0.75))),
    (parse("normal", mean=0.0, sd=1.0, low=-0.5), cut(0.0, 1.0, -0.5, math.inf)),
    (parse("normal", mean=3.0, sd=2.0, low=2.0, high=6.0), cut(3.0, 2.0, 2.0, 6.0)),
    (parse("normal", mean=10.0, sd=1.0, low=11.0), cut(10.0, 1.0, 11.0, math.inf)),
    (parse("normal", p25=-11.0, p75=-9.0, high=-8.0), cut(-10.0, 1.0 / stats.norm.ppf(0.75), -math.inf, -8.0)),
    (parse("normal", mean=0.0, sd=1.0, high=0.5), cut(0.0, 1.0, -math.inf, 0.5)),
    (parse("normal", mean=0.0, sd=1.0, low=2.0, high=4.0), cut(0.0, 1.0, 2.0, 4.0)),
    (parse("normal", mean=0.0, sd=1.0, low=-4.0, high=-2.0), cut(0.0, 1.0, -4.0, -2.0)),
    (parse("lognormal", median=2.0, sigma=0.5), stats.lognorm(0.5, scale=2.0)),
    (parse("lognormal", p10=1.0, p90=4.0), stats.lognorm(LOG(2.0) / stats.norm.ppf(0.9), scale=2.0)),
    (parse("triangular", low=1.0, mode=2.0, high=5.0), stats.triang(0.25, 1.0, 4.0)),
    (parse("triangular", low=1.0, mode=1.0, high=5.0), stats.triang(0.0, 1.0, 4.0)),
    (parse("triangular", low=1.0, mode=5.0, high=5.0), stats.triang(1.0, 1.0, 4.0)),
    (parse("pert", low=1.0, mode=2.0, high=5.0), stats.beta(1 + 4 * 0.25, 1 + 4 * 0.75, 1.0, 4.0)),
    (parse("pert", low=1.0, mode=4.0, high=5.0, weight=2.0), stats.beta(1 + 2 * 0.75, 1 + 2 * 0.25, 1.0, 4.0)),
    (parse("beta", a=2.0, b=3.0), stats.beta(2.0, 3.0)),
    (parse("beta", a=2.0, b=3.0, low=-1.0, high=4.0), stats.beta(2.0, 3.0, -1.0, 5.0)),
]


@pytest.mark.peer
@pytest.mark.parametrize(("ours", "theirs"), PEERS, ids=lambda item: str(getattr(item, "parameters", "")))
def test_quantiles_and_support_are_those_of_scipy(ours: Distribution, theirs: Any) -> None:
    np.testing.assert_allclose(ours.ppf(RANKS), theirs.ppf(RANKS), rtol=1e-9, atol=1e-12)
    assert ours.median() == pytest.approx(theirs.ppf(0.5), rel=1e-12, abs=1e-12)
    assert ours.support() == pytest.approx(theirs.support(), rel=1e-12)


@pytest.mark.peer
@pytest.mark.parametrize(("low", "high"), [(None, 1.5), (0.5, None), (3.0, 8.0), (0.1, 0.4)])
def test_a_lognormal_is_cut_on_its_logarithm(low: float | None, high: float | None) -> None:
    bounds = {key: value for key, value in (("low", low), ("high", high)) if value is not None}
    ours = parse("lognormal", median=1.2, sigma=0.8, **bounds)
    theirs = cut(LOG(1.2), 0.8, -math.inf if low is None else LOG(low), math.inf if high is None else LOG(high))
    np.testing.assert_allclose(ours.ppf(RANKS), np.exp(theirs.ppf(RANKS)), rtol=1e-9)
    assert ours.support() == (low or 0.0, high or math.inf)
    assert ours.ppf([0.0, 1.0]).tolist() == pytest.approx([low or 0.0, high or math.inf], rel=1e-14)


@pytest.mark.closed_form
def test_far_in_the_upper_tail_a_cut_keeps_its_digits() -> None:
    # beyond z = 6 a normal falls like exp(-6 x): the median of what lies above is about ln 2 / 6 further out
    tail = parse("normal", mean=0.0, sd=1.0, low=6.0)
    assert tail.median() == pytest.approx(-stats.norm.ppf(stats.norm.sf(6.0) / 2.0), rel=1e-12)
    assert 6.0 + 0.9 * LOG(2.0) / 6.0 < tail.median() < 6.0 + LOG(2.0) / 6.0


@pytest.mark.closed_form
def test_discrete_and_empirical_read_their_lists_in_order() -> None:
    discrete = parse("discrete", values=[30.0, 10.0, 20.0], probabilities=[0.25, 0.25, 0.5])
    assert discrete.ppf([0.0, 0.2499, 0.25, 0.5, 0.7499, 0.75, 1.0]).tolist() == [10, 10, 20, 20, 20, 30, 30]
    assert discrete.support() == (10.0, 30.0)
    even = parse("discrete", values=[1.0, 2.0, 4.0, 8.0])
    assert even.ppf([0.1, 0.3, 0.6, 0.9]).tolist() == [1.0, 2.0, 4.0, 8.0]
    empirical = parse("empirical", values=[9.0, 1.0, 3.0])
    # straight lines between 1, 3 and 9 at ranks 0, 1/2 and 1
    assert empirical.ppf([0.0, 0.25, 0.5, 0.75, 1.0]).tolist() == [1.0, 2.0, 3.0, 6.0, 9.0]
    assert empirical.support() == (1.0, 9.0)


@pytest.mark.closed_form
def test_a_change_of_unit_scales_values_and_leaves_pure_numbers() -> None:
    for written in (
        {"dist": "lognormal", "median": 2.0, "sigma": 0.5},
        {"dist": "beta", "a": 2.0, "b": 3.0, "low": 1.0, "high": 2.0},
        {"dist": "discrete", "values": [1.0, 5.0], "probabilities": [0.4, 0.6]},
        {"dist": "pert", "low": 1.0, "mode": 2.0, "high": 5.0, "weight": 6.0},
    ):
        plain = Distribution.parse(written, "1")
        np.testing.assert_allclose(plain.scaled(1000.0).ppf(RANKS), 1000.0 * plain.ppf(RANKS), rtol=1e-12)
    assert Distribution.parse({"dist": "uniform", "low": "1 kW", "high": "3 kW"}, "W").median() == 2000.0
    assert PERT_WEIGHT == 4.0


@pytest.mark.contract
@pytest.mark.parametrize(
    ("written", "error", "said"),
    [
        ({"dist": "uniform", "low": 1.0, "high": 1.0}, DomainError, "must be below"),
        ({"dist": "uniform", "low": 1.0}, ScenarioError, "or two quantiles"),
        ({"dist": "uniform", "low": 1.0, "p90": 2.0}, ScenarioError, "or two quantiles"),
        ({"dist": "uniform", "p10": 1.0, "p50": 2.0, "p90": 3.0}, ScenarioError, "or two quantiles"),
        ({"dist": "uniform", "p10": 2.0, "p90": 1.0}, DomainError, "out of order"),
        ({"dist": "normal", "p50": 1.0, "p50.0": 2.0}, DomainError, "same rank"),
        ({"dist": "normal", "p5": 1.0, "p5.": 1.0}, DomainError, "same rank"),
        ({"dist": "normal", "p0": 1.0, "p95": 2.0}, ScenarioError, "two quantiles"),
        ({"dist": "normal", "p5": 1.0, "p100": 2.0}, ScenarioError, "two quantiles"),
        ({"dist": "normal", "p5": 1.0, "p50": 2.0, "p95": 3.0}, ScenarioError, "two quantiles"),
        ({"dist": "normal", "p5": 1.0, "p95": 3.0, "sd": 1.0}, ScenarioError, "two quantiles"),
        ({"dist": "normal", "mean": 1.0, "sd": 0.0}, DomainError, "above 0"),
        ({"dist": "normal", "mean": 1.0, "sd": 1.0, "low": 2.0, "high": 2.0}, DomainError, "must be below"),
        ({"dist": "normal", "mean": 0.0, "sd": 1.0, "low": 40.0}, DomainError, "of its probability"),
        ({"dist": "normal", "mean": 0.0, "sd": 1.0, "high": -40.0}, DomainError, "of its probability"),
        ({"dist": "lognormal", "median": 0.0, "sigma": 1.0}, DomainError, "median must be above 0"),
        ({"dist": "lognormal", "median": 1.0, "sigma": -1.0}, DomainError, "spread must be above 0"),
        ({"dist": "lognormal", "p5": 0.0, "p95": 1.0}, DomainError, "values must be above 0"),
        ({"dist": "triangular", "low": 1.0, "mode": 0.9, "high": 2.0}, DomainError, "low ≤ mode ≤ high"),
        ({"dist": "triangular", "low": 1.0, "mode": 1.0, "high": 1.0}, DomainError, "low ≤ mode ≤ high"),
        ({"dist": "triangular", "low": 1.0, "mode": 1.0, "high": 2.0, "weight": 4.0}, ScenarioError, "takes"),
        ({"dist": "pert", "low": 1.0, "mode": 1.0, "high": 2.0, "weight": 0.0}, DomainError, "weight"),
        ({"dist": "beta", "a": 0.0, "b": 1.0}, DomainError, "above 0"),
        ({"dist": "beta", "a": 1.0, "b": 0.0}, DomainError, "above 0"),
        ({"dist": "beta", "a": 1.0, "b": 1.0, "low": 1.0, "high": 1.0}, DomainError, "below"),
        ({"dist": "beta", "a": 1.0}, ScenarioError, "takes"),
        ({"dist": "discrete", "values": []}, DomainError, "as many probabilities as values"),
        (
            {"dist": "discrete", "values": [1.0, 2.0], "probabilities": [1.0]},
            DomainError,
            "as many probabilities as values",
        ),
        ({"dist": "discrete", "values": [1.0, 2.0], "probabilities": [1.5, -0.5]}, DomainError, "sum to 1"),
        ({"dist": "discrete", "values": [1.0, 2.0], "probabilities": [0.5, 0.5001]}, DomainError, "sum to 1"),
        ({"dist": "discrete", "values": 1.0}, DomainError, "a list of numbers"),
        ({"dist": "empirical", "values": [1.0]}, DomainError, "at least two"),
        ({"dist": "uniform", "low": [1.0], "high": 2.0}, DomainError, "a number or a string"),
        ({"dist": "uniform", "low": -1e308, "high": 1e308}, DomainError, "exceeds the range of numbers"),
        ({"dist": "unifrom", "low": 1.0, "high": 2.0}, ScenarioError, "did you mean 'uniform'"),
        ({"dist": 3}, ScenarioError, "unknown distribution 3"),
    ],
)
def test_what_is_no_distribution_is_refused(written: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Distribution.parse(written, "1")


@pytest.mark.contract
@pytest.mark.parametrize("number", [True, None, [1.0], math.nan, math.inf, -math.inf, 10**400, "1 2 3", "low"])
def test_only_finite_numbers_make_a_distribution(number: object) -> None:
    with pytest.raises(CostModelError):
        Distribution.parse({"dist": "uniform", "low": number, "high": 2.0}, "1")


@pytest.mark.peer
def test_quantiles_known_without_scipy_are_scipys_to_the_last_bit() -> None:
    assert {rank: float(ndtri(rank)) for rank in USUAL_QUANTILES} == USUAL_QUANTILES
    for written in ({"p5": -2.0, "p95": 3.0}, {"mean": 1.0, "sd": 0.25}):
        one = parse("normal", **written)
        assert one.median() == one.ppf(np.array([0.5]))[0]
