"""The one fitted term and its residuals."""

import numpy as np
import pytest

from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import DomainError
from costmodel.serving import (
    OVERHEAD,
    Layout,
    Traffic,
    calibrate,
    configuration_of,
    fit_overhead,
    read_measured,
    serve,
)
from costmodel.serving.residuals import FITTED_ON, POINTS, measured_throughput, predicted_throughput, refit


@pytest.mark.closed_form
def test_the_fit_takes_one_point_and_reports_the_others():
    fit = fit_overhead(["a", "b", "c"], [30.0, 20.0, 40.0], [20.0, 10.0, 20.0], "a")
    assert fit.value == 1.5
    assert dict(fit.residuals) == {"b": pytest.approx(2 / 1.5 - 1), "c": pytest.approx(2 / 1.5 - 1)}
    assert fit.spread == pytest.approx(np.log(2 / 1.5))
    assert fit.median_error == pytest.approx(2 / 1.5 - 1)


@pytest.mark.contract
@pytest.mark.parametrize(
    "arguments",
    [(["a"], [1.0, 2.0], [1.0], "a"), (["a"], [1.0], [1.0], "b"), (["a"], [0.0], [1.0], "a")],
)
def test_a_fit_without_meaning_is_refused(arguments):
    with pytest.raises(DomainError):
        fit_overhead(*arguments)


@pytest.mark.published
def test_the_stored_overhead_is_what_the_catalog_gives():
    # InferenceX, Llama-3.3-70B, 8k/1k, throughput at each chip's best point
    again = refit()
    assert again.value == pytest.approx(OVERHEAD.value, rel=0.005)
    assert again.spread == pytest.approx(OVERHEAD.spread, abs=0.01)
    assert [name for name, _ in again.residuals] == [name for name, _ in OVERHEAD.residuals]
    for (_, now), (_, stored) in zip(again.residuals, OVERHEAD.residuals, strict=True):
        assert now == pytest.approx(stored, abs=0.005)


@pytest.mark.published
def test_the_other_five_chips_within_a_quarter_at_the_median():
    assert len(OVERHEAD.residuals) == 5
    assert OVERHEAD.median_error <= 0.25


@pytest.mark.closed_form
def test_throughput_falls_in_proportion_to_the_overhead():
    point = next(point for point in POINTS if point.name == FITTED_ON)
    plain = predicted_throughput(point)
    assert predicted_throughput(point, 2.0) == pytest.approx(plain / 2)
    assert plain > measured_throughput(point)


@pytest.mark.closed_form
def test_its_distribution_has_the_fit_at_its_median():
    drawn = OVERHEAD.distribution()
    assert drawn.median() == pytest.approx(OVERHEAD.value, rel=0.05)
    assert drawn.support()[0] >= 1.0
    assert Distribution.parse(drawn.written(), "1") == drawn


def _rows(overhead):
    """Return rows as an engine with a known overhead would have measured them, one of them 10 % faster."""
    rows = []
    for tensor, batch, luck in ((4, 8, 1.0), (4, 32, 1.0), (8, 64, 1.1)):
        traffic = Traffic(mean_input=1000.0, mean_output=200.0)
        layout = Layout(tensor=float(tensor))
        what = configuration_of("Llama-3-70B", "H100-SXM", layout=layout, overhead=overhead)
        served = serve(what, traffic, float(batch))
        rows.append(
            {
                "accelerator": "H100-SXM",
                "accelerators": tensor,
                "concurrency": batch,
                "input_tokens": 1000,
                "output_tokens": 200,
                "tokens_per_second": luck * served.tokens_per_second,
                "user_speed": served.user_speed,
            }
        )
    return read_measured(rows)


@pytest.mark.closed_form
def test_ones_own_rows_give_back_the_overhead_that_made_them():
    fit = calibrate(_rows(1.8), configuration_of("Llama-3-70B", "H100-SXM", overhead=9.0))
    assert fit.value == pytest.approx(1.8 / 1.1 ** (1 / 3))
    assert fit.residuals[2][1] == pytest.approx(1.1 ** (1 / 3) / 1.1 - 1)
    assert fit.fitted_on == "3 rows"


@pytest.mark.contract
def test_a_measured_row_that_cannot_run_is_named():
    with pytest.raises(DomainError, match="measured row 1: memory: the weights do not fit"):
        calibrate(_rows(1.8), configuration_of("DeepSeek-V3", "H100-SXM"))
