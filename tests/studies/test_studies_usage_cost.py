"""Usage logs priced at the rates in force: against the price package's own calculation, and by hand."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from costmodel.foundation.errors import CatalogError, ScenarioError
from costmodel.studies.price_books import LiteLLMPrices, TablePrices
from costmodel.studies.usage_cost import focus_rows, price_usage

HEAD = (
    "time,provider,model,input_tokens,cache_read_input_tokens,cache_creation_input_tokens,output_tokens,"
    "reasoning_tokens"
)


def log(folder: Path, *rows: str, head: str = HEAD, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.published
def test_o3_costs_a_fifth_from_the_day_of_its_price_cut(tmp_path: Path) -> None:
    """1,000 in and 700 out: 0.038 USD on 1 June 2025, 0.0076 on 13 June (OpenAI's list prices, cut on 10 June)."""
    pytest.importorskip("genai_prices")
    for day, expected in (("2025-06-01", 0.038), ("2025-06-13", 0.0076)):
        cost = price_usage(log(tmp_path, f"{day}T12:00:00Z,openai,o3,1000,0,0,700,0"), counting="inclusive")
        assert cost.total == pytest.approx(expected, rel=1e-12)


@pytest.mark.peer
def test_a_thousand_calls_cost_what_the_package_calculates_one_by_one(tmp_path: Path) -> None:
    genai = pytest.importorskip("genai_prices")
    from genai_prices.data import providers

    chance = random.Random(7)
    models = [
        (p.id, m.id) for p in providers if p.id in {"openai", "anthropic", "google", "deepseek"} for m in p.models
    ]
    rows, total, without = [], 0.0, 0
    for _ in range(1000):
        provider, model = chance.choice(models)
        when = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(80_000_000))
        prompt, output = int(10 ** chance.uniform(0, 6)), int(10 ** chance.uniform(0, 4))
        read, write, reasoning = (
            chance.choice([0, prompt // 2]),
            chance.choice([0, prompt // 4]),
            chance.choice([0, output // 2]),
        )
        rows.append(f"{when:%Y-%m-%dT%H:%M:%SZ},{provider},{model},{prompt},{read},{write},{output},{reasoning}")
        usage = genai.Usage(
            input_tokens=prompt,
            cache_read_tokens=read,
            cache_write_tokens=write,
            output_tokens=output,
            output_reasoning_tokens=reasoning,
        )
        try:
            priced = genai.calc_price(usage, model, provider_id=provider, genai_request_timestamp=when)
        except LookupError:
            without += 1
            continue
        total += float(priced.total_price)
    cost = price_usage(log(tmp_path, *rows), counting="inclusive")
    assert cost.total == pytest.approx(total, rel=1e-12)
    assert sum(entry.calls for entry in cost.unpriced) == without
    assert cost.calls == 1000


@pytest.mark.closed_form
def test_both_conventions_of_counting_cached_tokens(tmp_path: Path) -> None:
    """Prices of 3, 0.3 and 15 USD per million: 100 in, 500 read, 50 out; the same call with cached tokens in input."""
    table = log(tmp_path, "m,3,0.3,15", head="model,input,cache_read,output", name="prices.csv")
    by_hand = (100 * 3 + 500 * 0.3 + 50 * 15) / 1e6
    beside = log(tmp_path, "2026-01-01T00:00:00Z,,m,100,500,0,50,0")
    assert price_usage(beside, prices=TablePrices(table), counting="beside").total == pytest.approx(by_hand)
    inclusive = log(tmp_path, "2026-01-01T00:00:00Z,,m,600,500,0,50,0")
    assert price_usage(inclusive, prices=TablePrices(table), counting="inclusive").total == pytest.approx(by_hand)


@pytest.mark.contract
def test_a_plain_table_with_cached_tokens_needs_the_convention(tmp_path: Path) -> None:
    prices = TablePrices(log(tmp_path, "m,1,1", head="model,input,output", name="prices.csv"))
    with pytest.raises(ScenarioError, match="are cached tokens counted in the input"):
        price_usage(log(tmp_path, "2026-01-01T00:00:00Z,,m,600,500,0,50,0"), prices=prices)


@pytest.mark.contract
def test_rows_that_make_no_sense_are_counted_and_left_out(tmp_path: Path) -> None:
    table = log(tmp_path, "m,1,1", head="model,input,output", name="prices.csv")
    rows = [
        "2026-01-01T00:00:00Z,,m,1000000,0,0,0,0",
        "2026-01-01T00:00:00Z,,m,100,500,0,50,0",
        "never,,m,1,0,0,0,0",
        "2026-01-01T00:00:00Z,,m,-5,0,0,0,0",
        "2026-01-01T00:00:00Z,,,5,0,0,0,0",
        "2026-01-01T00:00:00Z,,m,5,0,0,1,2",
    ]
    cost = price_usage(log(tmp_path, *rows), prices=TablePrices(table), counting="inclusive")
    assert cost.total == pytest.approx(1.0)
    assert dict(cost.unread.kept) == {
        2: "more cached tokens than input",
        3: "no time that can be read",
        4: "input tokens are no count",
        5: "no model",
        6: "more reasoning than output",
    }


@pytest.mark.closed_form
def test_a_price_not_known_that_day_is_named_and_in_no_total(tmp_path: Path) -> None:
    table = log(tmp_path, "m,2026-02-01,1,1", head="model,from,input,output", name="prices.csv")
    rows = ["2026-01-31T23:59:59Z,,m,1000000,0,0,0,0", "2026-02-01T00:00:00Z,,m,1000000,0,0,0,0"]
    cost = price_usage(log(tmp_path, *rows), prices=TablePrices(table), counting="inclusive")
    assert cost.total == pytest.approx(1.0)
    assert cost.unpriced[0].calls == 1
    assert cost.unpriced[0].examples == (1,)
    assert "no price of 'm' is known for 20" in cost.unpriced[0].reason


LITELLM = {
    "sample_spec": {"input_cost_per_token": "see docs"},
    "gemini/pro": {
        "litellm_provider": "gemini",
        "input_cost_per_token": 1e-6,
        "input_cost_per_token_above_200k_tokens": 2e-6,
        "output_cost_per_token": 1e-5,
        "output_cost_per_token_above_200k_tokens": 1.5e-5,
        "cache_read_input_token_cost": 1e-7,
        "input_cost_per_token_batches": 5e-7,
        "output_cost_per_token_batches": 5e-6,
    },
}


@pytest.mark.closed_form
def test_litellms_map_has_tiers_by_length_and_a_price_for_batches(tmp_path: Path) -> None:
    path = tmp_path / "model_prices_and_context_window.json"
    path.write_text(json.dumps(LITELLM), encoding="utf-8")
    head = "time,provider,model,processing,input_tokens,cached_input_tokens,output_tokens"
    rows = [
        "2026-01-01T00:00:00Z,gemini,pro,,200000,100000,1000",
        "2026-01-01T00:00:00Z,gemini,pro,,200001,0,1000",
        "2026-01-01T00:00:00Z,gemini,pro,batch,1000,0,1000",
    ]
    cost = price_usage(log(tmp_path, *rows, head=head), prices=LiteLLMPrices(path), counting="inclusive")
    short = 100_000 * 1e-6 + 100_000 * 1e-7 + 1000 * 1e-5
    long = 200_001 * 2e-6 + 1000 * 1.5e-5
    assert cost.total == pytest.approx(short + long + 1000 * 5e-7 + 1000 * 5e-6)
    with pytest.raises(CatalogError, match="no price of 'gemini/pro' for 'flex'"):
        LiteLLMPrices(path).find("gemini", "pro", service_tier="flex")


@pytest.mark.contract
@pytest.mark.parametrize(
    "span",
    [
        {
            "startTimeUnixNano": "1767225600000000000",
            "attributes": [
                {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
                {"key": "gen_ai.request.model", "value": {"stringValue": "m"}},
                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "600"}},
                {"key": "gen_ai.usage.cache_read.input_tokens", "value": {"intValue": "500"}},
                {"key": "gen_ai.usage.output_tokens", "value": {"intValue": 50}},
            ],
        },
        {
            "start_time": "2026-01-01T01:00:00+01:00",
            "attributes": {
                "gen_ai.system": "openai",
                "gen_ai.request.model": "m",
                "gen_ai.usage.prompt_tokens": 600,
                "gen_ai.usage.cache_read_input_tokens": 500,
                "gen_ai.usage.completion_tokens": 50,
            },
        },
        {
            "startTime": "2026-01-01T00:00:00Z",
            "model": "m",
            "usageDetails": {"input": 100, "cache_read_input_tokens": 500, "output": 50},
        },
        {
            "startTime": "2026-01-01T00:00:00Z",
            "custom_llm_provider": "openai",
            "model": "m",
            "prompt_tokens": 600,
            "completion_tokens": 50,
            "metadata": {"usage_object": {"prompt_tokens_details": {"cached_tokens": 500}}},
        },
    ],
    ids=["otlp", "opentelemetry object", "langfuse", "litellm"],
)
def test_each_format_of_a_log_gives_the_same_cost(tmp_path: Path, span: dict) -> None:
    table = log(tmp_path, "m,3,0.3,15", head="model,input,cache_read,output", name="prices.csv")
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(span) + "\n", encoding="utf-8")
    cost = price_usage(path, prices=TablePrices(table))
    assert cost.total == pytest.approx((100 * 3 + 500 * 0.3 + 50 * 15) / 1e6)
    assert cost.lines[0].month == "2026-01"


@pytest.mark.contract
def test_an_old_langfuse_export_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        json.dumps({"startTime": "2026-01-01", "model": "m", "usage": {"input": 1}}) + "\n", encoding="utf-8"
    )
    prices = TablePrices(log(tmp_path, "m,1,1", head="model,input,output", name="prices.csv"))
    with pytest.raises(ScenarioError, match="before 3"):
        price_usage(path, prices=prices)


@pytest.mark.closed_form
def test_a_priced_log_becomes_a_bill_of_the_same_total(tmp_path: Path) -> None:
    from costmodel.formats.focus import write
    from costmodel.studies.bill import read_bill

    table = log(tmp_path, "m,3,0.3,15", head="model,input,cache_read,output", name="prices.csv")
    cost = price_usage(
        log(tmp_path, "2026-12-01T00:00:00Z,a,m,600,500,0,50,20"), prices=TablePrices(table), counting="inclusive"
    )
    path = tmp_path / "bill.csv"
    path.write_text(write(focus_rows(cost, "acct")), encoding="utf-8")
    bill = read_bill(path)
    assert bill.total("billed")["USD"] == pytest.approx(cost.total)
    prices = {line.side: round(line.unit_price() * 1e6, 9) for line in bill.select("tokens")}
    assert prices == {"input": 3.0, "cached input": 0.3, "output": 15.0}
