"""Stored yearly figures of the built-in flywheels: a change that moves one fails here, and goes into the changelog."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.analysis.targets import Selector
from costmodel.entry import load_scenario
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.trajectory import Trajectory

pytestmark = pytest.mark.regression


@pytest.mark.parametrize("name", ["bond-flywheel", "from-2026", "capex-2026-meta"])
def test_yearly_figures_are_those_stored(name: str, regression_store) -> None:
    run = simulate(load_scenario(name))
    chosen = [text for text in Trajectory.ENSEMBLE_OUTPUTS if "@" in text]
    values = {
        text.removesuffix("@*"): np.array([row[0] for row in Selector.parse(text).select(run, 1)[1]]) for text in chosen
    }
    regression_store.check(f"flywheel-{name}", values, rtol=1e-9)
