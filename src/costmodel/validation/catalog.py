"""Published cases of figures that the catalog derives from its records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

import costmodel.catalog as catalog
from costmodel.catalog.formulas import FLOP_PER_PARAMETER_AND_TOKEN, implied_utilisation
from costmodel.catalog.money import in_money_of
from costmodel.catalog.periods import decimal_year, span
from costmodel.estimation.decline import CostSeries, Form, Noise, fit_decline
from costmodel.estimation.fixed_capability import decline_rate
from costmodel.foundation.units import MONTHS_PER_YEAR
from costmodel.validation.case import Case, Evidence

_LN_10 = 2.302585092994046
_LN_2 = 0.6931471805599453
_TOLERANCE_6ND = 0.05
"""Largest relative error of a 6ND check: attention, embeddings and rounding of disclosures."""
_USERS_PRINTED = "2025-09"
"""Date of the printed doubling of users: figures up to it are fitted."""
_HOSTING = "US PPI data processing and hosting"


def _llmflation() -> float:
    first, last = catalog.trend("a16z token prices").series("price")
    years = decimal_year(last.period or "") - decimal_year(first.period or "")
    return float(np.exp(decline_rate(first.number, last.number, years)))


def _ai_index_fold() -> float:
    first, last = catalog.trend("AI Index token prices").series("price")
    return first.number / last.number


def _hardware_change() -> float:
    return float(np.expm1(-_hardware_amortisation()))


def _hardware_amortisation() -> float:
    return _LN_10 * catalog.trend("GPU price-performance").value("orders_per_year")


def _hardware_doubling() -> float:
    return _LN_2 / _hardware_amortisation()


def _aws_cut() -> float:
    first, last = catalog.rental("AWS p5.48xlarge").series("server")
    return last.number / first.number - 1.0


def run_utilisation(name: str) -> float:
    """Return the utilisation that a run's disclosures imply, at its accelerator's 16-bit peak."""
    run = catalog.training_run(name)
    peak = catalog.accelerator(run.accelerator).peak("bf16")
    return float(implied_utilisation(run.active_parameters, run.tokens, run.chip_hours, peak))


def _compute(run: str) -> Callable[[], float]:
    def flop() -> float:
        record = catalog.training_run(run)
        return FLOP_PER_PARAMETER_AND_TOKEN * record.active_parameters * record.tokens

    return flop


def _in_money_of_2025(run: str) -> Callable[[], float]:
    def cost() -> float:
        case = catalog.cost_case(run)
        paid = replace(case.datum("total_cost"), price_year=span(case.text("start"))[0].year)
        return in_money_of(2025, paid, _HOSTING).number

    return cost


def _interruptions() -> float:
    return sum(record.value("count") for record in catalog.table("interruptions").values())


def _faulty_gpu_share() -> float:
    return catalog.table("interruptions")["Faulty GPU"].value("count") / _interruptions()


def _weekly_users_doubling(since: str) -> Callable[[], float]:
    def months() -> float:
        series = catalog.users("ChatGPT").series("weekly_users")
        first, last = span(since)[0], span(_USERS_PRINTED)[1]
        watched = [d for d in series if d.period and first <= span(d.period)[0] and span(d.period)[1] <= last]
        time, users = np.transpose([(decimal_year(d.period or ""), d.number) for d in watched])
        dated = CostSeries(time, users)
        return -_LN_2 / float(fit_decline(dated, Form.MOORE, Noise.CURVE).slope("time")) * MONTHS_PER_YEAR

    return months


def _mfu(run: str, published: float, source: str, miss: str | None = None) -> Case:
    return Case(
        f"catalog/6ND utilisation, {run}",
        source,
        Evidence.REIMPLEMENTATION,
        published,
        "1",
        _TOLERANCE_6ND,
        partial(run_utilisation, run),
        miss,
    )


def _flop(run: str, published: float, source: str, miss: str | None = None) -> Case:
    return Case(
        f"catalog/6ND compute, {run}",
        source,
        Evidence.REIMPLEMENTATION,
        published,
        "FLOP",
        _TOLERANCE_6ND,
        _compute(run),
        miss,
    )


def _real(run: str, published: float) -> Case:
    return Case(
        f"catalog/cost in money of 2025, {run}",
        "Epoch AI, training-cost-trends, costs in money of 2025 by PCU518210518210",
        Evidence.REIMPLEMENTATION,
        published,
        "USD",
        0.01,
        _in_money_of_2025(run),
    )


_DOWNTIME = "the hours include downtime and restarts, the printed figure is the throughput while training"

CASES: tuple[Case, ...] = (
    Case(
        "catalog/price fall at MMLU 42",
        "a16z, LLMflation: 60 to 0.06 USD per Mtoken in three years is 10-fold a year",
        Evidence.IDENTITY,
        10.0,
        "1",
        1e-3,
        _llmflation,
    ),
    Case(
        "catalog/price fall at GPT-3.5 level",
        "Stanford AI Index 2025: more than 280-fold, from 20 to 0.07 USD per Mtoken",
        Evidence.IDENTITY,
        280.0,
        "1",
        0.03,
        _ai_index_fold,
    ),
    Case(
        "catalog/yearly change of hardware price",
        "0.14 orders of magnitude a year (Epoch AI) is -27.56 %",
        Evidence.IDENTITY,
        -0.2756,
        "1",
        5e-4,
        _hardware_change,
    ),
    Case(
        "catalog/amortisation rate",
        "Cottier et al. 2024, amortised cost: 0.14 ln 10 = 0.32236 a year",
        Evidence.IDENTITY,
        0.32236,
        "1/year",
        1e-4,
        _hardware_amortisation,
    ),
    Case(
        "catalog/doubling of price-performance",
        "Hobbhahn et al. 2023: 2.1 years for ML GPUs, at 0.14 orders of magnitude a year",
        Evidence.REIMPLEMENTATION,
        2.1,
        "year",
        0.03,
        _hardware_doubling,
    ),
    Case(
        "catalog/AWS p5.48xlarge cut of June 2025",
        "daily list prices of us-east-1: 98.32 to 55.04 USD/hour is -44.02 %",
        Evidence.IDENTITY,
        -0.4402,
        "1",
        2e-4,
        _aws_cut,
    ),
    _real("GPT-4", 42.17e6),
    _real("Llama 3.1-405B", 52.9e6),
    _real("Gemini 1.0 Ultra", 29.3e6),
    _mfu("GPT-3 175B", 0.197, "Patterson et al. 2021, Table 4"),
    _mfu("MegaScale 175B (test)", 0.552, "Jiang et al. 2024, arXiv 2402.15627, Table 2"),
    _mfu("GPT-4", 0.34, "Epoch AI, after SemiAnalysis"),
    _mfu(
        "Gopher 280B",
        0.378,
        "Rae et al. 2021, arXiv 2112.11446",
        "the printed figure counts 6.31e23 FLOP, 25 % more than 6ND",
    ),
    _mfu(
        "DeepSeek-V3",
        0.3894,
        "Zhao et al. 2025, arXiv 2505.09343, causal",
        "6ND leaves out attention: 222 of the 250 GFLOP per token that the source counts",
    ),
    _mfu("PaLM 540B", 0.462, "Chowdhery et al. 2022, arXiv 2204.02311", f"{_DOWNTIME}, and two phases"),
    _mfu("OPT-175B", 0.47, "Zhang et al. 2022, arXiv 2205.01068 (147 TFLOP/s per GPU)", _DOWNTIME),
    _mfu("BLOOM 176B", 0.45, "Luccioni et al. 2022, arXiv 2211.02001: 0.42-0.48, its middle", _DOWNTIME),
    _mfu(
        "Llama3.1-405B",
        0.405,
        "Grattafiori et al. 2024, arXiv 2407.21783, Table 4: 0.38-0.43, its middle",
        "hours of the whole run against a snapshot of its throughput",
    ),
    _flop("GPT-3 175B", 3.14e23, "Patterson et al. 2021, Table 4"),
    _flop("Chinchilla 70B", 5.76e23, "Hoffmann et al. 2022, arXiv 2203.15556"),
    _flop("PaLM 540B", 2.527e24, "Chowdhery et al. 2022, arXiv 2204.02311"),
    _flop("Llama3.1-405B", 3.8e25, "Grattafiori et al. 2024, arXiv 2407.21783"),
    _flop("DeepSeek-V3", 3.29e24, "6ND of DeepSeek-AI 2024, arXiv 2412.19437"),
    _flop("Gopher 280B", 6.31e23, "Rae et al. 2021, arXiv 2112.11446", "the source counts 25 % more than 6ND"),
    Case(
        "catalog/unexpected interruptions of Llama 3 405B",
        "Grattafiori et al. 2024, arXiv 2407.21783, section 3.3.4: 419",
        Evidence.IDENTITY,
        419.0,
        "1",
        0.0,
        _interruptions,
    ),
    Case(
        "catalog/share of faulty GPUs",
        "Grattafiori et al. 2024, Table 5: printed 30.1 %; erratum: 148 of 419 is 35.3 %",
        Evidence.IDENTITY,
        0.301,
        "1",
        0.01,
        _faulty_gpu_share,
        miss="the printed share is an erratum: the counts give 35.3 %",
    ),
    Case(
        "catalog/doubling of weekly ChatGPT users",
        "NBER, How people use ChatGPT: 7 to 8 months, its middle",
        Evidence.PREDICTION,
        7.5,
        "month",
        0.5 / 7.5,
        _weekly_users_doubling("2023"),
    ),
    Case(
        "catalog/doubling of weekly ChatGPT users, last year before",
        "NBER, How people use ChatGPT: 7 to 8 months, its middle",
        Evidence.PREDICTION,
        7.5,
        "month",
        0.5 / 7.5,
        _weekly_users_doubling("2024-08"),
        "announced figures of the last year grew faster than those since 2023, and two of them are recalled",
    ),
)
"""Printed numbers that the catalog's derived figures are compared with."""
