"""The composition root: makes every object once, owns the clock and the environment."""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.door import House
from api.middleware import Limits, Observe, Surroundings
from api.monitoring.exposition import Metrics
from api.openapi import text
from api.permissions import declarations
from api.problems import install
from api.routes import (
    audit,
    awards,
    burning,
    calls,
    capacity,
    changes,
    deficits,
    directory,
    enforcement,
    exports,
    ledger,
    letters,
    me,
    metering,
    metrics,
    moves,
    notifications,
    policies,
    proposals,
    reallocations,
    reclaims,
    requests,
    roles,
    rounds,
    scenarios,
    scores,
    service,
    solves,
    statements,
    usage,
    what_ifs,
)
from api.secret import read_secret
from api.version import software_version
from scheduler.domain.access import Matrix, read_matrix
from scheduler.ports.store import Store
from scheduler.settings import Settings, read_settings
from scheduler.storage.ids import Uuid7Ids
from scheduler.storage.store import SqlStore, open_store

TITLE: Final = "Dure"
DESCRIPTION: Final = (
    "Hands out the GPU-hours of a national AI computing center: fairly, provably, in the open."
)
ROUTERS: Final = (
    service.router,
    me.router,
    notifications.router,
    directory.router,
    moves.router,
    reallocations.router,
    deficits.router,
    roles.router,
    capacity.router,
    policies.router,
    calls.router,
    requests.router,
    scores.router,
    rounds.router,
    solves.router,
    what_ifs.router,
    scenarios.router,
    awards.router,
    changes.router,
    exports.router,
    letters.router,
    ledger.router,
    usage.router,
    enforcement.router,
    burning.router,
    reclaims.router,
    statements.router,
    metering.router,
    proposals.router,
    audit.router,
    metrics.router,
)


def now() -> datetime:
    """Return the instant; the one clock of the doors."""
    return datetime.now(UTC)


def permission_matrix() -> Matrix:
    """Return the permission table that ships with the software."""
    return read_matrix(resources.files("configs").joinpath("permission_matrix.csv").read_text())


def house(
    store: Store,
    secret: bytes,
    *,
    clock: Callable[[], datetime] = now,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
) -> House:
    """Return what the doors need around a store.

    Args:
        store: where the center lives.
        secret: key of cursors and pepper of tokens.
        clock: gives the instant.
        entropy: gives that many unpredictable bytes.
    """
    return House(
        store=store,
        ids=Uuid7Ids(entropy),
        clock=clock,
        entropy=entropy,
        secret=secret,
        matrix=permission_matrix(),
        version=software_version(),
    )


def create(settings: Settings | None = None) -> FastAPI:
    """Return the application of a center; an ASGI server calls this once per process.

    Args:
        settings: as read; otherwise from the settings file and the environment.

    Raises:
        InvalidSettings: If a setting is refused.
        StoreUnavailable: If the store cannot be opened.
        InvalidSecret: If the key file holds no key.
    """
    chosen = settings if settings is not None else read_settings()
    secret = read_secret(chosen.secret_file, secrets.token_bytes)
    store = open_store(chosen.store_url, waiting=chosen.waiting_writes)
    app = assemble(house(store, secret), hosts=chosen.hosts, fellow_metrics=chosen.fellow_metrics)
    app.router.lifespan_context = closing(store)
    return app


def assemble(
    house: House,
    *,
    hosts: Sequence[str] = ("*",),
    limits: Limits | None = None,
    fellow_metrics: bool = False,
) -> FastAPI:
    """Return the application.

    Args:
        house: its objects.
        hosts: names the service answers to.
        limits: body limits.
        fellow_metrics: whether series of fellows are published, under pseudonyms.

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
        generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}",
    )
    app.state.house = house
    app.state.metrics = Metrics(
        house.store.read,
        version=house.version,
        secret=house.secret,
        now=house.clock,
        seconds=time.monotonic,
    )
    app.state.fellow_metrics = fellow_metrics
    app.state.observe_request = app.state.metrics.observe
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    install(app)
    app.state.openapi = cache(lambda: text(app))
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


def closing(store: SqlStore) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan that lets the store finish accepted changes when the server stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        """Close the store last."""
        yield
        await run_in_threadpool(store.close)

    return lifespan


def _observer(app: FastAPI) -> Observe:
    observe: Observe = app.state.observe_request
    return observe
