"""Distance of the flywheel's forecasts from published ranges, to which nothing was tuned.

Figures to which the scenario was fitted are left out. A row without a published figure is kept and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.reducers import exact_quantile

DRAWS, SEED = 256, 0


@dataclass(frozen=True, slots=True)
class PublishedRange:
    """A published range and the model's figure to compare with it.

    ``low`` and ``high`` are None if nothing is published on that side; ``caveat`` states the differences in scope.
    """

    what: str
    unit: str
    low: float | None
    high: float | None
    source: str
    caveat: str
    model: Callable[[Trajectory], FloatArray]


def distance(value: float, low: float | None, high: float | None) -> float | None:
    """Return the log of a value over the nearest end of a range; 0 inside it, None without a range.

    Examples
    --------
    >>> distance(3.0, 1.0, 4.0), round(distance(8.0, 1.0, 4.0), 4), distance(0.5, None, None)
    (0.0, 0.6931, None)
    """
    if low is None and high is None:
        return None
    if low is not None and value < low:
        return float(np.log(value / low))
    return float(np.log(value / high)) if high is not None and value > high else 0.0


def _in(run: Trajectory, name: str, year: int) -> FloatArray:
    years, values = run.by_year(name)
    return np.asarray(values[list(years).index(year)])


def _fall(name: str, first: int, last: int) -> Callable[[Trajectory], FloatArray]:
    """Return the factor by which a cost falls per year between two years' means."""

    def a_year(run: Trajectory) -> FloatArray:
        fall = _in(run, name, first) / _in(run, name, last)
        return np.asarray(fall ** (1.0 / (last - first)))

    return a_year


def _yearly(name: str, year: int, factor: float = 1.0) -> Callable[[Trajectory], FloatArray]:
    return lambda run: np.multiply(_in(run, name, year), factor)


def _share(run: Trajectory) -> FloatArray:
    return 1.0 - _in(run, "training_share_of_compute", 2030)


def _energy(run: Trajectory) -> FloatArray:
    return np.asarray(_in(run, "energy_used", 2030).sum(axis=0))


def _spend_per_watt(run: Trajectory) -> FloatArray:
    return _in(run, "user_spend", 2026) / _in(run, "facility_power", 2026)


def _capex_per_watt(run: Trajectory) -> FloatArray:
    return np.asarray(_in(run, "capex", 2026) / _in(run, "sites_energised_by_operator", 2026)[0])


RANGES: tuple[PublishedRange, ...] = (
    PublishedRange("capex for AI in 2027", "USD", None, None, "", "none is in the facts", _yearly("capex", 2027)),
    PublishedRange("capex for AI in 2030", "USD", None, None, "", "none is in the facts", _yearly("capex", 2030)),
    PublishedRange(
        "facility power in 2030", "W", 50e9, None, "EPRI and Epoch: 50 GW of AI in the United States in 2030",
        "the United States alone; the model has the world", _yearly("facility_power", 2030),
    ),
    PublishedRange("energy in 2030", "Wh", None, None, "", "none is in the facts", _energy),
    PublishedRange(
        "accelerators in service in 2030, H100e", "1", 20e6, 400e6,
        "Epoch, Can AI scaling continue to 2030: chips that there may be for a training run (recalled)",
        "for training; the model has all", _yearly("accelerators_in_service", 2030),
    ),
    PublishedRange(
        "tokens a month in 2026", "token", 6.8e15, None,
        "Google 3.2 quadrillion in May 2026, ByteDance 120 T a day in April 2026 (press)",
        "two companies, spring; the model has the industry, mean of the year", _yearly("tokens", 2026, 1.0 / 12.0),
    ),
    PublishedRange(
        "tokens a month in 2030", "token", None, None, "", "none is in the facts", _yearly("tokens", 2030, 1.0 / 12.0)
    ),
    PublishedRange(
        "price decline at fixed capability a year, 2024 to 2026", "1", 3.0, 50.0,
        "Epoch 9 to 900 by benchmark, a16z 10, Gundlach et al. 5 to 10; taken together 3 to 50",
        "the model's is unit cost at constant quality", _fall("fixed_weight_unit_cost", 2024, 2026),
    ),
    PublishedRange(
        "fall of serving cost a token over 2025", "1", 4.5, 4.5, "Google: Gemini's serving unit cost fell by 78 %",
        "one company over 2025; the model has all tokens, between the means of 2025 and 2026",
        _fall("average_unit_cost", 2025, 2026),
    ),
    PublishedRange(
        "user spend over facility power in 2026", "USD/W", 10.0, 10.0, "OpenAI: about 10 B$ of revenue a GW (derived)",
        "one laboratory; the model's power trains, ranks and advertises too", _spend_per_watt,
    ),
    PublishedRange(
        "capex over site power energised in 2026", "USD/W", 33.0, 60.0, "Bernstein 35, Epoch 38, NVIDIA 50 to 60",
        "the model's buys for later power too", _capex_per_watt,
    ),
    PublishedRange("inference share of compute in 2030", "1", None, None, "", "none is in the facts", _share),
)  # fmt: skip
"""Published ranges from the shared facts, except ranges to which the scenario was fitted."""


def range_rows() -> list[dict[str, object]]:
    """Return one row per published range, with the model's 5, 50 and 95 % quantiles and the median's distance.

    Draws are those of bond-flywheel's own ensemble.
    """
    from importlib import resources

    text = resources.files("costmodel.scenarios").joinpath("bond-flywheel.toml").read_text(encoding="utf-8")
    run = simulate(FlywheelScenario.from_toml(text), draws=DRAWS, rng=SEED)
    rows: list[dict[str, object]] = []
    for item in RANGES:
        low, middle, high = (float(value) for value in exact_quantile(np.asarray(item.model(run)), (0.05, 0.5, 0.95)))
        rows.append(
            {
                "what": item.what,
                "unit": item.unit,
                "published low": item.low,
                "published high": item.high,
                "5 %": low,
                "median": middle,
                "95 %": high,
                "distance": distance(middle, item.low, item.high),
                "source": item.source,
                "caveat": item.caveat,
            }
        )
    return rows
