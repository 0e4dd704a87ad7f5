"""What it costs to own compute: depreciation, fleets, sites, finance.

Formulas live in the module named after the thing: `depreciation`, `macrs`, `rent`, `fleet`, `energy`, `site`,
`finance`, `contracts`, `tax`, `company`. The objects below are imported when they are first used.

Examples
--------
>>> from costmodel.ownership import BookTerms, Fleet
>>> Fleet(step=0.25, steps=4, books={"servers": BookTerms(life=5.0)}, lag=0.4).rows
('units', 'servers')
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "AcceleratorHour": "accelerator_hour",
    "AcceleratorHourResult": "accelerator_hour",
    "BookSchedule": "books",
    "BookTerms": "fleet",
    "Cooling": "site",
    "FiledBalance": "filings",
    "Fleet": "fleet",
    "FleetStep": "fleet",
    "LifePolicy": "company",
    "Loans": "loans",
    "Opening": "fleet",
    "OpeningBook": "fleet",
    "Project": "project",
    "ProjectResult": "project",
    "Site": "site",
    "bonus_share": "tax",
    "filed_balance": "filings",
    "from_catalog": "accelerator_hour",
    "irr": "finance",
    "macrs_rates": "macrs",
    "npv": "finance",
    "opening_of": "filings",
    "payback": "finance",
    "required_rent": "rent",
    "useful_life_effect": "company",
}
"""The module of this package that holds each name."""

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a name from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return every public name."""
    return [*globals(), *_HOMES]
