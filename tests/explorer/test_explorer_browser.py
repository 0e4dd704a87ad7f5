"""Pages, notebook outputs and the explorer in a real browser, at phone and desktop width."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser import DESK, PHONE, browser, faults, needs_a_browser, sort_by_keyboard, too_wide, unseen_figures

pytestmark = pytest.mark.contract
WAIT = 90.0
"""Longest wait for an answer, even on a busy machine [s]."""


@pytest.fixture(scope="module", autouse=True)
def _a_browser_and_what_makes_pages() -> None:
    needs_a_browser()
    for name in ("jinja2", "matplotlib", "starlette", "uvicorn", "xlsxwriter"):
        pytest.importorskip(name)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    import matplotlib

    import costmodel
    from costmodel.reporting.page import render
    from costmodel.reporting.report import build_report

    matplotlib.use("Agg")
    path = tmp_path_factory.mktemp("page") / "report.html"
    scenario = costmodel.load_scenario("from-2026")
    path.write_text(render(build_report(scenario, draws=40, rng=0, name="from-2026")), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def explorer() -> Iterator[str]:
    command = [sys.executable, "-m", "costmodel.cli.app", "explore", "h100-hour", "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield re.search(r"http\S+", process.stdout.readline())[0]  # type: ignore[index]
        process.terminate()


def until(condition: Any, what: str) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_report_is_readable_and_its_tables_sort_by_keyboard(page: str, width: int) -> None:
    with browser(width) as driver:
        driver.get(page)
        assert len(driver.find_elements("css selector", "figure svg")) >= 5
        assert unseen_figures(driver) == []
        assert too_wide(driver) <= 0
        assert faults(driver) == []
        up, down = sort_by_keyboard(driver, "section[aria-labelledby='s2'] .scroll", 3)
        assert up == sorted(up) and down == sorted(down, reverse=True) and len(set(up)) > 5


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_what_a_notebook_shows_is_readable(width: int, tmp_path: Path) -> None:
    import costmodel

    things = [
        costmodel.load_scenario("from-2026"),
        costmodel.run("token-planner", draws=20, rng=0),
        costmodel.describe("h100-hour"),
    ]
    parts = "".join(f"<section>{thing._repr_html_()}</section>" for thing in things)
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>notebook</title>'
    style = "<meta name='viewport' content='width=device-width'><style>section{overflow-x:auto}</style>"
    path = tmp_path / "notebook.html"
    path.write_text(f"{head}{style}</head><body><main><h1>notebook</h1>{parts}</main></body></html>", encoding="utf-8")
    with browser(width) as driver:
        driver.get(path.as_uri())
        assert len(driver.find_elements("css selector", "table")) >= 3
        assert too_wide(driver) <= 0
        assert [fault for fault in faults(driver) if not fault.startswith("scrollable-region")] == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_explorer_opens_follows_a_slider_by_keyboard_and_compares(explorer: str, width: int) -> None:
    from selenium.webdriver.common.keys import Keys

    with browser(width) as driver:
        driver.get(explorer)
        find, every = (lambda css: driver.find_element("css selector", css)), driver.find_elements

        def text(css: str) -> str:
            return str(driver.execute_script(f"return document.querySelector({css!r})?.textContent ?? ''"))

        until(lambda: "USD/hour" in text(".panel .answer"), "no answer")
        assert "token=" not in driver.current_url
        until(lambda: len(every("css selector", ".lever")) >= 3, "no sliders")
        assert faults(driver) == []
        assert too_wide(driver) <= 0
        before = text(".panel .answer")
        slider = driver.find_element("id", "A-utilisation")
        driver.execute_script("arguments[0].focus()", slider)
        for _ in range(30):
            slider.send_keys(Keys.ARROW_LEFT)
        until(lambda: text(".panel .answer") not in ("", before), "the answer does not follow")
        assert "utilisation" in driver.current_url, "the address carries the change"
        assert slider.get_attribute("aria-valuetext")
        find("#compare").send_keys(Keys.ENTER)
        until(lambda: "USD/hour" in text(".panel:nth-child(2) .answer"), "no second scenario")
        link, moved = driver.current_url, text(".panel .answer")
        driver.get("about:blank")
        driver.get(link)
        until(lambda: text(".panel .answer") == moved, "the link does not carry the scenario")
        until(lambda: len(every("css selector", ".panel")) == 2, "the link does not carry both")


def test_the_explorer_shows_every_figure_and_audits_a_bill(explorer: str, tmp_path: Path) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text(
        "ProviderName,ChargePeriodStart,ChargeCategory,ChargeDescription,ListCost,EffectiveCost,PricingQuantity,"
        "PricingUnit,BillingCurrency\n"
        "<script>alert(1)</script>,2026-05-01T06:00:00Z,Usage,8-GPU server on demand,55.04,44.03,1.0,Hours,USD\n"
    )
    with browser(DESK) as driver:
        driver.get(explorer)
        until(lambda: driver.find_elements("css selector", ".lever"), "no sliders")
        address = driver.current_url.split("#")[0]
        driver.get(f"{address}#A=token-planner")
        driver.refresh()
        until(lambda: len(driver.find_elements("css selector", ".figures svg")) >= 2, "no figures")
        until(lambda: "of draws" in driver.find_element("css selector", ".answer").text, "no interval")
        assert unseen_figures(driver) == []
        assert faults(driver) == []
        driver.find_element("id", "bill").send_keys(str(bill))
        until(lambda: "44.03 USD" in driver.find_element("id", "bill-answer").text, "no audit")
        assert "<script>" in driver.find_element("css selector", "#bill-answer table").text, "text stays text"
