"""Open the built site in a headless Chromium, on a phone and on a desk, and use its search.

``python docs/try_site.py SITE [PICTURES]`` fails on an error in the browser's console, a page wider than the screen, or
a search that finds nothing; with a second folder it keeps a picture of each page and width. Needs selenium, Chromium
and its driver.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WIDTHS = {"phone": 390, "desk": 1280}
"""Widths of the window [CSS pixel]."""
PAGES = (
    "index.html",
    "start.html",
    "accuracy.html",
    "model/flywheel.html",
    "generated/answers.html",
    "generated/validation.html",
    "generated/gallery/bond_flywheel.html",
    "generated/models/flywheel.html",
    "generated/reference/market.html",
)
SEARCHED = "depreciation"
PATIENCE = 30
"""Longest wait for the search [s]."""


class Quiet(SimpleHTTPRequestHandler):
    """Serve files without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """Open a headless Chromium."""
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def faults_of_page(driver: webdriver.Chrome, address: str, width: int) -> list[str]:
    """Return what is wrong with a page at a width."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    driver.get(address)
    found = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    wide = driver.execute_script("return document.documentElement.scrollWidth")
    if wide > width:
        found.append(f"{wide} pixels wide on a screen of {width}")
    found += driver.execute_script(
        "return [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => 'no picture: ' + i.src)"
    )
    return found


def main(site: Path, pictures: Path | None) -> int:
    """Open every page at every width, then search."""
    faults = []
    with served(site) as root, browser() as driver:
        for page in PAGES:
            for name, width in WIDTHS.items():
                faults += [f"{page}, {name}: {fault}" for fault in faults_of_page(driver, f"{root}/{page}", width)]
                if pictures:
                    pictures.mkdir(exist_ok=True)
                    driver.save_screenshot(str(pictures / f"{page.replace('/', '-')[:-5]}-{name}.png"))
        driver.get(f"{root}/search.html?q={SEARCHED}")
        results = WebDriverWait(driver, PATIENCE).until(lambda d: d.find_elements(By.CSS_SELECTOR, "ul.search li a"))
        print(f"{len(PAGES)} pages at {len(WIDTHS)} widths; {SEARCHED!r} is found on {len(results)} or more pages")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
