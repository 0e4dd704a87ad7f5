"""The model ``training_ladder``: how the largest runs grow, and when their cost passes given figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from costmodel.foundation.arrays import FloatArray, Numeric, formula
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Amount, Count, Parameter, parameter
from costmodel.foundation.provenance import Grade
from costmodel.foundation.results import Result, output
from costmodel.foundation.scenario import Scenario, register_model

__all__ = ["TrainingLadder", "TrainingLadderResult", "climb", "crossing_year"]

LAST_YEAR = 9999
"""Last year of the calendar."""
MID_YEAR = 0.5
"""Middle of a calendar year, at which its figures are read [year]."""


@formula()
def crossing_year(target: Numeric, reference: Numeric, reference_year: Numeric, growth_rate: Numeric) -> Numeric:
    """Return the year in which a growing quantity passes a target.

    Parameters
    ----------
    target : ``()`` or array
        Value to pass, positive, in the unit of the reference.
    reference : ``()`` or array
        Value at the reference date, positive.
    reference_year : ``()`` or array
        Reference date [year], such as 2023.2.
    growth_rate : ``()`` or array
        Logarithmic growth, positive [1/year].

    Returns
    -------
    ``()`` or array
        Date [year]; before the reference where the target is below it.

    Notes
    -----
    ``t = t_0 + ln(target/reference)/g``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015: by 2027 the largest runs cost more than 1 billion USD.

    Examples
    --------
    >>> round(float(crossing_year(400.0, 100.0, 2023.0, np.log(2.0))), 6)
    2025.0
    """
    return reference_year + np.log(target / reference) / growth_rate


def _growth(low: float, high: float) -> Distribution:
    """Return a growth rate whose 90 % interval lies between two logarithmic rates [1/year]."""
    return Distribution("normal", (("p5", low), ("p95", high)))


class TrainingLadder(Scenario):
    """The growth of the largest training runs from a reference run.

    Defaults start from GPT-4 by the method of Cottier et al. and grow at the rates of its rerun of July 2025.

    Examples
    --------
    >>> ladder = TrainingLadder(name="frontier")
    >>> round(math.exp(ladder.resolve().cost_growth), 2)
    2.77
    """

    model: Literal["training_ladder"] = "training_ladder"
    first_year: Count = Field(default=2020, ge=1, le=LAST_YEAR, description="First calendar year.")
    last_year: Count = Field(default=2030, ge=1, le=LAST_YEAR, description="Last calendar year.")
    targets: tuple[Amount, ...] = (1e8, 1e9, 1e10)
    """Costs for which the date of passing is computed [USD]."""
    reference_year: Parameter = parameter(
        "1", default=2023.2, description="Date of the reference run as a year.", note="GPT-4, March 2023"
    )
    cost: Parameter = parameter(
        "USD",
        gt=0,
        default=40.16e6,
        description="Amortized hardware and energy of the reference run.",
        grade=Grade.ESTIMATED,
        note="GPT-4, Cottier et al. (2024), recomputed",
    )
    accelerators: Parameter = parameter(
        "1", gt=0, default=25_000.0, description="Accelerators of the reference run.", grade=Grade.ESTIMATED
    )
    accelerator_power: Parameter = parameter(
        "W",
        gt=0,
        default=400 * (6.5 / 8 / 0.4) * 0.75 * 1.25,
        description="Mean facility power of one accelerator of the reference run.",
        grade=Grade.ESTIMATED,
        note="A100 with its server at 75 % of rated power, PUE 1.25: Cottier et al. (2024)",
    )
    duration: Parameter = parameter(
        "hour", gt=0, default=2280.0, description="Length of the reference run.", grade=Grade.ESTIMATED
    )
    cost_growth: Parameter = parameter(
        "1/year",
        default=_growth(math.log(2.40), math.log(3.19)),
        description="Logarithmic growth of cost; one number, as the year of each cost follows from it in closed form.",
        grade=Grade.PUBLISHED,
        note="2.77× a year, 90 % interval 2.40 to 3.19 (Epoch, July 2025); 2.4× (2.0 to 2.9) in the paper of 2024",
    )
    power_growth: Parameter = parameter(
        "1/year",
        default=_growth(math.log(2.00), math.log(2.50)),
        description="Logarithmic growth of power.",
        grade=Grade.PUBLISHED,
        note="2.24× a year, 90 % interval 2.00 to 2.50 (Epoch, July 2025)",
    )
    accelerator_power_growth: Parameter = parameter(
        "1/year",
        default=_growth(0.1, 0.3),
        description="Logarithmic growth of facility power per accelerator.",
        note="0.76 kW (A100, mid-2022) to 1.26 kW (H100, early 2025) is about 0.2 a year",
    )
    duration_growth: Parameter = parameter(
        "1/year", default=0.0, description="Logarithmic growth of the length of runs."
    )

    residual: Parameter = parameter(
        "1", default=0.0, description="Logarithm of a run's cost over the trend: a distribution scatters runs about it."
    )

    @model_validator(mode="after")
    def _check_years(self) -> Self:
        if self.last_year < self.first_year:
            raise ScenarioError(f"last_year {self.last_year} is before first_year {self.first_year}")
        if not self.targets or min(self.targets) <= 0.0:
            raise ScenarioError("targets must be one or more positive costs [USD]")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLadderResult(Result):
    """Frontier runs by calendar year, and the year in which each target is passed."""

    cost: FloatArray = output("USD", dims=("year",), label="cost of the largest run")
    power: FloatArray = output("W", dims=("year",), label="facility power of the largest run")
    energy: FloatArray = output("Wh", dims=("year",), label="energy of the largest run")
    accelerators: FloatArray = output("1", dims=("year",), label="accelerators of the largest run")
    passed: FloatArray = output("1", kind="date", dims=("target",), label="date at which the target is passed")

    def coords(self) -> Mapping[str, Any]:
        """Return calendar years and targets."""
        scenario = self.scenario
        if not isinstance(scenario, TrainingLadder):
            raise TypeError(f"a TrainingLadderResult belongs to a TrainingLadder, not to {type(scenario).__name__}")
        years = range(scenario.first_year, scenario.last_year + 1)
        return {"year": list(years), "target": list(scenario.targets)}


def climb(resolved: TrainingLadder) -> TrainingLadderResult:
    """Compute the ladder.

    Parameters
    ----------
    resolved
        A resolved scenario: numbers, or one vector of draws per parameter.

    Examples
    --------
    >>> result = climb(TrainingLadder(name="frontier").resolve())
    >>> [round(float(year), 1) for year in result.passed]  # 100 million, 1 billion, 10 billion USD
    [2024.1, 2026.4, 2028.6]
    """
    batch = np.broadcast_shapes(*(np.shape(number) for _, number, _, _ in resolved.walk()))
    column = (slice(None), *(np.newaxis for _ in batch))
    years = np.arange(resolved.first_year, resolved.last_year + 1.0)[column] + MID_YEAR - resolved.reference_year
    power = resolved.accelerators * resolved.accelerator_power * np.exp(resolved.power_growth * years)
    per_accelerator = resolved.accelerator_power * np.exp(resolved.accelerator_power_growth * years)
    hours = resolved.duration * np.exp(resolved.duration_growth * years)
    targets = np.asarray(resolved.targets)[column]
    cost = resolved.cost * np.exp(resolved.residual)
    passed = crossing_year(targets, cost, resolved.reference_year, resolved.cost_growth)
    parts = {
        "cost": cost * np.exp(resolved.cost_growth * years),
        "power": power,
        "energy": power * hours,
        "accelerators": power / per_accelerator,
        "passed": passed,
    }
    full: dict[str, Any] = {name: np.broadcast_to(part, (np.shape(part)[0], *batch)) for name, part in parts.items()}
    return TrainingLadderResult(scenario=resolved, **full)


register_model("training_ladder", TrainingLadder, "costmodel.training.training_ladder:climb")
