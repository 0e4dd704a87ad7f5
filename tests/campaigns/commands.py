"""Mutated command lines, generated from the commands' own declarations of arguments and options."""

from __future__ import annotations

import contextlib
import io
import json
import math
import random
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nasty
import typer
from attack import LONGEST_MESSAGE, Campaign
from samples import readers
from scenarios import written

from costmodel.catalog import loader, own
from costmodel.cli.app import app, main

QUICK = ("h100-hour", "token-market", "leapfrog", "moltbook-agents", "agent-task", "deepseek-v3-run", "frontier-ladder")
"""Scenarios that run in milliseconds, for most command lines."""
NUMBERS = ("0", "1", "2", "3", "7", "-1", "0.5", "nan", "inf", "1e400", "9" * 30, "²", "1_000", "0x10", "", "true")
DRAWS = ("1", "2", "5", "0", "-1", "3.5", "10000001", "9" * 20)
PATHS = ("utilisation", "price", "life", "capital.equity_cost", "name", "title", "nowhere", "hour.it_life", "a.b.c")
OUTPUTS = (
    "total",
    "user_spend@2030",
    "cost_per_token",
    "scenario.get",
    "design",
    "x",
    "total@2030",
    "summary",
    "draws",
)


@dataclass(frozen=True, slots=True)
class Command:
    """Command with its arguments and options."""

    words: tuple[str, ...]
    arguments: tuple[Any, ...]
    options: tuple[Any, ...]


def _commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[Command]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _commands(command, (*words, name))
            continue
        arguments = tuple(item for item in command.params if item.param_type_name == "argument")
        options = tuple(item for item in command.params if item.param_type_name == "option")
        yield Command((*words, name), arguments, options)


@cache
def commands() -> tuple[Command, ...]:
    """Return every command of the library."""
    return tuple(
        one for one in _commands(typer.main.get_command(app)) if one.words != ("explore",)
    )  # a server, which does not end


def line(chance: random.Random, folder: Path) -> list[str]:
    """Return a command line that is mostly valid, with a slip or an attack somewhere."""
    command = chance.choice(commands())
    given = [argument for argument in command.arguments if argument.required or chance.random() < 0.5]
    words = [*command.words, *(_word(argument.name, chance, folder) for argument in given)]
    for option in command.options:
        if chance.random() < (0.15 if len(command.options) > 6 else 0.3) or option.required:
            words.append(option.opts[0])
            if not option.is_flag:
                words += [_word(option.opts[0].lstrip("-"), chance, folder) for _ in range(option.nargs or 1)]
    if command.words[0] in ("run", "sensitivity", "compare", "backtest", "answer") and "--draws" not in words:
        words += ["--draws", "3"] if chance.random() < 0.3 and command.words[0] != "answer" else []
    if chance.random() < 0.3:
        _slip(words, chance)
    if chance.random() < 0.05:
        words[0:0] = ["--catalog", _file("records", chance, folder).parent.as_posix()]
    return [word.replace("\x00", "") for word in words]


def _slip(words: list[str], chance: random.Random) -> None:
    """Remove, double, swap, change or add a word."""
    at, way = chance.randrange(len(words)), chance.randrange(5)
    if way == 0:
        words.pop(at)
    elif way == 1:
        words.insert(at, words[at])
    elif way == 2:
        other = chance.randrange(len(words))
        words[at], words[other] = words[other], words[at]
    elif way == 3:
        words[at] = str(nasty.value(chance))[:2000]
    else:
        words.insert(at, chance.choice(("--json", "--help", "--nonsense", "--seed", "--draws", "-x", "--", "--set=")))


def _word(name: str, chance: random.Random, folder: Path) -> str:
    """Return a value for an argument or an option, by its name."""
    if chance.random() < 0.12:
        return str(nasty.value(chance))[:2000]
    if name in ("name", "first", "second", "rows", "source", "log", "bill", "table", "plan", "prices", "from"):
        return _named(name, chance, folder)
    if name == "draws":
        return chance.choice(DRAWS)
    if name == "workers":
        return chance.choice(("1", "0", "-1", "x"))
    if name == "set":
        value = chance.choice((*NUMBERS, str(nasty.value(chance))[:500], "0.4", "2 USD/hour"))
        return f"{chance.choice(PATHS)}{chance.choice(('=', '=', '=', '', '=='))}{value}"
    if name in ("out", "o", "focus"):
        return str(
            folder / chance.choice(("a.csv", "b.nc", "c.parquet", "d.html", "e.xlsx", "f.toml", "g", "no/h.csv"))
        )
    if name in ("output", "target", "solve", "against"):
        return chance.choice((*OUTPUTS, *PATHS, "total = 1.2", "utilisation=0.5"))
    if name in ("folder", "instances"):
        return str(folder)
    if name in ("words", "company", "maker", "domain", "before", "after", "number", "day"):
        return chance.choice(("H100", "Meta", "2025-12-31", "price", "serving", "capex", "1", "2026-02-30", "OpenAI"))
    return chance.choice((*NUMBERS, "price", "usd", "tokens", "model", "week", "2025", "sobol", "morris"))


