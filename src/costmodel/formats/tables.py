"""Tables of outside files, read in blocks of bounded memory.

CSV and JSON lines are read with the standard library; where pyarrow is installed (extra ``bills``), CSV is read with
it, several times as fast. A row that cannot be read is counted, with its number and the reason; none is dropped
silently. A line of CSV without an entry, such as one of commas alone, is no row, but has a number. Reading is bounded:
a line has at most `MAX_LINE_CHARACTERS` characters and a table at most `MAX_COLUMNS` columns, and nothing in a file is
ever run.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import ScenarioError, error_line
from costmodel.foundation.outside import LARGEST_NUMBER, LONGEST_NUMBER, number_from

BLOCK_ROWS = 65_536
"""Rows of a block [1]."""
ARROW_BLOCK_BYTES = 2**21
"""Bytes of a file that are read at once [byte]: pyarrow reads up to 32 such blocks ahead, which bounds the memory."""
MAX_COLUMNS = 1_000
"""Most columns of a table [1]."""
MAX_LINE_CHARACTERS = 1_000_000
"""Most characters of a line of JSON, or of a field of CSV [1]."""
ABSENT = frozenset({"", "null", "NULL", "(null)", "\\N"})
"""Texts that count as an empty field."""
KEPT_UNREAD = 100
"""Unread rows that are kept with their reason; all are counted [1]."""

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(slots=True)
class Unread:
    """Rows that could not be read: how many, and the first of them with the reason."""

    count: int = 0
    kept: list[tuple[int, str]] = field(default_factory=list)

    def add(self, row: int, reason: str) -> None:
        """Count a row; keep its number and the reason while there is room."""
        self.count += 1
        if len(self.kept) < KEPT_UNREAD:
            self.kept.append((row, reason))


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows of a table.

    Parameters
    ----------
    rows
        Number of each row, the first after the header being 1, ``(row,)``.
    columns
        Texts by column name, ``(row,)`` each; an absent field is an empty text.
    """

    rows: IntArray
    columns: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.rows)

    def has(self, name: str) -> bool:
        """Return whether the table has a column; one without a name, such as the row numbers of a frame, is none."""
        return bool(name) and name in self.columns

    def text(self, name: str) -> tuple[IntArray, list[str]]:
        """Return a column as codes, ``(row,)``, and the distinct texts that they stand for.

        Texts are trimmed, and runs of spaces and line breaks become one space: patterns that match a few would take
        minutes on long runs.

        Examples
        --------
        >>> block = Block(np.arange(1, 4), {"model": ["o3", " o3 ", ""]})
        >>> codes, texts = block.text("model")
        >>> [texts[code] for code in codes]
        ['o3', 'o3', '']
        """
        codes, raw = self._distinct(name)
        texts: dict[str, int] = {}
        plain = (" ".join(text.split()) for text in raw)
        held = ["" if text in ABSENT else text for text in plain]
        merged = np.array([texts.setdefault(text, len(texts)) for text in held], dtype=np.int64)
        return merged[codes], list(texts)

    def number(self, name: str) -> tuple[FloatArray, BoolArray]:
        """Return a column as numbers, ``(row,)``, NaN where empty, and where a text is no number.

        `costmodel.foundation.outside.number_from` defines which texts are numbers.

        Examples
        --------
        >>> values, wrong = Block(np.arange(1, 4), {"cost": ["1.5", "", "abc"]}).number("cost")
        >>> values.tolist(), wrong.tolist()
        ([1.5, nan, nan], [False, False, True])
        """
        codes, raw = self._distinct(name)
        texts = ["" if text.strip() in ABSENT else text for text in raw]
        values = _numbers_of(texts)
        empty = np.array([not text for text in texts], dtype=np.bool_)
        wrong = ~empty & ~np.isfinite(values)
        values = np.where(wrong, np.nan, values)
        return values[codes], wrong[codes]

    def _distinct(self, name: str) -> tuple[IntArray, list[str]]:
        if not self.has(name):
            return np.zeros(len(self), dtype=np.int64), [""]
        column = self.columns[name]
        if hasattr(column, "dictionary_encode"):
            coded = column.dictionary_encode()
            return np.asarray(coded.indices, dtype=np.int64), coded.dictionary.to_pylist() or [""]
        positions: dict[str, int] = {}
        codes = np.array([positions.setdefault(text, len(positions)) for text in column], dtype=np.int64)
        return codes, list(positions) or [""]


def _numbers_of(texts: list[str]) -> FloatArray:
    """Return texts as numbers, NaN where one is none; all at once where all are plain."""
    if all(text.isascii() and "_" not in text and len(text) <= LONGEST_NUMBER for text in texts):
        try:
            values = np.array([text or "nan" for text in texts]).astype(np.float64)
        except ValueError:
            pass
        else:
            return np.where(np.abs(values) <= LARGEST_NUMBER, values, np.nan)
    return np.array([number_from(text) for text in texts], dtype=np.float64)


