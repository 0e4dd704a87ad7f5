"""Ranges of a formula's arguments, read from its docstring, and checks of a user's arguments against them.

A formula states its domain in numpydoc, in a clause of its own: ``> 0``, ``0 to 1``, ``at least 1``,
``between 0 and ``input_tokens```` and so on. Arguments from users are checked against it; arguments from the library's
own modules and from a model's run are not. NaN passes, since it is not outside a range.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.foundation.arrays import holds_value
from costmodel.foundation.errors import DomainError

ROUNDING = 1e-12
"""Tolerance beyond an end, relative to the end [1], for rounding in earlier steps."""
_NUMBER = r"[-−]?(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|inf)"
_END = rf"(?:{_NUMBER}|``[a-z_0-9]+(?: / [a-z_0-9]+)?``)"
_LESS, _MORE = r"(?:<|<=|≤)", r"(?:>|>=|≥)"
_FORMS = (
    (rf"(?P<low>{_END}) (?P<lower>{_LESS}) \w+ (?P<upper>{_LESS}) (?P<high>{_END})", None),
    (rf"(?:.* )?(?P<lower>{_MORE}) (?P<low>{_END})(?: to (?P<high>{_END}))?", None),
    (rf"(?:.* )?(?P<upper>{_LESS}) (?P<high>{_END})", None),
    (rf"(?:from |between )?(?P<low>{_END})(?: \(.*\))? (?:to|and) (?P<upper>below |less than )?(?P<high>{_END})", None),
    (rf"(?:above|more than) (?P<low>{_END})(?: (?:to|and) (?P<upper>below |less than )?(?P<high>{_END}))?", ">"),
    (rf"at least (?P<low>{_END})", None),
    (rf"at most (?P<high>{_END})", None),
    (rf"below (?P<high>{_END})", "<"),
)
_PATTERNS = tuple((re.compile(form), strict) for form, strict in _FORMS)
_WORDS = {"positive": True, "non-negative": False, "not negative": False}
"""Words for a range from 0, with whether they exclude 0."""


@dataclass(frozen=True, slots=True)
class Range:
    """Valid range of one argument of a formula.

    Parameters
    ----------
    low, high
        Ends: a number, the name of another argument, a quotient of two arguments, or None.
    above, below
        Whether the ends themselves are excluded.
    text
        Text of the docstring on the argument.
    """

    low: float | str | None = None
    high: float | str | None = None
    above: bool = False
    below: bool = False
    text: str = ""

    def __str__(self) -> str:
        if self.high is None:
            return f"{'above' if self.above else 'at least'} {_shown(self.low)}"
        if self.low is None:
            return f"{'below' if self.below else 'at most'} {_shown(self.high)}"
        return (
            f"{'above ' if self.above else ''}{_shown(self.low)} to {'below ' if self.below else ''}{_shown(self.high)}"
        )


def _shown(end: float | str | None) -> str:
    return f"{end:g}" if isinstance(end, float) else str(end)


def documented_ranges(function: Callable[..., Any]) -> dict[str, Range]:
    """Return the ranges that a docstring states, by argument.

    Parameters
    ----------
    function
        A formula with a numpydoc docstring.

    Examples
    --------
    >>> def use(share, power):
    ...     '''Do so.
    ...
    ...     Parameters
    ...     ----------
    ...     share
    ...         Share in use, above 0 to 1 [1].
    ...     power
    ...         Power drawn, signed [W].
    ...     '''
    >>> {name: str(found) for name, found in documented_ranges(function=use).items()}
    {'share': 'above 0 to 1'}
    """
    found = {}
    for names, text in _arguments(_docstring(function)):
        span = read_range(text)
        if span is not None:
            found.update(dict.fromkeys(names, span))
    return found


def _docstring(function: Callable[..., Any]) -> str:
    """Return a docstring; read it from the source if Python runs without docstrings."""
    text = inspect.getdoc(function)
    if text is None:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError):
            return ""
        node = tree.body[0]
        text = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
    return text or ""


def _arguments(docstring: str) -> Iterator[tuple[list[str], str]]:
    """Yield the names and the text of each entry in the section Parameters."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?:\n\n|\Z)", docstring, re.DOTALL | re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", section[1]) if section else ():
        header, _, body = entry.partition("\n")
        names = [name.strip(" *") for name in header.partition(":")[0].split(",")]
        yield names, " ".join(body.split())


