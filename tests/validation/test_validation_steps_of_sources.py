"""Measured steps in the formats of their sources are read as in the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.catalog import table
from costmodel.formats.training_steps import read_training_steps
from costmodel.foundation.errors import CatalogError
from costmodel.validation.exams import marks
from costmodel.validation.exams_training import mark_file, steps_of_file

pytestmark = pytest.mark.contract

HEADER = (
    "# GPUs,global batch,micro batch,hidden size,attention heads,# layers,sequence length,"
    "tensor parallelism,data parallelism,pipeline parallelism,iteration time (ms)"
)
VTRAIN = f"""# a comment
{HEADER}
4,16,4,2048,16,24,1024,1,2,2,410.490577
64,512,8,3072,32,30,2048,1,64,1,3566.5
"""
BRIDGE = """release,model,system,gpus,precision,gbs,mbs,sequence,fsdp,tp,pp,cp,vp,ep,tokens_s_gpu,other
26.04 NeMo Container,GPT OSS 120B,DGX-GB200,64,BF16,1280,4,4096,0,1,1,1,n/a,64,15938,Model TFLOP / sec / GPU=433
26.06 NeMo Container,Qwen3_235B_a22B,DGX-GB200,256,MXFP8,8192,1,4096,,1,8,1,3,32,7376,Model TFLOP / sec / GPU=1092
26.06 NeMo Container,Another_9B,DGX-H100,8,FP8,32,1,4096,,1,1,1,n/a,n/a,2643,Model TFLOP / sec / GPU=735
"""
MLPERF = """chip,chips,global_batch_sequences,step_s
GB300,512,1152,13.14
"""


@pytest.mark.parametrize(
    ("text", "records"),
    [
        (VTRAIN, ("vtrain-single-001", "vtrain-multi-001")),
        (BRIDGE, ("megatron-bridge-27", "megatron-bridge-06")),
        (MLPERF, ("mlperf-405b-GB300-NVL72",)),
    ],
)
def test_a_source_is_read_as_its_records(text: str, records: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "published.csv"
    file.write_text(text, encoding="utf-8")
    rows = read_training_steps(file)
    for row, name in zip(rows, records, strict=False):
        record = table("training_steps")[name]
        fields = [field for field in record.fields if field != "exam"]
        assert sorted(fields) == sorted(set(row) - {"source", "note"})
        for field in fields:
            datum = record.datum(field)
            assert (
                row[field] == datum.text if datum.text is not None else float(row[field]) == pytest.approx(datum.value)
            )


def test_configuration_files_say_what_a_summary_leaves_out(tmp_path: Path) -> None:
    """DeepSeek-V3 unfolds its attention again, sends a token to each node once, and on H100 uses no graphs."""
    line = "26.02 NeMo Container,DeepSeekV3,DGX-H100,1024,FP8,8192,1,4096,,2,8,1,4,64,1,Model TFLOP / sec / GPU=1"
    file = tmp_path / "published.csv"
    file.write_text(BRIDGE.splitlines()[0] + f"\n{line}\n", encoding="utf-8")
    (row,) = read_training_steps(file)
    assert (row["model"], row["recompute"], row["dispatch_once"], row["graphs"]) == ("DeepSeek-V3", "1", "1", "0")
    (step,) = steps_of_file(file)[0]
    assert step.job.recipe.dispatch_once
    assert step.job.recipe.host_time > 0.0


def test_models_that_are_not_known_are_left_out_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "published.csv"
    file.write_text(BRIDGE, encoding="utf-8")
    own = mark_file(file)
    assert own.excluded == {"model not in the catalog": 1}
    whole = next(mark for mark in marks("training") if "megatron-bridge" in mark.quantity)
    predicted = dict(zip(whole.name, whole.predicted, strict=True))
    assert own.predicted.tolist() == [predicted["megatron-bridge-27"], predicted["megatron-bridge-06"]]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a,b\n1,2\n", "no header"),
        (BRIDGE.replace("DGX-H100", "DGX-Z1"), "DGX-Z1"),
        (MLPERF.replace("global_batch_sequences", "batch"), "no global_batch_sequences"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=named):
        read_training_steps(file)
