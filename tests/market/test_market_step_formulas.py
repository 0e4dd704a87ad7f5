"""The formulas that a step function calls compile unchanged; arrays, scalars and draws agree."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.foundation.arrays import FORMULAS, STEP_FORMULAS
from costmodel.testing.market import STRATEGIES

ROOM = sorted(name for name in FORMULAS if name.startswith("costmodel.market."))
STEP = sorted(name for name in STEP_FORMULAS if name.startswith("costmodel.market."))


@pytest.mark.contract
def test_every_formula_of_the_room_has_a_strategy_for_every_argument():
    assert set(STRATEGIES) == {name for name in FORMULAS if name.startswith("costmodel.market.")}
    for name, arguments in STRATEGIES.items():
        assert set(arguments) == set(inspect.signature(FORMULAS[name]).parameters)


@pytest.mark.law
@pytest.mark.parametrize("name", ROOM)
def test_slice_of_an_ensemble_is_the_scalar_run(name):
    formula, arguments = FORMULAS[name], STRATEGIES[name]
    draws = st.lists(st.tuples(*arguments.values()), min_size=1, max_size=5)

    @given(rows=draws)
    def check(rows):
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        together = formula(*columns)
        for index, row in enumerate(rows):
            alone = formula(*row)
            assert np.isfinite(alone)
            assert not isinstance(alone, np.ndarray)
            assert together[index] == alone

    check()


@pytest.mark.peer
@pytest.mark.parametrize("name", STEP)
def test_step_formulas_compile_under_numba_unchanged(name):
    numba = pytest.importorskip("numba")
    compiled = numba.njit(FORMULAS[name])
    arguments = [0.3 + 0.1 * index for index in range(len(STRATEGIES[name]))]
    assert compiled(*arguments) == pytest.approx(float(FORMULAS[name](*arguments)), rel=1e-13)
    ones = [1.0] * len(arguments)
    assert compiled(*ones) == pytest.approx(float(FORMULAS[name](*ones)), rel=1e-13)
