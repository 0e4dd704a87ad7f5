"""Elasticity from panels: recovery, coverage, instruments, frames."""

import numpy as np
import pytest

from costmodel.estimation.elasticity import estimate_elasticity, estimate_elasticity_of_frame
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.validation.generated_panel import generate_panel


def of(panel, keep=slice(None), **options):
    columns = (panel.quantity, panel.price, panel.entity, panel.period)
    return estimate_elasticity(*(column[keep] for column in columns), **options)


@pytest.mark.closed_form
def test_without_noise_the_elasticity_is_exact_even_with_rows_missing():
    panel = generate_panel(entities=12, periods=9, elasticity=-1.11, noise=1e-13, rng=0)
    assert of(panel).elasticity == pytest.approx(-1.11, rel=1e-9)
    keep = np.random.default_rng(1).random(panel.quantity.size) < 0.6
    assert of(panel, keep).elasticity == pytest.approx(-1.11, rel=1e-9)


@pytest.mark.closed_form
def test_its_90_percent_interval_holds_the_truth_as_often_as_it_says():
    held, estimates, errors = 0, [], []
    trials = 600
    for seed in range(trials):
        estimate = of(generate_panel(entities=50, periods=10, elasticity=-1.11, rng=seed))
        low, high = estimate.interval(0.9)
        held += low <= -1.11 <= high
        estimates.append(estimate.elasticity)
        errors.append(estimate.standard_error)
    assert 0.87 <= held / trials <= 0.93  # 600 trials: sampling error of the coverage is .012
    assert np.mean(estimates) == pytest.approx(-1.11, abs=4 * np.std(estimates) / np.sqrt(trials))
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.1)


@pytest.mark.peer
def test_it_agrees_with_least_squares_on_dummies_and_its_sandwich():
    panel = generate_panel(entities=9, periods=7, elasticity=-0.8, rng=3)
    rng = np.random.default_rng(4)
    keep = rng.random(panel.quantity.size) < 0.8
    control = rng.normal(size=panel.quantity.size)[keep]
    estimate = of(panel, keep, controls=[control])
    entity, period = panel.entity[keep], panel.period[keep]
    x = np.column_stack(
        [np.log(panel.price[keep]), control] + [entity == e for e in range(9)] + [period == t for t in range(1, 7)]
    ).astype(float)
    y = np.log(panel.quantity[keep])
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    assert estimate.elasticity == pytest.approx(beta[0], rel=1e-9)
    assert estimate.controls[0] == pytest.approx(beta[1], rel=1e-8)
    residual = y - x @ beta
    scores = np.stack([x[entity == e].T @ residual[entity == e] for e in range(9)])
    bread = np.linalg.inv(x.T @ x)
    rows = y.size
    factor = 9 / 8 * (rows - 1) / (rows - (2 + 1 + 6))  # entities are nested in the clusters, periods are not
    variance = factor * (bread @ scores.T @ scores @ bread)[0, 0]
    assert estimate.standard_error == pytest.approx(np.sqrt(variance), rel=1e-7)
    assert estimate.residual_sd == pytest.approx(np.sqrt(residual @ residual / (rows - 2 - 9 - 6)), rel=1e-9)


@pytest.mark.closed_form
def test_an_instrument_undoes_the_bias_of_prices_that_follow_demand():
    panel = generate_panel(entities=300, periods=24, elasticity=-1.11, demand_pull=0.5, rng=5)
    plain, instrumented = of(panel), of(panel, instrument=panel.cost_shift)
    assert plain.elasticity > -1.11 + 5 * plain.standard_error  # biased towards 0
    low, high = instrumented.interval(0.99)
    assert low < -1.11 < high
    assert instrumented.first_stage_f > 100
    assert plain.first_stage_f is None


@pytest.mark.contract
def test_a_users_own_frame_is_read_by_column_names():
    pd = pytest.importorskip("pandas")
    panel = generate_panel(entities=20, periods=8, elasticity=-1.3, rng=6)
    frame = panel.to_frame().rename(columns={"quantity": "tokens", "entity": "model", "period": "week"})
    frame["model"] = "model " + frame["model"].astype(str)
    frame["week"] = pd.Timestamp("2025-01-06") + pd.to_timedelta(7 * frame["week"], unit="D")
    names = {"quantity": "tokens", "price": "price", "entity": "model", "period": "week"}
    frame["context"] = np.random.default_rng(7).normal(size=len(frame))
    estimate = estimate_elasticity_of_frame(frame, **names, controls=["context"], cluster="model")
    assert estimate.entities == 20 and estimate.periods == 8 and estimate.clusters == 20
    without = estimate_elasticity_of_frame(frame, **names)
    assert without.elasticity == pytest.approx(of(panel).elasticity, rel=1e-12)
    with pytest.raises(ScenarioError, match="did you mean 'tokens'"):
        estimate_elasticity_of_frame(frame, **{**names, "quantity": "token"})


@pytest.mark.contract
def test_entities_may_be_called_by_texts_and_numbers_alike():
    panel = generate_panel(entities=20, periods=8, elasticity=-1.3, rng=6)
    names = np.array([f"model {code}" if code % 2 else int(code) for code in panel.entity], dtype=object)
    found = estimate_elasticity(panel.quantity, panel.price, names, panel.period)
    assert found.elasticity == pytest.approx(of(panel).elasticity, rel=1e-12)
    assert found.entities == 20


@pytest.mark.contract
def test_controls_that_move_together_are_refused():
    panel = generate_panel(entities=20, periods=8, elasticity=-1.3, rng=6)
    one, other = np.random.default_rng(8).normal(size=(2, panel.quantity.size))
    assert len(of(panel, controls=[one, other]).controls) == 2
    with pytest.raises(DomainError, match="price and controls move together"):
        of(panel, controls=[one, other, one - 2.0 * other])


@pytest.mark.contract
def test_panels_that_cannot_answer_are_refused():
    panel = generate_panel(entities=5, periods=4, elasticity=-1.0, rng=0)
    rows = panel.quantity.size
    with pytest.raises(DomainError, match="does not move apart"):
        estimate_elasticity(panel.quantity, np.exp(panel.entity + 1.0), panel.entity, panel.period)
    with pytest.raises(DomainError, match=r"row 3 is 0"):
        estimate_elasticity(np.where(np.arange(rows) == 3, 0.0, 1.0), panel.price, panel.entity, panel.period)
    with pytest.raises(DomainError, match="row 0 is nan"):
        estimate_elasticity(panel.quantity, np.full(rows, np.nan), panel.entity, panel.period)
    with pytest.raises(DomainError, match="rows where quantity"):
        estimate_elasticity(panel.quantity, panel.price[:-1], panel.entity, panel.period)
    with pytest.raises(DomainError, match="label"):
        estimate_elasticity(panel.quantity, panel.price, panel.entity[:-1], panel.period)
    with pytest.raises(DomainError, match="too few"):
        estimate_elasticity(panel.quantity, panel.price, panel.entity, panel.period, cluster=np.zeros(rows))
    with pytest.raises(DomainError, match="told apart"):
        of(panel, controls=[panel.cost_shift])
    with pytest.raises(DomainError, match="at least two"):
        generate_panel(entities=1, periods=4, elasticity=-1.0)
    with pytest.raises(DomainError, match="persistence"):
        generate_panel(entities=3, periods=4, elasticity=-1.0, persistence=1.0)
