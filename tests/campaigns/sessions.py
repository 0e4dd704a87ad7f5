"""Concurrent sessions of the explorer, valid and hostile: every request gets its own answer, and none is lost."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

from attack import Campaign, Chance

from costmodel import entry
from costmodel.explorer.server import HOST, build_app
from costmodel.explorer.session import Explorer

SESSIONS = 50
"""Number of concurrent sessions [1]."""
PATIENCE = 60.0
"""Longest time to an answer [s]."""
TOKEN = "a-token-of-the-campaign"
ATTACKS = (
    ("/", {"Host": "evil.example"}, None, {421}),
    ("/api/scenarios", {"Cookie": "costmodel-{port}=wrong"}, None, {403}),
    ("/assets/..%2f..%2fserver.py", {}, None, {404}),
    ("/assets/%2e%2e/%2e%2e/etc/passwd", {}, None, {404}),
    ("/api/levers", {}, b'{"scenario": "../../../etc/passwd"}', {422}),
    ("/api/levers", {}, b'{"scenario": "/dev/zero"}', {422}),
    ("/api/levers", {}, b"[" * 60_000, {400}),
    ("/api/answer", {}, b"x" * 70_000, {413}),
    ("/api/answer", {"X-Costmodel": "0"}, b"{}", {403}),
    ("/api/answer", {}, b'{"scenario": "h100-hour", "draws": 1000000000}', {422}),
    ("/api/answer", {}, b'{"scenario": "h100-hour", "changes": {"utilisation": "1e999"}}', {422}),
    ("/api/download", {}, b'{"kind": "../x", "scenario": "h100-hour"}', {422}),
)
"""Path, changed headers, body, and allowed statuses of each attack."""


@cache
def _port() -> int:
    """Start a server once, in a thread of this process; return its port."""
    import socket

    import uvicorn

    listener = socket.socket()
    listener.bind((HOST, 0))
    listener.listen()
    port = int(listener.getsockname()[1])
    app = build_app(Explorer(), TOKEN, port, "h100-hour")
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    return port


def _ask(path: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
    port = _port()
    usual = {"Cookie": f"costmodel-{port}={TOKEN}", "X-Costmodel": "1"}
    changed = {key: value.format(port=port) for key, value in headers.items()}
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", data=body, headers={**usual, **changed})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def _honest(utilisation: float) -> str | None:
    """Ask for the price of an hour at one utilisation; return the fault of the answer, or None."""
    asked = {"scenario": "h100-hour", "changes": {"utilisation": utilisation}}
    status, said = _ask("/api/answer", {}, json.dumps(asked).encode())
    if status != 200:
        return f"status {status} | {said[:200]!r}"
    other, again = _ask("/api/answer", {}, json.dumps(asked).encode())
    if (other, _figures(said)) != (200, _figures(again)):
        return "the same question has two answers"
    wanted = float(entry.run(entry.load_scenario("h100-hour").replace({"utilisation": utilisation})).total)
    return None if _holds(json.loads(said), wanted) else f"{wanted:.6g} is not in the answer | {said[:300]!r}"


def _figures(said: bytes) -> dict[str, Any]:
    """Return the content of an answer without its elapsed time."""
    return {key: value for key, value in json.loads(said).items() if key not in ("seconds", "time")}


def _holds(form: Any, wanted: float) -> bool:
    """Whether an answer contains a number, or a text with the rounded number."""
    if isinstance(form, dict):
        return any(_holds(item, wanted) for item in form.values())
    if isinstance(form, list):
        return any(_holds(item, wanted) for item in form)
    if isinstance(form, int | float) and not isinstance(form, bool):
        return abs(form - wanted) <= 1e-9 * wanted
    return isinstance(form, str) and f"{wanted:.4g}" in form


def _attack(which: int) -> str | None:
    path, headers, body, allowed = ATTACKS[which % len(ATTACKS)]
    status, said = _ask(path, headers, body)
    if status not in allowed:
        return f"{path} {headers}: status {status} | {said[:200]!r}"
    return "an answer shows a traceback" if b"Traceback" in said or b"root:" in said else None


def case(chance: Chance, folder: Path) -> str | None:
    """Run all sessions at once, every third of them hostile."""
    found: dict[int, str | None] = {}
    numbers = [0.3 + 0.6 * chance.random() for _ in range(SESSIONS)]

    def session(number: int) -> None:
        try:
            found[number] = _attack(number + chance.index) if number % 3 == 2 else _honest(numbers[number])
        except Exception as error:  # noqa: BLE001 - a lost request is a finding, for any cause
            found[number] = f"lost: {type(error).__name__} {error}"

    _port()
    threads = [threading.Thread(target=session, args=(number,)) for number in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost = SESSIONS - len(found)
    if lost:
        return f"{lost} of {SESSIONS} sessions were lost"
    return next((fault for fault in found.values() if fault is not None), None)


CAMPAIGN = Campaign(case, whole=12)
