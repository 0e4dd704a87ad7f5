"""Cost and energy per token from an accelerator-hour price.

The price of an accelerator-hour is an argument: owned, rented or a list price, from any source. :class:`CostBasis`
says what a cost per token contains.
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.errors import DomainError
from costmodel.foundation.units import SECONDS_PER_HOUR

_CHOICES = {
    "phases": ("decode only", "prefill only", "prefill and decode"),
    "tokens": ("input", "cached input", "output", "total", "blended"),
    "idle_hours": ("in", "out"),
    "price": ("owned", "rented", "list"),
    "depreciation": ("accounting", "economic", "not applicable"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CostBasis:
    """Contents of a cost per token.

    Two costs may be compared only if these five words agree.

    Parameters
    ----------
    phases
        ``decode only``, ``prefill only`` or ``prefill and decode``.
    tokens
        Tokens in the denominator: ``input``, ``cached input``, ``output``, ``total`` or ``blended``.
    idle_hours
        ``in`` where busy hours also pay for idle ones, else ``out``.
    price
        Accelerator-hour price: ``owned``, ``rented`` or ``list``.
    depreciation
        ``accounting`` or ``economic`` for an owned accelerator, else ``not applicable``.

    Examples
    --------
    >>> str(CostBasis(phases="decode only", tokens="output", idle_hours="out", price="rented"))
    'per output token, decode only, idle hours out, rented price'
    """

    phases: str
    tokens: str
    idle_hours: str
    price: str
    depreciation: str = "not applicable"

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            given = getattr(self, name)
            if given not in allowed:
                raise DomainError(f"CostBasis.{name} = {given!r}: allowed are {', '.join(allowed)}")

    def __str__(self) -> str:
        text = f"per {self.tokens} token, {self.phases}, idle hours {self.idle_hours}, {self.price} price"
        return text if self.depreciation == "not applicable" else f"{text}, {self.depreciation} depreciation"


@formula()
def cost_per_token(hour_price: Numeric, tokens_per_second: Numeric, utilisation: Numeric = 1.0) -> Numeric:
    """Cost of a token from the price of an accelerator-hour and its throughput.

    Parameters
    ----------
    hour_price
        Price of one accelerator-hour, >= 0 [USD/hour].
    tokens_per_second
        Tokens per second of one accelerator while it is busy, > 0; which tokens is the basis [token/s].
    utilisation
        Share of paid hours that are busy, 0 < u <= 1; 1 leaves idle hours out [1].

    Returns
    -------
    float or array
        Cost per token [USD/token]; it is shown per million tokens.

    Notes
    -----
    ``price / (tokens per second · 3600 · utilisation)``.

    References
    ----------
    SemiAnalysis, InferenceX: cost per million tokens = price / (tokens per second · 3600 / 1e6).

    Examples
    --------
    >>> round(float(cost_per_token(1.30, 2568.0)) * 1e6, 2)
    0.14
    """
    return hour_price / (tokens_per_second * SECONDS_PER_HOUR * utilisation)


@formula()
def cost_of_accelerator_time(hour_price: Numeric, accelerator_seconds: Numeric, utilisation: Numeric) -> Numeric:
    """Cost of accelerator time, idle hours carried by the busy ones.

    Parameters
    ----------
    hour_price
        Price of one accelerator-hour, >= 0 [USD/hour].
    accelerator_seconds
        Busy accelerator-seconds of the work, >= 0 [s].
    utilisation
        Share of paid hours that are busy, 0 < u <= 1 [1].

    Returns
    -------
    float or array
        Cost of the work [USD].

    Examples
    --------
    >>> float(cost_of_accelerator_time(3.6, 10.0, 0.5))
    0.02
    """
    return hour_price * accelerator_seconds / (SECONDS_PER_HOUR * utilisation)


@formula()
def blended_cost(
    input_cost: Numeric,
    cached_cost: Numeric,
    output_cost: Numeric,
    input_tokens: Numeric,
    cached_share: Numeric,
    output_tokens: Numeric,
) -> Numeric:
    """Cost (or price) per token of a request's mix of computed input, cached input and output.

    Parameters
    ----------
    input_cost, cached_cost, output_cost
        Per computed input, cached input and output token, >= 0 [USD/token].
    input_tokens
        Input tokens of a request, cached ones included, >= 0 [token].
    cached_share
        Share of input tokens read from a prefix cache, 0 to 1 [1].
    output_tokens
        Output tokens of a request, > 0 [token].

    Returns
    -------
    float or array
        Per token of input and output together [USD/token].

    Notes
    -----
    ``(I (1 − h) c_in + I h c_hit + O c_out) / (I + O)``.

    Examples
    --------
    >>> float(blended_cost(1.0, 0.1, 4.0, 3.0, 0.0, 1.0))
    1.75
    """
    computed = input_tokens * (1.0 - cached_share) * input_cost
    cached = input_tokens * cached_share * cached_cost
    return (computed + cached + output_tokens * output_cost) / (input_tokens + output_tokens)


@formula()
def token_revenue(
    input_tokens: Numeric,
    cached_tokens: Numeric,
    output_tokens: Numeric,
    input_price: Numeric,
    cached_price: Numeric,
    output_price: Numeric,
) -> Numeric:
    """Revenue of tokens sold at three prices, cache hits counted inside the input.

    Parameters
    ----------
    input_tokens
        Input tokens sold, cached ones included, >= 0 [token].
    cached_tokens
        Those of them charged as cache hits, between 0 and ``input_tokens`` [token]; where hits are counted apart from
        the input, use `token_revenue_beside`.
    output_tokens
        Output tokens sold, >= 0 [token].
    input_price, cached_price, output_price
        Prices per token, >= 0 [USD/token].

    Returns
    -------
    float or array
        Revenue [USD].

    References
    ----------
    DeepSeek (2025), *DeepSeek-V3/R1 Inference System Overview*, whose day this reproduces.

    Examples
    --------
    >>> round(float(token_revenue(608e9, 342e9, 168e9, 0.55e-6, 0.14e-6, 2.19e-6)))
    562100
    """
    return (input_tokens - cached_tokens) * input_price + cached_tokens * cached_price + output_tokens * output_price


@formula()
def token_revenue_beside(
    fresh_tokens: Numeric,
    cached_tokens: Numeric,
    output_tokens: Numeric,
    input_price: Numeric,
    cached_price: Numeric,
    output_price: Numeric,
) -> Numeric:
    """Revenue of tokens sold at three prices, cache hits counted beside the input.

    Parameters
    ----------
    fresh_tokens
        Input tokens that no cache held, >= 0 [token].
    cached_tokens
        Input tokens read from a cache, counted apart from the fresh ones, >= 0 [token].
    output_tokens
        Output tokens sold, >= 0 [token].
    input_price, cached_price, output_price
        Prices per token, >= 0 [USD/token].

    Returns
    -------
    float or array
        Revenue [USD].

    Notes
    -----
    Providers count in one of two ways: some report hits inside the input (`token_revenue`), some beside it.

    Examples
    --------
    >>> round(float(token_revenue_beside(100.0, 500.0, 50.0, 3e-6, 0.3e-6, 15e-6)), 6)
    0.0012
    """
    return fresh_tokens * input_price + cached_tokens * cached_price + output_tokens * output_price


@formula()
def mark_up(revenue: Numeric, cost: Numeric) -> Numeric:
    """Mark-up: profit as a share of cost. Not the gross margin, which is a share of revenue.

    Parameters
    ----------
    revenue
        Revenue, >= 0 [USD].
    cost
        Cost, > 0 [USD].

    Returns
    -------
    float or array
        Mark-up [1].

    Examples
    --------
    >>> float(mark_up(3.0, 2.0))
    0.5
    """
    return (revenue - cost) / cost


@formula()
def gross_margin(revenue: Numeric, cost: Numeric) -> Numeric:
    """Gross margin: profit as a share of revenue.

    Parameters
    ----------
    revenue
        Revenue, > 0 [USD].
    cost
        Cost, >= 0 [USD].

    Returns
    -------
    float or array
        Margin [1]; negative where the cost exceeds the revenue.

    Examples
    --------
    >>> float(gross_margin(4.0, 3.0))
    0.25
    """
    return (revenue - cost) / revenue


@formula()
def energy_per_token(
    power: Numeric, tokens_per_second: Numeric, utilisation: Numeric, idle_power_share: Numeric, pue: Numeric
) -> Numeric:
    """Energy of a token at the meter, including idle hours and the building.

    Parameters
    ----------
    power
        IT power of one accelerator with its share of the server while busy, > 0 [W].
    tokens_per_second
        Tokens per second of one accelerator while busy, > 0 [token/s].
    utilisation
        Share of hours that are busy, 0 < u <= 1 [1].
    idle_power_share
        Power while idle as a share of ``power``, 0 to 1 [1].
    pue
        Facility power over IT power, >= 1 [1].

    Returns
    -------
    float or array
        Energy per token [Wh/token].

    Notes
    -----
    ``pue · power · (u + i (1 − u)) / (u · tokens per second · 3600)``.

    Examples
    --------
    >>> float(energy_per_token(1000.0, 1000.0, 1.0, 0.3, 1.2)) * 3600
    1.2
    """
    mean_power = power * (utilisation + idle_power_share * (1.0 - utilisation))
    return pue * mean_power / (utilisation * tokens_per_second * SECONDS_PER_HOUR)
