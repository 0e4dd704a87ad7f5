"""Server of the explorer: loopback only, with a token as in Jupyter, small requests and one computation at a time."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any
from urllib.parse import quote

from costmodel.explorer.session import Explorer, audit_html, lever_form
from costmodel.foundation.errors import CostModelError, DomainError, ScenarioError, missing_extra
from costmodel.foundation.version import VERSION

HOST = "127.0.0.1"
"""The address that the server binds to: this machine alone."""
MOST_QUESTION = 64 * 1024
"""Largest question [byte]."""
MOST_BILL = 8 * 2**20
"""Largest bill [byte]."""
MOST_WAITING = 64
"""Most requests that wait for their turn; further ones are refused and asked to retry [1]."""
PATIENCE = 20.0
"""Time within which the body of a request has to arrive [s]."""
TOKEN_BYTES = 24
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ASSETS = {
    "explorer.css": ("costmodel.explorer", "assets", "text/css"),
    "explorer.js": ("costmodel.explorer", "assets", "text/javascript"),
    "sort.js": ("costmodel.reporting", "templates", "text/javascript"),
}
"""Files that the page loads: package, folder, type."""


class RefusedError(Exception):
    """A rejected request, with reason and status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def build_app(explorer: Explorer, token: str, port: int, first: str) -> Any:
    """Return the application.

    Parameters
    ----------
    explorer
        What answers.
    token
        Secret that every request must carry: in the address once, then in a cookie.
    port
        Port on which it listens; part of the cookie's name and of the hosts that it answers to.
    first
        Name of the scenario that the page opens with.

    Raises
    ------
    MissingExtraError
        If Starlette is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError:
        raise missing_extra("explore", "the explorer") from None
    desk = _Desk(explorer, token, port, first)
    routes = [
        Route("/", desk.guarded(desk.page)),
        Route("/assets/{name}", desk.guarded(desk.asset)),
        Route("/api/scenarios", desk.guarded(desk.scenarios)),
        Route("/api/levers", desk.guarded(desk.levers), methods=["POST"]),
        Route("/api/answer", desk.guarded(desk.answer), methods=["POST"]),
        Route("/api/audit", desk.guarded(desk.audit), methods=["POST"]),
        Route("/api/download", desk.guarded(desk.download), methods=["POST"]),
    ]
    return Starlette(routes=routes)


class _Desk:
    """Handlers of requests: they check a request and pass it to the explorer."""

    def __init__(self, explorer: Explorer, token: str, port: int, first: str) -> None:
        from anyio import CapacityLimiter

        self.explorer, self.token, self.first = explorer, token, first
        self.cookie = f"costmodel-{port}"
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self.limiter = CapacityLimiter(1)

    def guarded(self, answer: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        """Return an endpoint that answers authorized requests, and refuses others with a message of one line."""

        async def endpoint(request: Any) -> Any:
            from starlette.responses import JSONResponse

            try:
                response = await self._known(request, answer)
            except RefusedError as error:
                response = JSONResponse({"error": error.reason}, error.status)
            except CostModelError as error:
                response = JSONResponse({"error": " ".join(str(error).split())[:1000]}, 422)
            response.headers.update(_HEADERS)
            return response

        return endpoint

    async def _known(self, request: Any, answer: Callable[[Any], Awaitable[Any]]) -> Any:
        from starlette.responses import RedirectResponse

        if request.headers.get("host") not in self.hosts:
            raise RefusedError(421, "this server answers to 127.0.0.1 and localhost alone")
        given = request.query_params.get("token")
        if given is not None and request.method == "GET" and self._is_token(given):
            response = RedirectResponse("/", 303)  # the token leaves the address, and with it the history
            response.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
            return response
        if not self._is_token(request.cookies.get(self.cookie, "")):
            raise RefusedError(403, "open the address that `costmodel explore` printed: it holds the token")
        if request.method == "POST" and request.headers.get("x-costmodel") != "1":
            raise RefusedError(403, "requests are accepted from the explorer's own page only")
        return await answer(request)

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.token.encode())

    async def page(self, request: Any) -> Any:
        from starlette.responses import HTMLResponse

        text = resources.files("costmodel.explorer").joinpath("assets", "explorer.html").read_text(encoding="utf-8")
        return HTMLResponse(text.replace("{{ version }}", VERSION))

    async def asset(self, request: Any) -> Any:
        from starlette.responses import Response

        name = request.path_params["name"]
        if name not in _ASSETS:
            raise RefusedError(404, "no such file")
        package, folder, kind = _ASSETS[name]
        return Response(resources.files(package).joinpath(folder, name).read_bytes(), media_type=kind)

    async def scenarios(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        return JSONResponse({"first": self.first, "names": list(self.explorer.names)})

    async def levers(self, request: Any) -> Any:
        question = await self._question(request)
        name = _text(question, "scenario")
        found, every = await self._turn(request, lambda: (self.explorer.levers(name), self.explorer.parameters(name)))
        from starlette.responses import JSONResponse

        return JSONResponse({"levers": [lever_form(one) for one in found], "every": [lever_form(one) for one in every]})

    async def answer(self, request: Any) -> Any:
        question = await self._question(request)
        name, changes = _text(question, "scenario"), _changes(question)
        draws = question.get("draws", 0)
        if isinstance(draws, bool) or not isinstance(draws, int):
            raise DomainError("draws: a whole number is needed")
        found = await self._turn(request, lambda: self.explorer.answer(name, changes, draws))
        from starlette.responses import JSONResponse

        return JSONResponse(found)

    async def audit(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        content = await _body(request, MOST_BILL)
        suffix = ".jsonl" if content.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{" else ".csv"
        return JSONResponse(await self._turn(request, lambda: audit_html(content, suffix)))

    async def download(self, request: Any) -> Any:
        from starlette.responses import Response

        question = await self._question(request)
        kind, name, changes = _text(question, "kind"), _text(question, "scenario"), _changes(question)
        content, media, file = await self._turn(request, lambda: self.explorer.download(kind, name, changes))
        disposition = f"attachment; filename*=UTF-8''{quote(file)}"
        return Response(content, media_type=media, headers={"Content-Disposition": disposition})

    async def _question(self, request: Any) -> dict[str, Any]:
        """Read a question: a JSON object."""
        try:
            form = json.loads(await _body(request, MOST_QUESTION))
        except (ValueError, RecursionError):
            raise RefusedError(400, "a question is a JSON object") from None
        if not isinstance(form, dict):
            raise RefusedError(400, "a question is a JSON object")
        return form

    async def _turn(self, request: Any, work: Callable[[], Any]) -> Any:
        """Wait for this request's turn and compute, unless its client has disconnected."""
        from anyio import to_thread

        if self.limiter.statistics().tasks_waiting >= MOST_WAITING:
            raise RefusedError(503, "many questions are waiting: ask again in a moment")
        async with self.limiter:
            if await request.is_disconnected():
                raise RefusedError(499, "the client has disconnected")
            return await to_thread.run_sync(work)


