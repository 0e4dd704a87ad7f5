"""Measured rows as inputs of serving."""

import csv
import io

import numpy as np
import pytest

from costmodel.foundation.errors import DomainError
from costmodel.serving import aiconfigurator_row, inferencex_row, read_measured
from costmodel.serving.measured import throughput_on_front

HEADER = "accelerator,accelerators,concurrency,input_tokens,output_tokens,tokens_per_second,user_speed"
TABLE = (
    HEADER
    + """,time_to_first_token
H100-SXM,2,64,8192,1024,2568,20,1.5
H100-SXM,4,16,8192,1024,1000,50,
H100-SXM,8,4,8192,1024,900,40,0.2
B200,1,64,8192,1024,12981,20,0.5
"""
)


@pytest.mark.contract
def test_a_table_is_read_from_text_file_and_rows(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(TABLE)))
    for source in (TABLE, path, str(path), rows):
        table = read_measured(source)
        assert len(table) == 4
        assert table.tokens_per_second.tolist() == [2568.0, 1000.0, 900.0, 12981.0]
        assert np.isnan(table.time_to_first_token[1])
        assert not table.user_speed.flags.writeable


@pytest.mark.closed_form
def test_the_front_replaces_the_model():
    table = read_measured(TABLE).of("H100-SXM")
    # 900 at 40 token/s is beaten by 1,000 at 50
    assert table.front().user_speed.tolist() == [20.0, 50.0]
    assert table.throughput_at(20.0) == pytest.approx(2568)
    # log-linear: half of the way in log speed is the geometric mean of the rates
    assert table.throughput_at(np.sqrt(20 * 50)) == pytest.approx(np.sqrt(2568 * 1000))
    assert table.throughput_at(5.0) == pytest.approx(2568)
    assert np.isnan(table.throughput_at(51.0))
    # the fastest point itself counts, also where it is slower than a token a second
    assert throughput_on_front(np.array([0.01, 0.05]), np.array([4.0, 1.0]), 0.05) == pytest.approx(1.0)
    assert np.isnan(throughput_on_front(np.array([0.01, 0.05]), np.array([4.0, 1.0]), 0.0500001))
    assert table.cost_at(50.0, 2.0, 0.5) == pytest.approx(2.0 / (3600 * 1000 * 0.5))


@pytest.mark.contract
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2568", "", r"row 1: column 'tokens_per_second' is missing or empty"),
        ("2568", "fast", r"row 1: tokens_per_second = 'fast': a finite number above 0"),
        (",40,", ",-40,", r"row 3: user_speed = '-40': a finite number above 0"),
        (",40,", ",inf,", r"row 3: user_speed"),
        ("concurrency", "conc", r"column 'concurrency' is missing"),
    ],
)
def test_a_broken_table_names_row_and_column(old, new, message):
    with pytest.raises(DomainError, match=message):
        read_measured(TABLE.replace(old, new, 1))


@pytest.mark.contract
def test_an_empty_table_and_an_unknown_accelerator():
    with pytest.raises(DomainError, match="at least one row"):
        read_measured([])
    with pytest.raises(DomainError, match="did you mean 'H100-SXM'"):
        read_measured(TABLE).of("H100")


@pytest.mark.contract
def test_inferencex_columns():
    row = {"hw": "h100", "tp": 2, "conc": 64, "isl": 8192, "osl": 1024, "tput_per_gpu": 2568.0}
    table = read_measured([{**row, "median_tpot": 0.05, "median_ttft": 1.2}], layout=inferencex_row)
    assert table.user_speed[0] == pytest.approx(1 / 0.05)
    table = read_measured([{**row, "median_intvty": 18.0}], layout=inferencex_row)
    assert (table.user_speed[0], table.accelerators[0]) == (18.0, 2.0)


@pytest.mark.contract
def test_aiconfigurator_columns():
    text = (
        "model,isl,osl,concurrency,request_rate,bs,ttft,tpot,tokens/s,tokens/s/gpu,tokens/s/user,tp,pp,dp,system\n"
        "m,4000,500,64,5.0,64,750.0,20.0,4000.0,1000.0,48.0,4,1,1,h200_sxm\n"
    )
    table = read_measured(text, layout=aiconfigurator_row)
    # 1,000 output tokens a second per accelerator, and 8 input tokens with each
    assert table.tokens_per_second[0] == pytest.approx(9000)
    assert table.accelerators[0] == 4.0
    assert table.time_to_first_token[0] == pytest.approx(0.75)


@pytest.mark.closed_form
def test_rows_of_other_tools_are_laid_out_column_by_column():
    other = {"system": "h200", "tp": 4, "pp": 2, "dp": 3, "concurrency": 64, "isl": 4000, "osl": 500}
    other |= {"tokens/s/gpu": 1000.0, "tokens/s/user": 48.0, "ttft": 750.0}
    expected = {
        "accelerator": "h200", "accelerators": 24.0, "concurrency": 64, "input_tokens": 4000.0, "output_tokens": 500.0,
        "tokens_per_second": 9000.0, "user_speed": 48.0, "time_to_first_token": 0.75,
    }  # fmt: skip
    assert aiconfigurator_row(other) == expected
    alone = {key: value for key, value in other.items() if key not in ("tp", "pp", "dp", "ttft", "system")}
    assert aiconfigurator_row({**alone, "(d)system": "b"}) == {
        **expected, "accelerator": "b", "accelerators": 1.0, "time_to_first_token": None,
    }  # fmt: skip
    assert aiconfigurator_row({**other, "num_total_gpus": 5, "ttft": ""})["accelerators"] == 5
    row = {"hw": "h100", "tp": 8, "conc": 4, "isl": 1024, "osl": 128, "tput_per_gpu": 100.0, "median_tpot": 0.02}
    found = inferencex_row({**row, "median_ttft": 0.3})
    assert found == {
        "accelerator": "h100", "accelerators": 8, "concurrency": 4, "input_tokens": 1024, "output_tokens": 128,
        "tokens_per_second": 100.0, "user_speed": 50.0, "time_to_first_token": 0.3,
    }  # fmt: skip
    assert inferencex_row({**row, "num_gpus": 16, "median_intvty": 40.0})["user_speed"] == 40.0
    assert inferencex_row({**row, "num_gpus": 16})["accelerators"] == 16
    assert inferencex_row({**row, "median_tpot": ""})["user_speed"] is None
