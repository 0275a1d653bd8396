"""The one way from a route into the center: who calls, when, and how answers come back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from api import pagination
from api.auth import bearer
from api.body import BODY, fingerprint
from api.errors import PreconditionRequired
from api.etags import names, version_named
from api.idempotency import Attempt
from api.problems import language_of
from api.replies import Reply, reply
from api.schemas.common import Listing
from scheduler.domain.access import Matrix, Permit, Principal, scope_of
from scheduler.domain.errors import Unauthenticated
from scheduler.domain.messages import Language
from scheduler.operations.tokens import authenticate
from scheduler.ports.acts import Act, Ids
from scheduler.ports.paging import Page, Slice
from scheduler.ports.store import Store, Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Every object the doors need, made once.

    Attributes:
        clock: gives the instant; only the composition root owns one.
        entropy: gives that many unpredictable bytes.
        secret: key of cursors and pepper of tokens.
        matrix: the permission matrix.
        version: of the software.
    """

    store: Store
    ids: Ids
    clock: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    secret: bytes
    matrix: Matrix
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, what they may, and when we received it.

    Attributes:
        now: the server's receive time; deadlines are decided by it.
        permit: what `Requires` found; absent on public routes.
    """

    house: House
    request: Request
    now: datetime
    language: Language
    known: Principal | None = None
    allowed: Permit | None = field(default=None)

    @property
    def principal(self) -> Principal:
        """The person behind the token.

        Raises:
            Unauthenticated: On a public route without a token.
        """
        if self.known is None:
            raise Unauthenticated(why="missing")
        return self.known

    @property
    def permit(self) -> Permit:
        """The permission of this route's action."""
        assert self.allowed is not None, "the route declares an action of the matrix"
        return self.allowed

    @property
    def acting(self) -> Act:
        """Who acts, when, and against which version (``If-Match``)."""
        header = self.request.headers.get("if-match")
        version = None if header is None else version_named(header)
        return Act(permit=self.permit, now=self.now, ids=self.house.ids, if_version=version)

    def may(self, *actions: str) -> bool:
        """Tell whether some role of the caller allows one of these actions on some thing."""
        return any(self.permit_for(action) is not None for action in actions)

    def permit_for(self, action: str) -> Permit | None:
        """Return the permission of another action, if the caller holds it."""
        scope = scope_of(action, self.principal, self.house.matrix)
        if scope is None:
            return None
        return Permit(action=action, person=self.principal.person, scope=scope)

    def with_permit(self, permit: Permit) -> "Caller":
        """Return the caller with the permission of the matched route."""
        return replace(self, allowed=permit)

    def read(self, query: Callable[[Transaction], T]) -> T:
        """Ask one read snapshot."""
        with self.house.store.read() as tx:
            return query(tx)

    def show(self, query: Callable[[Transaction], Reply]) -> Response:
        """Answer a GET from one read snapshot; 304 when the client has this version."""
        answer = self.read(query)
        known = self.request.headers.get("if-none-match")
        tag = answer.headers.get("ETag")
        if known is not None and tag is not None and names(known, tag):
            return Response(status_code=304, headers={"ETag": tag})
        return answer.response()

    def act(self, command: Callable[[Transaction], Reply]) -> Response:
        """Run a command in the writer, once per Idempotency-Key, and answer after the commit."""
        attempt = self._attempt()

        def once(tx: Transaction) -> Reply:
            if attempt is None:
                return command(tx)
            earlier = attempt.earlier(tx)
            if earlier is not None:
                return earlier
            answer = command(tx)
            attempt.keep(tx, answer)
            return answer

        return self.house.store.write(once).response()

    def refuse_blind(self, existing: object) -> None:
        """Refuse to store over something that exists without naming its version.

        Raises:
            PreconditionRequired: If it exists and no ``If-Match`` came.
        """
        if existing is not None and "if-match" not in self.request.headers:
            raise PreconditionRequired

    def slice(self, cursor: str | None, limit: int) -> Slice:
        """Return the part of a list that is asked for.

        Raises:
            InvalidCursor: If the cursor belongs to another caller, list or filter.
        """
        if cursor is None:
            return Slice(None, limit)
        after = pagination.unseal(cursor, binding=self._binding(), key=self.house.secret)
        return Slice(after, limit)

    def listing(self, page: Page[T], present: Callable[[T], Any]) -> Reply:
        """Show a page, with the address of the next one."""
        cursor = None
        if page.next is not None:
            cursor = pagination.seal(page.next, binding=self._binding(), key=self.house.secret)
        answer = reply(Listing(items=[present(item) for item in page.items], next_cursor=cursor))
        if cursor is None:
            return answer
        query = urlencode({**self._filters(), "cursor": cursor})
        link = f'<{self.request.url.path}?{query}>; rel="next"'
        return replace(answer, headers={**answer.headers, "Link": link})

    def _attempt(self) -> Attempt | None:
        key = self.request.headers.get("idempotency-key")
        if key is None or self.known is None:
            return None
        scope = self.request.scope
        return Attempt(
            principal=self.known.person,
            operation=f"{scope['method']} {scope['route'].path}",
            key=key,
            fingerprint=fingerprint(scope["path"], self._filters(), scope.get(BODY)),
            at=self.now,
        )

    def _binding(self) -> str:
        whose = self.known.person if self.known else ""
        filters = urlencode(sorted(self._filters().items()))
        return f"{whose}|{self.request.url.path}|{filters}"

    def _filters(self) -> Mapping[str, str]:
        return {
            name: value for name, value in self.request.query_params.items() if name != "cursor"
        }


def everyone(items: Sequence[T]) -> Page[T]:
    """Return a short list as its only page."""
    return Page(tuple(items), None)


def anonymous(house: House, request: Request) -> Caller:
    """Return a caller nobody knows."""
    state = request.state
    return Caller(
        house=house, request=request, now=state.received_at, language=language_of(state.language)
    )


def authenticated(house: House, request: Request, now: datetime | None = None) -> Caller:
    """Return the caller behind the bearer token.

    Args:
        house: the objects of the doors.
        request: with its headers.
        now: when the token must count; by default, when the request was received.

    Raises:
        Unauthenticated: If the token is missing, malformed, unknown, expired or revoked.
    """
    token = bearer(request.headers)
    if token is None:
        raise Unauthenticated(why="missing")
    caller = anonymous(house, request)
    with house.store.read() as tx:
        principal = authenticate(tx, token, now=now or caller.now, pepper=house.secret)
    return replace(caller, known=principal)


async def caller_of(request: Request) -> Caller:
    """Return who calls, as the route's declaration found out; async, for it only looks up."""
    caller: Caller = request.state.caller
    return caller


Asking = Annotated[Caller, Depends(caller_of)]
"""The caller, as a route's argument."""
