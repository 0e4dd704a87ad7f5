"""Price of a token of the mix: uncached, cached and output prices, dearer long prompts, cheaper batches."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import model_validator

from costmodel.foundation.arrays import Numeric
from costmodel.foundation.errors import ScenarioError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.serving.cost import blended_cost
from costmodel.serving.deployment import WorkloadInputs

NARROWEST = 1e-9
"""Least logarithmic spread of lengths [1]: below it, all prompts have the mean length."""


def long_requests(mean: Numeric, variation: Numeric, threshold: Numeric, weight: Numeric) -> Numeric:
    """Share of requests, or of the tokens in them, whose prompt is longer than a threshold.

    Parameters
    ----------
    mean
        Mean length of a prompt, > 0 [token].
    variation
        Coefficient of variation of the length, >= 0 [1]; lengths are lognormal.
    threshold
        Length above which a prompt is long, > 0 [token].
    weight
        0 for the share of requests, 1 for the share of the prompts' tokens [1].

    Returns
    -------
    float or array
        Share, 0 to 1 [1].

    Notes
    -----
    With ``σ² = ln(1 + v²)``: ``Φ((ln(m/T) + (w − ½) σ²)/σ)``.

    Examples
    --------
    >>> [round(float(long_requests(2000.0, 1.0, 8000.0, w)), 4) for w in (0.0, 1.0)]
    [0.0187, 0.1059]
    """
    from scipy.special import ndtr

    spread = np.sqrt(np.log1p(np.square(variation))) + NARROWEST
    share: Numeric = ndtr(np.log(mean / threshold) / spread + (weight - 0.5) * spread)
    return share


class Sale(Inputs):
    """Prices that users pay, or that another provider asks for the same tokens."""

    input: Parameter = parameter("USD/token", ge=0, description="Price of an uncached input token.")
    cached: Parameter = parameter(
        "USD/token", ge=0, optional=True, description="Price of a cached input token; absent: as input."
    )
    output: Parameter = parameter("USD/token", ge=0, description="Price of an output token.")
    long_prompt: Parameter = parameter(
        "token", gt=0, optional=True, description="Length of prompt above which all of a request has the long prices."
    )
    long_input: Parameter = parameter(
        "USD/token", ge=0, optional=True, description="Price of an uncached input token of a long prompt."
    )
    long_cached: Parameter = parameter(
        "USD/token", ge=0, optional=True, description="Price of a cached token of a long prompt; absent: as long_input."
    )
    long_output: Parameter = parameter(
        "USD/token", ge=0, optional=True, description="Price of an output token after a long prompt."
    )
    batch_share: Parameter = parameter(
        "1", ge=0, le=1, default=0.0, description="Share of requests that can wait, and are sent as batches."
    )
    batch_price: Parameter = parameter(
        "1", ge=0, le=1, optional=True, description="Price in a batch over the price without waiting, as 0.5."
    )

    @model_validator(mode="after")
    def _check_tiers(self) -> Self:
        """Refuse a tier with a missing part, and entries without effect."""
        parts = [getattr(self, name) is not None for name in ("long_prompt", "long_input", "long_output")]
        if any(parts) != all(parts) or (self.long_cached is not None and not all(parts)):
            raise ScenarioError("long prompts: give long_prompt, long_input and long_output together")
        if (self.batch_price is None) != (self.batch_share == 0.0):
            missing = "batch_price" if self.batch_price is None else "batch_share"
            raise ScenarioError(f"batches: {missing} is missing, so the other would do nothing")
        return self


def mix_price(sale: Sale, workload: WorkloadInputs) -> Numeric:
    """Return the price of a token of a workload's mix [USD/token].

    Parameters
    ----------
    sale, workload
        Resolved inputs; lengths of prompts and answers beyond the threshold are taken as independent.
    """
    cached = sale.input if sale.cached is None else sale.cached
    prices: list[Numeric] = [sale.input, cached, sale.output]
    if sale.long_prompt is not None:
        beyond = (sale.long_input, sale.long_input if sale.long_cached is None else sale.long_cached, sale.long_output)
        shares = [
            long_requests(workload.mean_input, workload.variation_input, sale.long_prompt, weight)
            for weight in (1.0, 1.0, 0.0)
        ]
        prices = [near + share * (far - near) for near, far, share in zip(prices, beyond, shares, strict=True)]
    fresh, read, answered = prices
    price = blended_cost(fresh, read, answered, workload.mean_input, workload.cached_share, workload.mean_output)
    return price if sale.batch_price is None else price * (1.0 - sale.batch_share * (1.0 - sale.batch_price))
