"""Derive the missing widths of a shape from its parameter count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from costmodel.compute.parameters import total_parameters
from costmodel.compute.shapes import Shape
from costmodel.compute.uniform import Uniform
from costmodel.compute.written import LARGEST, check_kind
from costmodel.foundation.errors import DomainError

HEAD_DIM = 128
"""Width of a head where none is given [1]: that of Llama, Qwen and DeepSeek models."""
ASPECT = 128
"""Width over layers where neither is given [1]: that of GPT-3 175B and Llama 2 7B (arXiv 2005.14165, table 2.1;
arXiv 2307.09288); models in use lie between 80 and 200."""
VOCABULARY = 50_304
"""Entries of a vocabulary where none is given [1]: GPT-2's 50,257 rounded up to a multiple of 64; assumed."""
LAYER_FACTOR = 12
"""Weights of a layer over the square of its width [1]: four of attention, eight of an MLP (Kaplan et al. 2020, arXiv
2001.08361, section 2.1)."""
AGREEMENT = 0.01
"""Largest relative difference between a stated count and the count of a fully specified shape [1]."""


def closed(record: Mapping[str, Any]) -> Shape:
    """Build a uniform shape from a record with ``parameters``: derive missing fields so that the count holds.

    Parameters
    ----------
    record
        Fields of a uniform shape, with ``parameters`` in place of some of layers, ``d_model``, heads, vocabulary and
        the feed-forward width.

    Returns
    -------
    Shape
        The shape, with a note that lists every field that was derived.

    Raises
    ------
    DomainError
        If no width gives the count, or a fully specified shape has another count.

    Examples
    --------
    >>> mine = closed({"name": "mine", "layers": 32, "d_model": 4096, "parameters": 6.66e9})
    >>> mine.d_ff, total_parameters(mine)
    (10427, 6659903488)
    """
    given = {key: value for key, value in record.items() if key != "parameters"}
    where = f"shape {record.get('name', '')!r}"
    wanted = _count(record["parameters"], where)
    for item in fields(Uniform):
        if item.name in given:
            check_kind(given[item.name], item.name, str(item.type), where)
    for name in ("layers", "d_model", "heads"):
        if given.get(name) == 0:
            raise DomainError(f"{where}: {name} = 0 must be ≥ 1")
    taken = _outline(given, wanted)
    full = {**taken, **given}
    field = "d_ff_expert" if full.get("experts") else "d_ff"
    if full.get(field):
        _agree(full, wanted, where)
    else:
        full[field] = _width(full, field, wanted, where)
        taken[field] = full[field]
    said = ", ".join(f"{key} = {value}" for key, value in taken.items())
    note = f"taken from parameters = {wanted:.4g}: {said}" if said else ""
    return Shape(**full, notes=tuple(filter(None, (note,))))


def _count(written: object, where: str) -> float:
    if isinstance(written, bool) or not isinstance(written, int | float) or not 0 < written <= LARGEST * 1000:
        raise DomainError(f"{where}: parameters = {written!r} must be a number > 0, as 6.66e9")
    return float(written)


def _outline(given: Mapping[str, Any], wanted: float) -> dict[str, Any]:
    """Return layers, width, heads and vocabulary where they are not given."""
    taken: dict[str, Any] = {}
    if "layers" not in given:
        width = given.get("d_model")
        exact = wanted / LAYER_FACTOR / width**2 if width else (wanted / LAYER_FACTOR / ASPECT**2) ** (1 / 3)
        taken["layers"] = max(round(exact), 1)
    layers = given.get("layers", taken.get("layers"))
    if "d_model" not in given:
        step = HEAD_DIM * (given.get("kv_heads") or 1)  # so that the heads divide
        taken["d_model"] = max(round((wanted / LAYER_FACTOR / layers) ** 0.5 / step), 1) * step
    d_model = given.get("d_model", taken.get("d_model"))
    if not given.get("kv_rank"):
        width = given.get("head_dim") or (d_model // given["heads"] if given.get("heads") else min(HEAD_DIM, d_model))
        found = {"heads": max(d_model // max(width, 1), 1), "head_dim": max(width, 1)}
        found["kv_heads"] = given.get("heads", found["heads"])
        taken |= {key: value for key, value in found.items() if key not in given}
    if "vocabulary" not in given:
        taken["vocabulary"] = VOCABULARY
    return taken


def _width(full: Mapping[str, Any], field: str, wanted: float, where: str) -> int:
    """Return the feed-forward width that meets the count, which is linear in it."""
    one, two = (total_parameters(Shape(**{**full, field: width})) for width in (1, 2))
    width = 1 + round((wanted - one) / (two - one))
    if width < 1:
        raise DomainError(
            f"{where}: parameters = {wanted:.4g}: attention and tables alone have {one:.4g}: give a larger count, or "
            "fewer layers or a smaller d_model or vocabulary"
        )
    return width


def _agree(full: Mapping[str, Any], wanted: float, where: str) -> None:
    has = total_parameters(Shape(**full))
    if abs(has / wanted - 1.0) > AGREEMENT:
        raise DomainError(
            f"{where}: parameters = {wanted:.4g}, but the shape has {has:.4g}: leave out the feed-forward width, which "
            "then follows, or the count"
        )
