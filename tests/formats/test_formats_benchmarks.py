"""Benchmark files of several tools, read as measured rows, and the command that calibrates on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from costmodel.cli.calibrate import calibrate_command
from costmodel.entry import load_scenario
from costmodel.formats.benchmarks import read_benchmark
from costmodel.foundation.errors import DomainError

APP = typer.Typer()
APP.command()(calibrate_command)

# 16 in the system, 160 requests of 1,000 in and 200 out in 40 s: 1,600 output and 4,800 tokens a second in all
VLLM = {
    "max_concurrency": 16, "completed": 160, "total_input_tokens": 160_000, "total_output_tokens": 32_000,
    "mean_tpot_ms": 20.0, "median_tpot_ms": 19.0, "mean_ttft_ms": 100.0, "total_token_throughput": 4800.0,
}  # fmt: skip
SGLANG = {**{key: value for key, value in VLLM.items() if key != "total_token_throughput"}, "total_throughput": 4800.0}
AIPERF = {
    "request_throughput": {"unit": "requests/sec", "avg": 4.0},
    "time_to_first_token": {"unit": "ms", "avg": 100.0, "p50": 90.0},
    "inter_token_latency": {"unit": "ms", "avg": 20.0},
    "input_sequence_length": {"unit": "tokens", "avg": 1000.0},
    "output_sequence_length": {"unit": "tokens", "avg": 200.0},
    "input_config": {"loadgen": {"concurrency": 16}},
}
SAMPLE = {
    "silicon_data_source": "source_file=a.csv; silicon_concurrency=16", "system": "h100_sxm", "tp_size": "4",
    "isl": "1000", "osl": "200", "silicon_ttft_ms": "100", "silicon_tpot_ms": "20", "batch_size": "16",
}  # fmt: skip
INFERENCEX = {
    "hw": "H100-SXM", "tp": 4, "conc": 16, "isl": 1000, "osl": 200, "tput_per_gpu": 1200.0, "median_tpot": 0.02,
    "median_ttft": 0.1,
}  # fmt: skip
PLAIN = {
    "accelerator": "H100-SXM", "accelerators": 4, "concurrency": 16, "input_tokens": 1000, "output_tokens": 200,
    "tokens_per_second": 1200, "user_speed": 50, "time_to_first_token": 0.1,
}  # fmt: skip


def written(folder: Path, *rows: dict[str, Any], name: str = "run.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.mark.closed_form
@pytest.mark.parametrize("row", [VLLM, SGLANG, AIPERF, INFERENCEX, PLAIN], ids=["vllm", "sglang", "aiperf", "x", "own"])
def test_every_tool_says_the_same(tmp_path: Path, row: dict[str, Any]) -> None:
    table = read_benchmark(written(tmp_path, row, row), accelerators=4)
    assert len(table) == 2
    assert table.accelerators[0] == 4
    assert (table.concurrency[0], table.input_tokens[0], table.output_tokens[0]) == (16, 1000, 200)
    assert table.tokens_per_second[0] == pytest.approx(4800 / 4)
    assert table.user_speed[0] == pytest.approx(50.0)
    assert table.time_to_first_token[0] == pytest.approx(0.1)


@pytest.mark.closed_form
def test_a_row_of_the_sample_has_its_rate_by_littles_law(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text(",".join(SAMPLE) + "\n" + ",".join(SAMPLE.values()) + "\n", encoding="utf-8")
    table = read_benchmark(path)
    # 16 requests, each 0.1 s and 199 tokens of 20 ms
    assert table.tokens_per_second[0] == pytest.approx(16 * 1200 / (0.1 + 199 * 0.02) / 4)
    assert table.accelerator == ("h100_sxm",)


@pytest.mark.contract
def test_lists_and_objects_of_json_are_read_and_the_file_may_name_the_accelerators(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps([{**VLLM, "tensor_parallel_size": 8}]), encoding="utf-8")
    assert read_benchmark(path).accelerators.tolist() == [8]
    path.write_text(json.dumps(AIPERF), encoding="utf-8")
    assert len(read_benchmark(path, accelerators=2, accelerator="B200")) == 1


@pytest.mark.contract
def test_a_file_for_each_load_is_one_benchmark(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, {**VLLM, "max_concurrency": 8}, name="8.json"),
        written(tmp_path, AIPERF, name="16.json"),
        written(tmp_path, {**PLAIN, "concurrency": 32}, {**PLAIN, "concurrency": 64}, name="more.jsonl"),
    ]
    assert read_benchmark(*paths, accelerators=4).concurrency.tolist() == [8, 16, 32, 64]
    run = CliRunner().invoke(APP, ["token-on-h100", *map(str, paths), "--accelerators", "4", "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.output)["rows"] == 4


@pytest.mark.contract
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": 1}, "not a known benchmark format: a row needs one of"),
        ({**VLLM, "completed": 0}, "completed = 0: a finite number of at least 1e-12 is needed"),
        ({**VLLM, "max_concurrency": None}, "max_concurrency = None: a finite number of at least 1e-12"),
        (VLLM, "give accelerators"),
        ({**AIPERF, "request_throughput": {}}, "request_throughput = None"),
        ({**VLLM, "completed": 10**400}, "completed = 1000.*…: a finite number of at least 1e-12"),
        ({**VLLM, "completed": "1_000"}, "completed = '1_000'"),
        ({**AIPERF, "input_config": "none"}, "concurrency = None"),
        ({**AIPERF, "accelerators": [8]}, r"accelerators = \[8\]"),
        ({**SAMPLE, "silicon_tpot_ms": 5e-324}, "silicon_tpot_ms = 5e-324: a finite number of at least 1e-12"),
        ({**SAMPLE, "osl": 0.5}, "osl = 0.5: at least one output token"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        read_benchmark(written(tmp_path, row))


@pytest.mark.contract
def test_text_that_is_neither_table_nor_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("Mean TTFT (ms): 7279.56", encoding="utf-8")
    with pytest.raises(DomainError, match="line 1: neither CSV"):
        read_benchmark(path)


@pytest.mark.contract
def test_command_writes_a_deployment_that_runs_with_its_engine(tmp_path: Path) -> None:
    rows = [{**VLLM, "max_concurrency": 16 * n, "mean_tpot_ms": 20.0 + 2 * n} for n in (1, 2, 3, 4)]
    path, out = written(tmp_path, *rows), tmp_path / "mine.toml"
    run = CliRunner().invoke(
        APP, ["token-on-h100", str(path), "--engine", "vllm", "--accelerators", "4", "--out", str(out), "--json"]
    )
    assert run.exit_code == 0, run.output
    printed = json.loads(run.output)
    assert printed["rows"] == 4 and {row["factor"] for row in printed["factors"]} >= {"decode_factor", "host_time"}
    engine = load_scenario(str(out)).engine
    assert engine.name == "vllm"
    assert engine.decode_factor == pytest.approx(printed["engine"]["decode_factor"])
    shown = CliRunner().invoke(APP, ["token-on-h100", str(path), "--accelerators", "4"])
    assert "every fourth row, predicted" in shown.output
    for arguments, message in (
        (["h100-hour", str(path)], "calibrate needs a deployment"),
        (["token-on-h100", str(path), "--engine", "vlm"], "no profile of the engine"),
    ):
        failed = CliRunner().invoke(APP, arguments)
        assert failed.exit_code != 0 and message in str(failed.exception)
