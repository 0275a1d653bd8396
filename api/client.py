"""A center seen over HTTP: one method a verb of the protocol, refusals as exceptions."""

import copy
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

import httpx

from api.plain_json import encode

Body: TypeAlias = Any
"""A JSON value as it travels."""

API = "/api/v1"
ATTEMPTS = 4
"""How often a request that is safe to repeat is sent before we give up."""
PAUSE_SECONDS = 0.25
"""The first pause between attempts; each later one is twice as long."""
LONGEST_PAUSE_SECONDS = 5.0
AWAY = frozenset({502, 503, 504})
"""Statuses that say the server is away; with an idempotency key everything may be repeated."""
NO_READ_LIMIT = httpx.Timeout(10.0, read=60.0)
"""A stream of events is silent for at most 15 s; a quiet minute means it is dead."""


class ClientError(Exception):
    """The center did not do what was asked.

    +-- `Unreachable`   nobody answered, or the server is away; try later
    +-- `Refusal`       the center answered no, with a code
    +-- `Rehearsed`     nothing was sent, because only a rehearsal was asked for
    """


class Unreachable(ClientError):  # noqa: N818 - it says what happened
    """Nobody answered; the same request may work later."""


class Refusal(ClientError):  # noqa: N818 - a refusal, named as such everywhere
    """The center refused, in the words of RFC 9457.

    Attributes:
        status: the HTTP status.
        problem: the whole problem document.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or status))
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable name of the refusal, such as ``call-closed``."""
        return str(self.problem.get("code", ""))


