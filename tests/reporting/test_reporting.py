"""Figures, pages and workbooks: they show the library's figures, and foreign text stays text."""

from __future__ import annotations

import html
import re
import runpy
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import costmodel
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.tables import safe_link

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
jinja2 = pytest.importorskip("jinja2")
openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")

from costmodel.analysis.comparison import Waterfall  # noqa: E402
from costmodel.reporting import figures, point_figures, style  # noqa: E402
from costmodel.reporting.page import render  # noqa: E402
from costmodel.reporting.report import build_report, headlines_of  # noqa: E402
from costmodel.reporting.workbook import write_workbook  # noqa: E402

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    style.pyplot().close("all")


@pytest.fixture(scope="module")
def planner() -> Any:
    return build_report(costmodel.load_scenario("token-planner"), draws=64, rng=0, name="token-planner")


@pytest.fixture(scope="module")
def flywheel() -> Any:
    return build_report(costmodel.load_scenario("from-2026"), name="from-2026")


@pytest.mark.closed_form
def test_a_fan_draws_the_figures_of_the_years_in_the_unit_it_shows(flywheel: Any) -> None:
    axes = figures.fan(flywheel.result, "user_spend")
    years, values = flywheel.result.by_year("user_spend")
    line = axes.get_lines()[0]
    assert line.get_xdata().tolist() == [year + 0.5 for year in years], "a year's sum stands at its middle"
    unit = re.search(r"\[(.*)\]", axes.get_title(loc="left"))[1]
    scale = {"B USD": 1e-9, "T USD": 1e-12, "M USD": 1e-6}[unit]
    np.testing.assert_allclose(line.get_ydata(), values * scale, rtol=1e-12)
    assert str(years[-1]) in axes.alt_text


@pytest.mark.closed_form
def test_a_fan_draws_a_stock_at_the_end_of_its_year(flywheel: Any) -> None:
    axes = figures.fan(flywheel.result, "cumulative_tokens")
    years, _ = flywheel.result.by_year("cumulative_tokens")
    assert axes.get_lines()[0].get_xdata().tolist() == [year + 1 for year in years]


@pytest.mark.closed_form
def test_stacked_bars_reach_the_total(flywheel: Any) -> None:
    axes = figures.stacked(flywheel.result, ["user_spend_by_workload"], title="user spend")
    unit = re.search(r"\[(.*)\]", axes.get_title(loc="left"))[1]
    scale = {"B USD": 1e-9, "T USD": 1e-12, "M USD": 1e-6}[unit]
    tops: dict[float, float] = {}
    for bar in axes.patches:
        centre = round(bar.get_x() + bar.get_width() / 2)
        tops[centre] = max(tops.get(centre, 0.0), bar.get_y() + bar.get_height())
    years, values = flywheel.result.by_year("user_spend")
    np.testing.assert_allclose([tops[year] for year in years], values * scale, rtol=1e-9)


@pytest.mark.contract
def test_bars_of_different_units_are_refused(flywheel: Any) -> None:
    with pytest.raises(DomainError, match="cannot be stacked"):
        figures.stacked(flywheel.result, ["user_spend", "tokens"])


@pytest.mark.closed_form
def test_a_bridge_starts_and_ends_at_its_values() -> None:
    change = Waterfall(
        scenarios=("a", "b"),
        changes=("price", "adoption"),
        outputs=("spend",),
        first=np.array([10.0]),
        second=np.array([14.0]),
        parts=np.array([[-3.0], [7.0]]),
        error=np.zeros((2, 1)),
        draws=0,
    )
    axes = figures.bridge(change)
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert spans == [(0.0, 10.0), (10.0, 17.0), (17.0, 14.0), (0.0, 14.0)]
    assert "adoption" in axes.alt_text


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("gap", "when"),
    [([-1.0, -1.0, 3.0], 2021.25), ([1.0, 1.0, 1.0], None), ([-1.0, 1.0, -1.0], None), ([-1.0, 1.0, 1.0], 2020.5)],
)
def test_when_one_passes_the_other_for_good(gap: list[float], when: float | None) -> None:
    assert figures._passes(np.array([2020.0, 2021.0, 2022.0]), np.array(gap)) == when


