"""Files of InferenceX, MLPerf and LiteLLM: reading by version, and refusals by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from costmodel.formats import inferencex, litellm, mlperf
from costmodel.formats.usage import read as read_usage
from costmodel.foundation.errors import DomainError, ScenarioError


def written(folder: Path, form: Any, name: str = "file.json") -> Path:
    path = folder / name
    path.write_text(form if isinstance(form, str) else json.dumps(form), encoding="utf-8")
    return path


RUN = {"hw": "h200", "tp": 8, "conc": 32, "isl": 1024, "osl": 8192, "tput_per_gpu": 700.0, "median_intvty": 40.0,
       "median_ttft": 0.3}  # fmt: skip
CONFIGS = [
    {"id": 1, "hardware": "h200", "disagg": False, "num_prefill_gpu": 8, "num_decode_gpu": 8},
    {"id": 2, "hardware": "gb200", "disagg": True, "num_prefill_gpu": 8, "num_decode_gpu": 32},
]
FIGURES = {"tput_per_gpu": 700.0, "median_tpot": 0.025, "median_ttft": 0.3}


def result(config: int, **more: Any) -> dict[str, Any]:
    return {"config_id": config, "benchmark_type": "single_turn", "isl": 1024, "osl": 8192, "conc": 32, "error": None,
            "metrics": FIGURES, **more}  # fmt: skip


@pytest.mark.closed_form
def test_a_run_and_the_dump_of_inferencex_say_the_same(tmp_path: Path) -> None:
    run = inferencex.read(written(tmp_path, [RUN]))
    rows = [result(1), result(2), result(1, error="out of memory", metrics={})]
    configs = written(tmp_path, CONFIGS, "configs.json")
    dump = inferencex.read(written(tmp_path, rows, "benchmark_results.json"), configs)
    assert dump.accelerator == ("h200", "gb200")
    assert dump.accelerators.tolist() == [8, 40]  # one pool of eight; pools of 8 and 32
    for name in ("concurrency", "input_tokens", "output_tokens", "tokens_per_second", "user_speed"):
        assert float(getattr(run, name)[0]) == pytest.approx(float(getattr(dump, name)[0]))


@pytest.mark.contract
@pytest.mark.parametrize(
    ("form", "configs", "said"),
    [
        ([{**RUN, "isl": 1}, {name: RUN[name] for name in RUN if name != "osl"}], None, "row 2: of a first release"),
        ([result(1)], None, "give configs"),
        ([RUN], CONFIGS, "leave configs out"),
        ([result(9)], CONFIGS, "no config 9"),
        ([result(1)], [{**CONFIGS[0], "id": [1]}], "no config 1"),
        ([result(1)], [{**CONFIGS[0], "num_prefill_gpu": "eight"}], "row 1: accelerators"),
        ([result(1, benchmark_type="agentic")], CONFIGS, "kind 'agentic' has no two lengths"),
        ([{"a": 1}], None, "tput_per_gpu is missing"),
        (3, None, "a list of objects"),
    ],
)
def test_what_is_no_result_of_inferencex_is_refused_by_name(tmp_path: Path, form: Any, configs: Any, said: str) -> None:
    beside = None if configs is None else written(tmp_path, configs, "configs.json")
    with pytest.raises(DomainError, match=said):
        inferencex.read(written(tmp_path, form), beside)


SUMMARY = {
    "ID": "5.1-0009", "Submitter": "Lab", "Availability": "available", "Category": "closed", "System": "rack",
    "Model": "llama2-70b-99", "Scenario": "Server", "Nodes": 2, "Accelerator": "Chip X", "a#": 4, "version": "v5.1",
    "weight_data_types": "fp8", "Performance_Result": 8000.0, "Performance_Units": "Tokens/s",
}  # fmt: skip


@pytest.mark.closed_form
def test_a_summary_of_mlperf_gives_rates_by_accelerator(tmp_path: Path) -> None:
    rows = [
        SUMMARY,
        {**SUMMARY, "Performance_Units": "Samples/s"},
        {**SUMMARY, "a#": None, "Accelerator": ""},
        {**SUMMARY, "Performance_Units": "Joules/Stream"},
    ]
    tokens, samples = mlperf.read(written(tmp_path, rows))
    assert (tokens.accelerators, tokens.tokens_per_accelerator) == (8.0, 1000.0)
    assert (tokens.version, tokens.submitter, tokens.scenario, tokens.weights) == ("v5.1", "Lab", "Server", "fp8")
    assert samples.tokens_per_accelerator is None


@pytest.mark.contract
@pytest.mark.parametrize(
    ("form", "name", "said"),
    [
        (":::MLLOG {}", "result_0.txt", "a log of MLPerf Training"),
        ([{"Submitter": "Lab", "Result": 1.0}], "a.json", "without units"),
        (
            [{**{k: v for k, v in SUMMARY.items() if "Perf" not in k}, "Power_Result": 1.0}],
            "a.json",
            "summary of power",
        ),
        ([{"a": 1}], "a.json", "not a summary of MLPerf Inference: version, Submitter, Category is missing"),
        ([{**SUMMARY, "a#": "eight"}], "a.json", "row 1: a# is not a number"),
        ("{", "a.json", "neither CSV"),
    ],
)
def test_what_is_no_result_of_mlperf_is_refused_by_name(tmp_path: Path, form: Any, name: str, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        mlperf.read(written(tmp_path, form, name))


@pytest.mark.contract
def test_what_is_no_price_map_of_litellm_is_refused_by_name(tmp_path: Path) -> None:
    entry = {"input_cost_per_token": 1e-6, "litellm_provider": "openai"}
    assert litellm.read_prices(written(tmp_path, {"sample_spec": {}, "m": entry}))["m"] == entry
    for form, said in (
        ({"data": [{"id": "m"}]}, "a list of models under 'data'"),
        ([1], "not a JSON object"),
        ({"m": {"max_tokens": 1}}, "no entry has input_cost_per_token"),
    ):
        with pytest.raises(ScenarioError, match=said):
            litellm.read_prices(written(tmp_path, form))


@pytest.mark.contract
def test_a_daily_summary_of_litellm_is_refused_by_name(tmp_path: Path) -> None:
    text = "date,model,custom_llm_provider,prompt_tokens,completion_tokens,api_requests\n2026-01-01,m,openai,600,50,3\n"
    with pytest.raises(ScenarioError, match="a daily summary of LiteLLM"):
        list(read_usage(written(tmp_path, text, "daily.csv")))
