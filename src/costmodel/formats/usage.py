"""Logs of model calls: tokens by kind, from CSV, JSON lines, OpenTelemetry spans, LiteLLM and Langfuse.

**Counting.** There are two conventions. *Inclusive*: the input counts every token of the prompt, and cached reads and
cache writes are parts of it (OpenAI's and Google's interfaces, and the OpenTelemetry conventions). *Beside*: reads and
writes are counted apart from the input, which counts only the rest (Anthropic's interface). Every format has its own;
for a plain CSV the caller names it. Reasoning tokens are a part of the output in both.

**Versions.** OpenTelemetry: ``gen_ai.*`` attributes of semantic conventions 1.28 to 1.40, with the older names
``gen_ai.system``, ``prompt_tokens`` and ``completion_tokens``, in a JSON object a span or in OTLP's lists of key and
value. LiteLLM: rows of the spend log, see `costmodel.formats.litellm`. Langfuse:
exported observations with ``usageDetails``; the older ``usage`` object is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from costmodel.formats import litellm
from costmodel.formats.tables import Block, BoolArray, IntArray, Unread, distinct_rows, read_blocks
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import ScenarioError

Counting = Literal["inclusive", "beside"]
"""Whether cached tokens are counted in the input or apart from it."""
PARTS = ("input", "cache_read", "cache_write", "output", "reasoning")
"""Kinds of token."""
UTC_SECOND = "2026-01-31T23:59:59Z"
"""A time in UTC, to the second."""
_UTC = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}Z")
MAX_TOKENS = 1e9
"""Most tokens of one call [token]: a larger count is an error of reading."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of a format by meaning; of several names, the first that a table has is read."""

    time: tuple[str, ...]
    provider: tuple[str, ...]
    model: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]
    processing: tuple[str, ...] = ()
    service_tier: tuple[str, ...] = ()
    counting: Counting | None = None


