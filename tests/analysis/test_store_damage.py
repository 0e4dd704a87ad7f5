"""Damaged stores: no changed value is read silently, and only one writer has a store at a time."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("zarr")
pytest.importorskip("xarray")

from ensemble_toy import toy, toy_model

from costmodel.analysis.store import EnsembleStore, open_store, store_ensemble
from costmodel.analysis.store_files import checked_array
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design
from costmodel.foundation.errors import CostModelError, ScenarioError

DRAWS = 3 * BLOCK + 700
TRIALS = int(os.environ.get("COSTMODEL_CAMPAIGN", "120"))
"""Number of corruptions to try [1]; a campaign tries more."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "run"
    store_ensemble(path, toy(), draws=DRAWS, rng=0, model=toy_model)
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def seen(path: Path, expected: dict[str, np.ndarray]) -> bool:
    """Read a store; return whether every value shown is as written."""
    store = EnsembleStore(path, toy(), EXPECTED_DESIGN)
    data = store.to_xarray()
    draws = data["draw"].values
    return all(np.array_equal(data[name].values, expected[name][..., draws]) for name in expected)


EXPECTED_DESIGN = Design.random(toy(), DRAWS, 0)


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    ran = toy_model(toy().resolve(EXPECTED_DESIGN))
    return {name: np.asarray(getattr(ran, name)) for name in ("tokens", "margin", "price", "falling")}


