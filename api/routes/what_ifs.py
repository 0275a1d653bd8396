"""What-ifs: a question to a frozen round, answered by a worker and forgotten by the round."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.failures import shown_failure
from api.permissions import declared
from api.preferences import prefers_waiting, until
from api.replies import Reply, reply
from api.routes.solves import ASKED, order_of
from api.schemas.scenarios import WhatIfIn, WhatIfOut
from scheduler.domain.jobs import Job
from scheduler.domain.messages import Language
from scheduler.operations import what_ifs
from scheduler.ports.store import Transaction

ASK: Final = "scenario.what_if"
ADDRESS: Final = "/api/v1/what-ifs"
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["what-ifs"])


@router.post(
    "/rounds/{round_id}/what-ifs",
    **declared(ASK, WhatIfOut, ok=202, flags="J", responses={200: {"model": WhatIfOut}}),
)
def ask_what_if(
    caller: Asking,
    round_id: Annotated[str, Path(max_length=64)],
    body: WhatIfIn,
    prefer: Annotated[str, Header()] = "",
) -> Response:
    """Ask what a frozen round would give under another policy, or with some requests changed.

    With ``Prefer: wait=N`` the answer comes at once (200) if it is found within N seconds.
    """
    order = order_of(body)
    changes = [
        what_ifs.Change(
            request=each.request,
            values=each.model_dump(exclude_unset=True, exclude={"request"}),
        )
        for each in body.changes
    ]
    job = caller.house.store.write(
        lambda tx: what_ifs.ask_what_if(tx, caller.acting, round_id, order, changes)
    )
    waiting = prefers_waiting(prefer)
    if waiting:
        until(lambda: caller.read(lambda tx: not tx.jobs.get(job.id).is_live), waiting)
    now = caller.read(lambda tx: tx.jobs.get(job.id))
    return _shown(now, caller.language, 202 if now.is_live else 200).response()


@router.get("/what-ifs/{what_if_id}", **declared(ASK, WhatIfOut))
def read_what_if(caller: Asking, what_if_id: Annotated[str, Path(max_length=64)]) -> Response:
    """Read a question, with its answer once there is one."""

    def query(tx: Transaction) -> Reply:
        return _shown(what_ifs.get_what_if(tx, caller.permit, what_if_id), caller.language)

    return caller.show(query)


def _shown(job: Job, language: Language, status: int = 200) -> Reply:
    payload = dict(job.payload)
    shown = WhatIfOut.model_validate(
        {
            "id": job.id,
            "round": job.subject,
            "state": job.state,
            "asked": {name: payload.get(name) for name in ASKED},
            "created_at": job.created_at,
            "finished_at": job.finished_at,
            "answer": dict(job.result) if job.result is not None else None,
            "error": shown_failure(job, language),
            "version": job.version,
        }
    )
    return reply(shown, status, version=job.version, address=f"{ADDRESS}/{job.id}")
