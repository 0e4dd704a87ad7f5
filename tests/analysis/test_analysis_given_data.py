"""Indices and rank correlations from given data; Morris screening."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.analysis.given_data import given_data_indices, rank_correlations
from costmodel.analysis.morris import morris_effects, morris_sample
from costmodel.foundation.errors import DomainError, NonFiniteResultError
from costmodel.validation.replicas.sensitivity_functions import (
    g_function,
    g_function_indices,
    ishigami,
    ishigami_indices,
)


def draws(n, d, seed=0):
    return np.random.default_rng(seed).random((n, d))


@pytest.mark.closed_form
@pytest.mark.parametrize("name", ["ishigami", "g"])
def test_first_order_indices_of_textbook_functions(name):
    x = draws(8192, 3 if name == "ishigami" else 8)
    if name == "ishigami":
        known, y = ishigami_indices()[0], ishigami(*(np.pi * (2.0 * x - 1.0)).T)
    else:
        known, y = g_function_indices()[0], g_function(x.T)
    found = given_data_indices(x, y, level=0.999)
    assert found.first[:, 0] == pytest.approx(known, abs=0.03)
    assert ((found.interval[0, :, 0] <= known) & (known <= found.interval[1, :, 0])).all()


@pytest.mark.closed_form
def test_the_correction_leaves_an_input_that_does_nothing_at_zero():
    """Without degrees of freedom 20 bins of 400 draws would show about 39/400 for an input without effect."""
    found = [
        given_data_indices(draws(400, 1, seed), draws(400, 1, seed + 10_000)[:, 0], bins=20).first[0, 0]
        for seed in range(200)
    ]
    assert np.mean(found) == pytest.approx(0.0, abs=3.0 * np.std(found) / np.sqrt(200))
    assert abs(np.mean(found)) < 0.01


@pytest.mark.closed_form
def test_correlated_inputs():
    """y = x1 + x2, Gaussian with correlation r: each input alone explains (1 + r)²/(2 + 2r) = (1 + r)/2."""
    r = 0.6
    rng = np.random.default_rng(4)
    x1 = rng.standard_normal(20_000)
    x2 = r * x1 + np.sqrt(1.0 - r**2) * rng.standard_normal(20_000)
    found = given_data_indices(np.stack([x1, x2], axis=1), x1 + x2)
    assert found.first[:, 0] == pytest.approx([(1.0 + r) / 2.0] * 2, abs=0.02)
    assert found.first_sum[0] > 1.5


@pytest.mark.closed_form
def test_coverage_of_given_data_intervals():
    known = ishigami_indices()[0][1]
    held = 0
    for seed in range(200):
        x = draws(2000, 3, seed)
        found = given_data_indices(x, ishigami(*(np.pi * (2.0 * x - 1.0)).T))
        held += found.interval[0, 1, 0] <= known <= found.interval[1, 1, 0]
    assert held / 200 == pytest.approx(0.95, abs=0.05)


@pytest.mark.closed_form
def test_an_input_of_few_values_is_grouped_by_value():
    rng = np.random.default_rng(0)
    switch = rng.integers(0, 3, 5000).astype(float)
    noise = rng.standard_normal(5000)
    means = np.array([0.0, 4.0, 1.0])
    found = given_data_indices(switch[:, None], means[switch.astype(int)] + noise)
    assert found.first[0, 0] == pytest.approx(means.var() / (means.var() + 1.0), abs=0.02)


@pytest.mark.peer
def test_spearman_agrees_with_scipy():
    from scipy.stats import spearmanr

    x = draws(300, 2)
    y = np.exp(x[:, 0]) - 0.3 * x[:, 1]
    found = rank_correlations(x, y)
    assert found.plain[:, 0] == pytest.approx([spearmanr(x[:, i], y).statistic for i in (0, 1)], rel=1e-12)


@pytest.mark.closed_form
def test_partial_rank_correlation_is_that_of_the_residuals():
    from scipy.stats import rankdata

    x = draws(500, 3)
    y = x[:, 0] + 2.0 * x[:, 1] * x[:, 2]
    ranks = np.array([rankdata(column) for column in (*x.T, y)]).T
    others = np.column_stack([np.ones(500), ranks[:, 1], ranks[:, 2]])
    left = [column - others @ np.linalg.lstsq(others, column, rcond=None)[0] for column in (ranks[:, 0], ranks[:, 3])]
    assert rank_correlations(x, y).partial[0, 0] == pytest.approx(np.corrcoef(*left)[0, 1], rel=1e-9)


@pytest.mark.contract
def test_given_data_refusals():
    x = draws(100, 2)
    y = x[:, 0].copy()
    y[3] = np.inf
    with pytest.raises(NonFiniteResultError, match="first in draw 3"):
        given_data_indices(x, y)
    dropped = given_data_indices(x, y, on_nonfinite="drop")
    assert (dropped.dropped, dropped.draws) == (1, 99)
    assert np.isnan(given_data_indices(x, np.ones(100)).first).all()
    with pytest.raises(DomainError, match="too few"):
        given_data_indices(x[:10], x[:10, 0], bins=5)
    with pytest.raises(DomainError, match="sampled input is not finite"):
        given_data_indices(np.where(x == x[0, 0], np.nan, x), x[:, 0])
    with pytest.raises(DomainError, match="too few"):
        rank_correlations(x[:4], x[:4, 0])


@pytest.mark.closed_form
@pytest.mark.parametrize("often", [0.0, 0.5, 2.0])
def test_an_input_that_often_has_one_value_explains_what_follows_from_it(often):
    """Half of the draws are alike, the least, in the middle or the largest; the output is the input's square."""
    x = np.where(np.arange(2000) % 2, np.random.default_rng(5).random(2000), often)
    found = given_data_indices(x[:, None], x**2)
    assert float(found.first[0, 0]) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.closed_form
