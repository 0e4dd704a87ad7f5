"""Carbon and water of electricity by country, state or cloud region, from data that other packages ship.

ecologits (0.8 and later) carries carbon, and water used in generation, by country: life-cycle figures of ADEME's
Base Empreinte and Our World in Data. codecarbon (3.0 and later) carries carbon by country (Our World in Data), by US
state (EPA eGRID 2023) and by Google Cloud region (Google). Neither package is imported: only their files are read.
Both come with the extra ``carbon``.

**Location or market.** These are *location-based* figures: what the grid at a place emits. A *market-based* figure
follows from contracts (certificates, power purchase agreements) that no table holds: give it as an input.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from costmodel.foundation.errors import CatalogError, missing_extra, near_matches
from costmodel.foundation.provenance import Grade

GRAMS_PER_KG = 1e3
WH_PER_KWH = 1e3
GRAMS_PER_POUND = 453.59237
"""Exact by the international definition of the pound [g]."""
WH_PER_MWH = 1e6


@dataclass(frozen=True, slots=True)
class Electricity:
    """Greenhouse gases and water of a watt-hour at a place.

    Parameters
    ----------
    region
        The place, as it was requested.
    carbon
        Greenhouse gases as CO2 [g/Wh].
    water
        Water evaporated in generation [L/Wh]; None where the data have none.
    year
        Year that the figure describes; None where the data do not say.
    source, link
        Title and address of the source.
    grade
        Strength of the evidence.
    """

    region: str
    carbon: float
    water: float | None
    year: int | None
    source: str
    link: str
    grade: Grade = Grade.SECONDARY


def electricity(region: str) -> Electricity:
    """Return carbon and water of electricity at a place.

    Parameters
    ----------
    region
        A country by its ISO 3166 code of three letters (``FRA``), ``WOR`` for the world; a US state as ``US-TX``;
        a Google Cloud region as ``gcp:us-west4``.

    Returns
    -------
    Electricity
        Location-based; for a country that both packages know, the life-cycle figure of ecologits.

    Raises
    ------
    MissingExtraError
        If the packages with the data are not installed.
    CatalogError
        If the place is in none of the data; near matches are in the message.

    Examples
    --------
    >>> from importlib.util import find_spec
    >>> find_spec("ecologits") is None or electricity("FRA").carbon < electricity("POL").carbon  # nuclear, coal
    True
    """
    if region.startswith("gcp:"):
        table = _cloud_regions()
    elif region.startswith("US-"):
        table = _states()
    else:
        table = {**_countries_of_codecarbon(), **_countries_of_ecologits()}
    if not table:
        raise missing_extra("carbon", f"carbon of electricity at {region!r}")
    if region not in table:
        raise CatalogError(f"no electricity is recorded for {region!r}{near_matches(region, table)}")
    return table[region]


def _file(package: str, path: str) -> tuple[bytes, str] | None:
    """Return a data file of an installed package and the package's version; None where it is not installed."""
    try:
        installed = distribution(package)
    except PackageNotFoundError:
        return None
    try:
        return Path(str(installed.locate_file(path))).read_bytes(), installed.version
    except OSError as error:
        raise CatalogError(f"{package} {installed.version} has no readable {path}: {error.strerror}") from None


def _json(package: str, path: str) -> tuple[Any, str] | None:
    found = _file(package, path)
    if found is None:
        return None
    try:
        return json.loads(found[0].decode("utf-8")), found[1]
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{package} {found[1]}: {path} is not JSON: {error}") from None


@cache
def _countries_of_ecologits() -> dict[str, Electricity]:
    found = _json("ecologits", "ecologits/data/electricity_mixes.json")
    if found is None:
        return {}
    rows, version = found[0]["electricity_mixes"], found[1]
    return {
        row["name"]: Electricity(
            row["name"],
            float(row["gwp"]) * GRAMS_PER_KG / WH_PER_KWH,
            None if row.get("wue") is None else float(row["wue"]) / WH_PER_KWH,
            None,
            f"ecologits {version}, electricity mixes",
            "https://ecologits.ai",
            Grade.SECONDARY,
        )
        for row in rows
    }


@cache
def _countries_of_codecarbon() -> dict[str, Electricity]:
    found = _json("codecarbon", "codecarbon/data/private_infra/global_energy_mix.json")
    if found is None:
        return {}
    return {
        code: Electricity(
            code,
            float(row["carbon_intensity"]) / WH_PER_KWH,
            None,
            int(row["year"]),
            f"codecarbon {found[1]}, Our World in Data",
            "https://ourworldindata.org/electricity-mix",
        )
        for code, row in found[0].items()
        if isinstance(row, dict) and row.get("carbon_intensity") is not None
    }


@cache
def _states() -> dict[str, Electricity]:
    found = _json("codecarbon", "codecarbon/data/private_infra/2023/usa_emissions.json")
    if found is None:
        return {}
    return {
        f"US-{row['regionCode'].upper()}": Electricity(
            f"US-{row['regionCode'].upper()}",
            float(row["emissions"]) * GRAMS_PER_POUND / WH_PER_MWH,
            None,
            2023,
            f"codecarbon {found[1]}, EPA eGRID2023, output emission rate",
            "https://www.epa.gov/egrid",
        )
        for name, row in found[0].items()
        if not name.startswith("_")
    }


@cache
def _cloud_regions() -> dict[str, Electricity]:
    found = _file("codecarbon", "codecarbon/data/cloud/impact.csv")
    if found is None:
        return {}
    rows = csv.DictReader(io.StringIO(found[0].decode("utf-8-sig")))
    return {
        f"{row['provider']}:{row['region']}": Electricity(
            f"{row['provider']}:{row['region']}",
            float(row["impact"]) / WH_PER_KWH,
            None,
            None,
            f"codecarbon {found[1]}, {row['providerName']}",
            row["source"],
        )
        for row in rows
        if row["impact"]
    }