def _named(name: str, chance: random.Random, folder: Path) -> str:
    """Return a scenario or a file for an argument."""
    if name in ("name", "first", "second"):
        if chance.random() < 0.6:
            return chance.choice(QUICK)
        if chance.random() < 0.15:
            return chance.choice(sorted(written()))
        return str(_scenario(chance, folder))
    kind = {
        "rows": "benchmark", "source": "config", "log": "log", "bill": "bill", "table": "panel", "plan": "plan",
        "prices": chance.choice(("prices", "map")), "from": chance.choice(("yearly", "facts")),
    }[name]  # fmt: skip
    return str(_file(kind, chance, folder))


def _scenario(chance: random.Random, folder: Path) -> Path:
    """Write a mutated scenario with a hostile title."""
    import tomli_w

    form = nasty.mutated(written()[chance.choice(QUICK)], chance, 1)
    form["title"] = chance.choice(nasty.TEXTS)[:300]
    path = folder / f"mine{chance.randrange(9)}.toml"
    try:
        path.write_bytes(tomli_w.dumps(form).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError, AttributeError, RecursionError):
        path.write_text("name = 1")
    return path


def _file(kind: str, chance: random.Random, folder: Path) -> Path:
    reader = readers()[kind]
    beside = folder / f"{kind}{chance.randrange(9)}"
    beside.mkdir(exist_ok=True)
    path = beside / reader.file
    path.write_bytes(reader.honest if chance.random() < 0.5 else nasty.damaged(reader.honest, chance))
    if kind == "records":
        path.with_name("sources.toml").write_text('[sheet]\ntitle = "A sheet"\ndate = "2026-01-05"\n')
    return path


def run_line(words: list[str]) -> tuple[Any, str, str]:
    """Run a command line in this process without lasting effects; return status, output and errors."""
    raw_out, raw_err = io.BytesIO(), io.BytesIO()
    out = io.TextIOWrapper(raw_out, encoding="utf-8", write_through=True)
    err = io.TextIOWrapper(raw_err, encoding="utf-8", write_through=True, errors="backslashreplace")
    before, show = sys.argv, warnings.showwarning
    used = list(own._used)
    code: Any = "no exit"
    try:
        sys.argv = ["costmodel", *words]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("default")
            main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv, warnings.showwarning = before, show
        if own._used != used:
            own._used[:] = used
            own.folders.cache_clear()
            loader.table.cache_clear()
        out.detach()
        err.detach()
    return code, raw_out.getvalue().decode("utf-8", "replace"), raw_err.getvalue().decode("utf-8", "replace")


def fault(words: list[str], code: Any, out: str, err: str) -> str | None:
    """Return the fault of a command line's outcome, or None."""
    if code not in (0, 1, 2, None):
        return f"status {code}"
    if "Traceback" in err or "Traceback" in out:
        return "traceback"
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in out + err) or "\u202e" in out + err:
        return "a sign that steers a terminal"
    said = [text for text in err.split("\n") if text]
    if not all(text.startswith(("costmodel: ", "not read: ")) for text in said):
        return f"errors that are not the library's | {err[:200]!r}"
    if any(len(text) > LONGEST_MESSAGE for text in said):
        return f"an error of {max(map(len, said))} characters"
    if "Warning" in err:
        return f"a warning of another library | {err[:200]!r}"
    errors = [text for text in said if not text.startswith(("costmodel: warning", "not read: "))]
    if code == 2 and (out or len(errors) != 1) and "Usage" not in out:
        return f"status 2 with {len(errors)} lines of error | {err[:100]!r} {out[:100]!r}"
    if code == 0 and "--json" in words and "--help" not in words and out.lstrip().startswith(("{", "[")):
        try:
            json.loads(out, parse_constant=_refuse)
        except ValueError as error:
            return f"JSON: {error}"
    return None


def _refuse(name: str) -> float:
    raise ValueError(f"{name} in JSON: {math.nan}")


def case(chance: random.Random, folder: Path) -> str | None:
    words = line(chance, folder)
    with contextlib.chdir(folder):  # a word may be the name of a file to write
        found = fault(words, *run_line(words))
    return None if found is None else f"{found} | {' '.join(words)[:300]}"


CAMPAIGN = Campaign(case, whole=2_000)