class Rehearsed(ClientError):  # noqa: N818 - it is no error
    """A change was asked for in a rehearsal.

    Attributes:
        request: the method, the path and the body that would have been sent.
    """

    def __init__(self, method: str, path: str, body: Body) -> None:
        super().__init__(f"{method} {path}")
        self.request = {"method": method, "path": path, "body": body}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the center answered: a JSON value, its version and where it lies."""

    body: Body
    etag: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """One server-sent event."""

    name: str
    body: Body
    id: str = ""


class Client:
    """A connection to one center as one person.

    Args:
        server: where it listens, such as ``http://127.0.0.1:8000``.
        token: whose it is; empty for nobody.
        language: ``ko`` or ``en``, for the words of refusals.
        new_key: makes idempotency keys.
        rehearsal: read, but raise `Rehearsed` instead of changing anything.
        transport: replaces the network, in tests.
    """

    def __init__(  # noqa: PLR0913 - what a test or a person may want otherwise
        self,
        server: str,
        token: str = "",
        *,
        language: str = "en",
        new_key: Callable[[], str] = lambda: uuid.uuid4().hex,
        rehearsal: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Accept-Language": language, "User-Agent": "dure"}
        self._new_key = new_key
        self._rehearsal = rehearsal
        self._bearer = _bearer(token)
        self._http = httpx.Client(
            base_url=server, headers=headers, timeout=30.0, transport=transport
        )

    def as_person(self, token: str) -> "Client":
        """Return a client of the same center for another person, over the same connections."""
        other = copy.copy(self)
        other._bearer = _bearer(token)  # noqa: SLF001 - a copy of ourselves
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Answer:  # noqa: ANN401 - any query value
        """Read a resource."""
        return self._send("GET", path, query=query)

    def text(self, path: str, *, accept: str) -> str:
        """Read a resource that is not JSON."""
        response = self._repeat("GET", path, headers={"Accept": accept})
        _refuse(response)
        return response.text

    def content(self, path: str, *, accept: str, **query: Any) -> bytes:  # noqa: ANN401 - any query value
        """Read a resource in one of its forms, as it comes."""
        response = self._repeat("GET", path, query=query, headers={"Accept": accept})
        _refuse(response)
        return response.content

    def pages(self, path: str, **query: Any) -> Iterator[Body]:  # noqa: ANN401 - the same
        """Yield every row of a list, page after page."""
        cursor: str | None = None
        while True:
            answer = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            yield from answer.body["items"]
            cursor = answer.body.get("next_cursor")
            if not cursor:
                return

    def create(self, path: str, body: Body = None, *, etag: str = "", key: str = "") -> Answer:
        """Create a resource; the key makes repeating it harmless."""
        return self._send("POST", path, body=body, key=key or self._new_key(), etag=etag)

    def upload(self, path: str, text: str, *, media_type: str) -> Answer:
        """Create a resource from a text that is not JSON."""
        return self._send("POST", path, text=text, media_type=media_type, key=self._new_key())

    def change(self, subject: str, path: str, body: Body = None, *, key: str = "") -> Answer:
        """Create a sub-resource that changes `subject`, as it is now."""
        return self.create(path, body, etag=self.get(subject).etag, key=key)

    def patch(self, path: str, body: Body, *, etag: str) -> Answer:
        """Replace fields of a resource as it was read."""
        return self._send("PATCH", path, body=body, etag=etag)

    def put(self, path: str, body: Body, *, etag: str = "") -> Answer:
        """Store a resource under the name the client chose."""
        return self._send("PUT", path, body=body, etag=etag)

    def delete(self, path: str, *, etag: str = "") -> Answer:
        """Remove a resource."""
        return self._send("DELETE", path, etag=etag)

    def events(self, path: str) -> Iterator[StreamedEvent]:
        """Yield the events of a stream until the server ends it, resuming after a cut."""
        last = ""
        failures = 0
        while failures < ATTEMPTS:
            headers = {**self._bearer, "Accept": "text/event-stream"}
            if last:
                headers["Last-Event-ID"] = last
            try:
                with self._http.stream(
                    "GET", _url(path), headers=headers, timeout=NO_READ_LIMIT
                ) as response:
                    if response.is_error:
                        response.read()
                    _refuse(response)
                    for event in parse_events(response.iter_lines()):
                        last, failures = event.id or last, 0
                        yield event
                    return
            except httpx.TransportError:
                failures += 1
                time.sleep(_pause(failures))
        raise Unreachable(f"The stream {path} broke off and did not come back.")

    def _send(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Body = None,
        text: str | None = None,
        media_type: str = "application/json",
        key: str = "",
        etag: str = "",
    ) -> Answer:
        """Send a request and return its JSON answer."""
        if self._rehearsal and method != "GET":
            raise Rehearsed(method, _url(path), body if text is None else text)
        headers = {}
        if key:
            headers["Idempotency-Key"] = key
        if etag:
            headers["If-Match"] = etag
        content = text if text is not None or body is None else encode(body)
        if content is not None:
            headers["Content-Type"] = media_type
        response = self._repeat(method, path, query=query, content=content, headers=headers)
        _refuse(response)
        return Answer(
            body=response.json() if response.content else None,
            etag=response.headers.get("ETag", ""),
            location=response.headers.get("Location", ""),
        )

    def _repeat(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: str | None = None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        """Send a request, again after a failure when repeating it is harmless."""
        harmless = method == "GET" or "Idempotency-Key" in headers
        given = {name: value for name, value in (query or {}).items() if value is not None}
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS or not harmless
            try:
                response = self._http.request(
                    method,
                    _url(path),
                    params=given,
                    content=content,
                    headers={**self._bearer, **headers},
                )
            except httpx.TransportError as error:
                if last:
                    raise Unreachable(f"{self._http.base_url}: {error}") from error
            else:
                if last or response.status_code not in AWAY:
                    return response
            time.sleep(_pause(attempt))
        raise AssertionError("The last attempt returns or raises.")


def parse_events(lines: Iterator[str]) -> Iterator[StreamedEvent]:
    """Yield the events in the lines of a stream; comments are heartbeats.

    Source:
        WHATWG HTML, section 9.2.6, interpreting an event stream.
    """
    fields: dict[str, list[str]] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield StreamedEvent(
                    name="".join(fields.get("event", ["message"])),
                    body=json.loads("\n".join(fields["data"])),
                    id="".join(fields.get("id", [])),
                )
            fields = {}
            continue
        name, _, value = line.partition(":")
        fields.setdefault(name, []).append(value.removeprefix(" "))


def _url(path: str) -> str:
    """Return an absolute path as it is and a relative one below the API."""
    return path if path.startswith("/") else f"{API}/{path}"


def _bearer(token: str) -> dict[str, str]:
    """Return the header that says who we are."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def _pause(attempt: int) -> float:
    """Return the seconds to wait after an attempt."""
    return min(PAUSE_SECONDS * 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS)


def _refuse(response: httpx.Response) -> None:
    """Raise what an unwelcome status means."""
    if not response.is_error:
        return
    try:
        problem = response.json()
    except ValueError:
        problem = {"title": response.reason_phrase}
    if response.status_code in AWAY or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        detail = problem.get("detail") or problem.get("title")
        raise Unreachable(f"The server is busy or away: {detail}")
    raise Refusal(response.status_code, problem if isinstance(problem, dict) else {})
