"""Each route declares its action; the matched route asks the one table before anything else."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request

from api.body import BODY, Malformed
from api.door import Caller, House, anonymous, authenticated
from api.errors import IdempotencyKeyRequired, PreconditionRequired
from api.schemas.common import Problem
from scheduler.domain.access import permit

PUBLIC: Final = "public"
"""Action of a route that needs no token."""
ANYONE: Final = "-"
"""Action of a route that needs a token and no role."""
KEY_LENGTHS: Final = range(8, 256)


class Requires:
    """A dependency of exactly one route: finds out who calls and whether they may.

    Args:
        action: a row of the permission matrix, `PUBLIC` or `ANYONE`.
        flags: ``I`` asks for an Idempotency-Key, ``M`` for If-Match.
    """

    def __init__(self, action: str, flags: str = "") -> None:
        self.action = action
        self.flags = flags

    def __call__(self, request: Request) -> None:
        """Put the caller into the request's state.

        Raises:
            Unauthenticated: Without a valid token.
            Forbidden: If no role of the person allows the action.
            MalformedBody: If the body is not JSON; only now, for a stranger learns nothing.
            IdempotencyKeyRequired: If the route needs a key and none of 8–255 characters came.
            PreconditionRequired: If the route needs If-Match and none came.
        """
        request.state.caller = self._caller(request)
        body = request.scope.get(BODY)
        if isinstance(body, Malformed):
            raise body.refusal()
        if "I" in self.flags and not _is_key(request.headers.get("idempotency-key", "")):
            raise IdempotencyKeyRequired
        # A PUT may create: it asks for If-Match once it sees that the resource exists.
        blind = "if-match" not in request.headers and request.method != "PUT"
        if "M" in self.flags and blind:
            raise PreconditionRequired

    def _caller(self, request: Request) -> Caller:
        house: House = request.app.state.house
        if self.action == PUBLIC:
            return anonymous(house, request)
        caller = authenticated(house, request)
        if self.action == ANYONE:
            return caller
        return caller.with_permit(permit(self.action, caller.principal, house.matrix))


def declared(  # noqa: PLR0913 - one keyword a fact of the route
    action: str,
    model: Any = None,  # noqa: ANN401 - any response model of the framework
    *,
    ok: int = 200,
    flags: str = "",
    made: bool = False,
    documented: Mapping[str, Any] | None = None,
    **extra: Any,  # noqa: ANN401 - handed on to the framework
) -> dict[str, Any]:
    """Return what every route hands to its decorator: action, model, answers, headers.

    Args:
        action: a row of the permission matrix, `PUBLIC` or `ANYONE`.
        model: what a success shows; None for an empty answer.
        ok: status of a success.
        flags: see `Requires`.
        made: whether a PUT may also create, answered by 201.
        documented: more for the OpenAPI document.
        **extra: more for the decorator, such as further responses.
    """
    responses = {ok: {"model": model} if model is not None else {}} | extra.pop("responses", {})
    if made:
        responses[201] = {"model": model}
    for status in _refusals(action, flags):
        responses[status] = {"model": Problem}
    return {
        "dependencies": [Depends(Requires(action, flags))],
        "status_code": ok,
        "response_model": None,
        "responses": responses,
        "openapi_extra": {**_documented(action, flags, made=made), **(documented or {})},
        **extra,
    }


def declarations(app: FastAPI) -> Iterator[tuple[APIRoute, Requires]]:
    """Yield every route with its declaration.

    Raises:
        ValueError: If a route declares no action or more than one, or one the matrix does not
            know: such an application must not start.
    """
    house: House = app.state.house
    for route in app.routes:
        if not isinstance(route, APIRoute):
            raise ValueError(f"{route} declares no action.")  # noqa: TRY004 - a fault of the program
        found = [each.call for each in route.dependant.dependencies]
        actions = [each for each in found if isinstance(each, Requires)]
        if len(actions) != 1:
            raise ValueError(f"{route.path} declares {len(actions)} actions; it must be one.")
        if actions[0].action not in {PUBLIC, ANYONE, *house.matrix}:
            raise ValueError(f"{route.path}: no action {actions[0].action} in the matrix.")
        yield route, actions[0]


def _is_key(text: str) -> bool:
    return len(text) in KEY_LENGTHS and text.isascii() and text.isprintable()


def _refusals(action: str, flags: str) -> list[int]:
    answers = [400, 404, 422]
    if action != PUBLIC:
        answers += [401]
    if action not in {PUBLIC, ANYONE}:
        answers += [403]
    if flags:
        answers += [409, 413, 415]
    if "M" in flags:
        answers += [412, 428]
    return sorted(answers)


def _documented(action: str, flags: str, *, made: bool) -> dict[str, Any]:
    parameters = [
        _header(name, text, required=not made) for flag, name, text in _HEADERS if flag in flags
    ]
    extra: dict[str, Any] = {"x-dure-action": action, "x-dure-flags": flags}
    if parameters:
        extra["parameters"] = parameters
    if action != PUBLIC:
        extra["security"] = [{"bearer": []}]
    return extra


_HEADERS: Final = (
    ("I", "Idempotency-Key", "A fresh key per create, 8 to 255 characters; the same on retries."),
    ("M", "If-Match", "The ETag of what the change was made against."),
)


def _header(name: str, text: str, *, required: bool) -> dict[str, Any]:
    length = {"minLength": 8, "maxLength": 255} if name == "Idempotency-Key" else {"maxLength": 255}
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": text,
        "schema": {"type": "string", "pattern": "^[!-~]+$", **length},
    }
