"""Findings of a check of the data files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from costmodel.catalog.records import Datum


class Weight(StrEnum):
    """Severity of a finding."""

    FAULT = "fault"
    """The entry is invalid, and the catalog rejects it."""
    IMPLAUSIBLE = "implausible"
    """The entry can be read and is probably wrong."""
    REMARK = "remark"
    """The entry is allowed; the reader should know about it."""


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