def read_blocks(source: str | Path, unread: Unread, *, block_rows: int = BLOCK_ROWS) -> Iterator[Block]:
    """Read a CSV or JSON-lines file in blocks.

    Parameters
    ----------
    source
        Path of a regular file that ends in ``.csv``, ``.jsonl`` or ``.ndjson``.
    unread
        Counter of rows that cannot be read.
    block_rows
        Most rows of a block [1].

    Yields
    ------
    Block
        Consecutive rows.

    Raises
    ------
    ScenarioError
        If the file cannot be opened, is not UTF-8 text, has no header, repeats a column or has too many.
    """
    path = Path(source)
    kind = path.suffix.lower()
    if kind not in {".csv", ".jsonl", ".ndjson"}:
        raise ScenarioError(f"{path}: a table is read from a file that ends in .csv, .jsonl or .ndjson")
    if not os.path.isfile(path):
        raise ScenarioError(f"{path}: there is no such file")
    if kind == ".csv":
        header = _header(path)
        fast = find_spec("pyarrow") is not None
        return _csv_blocks_arrow(path, header, unread) if fast else _csv_blocks(path, header, unread, block_rows)
    return _json_blocks(path, unread, block_rows)


def header(source: str | Path) -> list[str]:
    """Return the names of the columns of a CSV; none for JSON lines, whose rows name their own.

    Raises
    ------
    ScenarioError
        If the file cannot be opened or its first line names no columns.
    """
    path = Path(source)
    return _header(path) if path.suffix.lower() == ".csv" and os.path.isfile(path) else []


def _open(path: Path) -> IO[str]:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or 'cannot be read'}") from None


def _header(path: Path) -> list[str]:
    with _open(path) as file:
        try:
            first = next(csv.reader([file.readline(MAX_LINE_CHARACTERS)]), [])
        except (csv.Error, UnicodeDecodeError) as error:
            raise ScenarioError(f"{path}: the header cannot be read: {error}") from None
    names = [name.strip() for name in first]
    if not any(names):
        raise ScenarioError(f"{path}: the first line names no columns")
    if len(names) == 1 and any(sign in names[0] for sign in ";\t|"):
        raise ScenarioError(f"{path}: the columns are separated by something else than commas: save it as CSV")
    if len(names) > MAX_COLUMNS:
        raise ScenarioError(f"{path}: {len(names)} columns; at most {MAX_COLUMNS} are read")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ScenarioError(f"{path}: column {repeated[0]!r} stands more than once")
    return names


def _csv_blocks_arrow(path: Path, header: list[str], unread: Unread) -> Iterator[Block]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    skipped: list[int] = []

    def note(row: Any) -> str:
        number = (row.number or 1) - 1
        skipped.append(number)
        unread.add(number, f"{row.actual_columns} fields where the header has {row.expected_columns}")
        return "skip"

    try:
        reader = arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=ARROW_BLOCK_BYTES, column_names=header, skip_rows=1
            ),
            parse_options=arrow_csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=note, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
        seen = 0
        for batch in reader:
            numbers, seen = _numbers(seen, batch.num_rows, skipped)
            empty = _without_entry(batch)
            if empty.any():
                batch, numbers = batch.filter(pa.array(~empty)), numbers[~empty]
            if len(numbers):
                yield Block(numbers, {name: batch.column(i) for i, name in enumerate(header)})
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise ScenarioError(f"{path}: {error_line(error)}") from None


def _without_entry(batch: Any) -> BoolArray:
    """Return which rows of a batch have no entry in any column."""
    from pyarrow import compute

    empty = np.ones(batch.num_rows, dtype=np.bool_)
    for column in batch.columns:
        if not empty.any():
            break
        empty &= np.asarray(compute.equal(compute.binary_length(column), 0))
    return empty


def _numbers(seen: int, count: int, skipped: Sequence[int]) -> tuple[IntArray, int]:
    """Return the numbers of the next ``count`` rows that were read, and the number of the last."""
    numbers: list[int] = []
    row, left_out = seen, set(skipped)
    if not any(number > seen for number in left_out):
        return np.arange(seen + 1, seen + count + 1, dtype=np.int64), seen + count
    while len(numbers) < count:
        row += 1
        if row not in left_out:
            numbers.append(row)
    return np.array(numbers, dtype=np.int64), row


