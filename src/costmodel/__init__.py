"""costmodel: the economics of AI compute.

What does this run, this token, this accelerator-hour cost? Does user spend rise as unit cost falls, why, and who pays?

>>> import costmodel
>>> scenario = costmodel.load_scenario("bond-flywheel")
>>> result = costmodel.simulate(scenario)
>>> result.user_spend.shape
(32,)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costmodel.entry import load_result, load_scenario, run, scenario_names, simulate
    from costmodel.foundation.design import Design
    from costmodel.foundation.distributions import Distribution
    from costmodel.foundation.errors import CostModelError
    from costmodel.foundation.results import Result
    from costmodel.foundation.scenario import Scenario
    from costmodel.foundation.schedules import Schedule

    __version__: str

_HOME = {
    "CostModelError": "costmodel.foundation.errors",
    "Design": "costmodel.foundation.design",
    "Distribution": "costmodel.foundation.distributions",
    "Result": "costmodel.foundation.results",
    "Scenario": "costmodel.foundation.scenario",
    "Schedule": "costmodel.foundation.schedules",
    "load_result": "costmodel.entry",
    "load_scenario": "costmodel.entry",
    "run": "costmodel.entry",
    "scenario_names": "costmodel.entry",
    "simulate": "costmodel.entry",
}

__all__ = [
    "CostModelError",
    "Design",
    "Distribution",
    "Result",
    "Scenario",
    "Schedule",
    "__version__",
    "load_result",
    "load_scenario",
    "run",
    "scenario_names",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Load an exported name when it is first used, so that importing the package stays light."""
    if name == "__version__":
        from costmodel.foundation.version import VERSION

        return VERSION
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'costmodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
