"""Sheets of a workbook: heads, cells, notes and what stands still."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.foundation.table_files import write_sheets
from costmodel.foundation.tables import Table

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")

pytestmark = pytest.mark.contract


def test_a_sheet_has_heads_with_units_cells_and_notes_below(tmp_path: Path) -> None:
    table = Table(("name", "cost"), (("a", 1.5), ("b", 2.0)), units=("", "USD"), notes=("in money of 2024",))
    write_sheets({"Costs": table}, tmp_path / "w.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["Costs"]
    cells = {cell.coordinate: cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert cells == {
        "A1": "name",
        "B1": "cost [USD]",
        "A2": "a",
        "B2": 1.5,
        "A3": "b",
        "B3": 2,
        "A5": "in money of 2024",
    }
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:B3"
    assert sheet.column_dimensions["A"].width == pytest.approx(len("name") + 2, abs=1)
