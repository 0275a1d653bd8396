"""Rounds: create, freeze, import, export; select, approve, reject, publish."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api import checking
from api.acts import Possible, acts
from api.body import StrictRoute
from api.door import Asking, Caller, everyone
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.raw_body import RawBody, documented, unpacked
from api.receipts import receipt_of
from api.replies import Reply, document, reply
from api.schemas.common import Because, Listing
from api.schemas.rounds import (
    DecisionOut,
    PublicationIn,
    ReserveOut,
    RoundIn,
    RoundOut,
    SeedIn,
    SeedOut,
    SelectionIn,
    SignatureIn,
)
from scheduler.domain.errors import Forbidden, ScenarioMismatch
from scheduler.domain.rounds import Decision, Round, RoundState, Step
from scheduler.operations import awards, decisions, reallocations, round_files, rounds
from scheduler.operations.evidence import Checked, approved_documents, check_documents
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction
from solver.standalone import program

READ: Final = "scenario.read"
FREEZE: Final = "round.freeze"
SELECT: Final = "scenario.select"
APPROVE: Final = "round.approve"
PUBLISH: Final = "round.publish"
ADDRESS: Final = "/api/v1/rounds"
RoundId = Annotated[str, Path(max_length=64)]
SOLVE: Final = "solve"
REALLOCATE: Final = "reallocate"
POSSIBLE: Final = (
    Possible("freezes", Step.FREEZE, FREEZE),
    Possible("solves", SOLVE, "solve.start"),
    Possible("what-ifs", SOLVE, "scenario.what_if"),
    Possible("selections", Step.SELECT, SELECT),
    Possible("approvals", Step.APPROVE, APPROVE),
    Possible("rejections", Step.REJECT, APPROVE),
    Possible("publications", Step.PUBLISH, PUBLISH),
    Possible("activations", Step.ACTIVATE, PUBLISH),
    Possible("closings", Step.CLOSE, PUBLISH),
    Possible("reallocations", REALLOCATE, FREEZE),
)
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["rounds"])


@router.post("/calls/{call_id}/rounds", **declared(FREEZE, RoundOut, ok=201, flags="I"))
def create_round(
    caller: Asking, call_id: Annotated[str, Path(max_length=64)], body: RoundIn | None = None
) -> Response:
    """Make a round for a call; it follows the call until it is frozen."""
    title = (body.title if body else None) or ""
    return caller.act(
        lambda tx: _one(caller, rounds.create_round(tx, caller.acting, call_id, title), 201)
    )


@router.get("/rounds", **declared(READ, Listing[RoundOut], flags="L"))
def list_rounds(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    call: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[RoundState | None, Query()] = None,
) -> Response:
    """List rounds the caller may see."""
    part = caller.slice(cursor, limit)
    return caller.show(
        lambda tx: caller.listing(
            rounds.list_rounds(tx, caller.permit, part, call=call, state=state),
            RoundOut.model_validate,
        )
    )


@router.post(
    "/rounds/imports",
    **declared(
        FREEZE,
        RoundOut,
        ok=201,
        flags="IW",
        documented=documented(
            ("application/json", {"type": "object"}),
            ("application/gzip", {"type": "string", "format": "binary"}),
        ),
    ),
)
def import_round(caller: Asking, raw: RawBody) -> Response:
    """Make people, pools, a closed call and a frozen round of a dure-round/1 file."""
    text = unpacked(raw)

    def command(tx: Transaction) -> Reply:
        round_, event = round_files.import_round(tx, caller.acting, text)
        return _one(caller, round_, 201, receipt=receipt_of(event))

    return caller.act(command)


@router.get("/rounds/{round_id}", **declared(READ, RoundOut))
def read_round(caller: Asking, round_id: RoundId) -> Response:
    """Read one round and what may come next."""
    return caller.show(lambda tx: _one(caller, rounds.get_round(tx, caller.permit, round_id)))


@router.post("/rounds/{round_id}/freezes", **declared(FREEZE, RoundOut, ok=201, flags="IMW"))
def freeze_round(caller: Asking, round_id: RoundId) -> Response:
    """Take the snapshot that every scenario of the round is solved on."""

    def command(tx: Transaction) -> Reply:
        round_, event = rounds.freeze_round(tx, caller.acting, round_id)
        return _one(caller, round_, 201, receipt=receipt_of(event))

    return caller.act(command)


@router.post(
    "/rounds/{round_id}/seed-revelations", **declared(FREEZE, SeedOut, ok=201, flags="IMW")
)
def reveal_seed(caller: Asking, round_id: RoundId, body: SeedIn) -> Response:
    """Tell the seed of a lottery, whose seal the call stated before it opened."""

    def command(tx: Transaction) -> Reply:
        call, event = rounds.reveal_seed(tx, caller.acting, round_id, body.seed, body.salt)
        shown = SeedOut.model_validate({**body.model_dump(), "call": call.id})
        return reply(shown.model_copy(update={"receipt": receipt_of(event)}), 201)

    return caller.act(command)


@router.post("/rounds/{round_id}/reallocations", **declared(FREEZE, RoundOut, ok=201, flags="IMW"))
def reallocate(caller: Asking, round_id: RoundId, body: Because) -> Response:
    """Go on with a published round: a new one is frozen with what is held and who is in line."""

    def command(tx: Transaction) -> Reply:
        round_, event = reallocations.start_reallocation(tx, caller.acting, round_id, body.reason)
        return _one(caller, round_, 201, receipt=receipt_of(event))

    return caller.act(command)


@router.get("/rounds/{round_id}/snapshot", **declared(READ, dict[str, Any]))
def export_round(caller: Asking, round_id: RoundId) -> Response:
    """Export the frozen round as a dure-round/1 file; it names people."""
    if not caller.permit.scope.everything:
        raise Forbidden(action=READ)
    return caller.show(
        lambda tx: document(rounds.export_round(tx, caller.permit, round_id), round_id)
    )


@router.post("/rounds/{round_id}/activations", **declared(PUBLISH, RoundOut, ok=201, flags="IM"))
def activate_round(caller: Asking, round_id: RoundId) -> Response:
    """Bring the awards of a published round into use."""
    return caller.act(
        lambda tx: _one(caller, rounds.activate_round(tx, caller.acting, round_id), 201)
    )


@router.post("/rounds/{round_id}/closings", **declared(PUBLISH, RoundOut, ok=201, flags="IM"))
def close_round(caller: Asking, round_id: RoundId) -> Response:
    """End an active round."""
    return caller.act(lambda tx: _one(caller, rounds.close_round(tx, caller.acting, round_id), 201))


@router.get("/rounds/{round_id}/decisions", **declared(READ, Listing[DecisionOut]))
def list_decisions(caller: Asking, round_id: RoundId) -> Response:
    """List the signed steps of a round, oldest first."""
    return caller.show(
        lambda tx: caller.listing(
            everyone(rounds.list_decisions(tx, caller.permit, round_id)), shown_decision
        )
    )


@router.post("/rounds/{round_id}/selections", **declared(SELECT, DecisionOut, ok=201, flags="IMW"))
def select_scenario(caller: Asking, round_id: RoundId, body: SelectionIn) -> Response:
    """Propose a scenario; another person approves it."""
    return _decide(
        caller,
        lambda tx, act: decisions.select_scenario(tx, act, round_id, body.scenario_id, body.reason),
    )


@router.post("/rounds/{round_id}/approvals", **declared(APPROVE, DecisionOut, ok=201, flags="IMW"))
def approve_round(caller: Asking, round_id: RoundId, body: SignatureIn) -> Response:
    """Sign the selected scenario by its digest, as somebody with no earlier part in it."""
    return _decide(
        caller,
        lambda tx, act: decisions.approve_round(
            tx, act, round_id, body.scenario_digest, body.reason
        ),
    )


@router.post("/rounds/{round_id}/rejections", **declared(APPROVE, DecisionOut, ok=201, flags="IMW"))
def reject_round(caller: Asking, round_id: RoundId, body: SignatureIn) -> Response:
    """Send the selection back; other scenarios may be selected."""
    return _decide(
        caller,
        lambda tx, act: decisions.reject_round(
            tx, act, round_id, body.scenario_digest, body.reason
        ),
    )


@router.post(
    "/rounds/{round_id}/publications", **declared(PUBLISH, DecisionOut, ok=201, flags="IMW")
)
def publish_round(caller: Asking, round_id: RoundId, body: PublicationIn | None = None) -> Response:
    """Check the approved plan once more and offer its awards, all or nothing."""
    named = body.scenario_digest if body else None
    checked = _checked(caller, round_id)

    def publish(tx: Transaction, act: Act) -> tuple[Round, Decision]:
        digest = named or _approved(tx, act, round_id)
        return decisions.publish_round(tx, act, round_id, digest, checked=checked)

    return _decide(caller, publish)


@router.get("/rounds/{round_id}/reserve", **declared("award.read", Listing[ReserveOut]))
def list_reserve(caller: Asking, round_id: RoundId) -> Response:
    """List who is next in line for hours that come back, as far as the caller may see."""
    return caller.show(
        lambda tx: caller.listing(
            everyone(awards.list_reserve(tx, caller.permit, round_id)), ReserveOut.model_validate
        )
    )


def shown_decision(decision: Decision) -> DecisionOut:
    """Show a signed step with its place in the log."""
    known = {
        name: getattr(decision, name)
        for name in DecisionOut.model_fields
        if hasattr(decision, name)
    }
    facts = dict(decision.facts)
    return DecisionOut.model_validate(
        {
            **known,
            "facts": facts,
            "log_index": decision.event,
            "leaf_hash": decision.event_hash,
        }
    )


def _decide(
    caller: Caller, command: Callable[[Transaction, Act], tuple[Round, Decision]]
) -> Response:
    def decided(tx: Transaction) -> Reply:
        round_, decision = command(tx, caller.acting)
        return reply(shown_decision(decision), 201, address=f"{ADDRESS}/{round_.id}/decisions")

    return caller.act(decided)


def _checked(caller: Caller, round_id: str) -> Checked | None:
    """Run the checker before the writer is asked: it takes long, and others write meanwhile."""
    kept = caller.read(lambda tx: approved_documents(tx, round_id))
    if kept is None:
        return None
    return check_documents(kept, verify=checking.broken_rules, verifier=program())


def _approved(tx: Transaction, act: Act, round_id: str) -> str:
    round_ = tx.rounds.get(act.scope, round_id)
    round_.refuse_unless(Step.PUBLISH)
    if round_.scenario_digest is None:
        raise ScenarioMismatch(round=round_id, expected=None, got=None)
    return round_.scenario_digest


def _one(caller: Caller, round_: Round, status: int = 200, **more: Any) -> Reply:  # noqa: ANN401 - further fields of the model
    address = f"{ADDRESS}/{round_.id}"
    possible = acts(
        caller,
        address,
        POSSIBLE,
        allowed=[
            *round_.allowed,
            *([SOLVE] if round_.is_solvable else []),
            *([REALLOCATE] if round_.may_go_on else []),
        ],
        earlier=(round_.selected_by,) if round_.state is RoundState.DECIDING else (),
    )
    shown = RoundOut.model_validate(round_).model_copy(update={"actions": possible, **more})
    return reply(shown, status, version=round_.version, address=address)