def read_range(text: str) -> Range | None:
    """Parse the range in the text on an argument, from the first clause that states one.

    Examples
    --------
    >>> str(read_range("Share of paid hours that are busy, 0 < u <= 1; 1 leaves idle hours out [1]."))
    'above 0 to 1'
    >>> str(read_range("Those charged as hits, between 0 and ``input_tokens`` [token]."))
    '0 to input_tokens'
    >>> read_range("Logarithmic fall of rents, signed: positive where they fall [1/year].") is None
    True
    """
    plain = re.sub(r"``([a-z]) ([≥>]) 0``", r"\2 0", text.replace("\N{MINUS SIGN}", "-"))
    for clause in re.split(r",(?![0-9])|[;:\[]|\.(?![0-9])", plain.replace(" (excluded)", "!")):
        span = _range_of(clause.strip(), text)
        if span is not None:
            return span
    return None


def _range_of(clause: str, text: str) -> Range | None:
    lowered = clause[:1].lower() + clause[1:]
    for word, above in _WORDS.items():
        if lowered == word or re.match(rf"{word} (?:and|numbers?\b)", lowered):
            return Range(low=0.0, above=above, text=text)
    excluded = "!" in lowered
    lowered = re.sub(r" (?:less (?!than).*|exclusive|and not [0-9.]+|\(.*\))$", "", lowered.replace("!", ""))
    for pattern, strict in _PATTERNS:
        match = pattern.fullmatch(lowered)
        if match is not None:
            parts = match.groupdict()
            open_below = strict == ">" or parts.get("lower") in ("<", ">") or excluded or "exclusive" in clause
            open_above = strict == "<" or parts.get("upper") in ("<", "below ", "less than ") or "exclusive" in clause
            low, high = _end(parts.get("low")), _end(parts.get("high"))
            return Range(low, high, open_below and low is not None, open_above and high is not None, text)
    return None


def _end(written: str | None) -> float | str | None:
    if written is None:
        return None
    return written.strip("`") if written.startswith("`") else float(written.replace(",", ""))


def bound(end: float | str | None, given: Mapping[str, Any]) -> Any:
    """Return an end of a range for given arguments; None if it names an argument that is not given."""
    if not isinstance(end, str):
        return end
    names = end.split(" / ")
    parts: list[Any] = [float(name) if name.isdecimal() else given.get(name) for name in names]
    if any(part is None for part in parts):
        return None
    with np.errstate(all="ignore"):
        return parts[0] if len(parts) == 1 else np.divide(parts[0], parts[1])


def _well_inside(value: Any, span: Range, given: Mapping[str, Any]) -> bool:
    """Whether a number, or every number of an array, lies between constant ends: a quick check of the usual case."""
    low, high = bound(span.low, given), bound(span.high, given)
    if isinstance(low, np.ndarray) or isinstance(high, np.ndarray):
        return False
    if type(value) is float:
        return (low is None or value > low) and (high is None or value < high)
    if not isinstance(value, np.ndarray) or not value.size:
        return False
    above = low is None or (least := value.min()) > low or (least == low and not span.above)
    return bool(above and (high is None or (most := value.max()) < high or (most == high and not span.below)))


