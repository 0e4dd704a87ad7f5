"""Published cases of the market: elasticity, fits, forecasts, fixed capability, quotes and rents."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from costmodel.catalog import accelerator_price, agent_network, learning_rate, rental, trend
from costmodel.catalog.periods import decimal_year
from costmodel.estimation.decline import CostSeries, Form, Noise, fit_decline
from costmodel.estimation.elasticity import estimate_elasticity
from costmodel.estimation.fixed_capability import years_of_rise
from costmodel.estimation.forecast import forecast_moore
from costmodel.estimation.price_history import flagship_moves, published_declines
from costmodel.estimation.scarcity import contract_rents, foretold_rent
from costmodel.market import constant_elasticity, quoted_terms
from costmodel.market import learning_rate as fall_per_doubling
from costmodel.validation.case import Case, Evidence
from costmodel.validation.generated_panel import generate_panel
from costmodel.validation.replicas.forecast_variance import drift_forecast_variance

__all__ = ["CASES", "coverage"]

SERIES = 4000
"""Generated series behind a coverage [1]."""
YEARS = 15
"""Length of each [year]."""
PANELS = 400
"""Generated panels behind the coverage of an elasticity [1]."""


@cache
def coverage(form: Form, noise: Noise) -> float:
    """Return how often the 90 % interval of a fitted slope contains the slope that the series were generated with."""
    time = np.arange(YEARS, dtype=float)
    output = 100.0 * np.exp(0.3 * time + 0.4 * np.sin(time))
    cumulative = 250.0 + np.cumsum(output)
    slope, driver = (0.25, time) if form is Form.MOORE else (0.35, np.log(cumulative))
    shocks = np.random.default_rng(20260601).normal(0.0, 0.12, (YEARS, SERIES))
    if noise is Noise.WALK:
        shocks = np.cumsum(shocks, axis=0)
    cost = 50.0 * np.exp(-slope * driver[:, np.newaxis] + shocks)
    low, high = fit_decline(CostSeries(time, cost, output, cumulative), form, noise).interval(0.9)
    return float(np.mean((low[0] <= slope) & (slope <= high[0])))


@cache
def _forecast_coverage(horizon: int) -> float:
    """Return how often the 90 % interval of a forecast contains the value that followed."""
    shocks = np.random.default_rng(3).normal(-0.25, 0.1, (20 + horizon, SERIES))
    cost = np.exp(np.concatenate([np.zeros((1, SERIES)), np.cumsum(shocks, axis=0)]))
    low, high = forecast_moore(CostSeries(np.arange(21.0), cost[:21]), horizon).interval(0.9)
    return float(np.mean((low[-1] <= cost[-1]) & (cost[-1] <= high[-1])))


@cache
def _panel_coverage() -> float:
    """Return how often the 90 % interval of an estimated elasticity contains the true one."""
    held = 0
    for seed in range(PANELS):
        panel = generate_panel(entities=50, periods=10, elasticity=-1.11, rng=seed)
        low, high = estimate_elasticity(panel.quantity, panel.price, panel.entity, panel.period).interval(0.9)
        held += low <= -1.11 <= high
    return held / PANELS


def _rent_without_scarcity() -> float:
    """Return the H100 rent of June 2026 from October 2025 at the trend of computing per dollar alone."""
    first, last = contract_rents()[0], contract_rents()[-1]
    years = last.time - first.time
    fall = 10.0 ** (-trend("GPU price-performance").value("orders_per_year") * years)
    return float(foretold_rent(first.rent, fall, 1.0, 0.0))


def _rises(maker: str) -> float:
    """Return the last year, up to 2026, in which a maker's flagship price was raised."""
    return float(max(move.year for move in flagship_moves(maker, until="2026-11") if move.ratio > 1.0))


def _decline(ability: str) -> float:
    return next(decline.yearly_fall for decline in published_declines() if decline.ability == ability)


def _ratio_of_prices(record: str) -> float:
    first, *_, last = trend(record).series("price")
    return first.number / last.number


def _quoted_discount(name: str, position: int) -> float:
    return quoted_terms(name).discounts[position]


