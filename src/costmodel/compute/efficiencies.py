"""Efficiencies: the shares of a chip's and a link's limits that kernels and collectives reach, with sources and ranges.

Training and serving read the same figures, so that one calibration applies to both. Each is an `Efficiency`: a
value, a range, and its evidence; ``distribution()`` turns it into an uncertain input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from costmodel.catalog import accelerator as catalog_accelerator
from costmodel.catalog import table
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.provenance import Grade, Provenance, Source, weakest

_TABLE = "efficiencies"
_ANY = "any"
_NEAREST_PRECISION = {"fp4": ("fp4", "fp8", "bf16"), "fp8": ("fp8", "bf16"), "int8": ("fp8", "bf16")}
"""Precisions whose share, measured on the same chip, replaces one that was not measured on it, nearest first. A chip's
own 16-bit share predicts its 8-bit share better than other chips' 8-bit shares do."""
_PROTOCOLS = ("protocol-LL", "protocol-LL128", "protocol-Simple")


@dataclass(frozen=True, slots=True)
class Efficiency:
    """A sourced figure with its range.

    Parameters
    ----------
    name
        Record and field, such as ``"H100-SXM.memory_share"``.
    value
        The figure, in ``unit``.
    low, high
        Plausible range; ``None`` where none is recorded.
    unit
        ``"1"`` for shares, ``"s"`` for times.
    source, source_key
        The document, and its key in the catalog.
    grade
        Strength of the evidence; ``estimated`` at best where the figure is another chip's.
    note
        How value and range were reached.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    unit: str
    source: Source
    source_key: str
    grade: Grade
    note: str | None

    def distribution(self) -> Distribution:
        """Return the figure as an uncertain input.

        Shares become a PERT distribution over the range, with its mode at the value; times and counts become a
        lognormal distribution whose 5 % and 95 % quantiles are the ends of the range.

        Raises
        ------
        CatalogError
            If no range is recorded.
        """
        return Distribution.parse(self._written(), self.unit)

    def written(self) -> dict[str, Any]:
        """Return the figure as a written parameter, with source key, grade and note."""
        spread = self.low is not None and self.high is not None
        evidence = Provenance(self.source_key, self.grade, self.note or self.name)
        return evidence.beside(self._written() if spread else self.value)

    def _written(self) -> dict[str, Any]:
        if self.low is None or self.high is None:
            raise CatalogError(f"{self.name}: no range is recorded, so there is no distribution: use its value")
        if self.unit == "1" and self.high <= 1.0:
            return {"dist": "pert", "low": self.low, "mode": self.value, "high": self.high}
        return {"dist": "lognormal", "p5": self.low, "p95": self.high}


@cache
def efficiency(field: str, record: str = _ANY) -> Efficiency:
    """Return a figure of a record, or of the most similar record that has it.

    Parameters
    ----------
    field
        Such as ``"compute_share_bf16"``, ``"memory_share"``, ``"kernel_launch"``, ``"scale_out_share"``.
    record
        An accelerator's name in the catalog, ``"kernel"``, ``"links"`` or a protocol. A chip without the figure
        takes that of a similar chip, then that of ``"links"``, ``"kernel"`` or any chip; the grade is then
        ``estimated`` at best.

    Raises
    ------
    CatalogError
        If no record has the figure.

    Examples
    --------
    >>> share = efficiency("memory_share", "H200-SXM")
    >>> share.value, share.grade.value, share.name
    (0.85, 'estimated', 'H100-SXM.memory_share')
    """
    records = table(_TABLE)
    for holder in _chain(record):
        if field in records[holder]:
            datum = records[holder].datum(field)
            exact = holder == record or record == _ANY
            return Efficiency(
                name=f"{holder}.{field}",
                value=datum.number,
                low=datum.low,
                high=datum.high,
                unit=datum.unit,
                source=datum.source,
                source_key=datum.source_key,
                grade=datum.grade if exact else weakest([datum.grade, Grade.ESTIMATED]),
                note=datum.note,
            )
    raise CatalogError(f"{field!r} of {record!r} is not recorded in {_TABLE}")


def largest_compute_share(accelerator: str, precision: str = "bf16") -> Efficiency:
    """Return the largest share of the dense peak that a matrix product reaches.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        ``"bf16"``, ``"fp8"``, or one that takes the share of the nearest measured precision (``"fp16"``,
        ``"int8"``, ``"fp4"``).

    Raises
    ------
    CatalogError
        If there is no such accelerator or precision.

    Examples
    --------
    >>> largest_compute_share("H100-SXM").value
    0.803
    """
    catalog_accelerator(accelerator)
    nearest = _NEAREST_PRECISION.get(precision, ("bf16",))
    for holder in (accelerator, _ANY):
        for measured in nearest:
            found = _own(f"compute_share_{measured}", holder)
            if found is not None:
                exact = measured == precision and holder == accelerator
                return found if exact else replace(found, grade=weakest([found.grade, Grade.ESTIMATED]))
    raise CatalogError(f"no compute share of {accelerator!r} at {precision!r} is recorded in {_TABLE}")


def _own(field: str, record: str) -> Efficiency | None:
    """Return a figure of a record or of similar records; None where only general ones have it."""
    records = table(_TABLE)
    for holder in _chain(record):
        if holder in ("kernel", "links", _ANY) and holder != record:
            return None
        if field in records[holder]:
            return efficiency(field, record)
    return None


def memory_share(accelerator: str) -> Efficiency:
    """Return the share of peak memory bandwidth that a memory-bound kernel reaches.

    Raises
    ------
    CatalogError
        If there is no such accelerator.

    Examples
    --------
    >>> memory_share("MI300X").value
    0.738
    """
    catalog_accelerator(accelerator)
    return efficiency("memory_share", accelerator)


@dataclass(frozen=True, slots=True)
class Protocol:
    """A collective library's protocol: latencies [s] and share of the links' bandwidth [1]."""

    name: str
    scale_up_latency: float
    scale_out_latency: float
    base_latency: float
    bandwidth_share: float


@cache
def protocols() -> tuple[Protocol, ...]:
    """Return the recorded protocols, from lowest latency to highest bandwidth.

    Examples
    --------
    >>> [protocol.name for protocol in protocols()]
    ['LL', 'LL128', 'Simple']
    """
    return tuple(protocol(record.removeprefix("protocol-")) for record in _PROTOCOLS)


@cache
def protocol(name: str) -> Protocol:
    """Return a recorded protocol: one of :func:`protocols`, or ``"direct"``, an engine's own in a captured graph.

    Raises
    ------
    CatalogError
        If it is not recorded.

    Examples
    --------
    >>> protocol("direct").base_latency
    3.5e-06
    """
    names = ("scale_up_latency", "scale_out_latency", "base_latency", "bandwidth_share")
    if f"protocol-{name}" not in table(_TABLE):
        raise CatalogError(f"no protocol {name!r} in {_TABLE}: allowed are direct, LL, LL128 and Simple")
    return Protocol(name, *(efficiency(field, f"protocol-{name}").value for field in names))


def alike(record: str) -> tuple[str, ...]:
    """Return a record's name and the names of similar records, nearest first.

    Parameters
    ----------
    record
        An accelerator's name in the catalog, or any other.

    Examples
    --------
    >>> alike("GB300-NVL72")
    ('GB300-NVL72', 'GB200-NVL72', 'B200')
    """
    records = table(_TABLE)
    chain = [record]
    while chain[-1] in records:
        following = records[chain[-1]].label("like")
        if following is None or following in chain:
            break
        chain.append(following)
    return tuple(chain)


def _chain(record: str) -> list[str]:
    """Return the records to look in: the named one, similar ones, then the general ones."""
    chain = [name for name in alike(record) if name in table(_TABLE)]
    return chain + [general for general in ("kernel", "links", _ANY) if general not in chain]