@pytest.mark.closed_form
def test_no_point_of_the_front_is_beaten() -> None:
    xs, ys = np.array([1.0, 2.0, 3.0, 2.5, np.nan]), np.array([1.0, 3.0, 4.0, 2.0, 0.0])
    assert point_figures._front(xs, ys).tolist() == [0, 3, 2]


@pytest.mark.contract
def test_small_steps_are_drawn_as_one_and_nothing_is_lost() -> None:
    parts = [(f"p{i}", float(i)) for i in range(30)]
    kept = figures._largest(parts)
    assert len(kept) == figures.MOST_BARS
    assert sum(value for _, value in kept) == sum(value for _, value in parts)


@pytest.mark.contract
def test_every_figure_has_a_description_and_svg_says_it(flywheel: Any) -> None:
    axes = figures.crossing(flywheel.result, "inference_cost", "training_cost")
    text = style.svg_of(axes)
    assert text.startswith('<svg role="img" aria-label="')
    assert "inference" in text[:400]
    assert "<metadata>" not in text


@pytest.mark.contract
def test_headlines_are_those_that_the_result_puts_first(planner: Any) -> None:
    first = planner.headlines[0]
    assert first.name == "blended_cost"
    values = planner.ensemble.quantile("blended_cost", (0.05, 0.5, 0.95)) * 1e6
    np.testing.assert_allclose(first.values, values, rtol=1e-12)
    assert first.unit == "USD/Mtoken"
    assert planner.answer.startswith("Cost of a token of the mix")
    assert all(item.name.endswith("@2031") or "@" in item.name for item in headlines_of(costmodel.run("from-2026")))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if tag == "a" and name == "href":
                self.links.append(value or "")
            elif name in ("src", "href", "data") and not (value or "").startswith("#"):
                self.outside.append(f"{tag} {value}")


@pytest.mark.contract
def test_a_page_needs_nothing_from_outside_and_shows_every_assumption(planner: Any) -> None:
    text = render(planner)
    page = _Page()
    page.feed(text)
    assert page.outside == []
    assert page.tags.count("svg") >= 3
    assert all(link.startswith(("http://", "https://")) for link in page.links)
    for row in planner.result.scenario.sources():
        assert row.path in text
    assert "costmodel report token-planner --draws 64 --seed 0" in text


@pytest.mark.contract
def test_what_a_stranger_wrote_stays_text(tmp_path: Path) -> None:
    scenario = costmodel.load_scenario("token-planner").replace(
        {
            "title": "<script>alert(1)</script>",
            "description": "=1+1",
            "sources": {"ecologits": {"title": "<img src=x onerror=alert(1)>", "link": "javascript:alert(1)"}},
        }
    )
    report = build_report(scenario)
    text = render(report)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "javascript:" not in text.replace("javascript:alert(1)&#34;", "").split("<details>")[0]
    write_workbook(report, tmp_path / "w.xlsx")
    cells = [cell.value for row in openpyxl.load_workbook(tmp_path / "w.xlsx")["Answer"].iter_rows() for cell in row]
    assert "=1+1" in cells
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["Answer"]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("link", "safe"),
    [
        ("https://a.b/c", "https://a.b/c"),
        ("arXiv:2405.21015", "https://arxiv.org/abs/2405.21015"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//a.b", ""),
        ("http://", ""),
        ("https://[", ""),
        (None, ""),
    ],
)
def test_only_addresses_of_the_web_are_links(link: str | None, safe: str) -> None:
    assert safe_link(link) == safe


def formulas(path: Path) -> dict[tuple[str, str], str]:
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in openpyxl.load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


