"""Match names of a checkpoint's modules to the lists in which a file describes how they are stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from typing import Any, TypeVar

from costmodel.foundation.errors import DomainError

Found = TypeVar("Found")


def matcher(written: Any, where: str) -> Callable[[str], bool]:
    """Return a test for names of modules from a list of them.

    Parameters
    ----------
    written
        Names, each of a module or of one that contains it, possibly with wildcards; or regular expressions after
        ``re:``. ``Linear`` stands for all.
    where
        Name of the list, for messages.

    Raises
    ------
    DomainError
        If it is not a list, or an expression can't be read.

    Examples
    --------
    >>> left_out = matcher(["lm_head", "model.layers.*.self_attn"], "ignore")
    >>> left_out("lm_head"), left_out("model.layers.3.self_attn.q_proj"), left_out("model.layers.3.mlp.up_proj")
    (True, True, False)
    """
    if not isinstance(written, list | tuple):
        raise DomainError(f"{where} = {str(written)[:40]!r} must be a list of names")
    plain: dict[str, bool] = {}
    expressions: list[str] = []
    for text in map(str, written):
        if text == "Linear":
            return lambda module: True
        if text.startswith("re:"):
            expressions.append(text[3:])
        elif set(text) & set("*?["):
            expressions += [translate(text), translate(f"{text}.*")]
        else:
            plain[text] = True
    compiled = [_compiled(expression, where) for expression in expressions]
    return lambda module: bool(found_within(module, plain)) or any(one.match(module) for one in compiled)


def _compiled(expression: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise DomainError(f"{where}: {expression[:40]!r} is not a regular expression: {error}") from None


def found_within(module: str, names: Mapping[str, Found]) -> Found | None:
    """Return the entry of a module, or of the nearest module that contains it.

    Examples
    --------
    >>> found_within("layers.3.mlp.up_proj", {"layers.3.mlp": "fp8", "layers": "bf16"})
    'fp8'
    """
    name = module
    while name:
        if name in names:
            return names[name]
        name = name.rpartition(".")[0]
    return None
