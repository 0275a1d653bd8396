"""Solves: start, watch, cancel; each is a job that a worker does in a child process."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from api.acts import Possible, acts
from api.body import StrictRoute
from api.door import Asking, Caller, authenticated
from api.failures import shown_failure
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.preferences import prefers_waiting, until
from api.replies import Reply, reply
from api.schemas.common import Because, Listing
from api.schemas.scenarios import ProgressOut, SolveIn, SolveOut
from api.sse import Frame, News, resume_after, stream
from scheduler.domain.access import permit
from scheduler.domain.errors import InvalidValue
from scheduler.domain.jobs import Job, JobState, Progress
from scheduler.domain.messages import Language
from scheduler.operations import solves
from scheduler.ports.paging import LARGEST_LIMIT, Page
from scheduler.ports.store import Transaction

READ: Final = "scenario.read"
START: Final = "solve.start"
CANCEL: Final = "solve.cancel"
ADDRESS: Final = "/api/v1/solves"
SolveId = Annotated[str, Path(max_length=64)]
RoundId = Annotated[str, Path(max_length=64)]
MOST_LINES: Final = LARGEST_LIMIT
"""Lines of progress of one look; if there are as many, more may wait."""
ASKED: Final = ("policy", "policy_version", "policy_digest", "seed", "gap", "work", "seconds")
"""What of an order is shown."""
POSSIBLE: Final = (Possible("cancellations", "cancel", CANCEL),)
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["solves"])


@router.post("/rounds/{round_id}/solves", **declared(START, SolveOut, ok=202, flags="IMJW"))
def start_solve(
    caller: Asking, round_id: RoundId, body: SolveIn, prefer: Annotated[str, Header()] = ""
) -> Response:
    """Queue a solve of a frozen round under a stored policy or a preset.

    With ``Prefer: wait=N`` the answer comes when the solve has ended, or after N seconds.
    """
    order = order_of(body)
    answer = caller.act(
        lambda tx: _one(tx, caller, solves.start_solve(tx, caller.acting, round_id, order), 202)
    )
    waiting = prefers_waiting(prefer)
    if not waiting:
        return answer
    solve_id = answer.headers["Location"].rsplit("/", 1)[1]
    until(lambda: caller.read(lambda tx: not tx.jobs.get(solve_id).is_live), waiting)
    return caller.read(lambda tx: _one(tx, caller, tx.jobs.get(solve_id), 202)).response()


@router.get("/rounds/{round_id}/solves", **declared(READ, Listing[SolveOut], flags="L"))
def list_solves(
    caller: Asking,
    round_id: RoundId,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    state: Annotated[JobState | None, Query()] = None,
) -> Response:
    """List the solves of a round, failed and cancelled ones too."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            solves.list_solves(tx, caller.permit, round_id, part, state=state),
            lambda job: shown_solve(job, None, caller.language),
        )
    )


@router.get("/solves/{solve_id}", **declared(READ, SolveOut))
def read_solve(caller: Asking, solve_id: SolveId) -> Response:
    """Read a solve with its last line of progress and, once done, its scenario."""
    return caller.show(lambda tx: _one(tx, caller, solves.get_solve(tx, caller.permit, solve_id)))


@router.get("/solves/{solve_id}/incumbents", **declared(READ, Listing[ProgressOut], flags="L"))
def list_progress(
    caller: Asking, solve_id: SolveId, cursor: Cursor = None, limit: Limit = STANDARD
) -> Response:
    """List what the solve has told so far: stages, objectives, bounds, gaps."""
    after = int(caller.slice(cursor, limit).cursor or 0)

    def query(tx: Transaction) -> Reply:
        found = tuple(solves.solve_progress(tx, caller.permit, solve_id, after, limit + 1))
        more = str(found[limit - 1].seq) if len(found) > limit else None
        return caller.listing(Page(found[:limit], more), ProgressOut.model_validate)

    return caller.show(query)


