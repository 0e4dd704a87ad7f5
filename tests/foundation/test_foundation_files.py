"""Files from outside: a pipe, a device and an endless file are refused before anything is read."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from costmodel.foundation.errors import DomainError, MissingExtraError, ScenarioError
from costmodel.foundation.files import csv_rows, read_json, read_text, read_whole, write_whole
from costmodel.foundation.toml import check_form

pytestmark = pytest.mark.contract


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with a name")
def test_a_pipe_is_refused_at_once_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(ScenarioError, match=r"pipe\.toml: is a pipe or a device"):
        read_whole(tmp_path / "pipe.toml")


def test_what_cannot_be_read_is_said_in_the_class_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    assert read_whole(file, 5) == b"12345"
    with pytest.raises(DomainError, match="larger than 4 bytes"):
        read_whole(file, 4, DomainError)
    for path in (tmp_path, tmp_path / "none", "a\x00b"):
        with pytest.raises(ScenarioError, match=r"cannot be read|null"):
            read_whole(path)
    file.write_bytes(b"ab\xff")
    with pytest.raises(ScenarioError, match="not UTF-8 text: invalid start byte at byte 2"):
        read_text(file)
    file.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(file) == [1]
    file.write_bytes(b"[" * 100_000)
    with pytest.raises(ScenarioError, match="nested too deeply"):
        read_json(file)


def test_a_row_that_is_no_row_is_named() -> None:
    with pytest.raises(DomainError, match="mine: row 2 has more cells"):
        csv_rows("a,b\n1,2\n1,2,3\n", "mine", DomainError)
    with pytest.raises(ScenarioError, match=r"mine: row 1: .*field"):
        csv_rows("a,b\n" + "x" * 200_000, "mine")
    before = csv.field_size_limit(10**9)  # as another package may have left it
    try:
        with pytest.raises(ScenarioError, match=r"mine: row 2: .*field"):
            csv_rows("a,b\n1,2\n1," + "x" * 200_000, "mine")
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize("error", [ScenarioError, MissingExtraError])
def test_the_text_of_an_error_is_one_short_line_whatever_was_given(error: type[Exception]) -> None:
    text = str(error("a\nb\x1b[2Jc\u202ed " + "e" * 100_000 + " end"))
    assert len(text) == 1_000 + len("\\x1b") - 1 + len("\\u202e") - 1
    assert text.startswith("a b\\x1b[2Jc\\u202ed e")
    assert text.endswith("e end")


def test_a_scenario_is_as_small_as_its_text_may_be() -> None:
    deep: object = 1
    for _ in range(33):
        deep = [deep]
    for form, said in (
        ({"a": deep}, "nested too deeply"),
        ({"a": {"b" * 600: {"c" * 500: 1}}}, "a key has 1103 characters"),
        ({"a": "half \ud800 of a pair"}, "not valid Unicode"),
        ({"a": [0] * 200_001}, "too large"),
        ({"a": ["x" * 2**20] * 5}, "too large"),
    ):
        with pytest.raises(ScenarioError, match=said):
            check_form(form)


def test_a_file_is_written_through_a_link_and_never_in_the_place_of_a_device(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    write_whole(link, lambda partial: partial.write_text("new"))
    assert (file.read_text(), link.is_symlink()) == ("new", True)
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ScenarioError, match=r"pipe: is a pipe or a device|Is a directory"):
            write_whole(place, lambda partial: partial.write_text("new"))
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for place in (loop, tmp_path / ("x" * 300), Path("a\x00b"), tmp_path / "none" / "file"):
        with pytest.raises(ScenarioError):
            write_whole(place, lambda partial: partial.write_text("new"))
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "link", "loop", "pipe"]


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    def fail(partial: Path) -> None:
        partial.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(ScenarioError, match="file: No space left on device"):
        write_whole(tmp_path / "file", fail)
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("file", "old")]