class Guard:
    """Checker of a user's arguments of one formula against its documented ranges; created on the first call."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = function.__name__
        self.signature = inspect.signature(function)
        self.ranges = documented_ranges(function)
        self.names = tuple(self.signature.parameters)
        parameters = self.signature.parameters.values()
        self.values = tuple(parameter.name for parameter in parameters if holds_value(parameter.annotation))
        returns = re.search(r"^Returns\n-+\n(.*?)(?:\n\n|\Z)", _docstring(function), re.DOTALL | re.MULTILINE)
        self.infinite = bool(returns and re.search(r"\binfinite\b", returns[1]))

    def check(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Raise `DomainError` if an argument is not a number or outside its documented range."""
        given = {**dict(zip(self.names, args, strict=False)), **kwargs}
        numbers = {name: self._number(name, given[name]) for name in self.values if name in given}
        seen: set[tuple[int, float | str | None, float | str | None]] = set()
        for name, span in self.ranges.items():
            value = numbers.get(name)
            if value is None or (id(value), span.low, span.high) in seen:
                continue  # one array may be the value of several arguments
            if _well_inside(value, span, numbers):
                seen.add((id(value), span.low, span.high))
            else:
                self._check(name, span, numbers)

    def finite(self, computed: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Call a formula without warnings; raise `DomainError` if finite arguments give a result that is not finite.

        Infinity is allowed if the docstring mentions it or an argument is infinite; NaN is allowed if an argument is
        NaN.
        """
        with np.errstate(all="ignore"):
            result = computed(*args, **kwargs)
        for part in result if isinstance(result, tuple) else (result,):
            if not hasattr(part, "graph") and not np.isfinite(part).all():
                self._refuse_result(part, {**dict(zip(self.names, args, strict=False)), **kwargs})
        return result

    def _refuse_result(self, part: Any, given: Mapping[str, Any]) -> None:
        """Raise `DomainError` for the first entry of a result that is not finite but should be."""
        values = {name: given[name] for name in self.values if given.get(name) is not None}
        result, *spread = np.broadcast_arrays(part, *values.values())
        wrong = np.isnan(result) & ~np.any([np.isnan(value) for value in spread], axis=0)
        if not self.infinite:
            wrong |= np.isinf(result) & np.all([np.isfinite(value) for value in spread], axis=0)
        if wrong.any():
            first = tuple(np.argwhere(wrong)[0])
            where = ", ".join(f"{name} = {value[first]:g}" for name, value in zip(values, spread, strict=True))
            raise DomainError(
                f"{self.name}: has no finite value at {where}, since it overflows or divides by 0; change the arguments"
            )

    def _number(self, name: str, value: Any) -> Any:
        """Return a value for comparison; raise an error if it is not a number."""
        if value is None or isinstance(value, float):
            return value
        try:
            return np.asarray(value, dtype=np.float64) if not isinstance(value, str | bytes) else float("no number")
        except (TypeError, ValueError, OverflowError):
            message = f"{self.name}: {name} = {str(value)[:40]!r}: give a number or an array of numbers"
            raise DomainError(message) from None

    def _check(self, name: str, span: Range, given: Mapping[str, Any]) -> None:
        for end, strict, side in ((span.low, span.above, -1.0), (span.high, span.below, 1.0)):
            limit = bound(end, given)
            if limit is None:
                continue
            room = np.where(np.isfinite(limit), ROUNDING * np.abs(limit), 0.0)
            with np.errstate(invalid="ignore"):  # infinity at an infinite end
                wrong = np.greater(side * (given[name] - limit), room)
            if strict:
                wrong = np.logical_or(wrong, np.equal(given[name], limit))
            if np.any(wrong):
                self._refuse(name, span, given[name], limit if isinstance(end, str) else None, wrong)

    def _refuse(self, name: str, span: Range, value: Any, other: Any, wrong: Any) -> None:
        values, bounds, marks = np.broadcast_arrays(value, np.nan if other is None else other, wrong)
        first = float(values[marks].flat[0])
        beside = "" if other is None else f" = {float(bounds[marks].flat[0]):g}"
        percent = span.high == 1.0 and 1.0 < first <= 100.0
        hint = f"; did you mean {first / 100.0:g}?" if percent else ""
        raise DomainError(
            f"{self.name}: {name} = {first:g} is outside its range, {span}{beside}{hint} ({span.text.rstrip('.')})"
        )