@pytest.mark.contract
def test_sums_and_ratios_of_a_workbook_are_formulas(flywheel: Any, tmp_path: Path) -> None:
    write_workbook(flywheel, tmp_path / "w.xlsx")
    found = formulas(tmp_path / "w.xlsx")
    kinds = {"ratio": sum("/" in text for text in found.values()), "sum": sum("+" in text for text in found.values())}
    assert kinds["ratio"] > 5
    assert kinds["sum"] > 5
    assert any(sheet == "Value" and text.startswith("=SUM(") for (sheet, _), text in found.items())


def recalculated(path: Path) -> Any:
    """Return a workbook after LibreOffice has recalculated every formula of it."""
    tmp_path = path.parent
    profile = tmp_path / "profile" / "user"
    profile.mkdir(parents=True, exist_ok=True)
    always = (
        '<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">'
        "<value>0</value></prop></item>"
    )
    (profile / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        f"{always}</oor:items>"
    )
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to"]
    out = tmp_path / "recalculated"
    subprocess.run([*command, "xlsx", "--outdir", str(out), str(path)], check=True, capture_output=True, timeout=180)
    return openpyxl.load_workbook(out / path.name, data_only=True)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_recalculates_to_the_librarys_figures(flywheel: Any, planner: Any, tmp_path: Path) -> None:
    for name, report in (("years", flywheel), ("parts", planner)):
        path = tmp_path / f"{name}.xlsx"
        write_workbook(report, path)
        written, again = openpyxl.load_workbook(path, data_only=True), recalculated(path)
        for sheet, cell in formulas(path):
            assert again[sheet][cell].value == pytest.approx(written[sheet][cell].value, rel=1e-9), (sheet, cell)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_part_of_the_hour_that_a_reader_changes_reaches_token_user_and_site(planner: Any, tmp_path: Path) -> None:
    """A dollar more of energy an hour: a token costs it over the tokens of a paid hour more, and so on to the site."""
    path = tmp_path / "planner.xlsx"
    write_workbook(planner, path)
    book = openpyxl.load_workbook(path)
    for what, item, figure, *_ in book["Outputs"].iter_rows():
        if (what.value, item.value) == ("cost of an hour", "energy"):
            figure.value += 1.0
    book.save(path)
    rows = recalculated(path)["Outputs"].iter_rows(min_row=2, max_col=3, values_only=True)
    after = {(what, item or ""): value for what, item, value in rows}
    result = planner.result
    hour, requests = float(result.hour_cost), float(result.utilisation * result.requests_per_second) * 3600.0
    tokens = float(result.utilisation * result.tokens_per_second) * 3600.0
    accelerator_hours = float(result.site_accelerators) * 24.0 * 365.25
    for what, figure in (
        ("cost of an hour, in all", hour + 1.0),
        ("cost of a token of the mix", (hour + 1.0) / tokens * 1e6),
        ("cost of an output token", float(result.output_cost) * (hour + 1.0) / hour * 1e6),
        ("cost of the requests of a user in a month", 100.0 * (hour + 1.0) / requests),
        ("cost of the site", accelerator_hours * (hour + 1.0) / 1e6),
        ("revenue of the site less its cost", (accelerator_hours * (tokens * 0.9e-6 - hour - 1.0)) / 1e6),
    ):
        assert after[what, ""] == pytest.approx(figure, rel=1e-9), what