def _otel(*names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{name}" for name in names for prefix in ("attributes.", ""))


LAYOUTS: dict[str, Layout] = {
    "plain": Layout(
        time=("time", "timestamp", "date", "created_at"),
        provider=("provider",),
        model=("model",),
        parts={
            "input": ("input_tokens", "prompt_tokens", "input"),
            "cache_read": ("cached_input_tokens", "cache_read_input_tokens", "cache_read_tokens", "cached_tokens"),
            "cache_write": ("cache_write_tokens", "cache_creation_input_tokens"),
            "output": ("output_tokens", "completion_tokens", "output"),
            "reasoning": ("reasoning_tokens",),
        },
        processing=("processing",),
        service_tier=("service_tier", "tier"),
    ),
    "opentelemetry": Layout(
        time=("startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime", "timestamp"),
        provider=_otel("gen_ai.provider.name", "gen_ai.system"),
        model=_otel("gen_ai.response.model", "gen_ai.request.model"),
        parts={
            "input": _otel("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
            "cache_read": _otel(
                "gen_ai.usage.cache_read.input_tokens",
                "gen_ai.usage.cache_read_input_tokens",
                "gen_ai.usage.input_tokens.cached",
            ),
            "cache_write": _otel(
                "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens"
            ),
            "output": _otel("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
            "reasoning": _otel("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.output_tokens.reasoning"),
        },
        service_tier=_otel("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
        counting="inclusive",
    ),
    "litellm": Layout(**litellm.SPEND_LOG),
    "langfuse": Layout(
        time=("startTime",),
        provider=("metadata.ls_provider", "metadata.provider"),
        model=("model",),
        parts={
            "input": ("usageDetails.input",),
            "cache_read": ("usageDetails.cache_read_input_tokens", "usageDetails.input_cached_tokens"),
            "cache_write": ("usageDetails.cache_creation_input_tokens", "usageDetails.input_cache_creation"),
            "output": ("usageDetails.output",),
            "reasoning": ("usageDetails.output_reasoning_tokens",),
        },
        counting="beside",
    ),
}
"""Formats that are read, by name."""


@dataclass(frozen=True, slots=True)
class Calls:
    """A block of calls: tokens by kind and row, and what was called.

    Parameters
    ----------
    rows
        Number of each row in the file, ``(row,)``.
    time
        When each call was made, UTC, to the second, ``(row,)``.
    group
        Position in ``called`` of each row, ``(row,)``.
    called
        Provider, model, processing and service tier; empty where the log does not say.
    tokens
        Tokens by kind, ``(row,)`` each [token]: ``input`` counts uncached tokens alone, ``reasoning`` is a part of
        ``output``.
    """

    rows: IntArray
    time: Any
    group: IntArray
    called: tuple[tuple[str, str, str, str], ...]
    tokens: Mapping[str, FloatArray]


def format_of(block: Block) -> str:
    """Return the name of the format that a table's columns belong to.

    Raises
    ------
    ScenarioError
        If no format has such columns.
    """
    names = block.columns.keys()
    if any(name.removeprefix("attributes.").startswith("gen_ai.") for name in names):
        return "opentelemetry"
    if any(name.startswith("usageDetails.") for name in names):
        return "langfuse"
    if any(name.startswith("usage.") for name in names) and "startTime" in names:
        raise ScenarioError("a Langfuse export with 'usage' is of a version before 3; export 'usageDetails' instead")
    if "custom_llm_provider" in names:
        litellm.check_spend_log(names)
        return "litellm"
    if any(name in names for name in LAYOUTS["plain"].parts["input"]):
        return "plain"
    raise ScenarioError(
        f"not a usage log that is known: no column of input tokens; columns are {', '.join(sorted(names)[:12])}"
    )


def read(
    source: str | Path, unread: Unread | None = None, *, counting: Counting | None = None, layout: str | None = None
) -> Iterator[Calls]:
    """Read a usage log in blocks.

    Parameters
    ----------
    source
        Path of a ``.csv``, ``.jsonl`` or ``.ndjson`` file.
    unread
        Counter of rows that cannot be read: no time, no model, a count that is not one, cached tokens above the
        input under inclusive counting.
    counting
        Convention of cached tokens; needed for a plain table that has them, and otherwise the format's own.
    layout
        Name in `LAYOUTS`; recognized by the columns where absent.

    Yields
    ------
    Calls
        Rows of a block.

    Raises
    ------
    ScenarioError
        If the file is not a usage log, or the convention is needed and not named.
    """
    dropped = Unread() if unread is None else unread
    if layout is not None and layout not in LAYOUTS:
        raise ScenarioError(f"layout {layout!r}: allowed are {', '.join(LAYOUTS)}")
    if counting not in (None, "inclusive", "beside"):
        raise ScenarioError(f"counting {counting!r}: allowed are 'inclusive' and 'beside'")
    chosen = None if layout is None else LAYOUTS[layout]
    for block in read_blocks(source, dropped):
        chosen = chosen or LAYOUTS[format_of(block)]
        convention = counting or chosen.counting
        if convention is None:
            if any(block.has(name) for part in ("cache_read", "cache_write") for name in chosen.parts[part]):
                raise ScenarioError(
                    f"{source}: are cached tokens counted in the input ('inclusive') or 'beside' it? Say so by counting"
                )
            convention = "inclusive"
        yield _calls(block, chosen, convention, dropped)


def _first(block: Block, names: tuple[str, ...]) -> str:
    return next((name for name in names if block.has(name)), "")


def _calls(block: Block, layout: Layout, counting: Counting, unread: Unread) -> Calls:
    good = np.ones(len(block), dtype=np.bool_)
    counts: dict[str, FloatArray] = {}
    for part, names in layout.parts.items():
        values, wrong = block.number(_first(block, names))
        wrong |= (values < 0.0) | (values > MAX_TOKENS)
        good = _leave_out(block, good, wrong, f"{part} tokens are no count", unread)
        counts[part] = np.nan_to_num(values)
    time, missing = _times(block, _first(block, layout.time))
    good = _leave_out(block, good, missing, "no time that can be read", unread)
    columns = [_first(block, each) for each in (layout.provider, layout.model, layout.processing, layout.service_tier)]
    coded = [block.text(name) for name in columns]
    codes, models = coded[1]
    without = np.array([not text for text in models], dtype=np.bool_)[codes]
    good = _leave_out(block, good, without, "no model", unread)
    if counting == "inclusive":
        cached = counts["cache_read"] + counts["cache_write"]
        good = _leave_out(block, good, cached > counts["input"], "more cached tokens than input", unread)
        counts["input"] = counts["input"] - cached
    good = _leave_out(block, good, counts["reasoning"] > counts["output"], "more reasoning than output", unread)
    first, group = distinct_rows(np.stack([codes for codes, _ in coded])[:, good])
    texts = [values for _, values in coded]
    called = tuple(
        (texts[0][row[0]].lower(), texts[1][row[1]], texts[2][row[2]].lower(), texts[3][row[3]].lower())
        for row in first
    )
    return Calls(block.rows[good], time[good], group, called, {part: values[good] for part, values in counts.items()})


def _leave_out(block: Block, good: BoolArray, wrong: BoolArray, reason: str, unread: Unread) -> BoolArray:
    for position in np.flatnonzero(good & wrong):
        unread.add(int(block.rows[position]), reason)
    return good & ~wrong


def _times(block: Block, name: str) -> tuple[Any, BoolArray]:
    """Return the time of each row, UTC, to the second, and where there is none."""
    codes, texts = block.text(name)
    times = _times_of(texts)[codes]
    return times, np.isnat(times)


def _times_of(texts: list[str]) -> Any:
    """Return texts as times; all at once where all are in UTC and to the second."""
    if all(_UTC.fullmatch(text) for text in texts):
        try:
            return np.array(texts, dtype=f"U{len(UTC_SECOND) - 1}").astype("datetime64[s]")
        except ValueError:
            pass
    return np.array([_time(text) for text in texts], dtype="datetime64[s]")


def _time(text: str) -> Any:
    """Read an ISO 8601 time, or seconds, milliseconds or nanoseconds since 1970; NaT where it is none."""
    from datetime import UTC, datetime

    if text.isascii() and text.isdecimal() and len(text) in (10, 13, 19):
        return np.datetime64(int(text) // {10: 1, 13: 10**3, 19: 10**9}[len(text)], "s")
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # no time, or one that UTC moves out of the years 1 to 9999
        return np.datetime64("NaT", "s")
    return np.datetime64(moment.replace(microsecond=0), "s")
