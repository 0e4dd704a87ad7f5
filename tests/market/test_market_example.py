"""The example runs, and its headline holds."""

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "what_cheaper_tokens_buy.py"


@pytest.mark.contract
def test_the_example_runs_and_prints_its_units(capsys):
    runpy.run_path(str(EXAMPLE))
    printed = capsys.readouterr().out
    assert "tokens × 330 in 2 years" in printed
    assert "T a month" in printed
