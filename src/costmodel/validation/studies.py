"""Published cases of :mod:`costmodel.studies`: earnings of a gigawatt-year, and tokens per dollar of two chips.

**Bases.** InferenceX counts all-in power at the utility per accelerator, an hour that is paid for whether busy or not,
tokens of input and output together, and 8,760 hours a year; this library has 8,766. Its paper on the MI355X sells
60 % of measured throughput and pays the model's maker 30 % of revenue, which no model here includes: the case deducts
it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from costmodel import catalog
from costmodel.foundation.results import outputs_of
from costmodel.serving.cost import blended_cost, cost_per_token
from costmodel.studies.service import PARTS, Service, ServiceResult
from costmodel.validation.case import Case, Evidence

_PAPER = "SemiAnalysis InferenceX, AMD MI355X on Kimi K3: revenue per gigawatt, executive summary, 4 September 2026"
_ARTICLE = "SemiAnalysis, TPU inference externalization, 7 September 2026: Qwen3.5-397B in FP8, 8k in, 1k out"
POWER = 2.09e3
"""All-in power at the utility per MI355X (paper) [W]."""
THROUGHPUT = 6_115.0
"""Tokens of input and output per accelerator at 45 tokens a second for a user (paper) [token/s]."""
INPUT_SHARE, CACHED_SHARE = 0.992, 0.937
"""Share of input in all tokens, and of the input that is cached (paper) [1]."""
PRICES = (3.0e-6, 0.3e-6, 15.0e-6)
"""Price of an input, a cached and an output token on OpenRouter (paper) [USD/token]."""
SOLD, FEE = 0.6, 0.3
"""Share of throughput that is sold, and of revenue that the model's maker takes (paper) [1]."""
OWNED, RENTED = 1.50, 3.00
"""Hour owned at a hyperscaler's cost, and rented for three years (paper) [USD/hour]."""
AT_20 = {"TPU-v7": 9_364.0, "B200": 8_903.0, "B300": 8_925.0}
"""Tokens of input and output per accelerator at 20 tokens a second for a user (article) [token/s]."""


@cache
def gigawatt_year(hour: float) -> ServiceResult:
    """Return the yearly figures of a gigawatt of MI355X at the paper's throughput and prices.

    Parameters
    ----------
    hour
        Cost of a paid accelerator-hour [USD/hour].
    """
    plan = Service(
        name="mi355x-kimi-k3",
        accelerator="MI355X",
        utilisation=SOLD,
        paid_by="renting",
        rent=hour,
        facility_power=1e9,
        hour={"it_life": 4.0, "wacc": 0.07},
        serving={"architecture": "Kimi-K2", "workload": {"mean_input": 992.0, "mean_output": 8.0}},
    )  # the paper's model is not in the catalog: no figure of the engine is used
    price, cached, output = PRICES
    sold = blended_cost(price, cached, output, INPUT_SHARE, CACHED_SHARE, 1.0 - INPUT_SHARE)
    blank = {spec.name: np.float64(np.nan) for spec in outputs_of(ServiceResult, derived=False)}
    known = {
        "infeasible": np.bool_(False),
        "reason": np.float64(0.0),
        "hour_parts": np.array([0.0] * (len(PARTS) - 1) + [hour]),
        "utilisation": np.float64(SOLD),
        "tokens_per_second": np.float64(THROUGHPUT),
        "blended_price": np.float64(sold),
        "blended_cost": np.float64(cost_per_token(hour, THROUGHPUT, SOLD)),
        "site_accelerators": np.float64(plan.facility_power / POWER),
        "way_cost": np.array([np.nan]),
        "way_break_even": np.array([np.nan]),
    }
    values: dict[str, Any] = {**blank, **known}
    return ServiceResult(scenario=plan, **values)


def _profit(hour: float) -> float:
    year = gigawatt_year(hour)
    return float((1.0 - FEE) * year.site_revenue - year.site_cost)


def _break_even(hour: float) -> float:
    """Return the use from which sales after the fee cover the hours."""
    year = gigawatt_year(hour)
    return float(SOLD * year.site_cost / ((1.0 - FEE) * year.site_revenue))


def _tokens_per_dollar(accelerator: str, hour: float | None = None) -> float:
    record = catalog.accelerator_hour(accelerator)
    period = "2026-06" if accelerator != "TPU-v7" else "2026-09"
    paid = record.value("own", period) if hour is None else hour
    return 1.0 / float(cost_per_token(paid, AT_20[accelerator], 1.0))


def _advantage(other: str, hour: float | None) -> float:
    return _tokens_per_dollar("TPU-v7", hour) / _tokens_per_dollar(other) - 1.0


def _paper(name: str, published: float, unit: str, tolerance: float, model: Callable[[], float]) -> Case:
    title = f"studies/MI355X gigawatt-year, {name}"
    return Case(title, _PAPER, Evidence.REIMPLEMENTATION, published, unit, tolerance, model)


def _article(other: str, published: float, hour: float | None) -> Case:
    of = "external" if hour is None else "internal"
    return Case(
        f"studies/tokens per dollar, TPU-v7 over {other}, {of} hour",
        f"{_ARTICLE}; 20 tokens a second for a user, {of} cost of the TPU's hour",
        Evidence.REIMPLEMENTATION,
        published,
        "1",
        0.01,
        partial(_advantage, other, hour),
    )


CASES: tuple[Case, ...] = (
    _paper("accelerators", 478_469.0, "1", 1e-5, lambda: float(gigawatt_year(OWNED).site_accelerators)),
    _paper("price of a token", 0.59e-6, "USD/token", 0.01, lambda: float(gigawatt_year(OWNED).blended_price)),
    _paper("revenue", 32.62e9, "USD/year", 0.01, lambda: float(gigawatt_year(OWNED).site_revenue)),
    _paper("cost of owned hours", 6.3e9, "USD/year", 0.01, lambda: float(gigawatt_year(OWNED).site_cost)),
    _paper("profit, owned", 16.55e9, "USD/year", 0.01, partial(_profit, OWNED)),
    _paper("profit, rented", 10.26e9, "USD/year", 0.02, partial(_profit, RENTED)),
    _paper("break-even use, owned", 0.165, "1", 0.01, partial(_break_even, OWNED)),
    _paper("break-even use, rented", 0.330, "1", 0.01, partial(_break_even, RENTED)),
    _article("B200", 0.504, None),
    _article("B300", 0.960, None),
    _article("B200", 0.767, 1.03),
    _article("B300", 1.302, 1.03),
)
"""Published cases of the studies that join domains."""