async def _body(request: Any, most: int) -> bytes:
    """Read the body of a request, up to a limit.

    Raises
    ------
    RefusedError
        If it is larger, or takes longer to arrive than `PATIENCE`.
    """
    import anyio

    taken = bytearray()
    try:
        with anyio.fail_after(PATIENCE):
            async for part in request.stream():
                taken += part
                if len(taken) > most:
                    raise RefusedError(413, f"more than {most:,} bytes")
    except TimeoutError:
        raise RefusedError(408, f"the body did not arrive within {PATIENCE:g} s") from None
    return bytes(taken)


def _text(question: dict[str, Any], key: str) -> str:
    value = question.get(key)
    if not isinstance(value, str):
        raise ScenarioError(f"{key}: a text is needed")
    return value


def _changes(question: dict[str, Any]) -> dict[str, Any]:
    value = question.get("changes", {})
    if not isinstance(value, dict):
        raise ScenarioError("changes: a table of parameters and numbers is needed")
    return value


def serve(explorer: Explorer, first: str, port: int, *, say: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    explorer
        What answers.
    first
        Scenario that the page opens with.
    port
        Port on which to listen; 0 for any free one.
    say
        Called once with the address to open, when it answers.

    Raises
    ------
    ScenarioError
        If the port is taken.
    MissingExtraError
        If Starlette or uvicorn is not installed.
    """
    try:
        import uvicorn
    except ImportError:
        raise missing_extra("explore", "the explorer") from None
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise ScenarioError(f"--port {port}: {error.strerror}") from None
    with listener:
        listener.listen()
        bound = listener.getsockname()[1]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        app = build_app(explorer, token, bound, first)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=20)
        say(f"http://{HOST}:{bound}/?token={token}")
        uvicorn.Server(config).run(sockets=[listener])
