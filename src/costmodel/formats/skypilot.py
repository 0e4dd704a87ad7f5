"""SkyPilot's price lists of machines, ``vms.csv``: on demand and spot, by region.

**Versions.** Catalogues v5 to v8 (``catalogs/v7/CLOUD/vms.csv``), whose columns include ``InstanceType``,
``AcceleratorName``, ``AcceleratorCount``, ``Price``, ``SpotPrice`` and ``Region``. Lists that lack one are refused
by its name. A list says nothing of its date or its cloud: the caller knows both. Prices are in USD an hour of the
machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from costmodel.formats.tables import Block, Unread, read_blocks
from costmodel.foundation.errors import ScenarioError

REQUIRED = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "SpotPrice", "Region")
"""Columns that every version has that is read."""
MOST = 1e4
"""Highest price of a machine-hour that is accepted [USD/hour]."""
LEAST = 1e-3
"""Least part of an accelerator that a machine has, if it has any [1]."""


@dataclass(frozen=True, slots=True)
class MachineOffer:
    """Price of an accelerator-hour of a machine in a region.

    Parameters
    ----------
    machine, region
        Type of the machine, and where; a zone counts as a region of its own.
    accelerator
        As the list names it, such as ``H100`` or ``A100-80GB``.
    accelerators
        Accelerators of the machine, above 0; a fraction where it has a part of one [1].
    price, spot
        On demand and on spot, per accelerator [USD/hour]; NaN where it is not offered so.
    """

    machine: str
    region: str
    accelerator: str
    accelerators: float
    price: float
    spot: float


def read(source: str | Path, unread: Unread | None = None) -> tuple[MachineOffer, ...]:
    r"""Read the machines with accelerators of a price list.

    Parameters
    ----------
    source
        Path of the list.
    unread
        Counter of rows that cannot be read: a count or a price that is not a number.

    Raises
    ------
    ScenarioError
        If it is not such a list; the column that is missing is named.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "vms.csv"
    >>> _ = path.write_text(
    ...     "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice\n"
    ...     "gpu-8,H100,8,128,1600,23.60,eu-north1,,10.00\ncpu-4,,0,4,16,0.0992,eu-north1,,\n")
    >>> [(offer.accelerator, offer.price, offer.spot) for offer in read(path)]
    [('H100', 2.95, 1.25)]
    """
    dropped, found = Unread() if unread is None else unread, []
    for block in read_blocks(source, dropped):
        missing = [name for name in REQUIRED if not block.has(name)]
        if missing:
            raise ScenarioError(
                f"{source}: no list of SkyPilot's catalogues v5 to v8: column {missing[0]!r} is missing"
            )
        names, zones = _texts(block, "AcceleratorName"), _texts(block, "AvailabilityZone")
        machines, regions = _texts(block, "InstanceType"), _texts(block, "Region")
        columns = {name: block.number(name) for name in ("AcceleratorCount", "Price", "SpotPrice")}
        (count, _), (price, _), (spot, _) = columns.values()
        wrong = columns["AcceleratorCount"][1] | columns["Price"][1] | columns["SpotPrice"][1]
        wrong |= (price < 0.0) | (price > MOST) | (spot < 0.0) | (spot > MOST)
        for i in np.flatnonzero(np.array([bool(name) for name in names], dtype=np.bool_)):
            if wrong[i] or not count[i] >= LEAST:
                dropped.add(int(block.rows[i]), "count or price is not a number in its range")
                continue
            place = zones[i] or regions[i]
            each = [float(value[i] / count[i]) for value in (price, spot)]
            found.append(MachineOffer(machines[i], place, names[i], float(count[i]), *each))
    return tuple(found)


def _texts(block: Block, name: str) -> list[str]:
    codes, texts = block.text(name)
    return [texts[code] for code in codes]


def prices(offers: Iterable[MachineOffer], accelerators: Iterable[str], *, spot: bool = False) -> tuple[float, ...]:
    """Return the cheapest price of each machine that has one of some accelerators, over its regions [USD/hour].

    Parameters
    ----------
    offers
        As `read` returns them.
    accelerators
        Names that count, as the list writes them.
    spot
        Whether prices on spot are wanted, and not on demand.
    """
    wanted, cheapest = set(accelerators), dict[str, float]()
    for offer in offers:
        price = offer.spot if spot else offer.price
        if offer.accelerator in wanted and price > 0.0:
            cheapest[offer.machine] = min(price, cheapest.get(offer.machine, float("inf")))
    return tuple(sorted(cheapest.values()))


def machines(offers: Iterable[MachineOffer]) -> dict[str, tuple[str, float]]:
    """Return accelerator and number of accelerators by type of machine, as `costmodel.studies.bill.read_bill` takes it.

    Examples
    --------
    >>> machines([MachineOffer("a3-highgpu-8g", "us-central1", "H100", 8.0, 11.06, 3.0)])
    {'a3-highgpu-8g': ('H100', 8.0)}
    """
    return {offer.machine: (offer.accelerator, offer.accelerators) for offer in offers}
