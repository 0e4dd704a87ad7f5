"""``costmodel estimate`` with recorded figures and published fits: terms, prices, growth, scaling, depreciation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from costmodel.cli.common import parse_value, print_json
from costmodel.cli.estimate import AHEAD, Json, Level, by_rank, columns_of, estimate_app
from costmodel.cli.files import with_file
from costmodel.cli.rows import print_lines, show
from costmodel.foundation.errors import CostModelError
from costmodel.foundation.tables import Cell, Table

__all__ = ["estimate_app"]


@estimate_app.command("terms")
@with_file
def terms_command(
    name: Annotated[str, typer.Argument(help="A rental of the catalog, such as 'AWS p5.48xlarge'.")],
    period: Annotated[str | None, typer.Option(help="Period of the quotes (default: the latest).")] = None,
    hour_cost: Annotated[
        float | None, typer.Option(min=0.0, help="Your own cost of an hour [USD], to compute the fill.")
    ] = None,
    committed: Annotated[float, typer.Option(min=0.0, max=0.99, help="Share of hours sold under commitment.")] = 0.0,
    spot_discount: Annotated[float, typer.Option(min=0.0, max=0.99, help="Spot discount on the other hours.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Show the future rents implied by one- and three-year quotes, and the fill that covers an hour's cost."""
    from costmodel.market.commitment_terms import break_even_fill, quoted_terms

    quotes = quoted_terms(name, period)
    form: dict[str, Any] = {"yearly_ratio": quotes.yearly_ratio, "decline": quotes.decline}
    form |= {f"rent_of_year_{year}": rent for year, rent in enumerate(quotes.forwards, start=1)}
    if quotes.on_demand is not None:
        form |= {"on_demand_premium": quotes.on_demand_premium}
        form |= dict(zip(("discount_1y", "discount_3y"), quotes.discounts, strict=True))
    if hour_cost is not None:
        form["break_even_fill"] = float(break_even_fill(hour_cost, quotes.one_year, committed, spot_discount))
    if as_json:
        print_json(form)
        return
    show(
        Table.of(
            [{"figure": k, "value": v} for k, v in form.items()], f"{name}: rents implied by the quotes [USD/hour]"
        )
    )


@estimate_app.command("prices")
@with_file
def prices_command(
    maker: Annotated[str | None, typer.Argument(help="Maker whose flagship line to list (default: all).")] = None,
    until: Annotated[str | None, typer.Option(help="Last period whose prices count, such as 2026-11.")] = None,
    as_json: Json = False,
) -> None:
    """List published price declines at fixed capability, beside the changes of flagship list prices."""
    from costmodel.estimation.fixed_capability import years_of_rise
    from costmodel.estimation.price_history import FLAGSHIP_LINES, flagship_moves, published_declines

    declines = [
        {"ability": one.ability, "years": one.years, "yearly_fall": one.yearly_fall, "grade": one.grade.value}
        for one in published_declines()
    ]
    lines = {name: flagship_moves(name, until=until) for name in ([maker] if maker else FLAGSHIP_LINES)}
    moves: list[dict[str, Cell]] = [
        {"maker": name, "time": move.time, "from": move.before, "to": move.after, "price_ratio": move.ratio}
        for name, line in lines.items()
        for move in line
    ]
    rises = {name: list(years_of_rise(line)) for name, line in lines.items()}
    if as_json:
        print_json({"same_ability": declines, "flagships": moves, "years_of_rise": rises})
        return
    show(Table.of(declines, "price of the same ability: times cheaper per year"))
    show(Table.of(moves, "flagship list prices, three input tokens to one output"))
    print_lines(
        [
            f"{name}: list price ended the year higher than it began in {years or 'no year'}"
            for name, years in rises.items()
        ]
    )


@estimate_app.command("growth")
@with_file
def growth_command(
    tokens: Annotated[float, typer.Option(min=1e-12, help="Tokens after over tokens before.")],
    price: Annotated[float, typer.Option(min=1e-12, help="Price paid after over before.")],
    users: Annotated[float, typer.Option(min=1e-12, help="Users after over before.")],
    elasticity: Annotated[str, typer.Option(help="Price elasticity: a number, or a distribution as in a scenario.")],
    as_json: Json = False,
) -> None:
    """Split the growth of usage into a lower price, more users, and more tokens per user than price explains."""
    import numpy as np

    from costmodel.foundation.distributions import Distribution, strict_number
    from costmodel.market.attribution import split_usage_growth

    written = parse_value(elasticity)
    try:
        if isinstance(written, dict):
            response = np.asarray(Distribution.parse(written, "1").ppf(np.array(AHEAD)))
        else:
            response = np.full(len(AHEAD), strict_number(written, "1", "elasticity"))
    except CostModelError as error:
        raise type(error)(f"--elasticity {elasticity}: {error}") from None
    split = split_usage_growth(tokens, price, response, users)
    rows: list[dict[str, Cell]] = [
        {"cause": name, **by_rank(np.broadcast_to(share, len(AHEAD)), " of elasticity")}
        for name, share in split.shares().items()
    ]
    if as_json:
        print_json(rows)
        return
    show(Table.of(rows, "share of the growth of tokens, in logarithms"))


