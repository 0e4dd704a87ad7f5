"""Build against buy: the price of a month's tokens of a model, compared with serving the same tokens in-house.

Serving a model in-house takes whole copies, paid for all month, busy or idle: at low volume most of a copy
stands idle. Where no plan is given, a model whose shape is in the catalog is served as this module assumes, on the
cheapest of a few accelerators and layouts; staff, software and the model's licence are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from costmodel.catalog.named import catalog_model
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.design import Design
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.units import SECONDS_PER_HOUR
from costmodel.serving.throughput import REASONS
from costmodel.studies.bill import EXAMPLE_ROWS, Line
from costmodel.studies.findings import Finding
from costmodel.studies.rates import OWN_LIFE, OWN_WACC, RANKS, end_of_month
from costmodel.studies.service import Service, ServiceResult, serve_plan

ACCELERATORS = ("H100-SXM", "H200-SXM")
"""Accelerators that are tried where no plan is given."""
LAYOUTS = (1, 2, 4, 8, 16)
"""Accelerators of a copy that are tried, by tensor parallelism [1]."""
USE = (0.3, 0.7)
"""Share of paid hours that is busy at the volume that a copy is sized for [1] (assumed)."""
ANSWER = 400.0
"""Output of a request [token] (assumed: a bill has no requests); its prompt follows from the bill's proportion."""
LONGEST_PROMPT = 32_000.0
"""Longest mean prompt [token] (assumed): beyond it, answers are taken to be shorter."""
MOST_CACHED = 0.99
"""Largest share of a prompt that is taken to be cached [1] (assumed): the engine computes the rest."""
SLOWEST = 0.05
"""Longest time per output token [s/token] (assumed): 20 tokens a second for a user."""
DRAWS = 500
"""Draws behind an interval [1]."""
_TRIMMED = ("instruct", "chat", "versatile", "turbo", "latest", "fp8", "bf16", "hf", "it")
"""Suffixes of a model's name on a bill that do not change its shape."""


@dataclass(frozen=True, slots=True)
class Bought:
    """Tokens of a model that were bought in a month.

    Parameters
    ----------
    month, provider, name
        When, from whom, which model.
    tokens
        By side, as a bill names it [token].
    paid
        What was paid for them [USD].
    rows, examples
        Number of rows, and the first of them.
    inferred
        What was read from free text.
    """

    month: str
    provider: str
    name: str
    tokens: Mapping[str, float]
    paid: float
    rows: int
    examples: tuple[int, ...]
    inferred: tuple[str, ...]


def bought(lines: Iterable[Line], rates: Mapping[tuple[str, str], float]) -> tuple[Bought, ...]:
    """Return the tokens of each model in each month, over sides and ways of pricing.

    Parameters
    ----------
    lines
        Lines of tokens.
    rates
        USD for one unit of a currency in a month, by currency and month.
    """
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.month, line.provider, line.name), []).append(line)
    found = []
    for (month, provider, name), held in groups.items():
        tokens: dict[str, float] = {}
        for line in held:
            tokens[line.side] = tokens.get(line.side, 0.0) + line.quantity
        paid = sum(line.cost["effective"] * rates[line.currency, line.month] for line in held)
        examples = sorted(row for line in held for row in line.examples)[:EXAMPLE_ROWS]
        said = tuple(dict.fromkeys(text for line in held for text in line.inferred))
        found.append(
            Bought(month, provider, name, tokens, paid, sum(line.rows for line in held), tuple(examples), said)
        )
    return tuple(found)


def named_plan(name: str, serve: Mapping[str, Service]) -> str | None:
    """Return the shape in the catalog that a bill's model has, or the given plan's; nothing where neither is known.

    Examples
    --------
    >>> named_plan("meta-llama/Llama-3.3-70B-Instruct-Turbo", {}), named_plan("gpt-4o", {})
    ('Llama-3-70B', None)
    """
    if name in serve:
        return name
    words = name.rpartition("/")[2].lower().replace("_", "-").split("-")
    while words and words[-1] in _TRIMMED:
        words.pop()
    return catalog_model("".join(words))


def build_against_buy(tokens: Bought, plan: Service | None = None) -> Finding:
    """Compare the price paid for a model's tokens with the cost of serving them in-house.

    Parameters
    ----------
    tokens
        What was bought.
    plan
        How the model would be served; its lengths give the answer, the bill the proportion of prompt and cache.

    Returns
    -------
    Finding
        With what would have been saved, below 0 where serving costs more: 5, 50 and 95 %.

    Raises
    ------
    CatalogError
        If the bill does not say which tokens went in and which out, or the model runs on nothing that is tried.

    Notes
    -----
    Requests are output over the answer's length; busy hours follow from the requests that a copy serves. Copies are
    whole: ``⌈busy hours / (use · hours of a copy in the month)⌉``, and all their hours are paid.
    """
    wanted = tokens.tokens.get("output", 0.0)
    if not wanted or tokens.tokens.get("", 0.0):
        raise CatalogError(
            f"build against buy of {tokens.name}, {tokens.month}: the bill does not say which tokens went in and out"
        )
    plans = [plan] if plan is not None else _assumed(named_plan(tokens.name, {}) or tokens.name)
    best: tuple[float, FloatArray, float, ServiceResult, Service] | None = None
    reasons: dict[str, None] = {}
    for each in plans:
        whole = _with_mix(each, tokens)
        result = serve_plan(
            whole.resolve(Design.random(whole, DRAWS, 0)) if whole.uncertain_paths() else whole.resolve()
        )
        if np.any(result.infeasible):
            code = int(np.max(np.asarray(result.reason)))
            reasons[f"{whole.accelerator}: {REASONS[code]}"] = None
            continue
        cost, copies = _monthly_cost(whole, result, wanted, tokens.month)
        middle = float(np.median(cost))
        if best is None or middle < best[0]:
            best = (middle, cost, copies, result, whole)
    if best is None:
        raise CatalogError(f"build against buy of {tokens.name}, {tokens.month}: {'; '.join(reasons)}")
    _, cost, copies, result, whole = best
    return _found(tokens, cost, copies, result, whole, own=plan is not None)