@pytest.mark.contract
def test_the_chain_from_the_hour_to_the_token_is_formulas(planner: Any, tmp_path: Path) -> None:
    write_workbook(planner, tmp_path / "w.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["Outputs"]
    written = {(row[0].value, row[1].value or ""): row[2] for row in sheet.iter_rows(min_row=2)}
    for what in ("cost of an hour, in all", "cost of a token of the mix", "cost of the site", "gross margin"):
        assert written[what, ""].data_type == "f", what
    assert written["cost of a token of the mix", "chip"].data_type == "f"
    assert written["share of paid hours that is busy", ""].data_type == "n"


@pytest.mark.contract
def test_a_report_is_named_page_or_workbook(tmp_path: Path) -> None:
    from costmodel.cli.report import report_command

    with pytest.raises(ScenarioError, match=r"\.html or \.xlsx"):
        report_command("token-planner", tmp_path / "r.pdf")
    report_command("token-planner", tmp_path / "r.html", ["utilisation=0.5"])
    assert "--set utilisation=0.5" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.closed_form
def test_sobol_indices_by_year_stack_to_what_they_explain() -> None:
    from costmodel.analysis.sobol import SobolIndices
    from costmodel.reporting.study_figures import sobol_by_year

    first = np.array([[0.5, 0.2], [0.25, 0.5]])
    spread = np.zeros((2, 2, 2))
    study = SobolIndices(
        names=("price", "adoption"), outputs=("spend@2029", "spend@2030"), first=first, total=first,
        first_interval=spread, total_interval=spread, first_sum=first.sum(axis=0),
        first_sum_interval=np.zeros((2, 2)), mean=np.ones(2), variance=np.ones(2), level=0.9, interval="asymptotic",
        base_points=8, dropped=0, runs=32,
    )  # fmt: skip
    axes = study.plot()
    heights = sorted(round(bar.get_height(), 12) for bar in axes.patches)
    assert heights == [0.2, 0.25, 0.25, 0.3, 0.5, 0.5]
    assert "adoption in 2030 (50%)" in axes.alt_text
    with pytest.raises(DomainError, match="two years"):
        sobol_by_year(study, output="revenue")


@pytest.mark.closed_form
def test_a_depreciation_wave_and_vintages_show_the_run(flywheel: Any) -> None:
    from costmodel.reporting.study_figures import LEAVING, depreciation_wave, vintages

    axes = depreciation_wave(flywheel.result)
    scale = 1e-12 if "T USD" in axes.get_title(loc="left") else 1e-9
    years, depreciation = flywheel.result.by_year("depreciation")
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), depreciation * scale, rtol=1e-12)
    axes = vintages(flywheel.result)
    below = sum(min(bar.get_height(), 0.0) for bar in axes.patches)
    left = sum(flywheel.result.by_year(name)[1].sum() for name in LEAVING)
    assert below == pytest.approx(-left * 1e-6, rel=1e-9)
    assert len(axes.patches) == len(years) * (1 + len(LEAVING))


@pytest.mark.closed_form
def test_a_decomposition_leads_from_nothing_to_the_change(flywheel: Any) -> None:
    from costmodel.flywheel.decomposition import user_spend_parts
    from costmodel.reporting.gallery import plot

    parts = user_spend_parts(flywheel.result)
    axes = plot(parts)
    years, spend = flywheel.result.by_year("user_spend")
    total = axes.patches[-1]
    assert total.get_width() == pytest.approx((spend[-1] - spend[0]) * 1e-9, rel=1e-6)
    assert str(years[-1]) in axes.alt_text


@pytest.mark.closed_form
def test_a_break_even_map_and_a_backtest_show_their_points() -> None:
    from costmodel.analysis.breakeven import break_even_frontier

    line = break_even_frontier(
        {"price": (1.0, 3.0), "share": (0.1, 1.0)}, "share", "price", "npv = 1", values=[0.5, 2.0],
        model=lambda price, share: {"npv": price * share},
    )  # fmt: skip
    axes = line.plot(units=("USD", "1"))
    assert axes.get_lines()[0].get_xydata().round(9).tolist() == [[2.0, 0.5]]
    assert axes.get_lines()[1].get_xdata().tolist() == [0.5], "where nothing in the range does is marked"
    assert axes.get_xlabel() == "price [USD]"


