"""What surrounds every request: host, trace, body limit, security headers, the last resort."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import DoorError, InternalError, InvalidHost, PayloadTooLarge
from api.problems import problem_response

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Set on every answer, errors included."""

Observe: TypeAlias = Callable[[str, str, int, float, str], None]
"""``(method, route, status, seconds, trace)``: told of every answered request."""

log = logging.getLogger("dure.http")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a body may be.

    Attributes:
        body_bytes: for every route but those in `large_routes`.
        large_body_bytes: for those.
        large_routes: paths that take whole files.
    """

    body_bytes: int = 256 * 1024
    large_body_bytes: int = 16 * 1024 * 1024
    large_routes: Sequence[str] = (
        "/rounds/imports",
        "/score-imports",
        "/usage-batches",
        "/usage-gauges",
        "/reconciliations",
    )

    def of(self, path: str) -> int:
        """Return the limit of a path, in bytes."""
        large = path.rstrip("/").endswith(tuple(self.large_routes))
        return self.large_body_bytes if large else self.body_bytes


class Surroundings:
    """Wraps the application once; pure ASGI, so that streams are not buffered.

    Args:
        app: what it wraps.
        clock: gives the instant a request arrived.
        trace: gives a new trace id of 32 hexadecimal digits.
        hosts: names the service answers to; ``*`` for all.
        limits: body limits.
        observe: told of every request after its answer.
    """

    def __init__(  # noqa: PLR0913 - the composition root hands over six independent things
        self,
        app: ASGIApp,
        *,
        clock: Callable[[], datetime],
        trace: Callable[[], str],
        hosts: Sequence[str],
        limits: Limits,
        observe: Callable[[], Observe],
    ) -> None:
        self.app = app
        self.clock = clock
        self.trace = trace
        self.hosts = frozenset(hosts)
        self.limits = limits
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, house: Surroundings, scope: Scope, receive: Receive, send: Send) -> None:
        self.house = house
        self.scope = scope
        self._receive = receive
        self._send = send
        self.headers = Headers(scope=scope)
        self.trace_id = _trace_of(self.headers.get("traceparent")) or house.trace()
        self.started = time.perf_counter()
        self.status = 0
        self.taken = 0
        state = scope.setdefault("state", {})
        state["trace_id"] = self.trace_id
        state["received_at"] = house.clock()
        state["language"] = self.headers.get("accept-language", "")

    async def run(self) -> None:
        try:
            self.refuse_early()
            await self.house.app(self.scope, self.receive, self.send)
        except DoorError as error:
            await self.answer_error(error)
        except Exception:
            log.exception("unhandled error, trace %s", self.trace_id)
            await self.answer_error(InternalError())
        finally:
            self.note()

    def refuse_early(self) -> None:
        host = self.headers.get("host", "").rsplit("@")[-1].split(":")[0].lower()
        if "*" not in self.house.hosts and host not in self.house.hosts:
            raise InvalidHost(host=host[:255])
        length = self.headers.get("content-length", "")
        limit = self.house.limits.of(self.scope["path"])
        if length.isdecimal() and int(length) > limit:
            raise PayloadTooLarge(limit=limit, got=int(length))

    async def receive(self) -> Message:
        message = await self._receive()
        self.taken += len(message.get("body", b""))
        limit = self.house.limits.of(self.scope["path"])
        if self.taken > limit:
            raise PayloadTooLarge(limit=limit, got=self.taken)
        if message["type"] == "http.request" and not message.get("more_body", False):
            # Received is what has arrived whole: a body held open over a deadline is late.
            self.scope["state"]["received_at"] = self.house.clock()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
            headers.setdefault("Vary", "Accept-Language, Authorization")
            headers["traceresponse"] = f"00-{self.trace_id}-{self.trace_id[:16]}-00"
        await self._send(message)

    async def answer_error(self, error: DoorError) -> None:
        if self.status:
            return  # the answer had begun; the connection breaks off, which the client sees
        response = problem_response(self.scope, error)
        await response(self.scope, self._receive, self.send)

    def note(self) -> None:
        route = getattr(self.scope.get("route"), "path", "unmatched")
        seconds = time.perf_counter() - self.started
        status = self.status or 500
        self.house.observe()(self.scope["method"], route, status, seconds, self.trace_id)


def _trace_of(traceparent: str | None) -> str | None:
    parts = (traceparent or "").split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or set(parts[1]) - set("0123456789abcdef"):  # noqa: PLR2004 - W3C Trace Context: version-trace-parent-flags
        return None
    return parts[1] if parts[1].strip("0") else None
