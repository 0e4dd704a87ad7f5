"""Values stay what they are: a dataclass is frozen and takes no further attributes, unless it is working state."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.contract

SOURCE = Path(__file__).parents[1] / "src" / "costmodel"
WORKING_STATE = {
    "analysis/known_at_a_date.py": {"_Judgement"},
    "flywheel/compiled.py": {"Bound", "Code"},
    "flywheel/finances.py": {"Finances"},
    "flywheel/fleets.py": {"Fleets"},
    "flywheel/investment.py": {"Investment"},
    "flywheel/market_side.py": {"MarketState"},
    "flywheel/simulate.py": {"Run"},
    "formats/tables.py": {"Unread"},
    "foundation/trace_graph.py": {"Loop", "Node"},
    "foundation/vector_code.py": {"Plan"},
    "foundation/vector_needs.py": {"Phase"},
    "market/clearing.py": {"PriceState"},
    "market/model.py": {"_Run"},
    "reporting/workbook.py": {"_Book", "_Line"},
    "studies/bill.py": {"Line"},
    "studies/usage_cost.py": {"Unpriced", "UsageLine"},
}
"""Dataclasses that a computation changes as it goes on, by file."""
BY_NAME = """
    Adapter Answer AtElasticity Attention Backtest BookTerms BreakEven BreakEvenDistribution Calibration Cluster
    Comparison ComputeDecomposition Configuration ConsistentDraws CostBasis Coverage Datum Dense Draft Elasticities
    ElasticityRange Engine EnsembleResult EvidenceShares Family FirstOrderIndices Fit Forecast Format Front Frontier
    Group Identification Indexer LatentAttention Layout LayoutSearch Layouts Lengths Line Machine MarginBridge Mark
    MemoryBudget MorrisEffects Opening OpeningBook PassWork Precision Prediction Profile Range RankCorrelations Rate
    Recipe Recurrent Reserve Result Routed Rows ScalingFit Scan Scheme Scored Serving SobolIndices Tornado Traffic
    TrainingJob TrainingProgrammeResult Trajectory Uniform Waterfall YearAccounts ParameterCounts
"""
"""Dataclasses, beside results, whose fields are given by name alone: so many, or so alike, that places would mix up."""

BY_IDENTITY = """
    CostSeries DeclineFit DeclineForecast DemandPanel GrowthSplit Index Loop Node Phase PriceRecords Remainder
    RentBacktest ScalingEstimate VaryingRate
"""
"""Dataclasses of arrays or of a graph, which are equal only to themselves."""


def _options(path: Path) -> dict[str, dict[str, bool]]:
    """Return the options of each dataclass of a file that are given as true or false."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for call in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            if ast.unparse(call).startswith("dataclass"):
                given = call.keywords if isinstance(call, ast.Call) else []
                options = {option.arg: option.value.value for option in given if isinstance(option.value, ast.Constant)}
                found[node.name] = {name: options.get(name) is True for name in ("frozen", "slots", "kw_only")}
                found[node.name]["eq"] = options.get("eq", True)
                found[node.name]["result"] = "Result" in map(ast.unparse, node.bases)
    return found


def test_dataclasses_are_frozen_and_slotted_unless_they_are_working_state() -> None:
    files = {path.relative_to(SOURCE).as_posix(): _options(path) for path in SOURCE.rglob("*.py")}
    assert sum(map(len, files.values())) > 200
    changeable = {
        file: names
        for file, classes in files.items()
        if (names := {name for name, options in classes.items() if not options["frozen"]})
    }
    assert changeable == WORKING_STATE
    assert [
        f"{file}: {name}" for file, classes in files.items() for name, given in classes.items() if not given["slots"]
    ] == []


def test_fields_that_would_mix_up_are_given_by_name() -> None:
    classes = [found for path in SOURCE.rglob("*.py") for found in _options(path).items()]
    assert [name for name, given in classes if given["result"] and not given["kw_only"]] == []
    assert {name for name, given in classes if given["kw_only"] and not given["result"]} == set(BY_NAME.split())


def test_arrays_and_graphs_are_equal_only_to_themselves() -> None:
    classes = [found for path in SOURCE.rglob("*.py") for found in _options(path).items()]
    assert {name for name, given in classes if not given["eq"]} == set(BY_IDENTITY.split())


def test_every_parameter_may_be_given_by_name() -> None:
    first_alone = {
        f"{path.relative_to(SOURCE).as_posix()}: {node.name}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.posonlyargs
    }
    assert first_alone == set()


UNEQUAL = {
    "analysis/ensemble_result.py": 1,
    "catalog/loader.py": 1,
    "catalog/plausibility.py": 1,
    "compute/layer.py": 1,
    "foundation/ranges.py": 2,
    "foundation/result_tables.py": 1,
    "reporting/point_figures.py": 1,
    "reporting/workbook.py": 1,
    "studies/service.py": 1,
}
"""Pairs whose two sides may differ in length, such as the arguments that are given and all of them, by file."""


def test_what_is_paired_is_as_long_unless_it_is_listed() -> None:
    found: Counter[str] = Counter()
    for path in SOURCE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            strict = [option for option in call.keywords if option.arg == "strict"]
            if ast.unparse(call.func) == "zip" and "False" in [ast.unparse(option.value) for option in strict]:
                found[path.relative_to(SOURCE).as_posix()] += 1
    assert found == UNEQUAL
