"""The kernel of ``benchmarks/limit``, written by hand, gives the library's numbers; else it would be no limit."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import costmodel
from costmodel.flywheel.simulate import Run
from costmodel.foundation.arrays import quiet
from costmodel.foundation.design import Design

_PLACE = Path(__file__).parents[2] / "benchmarks" / "limit" / "hand.py"
_SPEC = importlib.util.spec_from_file_location("limit_by_hand", _PLACE)
hand = sys.modules["limit_by_hand"] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hand)

DRAWS = 192
pytestmark = pytest.mark.skipif(hand.compiler() is None, reason="needs g++")


@pytest.fixture(scope="module")
def opened():
    scenario = costmodel.load_scenario("bond-flywheel")
    design = Design.random(scenario, DRAWS, 7)
    result = costmodel.simulate(scenario, design=design, engine="numpy")
    with quiet():
        run = Run.start(scenario.resolve(design))
    return run, result


@pytest.mark.peer
def test_every_stored_series_equals_numpy(opened):
    run, result = opened
    own = hand.bound(run, DRAWS)
    own.take(group=5)
    reference = {name: np.asarray(result[name]) for name in result.outputs() if name in own.outputs}
    assert len(own.outputs) == len(reference) == 93
    # early retirement, credit and premiums take part
    for name in ("left_by_operator", "borrowed", "chip_premium", "impairments_by_class", "rescue"):
        assert (reference[name] > 0.0).any(), name
    gaps = hand.differences(own.outputs, reference)
    assert max(gaps.values()) < 1e-9, max(gaps, key=gaps.__getitem__)
    assert (own.outputs["bound_held"] == reference["bound_held"]).all()


@pytest.mark.peer
def test_sums_are_those_of_the_series(opened):
    run, result = opened
    names = ("tokens_served", "cash", "rental_price")
    own = hand.bound(run, DRAWS, names, streamed=True)
    own.take()
    assert set(own.outputs) == set(names)
    for name in names:
        values = np.asarray(result[name])
        lanes = own.outputs[name].reshape(*values.shape[:-1], 2, hand.LANES).sum(axis=-1)
        np.testing.assert_allclose(lanes[..., 0], values.sum(axis=-1), rtol=1e-9)
        np.testing.assert_allclose(lanes[..., 1], (values * values).sum(axis=-1), rtol=1e-9)


@pytest.mark.contract
def test_other_scenarios_are_refused():
    scenario = costmodel.load_scenario("industry-five")
    with quiet():
        run = Run.start(scenario.resolve(Design.random(scenario, 8, 0)))
    with pytest.raises(ValueError, match="written for bond-flywheel; it needs one operator"):
        hand.bound(run, 8)
