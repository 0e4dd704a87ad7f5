"""Each method of the catalog that returns a named record, against the table that its own name says."""

from __future__ import annotations

import inspect

import pytest

from costmodel.catalog import Catalog
from costmodel.catalog.named_records import Accelerator, Company, TokenPrice, TrainingRun
from costmodel.catalog.records import Record
from costmodel.foundation.errors import CatalogError

pytestmark = pytest.mark.contract

TABLES = {
    "accelerator": ("accelerators", Accelerator),
    "company": ("companies", Company),
    "token_price": ("token_prices", TokenPrice),
    "training_run": ("training_runs", TrainingRun),
    "cost_method": ("cost_method", Record),
    "development": ("development", Record),
    "electricity": ("electricity", Record),
    "elasticity": ("elasticities", Record),
    "facility": ("facilities", Record),
    "installed_base": ("installed_base", Record),
    "price_index": ("price_indices", Record),
    "pue": ("pue", Record),
    "reliability": ("reliability", Record),
    "sandbox": ("sandboxes", Record),
    "tax": ("tax", Record),
    "throughput": ("throughput", Record),
    "users": ("users", Record),
}
"""Table and type of the records by method; other methods carry the table's name without its last letter."""


def accessors() -> list[str]:
    """Return the methods of `Catalog` itself whose one argument is a record's name."""
    own = [(name, value) for name, value in vars(Catalog).items() if inspect.isfunction(value)]
    return [
        name for name, value in own if len(inspect.signature(value).parameters) == 2 and name != "useful_life_changes"
    ]


@pytest.mark.parametrize("method", accessors())
def test_a_method_reads_the_table_of_its_name(method: str) -> None:
    catalog = Catalog()
    table, kind = TABLES.get(method, (f"{method}s", Record))
    name = catalog.names(table)[0]
    found = getattr(catalog, method)(name)
    assert type(found) is kind
    assert found.data == catalog.record(table, name).data
    assert found.name == name


@pytest.mark.parametrize("method", accessors())
def test_a_method_refuses_a_name_that_its_table_lacks(method: str) -> None:
    with pytest.raises(CatalogError, match="no such record"):
        getattr(Catalog(), method)("no such record")
