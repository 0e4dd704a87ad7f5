"""LiteLLM: its price map, and the spend log of its proxy.

**Versions.** ``model_prices_and_context_window.json`` of LiteLLM 1.x: an object with an entry for each model, prices in
USD per token, longer prompts as ``…_above_200k_tokens``, batches as ``…_batches``, service tiers as ``…_priority`` and
``…_flex``. Lists of models under ``data`` (the proxy's ``/model/info``, OpenRouter's list) are refused by name. Spend
log: rows of ``LiteLLM_SpendLogs``, read by `costmodel.formats.usage`; the daily summaries beside it
(``LiteLLM_DailyUserSpend`` and the like) add up calls whose lengths set their price, so they are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.files import read_json

MAX_MAP_BYTES = 32 * 2**20
"""Largest price map that is read [byte]."""
INPUT_PRICE = "input_cost_per_token"
"""Entry by which a price map is recognized."""
SPEND_LOG: dict[str, Any] = {
    "time": ("startTime",),
    "provider": ("custom_llm_provider",),
    "model": ("model",),
    "parts": {
        "input": ("prompt_tokens",),
        "cache_read": (
            "metadata.usage_object.prompt_tokens_details.cached_tokens",
            "metadata.usage_object.cache_read_input_tokens",
        ),
        "cache_write": ("metadata.usage_object.cache_creation_input_tokens",),
        "output": ("completion_tokens",),
        "reasoning": ("metadata.usage_object.completion_tokens_details.reasoning_tokens",),
    },
    "counting": "inclusive",
}
"""Columns of the spend log; its prompt counts every token, cached ones too."""
SUMMED = "api_requests"
"""Column of the daily summaries: the number of calls of a row."""


def read_prices(source: str | Path) -> dict[str, Mapping[str, Any]]:
    """Read a price map: its entries by model.

    Parameters
    ----------
    source
        Path of the file. Nothing is downloaded.

    Raises
    ------
    ScenarioError
        If it is not such a map; the message names what it is, where that is known.
    """
    form = read_json(Path(source), MAX_MAP_BYTES)
    if isinstance(form, Mapping) and isinstance(form.get("data"), list):
        raise ScenarioError(f"{source}: a list of models under 'data', not LiteLLM's price map")
    if not isinstance(form, Mapping):
        raise ScenarioError(f"{source}: not a JSON object")
    models = {key: entry for key, entry in form.items() if isinstance(entry, Mapping)}
    if not any(INPUT_PRICE in entry for entry in models.values()):
        raise ScenarioError(f"{source}: not LiteLLM's price map: no entry has {INPUT_PRICE}")
    return models


def check_spend_log(columns: Iterable[str]) -> None:
    """Refuse a daily summary: the price of its calls depends on the length of each.

    Raises
    ------
    ScenarioError
        If the columns are those of a summary.
    """
    if SUMMED in columns:
        raise ScenarioError(
            f"a daily summary of LiteLLM ({SUMMED}): prices depend on each call's length; export LiteLLM_SpendLogs"
        )
