"""Deployments of any model: named, read from a config.json, or written out; memory kept by the engine; remarks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from costmodel import load_scenario, run
from costmodel.compute import shape
from costmodel.foundation.errors import CostModelError, DomainError
from costmodel.serving import (
    Configuration,
    Deployment,
    Layout,
    cache_room,
    configuration_of,
    memory_budget,
    weight_bytes_per_accelerator,
)
from costmodel.serving.blocks import stacked

CONFIG = {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32}
CONFIG |= {"num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "torch_dtype": "bfloat16"}
FLAT = {"layers": 32, "d_model": 4096, "heads": 32, "kv_heads": 8, "head_dim": 128, "d_ff": 14336, "vocabulary": 128256}
GROUPS: dict[str, Any] = {
    "d_model": 4096,
    "vocabulary": 128256,
    "groups": [
        {
            "layers": 32,
            "mixer": {"kind": "grouped", "heads": 32, "kv_heads": 8, "head_dim": 128},
            "feed_forward": {"kind": "dense", "d_ff": 14336},
        }
    ],
}
GIB = 2.0**30


def chat(**changes: Any) -> Deployment:
    """Return a deployment on one accelerator."""
    written = {"name": "chat", "architecture": "Llama-3-8B", "accelerator": "H100-SXM", "hour_price": "2 USD/hour"}
    return Deployment(**{**written, "workload": {"mean_input": 2000.0, "mean_output": 400.0}, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


@pytest.mark.closed_form
@pytest.mark.parametrize("written", [CONFIG, CONFIG | {"rope_scaling": None}, FLAT, GROUPS])
def test_a_model_written_out_costs_what_the_one_on_record_costs(written: dict[str, Any]) -> None:
    expected = run(chat())
    for one in (chat(architecture=written), chat(architecture="mine", own_shape=written)):
        found = run(one)
        for name in ("batch", "output_cost", "input_cost", "time_to_first_token"):
            assert found[name] == expected[name]
        assert Deployment.from_toml(one.to_toml()) == one


@pytest.mark.closed_form
def test_a_model_is_read_from_its_file_or_folder(folder: Path) -> None:
    expected = run(chat()).output_cost
    for path in (folder, folder / "config.json"):
        assert run(chat().replace({"architecture": str(path)})).output_cost == expected
    published = run(chat(architecture=str(folder), precision="published"))
    assert published.output_cost == run(chat(precision="bf16")).output_cost


BAD = [
    ({"architecture": {**CONFIG, "hidden_size": "4096"}}, "hidden_size = '4096' must be a whole number"),
    ({"architecture": {**CONFIG, "hidden_size": float("nan")}}, "hidden_size = nan must be a whole number"),
    ({"own_shape": {**FLAT, "layers": True}}, "layers = True must be a whole number"),
    ({"own_shape": {**FLAT, "layers": float("inf")}}, "layers = inf must be a whole number"),
    ({"own_shape": {**FLAT, "layers": 10**30}}, "must be a whole number"),
    ({"own_shape": {**FLAT, "haeds": 3}}, "unknown entry 'haeds'; did you mean 'heads'"),
    ({"architecture": 3}, "architecture"),
]


@pytest.mark.contract
@pytest.mark.parametrize(("changes", "message"), BAD)
def test_a_field_that_is_no_number_is_named_where_it_is_written(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CostModelError, match=message) as caught:
        chat(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.contract
def test_a_missing_file_and_a_precision_nobody_published_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"x/config\.json: cannot be read"):
        run(chat(architecture=str(tmp_path / "x" / "config.json")))
    with pytest.raises(DomainError, match=r"'published' needs a model from its config\.json"):
        run(chat(precision="published"))


@pytest.mark.contract
def test_four_bits_on_a_chip_of_sixteen_run_and_say_so() -> None:
    # F05: engines store 4 bits and multiply in 16
    changes = {"architecture": "gpt-oss-120b", "precision": "mxfp4", "layout.tensor": 1}
    found = run(load_scenario("token-on-h100").replace(changes))
    assert not found.infeasible
    assert found.output_cost > 0.0
    assert found.remarks[0] == "experts: stored as mxfp4, multiplied as bf16: the chip has no fp4"
    # older versions of the engine leave no memory; a remark says so if no version is named
    assert "room for the cache: 1.9 GiB" in found.remarks[1]
    assert "up to 0.11 it was 0.0: name the version in engine.name" in found.remarks[1]
    named = run(
        load_scenario("token-on-h100").replace({**changes, "engine.name": "vllm 0.10", "engine.memory_use": 0.95})
    )
    assert len(named.remarks) == 1
    for other in ("nvfp4", "int4"):
        remarks = run(chat(precision={"default": other})).remarks
        assert any("multiplied as bf16" in remark for remark in remarks)
    assert run(chat()).remarks == ()


@pytest.mark.contract
def test_what_stands_in_is_said() -> None:
    assert run(chat(engine={"name": "vllm 0.10.1"})).remarks == ()
    said = " ".join(run(chat(engine={"name": "tgi"})).remarks)
    assert "no profile of the engine 'tgi'" in said
    assert "the memory that the engine 'tgi' keeps back" in said
    unknown = {**CONFIG, "model_type": "never_heard_of"}
    assert "never_heard_of" in " ".join(run(chat(architecture=unknown)).remarks)


@pytest.mark.published
def test_room_on_a_card_as_an_engine_logs_it() -> None:
    # F09: vLLM #27508 (0.11) at 0.95 of one H100: 1.71 GiB left; 64.4 to 66.0 GiB after loading (#33155, #23278)
    what = configuration_of("gpt-oss-120b", "H100-SXM", "mxfp4", "bf16", memory_use=0.95, engine="vllm 0.11")
    assert what.machine.memory == pytest.approx(79.19 * GIB)
    assert float(cache_room(what)) / GIB == pytest.approx(1.71, rel=0.1)
    assert 64.0 < float(memory_budget(what).loaded) / GIB < 66.0
    # the case as it was typed, without a version: the share less the weights, before the engine keeps anything
    what = configuration_of("gpt-oss-120b", "H100-SXM", "mxfp4", "bf16", memory_use=0.95)
    with pytest.warns(DeprecationWarning, match="use machine; room for the cache is cache_room.* engine's version"):
        left = (what.chip.memory * 0.95 - weight_bytes_per_accelerator(what)) / GIB
    assert float(left) == pytest.approx(0.95 * 79.19 - 60.71, abs=0.01)
    (said,) = what.remarks
    assert said.endswith("up to 0.11 it was 1.8: name the version in engine")
    # F07: an engine logs 57.75 GiB each for the published FP8 checkpoint on eight cards, vLLM #6746
    what = configuration_of("Llama-3.1-405B", "H100-SXM", "fp8", layout=Layout(tensor=8.0))
    assert float(weight_bytes_per_accelerator(what)) / GIB == pytest.approx(57.75, rel=0.05)
    # as it was published in July 2024, with 16 key-value heads in place of 8
    first = replace(what, shape=replace(what.shape, kv_heads=16))
    assert float(weight_bytes_per_accelerator(first)) / GIB == pytest.approx(57.75, rel=0.002)


@pytest.mark.contract
def test_a_configuration_says_where_the_engine_s_version_decides() -> None:
    def configured(engine: str | None) -> Configuration:
        return configuration_of("gpt-oss-120b", "H100-SXM", "mxfp4", "bf16", memory_use=0.95, engine=engine)

    def remarks(engine: str | None) -> tuple[str, ...]:
        return configured(engine).remarks

    assert remarks(None) == remarks("vLLM") != ()
    assert remarks("vllm 0.11") == remarks("vllm 0.19") == remarks("sglang") == ()
    assert configuration_of("Llama-3-8B", "H100-SXM").remarks == ()  # there is room with either version
    both = [configured(engine) for engine in ("vllm", "sglang")]  # of which one has older versions
    assert list(cache_room(stacked(both))) == [cache_room(one) for one in both]
    assert stacked(both).remarks == ()


@pytest.mark.contract
def test_a_configuration_takes_a_table(folder: Path) -> None:
    expected = configuration_of("Llama-3-8B", "H100-SXM", "bf16", "bf16")
    for source in (CONFIG, folder, GROUPS):
        found = configuration_of(source, "H100-SXM", "bf16", "bf16")
        assert float(cache_room(found)) == float(cache_room(expected))
    assert shape(folder).layers == 32


@pytest.mark.contract
@pytest.mark.parametrize("written", [{"value": float("nan")}, {"experts": 4}, {"experts": "fp7"}])
def test_a_table_of_formats_is_checked_when_it_is_read(written: dict[str, Any]) -> None:
    with pytest.raises(CostModelError, match="precision"):
        chat(precision=written)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layout": {"micro_batches": 10**400}}, "layout.micro_batches: .*from -9007199254740992 to 9007199254740992"),
        ({"architecture": {**FLAT, "vocabulary": [[]]}}, "vocabulary = .* must be one value, not a list"),
        ({"architecture": {**FLAT, "d_model": [4096]}}, "d_model = .* must be a whole number"),
    ],
)
def test_numbers_that_are_none_are_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CostModelError, match=said):
        chat(**changes)
    assert chat(layout={"tensor": 8}).layout.tensor == 8
