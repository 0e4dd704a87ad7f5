"""Blocks of outside tables: with and without pyarrow; broken rows are counted, and none is dropped silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.formats import tables
from costmodel.formats.tables import Unread, read_blocks
from costmodel.foundation.errors import ScenarioError

CSV = 'a,b,c\n1, x ,"one, two"\n2\n,y,"line\nbreak"\nabc,z,q\n1e3,x,\n'


@pytest.fixture(params=["pyarrow", "standard library"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Read with pyarrow, or as if it were not installed."""
    if request.param == "pyarrow":
        pytest.importorskip("pyarrow")
    else:
        monkeypatch.setattr(tables, "find_spec", lambda name: None)
    return str(request.param)


def written(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.closed_form
def test_both_readers_see_the_same_rows(reader: str, tmp_path: Path) -> None:
    unread = Unread()
    (block,) = read_blocks(written(tmp_path, CSV), unread)
    assert block.rows.tolist() == [1, 3, 4, 5]
    values, wrong = block.number("a")
    np.testing.assert_array_equal(values, [1.0, np.nan, np.nan, 1000.0])
    assert wrong.tolist() == [False, False, True, False]
    codes, texts = block.text("b")
    assert [texts[code] for code in codes] == ["x", "y", "z", "x"]
    codes, texts = block.text("c")
    assert [texts[code] for code in codes] == ["one, two", "line break", "q", ""]
    assert unread.count == 1
    assert unread.kept[0][0] == 2


@pytest.mark.contract
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "", "names no columns"),
        ("t.csv", "a,a\n1,2\n", "'a' stands more than once"),
        ("t.csv", ",".join(f"c{i}" for i in range(1001)), "at most 1000"),
        ("t.txt", "a\n", "ends in .csv"),
    ],
)
def test_a_table_that_is_none_is_refused(reader: str, tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        list(read_blocks(written(tmp_path, text, name), Unread()))


@pytest.mark.contract
def test_a_pipe_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("pipe.csv", "none.csv"):
        with pytest.raises(ScenarioError, match="no such file"):
            read_blocks(tmp_path / name, Unread())


@pytest.mark.contract
def test_text_that_is_not_utf8_is_refused(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n1,\xff\xfe\n")
    with pytest.raises(ScenarioError, match=r"t\.csv"):
        list(read_blocks(path, Unread()))


@pytest.mark.closed_form
def test_json_lines_are_flattened_and_broken_ones_counted(tmp_path: Path) -> None:
    text = '{"a": {"b": 1}, "t": true}\nnot json\n[1]\n\n{"a": {"b": "x"}}\n'
    unread = Unread()
    (block,) = read_blocks(written(tmp_path, text, "t.jsonl"), unread)
    assert block.rows.tolist() == [1, 5]
    assert list(block.columns["a.b"]) == ["1", "x"]
    assert list(block.columns["t"]) == ["true", ""]
    assert [row for row, _ in unread.kept] == [2, 3]


@pytest.mark.contract
def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_LINE_CHARACTERS", 100)
    with pytest.raises(ScenarioError, match="more than 100 characters"):
        list(read_blocks(written(tmp_path, '{"a": "' + "x" * 200 + '"}\n', "t.jsonl"), Unread()))


@pytest.mark.law
@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from("abc")), min_size=1, max_size=40), st.integers(1, 7))
def test_blocks_of_any_size_hold_the_same_rows(rows: list[tuple[int, str]], size: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), "n,t\n" + "".join(f"{number},{text}\n" for number, text in rows))
        header = tables._header(path)
        blocks = list(tables._csv_blocks(path, header, Unread(), size))
    assert [number for block in blocks for number in block.rows] == list(range(1, len(rows) + 1))
    assert [value for block in blocks for value in block.number("n")[0]] == [float(number) for number, _ in rows]


@pytest.mark.law
@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=1, max_size=30))
def test_distinct_rows_rebuild_the_table(rows: list[list[int]]) -> None:
    codes = np.array(rows, dtype=np.int64).T
    found, which = tables.distinct_rows(codes)
    assert [found[i] for i in which] == rows
    assert len({tuple(row) for row in found}) == len(found)


@pytest.mark.contract
@pytest.mark.parametrize("odd", ["1_0", "٣", "inf", "1e61", "9" * 129])
def test_a_number_is_one_however_many_others_stand_beside_it(reader: str, tmp_path: Path, odd: str) -> None:
    (block,) = read_blocks(written(tmp_path, f"a,b\n1.5,x\n{odd},y\n"), Unread())
    values, wrong = block.number("a")
    np.testing.assert_array_equal(values, [1.5, np.nan])
    assert wrong.tolist() == [False, True]


@pytest.mark.contract
def test_a_column_without_a_name_stands_for_no_other(reader: str, tmp_path: Path) -> None:
    (block,) = read_blocks(written(tmp_path, ",a\n0,7\n1,8\n"), Unread())
    assert not block.has("")
    assert block.text("")[1] == [""]


@pytest.mark.contract
def test_spaces_in_a_row_are_one(reader: str, tmp_path: Path) -> None:
    (block,) = read_blocks(written(tmp_path, "a\n1" + " " * 9000 + "hour\n1 hour\n"), Unread())
    assert block.text("a")[1] == ["1 hour"]


@pytest.mark.contract
def test_a_line_without_an_entry_is_no_row_and_keeps_its_number(reader: str, tmp_path: Path) -> None:
    """The specification of FOCUS has an example with blank lines, and one that ends in lines of commas."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n,2\n\n3,4\nbad\n,\n6,\n\n,\n", encoding="utf-8")
    unread = tables.Unread()
    (block,) = tables.read_blocks(path, unread)
    assert block.rows.tolist() == [1, 3, 6]
    assert [block.text(name)[1] for name in ("a", "b")] == [["", "3", "6"], ["2", "4", ""]]
    assert unread.kept == [(4, "1 fields where the header has 2")]
    path.write_text("a,b\n,\n\n", encoding="utf-8")
    assert list(tables.read_blocks(path, unread)) == []
