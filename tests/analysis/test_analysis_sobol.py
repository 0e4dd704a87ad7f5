"""Sobol' indices: against closed forms, published values and two other implementations."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.analysis.pick_freeze import base_sample, mixed_samples
from costmodel.analysis.sensitivity import sobol_study
from costmodel.analysis.sobol import sobol_indices
from costmodel.foundation.errors import DomainError, NonFiniteResultError
from costmodel.validation.replicas.sensitivity_functions import (
    g_function,
    g_function_indices,
    ishigami,
    ishigami_indices,
)


def ishigami_at(points):
    return ishigami(*np.moveaxis(np.pi * (2.0 * points - 1.0), -1, 0))


def g_at(points):
    return g_function(np.moveaxis(points, -1, 0))


def stacks(function, n, d, rng, method="sobol"):
    a, b = base_sample(n, d, rng=rng, method=method)
    return function(a), function(b), function(mixed_samples(a, b))


@pytest.mark.reference("costmodel.validation.replicas.sensitivity_functions:ishigami")
@pytest.mark.closed_form
def test_ishigami_at_a_point():
    assert ishigami(np.pi / 2, np.pi / 4, 2.0) == pytest.approx(1.0 + 7.0 * 0.5 + 0.1 * 16.0, rel=1e-14)


@pytest.mark.published
def test_ishigami_indices_as_printed():
    # Saltelli et al., Global Sensitivity Analysis: The Primer (2008): S1 = .3139, S2 = .4424, S3 = 0 at a = 7, b = 0.1
    first, total = ishigami_indices(7.0, 0.1)
    assert first == pytest.approx([0.3139, 0.4424, 0.0], abs=5e-5)
    assert total == pytest.approx([1.0 - 0.4424, 0.4424, 1.0 - 0.3139 - 0.4424], abs=1.5e-4)


@pytest.mark.peer
def test_g_function_and_its_indices_agree_with_salib():
    peer = pytest.importorskip("SALib.test_functions.Sobol_G")
    a = np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0])
    first, total = g_function_indices(tuple(a))
    assert first == pytest.approx(peer.sensitivity_index(a), rel=1e-12)
    assert total == pytest.approx(peer.total_sensitivity_index(a), rel=1e-12)
    points = np.random.default_rng(0).random((20, 8))
    assert g_at(points) == pytest.approx(peer.evaluate(points, a), rel=1e-12)


@pytest.mark.closed_form
@pytest.mark.parametrize("estimator", ["saltelli", "janon"])
@pytest.mark.parametrize(
    ("function", "exact"), [(ishigami_at, ishigami_indices()), (g_at, g_function_indices())], ids=["ishigami", "g"]
)
def test_indices_within_their_error_of_the_closed_form(function, exact, estimator):
    found = sobol_indices(*stacks(function, 8192, exact[0].size, rng=3), estimator=estimator, level=0.999)
    for known, index, interval in (
        (exact[0], found.first, found.first_interval),
        (exact[1], found.total, found.total_interval),
    ):
        assert np.abs(index[:, 0] - known).max() < 0.012
        assert ((interval[0, :, 0] <= known) & (known <= interval[1, :, 0])).all()


@pytest.mark.peer
@pytest.mark.parametrize(("function", "d"), [(ishigami_at, 3), (g_at, 8)])
def test_indices_equal_salib_on_the_same_sample(function, d):
    peer = pytest.importorskip("SALib.analyze.sobol")
    f_a, f_b, f_mixed = stacks(function, 256, d, rng=0)
    ours = sobol_indices(f_a, f_b, f_mixed)
    theirs = peer.analyze(
        {"num_vars": d, "names": [f"x{i}" for i in range(d)], "bounds": [[0.0, 1.0]] * d},
        np.concatenate([f_a[None], f_mixed, f_b[None]]).T.reshape(-1),
        calc_second_order=False,
        num_resamples=400,
        seed=1,
    )
    assert ours.first[:, 0] == pytest.approx(theirs["S1"], abs=1e-13)
    assert ours.total[:, 0] == pytest.approx(theirs["ST"], abs=1e-13)
    boot = sobol_indices(f_a, f_b, f_mixed, interval="bootstrap", resamples=2000)
    for interval, half in ((boot.first_interval, theirs["S1_conf"]), (boot.total_interval, theirs["ST_conf"])):
        width = 0.5 * (interval[1] - interval[0])[:, 0]
        assert width == pytest.approx(half, rel=0.3, abs=0.01)  # both are bootstraps, of 2,000 and 400 resamples


@pytest.mark.peer
def test_indices_equal_scipy_on_the_same_centred_sample():
    from scipy.stats._sensitivity_analysis import saltelli_2010

    f_a, f_b, f_mixed = stacks(ishigami_at, 512, 3, rng=0)
    ours = sobol_indices(f_a, f_b, f_mixed)
    centre = np.mean(np.concatenate([f_a[None], f_b[None], f_mixed]))  # scipy centres on A and B alone
    first, total = saltelli_2010(f_a[None] - centre, f_b[None] - centre, f_mixed[:, None] - centre)
    assert ours.first[:, 0] == pytest.approx(np.ravel(first), abs=1e-13)
    assert ours.total[:, 0] == pytest.approx(np.ravel(total), abs=1e-13)


@pytest.mark.closed_form
def test_the_two_kinds_of_interval_agree():
    found = stacks(ishigami_at, 1024, 3, rng=5)
    normal = sobol_indices(*found)
    boot = sobol_indices(*found, interval="bootstrap", resamples=2000)
    for kind in ("first_interval", "total_interval"):
        assert getattr(boot, kind) == pytest.approx(getattr(normal, kind), abs=0.015)
    assert boot.first_sum_interval == pytest.approx(normal.first_sum_interval, abs=0.02)


@pytest.mark.closed_form
@pytest.mark.parametrize("interval", ["asymptotic", "bootstrap"])
def test_coverage_of_the_intervals_over_repeats(interval):
    """95 % intervals on independent base points contain the truth in about 95 % of repeats (binomial error 1.3 %)."""
    first, total = ishigami_indices()
    held = np.zeros((2, 3))
    repeats = 300
    for repeat in range(repeats):
        y = stacks(ishigami_at, 512, 3, rng=1000 + repeat, method="random")
        found = sobol_indices(*y, interval=interval, resamples=200, rng=repeat)
        for row, known, band in ((0, first, found.first_interval), (1, total, found.total_interval)):
            held[row] += (band[0, :, 0] <= known) & (known <= band[1, :, 0])
    share = held / repeats
    assert share.mean() == pytest.approx(0.95, abs=0.02)
    assert share.min() > 0.90
    assert share.max() < 0.99


@pytest.mark.closed_form
def test_on_a_sobol_sequence_the_intervals_are_on_average_on_the_safe_side():
    first, total = ishigami_indices()
    held = []
    for repeat in range(60):
        found = sobol_indices(*stacks(ishigami_at, 512, 3, rng=repeat))
        held.append((found.first_interval[0, :, 0] <= first) & (first <= found.first_interval[1, :, 0]))
        held.append((found.total_interval[0, :, 0] <= total) & (total <= found.total_interval[1, :, 0]))
    assert np.mean(held) > 0.95


@pytest.mark.closed_form
@pytest.mark.parametrize("estimator", ["saltelli", "janon"])
def test_closed_index_of_a_group(estimator):
    """Group {x1, x3} of Ishigami explains V1 + V13, all variance but that of x2, which interacts with no input."""
    a, b = base_sample(4096, 3, rng=2)
    mixed = mixed_samples(a, b, [[0, 2], [1]])
    found = sobol_indices(ishigami_at(a), ishigami_at(b), ishigami_at(mixed), names=["pair", "x2"], estimator=estimator)
    second = ishigami_indices()[0][1]
    assert found.first[:, 0] == pytest.approx([1.0 - second, second], abs=0.03)
    assert found.interaction[0] == pytest.approx(0.0, abs=0.05)
    assert [row["input"] for row in found.table().records()] == ["pair", "x2"]


@pytest.mark.closed_form
def test_a_group_of_everything_explains_everything_exactly_by_janon():
    a, b = base_sample(64, 3, rng=2)
    mixed = mixed_samples(a, b, [[0, 1, 2]])
    found = sobol_indices(ishigami_at(a), ishigami_at(b), ishigami_at(mixed), estimator="janon")
    assert found.first[0, 0] == pytest.approx(1.0, abs=1e-14)


@pytest.mark.closed_form
def test_a_trajectory_in_one_pass_equals_year_by_year():
    y = stacks(ishigami_at, 128, 3, rng=0)
    z = stacks(lambda points: points[..., 0] - 2.0 * points[..., 1], 128, 3, rng=0)
    both = sobol_indices(*(np.stack([p, q], axis=-2) for p, q in zip(y, z, strict=True)), outputs=["y", "z"])
    for column, alone in enumerate((sobol_indices(*y), sobol_indices(*z))):
        assert both.first[:, column] == pytest.approx(alone.first[:, 0], abs=1e-14)
        assert both.total_interval[:, :, column] == pytest.approx(alone.total_interval[:, :, 0], abs=1e-14)


@pytest.mark.contract
def test_an_output_without_variance_has_no_index_rather_than_zero():
    f_a, f_b, f_mixed = stacks(ishigami_at, 64, 3, rng=0)
    rounding = 3.0 * (1.0 + np.finfo(float).eps * np.random.default_rng(0).integers(0, 2, f_a.shape))
    flat = rounding, np.full_like(f_b, 3.0), np.full_like(f_mixed, 3.0)
    both = [np.stack([y, z], axis=-2) for y, z in zip((f_a, f_b, f_mixed), flat, strict=True)]
    found = sobol_indices(*both, outputs=["y", "flat"])
    assert np.isfinite(found.first[:, 0]).all()
    assert np.isnan(found.first[:, 1]).all()
    assert np.isnan(found.total_interval[:, :, 1]).all()
    assert np.isnan(found.first_sum[1])


@pytest.mark.contract
def test_a_value_that_is_not_finite_is_named_or_dropped_and_counted():
    f_a, f_b, f_mixed = stacks(ishigami_at, 64, 3, rng=0)
    broken = f_mixed.copy()
    broken[1, 7] = np.nan
    with pytest.raises(NonFiniteResultError, match=r"'npv' is not finite in 1 of 64 draws, first in draw 7"):
        sobol_indices(f_a, f_b, broken, outputs=["npv"])
    found = sobol_indices(f_a, f_b, broken, outputs=["npv"], on_nonfinite="drop")
    keep = np.arange(64) != 7
    alone = sobol_indices(f_a[keep], f_b[keep], f_mixed[:, keep])
    assert (found.dropped, found.base_points) == (1, 63)
    assert (found.first == alone.first).all()


@pytest.mark.contract
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 1.0}, "between 0 and 1"),
        ({"interval": "guess"}, "asymptotic"),
        ({"estimator": "guess"}, "saltelli"),
        ({"interval": "bootstrap", "resamples": 10}, "100 resamples"),
        ({"names": ["a", "b"]}, "got 2 names for 3"),
        ({"on_nonfinite": "zero"}, "'raise' or 'drop'"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(DomainError, match=message):
        sobol_indices(*stacks(ishigami_at, 64, 3, rng=0), **change)


@pytest.mark.contract
def test_a_sobol_sample_needs_a_power_of_two():
    with pytest.raises(DomainError, match="power of two, 512 or 1024"):
        base_sample(1000, 3)
    a, b = base_sample(1000, 3, rng=0, method="random")
    assert a.shape == b.shape == (1000, 3)
    assert (base_sample(64, 3, rng=0)[0] == base_sample(64, 3, rng=0)[0]).all()
    with pytest.raises(DomainError, match="outputs at A, B"):
        sobol_indices(np.zeros(4), np.zeros(5), np.zeros((3, 4)))


@pytest.mark.closed_form
def test_intervals_over_replicates_hold_on_sobol_sequences():
    """Student's intervals over 8 scrambled samples have a coverage close to 95 % for every index, also small ones."""
    first, total = g_function_indices((0.0, 1.0, 4.5, 9.0))
    held = np.zeros((2, 4))
    repeats = 150
    ranges = dict.fromkeys(("x1", "x2", "x3", "x4"), (0.0, 1.0))

    def model(**x):
        return g_function(np.stack(list(x.values())), (0.0, 1.0, 4.5, 9.0))

    for repeat in range(repeats):
        found = sobol_study(ranges, base_points=512, replicates=8, rng=repeat, model=model)
        held[0] += (found.first_interval[0, :, 0] <= first) & (first <= found.first_interval[1, :, 0])
        held[1] += (found.total_interval[0, :, 0] <= total) & (total <= found.total_interval[1, :, 0])
    assert held.mean() / repeats == pytest.approx(0.95, abs=0.04)
    assert held.min() / repeats > 0.88
    assert found.interval == "8 replicates"
    assert (found.base_points, found.runs) == (512, 512 * 6)


@pytest.mark.contract
def test_replicates_divide_the_base_points():
    ranges = {"x": (0.0, 1.0), "y": (0.0, 1.0)}
    seen = []
    sobol_study(
        ranges, base_points=64, replicates=4, rng=0, on_progress=lambda *at: seen.append(at), model=lambda x, y: x + y
    )
    assert seen[-1] == (256, 256)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    with pytest.raises(DomainError, match="cannot be divided among 3"):
        sobol_study(ranges, base_points=64, replicates=3, rng=0, model=lambda x, y: x + y)
    with pytest.raises(DomainError, match="at least four"):
        sobol_study(ranges, base_points=64, replicates=2, rng=0, model=lambda x, y: x + y)