def _assumed(architecture: str) -> list[Service]:
    """Return the plans that are tried where none is given."""
    span = ("low", "high")
    hour = {
        "it_life": {"dist": "uniform", **dict(zip(span, OWN_LIFE, strict=True))},
        "wacc": {"dist": "uniform", **dict(zip(span, OWN_WACC, strict=True))},
    }
    return [
        Service(
            name="build-against-buy",
            accelerator=accelerator,
            utilisation={"dist": "uniform", **dict(zip(span, USE, strict=True))},
            hour=hour,
            serving={
                "architecture": architecture,
                "layout": {"tensor": tensor},
                "workload": {"mean_input": ANSWER, "mean_output": ANSWER},
                "max_time_per_output_token": SLOWEST,
            },
        )
        for accelerator in ACCELERATORS
        for tensor in LAYOUTS
    ]


def _with_mix(plan: Service, tokens: Bought) -> Service:
    """Return a plan with prompt and cache in the bill's proportion to the output."""
    prompt = sum(tokens.tokens.get(side, 0.0) for side in ("input", "cached input", "cache write"))
    ratio, cached = prompt / tokens.tokens["output"], tokens.tokens.get("cached input", 0.0)
    answer = float(plan.resolve().serving.workload.mean_output)
    answer = max(min(answer, LONGEST_PROMPT / ratio), 1.0) if ratio > 0.0 else answer
    return plan.replace(
        {
            "serving.workload.mean_output": answer,
            "serving.workload.mean_input": max(ratio * answer, 1.0),
            "serving.workload.cached_share": min(cached / prompt, MOST_CACHED) if prompt else 0.0,
        }
    )


def _monthly_cost(plan: Service, result: ServiceResult, output: float, month: str) -> tuple[FloatArray, float]:
    """Return the cost of serving for a month [USD], a figure for each draw, and the median number of copies [1]."""
    requests = output / float(np.median(np.asarray(plan.resolve().serving.workload.mean_output)))
    busy = requests / (np.asarray(result.requests_per_second) * SECONDS_PER_HOUR)
    hours = end_of_month(month).day * 24.0 * np.asarray(result.accelerators)
    copies = np.ceil(busy / (np.asarray(result.utilisation) * hours))
    return np.atleast_1d(copies * hours * np.asarray(result.hour_cost)), float(np.median(copies))


def _found(
    tokens: Bought, cost: FloatArray, copies: float, result: ServiceResult, plan: Service, *, own: bool
) -> Finding:
    low, middle, high = (float(value) for value in np.quantile(cost, RANKS))
    number, size = sum(tokens.tokens.values()), float(np.median(np.asarray(result.accelerators)))
    price = tokens.paid / number
    full = end_of_month(tokens.month).day * 24.0 * SECONDS_PER_HOUR * size
    capacity = full * float(np.median(np.asarray(result.utilisation) * np.asarray(result.tokens_per_second)))
    enough = middle / copies / price if price > 0.0 else float("inf")
    pays = f"pays from {enough / 1e6:,.0f} million tokens a month" if enough <= capacity else "pays at no volume"
    title = (
        f"{tokens.name}, {number / 1e6:,.1f} million tokens, served by oneself on {copies:g} × {size:g} "
        f"{plan.accelerator}: {middle:,.0f} USD ({low:,.0f} to {high:,.0f}) against {tokens.paid:,.0f} paid; "
        f"building {pays} at {price * 1e6:.2f} USD per million"
    )
    workload = plan.resolve().serving.workload
    rests = (
        f"a plan of one's own, {plan.name}" if own else
        f"{plan.serving.architecture} in {plan.serving.precision}, the cheapest of {', '.join(ACCELERATORS)}",
        f"prompts of {float(workload.mean_input):,.0f} and answers of {float(workload.mean_output):,.0f} tokens",
        *(
            ()
            if own
            else (
                f"use {USE[0]:.0%} to {USE[1]:.0%}",
                f"life {OWN_LIFE[0]:g} to {OWN_LIFE[1]:g} years",
                f"cost of capital {OWN_WACC[0]:.0%} to {OWN_WACC[1]:.0%}",
                f"at most {SLOWEST * 1e3:g} ms per token",
            )
        ),
        "staff, software and the model's licence out",
        *tokens.inferred,
    )  # fmt: skip
    saving = (tokens.paid - high, tokens.paid - middle, tokens.paid - low)
    return Finding(
        title, tokens.month, tokens.provider, tokens.name, tokens.paid, saving, tokens.rows, tokens.examples, rests
    )
