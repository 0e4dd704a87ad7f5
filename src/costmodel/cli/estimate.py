"""``costmodel estimate``: estimate a number from a table or from the catalog's dated records, with its error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.common import print_json
from costmodel.cli.files import with_file
from costmodel.cli.rows import print_lines, show
from costmodel.foundation.errors import DomainError, ScenarioError, near_matches
from costmodel.foundation.tables import Cell, Table

estimate_app = typer.Typer(
    help="Estimate a number from data, with its error: elasticity, decline, scarcity, depreciation and more.",
    no_args_is_help=True,
    add_completion=False,
)

MOST_ROWS = 1_000_000
"""Most rows of an input table [1]."""
AHEAD = (0.05, 0.5, 0.95)
"""Quantiles of a forecast that are shown."""

TableFile = Annotated[Path, typer.Argument(help="A table: .csv, .jsonl or .ndjson, with a header.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Level = Annotated[float, typer.Option(min=0.01, max=0.99, help="Probability of the intervals.")]


@estimate_app.command("elasticity")
@with_file
def elasticity_command(
    table: TableFile,
    quantity: Annotated[str, typer.Option(help="Column of the quantity bought.")] = "quantity",
    price: Annotated[str, typer.Option(help="Column of the price.")] = "price",
    entity: Annotated[str, typer.Option(help="Column that names the product.")] = "entity",
    period: Annotated[str, typer.Option(help="Column that names the period.")] = "period",
    control: Annotated[list[str] | None, typer.Option(help="Column of another driver of demand; repeatable.")] = None,
    instrument: Annotated[str | None, typer.Option(help="Column that moves the price but not demand.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Column of clusters (default: the product).")] = None,
    level: Level = 0.9,
    as_json: Json = False,
) -> None:
    """Estimate the price elasticity of demand from a panel of products over time."""
    from costmodel.estimation.elasticity import estimate_elasticity_of_frame

    labels = [entity, period, *([] if cluster is None else [cluster])]
    numbers = [quantity, price, *(control or []), *([] if instrument is None else [instrument])]
    found = estimate_elasticity_of_frame(
        columns_of(table, numbers, labels),
        quantity=quantity,
        price=price,
        entity=entity,
        period=period,
        controls=control or [],
        instrument=instrument,
        cluster=cluster,
    )
    low, high = found.interval(level)
    p5, p95 = found.interval(0.9)
    form = {
        "elasticity": found.elasticity,
        "standard_error": found.standard_error,
        "low": low,
        "high": high,
        "level": level,
        "observations": found.observations,
        "entities": found.entities,
        "periods": found.periods,
        "clusters": found.clusters,
        "controls": dict(zip(control or [], found.controls, strict=True)),
        "first_stage_f": found.first_stage_f,
        "parameter": {"dist": "normal", "p5": p5, "p95": p95},
    }
    if as_json:
        print_json(form)
        return
    print_lines(
        [
            f"price elasticity {found.elasticity:.3f}, {level:.0%} interval {low:.3f} to {high:.3f}",
            f"{found.observations} rows: {found.entities} products, {found.periods} periods, {found.clusters} clusters",
            *([] if found.first_stage_f is None else [f"first-stage F {found.first_stage_f:.1f}; below 10 is weak"]),
            f'in a scenario: price_elasticity = {{dist = "normal", p5 = {p5:.4f}, p95 = {p95:.4f}}}',
        ]
    )


@estimate_app.command("decline")
@with_file
def decline_command(
    table: TableFile,
    form: Annotated[str, typer.Option(help="moore, wright, goddard, sinclair-klepper-cohen or nordhaus.")] = "moore",
    noise: Annotated[str, typer.Option(help="walk: shocks are permanent; curve: shocks are transitory.")] = "walk",
    time: Annotated[str, typer.Option(help="Column of dates [year].")] = "time",
    cost: Annotated[str, typer.Option(help="Column of costs.")] = "cost",
    output: Annotated[str | None, typer.Option(help="Column of output per year.")] = None,
    cumulative: Annotated[str | None, typer.Option(help="Column of cumulative output.")] = None,
    hold: Annotated[int, typer.Option(min=0, help="Number of last dates to hold out for comparing the forms.")] = 0,
    ahead: Annotated[int, typer.Option(min=0, help="Steps to forecast.")] = 0,
    output_growth: Annotated[
        float | None, typer.Option(help="Growth of log cumulative output per step, for a forecast by experience.")
    ] = None,
    level: Level = 0.9,
    as_json: Json = False,
) -> None:
    """Fit how fast a cost falls with time, with experience or with both, and score held-out dates separately."""
    from costmodel.estimation.decline import fit_decline
    from costmodel.market.decline import learning_rate

    chosen, shocks = _form(form), _noise(noise)
    series = _series(table, time, cost, output, cumulative)
    fit = fit_decline(series, chosen, shocks)
    low, high = fit.interval(level)
    slopes = [
        {
            "slope": name,
            "value": float(fit.estimate[index]),
            "low": float(low[index]),
            "high": float(high[index]),
            "fall_per_doubling": None if name == "time" else float(learning_rate(fit.estimate[index])),
        }
        for index, name in enumerate(fit.names)
    ]
    held, left_out = _held_out(series, hold, shocks) if hold else ([], [])
    future = _ahead(series, ahead, output_growth) if ahead else []
    if as_json:
        shown = {"form": chosen.value, "noise": shocks.value, "residual_sd": float(fit.residual_sd)}
        print_json({**shown, "slopes": slopes, "held_out": held, "not_compared": left_out, "forecast": future})
        return
    show(Table.of(slopes, f"{chosen.value}, {shocks.value}: slopes of log cost, {level:.0%} intervals"))
    show(Table.of(held, "dates held out: error of log cost"))
    print_lines([f"not compared: {reason}" for reason in left_out])
    show(Table.of(future, "forecast with the published carry-over of shocks"))


@estimate_app.command("capability")
@with_file
def capability_command(
    table: TableFile,
    score: Annotated[float, typer.Option(help="Benchmark score to hold fixed.")],
    name: Annotated[str, typer.Option(help="Column of model names.")] = "name",
    time: Annotated[str, typer.Option(help="Column of dates [year].")] = "time",
    price: Annotated[str, typer.Option(help="Column of prices.")] = "price",
    scores: Annotated[str, typer.Option(help="Column of scores.")] = "score",
    as_json: Json = False,
) -> None:
    """Measure how fast the price of a fixed capability falls, from dated prices of scored models."""
    from costmodel.estimation.fixed_capability import PriceRecords, decline_at_capability

    columns = columns_of(table, [time, price, scores], [name])
    records = PriceRecords(tuple(columns[name]), columns[time], columns[price], columns[scores])
    found = decline_at_capability(records, score)
    frontier = records.frontier(score)
    steps: list[dict[str, Cell]] = [
        {"model": label, "time": float(when), "price": float(cost)}
        for label, when, cost in zip(frontier.names, frontier.time, frontier.price, strict=True)
    ]
    interval = None if found.fit is None else tuple(float(bound[0]) for bound in found.fit.interval(0.9))
    if as_json:
        form = {"score": score, "years": found.years, "yearly_fall": found.yearly_fall, "rate": found.rate}
        print_json({**form, "trend_90": interval, "frontier": steps})
        return
    show(Table.of(steps, f"cheapest model that reaches {score:g}"))
    print_lines([f"{found.first} to {found.last}, {found.years:.2f} years: {found.yearly_fall:.3g} times a year"])
    if interval is not None:
        low, high = interval
        print_lines([f"trend through all steps, 90 % interval of the log rate: {low:.3g} to {high:.3g} a year"])


@estimate_app.command("scarcity")
@with_file
def scarcity_command(
    table: TableFile,
    market: Annotated[str, typer.Option(help="Rental market of the catalog with three dated rents.")] = "H100 market",
    time: Annotated[str, typer.Option(help="Column of dates [year].")] = "time",
    tightness: Annotated[str, typer.Option(help="Column of compute demand over usable compute.")] = "tightness",
    required_rent: Annotated[str, typer.Option(help="Column of the required rent of new capacity.")] = "required_rent",
    as_json: Json = False,
) -> None:
    """Estimate the scarcity exponent from two recorded rents and a path of tightness, and test it on a third."""
    from costmodel.estimation.scarcity import contract_rents, rent_backtest

    columns = columns_of(table, [time, tightness, required_rent], [])
    rents = [(rent.time, rent.rent) for rent in contract_rents(market)]
    found = rent_backtest(columns[time], columns[tightness], columns[required_rent], rents)
    if not found.identified:
        raise DomainError(
            f"{table}: {tightness} does not rise between the first two rents, so the exponent is not identified"
        )
    form = {
        "exponent": float(found.exponent),
        "foretold": float(found.foretold),
        "observed": found.observed,
        "error": float(found.error),
        "without_scarcity": float(found.without_scarcity),
    }
    if as_json:
        print_json(form)
        return
    show(Table.of([form], f"rent of {market} [USD/hour], the last one predicted"))


def columns_of(path: Path, numbers: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Read columns of a table, numbers as numbers and labels as text.

    Raises
    ------
    ScenarioError
        If a column is missing, a row cannot be read or a number is none; the row is named.
    """
    import numpy as np

    from costmodel.formats.tables import Unread, read_blocks

    unread, rows = Unread(), 0
    parts: dict[str, list[Any]] = {name: [] for name in (*numbers, *labels)}
    for block in read_blocks(path, unread):
        for name in parts:
            if not block.has(name):
                known = [str(key) for key in block.columns]
                hint = near_matches(name, known)
                raise ScenarioError(f"{path}: no column {name!r}: there are {', '.join(known)}{hint}")
        rows += len(block)
        if rows > MOST_ROWS:
            raise ScenarioError(f"{path}: more than {MOST_ROWS:,} rows")
        for name in numbers:
            values, _ = block.number(name)
            wrong = np.flatnonzero(~np.isfinite(values))
            if wrong.size:
                raise ScenarioError(f"{path}: row {block.rows[wrong[0]]} of {name} is not a number")
            parts[name].append(values)
        for name in labels:
            codes, texts = block.text(name)
            parts[name].append(np.array(texts)[codes])
    if unread.count:
        row, reason = unread.kept[0]
        raise ScenarioError(f"{path}: {unread.count} rows cannot be read, the first is row {row}: {reason}")
    if not rows:
        raise ScenarioError(f"{path}: the table has no rows")
    return {name: np.concatenate(values) for name, values in parts.items()}


