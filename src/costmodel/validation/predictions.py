"""Forecasts that the flywheel would have made at past dates, scored against outcomes that no fit has seen.

Forecasts are those of :func:`costmodel.analysis.backtest`: stated priors, and draws moved until they reproduce history
up to the date. Besides the scenario's observations, they cover capex of companies and the power of chips shipped, see
:mod:`costmodel.validation.after_cutoff`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from costmodel.analysis import Plan, backtest, backtest_dates, interval_score, plan_for
from costmodel.analysis.backtesting import Forecast
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.foundation.scenario import Observation, Scenario
from costmodel.foundation.tables import Table, figure, shown_unit
from costmodel.validation.after_cutoff import COUNTED, companies_after, power_of_chips, reader

SCENARIO = "bond-flywheel"
DRAWS, SEED, LEVEL = 1000, 0, 0.8
MID_2026 = "2026-07-01"
"""Last date: it uses the plan of the end of 2025, with its priors, prices and power, and history up to the date."""
_MID_2026_SETTINGS = {
    "internal.growth_from": MID_2026,
    "hardware.lines.merchant.trend_from": MID_2026,
    "hardware.lines.custom.trend_from": MID_2026,
}
ACCOUNTS = {
    "2023-12-31": "2023",
    "2024-12-31": "2024",
    "2025-12-31": "2025",
    MID_2026: "2025-04-01/2026-03-31",
}
"""Accounts of companies that count as known at a date: of the year that ends, though published some weeks later; in
mid-2026 the four quarters that were published."""
AS_GUIDED = "2026"
"""Year whose capex in the observations is what companies guided in it: no forecast from mid-2026 is scored on it."""
END = "2027-01-01"
"""End of the runs: nothing is scored after it."""
GROUPS = {
    "tokens": "tokens",
    "accelerators_shipped": "shipments",
    "capex": "capex",
    "rental_price": "rents",
    "user_spend": "revenue",
    "training_share_of_compute": "training share",
}
"""Groups of the observed outputs; what else follows is capex by company or power."""
KINDS = ("from priors", "conditioned")
NOTES = (
    "From the end of 2023 companies with a calendar year alone have known accounts: Alphabet, Amazon and Meta.",
    "Capex of 2026 is as companies guided it in that year, which is not over: no forecast of mid-2026 is scored on it.",
    "After mid-2026 the catalog holds two figures in a measure that it held before: capex of Microsoft and Alphabet in "
    "2026Q2, published in July 2026. Its hourly rents of September 2026 are market rents where those of June are of "
    "three years; no tokens, revenue, training share or power that followed is in it.",
    "Power is counted once, at the end of 2025; so are the training shares of 2024 and 2025.",
    "Rules for companies and power were fixed before their scores were seen and not changed after it.",
    "Outcomes of one year move together: the counts say less than as many independent ones.",
)
"""Notes on the table."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Figure after a date, with one of its forecasts."""

    as_of: str
    group: str
    kind: str
    forecast: Forecast

    @property
    def log_error(self) -> float:
        """Logarithm of the forecast's median over the outcome [1]."""
        return float(np.log(self.forecast.median / self.forecast.observation.value))

    @property
    def interval_score(self) -> float:
        """Interval score of the logarithms: width, and a penalty for a miss [1]."""
        low, high, met = np.log([self.forecast.low, self.forecast.high, self.forecast.observation.value])
        return float(interval_score(low, high, met, LEVEL))


def predictions(draws: int = DRAWS, seed: int = SEED, dates: Sequence[str] = ()) -> tuple[Prediction, ...]:
    """Return the forecasts that the flywheel would have made at past dates, with the figures that followed.

    Parameters
    ----------
    draws, seed
        Draws of each forecast, at least 100, and their seed.
    dates
        Dates in `ACCOUNTS` from which to forecast; empty: all.

    Returns
    -------
    tuple
        Two predictions of each figure, by date: from priors, and conditioned on history up to the date.
    """
    return tuple(item for date in dates or ACCOUNTS for item in _at(date, draws, seed))


def _at(date: str, draws: int, seed: int) -> Iterator[Prediction]:
    """Yield the predictions of one date."""
    followed = {item.observation.output: item for item in companies_after(ACCOUNTS[date])}
    if date < COUNTED:
        power = power_of_chips()
        followed[power.observation.output] = power
    found = backtest(
        _scenario(date),
        _plan(date),
        read=reader(followed, seed),
        level=LEVEL,
        draws=draws,
        rng=seed,
        beside=[(item.observation, item.error) for item in followed.values()],
    )
    for kind, scored in zip(KINDS, (found.unconditional, found.conditioned), strict=True):
        for row in () if scored is None else scored.forecasts:
            name = row.observation.output
            beside = "power" if name not in followed or not followed[name].period else "capex by company"
            yield Prediction(date, GROUPS.get(name, beside), kind, row)


