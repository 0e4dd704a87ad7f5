"""The figures of the five documents that are inputs: each is in a built-in scenario or record, with its source."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import costmodel
from costmodel import catalog
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.provenance import Grade


@dataclass(frozen=True)
class Given:
    """Figure of a document: its path in a scenario, and its bounds in the library's units."""

    document: str
    figure: str
    scenario: str
    path: str
    low: float
    high: float


PLAN = "operators.company.plan.capex"
OPENING = "operators.company.opening.commitments"
GIVEN = (
    Given("February 2025", "Alphabet about 75 B USD", "capex-2025-alphabet", PLAN, 75e9, 75e9),
    Given("February 2025", "Amazon 26.3 B USD a quarter", "capex-2025-amazon", PLAN, 105e9, 105.2e9),
    Given("February 2025", "Meta 60 to 65 B USD", "capex-2025-meta", PLAN, 60e9, 65e9),
    Given("February 2025", "Microsoft 80 B USD", "capex-2025-microsoft", PLAN, 80e9, 80e9),
    Given("February 2026", "Alphabet nearly 185 B USD", "capex-2026-alphabet", PLAN, 175e9, 185e9),
    Given("February 2026", "Amazon 200 B USD", "capex-2026-amazon", PLAN, 200e9, 200e9),
    Given("February 2026", "Meta up to 135 B USD", "capex-2026-meta", PLAN, 115e9, 135e9),
    Given("February 2026", "a kernel twice as fast", "discovered-kernel", "speedup", 2.0, 2.1),
    Given("February 2026", "the same, across fleets", "discovered-kernel-fleet", "shocks.0.factor", 2.0, 2.1),
    Given("February 2026", "8.5 of 8.75 M are comments", "moltbook-agents", "contagion", 0.9714, 0.9715),
    Given("February 2026", "1.7 M agents of 17,000 owners", "moltbook-agents", "agents_per_owner", 88.0, 165.0),
    Given("Meta", "more than 100,000 H100", "llama-4-cluster", "accelerators", 1e5, 1e5),
    Given("July 2026", "182.9 B USD committed", "meta-commitments", OPENING, 182.9e9, 182.9e9),
)  # fmt: skip
"""Figures of the documents that are inputs of scenarios, in the order of the documents."""
RECORDED = (
    ("BOND 2025, p. 116", "claims", "Amodei mid-2024: cost of a training run 2024", "amount", 100e6),
    ("BOND 2025, p. 116", "claims", "Amodei mid-2024: cost of a training run 2025", "amount", 1e9),
    ("BOND 2025, p. 116", "claims", "Amodei mid-2024: cost of a training run, next", "amount", 10e9),
    ("February 2025", "claims", "Amazon: capex of 2024Q4", "amount", 26.3e9),
    ("February 2026", "agent_networks", "Moltbook", "agents", 1.7e6),
    ("February 2026", "agent_networks", "Moltbook", "posts", 250e3),
    ("February 2026", "agent_networks", "Moltbook", "comments", 8.5e6),
    ("February 2026", "sandboxes", "Monty", "start", 0.004),
    ("July 2026", "companies", "Meta", "commitments", 182.9e9),
)
"""Figures in the catalog that answers read: document, table, record, field, and number in its unit."""


def _ends(value: object) -> tuple[float, float]:
    if isinstance(value, Distribution):
        return value.support()
    assert isinstance(value, float)
    return value, value


@pytest.mark.published
@pytest.mark.parametrize("given", GIVEN, ids=[f"{given.document}: {given.figure}" for given in GIVEN])
def test_a_figure_of_a_document_stands_in_a_scenario_with_its_source(given: Given) -> None:
    scenario = costmodel.load_scenario(given.scenario)
    low, high = _ends(scenario.get(given.path))
    assert given.low <= low <= high <= given.high
    cited = next(line for line in scenario.sources() if line.path == given.path)
    assert cited.source is not None, "the source is named"
    assert cited.grade in (Grade.REPORTED, Grade.PUBLISHED, Grade.SECONDARY)
    assert cited.source.title and cited.source.date


@pytest.mark.published
@pytest.mark.parametrize("row", RECORDED, ids=[f"{row[0]}: {row[2]} {row[3]}" for row in RECORDED])
def test_a_figure_of_a_document_stands_in_the_catalog_with_its_source(row: tuple[str, str, str, str, float]) -> None:
    _, table, name, field, number = row
    data = [item for item in catalog.record(table, name).all(field) if item.number == pytest.approx(number)]
    assert data, f"{name} has no {field} of {number:g}"
    assert data[0].source_key != "not recorded"


@pytest.mark.published
def test_the_agents_of_the_document_lie_within_the_scenario() -> None:
    scenario = costmodel.load_scenario("moltbook-agents")
    low, high = _ends(scenario.get("agents_per_owner"))
    owners = float(scenario.get("owners"))
    assert owners * low < 1.7e6 < owners * high


@pytest.mark.published
def test_the_ladder_has_the_costs_that_were_told() -> None:
    assert costmodel.load_scenario("frontier-ladder").targets == (100e6, 1e9, 10e9)
