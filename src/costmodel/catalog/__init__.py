"""Sourced records: accelerators, prices, models, training runs, companies, energy.

Every figure has value, unit, source, ``period`` (what it describes), ``known`` (when it was published) and grade.
Tables are files in ``catalog/data``, read on first use::

    from costmodel import catalog

    chip = catalog.accelerator("H100-SXM")
    chip.peak("bf16")  # FLOP/s
    chip.datum("bf16")  # the figure with its source and grade
    catalog.company("Alphabet").annual("capex")[2025].value  # USD
    catalog.as_of("2025-03").company("Alphabet").capex_plan(2025)
"""

from __future__ import annotations

from costmodel.catalog.library import Catalog
from costmodel.catalog.records import NOT_RECORDED, Datum, Record
from costmodel.catalog.things import PRECISIONS, Accelerator, Company, TrainingRun

_whole = Catalog()

as_of = _whole.as_of
tables = _whole.tables
table = _whole.table
names = _whole.names
record = _whole.record
source = _whole.source
search = _whole.search
conflicts = _whole.conflicts
to_frame = _whole.to_frame
accelerator = _whole.accelerator
accelerator_price = _whole.accelerator_price
accelerator_hour = _whole.accelerator_hour
installed_base = _whole.installed_base
architecture = _whole.architecture
training_run = _whole.training_run
cost_case = _whole.cost_case
published_cost = _whole.published_cost
scaling_fit = _whole.scaling_fit
throughput = _whole.throughput
company = _whole.company
useful_life_changes = _whole.useful_life_changes
facility = _whole.facility
electricity = _whole.electricity
pue = _whole.pue
price_index = _whole.price_index

__all__ = [
    "NOT_RECORDED",
    "PRECISIONS",
    "Accelerator",
    "Catalog",
    "Company",
    "Datum",
    "Record",
    "TrainingRun",
    "accelerator",
    "accelerator_hour",
    "accelerator_price",
    "architecture",
    "as_of",
    "company",
    "conflicts",
    "cost_case",
    "electricity",
    "facility",
    "installed_base",
    "names",
    "price_index",
    "published_cost",
    "pue",
    "record",
    "scaling_fit",
    "search",
    "source",
    "table",
    "tables",
    "throughput",
    "to_frame",
    "training_run",
    "useful_life_changes",
]
