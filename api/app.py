"""The composition root: makes every object once, owns the clock and the environment."""

import importlib.metadata
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Final

from fastapi import FastAPI

from api.door import House
from api.middleware import Limits, Observe, Surroundings
from api.permissions import declarations
from api.problems import install
from api.routes import calls, capacity, directory, me, policies, requests, roles, service
from scheduler.domain.access import Matrix, read_matrix
from scheduler.ports import Ids, Store

TITLE: Final = "Dure"
DESCRIPTION: Final = (
    "Hands out the GPU-hours of a national AI computing center: fairly, provably, in the open."
)
ROUTERS: Final = (
    service.router,
    me.router,
    directory.router,
    roles.router,
    capacity.router,
    policies.router,
    calls.router,
    requests.router,
)


def now() -> datetime:
    """Return the instant; the one clock of the doors."""
    return datetime.now(UTC)


def software_version() -> str:
    """Return the installed version; a source tree that is not installed has none."""
    try:
        return importlib.metadata.version("dure")
    except importlib.metadata.PackageNotFoundError:
        return "0+source"


def permission_matrix() -> Matrix:
    """Return the permission table that ships with the software."""
    return read_matrix(resources.files("configs").joinpath("permission_matrix.csv").read_text())


def house(
    store: Store,
    ids: Ids,
    secret: bytes,
    *,
    clock: Callable[[], datetime] = now,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
) -> House:
    """Return what the doors need around a store.

    Args:
        store: where the center lives.
        ids: the source of ids.
        secret: key of cursors and pepper of tokens.
        clock: gives the instant.
        entropy: gives that many unpredictable bytes.
    """
    return House(
        store=store,
        ids=ids,
        clock=clock,
        entropy=entropy,
        secret=secret,
        matrix=permission_matrix(),
        version=software_version(),
    )


def assemble(
    house: House, *, hosts: Sequence[str] = ("*",), limits: Limits | None = None
) -> FastAPI:
    """Return the application.

    Args:
        house: its objects.
        hosts: names the service answers to.
        limits: body limits.

    Raises:
        ValueError: If a route declares no action, more than one, or an unknown one.
    """
    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version=house.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.house = house
    app.state.observe_request = _unobserved
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    install(app)
    for _ in declarations(app):
        pass  # reading them all is the check
    app.add_middleware(
        Surroundings,
        clock=house.clock,
        trace=lambda: house.entropy(16).hex(),
        hosts=hosts,
        limits=limits or Limits(),
        observe=lambda: _observer(app),
    )
    return app


def _observer(app: FastAPI) -> Observe:
    observe: Observe = app.state.observe_request
    return observe


def _unobserved(_method: str, _route: str, _status: int, _seconds: float) -> None:
    """Stand in until metrics are installed."""
