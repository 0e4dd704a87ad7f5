"""Errors of costmodel: each message states what was given, where, and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_MESSAGE = 1_000
"""Longest text of an error [character]; it quotes the input, which may be as long as a file."""


def one_line(text: str, longest: int = LONGEST_MESSAGE) -> str:
    r"""Return a text as one line: line breaks become spaces, control characters are escaped, a long middle is cut.

    Examples
    --------
    >>> one_line("bad\nname \x1b[31m"), one_line("a" * 50, 11)
    ('bad name \\x1b[31m', 'aaaaaa … aa')
    """
    if len(text) > longest:
        tail = longest // 5
        text = f"{text[: longest - tail - 3]} … {text[-tail:]}"
    return harmless(" ".join(text.splitlines())) if text else text


def harmless(text: str) -> str:
    r"""Escape the characters of a text that control a terminal or reverse its text direction; keep the line breaks.

    Examples
    --------
    >>> harmless("two\nlines, \x1b[31mred"), harmless("a\u202eb")
    ('two\nlines, \\x1b[31mred', 'a\\u202eb')
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else " " if sign.isspace() and sign != "\r" else repr(sign)[1:-1]
        for sign in text
    )


class CostModelError(Exception):
    """Base of every error that costmodel raises on purpose; its text is always one line."""

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(str(message)))


class ScenarioError(CostModelError, ValueError):
    """A scenario that is not well formed: a missing, extra or contradictory entry."""


class UnknownParameterError(ScenarioError):
    """A dotted path or a name that does not exist; the message names near matches."""


class UnitError(CostModelError, ValueError):
    """A unit that is not in the vocabulary, or has the wrong dimension."""


class DomainError(CostModelError, ValueError):
    """A value outside its valid range."""


class CatalogError(CostModelError, LookupError):
    """A catalog record or data file that is missing or not well formed."""


class ConvergenceError(CostModelError, ArithmeticError):
    """An iteration that does not converge, a root that does not exist, or a stability condition that fails."""


class NonFiniteResultError(CostModelError, ArithmeticError):
    """A model produced a value that is not finite."""


class CostModelWarning(UserWarning):
    """Base of every warning of costmodel: the answer is valid, but the user should know something about it."""

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(str(message)))


class PartialChangeWarning(CostModelWarning):
    """A value was changed on its own although it usually changes together with others."""


class CorrelationWarning(CostModelWarning):
    """A correlation was dropped, because one of its two inputs is no longer uncertain."""


class MissingExtraError(CostModelError, ImportError):
    """A feature needs an optional dependency that is not installed."""


LONGEST_NAME = 128
"""Longest text for which near matches are searched [character]; the cost grows with its square."""
SHOWN_MATCHES = 3
"""Number of near matches in a message [1]."""


class InteractionWarning(CostModelWarning):
    """One-at-a-time swings miss much of the variance."""


class IdentificationWarning(CostModelWarning):
    """The data do not identify some fitted parameters separately."""


def near_matches(name: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest names, or an empty string.

    Dotted paths that end in the given name come first. There is no search for a text longer than any name.

    Parameters
    ----------
    name
        The given name.
    allowed
        The existing names.

    Examples
    --------
    >>> near_matches("H100-SMX", ["H100-SXM", "B200"])
    "; did you mean 'H100-SXM'?"
    >>> near_matches("utilisation", ["price", "load.utilisation"])
    "; did you mean 'load.utilisation'?"
    >>> near_matches("zzz", ["H100-SXM"])
    ''
    """
    if len(name) > LONGEST_NAME:
        return ""
    pool = list(allowed)
    leaf = name.rpartition(".")[2]
    ends = [path for path in pool if "." in path and path.rpartition(".")[2] == leaf][:SHOWN_MATCHES]
    if ends:
        return f"; did you mean {' or '.join(map(repr, ends))}?"
    folded = {candidate.lower(): candidate for candidate in pool}
    close = get_close_matches(name, pool, n=SHOWN_MATCHES, cutoff=0.55) or [
        folded[key] for key in get_close_matches(name.lower(), list(folded), n=SHOWN_MATCHES, cutoff=0.55)
    ]
    return f"; did you mean {' or '.join(repr(match) for match in close)}?" if close else ""


def error_line(error: BaseException, longest: int = 200) -> str:
    r"""Return the first line of an error's text, or the name of its type if the text is empty.

    Examples
    --------
    >>> error_line(ValueError("bad header\nat byte 8")), error_line(EOFError())
    ('bad header', 'EOFError')
    """
    lines = str(error).splitlines()
    return lines[0][:longest] if lines else type(error).__name__


def missing_extra(extra: str, feature: str) -> MissingExtraError:
    """Build the one-line error for a feature whose extra is not installed.

    Examples
    --------
    >>> print(missing_extra("frames", "to_xarray()"))
    to_xarray() needs the extra 'frames': pip install "ai-costmodel[frames]"
    """
    return MissingExtraError(f'{feature} needs the extra {extra!r}: pip install "ai-costmodel[{extra}]"')
