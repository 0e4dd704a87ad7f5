"""The lists of faults follow the code: each line that they name still stands where they say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")  # a module of Unix alone
sys.path.append(str(Path(__file__).parent / "mutants"))
import known_faults

import mutation

pytestmark = pytest.mark.contract
ROOT = Path(__file__).parents[1]
LISTED = """
[[equivalent]]
file = "code.py"
line = "{line}"
becomes = "total = 1 - 1"
reason = "Nobody asks for the total."
"""


def test_every_equivalent_stands_in_the_code_once_and_with_a_reason() -> None:
    found = mutation.equivalents(ROOT)
    assert len(found) == mutation.EQUIVALENTS.read_text(encoding="utf-8").count("[[equivalent]]"), "one is listed twice"
    assert all(line.strip() and line != becomes and reason.strip() for (_, line, becomes), reason in found.items())


@pytest.mark.parametrize("line", ["total = 2 + 1", "total = 1", "shown = total\\ntotal = 2"])
def test_an_equivalent_whose_line_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    listed = tmp_path / "equivalents.toml"
    monkeypatch.setattr(mutation, "EQUIVALENTS", listed)
    listed.write_text(LISTED.format(line="total = 1 + 1"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"no longer in code.py; look again: total = 1 \+ 1"):
        mutation.equivalents(tmp_path)
    (tmp_path / "code.py").write_text("def f():\n    total = 1 + 1\n    shown = total\n", encoding="utf-8")
    assert list(mutation.equivalents(tmp_path)) == [("code.py", "total = 1 + 1", "total = 1 - 1")]
    listed.write_text(LISTED.format(line=line), encoding="utf-8")
    with pytest.raises(ValueError, match=r"no longer in code\.py"):
        mutation.equivalents(tmp_path)


def test_every_known_fault_can_still_be_made_and_names_tests() -> None:
    assert [(fault["name"], why) for fault in known_faults.mutants() if (why := known_faults.stale(fault, ROOT))] == []
    assert all((ROOT / test.partition("::")[0]).exists() for fault in known_faults.mutants() for test in fault["tests"])