def test_indices_of_several_outputs_are_those_of_each_alone():
    sample = np.random.default_rng(3).random((400, 2))
    outputs = np.stack([sample[:, 0] + 0.1 * sample[:, 1], 50.0 * sample[:, 0] * sample[:, 1], sample[:, 1] ** 3])
    together = given_data_indices(sample, outputs)
    for row, output in enumerate(outputs):
        alone = given_data_indices(sample, output)
        np.testing.assert_allclose(together.first[:, row], alone.first[:, 0], rtol=1e-12)
        np.testing.assert_allclose(together.interval[..., row], alone.interval[..., 0], rtol=1e-12)


@pytest.mark.closed_form
def test_morris_effects_of_a_known_function():
    """y = 4 x1 + x2 x3 on quantiles: the effect of x1 is 4 everywhere, that of x2 is x3."""
    points = morris_sample(3, paths=400, levels=4, rng=0)
    found = morris_effects(points, 4.0 * points[..., 0] + points[..., 1] * points[..., 2], names=["a", "b", "c"])
    assert found.mean[0, 0] == pytest.approx(4.0, rel=1e-12)
    assert found.spread[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert found.mean[1:, 0] == pytest.approx([0.5, 0.5], abs=0.05)  # mean of the cells' middles
    cells = np.array([1.0, 3.0, 5.0, 7.0]) / 8.0
    assert found.spread[1:, 0] == pytest.approx([cells.std()] * 2, abs=0.03)
    assert next(row["input"] for row in found.table().records()) == "a"
    assert found.runs == 400 * 4


@pytest.mark.peer
def test_morris_agrees_with_salib_on_the_same_paths():
    peer = pytest.importorskip("SALib.analyze.morris")
    points = morris_sample(3, paths=30, levels=4, rng=7)
    values = ishigami(*np.moveaxis(np.pi * (2.0 * points - 1.0), -1, 0))
    ours = morris_effects(points, values)
    theirs = peer.analyze(
        {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3},
        points.reshape(-1, 3),
        values.reshape(-1),
        num_levels=4,
        seed=1,
    )
    step = (4 / (2 * (4 - 1))) / 0.5  # SALib divides by p/(2(p−1)), the step of a grid that includes 0 and 1
    for mine, other in ((ours.mean, "mu"), (ours.mean_size, "mu_star"), (ours.spread, "sigma")):
        assert mine[:, 0] == pytest.approx(np.asarray(theirs[other], dtype=float) * step, rel=1e-10)


@pytest.mark.contract
def test_morris_refusals():
    with pytest.raises(DomainError, match="even number"):
        morris_sample(3, levels=3)
    points = morris_sample(2, paths=5, rng=0)
    values = points[..., 0].copy()
    values[2, 1] = np.nan
    with pytest.raises(NonFiniteResultError, match="first in draw 2"):
        morris_effects(points, values)
    assert morris_effects(points, values, on_nonfinite="drop").paths == 4
    with pytest.raises(DomainError, match="points must be"):
        morris_effects(points, values[:, :1])