def _plan(date: str) -> Plan:
    """Return what was known at a date."""
    if date != MID_2026:
        return plan_for(SCENARIO, date)
    last = plan_for(SCENARIO, backtest_dates(SCENARIO)[-1])
    return last.model_copy(update={"as_of": date, "settings": {**last.settings, **_MID_2026_SETTINGS}})


def _scenario(date: str) -> Scenario:
    """Return the scenario up to the last scored date; from mid-2026, without the guidance for that year."""
    text = resources.files("costmodel.scenarios").joinpath(f"{SCENARIO}.toml").read_text(encoding="utf-8")
    scenario: Scenario = FlywheelScenario.from_toml(text).replace({"time.end": END})
    if date != MID_2026:
        return scenario
    rows = tuple(row for row in scenario.observations if (row.output, row.date) != ("capex", AS_GUIDED))
    kept: Scenario = scenario.model_copy(update={"observations": rows})
    return kept


def prediction_rows(found: Sequence[Prediction]) -> Table:
    """Return every figure with its conditioned forecast, and the score of both.

    Parameters
    ----------
    found
        Predictions of both kinds.
    """
    before, after = ([item for item in found if item.kind == kind] for kind in KINDS)
    return Table.of(
        {
            "as of": item.as_of,
            "of": _what(item.forecast.observation),
            "group": item.group,
            "followed": _shown(item, "observed"),
            "80 % interval": _shown(item, "interval"),
            "median": _shown(item, "median"),
            "inside": "yes" if item.forecast.inside else "MISS",
            "log error": round(item.log_error, 2),
            "CRPS": round(item.forecast.crps, 2),
            "interval score": round(item.interval_score, 2),
            "from priors": "yes" if plain.forecast.inside else "MISS",
        }
        for item, plain in zip(after, before, strict=True)
    )


def as_records(found: Sequence[Prediction]) -> list[dict[str, object]]:
    """Return predictions as plain records, one per figure and kind of forecast."""
    return [
        {
            "as_of": item.as_of,
            "output": item.forecast.observation.output,
            "date": item.forecast.observation.date,
            "group": item.group,
            "forecast": item.kind,
            "unit": item.forecast.observation.unit,
            "followed": item.forecast.observation.value,
            "grade": item.forecast.observation.grade,
            "source": item.forecast.observation.source,
            "low": item.forecast.low,
            "median": item.forecast.median,
            "high": item.forecast.high,
            "level": LEVEL,
            "inside": item.forecast.inside,
            "log_error": item.log_error,
            "crps": item.forecast.crps,
            "interval_score": item.interval_score,
        }
        for item in found
    ]


def prediction_sums(found: Sequence[Prediction], by: str = "as_of") -> Table:
    """Return counts and mean scores by date or by group, with the whole last.

    Parameters
    ----------
    found
        Predictions.
    by
        ``as_of`` or ``group``.
    """
    rows = []
    for name in (*dict.fromkeys(getattr(item, by) for item in found), "all"):
        for kind in KINDS:
            own = [item for item in found if item.kind == kind and name in (getattr(item, by), "all")]
            rows.append(
                {
                    by.replace("_", " "): name,
                    "forecast": kind,
                    "figures": len(own),
                    "inside": sum(item.forecast.inside for item in own),
                    "mean error": round(float(np.mean([abs(item.log_error) for item in own])), 2),
                    "CRPS": round(float(np.mean([item.forecast.crps for item in own])), 2),
                    "interval score": round(float(np.mean([item.interval_score for item in own])), 2),
                }
            )
    return Table.of(rows)


def _what(row: Observation) -> str:
    """Return an observation's figure and date as text."""
    return row.output if " in 2" in row.output else f"{row.output.replace('_', ' ')}, {row.date}"


def _shown(item: Prediction, part: str) -> str:
    """Return a part of a forecast with its unit, to three digits."""
    row = item.forecast
    name, scale = shown_unit(row.observation.unit, max(row.high, row.observation.value))
    parts = {"observed": (row.observation.value,), "median": (row.median,), "interval": (row.low, row.high)}[part]
    return f"{' … '.join(figure(float(f'{value * scale:.3g}')) for value in parts)} {name}".rstrip()
