"""Provenance of figures: sources, grades and dated data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from costmodel.foundation.errors import ScenarioError, near_matches


class Grade(StrEnum):
    """Strength of the evidence for a figure, strongest first."""

    REPORTED = "reported"
    """A filing, or the author's own figure."""
    PUBLISHED = "published"
    """A paper or a vendor's sheet."""
    SECONDARY = "secondary"
    """A press report or an aggregator."""
    ESTIMATED = "estimated"
    """A third party's model."""
    UNVERIFIED = "unverified"
    """A figure whose source has not been read."""
    ASSUMED = "assumed"
    """A figure chosen by the author of the scenario."""


_STRENGTH = {grade: rank for rank, grade in enumerate(Grade)}


def parse_grade(text: object) -> Grade:
    """Return the grade named by ``text``.

    Raises
    ------
    ScenarioError
        If the text is not one of the six grades.

    Examples
    --------
    >>> parse_grade("published")
    <Grade.PUBLISHED: 'published'>
    """
    allowed = [grade.value for grade in Grade]
    if isinstance(text, str) and text in allowed:
        return Grade(text)
    hint = near_matches(text, allowed) if isinstance(text, str) else ""
    raise ScenarioError(f"unknown grade {text!r}: allowed are {', '.join(allowed)}{hint}")


def weakest(grades: Iterable[Grade]) -> Grade:
    """Return the weakest of several grades, which a derived figure inherits.

    Examples
    --------
    >>> weakest([Grade.REPORTED, Grade.ESTIMATED, Grade.PUBLISHED]).value
    'estimated'
    """
    return max(grades, key=_STRENGTH.__getitem__)


@dataclass(frozen=True, slots=True)
class Source:
    """Document from which a figure was taken.

    Parameters
    ----------
    title
        Title of the document.
    date
        Date of publication, as far as known: ``2026``, ``2026-05`` or ``2026-05-14``.
    link
        URL, DOI or filing number.
    """

    title: str
    date: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Provenance of a parameter: source key, grade and note.

    Parameters
    ----------
    source
        Key into the scenario's ``sources`` table; None for an assumption.
    grade
        Strength of the evidence.
    note
        One sentence on the derivation of the figure or on doubts about it.
    """

    source: str | None = None
    grade: Grade = Grade.ASSUMED
    note: str | None = None

    def written(self) -> dict[str, str]:
        """Return the entries of the written form, without the value."""
        entries = {"source": self.source, "grade": self.grade.value, "note": self.note}
        return {key: text for key, text in entries.items() if text is not None}

    def beside(self, value: Any) -> dict[str, Any]:
        """Return a written value with its provenance; without a source, the grade is at best ``unverified``.

        Examples
        --------
        >>> Provenance("report", Grade.PUBLISHED).beside(2.0)
        {'value': 2.0, 'source': 'report', 'grade': 'published'}
        >>> Provenance(None, Grade.PUBLISHED).beside(2.0)["grade"]
        'unverified'
        """
        grade = self.grade if self.source is not None else weakest([self.grade, Grade.UNVERIFIED])
        return {"value": value, **Provenance(self.source, grade, self.note).written()}


@dataclass(frozen=True, slots=True)
class Citation:
    """One line of a bibliography: the path of a parameter, its value and its evidence."""

    path: str
    value: str
    unit: str
    grade: Grade
    source: Source | None
    note: str | None
