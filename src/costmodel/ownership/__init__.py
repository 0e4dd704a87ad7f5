"""Cost of owning compute: depreciation, fleets, sites, finance.

Formulas are in the module of their subject: `depreciation`, `macrs`, `rent`, `fleet`, `energy`, `site`,
`finance`, `contracts`, `tax`, `company`. The objects below are imported when they are first used.

Examples
--------
>>> from costmodel.ownership import BookTerms, Fleet
>>> Fleet(step=0.25, steps=4, books={"servers": BookTerms(life=5.0)}, lag=0.4).rows
('units', 'servers')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.foundation.lazy import attach

if TYPE_CHECKING:
    from costmodel.ownership.accelerator_hour import AcceleratorHour, AcceleratorHourResult, from_catalog
    from costmodel.ownership.books import BookSchedule
    from costmodel.ownership.company import LifePolicy, useful_life_effect
    from costmodel.ownership.filings import FiledBalance, filed_balance, opening_of
    from costmodel.ownership.finance import irr, npv, payback
    from costmodel.ownership.fleet import BookTerms, Fleet, FleetStep, Opening, OpeningBook
    from costmodel.ownership.loans import Loans
    from costmodel.ownership.macrs import macrs_rates
    from costmodel.ownership.project import Project, ProjectResult
    from costmodel.ownership.rent import required_rent
    from costmodel.ownership.site import Cooling, Site
    from costmodel.ownership.tax import bonus_share

__all__ = [
    "AcceleratorHour",
    "AcceleratorHourResult",
    "BookSchedule",
    "BookTerms",
    "Cooling",
    "FiledBalance",
    "Fleet",
    "FleetStep",
    "LifePolicy",
    "Loans",
    "Opening",
    "OpeningBook",
    "Project",
    "ProjectResult",
    "Site",
    "bonus_share",
    "filed_balance",
    "from_catalog",
    "irr",
    "macrs_rates",
    "npv",
    "opening_of",
    "payback",
    "required_rent",
    "useful_life_effect",
]

__getattr__, __dir__ = attach(__name__)
