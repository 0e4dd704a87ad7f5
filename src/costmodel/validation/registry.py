"""The registry of published cases: it finds each domain's cases and runs them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from costmodel.foundation.errors import CatalogError, CostModelError, near_matches
from costmodel.validation.case import Case, Outcome, evaluate

DOMAINS = ("catalog", "compute", "training", "serving", "ownership", "market", "studies", "flywheel", "analysis")
"""Domains that may have a module of cases, lowest layer first."""


@dataclass(frozen=True, slots=True)
class Refused(Outcome):
    """A case whose model refused to give a value, and why."""

    reason: str


def domains() -> tuple[str, ...]:
    """Return the domains that have a module of cases.

    Examples
    --------
    >>> "catalog" in domains()
    True
    """
    return tuple(name for name in DOMAINS if find_spec(f"{__package__}.{name}") is not None)


@cache
def cases(domain: str | None = None) -> tuple[Case, ...]:
    """Return the cases of a domain, or of all domains, lowest layer first.

    The modules of cases are imported only when this is called.

    Raises
    ------
    CatalogError
        If the domain has no cases, or a name occurs twice.
    """
    known = domains()
    if domain is not None and domain not in known:
        hint = near_matches(domain, known)
        raise CatalogError(f"no published cases for {domain!r}: there are {', '.join(known)}{hint}")
    chosen = known if domain is None else (domain,)
    found: list[Case] = []
    for name in chosen:
        found += import_module(f"{__package__}.{name}").CASES
    names = [case.name for case in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CatalogError(f"published cases with the same name: {', '.join(twice)}")
    return tuple(found)


def run(chosen: Iterable[Case] | None = None) -> tuple[Outcome, ...]:
    """Run cases, all unless chosen, and return their outcomes.

    A case whose model refuses its input gives a `Refused` outcome, without a value: it fails.
    """
    return tuple(_outcome(case) for case in (cases() if chosen is None else chosen))


def _outcome(case: Case) -> Outcome:
    try:
        return evaluate(case)
    except CostModelError as error:
        return Refused(case, math.nan, math.nan, str(error))


def failures(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return outcomes outside their tolerance that are not recorded misses, and those without a value."""
    return tuple(outcome for outcome in outcomes if verdict(outcome) == "FAIL")


def verdict(outcome: Outcome) -> str:
    """Return ``ok``, ``miss`` (recorded) or ``FAIL``; no value is always a failure."""
    return "FAIL" if math.isnan(outcome.value) else outcome.verdict


def as_row(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as plain entries, for a table or JSON; no value is ``None``."""
    case = outcome.case
    missing = math.isnan(outcome.value)
    return {
        "case": case.name,
        "source": case.source,
        "evidence": case.evidence.value,
        "published": case.published,
        "model": None if missing else outcome.value,
        "unit": case.unit,
        "error": None if missing else outcome.error,
        "tolerance": case.tolerance,
        "verdict": verdict(outcome),
        "miss": case.miss,
        "refused": outcome.reason if isinstance(outcome, Refused) else None,
    }
