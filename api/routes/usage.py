"""Usage: batches from clusters, entries, corrections by two people."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.raw_body import RawBody, documented, media_type, text_of, unpacked
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.routes.proposals import shown_proposal
from api.schemas.common import Listing
from api.schemas.fields import Slug
from api.schemas.usage import (
    CSV_EXAMPLE,
    SACCT_EXAMPLE,
    SACCT_JSON,
    ProposalOut,
    UsageBatchOut,
    UsageCorrectionIn,
    UsageOut,
)
from scheduler.domain.usage import Run, SliceKey
from scheduler.importers.sacct import read_json, read_parsable
from scheduler.importers.usage_csv import read_table
from scheduler.operations import usage
from scheduler.ports.store import Transaction
from scheduler.ports.usage import UsageFilter

CSV: Final = "text/csv"
SACCT: Final = "text/plain"
JSON: Final = "application/json"
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["usage"])


@router.post(
    "/usage-batches",
    **declared(
        "usage.ingest",
        UsageBatchOut,
        ok=201,
        flags="IW",
        documented=documented(
            (CSV, {"type": "string", "examples": [CSV_EXAMPLE]}),
            (SACCT, {"type": "string", "examples": [SACCT_EXAMPLE]}),
            (JSON, SACCT_JSON),
        ),
    ),
)
def import_usage(
    caller: Asking,
    request: Request,
    raw: RawBody,
    cluster: Annotated[Slug, Query(description="Whose accounting it is.")],
) -> Response:
    """Enter what a cluster reports: a table, or what `sacct -P` or `sacct --json` printed.

    Reports may overlap, come twice, late and in any order: the same seconds count once.
    """
    runs = _runs(media_type(request, (CSV, SACCT, JSON)), unpacked(raw), cluster)

    def command(tx: Transaction) -> Reply:
        done = usage.import_usage(tx, caller.acting, runs, source=cluster)
        shown = UsageBatchOut(
            slices=done.slices,
            grown=done.grown,
            gpu_seconds=done.gpu_seconds,
            outside=done.outside,
            disputed=done.disputed,
            receipt=receipt_of(done.event),
        )
        return reply(shown, 201, address="/api/v1/usage")

    return caller.act(command)


@router.get("/usage", **declared("usage.read", Listing[UsageOut], flags="L"))
def list_usage(  # noqa: PLR0913 - one argument a filter
    caller: Asking,
    *,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    award: Annotated[str | None, Query(max_length=64)] = None,
    person: Annotated[str | None, Query(max_length=128)] = None,
    cluster: Annotated[str | None, Query(max_length=128)] = None,
    job: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    """List usage entries the caller may see, oldest first."""
    part = caller.slice(cursor, limit)
    where = UsageFilter(award=award, person=person, cluster=cluster, job=job)
    return caller.show(
        lambda tx: caller.listing(
            usage.list_usage(tx, caller.permit, part, where=where), UsageOut.model_validate
        )
    )


@router.post("/usage-corrections", **declared("usage.correct", ProposalOut, ok=202, flags="IW"))
def correct_usage(caller: Asking, body: UsageCorrectionIn) -> Response:
    """Propose that a slice of a job used another amount; a second person decides."""
    wanted = usage.UsageCorrection(
        key=SliceKey(body.cluster, body.job, body.begins_at),
        gpu_seconds=body.gpu_seconds,
        reason=body.reason,
    )

    def command(tx: Transaction) -> Reply:
        proposal, event = usage.propose_usage_correction(tx, caller.acting, wanted)
        return shown_proposal(caller, proposal, 202, event)

    return caller.act(command)


def _runs(kind: str, raw: bytes, cluster: str) -> tuple[Run, ...]:
    text = text_of(raw)
    if kind == CSV:
        return read_table(text)
    return (
        read_json(text, cluster=cluster) if kind == JSON else read_parsable(text, cluster=cluster)
    )
