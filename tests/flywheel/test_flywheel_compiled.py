"""The compiled engine against NumPy: the same step and figures, and equal bits for every split of draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import costmodel
from costmodel.analysis.breakeven import break_even
from costmodel.analysis.ensemble import run_ensemble
from costmodel.analysis.problem import as_problem
from costmodel.flywheel import compiled
from costmodel.flywheel.simulate import Run, first_draw, run_resolved, simulate
from costmodel.flywheel.traced_run import structure
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation import engines
from costmodel.foundation.arrays import quiet
from costmodel.foundation.design import Design
from costmodel.foundation.errors import DomainError, MissingExtraError, NonFiniteResultError
from costmodel.foundation.units import HOURS_PER_YEAR

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.peer
DRAWS = 203
"""Number of draws that is not a multiple of the draws in a vector."""


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("code")
        patch.setenv("COSTMODEL_CACHE", str(folder))
        yield folder


def agree(fast: Trajectory, plain: Trajectory) -> None:
    for name, spec in plain.outputs().items():
        got, wanted = np.asarray(fast[name], dtype=float), np.asarray(plain[name], dtype=float)
        scale = np.asarray(_scale(plain, name, wanted))
        assert got.shape == wanted.shape, name
        largest = float(np.nanmax(np.abs(scale), initial=0.0)) if np.isfinite(scale).any() else 0.0
        np.testing.assert_allclose(got, wanted, rtol=0.0, atol=1e-12 * largest, err_msg=f"{name} {spec.dims}")


def _scale(run: Trajectory, name: str, values: Any) -> Any:
    """Return the values, or what they are differences of, where these may cancel: rents, and power against sites."""
    if name == "left_by_operator":
        return run.units_by_operator
    if name != "net_rents":
        return values
    return np.asarray(run.rental_price)[:, None] * run.capacity_by_operator * HOURS_PER_YEAR * run.scenario.grid.length


@pytest.mark.parametrize("name", ["bond-flywheel", "capex-2026-meta", "industry-five"])
def test_a_scenario_is_that_of_numpy(name: str) -> None:
    """For scenarios of one operator, of a company with its plan and money, and of five operators."""
    scenario = costmodel.load_scenario(name)
    for options in ({}, {"draws": DRAWS, "rng": 1}):
        agree(simulate(scenario, engine="compiled", **options), simulate(scenario, engine="numpy", **options))


def _ready(draws: int) -> tuple[Any, int]:
    """Return a run bound to its code, and the draws in a vector."""
    scenario = costmodel.load_scenario("bond-flywheel")
    with quiet():
        resolved = scenario.resolve(Design.random(scenario, draws, 0))
        return compiled.bound(Run.start(resolved), Run.start(first_draw(resolved)), draws, None), compiled.machine()[2]


@pytest.mark.parametrize("group", [1, 7])
def test_bits_do_not_depend_on_how_draws_are_split(group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, width = _ready(DRAWS)
    vectors = -(-DRAWS // width)
    whole.take(0, vectors, width)
    parts, _ = _ready(DRAWS)
    monkeypatch.setattr(compiled, "GROUP", group)
    with ThreadPoolExecutor(2) as pool:
        cut = vectors // 3
        for begin, count in ((0, cut), (cut, 1), (cut + 1, vectors - cut - 1)):
            pool.submit(parts.take, begin * width, count, width).result()
    for name, array in whole.outputs.items():
        np.testing.assert_array_equal(parts.outputs[name], array, err_msg=name)


def test_the_first_draws_of_a_design_are_those_of_a_longer_one() -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    few, many = (simulate(scenario, draws=draws, rng=3, engine="compiled") for draws in (5, 40))
    np.testing.assert_array_equal(few.user_spend, many.user_spend[:, :5])
    np.testing.assert_array_equal(few.cash, many.cash[..., :5])


def test_an_ensemble_stores_what_is_asked_for_alone() -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    outputs = ["user_spend@2030", "capex@2027", "loop_gain"]
    kept = {"exact": ("user_spend@2030", "capex@2027"), "draws": 100, "rng": 0}
    fast, plain = (run_ensemble(scenario, outputs, engine=engine, **kept) for engine in ("compiled", "numpy"))
    whole = simulate(scenario, draws=100, rng=0)
    for name, year in (("user_spend", 2030), ("capex", 2027)):
        years, values = whole.by_year(name)
        np.testing.assert_array_equal(plain.kept_draws(f"{name}@{year}"), values[years.index(year)])
        np.testing.assert_allclose(fast.kept_draws(f"{name}@{year}"), values[years.index(year)], rtol=1e-11)
    with engines.using("compiled", frozenset({"rental_price"})), quiet():
        result = costmodel.flywheel.simulate.run_resolved(scenario.resolve(Design.random(scenario, 16, 0)))
    assert np.isfinite(result.rental_price).all() and np.isnan(result.cash).all()


def test_code_is_made_once_and_read_from_disk_after(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    first = simulate(scenario, engine="compiled")
    monkeypatch.setattr(compiled, "_LOADED", {})
    monkeypatch.setattr(compiled, "code_of", lambda run: pytest.fail("compiled again"))
    assert simulate(scenario, engine="compiled") == first
    changed = scenario.replace({"clearing.max_use": 0.9, "investment.adjustment": 0.8})
    assert not np.array_equal(simulate(changed, engine="compiled").capex, first.capex)
    assert len(list(cache.glob("*.o"))) >= 1


def test_a_run_after_the_first_makes_and_reads_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    simulate(scenario, engine="compiled")
    for name in ("code_of", "_from_disk", "sources", "cache_folder"):
        monkeypatch.setattr(compiled, name, lambda *_, name=name: pytest.fail(f"{name} again"))
    changed = scenario.replace({"clearing.max_use": 0.9})
    agree(simulate(changed, engine="compiled"), simulate(changed, engine="numpy"))


def test_structures_differ_by_shape_and_by_kind_of_setting() -> None:
    held = [("a", np.zeros(3)), ("b", True)]
    assert structure(held) == structure([("a", np.ones(3)), ("b", True)])
    assert len({structure(held), structure([("a", np.zeros(4)), held[1]]), structure([held[0], ("b", 1)])}) == 3


def test_a_break_even_is_compiled_and_that_of_numpy() -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    asked = {"low": 2.0, "high": 2.6, "points": 5}
    found = {
        engine: break_even(scenario, "software.algorithmic_growth", "user_spend@2030 = 1e12", engine=engine, **asked)
        for engine in ("auto", "compiled", "numpy")
    }
    assert found["auto"].roots == found["compiled"].roots
    np.testing.assert_allclose(found["auto"].roots, found["numpy"].roots, rtol=1e-10)
    assert (found["auto"].low_value, found["auto"].high_value) != (found["numpy"].low_value, found["numpy"].high_value)


def test_a_damaged_file_of_code_is_made_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = costmodel.load_scenario("bond-flywheel")
    simulate(scenario, engine="compiled")
    for plan in cache.glob("*.json"):
        plan.write_text("{", encoding="utf-8")
    monkeypatch.setattr(compiled, "_LOADED", {})
    made: list[int] = []
    keep = compiled.code_of
    monkeypatch.setattr(compiled, "code_of", lambda run: made.append(1) or keep(run))
    simulate(scenario, engine="compiled")
    assert made == [1]


@pytest.mark.parametrize("plan", ["{", "{}", "[1]", "3", None])
def test_a_plan_that_cannot_be_read_is_made_anew(plan: str | None, tmp_path: Path, monkeypatch: Any) -> None:
    """Not JSON, JSON without the entries, JSON that is no table, and no file."""
    code = compiled.Code(kinds=[0, 1], inputs=["a|2"], outputs=["b"], size=3)
    monkeypatch.setattr(compiled, "code_of", lambda run: (code, b"machine code"))
    monkeypatch.setattr(compiled, "Loaded", lambda *given: given)
    stem = tmp_path / "flywheel-1"
    stem.with_suffix(".o").write_bytes(b"older")
    if plan is not None:
        stem.with_suffix(".json").write_text(plan, encoding="utf-8")
    assert compiled._from_disk(None, stem) == (code, (b"machine code", "run", 8))
    assert stem.with_suffix(".o").read_bytes() == b"machine code"
    monkeypatch.setattr(compiled, "code_of", lambda run: pytest.fail("made again"))
    assert compiled._from_disk(None, stem) == (code, (b"machine code", "run", 8))


def test_what_a_vector_reads_lies_where_its_row_says() -> None:
    """Two elements of three draws in vectors of four: apart, alike in every draw, and alike without saying so."""
    apart, alike = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([7.0, 8.0])
    same = np.broadcast_to(np.array([[9.0], [10.0]]), (2, 3))
    held, rows = compiled.places([alike, apart, same], [2, 2, 2], 3, 4)
    packed, table = held
    assert packed.tolist() == [7.0] * 4 + [8.0] * 4 + [9.0] * 4 + [10.0] * 4
    assert table.tolist() == [[1.0, 2.0, 3.0, 3.0], [4.0, 5.0, 6.0, 6.0]]
    start = packed.ctypes.data
    assert rows == [(start, 4, 0), (table.ctypes.data, 4, 1), (start + 64, 4, 0)]
    wide, rows = compiled.places([apart], [2], 3, 2)
    assert wide[1].tolist() == [[1.0, 2.0, 3.0, 3.0], [4.0, 5.0, 6.0, 6.0]]
    assert rows == [(wide[1].ctypes.data, 4, 1)]
    whole, rows = compiled.places([apart], [2], 3, 3)
    assert whole[1].tolist() == apart.tolist()
    assert rows == [(whole[1].ctypes.data, 3, 1)]
    by_operator, _ = compiled.places([np.broadcast_to(np.zeros(1), (1, 6))], [2], 3, 4)  # two operators of three draws
    assert by_operator[0].tolist() == [0.0] * 8


def test_what_is_not_finite_is_named_with_step_and_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """With infinite money from the seventh step on, the message names the same series and place as with NumPy."""
    scenario = costmodel.load_scenario("bond-flywheel")
    read = Run.start

    def spoilt(resolved: Any, batch: int | None = None) -> Run:
        run = read(resolved, batch)
        investors = np.array(np.broadcast_to(run.drivers.investors, (len(run.drivers.times), 6)))
        investors[6:, 4:] = np.inf
        run.drivers = dataclasses.replace(run.drivers, investors=investors[:, : run.state.learned.shape[-1]])
        return run

    monkeypatch.setattr(Run, "start", staticmethod(spoilt))
    messages = []
    for engine in ("numpy", "compiled"):
        with pytest.raises(NonFiniteResultError) as error:
            simulate(scenario, draws=6, rng=0, engine=engine)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    assert "in draw 4 (and 1 more)" in messages[0]


def test_a_change_of_useful_life_is_left_to_numpy() -> None:
    shock = {"kind": "book_life", "date": "2025-01-01", "factor": 0.8}
    scenario = costmodel.load_scenario("bond-flywheel")
    form = scenario.written()
    form["shocks"] = [*form.get("shocks", []), shock]
    changed = type(scenario)(**form)
    assert simulate(changed, engine="compiled") == simulate(changed, engine="numpy")


def test_the_engine_is_chosen_by_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    large = engines.COMPILED_FROM
    assert engines.chosen_engine("auto", None) == engines.chosen_engine("auto", large - 1) == "numpy"
    assert engines.chosen_engine("auto", large) == "compiled"
    assert engines.chosen_engine("numpy", large) == "numpy" and engines.chosen_engine("compiled", None) == "compiled"
    with pytest.raises(DomainError, match="'auto', 'numpy', 'compiled'; got 'gpu'"):
        simulate(costmodel.load_scenario("bond-flywheel"), engine="gpu")  # type: ignore[arg-type]
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert engines.chosen_engine("auto", large) == "numpy"
    with pytest.raises(MissingExtraError, match="fast"):
        engines.chosen_engine("compiled", None)


def test_a_study_is_compiled_by_its_number_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, seen = costmodel.load_scenario("bond-flywheel"), []

    def watched(resolved: Any) -> Trajectory:
        seen.append(engines.present_engine())
        return run_resolved(resolved)

    problem = as_problem(scenario, ["user_spend@2030", "capex@2027"], model=watched)
    ranks = Design.random(scenario, DRAWS, 2).ranks()
    plain = problem.at(DRAWS, ranks=ranks)[1]
    monkeypatch.setattr(engines, "COMPILED_FROM", DRAWS)
    fast = problem.at(DRAWS, ranks=ranks)[1]
    problem.at(DRAWS - 1, ranks={name: row[1:] for name, row in ranks.items()})
    assert seen == ["numpy", "compiled", "numpy"]
    np.testing.assert_allclose(fast, plain, rtol=1e-12)
    assert engines.present_engine() == "numpy"
