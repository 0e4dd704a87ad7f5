"""A real browser for tests: headless Chromium from Debian, with checks of its pages by axe-core."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
PHONE, DESK = 390, 1280
"""Widths of a phone and of a desktop [pixel]."""


def needs_a_browser() -> None:
    """Skip tests that need a browser if none is installed."""
    pytest.importorskip("selenium")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("chromium and chromedriver are not installed")


@contextmanager
def browser(width: int) -> Iterator[Any]:
    """Yield a browser of this width, and assert that its console stays empty."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = CHROMIUM
    for text in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},1000"):
        options.add_argument(text)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width == PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.set_page_load_timeout(120)
    driver.set_script_timeout(120)
    try:
        yield driver
        assert driver.get_log("browser") == []
    finally:
        driver.quit()


def faults(driver: Any) -> list[str]:
    """Return the faults that the accessibility checker finds, contrast included."""
    axe = pytest.importorskip("axe_core_python.selenium").Axe()
    found = axe.run(driver)
    assert "color-contrast" in {rule["id"] for rule in (*found["passes"], *found["violations"])}, "not checked"
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found["violations"]]


def unseen_figures(driver: Any) -> list[str]:
    """Return the figures without size or text, or beyond the edge of the page."""
    return list(
        driver.execute_script(
            """return Array.from(document.querySelectorAll('figure svg')).filter((svg) => {
                 const box = svg.getBoundingClientRect();
                 return box.width < 150 || box.height < 80 || box.right > document.documentElement.clientWidth + 1
                   || !(svg.getAttribute('aria-label') || '').trim();
               }).map((svg) => svg.outerHTML.slice(0, 120));"""
        )
    )


def too_wide(driver: Any) -> int:
    """Return the excess of a page's width over the window's [pixel]."""
    return int(driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth"))


def sort_by_keyboard(driver: Any, region: str, column: int) -> tuple[list[float], list[float]]:
    """Press Enter twice on a table head; return the full values of its column after each."""
    from selenium.webdriver.common.keys import Keys

    button = driver.find_element("css selector", f"{region} th:nth-child({column}) button")
    read = (
        "return Array.from(document.querySelectorAll(arguments[0]))"
        ".map((cell) => parseFloat(cell.dataset.value)).filter((value) => !Number.isNaN(value));"
    )
    cells = f"{region} tbody td:nth-child({column})"
    driver.execute_script("arguments[0].focus()", button)
    orders = []
    for _ in range(2):
        driver.switch_to.active_element.send_keys(Keys.ENTER)
        orders.append([float(value) for value in driver.execute_script(read, cells)])
    return orders[0], orders[1]
