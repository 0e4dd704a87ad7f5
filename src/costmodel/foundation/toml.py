"""Read TOML from outside, after checking its length, depth and size."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from costmodel.foundation.errors import CostModelError, ScenarioError

MAX_KEY_PARTS = 32
"""Largest number of parts of a dotted key or path [1]; the parser's time and memory grow with its square."""
MAX_PARTS = 100_000
"""Largest number of dotted parts of all keys of a text [1]; the parser keeps about a kilobyte for each."""
MAX_KEY_LENGTH = 1024
"""Longest key or path [character]."""
MAX_ENTRIES = 200_000
"""Largest number of entries of a scenario, in all its tables and lists [1]."""
MAX_CHARACTERS = 4 * 2**20
"""Largest total length of all texts of a scenario [character]."""
_QUOTED = re.compile(r""""[^"\n]*"|'[^'\n]*'""")
_BEFORE_KEY = re.compile(r"[{,\[\]]")
_WORDS_APART = re.compile(r"[\w\"]\s+[\w\"]")


def parse_toml(text: str, where: str = "scenario", refused: type[CostModelError] = ScenarioError) -> dict[str, Any]:
    """Parse TOML text into tables.

    Parameters
    ----------
    text
        TOML text.
    where
        Origin of the text, for messages.
    refused
        Class of the error.

    Raises
    ------
    CostModelError
        If the text is not TOML, or has keys that are too long.
    """
    check_keys(text, where, refused)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise refused(f"{where}: nested too deeply") from None
    except ValueError as error:  # a TOMLDecodeError, or a number with too many digits
        raise refused(f"{where}: not TOML: {error}") from None


def check_form(form: Any) -> None:
    """Raise ``ScenarioError`` for tables that exceed the limits for TOML in depth, size or length of names.

    A scenario built from tables can therefore be written and read back.

    Examples
    --------
    >>> check_form({"market": {"chat": {"price": 1.0}}})
    >>> check_form({"a" * 2000: 1.0})
    Traceback (most recent call last):
        ...
    costmodel.foundation.errors.ScenarioError: a key has 2000 characters; at most 1024 are allowed
    """
    entries, characters = 0, 0
    todo: list[tuple[Any, int, int]] = [(form, 0, 0)]
    while todo:
        node, depth, length = todo.pop()
        if isinstance(node, str):
            characters += len(node)
            _check_text(node)
        elif isinstance(node, Mapping | list | tuple):
            entries += len(node)
            if depth >= MAX_KEY_PARTS:
                raise ScenarioError(f"nested too deeply: at most {MAX_KEY_PARTS} tables may be nested")
            if isinstance(node, Mapping):
                for key, item in node.items():
                    _check_text(str(key))
                    whole = length + len(str(key)) + 1
                    if whole - 1 > MAX_KEY_LENGTH:
                        raise ScenarioError(f"a key has {whole - 1} characters; at most {MAX_KEY_LENGTH} are allowed")
                    todo.append((item, depth + 1, whole))
            else:
                todo.extend((item, depth + 1, length) for item in node)
        if entries > MAX_ENTRIES or characters > MAX_CHARACTERS:
            raise ScenarioError(
                f"too large: at most {MAX_ENTRIES:,} entries and {MAX_CHARACTERS:,} characters of text are allowed"
            )


def _check_text(text: str) -> None:
    """Raise ``ScenarioError`` for a text that cannot be encoded in a file."""
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ScenarioError(f"{text[:80]!r} is not valid Unicode: it contains an unpaired surrogate")


def check_keys(text: str, where: str, refused: type[CostModelError] = ScenarioError) -> None:
    """Raise an error for TOML whose keys have too many parts or characters.

    Examples
    --------
    >>> check_keys("market.chat.price = 1.0", "scenario")
    >>> check_keys("a." * 40 + "a = 1", "scenario")
    Traceback (most recent call last):
        ...
    costmodel.foundation.errors.ScenarioError: scenario: a key has 41 parts; at most 32 are allowed
    """
    parts_in_all = 0
    for line in text.splitlines():
        parts_in_all += line.partition("=")[0].count(".")
        if parts_in_all > MAX_PARTS:
            raise refused(f"{where}: its keys have more than {MAX_PARTS:,} parts in all, which is the limit")
        if line.count(".") < MAX_KEY_PARTS and len(line) <= MAX_KEY_LENGTH:
            continue
        plain = _QUOTED.sub('""', line)
        header = plain.lstrip().startswith("[")
        for piece in plain.split("=")[: None if header else -1]:
            key = piece.strip(" \t[]") if header else _BEFORE_KEY.split(piece)[-1].strip()
            if _WORDS_APART.search(key):
                continue  # a sentence, not a key
            parts = key.count(".") + 1
            if parts > MAX_KEY_PARTS:
                raise refused(f"{where}: a key has {parts} parts; at most {MAX_KEY_PARTS} are allowed")
            if len(key) > MAX_KEY_LENGTH:
                raise refused(f"{where}: a key has {len(key)} characters; at most {MAX_KEY_LENGTH} are allowed")
