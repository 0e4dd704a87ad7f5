"""Published cases, one module per domain: printed numbers compared with the library's."""

from __future__ import annotations

from costmodel.validation.case import Case, Evidence, Outcome, evaluate
from costmodel.validation.registry import Refused, as_row, cases, domains, failures, run, verdict

__all__ = [
    "Case",
    "Evidence",
    "Outcome",
    "Refused",
    "as_row",
    "cases",
    "domains",
    "evaluate",
    "failures",
    "run",
    "verdict",
]
