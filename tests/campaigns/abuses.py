"""Abuses by name: single actions of a user, or of a foreign file, that the library must withstand."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nasty
import numpy as np
from attack import Campaign, Chance, message_fault
from commands import fault, run_line
from samples import readers

from costmodel import entry
from costmodel.analysis import break_even, run_ensemble
from costmodel.analysis.studies import sensitivity
from costmodel.foundation.design import Design
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import CostModelError, near_matches
from costmodel.foundation.reducers import LogHistogram, Moments

Abuse = Callable[[Path], str | None]
ABUSES: dict[str, Abuse] = {}
REACHED = (
    "scenario.get", "scenario", "__class__", "__init__", "save", "to_frame", "summary", "table", "design", "outputs",
    "scenario.replace", "total.__class__", "total.tofile", "version", "total.T", "_words",
)  # fmt: skip
"""Attributes of a result that are not outputs."""
PLAIN_LINES = (
    ["run", "token-planner", "--json"], ["describe", "h100-hour", "life"], ["catalog", "H100"],
)  # fmt: skip
SENSELESS_TARGETS = (
    "total = nan", "total = inf", "total", "= 1", "total == 1", "total = 1e999", "total = 1 apples", "", "=" * 500,
)  # fmt: skip
SENSELESS: tuple[dict[str, Any], ...] = (
    {"dist": "normal", "mean": 0, "sd": 0}, {"dist": "normal", "p5": 2, "p95": 1},
    {"dist": "uniform", "low": 1, "high": 1}, {"dist": "empirical", "values": []},
    {"dist": "empirical", "values": [1.0] * 2_000_000}, {"dist": "discrete", "values": [1], "weights": [-1]},
    {"dist": "beta", "a": 1e-300, "b": 1e-300}, {"dist": "lognormal", "p5": 1e-300, "p95": 1e300},
    {"dist": "normal", "mean": True, "sd": 1},
)  # fmt: skip


def abuse(function: Abuse) -> Abuse:
    """Register an abuse under its name."""
    ABUSES[function.__name__] = function
    return function


def refused(*words: str, says: str = "") -> str | None:
    """Run a command line that must be refused in one line."""
    code, out, err = run_line(list(words))
    found = fault(list(words), code, out, err)
    if found is None and code != 2:
        found = f"status {code}, and not refused"
    if found is None and says not in err:
        found = f"{err[:200]!r} does not say {says!r}"
    return found


def refuses(act: Callable[[], Any], says: str = "") -> str | None:
    """Call a function that must be refused in one line."""
    try:
        act()
    except CostModelError as error:
        return message_fault(error) or (None if says in str(error) else f"{str(error)[:200]!r} does not say {says!r}")
    return "it was not refused"


@abuse
def a_pipe_in_every_place_of_a_file(folder: Path) -> str | None:
    for name, reader in readers().items():
        path = folder / name / reader.file
        path.parent.mkdir()
        os.mkfifo(path)
        found = refuses(lambda path=path, reader=reader: reader.read(path))
        if found is not None:
            return f"{name}: {found}"
    return refused("run", str(folder / "scenario" / "mine.toml"), says="pipe")


@abuse
def a_result_that_is_a_pipe(folder: Path) -> str | None:
    os.mkfifo(folder / "run.nc")
    return refuses(lambda: entry.load_result(folder / "run.nc"))


@abuse
def a_file_of_dotted_keys(folder: Path) -> str | None:
    path = folder / "mine.toml"
    path.write_text("a." * 40_000 + "a = 1")
    return refused("run", str(path), says="parts") or refused("run", "h100-hour", "--set", "a." * 40_000 + "a=1")


@abuse
def many_long_tables(folder: Path) -> str | None:
    path = folder / "mine.toml"
    path.write_text("".join(f"[a{i}.{'b.' * 30}c]\nx = 1\n" for i in range(20_000)))
    return refused("run", str(path))


@abuse
def a_long_key_and_near_matches(folder: Path) -> str | None:
    near_matches("y" * 120_000, entry.load_scenario("bond-flywheel").paths())
    return refuses(lambda: entry.load_scenario("h100-hour").replace({"y" * 120_000: 1}))


@abuse
def a_source_key_of_120000_letters(folder: Path) -> str | None:
    form = entry.load_scenario("h100-hour").written()
    form["utilisation"] = {"value": 0.5, "source": "y" * 120_000}
    return refuses(lambda: entry.scenario_from(form))


@abuse
def numbers_of_400_and_5000_digits(folder: Path) -> str | None:
    for digits in (400, 5000):
        found = refused("run", "h100-hour", "--set", f"utilisation={'9' * digits}", says="utilisation")
        if found is not None:
            return found
    (folder / "mine.toml").write_text(f'base = "h100-hour"\nutilisation = {"9" * 5000}\n')
    return refused("run", str(folder / "mine.toml"))


@abuse
def digits_that_are_none(folder: Path) -> str | None:
    for text in ("²", "1²", "٣", "½", "１"):
        found = refused("run", "h100-hour", "--set", f"utilisation={text}") or refused("answer", text)
        found = found or refused("backtest", "bond-flywheel", "--as-of", text)
        found = found or refuses(lambda text=text: entry.load_scenario("h100-hour").replace({f"sources.{text}": 1}))
        if found is not None:
            return f"{text}: {found}"
    return None


@abuse
def markup_and_escapes_in_every_text(folder: Path) -> str | None:
    for text in (
        "[/]",
        "[bold]x[/bold]",
        "[link=javascript:alert(1)]x[/link]",
        "\x1b[2J\x1b[31mred",
        "a\u202eb",
        "a\x07",
    ):
        scenario = entry.load_scenario("h100-hour")
        form = scenario.written()
        form |= {"title": text, "description": text, "not_modelled": [text], "misses": [text], "name": text}
        form["sources"] = {**form.get("sources", {}), "x": {"title": text, "link": text}}
        form["utilisation"] = {"value": 0.5, "source": "x", "note": text}
        path = folder / "mine.toml"
        path.write_text(entry.scenario_from(form).to_toml(), encoding="utf-8")
        for words in (
            ["run", str(path)], ["run", str(path), "--json"], ["show", str(path)], ["describe", str(path)],
            ["diff", str(path), "h100-hour"], ["compare", str(path), "h100-hour"], ["show", str(path), "--json"],
            ["sensitivity", str(path), "--output", "total"], ["report", str(path), "-o", str(folder / "a.html")],
            ["report", str(path), "-o", str(folder / "a.xlsx")],
        ):  # fmt: skip
            found = fault(words, *run_line(words))
            if found is not None:
                return f"{' '.join(words[:1])} with {text!r}: {found}"
    return None


@abuse
def a_page_with_scripts(folder: Path) -> str | None:
    form = entry.load_scenario("h100-hour").written()
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    form |= {"title": attack, "description": attack, "not_modelled": [attack], "misses": [attack]}
    form["sources"] = {
        **form.get("sources", {}),
        "x": {"title": attack, "link": "javascript:alert(1)", "date": attack},
        "y": {"title": "y", "link": "data:text/html,<script>alert(1)</script>"},
        "z": {"title": "z", "link": 'https://a.b/"onmouseover="alert(1)'},
    }
    form["utilisation"] = {"value": 0.5, "source": "x", "note": attack}
    path, page = folder / "mine.toml", folder / "a.html"
    path.write_text(entry.scenario_from(form).to_toml(), encoding="utf-8")
    for use in ("x", "y", "z"):
        path.write_text(path.read_text().replace('source = "x"', f'source = "{use}"'), encoding="utf-8")
        code, _, err = run_line(["report", str(path), "-o", str(page)])
        if code not in (0, None):
            return f"status {code}: {err}"
        text = page.read_text(encoding="utf-8").lower()
        for sign in ("<script>alert", "<img src=x", 'href="javascript', 'href="data:', '"onmouseover="'):
            if sign in text:
                return f"{sign!r} stands in the page"
    html = entry.run(path)._repr_html_() if hasattr(entry.run(path), "_repr_html_") else ""
    html += entry.describe(path)._repr_html_()
    return "a table shows markup" if "<script>" in html or "<img src=x" in html else None


@abuse
def cells_that_begin_a_formula(folder: Path) -> str | None:
    from costmodel.formats.focus import write
    from costmodel.foundation.tables import Table

    starts = ("=1+1", "+1", "-x", "@a", "\t=1", "\r=1", "=cmd|'/c calc'!A1")
    text = Table(None, ("a", "b"), [(start, 1.5) for start in starts]).to_csv() if _table_takes(Table) else ""
    for start in starts:
        if any(line.lstrip('"').startswith(start) for line in text.splitlines()):
            return f"{start!r} begins a cell of a CSV"
    row = {
        "BillingAccountId": "=1+1", "BillingAccountType": "account", "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-05-01T00:00:00Z", "BillingPeriodEnd": "2026-06-01T00:00:00Z",
        "ChargePeriodStart": "2026-05-01T00:00:00Z", "ChargePeriodEnd": "2026-05-02T00:00:00Z",
        "ChargeCategory": "Usage", "InvoiceIssuerName": "@A", "ProviderName": "+A", "PublisherName": "-A",
        "ServiceCategory": "Compute", "ServiceName": "=GPU()", "BilledCost": -0.5, "ContractedCost": 0.1,
        "EffectiveCost": 0.1, "ListCost": 0.1,
    }  # fmt: skip
    import csv
    import io

    cells = [cell for line in csv.reader(io.StringIO(write([row]))) for cell in line]
    bad = [cell for cell in cells if cell[:1] in "=@+" and cell] + [cell for cell in cells if cell == "-A"]
    if bad:
        return f"{bad[0]!r} begins a cell of a FOCUS table"
    return None if "-0.5" in cells else "a negative cost lost its form"


def _table_takes(kind: Any) -> bool:
    import inspect

    return list(inspect.signature(kind).parameters)[:3] == ["title", "columns", "rows"]


@abuse
def an_output_that_reaches_anything(folder: Path) -> str | None:
    for name in REACHED:
        for words in (
            ["sensitivity", "h100-hour", "--output", name], ["compare", "h100-hour", "h100-hour", "--output", name],
            ["breakeven", "h100-hour", "--solve", "utilisation", "--target", f"{name} = 1"],
        ):  # fmt: skip
            found = refused(*words)
            if found is not None:
                return f"{' '.join(words)}: {found}"
        found = refuses(lambda name=name: run_ensemble(entry.load_scenario("h100-hour"), name, draws=2, rng=0))
        if found is not None:
            return f"run_ensemble {name}: {found}"
    return None


@abuse
def python_without_docstrings(folder: Path) -> str | None:
    for flag in ("-OO",):
        for words in PLAIN_LINES:
            outputs = [
                subprocess.run(
                    [sys.executable, *flags, "-m", "costmodel.cli.app", *words], capture_output=True, text=True,
                    check=False, env={**os.environ, "PYTHONPATH": str(Path(entry.__file__).parents[1])}, timeout=80,
                )
                for flags in ([], [flag])
            ]  # fmt: skip
            if outputs[0].stdout != outputs[1].stdout or outputs[1].returncode:
                return f"{flag} {' '.join(words)}: {outputs[1].stderr[-300:]!r}"
    return None


@abuse
def half_months_to_2500(folder: Path) -> str | None:
    for name in ("from-2026", "bond-flywheel"):
        for end in ("2500-01-01", "9999-01-01"):
            words = ["run", name, "--set", f"time.end={end}", "--set", "time.step=half-month"]
            found = refused(*words, says="steps")
            if found is not None:
                return f"{' '.join(words)}: {found}"
    return None


@abuse
def a_billion_draws(folder: Path) -> str | None:
    for name in ("h100-hour", "bond-flywheel"):
        scenario = entry.load_scenario(name)
        found = refused("run", name, "--draws", "1000000000")
        found = found or refuses(lambda name=name: entry.run(name, draws=10**9, rng=0), "memory")
        found = found or refuses(lambda scenario=scenario: run_ensemble(scenario, draws=10**15, rng=0), "draws")
        found = found or refuses(
            lambda scenario=scenario: sensitivity(scenario, "total", method="sobol", base_points=10**12, rng=0)
        )
        if found is not None:
            return f"{name}: {found}"
    return None


@abuse
def draws_of_no_number(folder: Path) -> str | None:
    scenario = entry.load_scenario("h100-hour")
    for draws in (0, -1, 1.5, True, "3", float("nan"), np.int64(0), None):
        if draws is None:
            continue
        found = refuses(lambda draws=draws: entry.run(scenario, draws=draws, rng=0))
        if found is not None:
            return f"draws={draws!r}: {found}"
    for seed in (-1, np.int64(-1), 1.5, "3", float("nan"), [1, 2, -3], True, object()):
        found = refuses(lambda seed=seed: entry.run(scenario, draws=2, rng=seed))
        if found is not None:
            return f"rng={seed!r}: {found}"
    design = Design.random(scenario, 2, 0)
    return refuses(lambda: entry.run(scenario, draws=2, design=design)) or refuses(
        lambda: run_ensemble(scenario, draws=2, design=design)
    )


@abuse
def a_ladder_of_a_million_years(folder: Path) -> str | None:
    paths = entry.load_scenario("frontier-ladder").paths()
    for path in [*paths, "years", "first_year", "last_year", "start", "end"]:
        for value in (10**6, 10**9, "9999-01-01"):
            words = ["run", "frontier-ladder", "--json", "--set", f"{path}={value}"]
            code, out, err = run_line(words)
            found = fault(words, code, out, err)
            if found is None and len(out) > 10**7:
                found = f"{len(out)} characters of output"
            if found is not None:
                return f"{path}={value}: {found}"
    return None


@abuse
def every_number_at_its_ends(folder: Path) -> str | None:
    """Try every number at its ends, such as counts of steps or years that determine the amount of work."""
    for name in ("h100-hour", "h100-project", "token-market", "moltbook-agents", "leapfrog", "discovered-kernel",
                 "training-planner", "deepseek-v3-run", "frontier-ladder", "agent-task"):  # fmt: skip
        form = entry.load_scenario(name).written()
        for holder, key in list(nasty.places(form)):
            if not isinstance(holder, dict) or isinstance(holder[key], bool | str | dict | list):
                continue
            kept = holder[key]
            for value in (10**6, 10**12, 1e300):
                holder[key] = value if isinstance(kept, int) else float(value)
                try:
                    entry.run(entry.scenario_from(form))
                except CostModelError as error:
                    found = message_fault(error)
                    if found is not None:
                        return f"{name} {key}={value}: {found}"
            holder[key] = kept
    return None


@abuse
def reducers_beyond_1e154(folder: Path) -> str | None:
    values = np.array([1e200, 3e200, -2e200, 1e300, 1.5e308, -1.5e308])
    moments = Moments.of(values)
    both = Moments.of(values[:3]).merge(Moments.of(values[3:]))
    for found in (moments, both):
        if not np.isfinite(found.mean) or not np.isclose(found.mean, values[:4].sum() / 6.0 + 0.0):
            return f"the mean is {found.mean}"
        if not np.isfinite(found.deviation) or not np.isclose(found.deviation, np.std(values / 1e200, ddof=1) * 1e200):
            return f"the deviation is {found.deviation}"
    LogHistogram.of(values).quantile(0.5)
    return None


@abuse
def threads_at_once(folder: Path) -> str | None:
    """Compare runs in several threads of one process with a single run."""
    alone = float(entry.run("h100-hour").total)
    found: list[object] = []

    def work() -> None:
        try:
            found.append(float(entry.run("h100-hour").total))
            entry.load_scenario("token-market").describe()
        except Exception as error:  # noqa: BLE001 - counted below
            found.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return None if found == [alone] * 16 else f"threads give {set(map(str, found))}"


@abuse
def targets_of_no_sense(folder: Path) -> str | None:
    scenario = entry.load_scenario("h100-hour")
    for target in (
        "total = nan",
        "total = inf",
        "total",
        "= 1",
        "total == 1",
        "total = 1e999",
        "total = 1 apples",
        "",
        "=" * 500,
    ):
        found = refuses(lambda target=target: break_even(scenario, "utilisation", target))
        if found is not None:
            return f"{target!r}: {found}"
    return None


@abuse
def distributions_of_no_sense(folder: Path) -> str | None:
    for form in SENSELESS:
        try:
            drawn = Distribution.parse(form, "1")
            if np.isnan(drawn.ppf(np.array([1e-9, 0.5, 1 - 1e-9]))).any():
                return f"{form}: draws that are no numbers"
        except CostModelError as error:
            found = message_fault(error)
            if found is not None:
                return f"{str(form)[:80]}: {found}"
    return None


def case(chance: Chance, folder: Path) -> str | None:
    name = sorted(ABUSES)[chance.index % len(ABUSES)]
    found = ABUSES[name](folder)
    return None if found is None else f"{name}: {found}"


CAMPAIGN = Campaign(case, whole=len(ABUSES))
