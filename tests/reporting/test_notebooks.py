"""Display in notebooks, in a real kernel: short HTML, a progress bar during work, and every figure of a cell."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.contract

CELLS = (
    "import costmodel\nscenario = costmodel.load_scenario('from-2026')\nscenario",
    "result = costmodel.run(scenario)\nresult",
    "costmodel.run(scenario, draws=64, rng=0)",
    "costmodel.run_ensemble(scenario, draws=20_000, rng=0, outputs=['user_spend@*'])",
    "study = costmodel.sensitivity(scenario, 'user_spend@2030', method='tornado', rng=0)\nstudy",
    "axes = result.plot('user_spend')",
    "axes = result.plot()",
    "axes = study.plot()",
)
MOST = 10_000
"""Longest HTML of a cell [character]."""


@pytest.fixture(scope="module")
def shown() -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """Return the outputs of each cell, and every message of the kernel."""
    pytest.importorskip("ipykernel")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    messages: list[dict[str, Any]] = []

    class Client(nbclient.NotebookClient):  # type: ignore[misc, name-defined]
        def process_message(self, msg: dict[str, Any], *rest: Any) -> Any:
            messages.append(msg)
            return super().process_message(msg, *rest)

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    Client(book, timeout=240, kernel_name="python3").execute()
    return [cell.outputs for cell in book.cells], messages


def test_what_a_cell_shows_is_short(shown) -> None:
    outputs, _ = shown
    for cell in outputs[:5]:
        html = cell[-1]["data"]["text/html"]
        assert 500 < len(html) < MOST
        assert len(cell[-1]["data"]["text/plain"]) < MOST / 4, "what stands for it where there is no HTML"


def test_every_cell_shows_its_figure(shown) -> None:
    outputs, _ = shown
    for cell in outputs[5:]:
        assert [sorted(one["data"])[0] for one in cell] == ["image/png"]


def test_a_bar_moves_while_draws_are_computed_and_then_goes(shown) -> None:
    _, messages = shown
    bars = [
        (message["msg_type"], message["content"]["data"]["text/html"])
        for message in messages
        if message["msg_type"] in ("display_data", "update_display_data")
        and "text/html" in message["content"].get("data", {})
    ]
    seen = [html for _, html in bars if "<progress" in html]
    assert len(seen) >= 2
    assert any(kind == "update_display_data" for kind, _ in bars)
    assert "of 20,000" in seen[0] or "of " in seen[0]
    assert bars[-1][1] == "", "nothing is left of it"