def _agents_per_owner() -> float:
    network = agent_network("Moltbook")
    return network.value("agents", "2026-02-02") / network.value("owners", "2026-02-02")


def _doubling(technology: str, tolerance: float, miss: str | None = None) -> Case:
    record = learning_rate(technology)
    return Case(
        f"market/learning rate of {technology} from its exponent",
        f"{record.datum('exponent').source.title}; both recalled, unverified",
        Evidence.IDENTITY,
        record.datum("learning_rate").number,
        "1",
        tolerance,
        lambda: float(fall_per_doubling(record.value("exponent"))),
        miss,
    )


def _list_price_change(name: str, field: str) -> float:
    """Return the yearly change of an accelerator's price, as the drift of a walk through its dated prices."""
    prices = accelerator_price(name).series(field)
    time, price = np.transpose([(decimal_year(datum.period or ""), datum.number) for datum in prices])
    return float(np.expm1(-fit_decline(CostSeries(time, price), Form.MOORE).slope("time")))


def _price_case(name: str, field: str, published: float) -> Case:
    return Case(
        f"market/yearly change of the price of {name}",
        "The Next Platform (2022-05) list prices" if field == "card" else "Epoch, vendor average selling price",
        Evidence.IDENTITY,
        published,
        "1",
        0.005,
        partial(_list_price_change, name, field),
    )


_ARITHMETIC = "Demirer et al. (2025), elasticity -1.11, and the arithmetic of constant elasticity"
_TERMS = "AWS p5 at launch (2023, press): 7.20 for one year, 5.40 for three; 1 + r + r² = 3 p3/p1"
_NOMINAL = "nominal level of a Student t interval; generated data"

