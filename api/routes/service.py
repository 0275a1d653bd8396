"""Health, time, version and the pages of the error codes."""

from datetime import timedelta, timezone
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking, everyone
from api.permissions import PUBLIC, declared
from api.problems import catalogue, describe
from api.replies import Reply, reply
from api.schemas.common import Listing, ProblemKind
from api.schemas.service import Alive, Ready, Time, Version
from scheduler.domain.errors import DureError, NotFound
from scheduler.ports.store import Transaction

KST: Final = timezone(timedelta(hours=9), "KST")
router = APIRouter(route_class=StrictRoute, tags=["service"])


@router.get("/healthz", **declared(PUBLIC, Alive))
def health() -> Response:
    """Say that the process answers; asks nothing of the store."""
    return reply(Alive()).response()


@router.get("/readyz", **declared(PUBLIC, Ready, responses={503: {"model": Ready}}))
def readiness(caller: Asking) -> Response:
    """Say whether the store can be read."""
    try:
        caller.read(_touch)
    except DureError as error:
        return reply(Ready(status="unavailable", store=error.code), 503).response()
    return reply(Ready(status="ready", store="ok")).response()


@router.get("/api/v1/version", **declared(PUBLIC, Version))
def version(caller: Asking) -> Response:
    """Say which version runs."""
    return reply(Version(version=caller.house.version)).response()


@router.get("/api/v1/time", **declared(PUBLIC, Time))
def time(caller: Asking) -> Response:
    """Tell the server's clock, by which deadlines are decided."""
    now = caller.now
    kst = now.astimezone(KST).isoformat(timespec="milliseconds")
    epoch_ms = int(now.timestamp() * 1000)
    return reply(Time(now=now, now_kst=kst, epoch_ms=epoch_ms)).response()


@router.get("/api/v1/openapi.json", **declared(PUBLIC, dict[str, Any]))
def openapi(request: Request) -> Response:
    """Describe this interface as OpenAPI."""
    return Response(request.app.state.openapi(), media_type="application/json")


@router.get("/api/v1/problems", **declared(PUBLIC, Listing[ProblemKind]))
def problems(caller: Asking) -> Response:
    """List the error codes with their status, in the caller's language."""
    kinds = everyone(catalogue(caller.language))
    return caller.listing(kinds, ProblemKind.model_validate).response()


@router.get("/api/v1/problems/{code}", **declared(PUBLIC, ProblemKind))
def problem(caller: Asking, code: str) -> Response:
    """Explain one error code, in the caller's language."""
    found = describe(code, caller.language)
    if found is None:
        raise NotFound(kind="problem", id=code)
    return reply(ProblemKind.model_validate(found)).response()


def _touch(tx: Transaction) -> Reply:
    tx.events.list(0, 1)
    return reply(Alive())
