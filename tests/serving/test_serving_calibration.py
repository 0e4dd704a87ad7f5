"""Engine profiles, their fit, and calibration on a user's own rows."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.catalog import table
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import DomainError
from costmodel.serving import (
    Engine,
    Layout,
    Traffic,
    calibrate,
    closed_loop,
    configuration_of,
    engine_names,
    engines,
    fit_factors,
    profile,
    read_measured,
)
from costmodel.serving.calibration import FACTORS, Calibration, Fit, _soft


@pytest.mark.contract
def test_every_profile_is_a_record_and_an_unknown_engine_is_pooled_and_says_so():
    assert engine_names()[-1] == "pooled"
    for name in engine_names():
        record = table("engines")[name]
        assert profile(name).decode_factor == record.value("decode_factor")
        assert profile(name).engine(0.8).memory_use == 0.8
        assert profile(name).remark == ""
    other = profile("lmdeploy")
    assert replace(other, remark="") == profile("pooled")
    assert "lmdeploy" in other.remark


@pytest.mark.closed_form
def test_deviation_has_the_profile_at_its_median_and_its_spread():
    drawn = profile("vllm").deviation()
    assert drawn.median() == pytest.approx(1.0)
    # one standard deviation of the logarithm: the 84.1 % quantile
    assert np.log(drawn.ppf(0.8413447)) == pytest.approx(profile("vllm").spread, rel=1e-5)
    assert Distribution.parse(drawn.written(), "1") == drawn


LAYERS = np.array([40.0, 80.0, 40.0, 20.0])
"""Number of layers of the models of four rows [1]."""


def _times(engine):
    """Return times of four rows that depend in a known way on each factor: decode, prompts, host, first token."""
    decode, prompts = np.array([1.0, 2.0, 4.0, 8.0]) * 1e-2, np.array([4.0, 1.0, 2.0, 1.0]) * 1e-2
    per_token = engine.decode_factor * decode + engine.prefill_factor * prompts + engine.host_time
    return engine.prefill_factor * prompts + LAYERS * engine.launch_time, per_token


@pytest.mark.closed_form
def test_a_fit_finds_the_factors_behind_many_rows_and_shrinks_few():
    true = Engine(decode_factor=1.3, prefill_factor=0.9, host_time=2e-3, launch_time=2e-3)
    prior = Engine(host_time=1e-3, launch_time=1e-3)
    first, per_token = _times(true)
    heavy = fit_factors(_times, first, per_token, prior, weights=np.full(4, 1e4))
    assert heavy.values == pytest.approx((1.3, 0.9, 2e-3, 2e-3), rel=0.05)
    light = fit_factors(_times, first, per_token, prior, weights=np.full(4, 0.1))
    assert 1.0 < light.values[0] < heavy.values[0]
    assert 1e-3 < light.values[3] < heavy.values[3]
    # and few rows leave the intervals near the prior's
    assert light.deviations[0] > 3 * heavy.deviations[0]
    assert light.engine(prior).memory_use == prior.memory_use


@pytest.mark.closed_form
def test_an_outlier_counts_linearly_and_a_missing_first_token_not_at_all():
    prior, weights = Engine(host_time=1e-4, launch_time=1e-3), np.full(4, 100.0)
    first, per_token = _times(prior)
    clean = fit_factors(_times, first, per_token, prior, weights)
    outlier = fit_factors(_times, first, per_token * np.array([1.0, 1.0, 1.0, 8.0]), prior, weights)
    # three rows say 1, one says 8: the mean of logarithms would be 8^(1/4) = 1.68
    assert outlier.values[0] < 1.3
    missing = fit_factors(_times, np.full(4, np.nan), per_token, prior, weights)
    assert missing.values[:3] == pytest.approx(clean.values[:3], rel=0.02)
    assert missing.values[3] == pytest.approx(prior.launch_time)


@pytest.mark.closed_form
def test_the_loss_of_a_row_grows_with_the_square_of_a_small_error_and_with_a_large_one():
    """w (√(1 + z²) − 1): half of z² near nothing, |z| − 1 far away; a row without a figure says nothing."""
    errors = np.array([0.0, 1e-3, -1e-3, 3.0, -3.0, 1e6, np.nan, np.inf, -np.inf])
    found = _soft(errors, np.full(len(errors), 2.0))
    half_squares = 0.5 * found**2
    expected = [0.0, 2 * 0.5e-6, 2 * 0.5e-6, 2 * (10**0.5 - 1), 2 * (10**0.5 - 1), 2 * 1e6, 0.0, 0.0, 0.0]
    assert half_squares == pytest.approx(expected, rel=2e-6, abs=1e-15)
    assert np.sign(found).tolist() == [0, 1, -1, 1, -1, 1, 0, 0, 0]


@pytest.mark.closed_form
def test_an_interval_holds_four_of_five():
    """A factor of e with a deviation of 1 in the logarithm: 10 % lie below e/e^1.2816, 10 % above e·e^1.2816."""
    fit = Fit((np.e, 1.0, 1.0, 1.0), (1.0, 0.5, 0.0, 0.0))
    held = np.array([-0.3, 0.1, 0.2])
    found = Calibration(fit=fit, prior=profile(), rows=3, residuals=held, held_back=held, spread=0.1)
    assert found.interval(FACTORS[0]) == pytest.approx(tuple(np.exp([1 - 1.2815516, 1.0, 1 + 1.2815516])), rel=1e-7)
    assert found.interval(FACTORS[1]) == pytest.approx(tuple(np.exp([-0.6407758, 0.0, 0.6407758])), rel=1e-7)
    assert found.interval(FACTORS[2]) == (1.0, 1.0, 1.0)
    assert found.error == pytest.approx(0.2)  # the median of 0.3, 0.1 and 0.2


def _rows(engine, count=8):
    """Return rows as an engine would have measured them."""
    rows = []
    for index in range(count):
        tensor, batch = (4, 8)[index % 2], 4 * 2 ** (index % 4)
        what = configuration_of("Llama-3-70B", "H100-SXM", layout=Layout(tensor=float(tensor)), engine=engine)
        served = closed_loop(what, Traffic(mean_input=1000.0, mean_output=200.0 + index), float(batch))
        rows.append(
            {
                "accelerator": "H100-SXM",
                "accelerators": tensor,
                "concurrency": batch,
                "input_tokens": 1000,
                "output_tokens": 200 + index,
                "tokens_per_second": served.tokens_per_second,
                "user_speed": served.user_speed,
                "time_to_first_token": served.time_to_first_token,
            }
        )
    return read_measured(rows)


@pytest.mark.closed_form
def test_ones_own_rows_move_the_profile_towards_what_made_them():
    known = profile("vllm")
    true = replace(known.engine(), decode_factor=1.3 * known.decode_factor)
    found = calibrate(_rows(true), configuration_of("Llama-3-70B", "H100-SXM"), engine="vllm")
    assert found.prior is known
    # eight rows move it more than half of the way
    assert 1.15 * known.decode_factor < found.fit.values[0] < true.decode_factor
    low, value, high = found.interval("decode_factor")
    assert low < value < high
    # every fourth row is predicted from the others; the profile alone would be 23 % off
    assert len(found.held_back) == 2
    # the profile's own spread counts as a third error beside the two held back
    errors = [np.log(1.0 + found.held_back[0]), np.log(1.0 + found.held_back[1]), known.spread]
    assert found.spread == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert found.error < 0.15
    written = found.written()
    assert written["name"] == "vllm" and set(FACTORS) < set(written)
    assert np.isclose(written["deviation"]["p10"] * written["deviation"]["p90"], 1.0)


@pytest.mark.closed_form
def test_lengths_that_vary_shorten_the_wait_that_a_calibration_expects():
    rows, what = _rows(profile().engine()), configuration_of("Llama-3-70B", "H100-SXM")
    equal, varied = calibrate(rows, what), calibrate(rows, what, variation_output=0.5)
    # equal requests wait for the prompt before theirs, as these rows did; where lengths vary the host must be slower
    assert equal.fit.values[3] == pytest.approx(profile().launch_time, rel=0.05)
    assert varied.fit.values[3] > 1.1 * equal.fit.values[3]


@pytest.mark.contract
def test_rows_that_cannot_be_used_are_named():
    rows = _rows(profile().engine())
    with pytest.raises(DomainError, match=r"several accelerators \(B200, H100-SXM\): keep those of one"):
        mixed = replace(rows, accelerator=("B200", *rows.accelerator[1:]))
        calibrate(mixed, configuration_of("Llama-3-70B", "H100-SXM"))
    with pytest.raises(DomainError, match="measured row 1: memory: the weights do not fit"):
        calibrate(rows, configuration_of("DeepSeek-V3", "H100-SXM"))
    with pytest.raises(DomainError, match="3 measured rows: a calibration needs 4"):
        calibrate(_rows(profile().engine(), 3), configuration_of("Llama-3-70B", "H100-SXM"))


@pytest.mark.contract
def test_a_fit_has_as_many_values_as_factors():
    fitted = Fit((1.1, 1.2, 1e-3, 1e-5), (0.0,) * 4).engine(Engine(memory_use=0.8))
    assert fitted == Engine(decode_factor=1.1, prefill_factor=1.2, host_time=1e-3, launch_time=1e-5, memory_use=0.8)
    with pytest.raises(ValueError, match="shorter"):
        Fit((1.1, 1.2), (0.0, 0.0)).engine(Engine())


@pytest.mark.contract
def test_only_the_pooled_profile_of_another_engine_has_a_remark(monkeypatch):
    records = {"another": table("engines")["vllm"], "pooled": table("engines")["pooled"]}
    monkeypatch.setattr(engines, "table", lambda name: records)
    read = engines.profile.__wrapped__
    assert [read(name).remark for name in ("another", "another 1.2", "pooled")] == ["", "", ""]
    assert read("tgi").remark == "no profile of the engine 'tgi': the pooled profile of another is used"
