"""A training programme on rented or owned hours: equal to its parts chained by hand."""

from __future__ import annotations

import pytest

from costmodel.foundation.errors import ScenarioError
from costmodel.ownership.accelerator_hour import AcceleratorHour, accelerator_hour
from costmodel.studies.training_programme import TrainingProgramme, train_programme
from costmodel.training.training_run import TrainingRun, train

HOUR = {"it_life": 5.0, "wacc": 0.1}
WORK = {
    "tokens": 1e12,
    "parameters": 8e9,
    "accelerators": 512.0,
    "mfu": 0.4,
    "reliability": {"failure_rate": 1e-4, "checkpoint_time": 0.02, "restart_time": 0.25},
    "development": {"experiments_multiplier": 2.0},
}


def programme(**changes: object) -> TrainingProgramme:
    return TrainingProgramme(**{"name": "p", "accelerator": "H100-SXM", "hour": HOUR, "work": WORK, **changes})


@pytest.mark.closed_form
def test_an_owned_run_costs_its_paid_hours_times_the_owners_hour() -> None:
    result = train_programme(programme().resolve())
    busy = float(result.productive_hours / result.paid_hours)
    hour = accelerator_hour(AcceleratorHour(name="h", accelerator="H100-SXM", utilisation=busy, **HOUR).resolve())
    assert 0.9 < busy < 1.0
    assert float(result.hour_cost) == pytest.approx(float(hour.total) * busy, rel=1e-12)
    assert float(result.run_cost) == pytest.approx(float(result.productive_hours) * float(hour.total), rel=1e-12)
    assert float(result.programme_cost) == pytest.approx(2.0 * float(result.run_cost), rel=1e-12)
    assert float(result.cost_without_loss) < float(result.run_cost)


@pytest.mark.closed_form
def test_a_rented_run_is_the_training_run_at_that_rent() -> None:
    rented = train_programme(programme(paid_by="renting", rent=2.5).resolve())
    alone = train(
        TrainingRun(name="r", accelerator="H100-SXM", method="rental", rental={"price": 2.5}, **WORK).resolve()
    )
    for name in ("run_cost", "programme_cost", "paid_hours", "wall_clock"):
        assert float(rented[name]) == pytest.approx(float(alone[name]), rel=1e-12)


@pytest.mark.closed_form
def test_energy_is_that_of_the_hours_power() -> None:
    hour = AcceleratorHour(name="h", accelerator="H100-SXM", **HOUR).completed()
    result = train_programme(programme().resolve())
    busy = float(result.productive_hours / result.paid_hours)
    drawn = hour.it_power * (hour.busy_load * busy + hour.idle_load * (1.0 - busy)) * hour.pue
    assert float(result.energy) == pytest.approx(float(result.paid_hours) * drawn, rel=1e-9)
    assert float(result.energy_cost) == pytest.approx(float(result.energy) * hour.electricity_price, rel=1e-9)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rent": 2.0}, "leave rent out"),
        ({"paid_by": "renting"}, "give rent"),
        ({"hour": {**HOUR, "utilisation": 0.5}}, "hour.utilisation: there is no such entry"),
        ({"work": {**WORK, "power": {}}}, "power: there is no such entry"),
    ],
)
def test_what_would_do_nothing_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        programme(**changes)
