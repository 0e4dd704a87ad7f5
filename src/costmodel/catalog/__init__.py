"""Sourced records: accelerators, prices, models, training runs, companies, energy.

Every figure has value, unit, source, ``period`` (what it describes), ``known`` (when it was published) and grade.
Tables are files in ``catalog/data``, read on first use::

    from costmodel import catalog

    chip = catalog.accelerator("H100-SXM")
    chip.peak("bf16")  # FLOP/s
    chip.datum("bf16")  # the figure with its source and grade
    catalog.company("Alphabet").annual("capex")[2025].value  # USD
    catalog.as_of("2025-03").company("Alphabet").capex_plan(2025)

Your own records take precedence: add a folder with `use`, or with `extended` to one catalog, or write a table in a
scenario.
"""

from __future__ import annotations

from costmodel.catalog.access import Catalog
from costmodel.catalog.named_records import PRECISIONS, Accelerator, Company, TokenPrice, TrainingRun
from costmodel.catalog.own import use
from costmodel.catalog.records import NOT_RECORDED, Datum, Record

_whole = Catalog()

extended = _whole.extended
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
server = _whole.server
architecture = _whole.architecture
training_run = _whole.training_run
cost_case = _whole.cost_case
published_cost = _whole.published_cost
cost_method = _whole.cost_method
training_layout = _whole.training_layout
scaling_fit = _whole.scaling_fit
throughput = _whole.throughput
company = _whole.company
useful_life_changes = _whole.useful_life_changes
facility = _whole.facility
electricity = _whole.electricity
pue = _whole.pue
price_index = _whole.price_index
token_price = _whole.token_price
token_volume = _whole.token_volume
users = _whole.users
elasticity = _whole.elasticity
multiplier = _whole.multiplier
agent_network = _whole.agent_network
trend = _whole.trend
learning_rate = _whole.learning_rate
reliability = _whole.reliability
lead_time = _whole.lead_time
tax = _whole.tax
ceiling = _whole.ceiling
claim = _whole.claim
default = _whole.default
serving_system = _whole.serving_system
rental = _whole.rental
sandbox = _whole.sandbox
discovery_run = _whole.discovery_run
development = _whole.development
packaged_token_price = _whole.packaged_token_price

__all__ = [
    "NOT_RECORDED",
    "PRECISIONS",
    "Accelerator",
    "Catalog",
    "Company",
    "Datum",
    "Record",
    "TokenPrice",
    "TrainingRun",
    "accelerator",
    "accelerator_hour",
    "accelerator_price",
    "agent_network",
    "architecture",
    "as_of",
    "ceiling",
    "claim",
    "company",
    "conflicts",
    "cost_case",
    "cost_method",
    "default",
    "development",
    "discovery_run",
    "elasticity",
    "electricity",
    "extended",
    "facility",
    "installed_base",
    "lead_time",
    "learning_rate",
    "multiplier",
    "names",
    "packaged_token_price",
    "price_index",
    "published_cost",
    "pue",
    "record",
    "reliability",
    "rental",
    "sandbox",
    "scaling_fit",
    "search",
    "server",
    "serving_system",
    "source",
    "table",
    "tables",
    "tax",
    "throughput",
    "to_frame",
    "token_price",
    "token_volume",
    "training_layout",
    "training_run",
    "trend",
    "use",
    "useful_life_changes",
    "users",
]
