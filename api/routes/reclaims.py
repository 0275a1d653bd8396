"""Reclaims: forecast, propose, read, ask to be exempt, decide."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, acts
from api.body import StrictRoute
from api.door import Asking, Caller
from api.permissions import declared
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.routes.proposals import shown_proposal
from api.schemas.common import Because
from api.schemas.fields import Slug
from api.schemas.reclaims import (
    AheadOut,
    ExemptionIn,
    ExemptionOut,
    GroupAheadOut,
    NoticeLineOut,
    ReclaimForecastOut,
    ReclaimIn,
    ReclaimOut,
    ReclaimsOut,
    TakingOut,
)
from api.schemas.usage import ProposalOut
from scheduler.domain.burn import Basis
from scheduler.domain.errors import InvalidValue
from scheduler.domain.events import Event
from scheduler.domain.proposals import Proposal, ProposalState
from scheduler.domain.reclaim import ReclaimRule
from scheduler.export.notices import Loss, notice_text
from scheduler.operations import reclaims
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.reclaims import NoticeLine, Reclaim
from scheduler.operations.use_records import Ahead, reclaims_ahead
from scheduler.ports.store import Transaction
from scheduler.reclaim_rule import InvalidReclaimRule, find_rule, presets, read_rule

READ: Final = "reclaim.read"
DECIDE: Final = "reclaim.approve"
ADDRESS: Final = "/api/v1/reclaims"
Id = Annotated[str, Path(max_length=64)]
POSSIBLE: Final = (
    Possible("exemptions", "exempt", "reclaim.exempt"),
    Possible("approvals", "decide", DECIDE),
    Possible("rejections", "decide", DECIDE),
)
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["reclaims"])


@router.get("/rounds/{round_id}/reclaim-forecast", **declared("usage.read", ReclaimForecastOut))
def forecast(
    caller: Asking,
    round_id: Id,
    rule: Annotated[Slug, Query(description="Name of a shipped rule.")],
) -> Response:
    """Say what the coming checkpoints of a rule will take, weeks ahead."""
    chosen = _rule(rule, None)

    def query(tx: Transaction) -> Reply:
        found = reclaims_ahead(tx, caller.permit, round_id, chosen, caller.now)
        keys = sorted({(each.of.group or "", each.day) for each in found})
        shown = ReclaimForecastOut(
            round=round_id,
            rule=chosen.name,
            at=caller.now,
            groups=[_group(group or None, day, found) for group, day in keys],
            items=[_ahead(chosen, each) for each in found],
        )
        return reply(shown)

    return caller.show(query)


@router.post(
    "/rounds/{round_id}/reclaims",
    **declared("reclaim.propose", ReclaimOut, ok=202, flags="IW"),
)
def propose(caller: Asking, round_id: Id, body: ReclaimIn) -> Response:
    """Propose what a rule takes at a checkpoint, and tell the holders; a second person decides."""
    rule, day = _rule(body.rule, body.content), _day(body.day)

    def command(tx: Transaction) -> Reply:
        found, event = reclaims.propose_reclaim(
            tx, caller.acting, round_id, rule, day, reason=body.reason
        )
        return _shown(caller, found, 202, event)

    return caller.act(command)


@router.get("/rounds/{round_id}/reclaims", **declared(READ, ReclaimsOut))
def list_reclaims(caller: Asking, round_id: Id) -> Response:
    """List the reclaims of a round, oldest first, without their lines."""

    def query(tx: Transaction) -> Reply:
        found = [reclaims.get_reclaim(tx, each.id) for each in reclaims.reclaims_of(tx, round_id)]
        items = [_reclaim(caller, each).model_copy(update={"lines": []}) for each in found]
        return reply(ReclaimsOut(items=items))

    return caller.show(query)


@router.get("/reclaims/{reclaim_id}", **declared(READ, ReclaimOut))
def read_reclaim(caller: Asking, reclaim_id: Id) -> Response:
    """Read a reclaim with everything it says."""
    return caller.show(lambda tx: _shown(caller, reclaims.get_reclaim(tx, reclaim_id)))


@router.get("/awards/{award_id}/reclaims", **declared("award.read", ReclaimsOut))
def list_notices(caller: Asking, award_id: Id) -> Response:
    """List the reclaims that speak of an award, with its own lines only."""

    def query(tx: Transaction) -> Reply:
        found = reclaims.notices_of(tx, caller.permit, award_id)
        return reply(ReclaimsOut(items=[_reclaim(caller, each) for each in found]))

    return caller.show(query)


@router.post(
    "/reclaims/{reclaim_id}/exemptions",
    **declared("reclaim.exempt", ProposalOut, ok=202, flags="IW"),
)
def ask_exemption(caller: Asking, reclaim_id: Id, body: ExemptionIn) -> Response:
    """Ask that an award be spared; a second person decides."""

    def command(tx: Transaction) -> Reply:
        asked, event = reclaims.ask_exemption(
            tx, caller.acting, reclaim_id, body.award, body.reason
        )
        return shown_proposal(caller, asked, 202, event)

    return caller.act(command)


@router.post(
    "/reclaims/{reclaim_id}/approvals", **declared(DECIDE, ReclaimOut, ok=201, flags="IMW")
)
def approve(caller: Asking, reclaim_id: Id, body: Because) -> Response:
    """Agree: what the rule takes now, at most what the notice said, is taken."""
    return _decide(caller, reclaim_id, body.reason, approve=True)


@router.post(
    "/reclaims/{reclaim_id}/rejections", **declared(DECIDE, ReclaimOut, ok=201, flags="IMW")
)
def reject(caller: Asking, reclaim_id: Id, body: Because) -> Response:
    """Refuse: nothing is taken."""
    return _decide(caller, reclaim_id, body.reason, approve=False)


def _decide(caller: Caller, reclaim_id: str, reason: str, *, approve: bool) -> Response:
    def command(tx: Transaction) -> Reply:
        found = reclaims.get_reclaim(tx, reclaim_id)
        _, event = decide_proposal(
            tx, caller.acting, found.proposal.id, approve=approve, reason=reason
        )
        return _shown(caller, reclaims.get_reclaim(tx, reclaim_id), 201, event)

    return caller.act(command)


def _rule(name: str | None, content: dict[str, object] | None) -> ReclaimRule:
    """Return the named rule, or the one whose keys were sent.

    Raises:
        InvalidValue: If there is neither or both, no such name, or a key breaks the format.
    """
    if (name is None) == (content is None):
        raise InvalidValue(field="/rule", value=str(name), rule="either rule or content")
    if content is None:
        if name not in presets():
            raise InvalidValue(
                field="/rule", value=str(name), rule=f"one of {', '.join(presets())}"
            )
        return find_rule(name)
    try:
        return read_rule(content)
    except InvalidReclaimRule as refusal:
        raise InvalidValue(field="/content", value="…", rule=str(refusal)) from refusal


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(field="/day", value=text, rule="YEAR-MONTH-DAY") from error


def _ahead(rule: ReclaimRule, each: Ahead) -> AheadOut:
    award_use = each.of
    return AheadOut(
        award=award_use.award.id,
        fellow=award_use.award.fellow,
        group=award_use.group,
        gpu_type=award_use.gpu_type,
        day=each.day,
        exemption_until=rule.exemption_until(each.day),
        **{str(basis): TakingOut.model_validate(taking) for basis, taking in each.takings.items()},
    )


def _group(group: str | None, day: date, found: tuple[Ahead, ...]) -> GroupAheadOut:
    own = [each for each in found if each.of.group == group and each.day == day]
    sums = {str(basis): sum(each.takings[basis].gpu_seconds for each in own) for basis in Basis}
    return GroupAheadOut(group=group, day=day, **sums)


def _shown(caller: Caller, found: Reclaim, status: int = 200, event: Event | None = None) -> Reply:
    proposal = found.proposal.at(caller.now)
    address = f"{ADDRESS}/{proposal.id}"
    pending = proposal.state is ProposalState.PENDING
    possible = acts(
        caller,
        address,
        POSSIBLE,
        allowed=("exempt", "decide") if pending else (),
        earlier=(proposal.proposed_by,),
    )
    update = {"actions": possible, "receipt": None if event is None else receipt_of(event)}
    shown = _reclaim(caller, found).model_copy(update=update)
    return reply(shown, status, version=proposal.version, address=address)


def _reclaim(caller: Caller, found: Reclaim) -> ReclaimOut:
    proposal = found.proposal.at(caller.now)
    return ReclaimOut(
        id=proposal.id,
        round=proposal.subject,
        rule=found.rule.name,
        title=found.rule.title,
        day=found.day,
        takes_effect_at=proposal.not_before,
        exemption_until=found.exemption_until,
        reason=proposal.reason,
        state=proposal.state,
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        decided_by=proposal.decided_by,
        decision=proposal.decision,
        awards=len({line.award for line in found.lines}),
        at_most_gpu_seconds=sum(line.at_most for line in found.lines),
        lines=[_line(caller, found, line) for line in found.lines],
        exemptions=[_exemption(each.at(caller.now)) for each in found.exemptions],
        version=proposal.version,
    )


def _line(caller: Caller, found: Reclaim, line: NoticeLine) -> NoticeLineOut:
    loss = Loss(
        on=found.proposal.not_before.date(),
        gpu_type=line.gpu_type,
        held=line.held,
        used=line.used,
        at_most=line.at_most,
        expected=line.expected,
        until=found.exemption_until,
    )
    text = notice_text(loss, caller.language)
    fields = {name: getattr(line, name) for name in NoticeLine.__dataclass_fields__}
    return NoticeLineOut(text=text, **fields)


def _exemption(asked: Proposal) -> ExemptionOut:
    return ExemptionOut(
        id=asked.id,
        award=asked.subject,
        reason=asked.reason,
        state=asked.state,
        proposed_by=asked.proposed_by,
        proposed_at=asked.proposed_at,
        decided_at=asked.decided_at,
        decision=asked.decision,
    )