def corrupt(path: Path, chance: random.Random) -> str:
    """Damage a store in one way."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    way = chance.choice(["flip", "truncate", "delete", "swap", "metadata", "empty"])
    target = chance.choice(files)
    content = bytearray(target.read_bytes())
    if way == "flip" and content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        target.write_bytes(bytes(content))
    elif way == "truncate":
        target.write_bytes(bytes(content[: len(content) // 2]))
    elif way == "empty":
        target.write_bytes(b"")
    elif way == "delete":
        target.unlink()
    elif way == "swap":
        chunks = [file for file in files if file.name != "zarr.json"]
        one, two = chance.sample(chunks, 2)
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)
    else:
        target = chance.choice([file for file in files if file.name == "zarr.json"])
        form = json.loads(target.read_text())
        if "shape" in form:
            form["shape"] = [*form["shape"][:-1], max(1, form["shape"][-1] - chance.randrange(1, BLOCK))]
            if chance.random() < 0.5:
                form["fill_value"] = 7 if form["data_type"] != "bool" else True
        else:
            form["attributes"]["scenario"] = form["attributes"]["scenario"].replace("e3", "e4")
            form["attributes"]["labels"] = {}
        target.write_text(json.dumps(form))
    return f"{way} {target.relative_to(path)}"


@pytest.mark.law
def test_nothing_that_was_not_written_is_shown(copy: Path, tmp_path: Path, expected: dict[str, np.ndarray]) -> None:
    chance = random.Random(3)
    for trial in range(TRIALS):
        path = tmp_path / f"trial{trial}"
        shutil.copytree(copy, path)
        done = corrupt(path, chance)
        said = ""
        try:
            honest = seen(path, expected)
        except CostModelError as error:
            honest, said = True, str(error)
        assert honest, f"{done}: another value was shown"
        assert "\n" not in said
        shutil.rmtree(path)


@pytest.mark.contract
def test_a_damaged_block_is_named_and_computed_again(copy: Path, whole: Path) -> None:
    chunk = copy / "price" / "c" / "2"
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(bytes(content))
    store = EnsembleStore(copy, toy(), EXPECTED_DESIGN)
    assert store.damaged() == (2,)
    with pytest.raises(ScenarioError, match="block 2"):
        store.summarize()
    with pytest.raises(ScenarioError, match="block 2 damaged"):
        store.to_xarray()
    store_ensemble(copy, toy(), draws=DRAWS, rng=0, model=toy_model, repair=True)
    assert store.damaged() == ()
    assert {f.relative_to(copy): f.read_bytes() for f in copy.rglob("*") if f.is_file()} == {
        f.relative_to(whole): f.read_bytes() for f in whole.rglob("*") if f.is_file()
    }


@pytest.mark.contract
def test_a_store_opens_only_as_what_it_holds(copy: Path) -> None:
    other = toy().replace({"growth": 0.1})
    with pytest.raises(ScenarioError, match="holds another ensemble"):
        _ = EnsembleStore(copy, other, EXPECTED_DESIGN).complete
    description = copy / "zarr.json"
    form = json.loads(description.read_text())
    form["attributes"]["format"] = 1
    description.write_text(json.dumps(form))
    with pytest.raises(ScenarioError, match="has format 1, but this version reads 2"):
        _ = EnsembleStore(copy, toy(), EXPECTED_DESIGN).complete


@pytest.mark.contract
def test_another_kind_of_processor_is_named(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costmodel.analysis.store.processor", lambda: "another")
    with pytest.raises(ScenarioError, match="processor differ"):
        store_ensemble(copy, toy(), draws=DRAWS, rng=0, model=toy_model)


def _hold(path: str, held: object, go: object) -> None:
    from costmodel.analysis.store_files import sole_writer

    with sole_writer(Path(path)):
        held.set()  # type: ignore[attr-defined]
        go.wait(30)  # type: ignore[attr-defined]


@pytest.mark.contract
def test_a_second_writer_is_refused_and_a_dead_one_holds_nothing(copy: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, go = context.Event(), context.Event()
    writer = context.Process(target=_hold, args=(os.fspath(copy), held, go))
    writer.start()
    assert held.wait(60)
    with pytest.raises(ScenarioError, match="another process is writing"):
        store_ensemble(copy, toy(), draws=DRAWS, rng=0, model=toy_model)
    writer.kill()
    writer.join()
    store_ensemble(copy, toy(), draws=DRAWS, rng=0, model=toy_model)


def _fill_new(path: str, out: object) -> None:
    try:
        store_ensemble(path, toy(), draws=2 * BLOCK, rng=0, outputs=("price",), model=toy_model)
        out.put("done")  # type: ignore[attr-defined]
    except CostModelError as error:
        out.put(str(error))  # type: ignore[attr-defined]


@pytest.mark.contract
def test_two_writers_of_a_new_store_leave_one_whole_store(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for trial in range(3):
        path, out = tmp_path / f"new{trial}", context.Queue()
        writers = [context.Process(target=_fill_new, args=(os.fspath(path), out)) for _ in range(2)]
        for writer in writers:
            writer.start()
        said = [out.get(timeout=120) for _ in writers]
        for writer in writers:
            writer.join()
        assert "done" in said
        assert all(text == "done" or "another process is writing" in text for text in said)
        design = Design.random(toy(), 2 * BLOCK, 0)
        assert EnsembleStore(path, toy(), design).damaged() == ()
        assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.contract
def test_what_lies_at_a_temporary_name_is_left_alone(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "kept").write_text("kept")
    (tmp_path / ".run.begun").symlink_to(treasure)
    store_ensemble(tmp_path / "run", toy(), draws=100, rng=0, model=toy_model)
    assert (treasure / "kept").read_text() == "kept"
    assert sorted(file.name for file in treasure.iterdir()) == ["kept"]


@pytest.mark.contract
def test_a_folder_that_is_no_store_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="is not a stored ensemble"):
        open_store(tmp_path / "none")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "zarr.json").write_text("{")
    with pytest.raises(ScenarioError, match="the store is damaged"):
        open_store(tmp_path / "text")


@pytest.mark.contract
@pytest.mark.parametrize(
    ("attribute", "value"),
    [("units", "furlong"), ("scale_factor", 2.0), ("add_offset", 1.0), ("dtype", "bool"), ("x", 1)],
)
def test_an_array_that_says_something_else_of_itself_is_damage(copy: Path, attribute: str, value: object) -> None:
    store = EnsembleStore(copy, toy(), EXPECTED_DESIGN)
    assert store.to_xarray()["price"].attrs == {"units": "USD/FLOP", "long_name": "price"}
    _described(copy / "price", lambda form: form["attributes"].update({attribute: value}))
    for verify in (True, False):
        with pytest.raises(ScenarioError, match=r"output price cannot be read .its metadata are"):
            store.to_xarray(verify=verify)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("outputs", 2.5),
        ("outputs", [None]),
        ("outputs", [["price"]]),
        ("outputs", [{"name": "price", "unit": "USD/FLOP", "basis ": None}]),
        ("labels", None),
        ("labels", ["margin"]),
    ],
)
@pytest.mark.parametrize("verify", [True, False])
def test_a_description_of_another_form_is_damage_in_one_line(
    copy: Path, entry: str, value: object, verify: bool
) -> None:
    _described(copy, lambda form: form["attributes"].update({entry: value}))
    with pytest.raises(ScenarioError, match=r"the store is damaged|blocks 0, 1, 2, 3 damaged") as told:
        EnsembleStore(copy, toy(), EXPECTED_DESIGN).to_xarray(verify=verify)
    assert "\n" not in str(told.value)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("array", "change"),
    [
        ("block_digest", {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0, 32]}}}),
        ("price", {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0]}}}),
        ("price", {"fill_value": 10**400}),
        ("price", {"shape": [10**400]}),
    ],
)
def test_an_array_of_impossible_numbers_is_damage_in_one_line(
    copy: Path, array: str, change: dict[str, object]
) -> None:
    _described(copy / array, lambda form: form.update(change))
    with pytest.raises(ScenarioError, match="damaged") as told:
        EnsembleStore(copy, toy(), EXPECTED_DESIGN).to_xarray()
    assert "\n" not in str(told.value)


@pytest.mark.contract
def test_an_array_beside_the_outputs_is_not_shown_and_swapped_axes_are_damage(copy: Path) -> None:
    shutil.copytree(copy / "price", copy / "stranger")
    store = EnsembleStore(copy, toy(), EXPECTED_DESIGN)
    assert "stranger" not in store.to_xarray()
    _described(copy / "price", lambda form: form.update(dimension_names=["other"]))
    with pytest.raises(ScenarioError, match="output price cannot be read"):
        store.to_xarray()


def _described(array: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = array / "zarr.json"
    form = json.loads(file.read_text())
    change(form)
    file.write_text(json.dumps(form))


@pytest.mark.contract
@pytest.mark.parametrize(
    ("entry", "value"),
    [("scenario", 7), ("scenario", None), ("scenario", "x = ["), ("design", []), ("design", {"ranks": None})],
)
def test_a_description_of_another_form_is_one_line(copy: Path, entry: str, value: object) -> None:
    _described(copy, lambda form: form["attributes"].update({entry: value}))
    with pytest.raises(CostModelError, match=str(copy)):
        open_store(copy)
    with pytest.raises(CostModelError, match=str(copy)):
        store_ensemble(copy, toy(), draws=DRAWS, model=toy_model)


@pytest.mark.contract
def test_a_seed_that_is_none_is_one_line(copy: Path) -> None:
    _described(copy, lambda form: form["attributes"]["design"].update(seed="x"))
    with pytest.raises(ScenarioError, match="its seed cannot be read"):
        store_ensemble(copy, toy(), draws=DRAWS, model=toy_model)


@pytest.mark.contract
def test_places_that_take_no_store_are_said_and_left_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    places = [tmp_path / "file", tmp_path / "file" / "run", tmp_path / "dangling", tmp_path / "pipe"]
    for place in [*places, tmp_path / ("x" * 300), Path("a\x00b"), Path("/proc/none/run")]:
        with pytest.raises(ScenarioError, match=r"not a stored ensemble|cannot create a store here|too long"):
            store_ensemble(place, toy(), draws=50, rng=0, model=toy_model)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["dangling", "file", "pipe"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.contract
def test_a_full_disk_leaves_nothing_of_a_new_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("costmodel.analysis.store._write", full)
    with pytest.raises(ScenarioError, match="cannot create a store here: No space left on device"):
        store_ensemble(tmp_path / "run", toy(), draws=50, rng=0, model=toy_model)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.contract
def test_a_folder_called_like_a_leftover_is_left_alone(copy: Path) -> None:
    (copy / "x.partial").mkdir()
    (copy / "y.partial").write_text("half")
    assert store_ensemble(str(copy), toy(), draws=DRAWS, rng=0, model=toy_model).complete.all()
    assert (copy / "x.partial").is_dir()
    assert not (copy / "y.partial").exists()


@pytest.mark.contract
def test_a_chunk_longer_than_any_that_was_written_is_not_loaded(copy: Path) -> None:
    """A chunk of figures may take up twice its size and 64 KiB: a longer file is damage, whatever is in it."""
    import zarr

    most, chunk = 2 * BLOCK * 8 + 65_536, copy / "price" / "c" / "1"
    group = zarr.open_group(copy, mode="r")
    os.truncate(chunk, most)
    assert checked_array(copy, group, "price", 1, DRAWS).shape == (DRAWS,)
    os.truncate(chunk, most + 1)
    with pytest.raises(ValueError, match=f"has {most + 1:,} bytes; at most {most:,} were written"):
        checked_array(copy, group, "price", 1, DRAWS)


@pytest.mark.contract
def test_other_readers_see_what_is_not_computed_yet_as_missing(copy: Path) -> None:
    fills = {name: json.loads((copy / name / "zarr.json").read_text())["fill_value"] for name in ("price", "falling")}
    assert fills == {"price": "NaN", "falling": False}