def _series(table: Path, time: str, cost: str, output: str | None, cumulative: str | None) -> Any:
    """Read dated costs and output; cumulative output is summed if the table has only yearly output."""
    from costmodel.estimation.decline import CostSeries

    others = [name for name in (output, cumulative) if name is not None]
    columns = columns_of(table, [time, cost, *others], [])
    if output is not None and cumulative is None:
        return CostSeries.from_output(columns[time], columns[cost], columns[output])
    return CostSeries(
        columns[time],
        columns[cost],
        None if output is None else columns[output],
        None if cumulative is None else columns[cumulative],
    )


def _ahead(series: Any, steps: int, output_growth: float | None) -> list[dict[str, float]]:
    """Forecast with a drift in time, or with experience if the growth of output is given."""
    import numpy as np

    from costmodel.estimation.forecast import forecast_moore, forecast_wright, published_moving_average

    carried = published_moving_average(_form("moore" if output_growth is None else "wright"))
    if output_growth is None:
        forecast = forecast_moore(series, steps, moving_average=carried)
    elif series.cumulative is None:
        raise ScenarioError("--output-growth: a forecast by experience needs --cumulative or --output")
    else:
        future = series.cumulative[-1] * np.exp(output_growth * np.arange(1, steps + 1))
        forecast = forecast_wright(series, future, moving_average=carried)
    bands = zip(*(forecast.quantile(rank) for rank in AHEAD), strict=True)
    return [{"time": float(when), **by_rank(band)} for when, band in zip(forecast.time, bands, strict=True)]