@router.get(
    "/solves/{solve_id}/events",
    **declared(
        READ,
        flags="S",
        responses={200: {"content": {"text/event-stream": {}}}},
    ),
)
def watch_solve(
    caller: Asking, solve_id: SolveId, last_event_id: Annotated[str, Header()] = ""
) -> Response:
    """Stream the progress as server-sent events until the solve ends.

    Each frame's id is its position: a client that reconnects with Last-Event-ID goes on behind
    it. The last frame is `done`, `failed` or `cancelled`.
    """
    caller.read(lambda tx: solves.get_solve(tx, caller.permit, solve_id))
    return stream(lambda after: _news(caller, solve_id, after), resume_after(last_event_id))


@router.post("/solves/{solve_id}/cancellations", **declared(CANCEL, SolveOut, ok=202, flags="I"))
def cancel_solve(caller: Asking, solve_id: SolveId, body: Because | None = None) -> Response:
    """Stop a solve; its worker learns of it at its next heartbeat."""
    reason = body.reason if body else ""
    return caller.act(
        lambda tx: _one(tx, caller, solves.cancel_solve(tx, caller.acting, solve_id, reason), 202)
    )


def shown_solve(job: Job, last: Progress | None, language: Language) -> SolveOut:
    """Show a solve as a job."""
    result = dict(job.result) if job.result is not None else None
    payload = dict(job.payload)
    return SolveOut.model_validate(
        {
            "id": job.id,
            "round": job.subject,
            "state": job.state,
            "asked": {name: payload.get(name) for name in ASKED},
            "created_by": job.created_by,
            "created_at": job.created_at,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
            "attempt": job.attempt,
            "scenario": result and result.get("scenario"),
            "result": result,
            "error": shown_failure(job, language),
            "progress": dict(last.body) if last is not None else None,
            "version": job.version,
        }
    )


def order_of(body: SolveIn) -> solves.SolveOrder:
    """Return what is ordered: a stored policy or a preset, never both.

    Raises:
        InvalidValue: If neither or both are named, or a limit is out of its range.
    """
    if (body.policy is None) == (body.preset is None):
        raise InvalidValue(field="/policy", value=body.policy, rule="either policy or preset")
    if body.preset is not None and body.version is not None:
        raise InvalidValue(field="/version", value=body.version, rule="for a stored policy")
    name = body.policy or body.preset
    assert name is not None, "one of the two came"
    return solves.SolveOrder(
        policy=name,
        policy_version=body.version,
        seed=body.seed,
        gap=float(body.gap),
        work=body.work,
        seconds=None if body.seconds is None else float(body.seconds),
    )


def _news(caller: Caller, solve_id: str, after: int) -> News:
    """Return what the solve told since, as far as the caller may still see it."""
    house = caller.house
    known = authenticated(house, caller.request, house.clock())
    still = permit(READ, known.principal, house.matrix)
    with house.store.read() as tx:
        job = solves.get_solve(tx, still, solve_id)
        lines = solves.solve_progress(tx, still, solve_id, after)
    frames = [Frame(line.seq, "progress", {"seq": line.seq, **line.body}) for line in lines]
    if job.is_live or len(lines) >= MOST_LINES:
        return News(frames, ended=False)
    position = lines[-1].seq if lines else after
    end = shown_solve(job, None, caller.language).model_dump(mode="json", by_alias=True)
    return News([*frames, Frame(position, str(job.state), end)], ended=True)


def _one(tx: Transaction, caller: Caller, job: Job, status: int = 200, **more: Any) -> Reply:  # noqa: ANN401 - further fields of the model
    address = f"{ADDRESS}/{job.id}"
    told = tx.jobs.told(job.id)
    lines = tx.jobs.progress(job.id, told - 1, 1) if told else ()
    possible = acts(caller, address, POSSIBLE, allowed=("cancel",) if job.is_live else ())
    shown = shown_solve(job, lines[0] if lines else None, caller.language)
    shown = shown.model_copy(update={"actions": possible, **more})
    return reply(shown, status, version=job.version, address=address)
