"""``costmodel estimate``: an estimate from a table with its error, or one clear error line."""

from __future__ import annotations

import json
import math
from functools import partial

import numpy as np
import pytest


@pytest.fixture
def estimate(command):
    """Run ``costmodel estimate`` and return status, output and error."""
    return partial(command, "estimate")


def written(path, header, rows):
    """Write rows as CSV."""
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


@pytest.mark.closed_form
def test_elasticity_of_a_panel_made_with_it(estimate, tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for model in "abcdefghij":
        size = rng.normal()
        for week in range(8):
            price = math.exp(rng.normal(0.0, 0.4))
            rows.append((model, week, price, math.exp(size + 0.3 * week) * price**-0.8, price * 2.0))
    table = written(tmp_path / "panel.csv", "model,week,usd,tokens,shift", rows)
    columns = ("--quantity", "tokens", "--price", "usd", "--entity", "model", "--period", "week")
    status, out, _ = estimate("elasticity", table, *columns, "--json")
    form = json.loads(out)
    assert status == 0
    assert form["elasticity"] == pytest.approx(-0.8, abs=1e-9)  # no noise, so the estimate is exact
    assert (form["observations"], form["entities"], form["periods"], form["clusters"]) == (80, 10, 8, 10)
    assert form["parameter"]["dist"] == "normal"
    _, out, _ = estimate("elasticity", table, *columns, "--instrument", "shift")
    assert "price elasticity -0.800" in out and "first-stage F" in out and "price_elasticity = {dist" in out


@pytest.mark.closed_form
def test_decline_with_experience_is_fitted_held_out_and_forecast(estimate, tmp_path):
    # cost 0.8 of itself at each doubling, output doubling with each year
    rows = [(2018 + k, 100 * 0.8**k, 2.0**k) for k in range(7)]
    table = written(tmp_path / "cost.csv", "time,cost,cumulative", rows)
    status, out, _ = estimate(
        "decline", table, "--form", "wright", "--cumulative", "cumulative", "--hold", 2, "--ahead", 2, "--json"
    )
    form = json.loads(out)
    assert status == 0
    (slope,) = form["slopes"]
    assert slope["value"] == pytest.approx(-math.log2(0.8), rel=1e-9)
    assert slope["fall_per_doubling"] == pytest.approx(0.2, rel=1e-9)
    assert {row["form"] for row in form["held_out"]} == {"moore", "wright"}
    assert any("nordhaus: cumulative and time move together" in reason for reason in form["not_compared"])
    assert all(row["rms_error"] == pytest.approx(0.0, abs=1e-9) for row in form["held_out"])
    assert [row["p50"] for row in form["forecast"]] == pytest.approx([100 * 0.8**7, 100 * 0.8**8], rel=1e-9)
    _, out, _ = estimate("decline", table)
    assert "moore, walk" in out


@pytest.mark.closed_form
def test_a_forecast_follows_experience_where_output_is_foretold(estimate, tmp_path):
    # cost halves with each doubling; the forecast is two more doublings over two steps
    table = written(tmp_path / "cost.csv", "time,cost,cumulative", [(2020 + k, 16 * 0.5**k, 2.0**k) for k in range(4)])
    asked = ("decline", table, "--cumulative", "cumulative", "--ahead", 2, "--output-growth", math.log(2.0))
    _, out, _ = estimate(*asked, "--json")
    assert [row["p50"] for row in json.loads(out)["forecast"]] == pytest.approx([1.0, 0.5], rel=1e-9)
    status, _, err = estimate("decline", table, "--ahead", 2, "--output-growth", 0.5)
    assert status == 2 and "needs --cumulative" in err


@pytest.mark.closed_form
def test_scaling_by_own_runs_finds_the_law_they_were_made_with(estimate, tmp_path):
    sizes, data = np.geomspace(1e8, 1e10, 5), np.geomspace(2e9, 2e11, 5)
    rows = [(n, d, 1.8 + 482.0 / n**0.35 + 2085.0 / d**0.37) for n in sizes for d in data]
    table = written(tmp_path / "runs.csv", "parameters,tokens,loss", rows)
    _, out, _ = estimate("scaling", table, "--compute", 1e21, "--hold", 0.2, "--json")
    form = json.loads(out)
    assert form["law"]["irreducible_loss"] == pytest.approx(1.8, rel=1e-3)
    assert form["law"]["parameter_exponent"] == pytest.approx(0.35, rel=1e-3)
    assert (form["quality"]["fitted"], form["quality"]["unseen"]) == (20, 5)
    assert form["quality"]["unseen_error"] < 1e-4
    # at the optimum a marginal FLOP is worth the same in size and in data: α A/N^α = β B/D^β, and C = 6 N D
    (best,) = form["choices"]
    n, d = best["parameters"], best["tokens"]
    assert 6.0 * n * d == pytest.approx(1e21, rel=1e-9)
    assert 0.35 * 482.0 / n**0.35 == pytest.approx(0.37 * 2085.0 / d**0.37, rel=1e-2)


@pytest.mark.published
def test_scaling_by_a_published_law_with_serving_and_with_little_data(estimate):
    # Besiroglu et al. (2024) refit of Chinchilla: 5.76e23 FLOP is about 72 B parameters, 1.33 T tokens
    asked = ("scaling", "--compute", 5.76e23, "--served", 2e12, "--unique", 0.3e12)
    _, out, _ = estimate(*asked, "--json")
    least, serving, limited = json.loads(out)["choices"]
    assert least["parameters"] == pytest.approx(72e9, rel=0.01)
    assert least["tokens"] == pytest.approx(1.33e12, rel=0.01)
    assert serving["parameters"] < least["parameters"] < limited["parameters"]
    assert serving["tokens"] > least["tokens"] > limited["tokens"]
    assert serving["loss"] == pytest.approx(least["loss"], rel=1e-9)
    _, out, _ = estimate(*asked)
    assert "besiroglu: best model" in out


@pytest.mark.closed_form
def test_the_price_of_a_score_falls_by_the_cheapest_model_that_reaches_it(estimate, tmp_path):
    rows = [("a", 2022, 40, 50), ("dear", 2022.5, 90, 95), ("b", 2023, 9, 50), ("c", 2024, 2, 60)]
    table = written(tmp_path / "prices.csv", "name,time,price,score", rows)
    _, out, _ = estimate("capability", table, "--score", 50, "--json")
    form = json.loads(out)
    assert [step["model"] for step in form["frontier"]] == ["a", "b", "c"]
    assert form["yearly_fall"] == pytest.approx(math.sqrt(40 / 2), rel=1e-12)
    _, out, _ = estimate("capability", table, "--score", 50)
    assert "4.47 times a year" in out


@pytest.mark.closed_form
def test_terms_and_fill_of_recorded_quotes(estimate):
    _, out, _ = estimate(
        "terms", "AWS p5.48xlarge", "--hour-cost", 3.6, "--committed", 0.2, "--spot-discount", 0.5, "--json"
    )
    form = json.loads(out)
    assert form["rent_of_year_1"] == 7.2
    assert form["rent_of_year_3"] == pytest.approx(7.2 * form["yearly_ratio"] ** 2, rel=1e-12)
    assert form["break_even_fill"] == pytest.approx((3.6 / 7.2 - 0.2) / (0.8 * 0.5), rel=1e-12)


@pytest.mark.closed_form
def test_growth_is_split_at_an_elasticity_and_over_its_range(estimate):
    _, out, _ = estimate("growth", "--tokens", 8, "--price", 0.5, "--users", 2, "--elasticity", "-1", "--json")
    assert [row["p50 of elasticity"] for row in json.loads(out)] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    uncertain = '{dist = "uniform", low = -2.0, high = -1.0}'
    _, out, _ = estimate("growth", "--tokens", 8, "--price", 0.5, "--users", 2, "--elasticity", uncertain, "--json")
    price = json.loads(out)[0]
    assert price["p5 of elasticity"] == pytest.approx(1.95 / 3)


@pytest.mark.closed_form
def test_scarcity_from_a_path_and_the_recorded_rents(estimate, tmp_path):
    # flat required rent, tightness growing at a steady log rate g: between the first two rents it grows by g·Δt
    rows = [(2025.0 + k, math.exp(0.5 * k), 1.0) for k in range(3)]
    table = written(tmp_path / "paths.csv", "time,tightness,required_rent", rows)
    _, out, _ = estimate("scarcity", table, "--json")
    form = json.loads(out)
    months = 5  # from mid-October 2025 to mid-March 2026
    assert form["exponent"] == pytest.approx(math.log(2.35 / 1.70) / (0.5 * months / 12), rel=1e-9)
    assert form["observed"] == 2.65
    flat = written(tmp_path / "flat.csv", "time,tightness,required_rent", [(2025.0, 1.0, 1.0), (2027.0, 1.0, 1.0)])
    status, _, err = estimate("scarcity", flat)
    assert status == 2 and "so the exponent is not identified" in err


@pytest.mark.contract
def test_prices_and_depreciation_are_listed(estimate):
    _, out, _ = estimate("prices", "openai", "--until", "2026-11", "--json")
    form = json.loads(out)
    assert form["years_of_rise"] == {"openai": [2025]}
    assert {row["ability"] for row in form["same_ability"]} >= {"MMLU 42", "MMLU 83"}
    _, out, _ = estimate("depreciation", "Alphabet", "--through", 2020)
    assert "fitted through 2020" in out


@pytest.mark.contract
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("decline", "{table}", "--form", "morre"), "did you mean 'moore'"),
        (("decline", "{table}", "--cost", "prise"), "no column 'prise': there are time, cost"),
        (("decline", "{words}"), "row 2 of cost is not a number"),
        (("decline", "{empty}"), "no rows"),
        (("decline", "missing.csv"), "missing.csv"),
        (("prices", "gogle"), "did you mean 'google'"),
        (("growth", "--tokens", "2", "--price", "1", "--users", "1", "--elasticity", "much"), "--elasticity"),
    ],
)
def test_one_line_says_what_is_wrong(estimate, tmp_path, arguments, said):
    places = {
        "{table}": written(tmp_path / "a.csv", "time,cost", [(2020, 1), (2021, 2), (2022, 3)]),
        "{words}": written(tmp_path / "b.csv", "time,cost", [(2020, 1), (2021, "cheap"), (2022, 3)]),
        "{empty}": written(tmp_path / "c.csv", "time,cost", []),
    }
    status, _, err = estimate(*(places.get(argument, argument) for argument in arguments))
    assert status == 2
    assert said in err and err.count("\n") == 1