def _form(name: str) -> Any:
    from costmodel.estimation.decline import Form

    return _choice(Form, name, "--form")


def _noise(name: str) -> Any:
    from costmodel.estimation.decline import Noise

    return _choice(Noise, name, "--noise")


def _choice(kinds: Any, name: str, option: str) -> Any:
    """Return a member of an enumeration by its value."""
    known = [kind.value for kind in kinds]
    if name not in known:
        raise ScenarioError(f"{option} {name}: one of {', '.join(known)}{near_matches(name, known)}")
    return kinds(name)


def _held_out(series: Any, hold: int, noise: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Score every form on the held-out dates, best first; a form that cannot be fitted gives its reason."""
    from costmodel.estimation.decline import Form, held_out

    scored, refused = [], []
    for form in Form:
        try:
            (one,) = held_out(series, series.time.size - hold, [form], noise)
        except (DomainError, ScenarioError) as error:
            refused.append(str(error))
            continue
        row = {"form": form.value, "rms_error": one.rms_error, "mean_error": one.mean_error, "dates": one.years}
        scored.append(row)
    return sorted(scored, key=lambda row: float(row["rms_error"])), refused


def by_rank(values: Any, of: str = "") -> dict[str, float]:
    """Return the shown quantiles by name."""
    return {f"p{100 * rank:g}{of}": float(value) for rank, value in zip(AHEAD, values, strict=True)}
