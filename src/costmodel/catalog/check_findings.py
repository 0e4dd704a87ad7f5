"""What a check of the data files finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from costmodel.catalog.records import Datum


class Weight(StrEnum):
    """How much a finding matters."""

    FAULT = "fault"
    """The entry cannot be read: the catalog refuses it."""
    IMPLAUSIBLE = "implausible"
    """The entry can be read and is probably wrong."""
    REMARK = "remark"
    """Allowed, and worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the check found."""

    weight: Weight
    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message} [{self.weight}]"


def about(weight: Weight, datum: Datum, field: str, message: str) -> Finding:
    """Return a finding about a figure, with its place and its record's name."""
    return Finding(weight, datum.file, datum.line, field, f"{datum.record}: {message}")