def _csv_blocks(path: Path, header: list[str], unread: Unread, block_rows: int) -> Iterator[Block]:
    with _open(path) as file:
        reader = csv.reader(file, strict=True)
        numbers: list[int] = []
        rows: list[list[str]] = []
        number = -1
        while True:
            try:
                row = next(reader, None)
            except (csv.Error, UnicodeDecodeError) as error:
                raise ScenarioError(f"{path}: row {number + 1}: {error}") from None
            if row is None:
                break
            number += 1
            if number == 0 or not any(row):
                continue
            if len(row) != len(header):
                unread.add(number, f"{len(row)} fields where the header has {len(header)}")
                continue
            numbers.append(number)
            rows.append(row)
            if len(rows) == block_rows:
                yield _block(numbers, dict(zip(header, zip(*rows, strict=True), strict=True)))
                numbers, rows = [], []
        if rows:
            yield _block(numbers, dict(zip(header, zip(*rows, strict=True), strict=True)))


def _json_blocks(path: Path, unread: Unread, block_rows: int) -> Iterator[Block]:
    with _open(path) as file:
        numbers: list[int] = []
        forms: list[dict[str, str]] = []
        for number, form in _json_lines(path, file, unread):
            numbers.append(number)
            forms.append(form)
            if len(forms) == block_rows:
                yield _from_forms(numbers, forms)
                numbers, forms = [], []
        if forms:
            yield _from_forms(numbers, forms)


def _json_lines(path: Path, file: IO[str], unread: Unread) -> Iterator[tuple[int, dict[str, str]]]:
    number = 0
    while True:
        try:
            line = file.readline(MAX_LINE_CHARACTERS + 1)
        except UnicodeDecodeError as error:
            raise ScenarioError(f"{path}: line {number + 1}: not UTF-8 text ({error.reason})") from None
        if not line:
            return
        number += 1
        if len(line) > MAX_LINE_CHARACTERS:
            raise ScenarioError(f"{path}: line {number} has more than {MAX_LINE_CHARACTERS} characters")
        if not line.strip():
            continue
        try:
            form = json.loads(line)
        except (ValueError, RecursionError):
            unread.add(number, "not JSON")
            continue
        if not isinstance(form, dict):
            unread.add(number, "not a JSON object")
            continue
        yield number, flattened(form)


def flattened(form: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested objects as texts by dotted name; a list of ``{key, value}`` objects is read as an object.

    Examples
    --------
    >>> flattened({"usage": {"input": 3}, "attributes": [{"key": "model", "value": {"stringValue": "o3"}}]})
    {'usage.input': '3', 'attributes.model': 'o3'}
    """
    out: dict[str, str] = {}
    for key, value in form.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            out |= flattened(value, f"{name}.")
        elif (
            isinstance(value, list)
            and value
            and all(isinstance(v, Mapping) and {"key", "value"} <= v.keys() for v in value)
        ):
            out |= flattened({str(pair["key"]): _typed(pair["value"]) for pair in value}, f"{name}.")
        elif value is None:
            out[name] = ""
        elif isinstance(value, bool):
            out[name] = "true" if value else "false"
        else:
            out[name] = value if isinstance(value, str) else json.dumps(value)
    return out


def _typed(value: Any) -> Any:
    """Return the value of an OTLP attribute, which stands under the name of its type."""
    if isinstance(value, Mapping) and len(value) == 1:
        name, inner = next(iter(value.items()))
        if name in {"stringValue", "intValue", "doubleValue", "boolValue"}:
            return inner
    return value


def _from_forms(numbers: list[int], forms: list[dict[str, str]]) -> Block:
    names: dict[str, None] = {}
    for form in forms:
        names |= dict.fromkeys(form)
    return _block(numbers, {name: [form.get(name, "") for form in forms] for name in names})


def _block(numbers: Iterable[int], columns: Mapping[str, Sequence[str]]) -> Block:
    return Block(np.array(list(numbers), dtype=np.int64), columns)


def distinct_rows(codes: IntArray) -> tuple[list[list[int]], IntArray]:
    """Return the distinct columns of a table of codes, and which of them each column is.

    Parameters
    ----------
    codes
        Codes, ``(field, row)``, >= 0.

    Examples
    --------
    >>> distinct_rows(np.array([[0, 1, 0], [2, 2, 2]]))
    ([[0, 2], [1, 2]], array([0, 1, 0]))
    """
    if not codes.shape[1]:
        return [], np.zeros(0, dtype=np.int64)
    key = np.zeros(codes.shape[1], dtype=np.int64)
    for row in codes:
        width = int(row.max()) + 1
        if width > 1:
            key = key * width + row
            if int(key.max()) > 1 << 20:
                _, key = np.unique(key, return_inverse=True)
    _, first, key = np.unique(key, return_index=True, return_inverse=True)
    return codes[:, first].T.tolist(), key