@estimate_app.command("scaling")
@with_file
def scaling_command(
    compute: Annotated[float, typer.Option(min=1.0, help="Training compute to spend [FLOP].")],
    table: Annotated[Path | None, typer.Argument(help="Your own runs: .csv with parameters, tokens and loss.")] = None,
    published: Annotated[str, typer.Option(help="Published fit to use if no table is given.")] = "besiroglu",
    hold: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of runs to hold out, the largest ones.")] = 0.2,
    served: Annotated[float | None, typer.Option(min=0.0, help="Tokens that the model will serve.")] = None,
    unique: Annotated[float | None, typer.Option(min=1.0, help="Distinct training tokens available.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the standard errors.")] = 0,
    as_json: Json = False,
) -> None:
    """Find the best model size and data for a training compute, with a scaling law fitted to your runs or published."""
    from costmodel.estimation.scaling import fit_scaling
    from costmodel.training.fits import data_limited_optimum, inference_aware_optimum, scaling_fit

    found = None
    if table is None:
        fit = scaling_fit(published)
    else:
        columns = columns_of(table, ["parameters", "tokens", "loss"], [])
        found = fit_scaling(columns["parameters"], columns["tokens"], columns["loss"], hold=hold, rng=seed)
        fit = found.fit
    size, data = float(fit.optimal_parameters(compute)), float(fit.optimal_tokens(compute))
    loss = float(fit.loss(size, data))
    chosen: list[tuple[str, Any, Any, float | None]] = [("least loss", size, data, loss)]
    if served is not None:
        small, long = inference_aware_optimum(fit, loss, served)
        chosen.append((f"least cost with {served:.3g} tokens served", small, long, float(fit.loss(small, long))))
    if unique is not None:
        few, repeated = data_limited_optimum(fit, compute, unique)
        chosen.append((f"with {unique:.3g} distinct tokens", few, repeated, None))
    rows = [
        {
            "choice": label,
            "parameters": parameters,
            "tokens": tokens,
            "loss": reached,
            "extrapolated": not bool(fit.within_range(parameters, tokens)),
        }
        for label, parameters, tokens, reached in chosen
    ]
    law = {"irreducible_loss": fit.irreducible_loss, **fit.coefficients}
    quality: dict[str, Any] | None = None
    if found is not None:
        quality = {"fitted": found.fitted, "error": found.error, "unseen": found.unseen}
        quality |= {"unseen_error": found.unseen_error, "standard_error": dict(found.standard_error)}
    if as_json:
        print_json({"fit": fit.name, "law": law, "quality": quality, "choices": rows})
        return
    show(Table.of(rows, f"{fit.name}: best model and tokens for {compute:.3g} FLOP"))
    show(Table.of([law], "E + A/N^α + B/D^β"))
    if found is not None:
        unseen = "" if found.unseen_error is None else f"; {found.unseen} unseen runs: {found.unseen_error:.2%}"
        print_lines([f"error of the loss, {found.fitted} fitted runs: {found.error:.2%}{unseen}"])


@estimate_app.command("depreciation")
@with_file
def depreciation_command(
    company: Annotated[str, typer.Argument(help="A company of the catalog, such as Alphabet.")],
    through: Annotated[int | None, typer.Option(help="Last fiscal year to fit (default: the last recorded).")] = None,
    reported: Annotated[str, typer.Option(help="depreciation, or depreciation_and_amortization.")] = "depreciation",
    level: Level = 0.9,
    as_json: Json = False,
) -> None:
    """Fit a company's depreciation to its capital spending up to a year, and predict the years after it."""
    from dataclasses import asdict

    from costmodel.estimation.depreciation import backtest_depreciation

    found = backtest_depreciation(company, through, reported=reported, level=level)
    if as_json:
        print_json(
            {
                "company": company,
                "fit_through": found.fit_through,
                "reported": dict(found.reported),
                "predicted": {year: asdict(band) for year, band in found.predicted.items()},
                "parameters": {name: asdict(band) for name, band in found.parameters.items()},
                "errors": found.errors,
                "limits": list(found.limits),
            }
        )
        return
    print_lines([str(found), *found.limits])
