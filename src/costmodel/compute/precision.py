"""Precision by part: the format in which each part of a model is stored, and the rate at which it is multiplied.

A format defines how an element is stored and which rates of a chip it can use. A scheme gives a format for every part,
as in a published checkpoint. A :class:`Precision` holds the resulting bytes per element; its numbers broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from costmodel.catalog import table
from costmodel.compute.parameters import count_parameters
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric
from costmodel.foundation.errors import DomainError, near_matches

SIXTEEN_BITS = "bf16"
"""Format of parts that a scheme does not name, and the rate of every weight-only format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A storage format of elements.

    Parameters
    ----------
    bits
        Bits of an element [bit].
    scale_bits
        Bits of the scales, zero points included, per group of elements [bit].
    group
        Elements that share the scales [1].
    rates
        Rates of a chip at which its products can run, best first; the last is the 16-bit rate, at which weights are
        widened before they are multiplied.
    """

    bits: float
    scale_bits: float = 0.0
    group: float = 1.0
    rates: tuple[str, ...] = (SIXTEEN_BITS,)

    @property
    def bytes_per_element(self) -> float:
        """Stored bytes of an element, with its share of the scales [byte]."""
        return (self.bits + self.scale_bits / self.group) / 8.0


FORMATS: dict[str, Format] = {
    "fp32": Format(bits=32.0, rates=("fp32", "tf32", SIXTEEN_BITS)),
    "tf32": Format(bits=32.0, rates=("tf32",)),
    "bf16": Format(bits=16.0),
    "fp16": Format(bits=16.0),
    "fp8": Format(bits=8.0, rates=("fp8", SIXTEEN_BITS)),
    "fp8-block": Format(bits=8.0, scale_bits=32.0, group=128.0 * 128.0, rates=("fp8", SIXTEEN_BITS)),
    "mxfp8": Format(bits=8.0, scale_bits=8.0, group=32.0, rates=("fp8", SIXTEEN_BITS)),
    "int8": Format(bits=8.0, rates=("int8", SIXTEEN_BITS)),
    "fp4": Format(bits=4.0, rates=("fp4", SIXTEEN_BITS)),
    "mxfp4": Format(bits=4.0, scale_bits=8.0, group=32.0, rates=("fp4", SIXTEEN_BITS)),
    "nvfp4": Format(bits=4.0, scale_bits=8.0, group=16.0, rates=("fp4", SIXTEEN_BITS)),
    "int4": Format(bits=4.0),
    **{
        f"int{bits:.0f}-g{group:.0f}": Format(bits=bits, scale_bits=16.0 + bits, group=group)
        for bits in (2.0, 3.0, 4.0, 8.0)
        for group in (32.0, 64.0, 128.0)
    },
    "int4-g32": Format(bits=4.0, scale_bits=16.0, group=32.0),
    "nf4": Format(bits=4.0, scale_bits=32.0, group=64.0),
    "nf4-dq": Format(bits=4.0, scale_bits=8.0 + 32.0 / 256.0, group=64.0),
    "fp8-index": Format(bits=8.0, scale_bits=32.0, group=128.0, rates=("fp8", SIXTEEN_BITS)),
}
"""Formats by name. MXFP: an 8-bit scale per 32 elements (Open Compute Project, "OCP Microscaling Formats (MX)
Specification", version 1.0, 2023, table 1); NVFP4: an 8-bit scale per 16; ``fp8-block``: one in single precision per
128 × 128 weights (arXiv 2412.19437, section 3.3.2); ``int4-g128`` and others in groups: a 16-bit scale and a zero point
of the weights' bits per group (AWQ, arXiv 2306.00978; GPTQ, arXiv 2210.17323); ``int4-g32``: a 16-bit scale per 32,
symmetric; ``nf4``: a scale in single precision per 64, of which ``nf4-dq`` stores 256 in 8 bits with one in single
precision (QLoRA, arXiv 2305.14314, section 3); ``fp8-index``: a scale in single precision per key of 128 elements.
Scales per tensor or per channel are below one part in a thousand and left out."""

PRECISION_BYTES: dict[str, float] = {name: stored.bytes_per_element for name, stored in FORMATS.items()}
"""Stored bytes per element by format [byte]."""

WEIGHT_PARTS = ("attention", "dense", "shared_experts", "experts", "embedding", "head", "rest")
"""Parts of the weights: mixers of tokens; dense MLPs; shared and routed experts; input and output embedding; norms,
biases, routers and convolutions."""
LAYER_PARTS = ("attention", "dense", "shared_experts", "experts")
"""Parts inside the layers."""
KEPT_PARTS = ("cache", "index", "state")
"""Parts kept for a sequence: keys and values or their latent, keys of an indexer, recurrent state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Stored bytes per element of every part [byte]; numbers or arrays that broadcast.

    Parameters
    ----------
    attention, dense, shared_experts, experts, embedding, head, rest
        Weights by part, > 0, see :data:`WEIGHT_PARTS`. A tied table is stored as ``head``.
    cache, index, state
        Data kept for a sequence, > 0, see :data:`KEPT_PARTS`.
    activation
        Activations, and data that collectives send, > 0.
    dispatch
        Activations on their way to experts, > 0; they return as ``activation``.
    """

    attention: Numeric = 2.0
    dense: Numeric = 2.0
    shared_experts: Numeric = 2.0
    experts: Numeric = 2.0
    embedding: Numeric = 2.0
    head: Numeric = 2.0
    rest: Numeric = 2.0
    cache: Numeric = 2.0
    index: Numeric = 2.0
    state: Numeric = 2.0
    activation: Numeric = 2.0
    dispatch: Numeric = 2.0

    @property
    def stored(self) -> dict[str, Numeric]:
        """Bytes per weight by part [byte]."""
        return {part: getattr(self, part) for part in WEIGHT_PARTS}


def by_part(precision: Precision | Numeric) -> Precision:
    """Return a precision by part, from itself or from one figure for all parts.

    Examples
    --------
    >>> by_part(1.0).head
    1.0
    """
    if isinstance(precision, Precision):
        return precision
    return Precision(**dict.fromkeys((*WEIGHT_PARTS, *KEPT_PARTS), precision))


def bytes_per_element(precision: str) -> float:
    """Return the stored bytes of one element of a named format [byte].

    Raises
    ------
    DomainError
        If the format is not known.

    Examples
    --------
    >>> bytes_per_element("mxfp4")
    0.53125
    """
    return _format(precision).bytes_per_element


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise DomainError(f"unknown precision {name!r}: allowed are {', '.join(FORMATS)}{near_matches(name, FORMATS)}")
    return FORMATS[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A format for every part of a model, as checkpoints are published.

    Parameters
    ----------
    name
        Name of the scheme.
    attention, dense, shared_experts, experts, embedding, head, rest, cache, index, state
        Name of the format of each part.
    kept
        Parts that stay in 16 bits in some layers only, with the share of those layers [1].
    source
        Document that gives the scheme.
    """

    name: str
    attention: str = SIXTEEN_BITS
    dense: str = SIXTEEN_BITS
    shared_experts: str = SIXTEEN_BITS
    experts: str = SIXTEEN_BITS
    embedding: str = SIXTEEN_BITS
    head: str = SIXTEEN_BITS
    rest: str = SIXTEEN_BITS
    cache: str = SIXTEEN_BITS
    index: str = SIXTEEN_BITS
    state: str = "fp32"
    kept: tuple[tuple[str, float], ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        """Raise an error for unknown formats."""
        for part in (*WEIGHT_PARTS, *KEPT_PARTS):
            _format(getattr(self, part))

    def format_of(self, part: str) -> str:
        """Return the name of a part's format."""
        return str(getattr(self, part))

    def rate_of(self, part: str, has: Callable[[str], bool]) -> str:
        """Return the rate at which a part's products run on a chip.

        Parameters
        ----------
        part
            One of :data:`WEIGHT_PARTS`.
        has
            Whether the chip has a rate of that name.

        Returns
        -------
        str
            The first rate of the part's format that the chip has; if it has none, the format's last rate.

        Examples
        --------
        >>> scheme("mxfp4").rate_of("experts", {"bf16", "fp8"}.__contains__)
        'bf16'
        """
        rates = _format(self.format_of(part)).rates
        return next((rate for rate in rates if has(rate)), rates[-1])

    def remarks(self, shape: Shape, has: Callable[[str], bool]) -> tuple[str, ...]:
        """Describe which parts of a model are stored in a format that the chip cannot multiply."""
        found = []
        for part in _present(shape):
            stored, used = _format(self.format_of(part)), self.rate_of(part, has)
            best = stored.rates[0]
            if used != best or (stored.bits < 16.0 and used == SIXTEEN_BITS):
                why = f": the chip has no {best}" if used != best else ": a storage-only format"
                found.append(f"{part.replace('_', ' ')}: stored as {self.format_of(part)}, multiplied as {used}{why}")
        return tuple(found)

    @property
    def formats(self) -> dict[str, str]:
        """Names of the formats of the weights by part."""
        return {part: self.format_of(part) for part in WEIGHT_PARTS}

    def precision(self, activation: str = SIXTEEN_BITS) -> Precision:
        """Return the bytes per element of a model stored in this scheme.

        Parameters
        ----------
        activation
            Format of activations; those sent to experts have 8 bits if the experts have 8 or fewer.
        """
        stored = {part: bytes_per_element(self.format_of(part)) for part in (*WEIGHT_PARTS, *KEPT_PARTS)}
        for part, share in self.kept:
            stored[part] = (1.0 - share) * stored[part] + share * bytes_per_element(SIXTEEN_BITS)
        sent = bytes_per_element(activation)
        eight = max(FORMATS[self.experts].bits / 8.0, 1.0)
        return Precision(**stored, activation=sent, dispatch=min(eight, sent))


def _present(shape: Shape) -> tuple[str, ...]:
    """Return the parts of the weights with which a shape multiplies."""
    counts = count_parameters(shape)
    held = {
        "attention": counts.attention,
        "dense": counts.dense_mlp,
        "shared_experts": counts.shared_experts,
        "experts": counts.routed_experts,
        "head": counts.output_embedding,
    }
    return tuple(part for part, parameters in held.items() if parameters)


def scheme_names() -> tuple[str, ...]:
    """Return the names of all schemes, general ones first.

    Examples
    --------
    >>> "fp8" in scheme_names()
    True
    """
    return tuple(dict.fromkeys(str(record.text("scheme")) for record in table("precision_schemes").values()))


def scheme(written: str | Mapping[str, Any] | Scheme, model: str = "", **changes: Any) -> Scheme:
    """Return a scheme by its name, or from a table of formats by part.

    Parameters
    ----------
    written
        Name of a scheme, where a published checkpoint of the model takes precedence over the general one. Or a table
        with a format for each part, ``default`` for the others, and ``base`` for a scheme to start from. Or a scheme.
    model
        Name of the model in the catalog.
    **changes
        Formats of parts in place of the scheme's, such as ``cache``.

    Raises
    ------
    DomainError
        If the name, a part or a format is not known.

    Examples
    --------
    >>> scheme("fp8").attention, scheme("fp8", "Llama-3.1-405B").attention
    ('fp8', 'bf16')
    >>> scheme({"experts": "nvfp4"}).experts
    'nvfp4'
    """
    if isinstance(written, Scheme):
        return replace(written, **changes) if changes else written
    found = _from_table(written, model) if isinstance(written, Mapping) else _named(written, model)
    return replace(found, **changes) if changes else found


def _from_table(written: Mapping[str, Any], model: str) -> Scheme:
    """Build a scheme from a table of formats."""
    given = dict(written)
    allowed = {item.name for item in fields(Scheme) if item.name != "kept"} | {"base", "default"}
    for key, value in given.items():
        if key not in allowed:
            raise DomainError(f"precision: unknown part {key!r}{near_matches(str(key), allowed)}")
        if not isinstance(value, str):
            raise DomainError(f"precision: {key} must name a format, such as 'fp8'; given {str(value)[:60]!r}")
    base, default = given.pop("base", None), given.pop("default", None)
    start = Scheme(name="own") if base is None else _named(base, model)
    if default is not None:
        start = replace(start, **dict.fromkeys(LAYER_PARTS, default))
    return replace(start, **{"name": "own", **given})


@lru_cache(maxsize=256)
def _named(name: str, model: str) -> Scheme:
    """Return the recorded scheme, the model's own before the general one; a format's name is a scheme too."""
    general = None
    for record in table("precision_schemes").values():
        if record.text("scheme") != name:
            continue
        models = [part.strip() for part in (record.label("models") or "").split(",") if part.strip()]
        if model in models or not models:
            found = _recorded(name, record)
            if models:
                return found
            general = found
    if general is None and name in FORMATS:
        return Scheme(name=name, attention=name, dense=name, shared_experts=name, experts=name)
    if general is None:
        allowed = tuple(dict.fromkeys((*scheme_names(), *FORMATS)))
        raise DomainError(
            f"unknown precision {name!r}: allowed are {', '.join(allowed)}{near_matches(name, allowed)}, or a table of "
            "formats by part"
        )
    return general


def _recorded(name: str, record: Any) -> Scheme:
    """Build a scheme from its record."""
    given = {part: record.label(part) for part in (*WEIGHT_PARTS, *KEPT_PARTS)}
    share = record.value("kept_share") if "kept_share" in record else 0.0
    kept = tuple((part, share) for part in LAYER_PARTS if share and given[part])
    return Scheme(
        name=name,
        kept=kept,
        source=record.datum("scheme").source.title,
        **{part: text for part, text in given.items() if text},
    )
