"""Constants of the analysis room, limits at their boundary, and choices that only show in how fast or by what."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.default_numbers import default_numbers
from toy_firm import firm, written

from costmodel.analysis import (
    assimilation,
    backtesting,
    breakeven,
    by_elasticity,
    calibration,
    comparison,
    given_data,
    identification,
    one_at_a_time,
    roots,
    search_ranges,
    sensitivity,
    sobol,
    store_files,
    weights,
)
from costmodel.analysis.targets import Selector
from costmodel.foundation.design import Design
from costmodel.foundation.errors import DomainError


@pytest.mark.contract
def test_constants_are_as_documented() -> None:
    assert (assimilation.ROUNDS, assimilation.FEWEST, backtesting.MIN_EFFECTIVE) == (8, 100, 100.0)
    assert (weights.DISCREPANCY, weights.MIN_EFFECTIVE) == (0.35, 50.0)
    assert weights.QUANTILES == comparison.BANDS == by_elasticity.BANDS == (0.05, 0.5, 0.95)
    assert (identification.OPEN_SHARE, identification.LOADING, identification.TRADED) == (0.25, 0.3, 0.95)
    assert (identification.EQUAL_FIT, one_at_a_time.LOW_FIRST_ORDER_SUM, comparison.MAX_EXACT) == (2.0, 0.8, 12)
    assert (search_ranges._TAIL, search_ranges._SPAN, search_ranges._LOG_FROM) == (0.001, 10.0, 20.0)
    assert (calibration._LOG_FROM, calibration._STEP, calibration._PENALTY) == (20.0, 1e-5, 1e3)
    assert (breakeven.WIDENINGS, breakeven._DEEPEST_TURN, roots.MAX_ROUNDS) == (3, 100.0, 200)
    assert given_data._FEW_VALUES == sensitivity._FEW_VALUES == 12


@pytest.mark.contract
def test_what_history_may_move_is_what_the_backtests_let_it_move() -> None:
    """The plan of the backtest at the end of 2025 holds the same priors, and the same factors of two."""
    folder = resources.files("costmodel.analysis") / "backtests"
    plan = tomllib.loads((folder / "bond-flywheel.2025-12-31.toml").read_text(encoding="utf-8"))["priors"]
    for path, prior in by_elasticity.FREE.items():
        assert dict(prior) == plan[path]["value"], path
    assert dict(by_elasticity.SUPPLY["hardware.sites.lag"]) == plan["hardware.sites.lag"]["value"]
    for name in ("tokens", "compute_per_token"):
        ends = plan[f"market.chat.{name}"]["value"]
        assert by_elasticity.AROUND[f"market.*.{name}"] ** 2 == pytest.approx(ends["p95"] / ends["p5"], rel=1e-3)
    for path in ("suppliers.supply_elasticity", "suppliers.build_up"):
        assert by_elasticity.AROUND[path] == plan[path]["value"]["p95"]
    rest = {path: by_elasticity.AROUND[path] for path in ("market.*.budget_share", "operators.*.financing.wacc")}
    assert rest == {"market.*.budget_share": 2.0, "operators.*.financing.wacc": 1.25}
    assert by_elasticity.AHEAD == {
        "power_grid.energised": 1.6, "training.investors": 2.5, "operators.*.plan.capex": 1.15,
    }  # fmt: skip
    assert dict(by_elasticity.SUPPLY["hardware.accelerators.lag"]) == {"dist": "uniform", "low": 0.25, "high": 0.55}
    assert dict(by_elasticity.SUPPLY["suppliers.max_build_up"]) == {"dist": "uniform", "low": 0.2, "high": 0.8}
    assert by_elasticity.TOLERANCES == {
        "tokens": 0.10, "accelerators_shipped": 0.04, "rental_price": 0.10, "user_spend": 0.12, "capex": 0.05,
        "training_share_of_compute": 0.10,
    }  # fmt: skip
    assert by_elasticity.USUAL_TOLERANCE == 0.15
    assert by_elasticity.ELASTICITIES == (-0.5, -0.8, -1.1, -1.5)
    assert by_elasticity._within(6.0, 2.0) == {"dist": "lognormal", "p5": 3.0, "p95": 12.0}


@pytest.mark.contract
def test_the_unit_of_a_parameter_is_its_own() -> None:
    scenario = written()
    result = firm(scenario.resolve(Design.random(scenario, 2, 0)))
    units = {name: Selector.parse(f"scenario.{name}").unit(result) for name in ("share", "demand.volume", "cap")}
    assert units == {"share": "1", "demand.volume": "FLOP/hour", "cap": "FLOP"}
    assert Selector.parse("scenario.nothing").unit(result) is None
    assert Selector.parse("npv").unit(result) == "USD"


@pytest.mark.contract
def test_an_input_of_few_values_is_read_by_value_and_any_other_by_rank() -> None:
    """Twelve values are few, thirteen are not; what has no distribution has ranks alone."""
    rank = (np.arange(1000) + 0.5) / 1000
    steps = {"twelve": 12, "thirteen": 13}
    problem = SimpleNamespace(
        names=("twelve", "thirteen", "none"),
        quantile=lambda name, at: np.floor(at * steps[name]) if name in steps else None,
    )
    table = sensitivity.sampled_inputs(problem, dict.fromkeys(problem.names, rank))  # type: ignore[arg-type]
    assert np.array_equal(table, np.stack([np.floor(rank * 12), rank, rank], axis=1))


@pytest.mark.closed_form
def test_refinement_is_faster_than_halving() -> None:
    """Halving to 1e-12 takes 40 rounds; inverse quadratic interpolation a quarter of that on smooth functions."""
    for function, root in (
        (lambda x, _: x**3 - 2.0, 2.0 ** (1.0 / 3.0)),
        (lambda x, _: np.exp(x) - 3.0, np.log(3.0)),
        (lambda x, _: np.cos(x), np.pi / 2.0),
    ):
        rounds: list[int] = []

        def counted(x, draw, function=function, rounds=rounds):
            rounds.append(x.size)
            return function(x, draw)

        low, high = np.zeros(1), np.full(1, 2.0)
        draw = np.zeros(1, dtype=int)
        found, left = roots.refine(counted, low, high, function(low, draw), function(high, draw), draw)
        assert float(found[0]) == pytest.approx(root, abs=1e-11)
        assert abs(float(left[0])) < 1e-9
        assert len(rounds) <= 12


@pytest.mark.contract
def test_a_description_of_a_store_has_64_mebibytes_at_most(tmp_path: Path) -> None:
    longest = 64 * 1024 * 1024
    assert longest == store_files.MAX_DESCRIPTION_BYTES
    assert (store_files.DIGEST_BYTES, store_files.CODING_ROOM) == (256 // 8, 64 * 1024)
    file = tmp_path / "zarr.json"
    store_files.check_file(file, longest)  # absent: said elsewhere
    file.touch()
    for size, refused in ((longest, False), (longest + 1, True)):
        with file.open("r+b") as opened:
            opened.truncate(size)
        if refused:
            with pytest.raises(ValueError, match="67,108,865 bytes; at most 67,108,864"):
                store_files.check_file(file, longest)
        else:
            store_files.check_file(file, longest)


@pytest.mark.contract
def test_what_is_dropped_is_counted() -> None:
    x = np.random.default_rng(0).random((200, 1))
    y = 2.0 * x[:, 0]
    assert given_data.given_data_indices(x, y).dropped == 0
    y[[3, 50, 120]] = np.nan
    found = given_data.given_data_indices(x, y, on_nonfinite="drop")
    assert (found.dropped, found.draws, found.outputs, found.names) == (3, 197, ("output1",), ("x1",))
    with pytest.raises(DomainError, match="11 draws are too few for 3 bins"):
        given_data.given_data_indices(x[:11], y[4:15], bins=3)
    assert given_data.given_data_indices(x[:12], 2.0 * x[:12, 0], bins=3).bins == 3


@pytest.mark.contract
def test_what_functions_take_where_nothing_is_given() -> None:
    found = default_numbers("analysis")
    assert found.pop("by_elasticity.elasticity_range") == {"elasticities": by_elasticity.ELASTICITIES, "draws": 1000}
    assert found == {
        "assimilation.consistent_draws": {"draws": 4000, "rounds": 8},
        "backtesting.backtest": {"level": 0.8, "draws": 20_000},
        "breakeven.break_even": {"points": 129},
        "breakeven.break_even_frontier": {"points": 65},
        "breakeven.break_even_distribution": {"draws": 1000, "points": 33},
        "calibration.fit": {"starts": 12, "polish": 4, "max_steps": 100},
        "comparison.compare": {"draws": 1000},
        "comparison.waterfall": {"draws": 0, "permutations": 64},
        "ensemble.collect": {"width": 8192},
        "evidence.evidence_shares": {"base_points": 2048, "replicates": 8, "level": 0.95},
        "given_data.given_data_indices": {"level": 0.95},
        "morris.morris_sample": {"paths": 20, "levels": 4},
        "morris.morris_effects": {"level": 0.95},
        "one_at_a_time.tornado": {"ranks": (0.1, 0.9), "draws": 4096},
        "one_at_a_time.elasticities": {"step": 0.01},
        "roots.scan_roots": {"draws": 1, "relative": 1e-12},
        "roots.refine": {"relative": 1e-12},
        "scores.coverage": {"level": 0.8},
        "sensitivity.sobol_study": {"base_points": 1024, "replicates": 1, "level": 0.95},
        "sensitivity.morris_study": {"paths": 20, "levels": 4, "level": 0.95},
        "sensitivity.given_data_study": {"draws": 4096, "level": 0.95},
        "sensitivity.first_order_of": {"level": 0.95},
        "sobol.sobol_indices": {"level": 0.95, "resamples": 1000, "rng": 0},
        "weights.weighted_ensemble": {"discrepancy": 0.35, "minimum": 50.0},
    }


@pytest.mark.closed_form
def test_intervals_of_five_base_points_by_hand() -> None:
    """A normal interval at 95 %: 1.95996 standard deviations over the root of one less than the points."""
    own = np.array([[[1.0, -1.0, 2.0, -2.0, 0.0], [1.0, 1.0, -1.0, -1.0, 0.0]]])  # one output, two groups
    whole = 2.0 * own
    moments = SimpleNamespace(influence=lambda first, total: (own, whole))
    first, total = np.array([[0.5], [0.2]]), np.array([[0.6], [0.3]])
    wide_first, wide_total, wide_sum = sobol._asymptotic(moments, first, total, 0.95)  # type: ignore[arg-type]
    z = 1.959963984540054 / 2.0
    spread = np.sqrt([2.0, 0.8])
    assert np.allclose(wide_first[1, :, 0] - first[:, 0], z * spread, rtol=1e-12)
    assert np.allclose(total[:, 0] - wide_total[0, :, 0], 2.0 * z * spread, rtol=1e-12)
    both = np.array([2.0, 0.0, 1.0, -3.0, 0.0])  # the groups together, at each point
    assert np.allclose(wide_sum[:, 0], 0.7 + np.array([-1.0, 1.0]) * z * both.std(), rtol=1e-12)


@pytest.mark.closed_form
def test_a_root_that_is_hit_is_returned_at_once() -> None:
    calls: list[float] = []

    def line(x, draw):
        calls.append(float(x[0]))
        return x - 0.5

    found, left = roots.refine(line, np.zeros(1), np.ones(1), np.full(1, -0.5), np.full(1, 0.5), np.zeros(1, dtype=int))
    assert (float(found[0]), float(left[0]), calls) == (0.5, 0.0, [0.5])
