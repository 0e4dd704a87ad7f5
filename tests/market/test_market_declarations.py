"""What the market's tables declare: the range of each parameter by its meaning, and what holds where none is given."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from tests.default_numbers import declared, default_numbers

from costmodel import market
from costmodel.market import clearing, commitment_terms, contest

pytestmark = pytest.mark.contract

SIGNED = """
    CostInputs.hardware_decline CostInputs.software_decline TokenMarket.capability_growth AdoptionInputs.growth
    WorkloadDemand.intensity_growth
"""
"""Logarithmic rates: a rise or a fall."""
POSITIVE = """
    Contestant.capability Contestant.price CostInputs.initial_cumulative_tokens MarketWorkload.unit_cost
    TokenMarket.price_speed WorkloadDemand.budget WorkloadDemand.budget_sharpness WorkloadDemand.intensity_fade
    WorkloadDemand.price WorkloadDemand.price_memory
"""
"""What something is divided by, or whose logarithm is taken."""
PARTS = """
    AgentPopulation.active_share AgentPopulation.resent_share Contestant.initial_share WorkloadDemand.paid_share
"""
"""Parts of a whole: none and all are allowed."""
BOUNDS = {
    **dict.fromkeys(SIGNED.split(), ""),
    **dict.fromkeys(POSITIVE.split(), "> 0"),
    **dict.fromkeys(PARTS.split(), "≥ 0 and ≤ 1"),
    "AgentPopulation.contagion": "≥ 0 and < 1",  # at 1 each agent brings another for ever
    "AgentPopulation.turns": "≥ 1",
    "AdoptionInputs.ceiling": "≥ 1",  # in users of the start
    "CostInputs.experience_exponent": "≥ 0 and < 1",
    "WorkloadDemand.markup": "> -1",  # a price above 0
    "WorkloadDemand.price_elasticity": "≤ 0",
}
"""All others are amounts or rates of at least 0."""
DEFAULTS = {
    # A share, a factor or a count that leaves things as they are.
    "AgentPopulation.active_share": 1.0,
    "AgentPopulation.resent_share": 1.0,
    "AgentPopulation.turns": 1.0,
    "AdoptionInputs.ceiling": 1.0,
    "AdoptionInputs.index": 1.0,
    "Contest.capability_sensitivity": 1.0,
    "Contest.price_sensitivity": 1.0,
    "WorkloadDemand.paid_share": 1.0,
    "WorkloadDemand.price_realisation": 1.0,
    "WorkloadDemand.budget_sharpness": 4.0,
}
"""Defaults other than 0 and absent."""


MODULES = [
    importlib.import_module(f"{market.__name__}.{found.name}") for found in pkgutil.iter_modules(market.__path__)
]
DECLARED = tuple(declared(*MODULES))


def test_every_bound_is_that_of_its_meaning() -> None:
    bounds = {path: kind.specs()[name].bounds() for path, kind, name in DECLARED}
    assert set(BOUNDS) <= set(bounds)
    assert bounds == {path: BOUNDS.get(path, "≥ 0") for path in bounds}


def test_every_default_is_the_stated_one() -> None:
    defaults = {path: kind.model_fields[name].default for path, kind, name in DECLARED}
    numbers = {path: value for path, value in defaults.items() if isinstance(value, float | int) and value != 0.0}
    assert numbers == DEFAULTS


def test_what_functions_take_and_solvers_keep_to() -> None:
    """A path begins at the start; eighteen passes, rents up to e^7 times what is required; ten thousand steps."""
    assert default_numbers("market") == {"paths.log_growth": {"start": 0.0}}
    assert (clearing.PASSES, clearing.ARRIVED, clearing.HIGHEST_RENT) == (18, 1e-14, 7.0)
    assert (contest.MOST_STEPS, commitment_terms.YEARS_OF_LONG_QUOTE) == (10_000, 3)
