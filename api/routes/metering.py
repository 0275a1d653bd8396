"""Metering beside the books: gauges of controllers, reconciliations three ways."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.raw_body import RawBody, documented, media_type, text_of, unpacked
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.routes.usage import JSON, SACCT
from api.schemas.common import Listing
from api.schemas.fields import Instant, Slug
from api.schemas.metering import ASSOC_EXAMPLE, GaugedOut, GaugeOut, ReconciliationOut
from api.schemas.usage import SACCT_EXAMPLE, SACCT_JSON
from scheduler.importers.assoc_mgr import read_gauges
from scheduler.importers.sacct import read_json, read_parsable
from scheduler.operations import reconciliation
from scheduler.ports.store import Transaction

Cluster = Annotated[Slug, Query(description="Whose it is.")]
OfCluster = Annotated[str | None, Query(max_length=128)]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["usage"])


@router.post(
    "/usage-gauges",
    **declared(
        "usage.ingest",
        GaugedOut,
        ok=201,
        flags="IW",
        documented=documented((SACCT, {"type": "string", "examples": [ASSOC_EXAMPLE]})),
    ),
)
def take_gauges(caller: Asking, request: Request, raw: RawBody, cluster: Cluster) -> Response:
    """Keep what a cluster's controller counts now, in place of what it counted before.

    The body is what `scontrol -o show assoc_mgr flags=assoc` printed.
    """
    media_type(request, (SACCT,))
    gauges = read_gauges(text_of(unpacked(raw)), cluster=cluster, seen_at=caller.now)

    def command(tx: Transaction) -> Reply:
        done = reconciliation.take_gauges(tx, caller.acting, cluster, gauges)
        shown = GaugedOut(
            users=done.users,
            strangers=done.strangers,
            used_gpu_minutes=done.used_gpu_minutes,
            running_gpus=done.running_gpus,
            receipt=receipt_of(done.event),
        )
        return reply(shown, 201, address="/api/v1/usage-gauges")

    return caller.act(command)


@router.get("/usage-gauges", **declared("usage.read", Listing[GaugeOut], flags="L"))
def list_gauges(
    caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD, cluster: OfCluster = None
) -> Response:
    """List the latest gauge of each user the caller may see."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            reconciliation.list_gauges(tx, caller.permit, part, cluster=cluster),
            GaugeOut.model_validate,
        )
    )


@router.post(
    "/reconciliations",
    **declared(
        "usage.reconcile",
        ReconciliationOut,
        ok=201,
        flags="IW",
        documented=documented(
            (SACCT, {"type": "string", "examples": [SACCT_EXAMPLE]}), (JSON, SACCT_JSON)
        ),
    ),
)
def reconcile(
    caller: Asking,
    request: Request,
    raw: RawBody,
    cluster: Cluster,
    since: Annotated[Instant, Query(description="From when on the file is whole.")],
) -> Response:
    """Compare the books with what `sacct` printed, with the latest gauges and with the ledger.

    Nothing of the books is changed. The column `timelimitraw` tells which jobs are runaways.
    """
    kind, text = media_type(request, (SACCT, JSON)), text_of(unpacked(raw))
    read = read_json if kind == JSON else read_parsable
    runs = read(text, cluster=cluster)

    def command(tx: Transaction) -> Reply:
        made, event = reconciliation.reconcile(tx, caller.acting, cluster, runs, since=since)
        shown = ReconciliationOut.model_validate(made)
        shown = shown.model_copy(update={"receipt": receipt_of(event)})
        return reply(shown, 201, address=f"/api/v1/reconciliations/{made.id}")

    return caller.act(command)


@router.get(
    "/reconciliations",
    **declared("reconciliation.read", Listing[ReconciliationOut], flags="L"),
)
def list_reconciliations(
    caller: Asking, cursor: Cursor = None, limit: Limit = STANDARD, cluster: OfCluster = None
) -> Response:
    """List reconciliations, oldest first."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            reconciliation.list_reconciliations(tx, caller.permit, part, cluster=cluster),
            ReconciliationOut.model_validate,
        )
    )


@router.get(
    "/reconciliations/{reconciliation_id}",
    **declared("reconciliation.read", ReconciliationOut),
)
def read_reconciliation(
    caller: Asking, reconciliation_id: Annotated[str, Path(max_length=64)]
) -> Response:
    """Read one reconciliation."""
    return caller.show(
        lambda tx: reply(
            ReconciliationOut.model_validate(
                reconciliation.get_reconciliation(tx, caller.permit, reconciliation_id)
            )
        )
    )
