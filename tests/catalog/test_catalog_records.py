"""Records: periods, preference among sources, knowledge at a date, search, frames."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel.catalog as catalog
from costmodel.catalog import Catalog, Datum, Record
from costmodel.catalog.named_records import Company
from costmodel.catalog.periods import decimal_year, span
from costmodel.catalog.written import source_table, written
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.provenance import Grade, Source

WHOLE = Catalog()


def _datum(value: float, *, line: int = 1, **more: object) -> Datum:
    entries: dict[str, object] = {
        "kind": "things",
        "record": "a",
        "field": "price",
        "value": value,
        "unit": "USD",
        "source": Source("s"),
        "source_key": "s",
        "grade": Grade.SECONDARY,
        "file": "things.csv",
        "line": line,
    }
    return Datum(**(entries | more))  # type: ignore[arg-type]


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2024-02-03", date(2024, 2, 3), date(2024, 2, 3)),
        ("2024Q4", date(2024, 10, 1), date(2024, 12, 31)),
        ("2026H2", date(2026, 7, 1), date(2026, 12, 31)),
        ("2024-07-01/2025-06-30", date(2024, 7, 1), date(2025, 6, 30)),
        ("2025/2027", date(2025, 1, 1), date(2027, 12, 31)),
    ],
)
def test_periods(text: str, first: date, last: date) -> None:
    assert span(text) == (first, last)


@pytest.mark.closed_form
def test_the_middle_of_a_day_is_a_share_of_its_year() -> None:
    """The 183rd of 365 days is the middle one; the last of 366 ends with the year."""
    assert decimal_year("2025-07-02") == pytest.approx(2025.5, rel=1e-15)
    assert decimal_year("2024-12-31") == pytest.approx(2025.0 - 0.5 / 366.0, rel=1e-15)
    assert decimal_year("2024-01-01/2025-12-31") == 2025.0


@pytest.mark.contract
@pytest.mark.parametrize(
    "text", ["", "24", "2024-13", "2024-02-30", "2024Q5", "2025/2024", "2024/", "a/b/c", "0000", "2024-1", "９９９９"]
)
def test_what_is_not_a_period(text: str) -> None:
    with pytest.raises(CatalogError):
        span(text)


@pytest.mark.law
@given(st.text(max_size=24))
def test_any_text_is_a_period_or_a_catalog_error(text: str) -> None:
    try:
        first, last = span(text)
    except CatalogError:
        return
    assert first <= last


@pytest.mark.closed_form
def test_middle_of_a_period() -> None:
    assert decimal_year("2023") == pytest.approx(2023.5)
    assert decimal_year("2023-01-01") == pytest.approx(2023 + 0.5 / 365)


@pytest.mark.contract
def test_preference_is_grade_then_known_then_line() -> None:
    weak = _datum(1.0, grade=Grade.ESTIMATED, known="2026")
    old = _datum(2.0, grade=Grade.PUBLISHED, known="2024", line=2)
    new = _datum(3.0, grade=Grade.PUBLISHED, known="2025", line=3)
    undated = _datum(4.0, grade=Grade.PUBLISHED, line=4)
    later_line = _datum(5.0, grade=Grade.PUBLISHED, known="2025", line=5)
    record = Record("things", "a", (weak, old, new, undated, later_line))
    assert [datum.value for datum in record.all("price")] == [5.0, 3.0, 2.0, 4.0, 1.0]
    assert record.value("price") == 5.0
    assert [datum.value for datum in next(iter(record.conflicts().values()))] == [5.0, 3.0, 2.0, 4.0, 1.0]


@pytest.mark.contract
def test_the_latest_period_comes_first_and_a_period_can_be_asked_for() -> None:
    record = Record("things", "a", tuple(_datum(float(year), period=str(year)) for year in (2023, 2025, 2024)))
    assert record.value("price") == 2025.0
    assert record.value("price", 2023) == 2023.0
    assert [datum.value for datum in record.series("price")] == [2023.0, 2024.0, 2025.0]
    with pytest.raises(CatalogError, match="2020"):
        record.value("price", 2020)
    assert record.get("price", 2020) is None


@pytest.mark.contract
def test_a_blank_is_named_and_not_filled() -> None:
    chip = WHOLE.accelerator("H100-SXM")
    with pytest.raises(CatalogError, match="fp4"):
        chip.peak("fp4")
    assert chip.get("fp4") is None
    assert chip.label("fp4") is None
    with pytest.raises(CatalogError, match="is a number"):
        chip.text("bf16")
    with pytest.raises(CatalogError, match="holds no number"):
        chip.value("vendor")
    with pytest.raises(CatalogError, match="precision"):
        chip.peak("bf17")


@pytest.mark.contract
def test_the_middle_of_a_range_stands_for_it() -> None:
    plan = WHOLE.company("Meta").capex_plan(2025, as_of="2025-02")
    assert plan.value is None
    assert plan.number == pytest.approx((60e9 + 65e9) / 2)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        (lambda: catalog.accelerator("H100-SMX"), "H100-SXM"),
        (lambda: catalog.company("Alphabeth"), "Alphabet"),
        (lambda: catalog.training_run("Llama-3.1-405B"), "Llama3.1-405B"),
        (lambda: catalog.table("acelerators"), "accelerators"),
        (lambda: catalog.accelerator("H100-SXM").value("bandwith"), "bandwidth"),
        (lambda: catalog.source("genai-price"), "genai-prices"),
    ],
)
def test_near_matches_are_in_the_error(ask: object, hint: str) -> None:
    with pytest.raises(CatalogError, match=hint):
        ask()  # type: ignore[operator]


@pytest.mark.contract
def test_as_of_leaves_out_what_was_not_known() -> None:
    spring, autumn = WHOLE.as_of("2025-03"), WHOLE.as_of("2025-10")
    assert spring.company("Alphabet").capex_plan(2025).value == 75e9
    assert autumn.company("Alphabet").capex_plan(2025).number == 92e9
    assert WHOLE.company("Alphabet").capex_plan(2025, as_of="2025-08").value == 85e9
    assert WHOLE.company("Alphabet").capex_plan(2025).number == 92e9  # the last one for 2025, not that for 2026
    assert "2024Q4" in spring.company("Alphabet").quarterly("capex")
    assert "2025Q1" not in spring.company("Alphabet").quarterly("capex")
    with pytest.raises(CatalogError, match="as known by 2025-01-31"):
        WHOLE.as_of("2025-01").training_run("Grok-3")
    with pytest.raises(CatalogError, match="no capex plan"):
        WHOLE.company("Alphabet").capex_plan(2025, as_of="2024-12")


@pytest.mark.law
@given(st.dates(date(2016, 1, 1), date(2027, 1, 1)), st.dates(date(2016, 1, 1), date(2027, 1, 1)))
def test_more_is_known_later_and_nothing_undated_is_known(one: date, other: date) -> None:
    early, late = sorted((one, other))
    for name in ("training_runs", "companies"):
        before = {id(datum) for record in WHOLE.as_of(early).table(name).values() for datum in record}
        after = [datum for record in WHOLE.as_of(late).table(name).values() for datum in record]
        assert before <= {id(datum) for datum in after}
        assert all(datum.known is not None and span(datum.known)[1] <= late for datum in after)


@pytest.mark.contract
def test_conflicting_sources_stay_side_by_side() -> None:
    conflicts = WHOLE.conflicts("training_runs")
    hours = conflicts["Llama3.1-405B", "chip_hours", None]
    assert [datum.value for datum in hours] == [30_840_000, 35_094_530]
    assert [datum.grade for datum in hours] == [Grade.PUBLISHED, Grade.ESTIMATED]
    assert [datum.value for datum in conflicts["Falcon-180B", "chip_hours", None]] == [7e6, 17.7e6]
    assert WHOLE.training_run("Llama3.1-405B").chip_hours == 30_840_000
    power = [datum.number for datum in WHOLE.accelerator("TPU-v4").all("power")]
    assert sorted(power) == [170.0, 340.0]


@pytest.mark.contract
def test_search_finds_all_words_anywhere() -> None:
    found = WHOLE.search("cottier GPT-4 total")
    assert {(datum.record, datum.field) for datum in found} == {("GPT-4", "total_cost")}
    assert WHOLE.search("H100-SXM")[0].record == "H100-SXM"
    assert WHOLE.search("nothing-bears-this-word") == ()
    with pytest.raises(CatalogError):
        WHOLE.search("  ")


@pytest.mark.contract
def test_frames_hold_every_figure_of_a_table() -> None:
    pytest.importorskip("pandas")
    frame = WHOLE.to_frame("training_runs")
    assert len(frame) == sum(len(record.data) for record in WHOLE.table("training_runs").values())
    assert {"value", "unit", "period", "known", "grade", "source", "file", "line"} <= set(frame.columns)
    row = frame[(frame.record == "DeepSeek-V3") & (frame.field == "tokens")].iloc[0]
    assert (row.value, row.unit, row.grade) == (14.8e12, "token", "published")
    assert len(WHOLE.to_frame()) > 3000


@pytest.mark.contract
def test_token_price_on_a_day() -> None:
    davinci = WHOLE.token_price("gpt-3-davinci")
    assert davinci.at("2021-06").value == pytest.approx(60e-6)
    assert davinci.at("2023-01", "input").value == pytest.approx(20e-6)
    with pytest.raises(CatalogError, match="in effect"):
        davinci.at("2019")
    sol = WHOLE.token_price("gpt-5.6-sol")
    assert sol.at("2026-10").value == pytest.approx(20e-6)


@pytest.mark.contract
def test_packaged_token_prices_are_dated_and_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("genai_prices")
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the catalog opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    o3 = WHOLE.packaged_token_price("o3", "openai")
    assert o3.at("2025-07").value == pytest.approx(8e-6)
    assert o3.at("2025-07").period == "2025-06-10"
    assert o3.datum("output").grade is Grade.SECONDARY
    assert o3.source_keys == ("genai-prices",)
    with pytest.raises(CatalogError, match="o3"):
        WHOLE.packaged_token_price("o33", "openai")
    with pytest.raises(CatalogError, match="several providers"):
        WHOLE.packaged_token_price("gpt-4o")


@pytest.mark.published
def test_o3_costs_what_it_cost_before_and_after_its_price_fell() -> None:
    # genai-prices: o3 at 10 and 40 USD a million until 10 June 2025, then 2 and 8; 1,000 read and 700 written
    pytest.importorskip("genai_prices")
    o3 = WHOLE.packaged_token_price("o3", "openai")
    for day, input_price, output_price in (("2025-06-01", 10e-6, 40e-6), ("2025-06-13", 2e-6, 8e-6)):
        paid = 1000 * o3.at(day, "input").number + 700 * o3.at(day, "output").number
        assert paid == pytest.approx(1000 * input_price + 700 * output_price, rel=1e-12)
    assert WHOLE.packaged_token_price("gpt-4o", "openai").at("2026-01-01", "input").number == pytest.approx(2.5e-6)


@pytest.mark.published
def test_before_its_first_price_a_model_has_none_and_says_from_when() -> None:
    davinci = WHOLE.token_price("gpt-3-davinci")  # 0.06 USD a thousand from October 2020
    assert davinci.at("2020-10-01").number == pytest.approx(60e-6)
    with pytest.raises(CatalogError, match=r"no price in effect on 2020-09-30: the first is from 2020-10-01$"):
        davinci.at("2020-09-30")


@pytest.mark.published
def test_a_longer_prompt_and_a_cached_one_have_their_prices() -> None:
    # genai-prices: gemini-2.5-pro at 1.25 USD a million of prompt, 2.5 beyond 200,000 tokens
    pytest.importorskip("genai_prices")
    pro = WHOLE.packaged_token_price("gemini-2.5-pro", "google")
    assert pro.at("2026-01-01", "input").number == pytest.approx(1.25e-6)
    assert pro.at("2026-01-01", "input", prompt=200_000).number == pytest.approx(1.25e-6)
    assert pro.at("2026-01-01", "input", prompt=200_001).number == pytest.approx(2.5e-6)
    assert 0 < pro.at("2026-01-01", "cache_read").number < pro.at("2026-01-01", "input").number
    with pytest.raises(CatalogError, match="kinds with a price are"):
        pro.at("2026-01-01", "input_smell")


@pytest.mark.peer
def test_every_packaged_model_answers_for_a_day_as_the_package_does() -> None:
    genai = pytest.importorskip("genai_prices")
    from datetime import UTC, datetime

    from genai_prices.data import providers

    when, answered = datetime(2026, 6, 15, 12, tzinfo=UTC), 0
    for provider in providers:
        for entry in provider.models:
            listed = entry.prices if isinstance(entry.prices, list) else []
            if any(hasattr(row.constraint, "start_time") for row in listed) or entry.prices == []:
                continue  # prices of certain hours of a day
            theirs = entry.get_prices(when)
            if not vars(theirs):
                with pytest.raises(CatalogError, match="without any price"):
                    WHOLE.packaged_token_price(entry.id, provider.id)
                continue
            ours = WHOLE.packaged_token_price(entry.id, provider.id)
            for side in ("input", "output", "cache_read"):
                price = getattr(theirs, f"{side}_mtok")
                if price is None:
                    with pytest.raises(CatalogError, match=r"kinds with a price are|the first is from"):
                        ours.at("2026-06-15", side)
                    continue
                base = float(getattr(price, "base", price))
                assert ours.at("2026-06-15", side).number == pytest.approx(base / 1e6, rel=1e-12), entry.id
            answered += 1
    assert genai is not None and answered >= 2000


@pytest.mark.peer
def test_own_history_agrees_with_the_package_on_dated_changes() -> None:
    pytest.importorskip("genai_prices")
    compared = 0
    for name, record in WHOLE.table("token_prices").items():
        try:
            theirs = WHOLE.packaged_token_price(name, record.text("provider"))
        except CatalogError:
            continue
        for datum in theirs:
            if datum.period is not None and record.all(datum.field, datum.period):
                assert record.value(datum.field, datum.period) == pytest.approx(datum.number, rel=1e-12), datum
                compared += 1
    assert compared >= 10


@pytest.mark.contract
def test_tables_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        WHOLE.table("pue")["Google"] = WHOLE.record("pue", "Google")  # type: ignore[index]


@pytest.mark.contract
def test_import_reads_no_data_and_stays_light() -> None:
    code = (
        "import sys, importlib.resources as r\n"
        "import costmodel\n"
        "assert 'costmodel.catalog' not in sys.modules, 'import costmodel reads the catalog'\n"
        "import costmodel.catalog\n"
        "from costmodel.catalog import loader\n"
        "assert loader.table.cache_info().currsize == 0\n"
        "assert not {'pandas', 'pint', 'pydantic', 'genai_prices', 'scipy', 'typer'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.contract
def test_a_figure_can_be_written_into_a_scenario() -> None:
    price = WHOLE.electricity("Ohio").datum("price")
    evidence = {"source": "eia-epm-2025-04", "grade": "published", "note": "Ohio 2025-04"}
    assert written(price) == {"value": 0.079, **evidence}
    assert source_table([price])["eia-epm-2025-04"]["title"].startswith("US EIA")
    per_watt_hour = written(price, scale=1e-3, note="per Wh")
    assert per_watt_hour["value"] == 0.079 * 1e-3 and per_watt_hour["note"] == "Ohio 2025-04; per Wh"
    vendor = WHOLE.accelerator("H100-SXM").datum("vendor")
    with pytest.raises(CatalogError, match="holds no number"):
        written(vendor)
    unread = WHOLE.company("Alphabet").annual("capex")[2019]
    recalled = written(unread)
    assert "source" not in recalled
    assert recalled["grade"] == "unverified"
    # the grade of a derived value is the weakest of its figures and of the derivation
    assert written([price, unread], 1.0, note="both") == {"value": 1.0, "grade": "unverified", "note": "both"}
    assert written([price], 1.0, note="half", grade=Grade.ASSUMED)["grade"] == "assumed"
    spread = {"dist": "uniform", "low": 0.0, "high": 1.0}
    assert written([price], spread, note="range")["value"] == spread
    with pytest.raises(CatalogError, match="2 figures need a value"):
        written([price, unread])


@pytest.mark.contract
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("accelerator_price", "H100"),
        ("accelerator_hour", "H100"),
        ("installed_base", "H100+H200"),
        ("server", "DGX H100"),
        ("architecture", "Llama-3-8B"),
        ("cost_case", "GPT-4"),
        ("published_cost", "GPT-4"),
        ("cost_method", "H100"),
        ("training_layout", "Llama3.1-405B 16384"),
        ("scaling_fit", "besiroglu"),
        ("throughput", "Pope PaLM 540B decode low-latency"),
        ("facility", "Epoch 1 GW GB200"),
        ("pue", "Google"),
        ("price_index", "US CPI-U"),
        ("token_volume", "Google"),
        ("users", "ChatGPT"),
        ("elasticity", "Demirer 2025"),
        ("multiplier", "agent"),
        ("agent_network", "Moltbook"),
        ("trend", "training cost"),
        ("learning_rate", "photovoltaics"),
        ("reliability", "RSC-1"),
        ("lead_time", "transformer"),
        ("tax", "federal rate"),
        ("ceiling", "US AI"),
        ("claim", "Burry 2025"),
        ("default", "price elasticity"),
        ("serving_system", "DeepSeek V3/R1"),
        ("rental", "AWS p5.48xlarge"),
        ("sandbox", "Docker"),
        ("discovery_run", "TTT-Discover"),
        ("development", "Olmo 3"),
    ],
)
def test_typed_access_names_near_matches(kind: str, name: str) -> None:
    access = getattr(catalog, kind)
    assert access(name).name == name
    with pytest.raises(CatalogError, match="did you mean"):
        access(name[:-1])


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("period", "days", "length"),
    [
        ("2024-01-01/2024-03-24", 84, "quarter"),  # twelve weeks, as some fiscal quarters have
        ("2024-01-01/2024-04-07", 98, "quarter"),  # fourteen, in a fiscal year of 53 weeks
        ("2024-01-01/2024-02-29", 60, None),  # two months
        ("2024-01-01/2024-04-30", 121, None),  # four
        ("2024-01-01/2024-12-29", 364, "year"),  # 52 weeks
        ("2024-01-01/2025-01-05", 371, "year"),  # 53
        ("2024-01-01/2024-11-30", 335, None),  # eleven months, as a change of fiscal year leaves
        ("2024-01-01/2025-01-31", 397, None),  # thirteen
        ("2024-01-01/2024-03-19", 79, None),
        ("2024-01-01/2024-03-20", 80, "quarter"),
        ("2024-01-01/2024-04-09", 100, "quarter"),
        ("2024-01-01/2024-04-10", 101, None),
        ("2024-01-01/2024-12-14", 349, None),
        ("2024-01-01/2024-12-15", 350, "year"),
        ("2024-01-01/2025-01-14", 380, "year"),
        ("2024-01-01/2025-01-15", 381, None),
    ],
)
def test_fiscal_quarters_and_years_are_known_by_their_length(period: str, days: int, length: str | None) -> None:
    first, last = span(period)
    assert (last - first).days + 1 == days
    company = Company("companies", "a", (_datum(1.0, field="revenue", period=period, unit="USD"),))
    assert bool(company.quarterly("revenue")) is (length == "quarter")
    assert list(company.annual("revenue")) == ([last.year] if length == "year" else [])


@pytest.mark.closed_form
@pytest.mark.parametrize(
    ("datum", "shown"),
    [
        (_datum(1.5e-5, unit="USD/token"), "15 USD/Mtoken"),
        (_datum(989.4e12, unit="FLOP/s"), "989.4 TFLOP/s"),
        (_datum(52_535e6), "52.535 GUSD"),
        (_datum(30_000.0), "30000 USD"),
        (_datum(999_999.0), "999999 USD"),
        (_datum(1e6), "1 MUSD"),
        (_datum(999e6), "999 MUSD"),
        (_datum(1e9), "1 GUSD"),
        (_datum(-2e9), "-2 GUSD"),
        (_datum(999e6, unit="USD/year"), "999000000 USD/year"),
        (_datum(1e9, unit="USD/year"), "1 GUSD/year"),
        (_datum(999e6, unit="token"), "999000000 token"),
        (_datum(1e9, unit="token"), "1 Gtoken"),
        (_datum(999e9, unit="token"), "999 Gtoken"),
        (_datum(1e12, unit="token"), "1 Ttoken"),
        (_datum(9_999.0, unit="W"), "9999 W"),
        (_datum(1e4, unit="W"), "10 kW"),
        (_datum(999e3, unit="W"), "999 kW"),
        (_datum(1e6, unit="W"), "1 MW"),
        (_datum(1e9, unit="W"), "1 GW"),
        (_datum(999e3, unit="Wh"), "999000 Wh"),
        (_datum(1e6, unit="Wh"), "1 MWh"),
        (_datum(1e9, unit="Wh"), "1 GWh"),
        (_datum(5e8, unit="byte"), "0.5 Gbyte"),
        (_datum(5e8, unit="byte/s"), "0.5 Gbyte/s"),
        (_datum(5e11, unit="token/month"), "0.5 Ttoken/month"),
        (_datum(1.23456789012, unit="USD"), "1.23456789 USD"),
        (_datum(2.0, unit="1"), "2"),
        (_datum(700.0, unit="W"), "700 W"),
        (_datum(0.81, unit="1", low=0.5, high=1.0), "0.81 [0.5–1]"),
    ],
)
def test_figures_are_shown_in_the_units_that_people_use(datum: Datum, shown: str) -> None:
    assert datum.figure == shown
    assert shown in str(datum)


@pytest.mark.closed_form
def test_packaged_prices_are_those_of_one_unit() -> None:
    """The package's names say for how many units its prices are: a million tokens, a thousand pages, an hour."""
    from types import SimpleNamespace

    from costmodel.catalog.packaged_prices import _figures

    listed = {"input_mtok": 3.0, "requests_kcount": 5.0, "input_mchars": 8.0, "ocr_kpages": 2.0, "audio_hours": 0.5}
    assert dict(_figures(SimpleNamespace(**listed, other=1.0, output_mtok=None))) == {
        "input": (3e-6, "USD/token"),
        "requests": (0.005, "USD"),
        "input_characters": (8e-6, "USD"),
        "ocr_pages": (0.002, "USD"),
        "audio_hours": (0.5, "USD/hour"),
    }


@pytest.mark.contract
def test_packaged_models_are_those_of_the_provider() -> None:
    pytest.importorskip("genai_prices")
    from costmodel.catalog.packaged_prices import packaged_models

    openai, everyone = set(packaged_models("openai")), set(packaged_models())
    assert "gpt-4o" in openai
    assert openai < everyone