CASES: tuple[Case, ...] = (
    Case(
        "market/tokens after the price halves",
        _ARITHMETIC,
        Evidence.IDENTITY,
        2.158,
        "1",
        5e-4,
        lambda: float(constant_elasticity(1.0, 0.5, -1.11)),
    ),
    Case(
        "market/user spend after the price halves",
        _ARITHMETIC,
        Evidence.IDENTITY,
        1.079,
        "1",
        5e-4,
        lambda: float(0.5 * constant_elasticity(1.0, 0.5, -1.11)),
    ),
    Case(
        "market/user spend at a tenth of the price",
        "elasticity -0.5: 10^(-1/2)",
        Evidence.IDENTITY,
        0.316,
        "1",
        1e-3,
        lambda: float(0.1 * constant_elasticity(1.0, 0.1, -0.5)),
    ),
    *(
        Case(
            f"market/coverage of the 90 % interval, {form.value}, {noise.value}",
            _NOMINAL,
            Evidence.IDENTITY,
            0.90,
            "1",
            0.02 / 0.90,
            partial(coverage, form, noise),
        )
        for form in (Form.MOORE, Form.WRIGHT)
        for noise in Noise
    ),
    Case(
        "market/coverage of a forecast ten years ahead",
        "Farmer and Lafond (2016), random walk with drift; generated data",
        Evidence.REIMPLEMENTATION,
        0.90,
        "1",
        0.02 / 0.90,
        partial(_forecast_coverage, 10),
    ),
    Case(
        "market/variance of a forecast ten years ahead from twenty",
        "Farmer and Lafond (2016): σ² (τ + τ²/m)",
        Evidence.REIMPLEMENTATION,
        15.0,
        "1",
        1e-12,
        lambda: float(drift_forecast_variance(1.0, 10.0, 20.0, 0.0)),
    ),
    Case(
        "market/coverage of an elasticity from panels",
        "nominal level of a clustered Student t interval; 400 generated panels, sampling error .015",
        Evidence.IDENTITY,
        0.90,
        "1",
        0.04 / 0.90,
        _panel_coverage,
    ),
    Case(
        "market/yearly rent ratio of the AWS p5 quotes",
        _TERMS,
        Evidence.IDENTITY,
        0.7247,
        "1",
        1e-4,
        lambda: quoted_terms("AWS p5.48xlarge").yearly_ratio,
    ),
    Case(
        "market/second-year forward of the AWS p5 quotes",
        _TERMS,
        Evidence.IDENTITY,
        5.218,
        "USD/hour",
        1e-4,
        lambda: quoted_terms("AWS p5.48xlarge").forwards[1],
    ),
    Case(
        "market/third-year forward of the AWS p5 quotes",
        _TERMS,
        Evidence.IDENTITY,
        3.782,
        "USD/hour",
        1e-4,
        lambda: quoted_terms("AWS p5.48xlarge").forwards[2],
    ),
    *(
        Case(
            f"market/{cloud} discount for {years} year{'s' * (years > 1)}",
            f"Cottier et al. (2024), against the quotes of {name}",
            Evidence.REIMPLEMENTATION,
            rental(f"{cloud} discounts").value(f"discount_{years}y"),
            "1",
            0.03,
            partial(_quoted_discount, name, position),
        )
        for cloud, name in (("AWS", "AWS A100"), ("GCP", "GCP TPU-v4"))
        for position, years in ((0, 1), (1, 3))
    ),
    Case(
        "market/yearly fall of the price of MMLU 42",
        "a16z, LLMflation (2024-11): ten times a year",
        Evidence.IDENTITY,
        trend("a16z token prices").value("fold_per_year"),
        "1",
        0.01,
        partial(_decline, "MMLU 42"),
    ),
    Case(
        "market/fall of the price of MMLU 64.8",
        "AI Index 2025: more than 280 times",
        Evidence.IDENTITY,
        280.0,
        "1",
        0.03,
        partial(_ratio_of_prices, "AI Index token prices"),
    ),
    Case(
        "market/yearly fall of the price of MMLU 64.8",
        "AI Index 2025: 280 times in about 18 months, which is 43 a year",
        Evidence.IDENTITY,
        280.0 ** (12 / 18),
        "1",
        0.05,
        partial(_decline, "MMLU 64.8"),
        "the printed duration is wrong: November 2022 to October 2024 is 23 months, which gives 19 a year",
    ),
    Case(
        "market/last year in which OpenAI's flagship price was raised",
        "price table; flagship list prices rose from 2025 to mid-2026",
        Evidence.IDENTITY,
        2026.0,
        "year",
        1e-6,
        partial(_rises, "openai"),
    ),
    Case(
        "market/year that ended with a dearer OpenAI flagship than it began",
        "price table; GPT-4o 2.5/10 to GPT-5.2 1.75/14, blended three to one",
        Evidence.IDENTITY,
        2025.0,
        "year",
        1e-6,
        lambda: float(years_of_rise(flagship_moves("openai", until="2026-11"))[-1]),
    ),
    _doubling("photovoltaics", 0.02),
    _doubling("lithium-ion", 0.02),
    _doubling("wind", 0.05),
    _doubling("electrolyser", 0.06),
    Case(
        "market/fall per doubling at an experience exponent of 0.319",
        "Way et al. (2022): photovoltaics, a fifth; recalled, unverified",
        Evidence.IDENTITY,
        0.20,
        "1",
        0.02,
        lambda: float(fall_per_doubling(0.319)),
    ),
    Case(
        "market/H100 rent of June 2026 without scarcity",
        "one-year contracts of the H100 (press and indices): 1.70 in October 2025, 2.65 in June 2026",
        Evidence.PREDICTION,
        contract_rents()[-1].rent,
        "USD/hour",
        0.10,
        _rent_without_scarcity,
        "without a scarcity term a rent can only fall; it rose by more than half",
    ),
    _price_case("K40", "card", -0.254),
    _price_case("K80", "card", -0.263),
    _price_case("P100-SXM2", "card", -0.313),
    _price_case("V100-SXM3-32", "card", -0.317),
    _price_case("H100/H200", "vendor_average", -0.142),
    Case(
        "market/agents per owner of Moltbook",
        "Wiz (2026-02): 88 to one",
        Evidence.IDENTITY,
        88.0,
        "1",
        0.01,
        _agents_per_owner,
    ),
)