@pytest.mark.contract
def test_a_result_draws_itself_and_refuses_what_it_cannot(flywheel: Any, planner: Any) -> None:
    loop = flywheel.result.plot()
    texts = [text.get_text() for text in loop.texts]
    assert any("per 1 %" in text for text in texts) and any("unit cost" in text for text in texts)
    _, spend = flywheel.result.by_year("user_spend")
    assert any(f"× {spend[-1] / spend[0]:.4g}" in text for text in texts)
    assert "user spend" in flywheel.result.plot("user_spend").alt_text
    assert "agents" in flywheel.result.plot("user_spend_by_workload").alt_text
    given = style.pyplot().subplots()[1]
    assert planner.result.plot("blended_parts", given) is given
    with pytest.raises(DomainError, match="no figures by year"):
        planner.result.plot("blended_cost")
    with pytest.raises(DomainError, match="no figure of a int"):
        from costmodel.reporting.gallery import plot

        plot(3)


@pytest.mark.contract
def test_ids_of_figures_on_one_page_differ(planner: Any) -> None:
    ids = re.findall(r'\bid="([^"]+)"', render(planner))
    assert len(ids) == len(set(ids))


@pytest.mark.contract
def test_a_report_puts_first_what_is_asked_and_bridges_to_another_scenario() -> None:
    hour = costmodel.load_scenario("h100-hour")
    report = build_report(hour, outputs=["required_rent"], against=hour.replace({"wacc": 0.2}), name="h100-hour")
    assert report.headlines[0].name == "required_rent"
    assert report.studies["bridge"].changes == ("wacc",)
    assert "--output required_rent" in report.command
    with pytest.raises(DomainError, match="cannot be put first"):
        build_report(costmodel.load_scenario("token-planner"), outputs=["blended_parts"])
    plan = costmodel.load_scenario("from-2026")
    assert build_report(plan, outputs=["capex@2028"]).headlines[0].label.endswith("in 2028")
    for text in ("capex@²", "capex@soon", "capex@"):
        with pytest.raises(DomainError, match="write a year after @, as capex@2030"):
            build_report(plan, outputs=[text])
    with pytest.raises(DomainError, match="2050 is not covered"):
        build_report(plan, outputs=["capex@2050"])


@pytest.mark.contract
@pytest.mark.parametrize("width", [3.3, 6.9])
def test_nothing_of_a_figure_is_cut_at_the_width_of_a_column(planner: Any, width: float) -> None:
    swings = costmodel.sensitivity(costmodel.load_scenario("from-2026"), "user_spend@2030", method="tornado", rng=0)
    draws: tuple[Callable[[Any], Any], ...] = (
        lambda axes: figures.tornado(swings, axes),
        lambda axes: figures.parts(planner.result, "hour_parts", axes),
    )
    for draw in draws:
        with style.styled() as plt:
            figure, axes = plt.subplots(figsize=(width, 3.0))
        draw(axes)
        figure.draw_without_rendering()
        whole = figure.bbox
        shown = [*axes.get_yticklabels(), *axes.texts, axes.title, axes._left_title]
        for box in (text.get_window_extent() for text in shown if text.get_text()):
            assert whole.x0 <= box.x0 and box.x1 <= whole.x1 + 1.0, "a label is cut"
        names = [text.get_text() for text in axes.get_yticklabels()]
        assert len(set(names)) == len(names), "two bars of one name"
        style.close(axes)
    assert figures.words("user_spend@2030") in figures.tornado(swings).get_title(loc="left").replace("\n", " ")
    assert "USD" in figures.tornado(swings).get_title(loc="left"), "the unit is the model's"


@pytest.mark.regression
def test_the_figure_of_the_readme_shows_the_run_of_today() -> None:
    """``python docs/readme_figure.py`` draws it anew."""
    text = (ROOT / "docs" / "_static" / "flywheel.svg").read_text(encoding="utf-8")
    drawn = runpy.run_path(str(ROOT / "docs" / "readme_figure.py"))["axes"]()
    try:
        shown, today = html.unescape(re.search(r'aria-label="([^"]*)"', text).group(1)), drawn.alt_text
    finally:
        drawn.figure.clear()
    figure = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
    assert figure.sub("#", shown) == figure.sub("#", today)
    numbers = [[float(item.replace(",", "")) for item in figure.findall(each)] for each in (shown, today)]
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=0.03)
