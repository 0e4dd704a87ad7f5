"""costmodel: the economics of AI compute.

What does this run, this token, this accelerator-hour cost? Does user spend rise as unit cost falls, why, and who pays?

>>> import costmodel
>>> result = costmodel.run("bond-flywheel")
>>> result.user_spend.shape
(32,)

Start with :func:`scenario_names`, :func:`load_scenario`, :func:`describe`, :func:`run`. Studies of any scenario:
:func:`run_ensemble`, :func:`sensitivity`, :func:`break_even`, :func:`compare`, :func:`backtest`. The packages
behind them are attributes: ``costmodel.catalog``, ``costmodel.compute``, ``costmodel.training``, ``costmodel.serving``,
``costmodel.ownership``, ``costmodel.market``, ``costmodel.flywheel``, ``costmodel.analysis`` and others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.foundation.lazy import attach
from costmodel.foundation.version import VERSION

if TYPE_CHECKING:
    from costmodel.analysis.backtesting import backtest
    from costmodel.analysis.breakeven import break_even
    from costmodel.analysis.comparison import compare
    from costmodel.analysis.ensemble import run_ensemble
    from costmodel.analysis.studies import sensitivity
    from costmodel.entry import describe, load_result, load_scenario, run, scenario_names, simulate
    from costmodel.foundation.design import Design
    from costmodel.foundation.distributions import Distribution
    from costmodel.foundation.errors import CostModelError, CostModelWarning
    from costmodel.foundation.inputs import Inputs, parameter
    from costmodel.foundation.results import Result, derived, output
    from costmodel.foundation.scenario import Scenario, register_model
    from costmodel.foundation.schedules import Schedule

__all__ = [
    "CostModelError",
    "CostModelWarning",
    "Design",
    "Distribution",
    "Inputs",
    "Result",
    "Scenario",
    "Schedule",
    "__version__",
    "backtest",
    "break_even",
    "compare",
    "derived",
    "describe",
    "load_result",
    "load_scenario",
    "output",
    "parameter",
    "register_model",
    "run",
    "run_ensemble",
    "scenario_names",
    "sensitivity",
    "simulate",
]

_ROOMS = (
    "analysis",
    "answers",
    "catalog",
    "compute",
    "estimation",
    "explorer",
    "flywheel",
    "formats",
    "foundation",
    "market",
    "ownership",
    "reporting",
    "serving",
    "studies",
    "testing",
    "training",
    "validation",
)

__version__ = VERSION
__getattr__, __dir__ = attach(__name__, _ROOMS)
