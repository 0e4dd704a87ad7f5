"""The explorer's server: it authenticates requests, limits their size, and never follows a path from a request."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import costmodel

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")
matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
matplotlib.use("Agg")

from costmodel.explorer import server  # noqa: E402
from costmodel.explorer.session import Explorer, levers_of  # noqa: E402
from costmodel.foundation.errors import CostModelError, DomainError, ScenarioError  # noqa: E402

pytestmark = pytest.mark.contract

TOKEN = "t0ken"


@dataclass
class Served:
    port: int

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> tuple[int, dict[str, str], bytes]:
        sent: dict[str, str] = {"Cookie": f"costmodel-{self.port}={TOKEN}", "x-costmodel": "1"}
        sent |= {key.replace("_", "-"): value for key, value in headers.items() if value is not None}
        sent = {key: value for key, value in sent.items() if headers.get(key.replace("-", "_"), "") is not None}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        line.request(method, path, content, sent)
        reply = line.getresponse()
        found = reply.status, {key.lower(): value for key, value in reply.getheaders()}, reply.read()
        line.close()
        return found

    def json(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        status, _, content = self.ask("POST", path, body)
        return status, json.loads(content)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    import socket

    listener = socket.socket()
    listener.bind((server.HOST, 0))
    listener.listen()
    port = listener.getsockname()[1]
    own = costmodel.load_scenario("h100-hour").replace({"name": "mine", "title": "<b>mine</b>"})
    app = server.build_app(Explorer(own), TOKEN, port, "mine")
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    for _ in range(400):
        if running.started:
            break
        time.sleep(0.05)
    yield Served(port)
    running.should_exit = True
    thread.join(20)
    listener.close()


def test_the_address_with_the_token_gives_a_cookie_and_leaves_the_history(served: Served) -> None:
    status, headers, _ = served.ask("GET", f"/?token={TOKEN}", Cookie=None)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    status, headers, page = served.ask("GET", "/")
    assert status == 200 and b"costmodel explorer" in page
    assert "script-src 'self'" in headers["content-security-policy"] and headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {"Cookie": None}, 403),
        ("GET", "/?token=wrong", {"Cookie": None}, 403),
        ("GET", "/", {"Host": "evil.example"}, 421),
        ("POST", "/api/answer", {"x_costmodel": None}, 403),
        ("POST", "/api/answer", {"Cookie": None}, 403),
        ("GET", "/api/answer", {}, 405),
        ("GET", "/assets/../session.py", {}, 404),
        ("GET", "/assets/%2e%2e%2fsession.py", {}, 404),
        ("GET", "/assets/explorer.html", {}, 404),
    ],
)
def test_who_is_not_known_gets_nothing(
    served: Served, method: str, path: str, headers: dict[str, str | None], status: int
) -> None:
    found, _, content = served.ask(method, path, b"{}" if method == "POST" else None, **headers)
    assert found == status
    assert b"Traceback" not in content and TOKEN.encode() not in content


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"scenario": "/etc/passwd"}, "no scenario"),
        ({"scenario": "../mine.toml"}, "no scenario"),
        ({"scenario": 3}, "a text is needed"),
        ({"scenario": "mine", "changes": {"nothing": 1}}, "no parameter"),
        ({"scenario": "mine", "changes": {"utilisation": "/etc/passwd"}}, "a finite number"),
        ({"scenario": "mine", "changes": {"utilisation": True}}, "a finite number"),
        ({"scenario": "mine", "changes": {"utilisation": 7.0}}, "outside the allowed range"),
        ({"scenario": "mine", "changes": [1]}, "a table of parameters"),
        ({"scenario": "mine", "draws": 10**9}, "0 to"),
        ({"scenario": "mine", "draws": "many"}, "a whole number"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_in_one_line(
    served: Served, question: dict[str, Any], said: str
) -> None:
    status, found = served.json("/api/answer", question)
    assert status == 422
    assert said in found["error"] and "\n" not in found["error"]


def test_what_is_no_question_or_too_large_is_refused(served: Served) -> None:
    assert served.ask("POST", "/api/answer", b"not json")[0] == 400
    assert served.ask("POST", "/api/answer", b"[" * 60_000)[0] == 400
    assert served.ask("POST", "/api/answer", b" " * (server.MOST_QUESTION + 1))[0] == 413
    assert served.ask("POST", "/api/audit", b"x" * (server.MOST_BILL + 1))[0] == 413


def test_the_answer_is_that_of_the_library_and_follows_a_slider(served: Served) -> None:
    status, found = served.json("/api/answer", {"scenario": "mine", "changes": {"utilisation": 0.5}})
    assert status == 200
    hour = costmodel.run(costmodel.load_scenario("h100-hour").replace({"utilisation": 0.5}))
    assert f"{float(hour.total):.4g} USD/hour" in found["answer"]
    assert found["title"] == "<b>mine</b>", "text stays text: the page sets it as such"
    assert "<script" not in found["table"]
    levers = served.json("/api/levers", {"scenario": "mine"})[1]
    assert levers["levers"][0]["path"] in {lever["path"] for lever in levers["every"]}
    assert all(lever["low"] < lever["high"] for lever in levers["every"])


def test_draws_give_an_interval_and_repeat(served: Served) -> None:
    question = {"scenario": "token-planner", "changes": {}, "draws": 50}
    first = served.json("/api/answer", question)[1]
    assert "of draws" in first["answer"] and first["figures"]
    assert all(figure["svg"].startswith("<svg role=") and figure["caption"] for figure in first["figures"])
    assert served.json("/api/answer", question)[1] == first


def test_the_inputs_that_matter_most_come_first() -> None:
    found = levers_of(costmodel.load_scenario("h100-hour"))
    from costmodel.analysis.one_at_a_time import tornado

    swings = tornado(costmodel.load_scenario("token-planner"), ["blended_cost"], draws=0).table().records()
    ranked = [lever.path for lever in levers_of(costmodel.load_scenario("token-planner"))]
    assert ranked[: len(swings)] == [row["input"] for row in swings]
    assert 0 < len(found) <= 8


def test_downloads_hold_the_changed_scenario(served: Served) -> None:
    question = {"scenario": "mine", "changes": {"utilisation": 0.5}}
    status, headers, content = served.ask("POST", "/api/download", {**question, "kind": "toml"})
    assert status == 200 and "attachment" in headers["content-disposition"]
    assert b"utilisation = 0.5" in content
    status, _, content = served.ask("POST", "/api/download", {**question, "kind": "xlsx"})
    assert status == 200 and content[:2] == b"PK"
    status, _, content = served.ask("POST", "/api/download", {**question, "kind": "html"})
    assert status == 200 and b"utilisation=0.5" in content and b"<b>mine</b>" not in content
    assert served.json("/api/download", {**question, "kind": "../x"})[0] == 422


def test_a_bill_is_audited_and_a_broken_one_refused(served: Served) -> None:
    bill = (
        "ProviderName,ChargePeriodStart,ChargeCategory,ChargeDescription,ListCost,EffectiveCost,PricingQuantity,"
        "PricingUnit,BillingCurrency\n"
        "<i>Cloud</i>,2026-05-01T06:00:00Z,Usage,8-GPU server on demand,55.04,44.03,1.0,Hours,USD\n"
    )
    status, _, content = served.ask("POST", "/api/audit", bill.encode())
    found = json.loads(content)
    assert status == 200, content
    assert "44.03 USD" in found["answer"] and "<i>" not in found["table"]
    status, _, content = served.ask("POST", "/api/audit", b"\xff\xfe not a bill")
    assert status == 422 and b"error" in content and b"Traceback" not in content


def test_a_session_refuses_what_the_page_does_not_send() -> None:
    explorer = Explorer()
    with pytest.raises(ScenarioError, match="at most"):
        explorer.scenario("h100-hour", {f"p{place}": 1.0 for place in range(61)})
    with pytest.raises(DomainError, match="finite"):
        explorer.scenario("h100-hour", {"utilisation": float("nan")})
    with pytest.raises(CostModelError):
        explorer.download("pdf", "h100-hour", {})


def test_a_port_that_is_taken_is_said() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        with pytest.raises(ScenarioError, match="--port"):
            server.serve(Explorer(), "h100-hour", taken.getsockname()[1], say=print)
