"""Change requests: file, decide; what is granted takes effect at once. Renewals."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from scheduler.domain.access import Permit
from scheduler.domain.asks import ask_document
from scheduler.domain.awards import Award
from scheduler.domain.change_requests import ChangeRequest, ChangeRequestKind, ChangeRequestState
from scheduler.domain.errors import AlreadyExists, AppealClosed, InvalidTransition, InvalidValue
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.requests import Request
from scheduler.operations.calls import get_call
from scheduler.operations.holdings import (
    Wanted,
    advance_hours,
    extend_hours,
    give_hours,
    holding_of,
    terms_of,
)
from scheduler.operations.record import record
from scheduler.operations.requests import create_request
from scheduler.ports.acts import Act
from scheduler.ports.changes import ALL_CHANGE_REQUESTS, ChangeRequestFilter
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction

Effect: TypeAlias = Callable[[Transaction, Act, Award, Wanted], object]
EFFECTS: Final[Mapping[ChangeRequestKind, Effect]] = {
    ChangeRequestKind.SUPPLEMENT: give_hours,
    ChangeRequestKind.APPEAL: give_hours,
    ChangeRequestKind.EXTENSION: extend_hours,
    ChangeRequestKind.ADVANCE: advance_hours,
}
"""What a granted change request does."""
ANOTHER_CALL: Final = frozenset({"window", "after", "track"})
"""Keys of an ask that mean something in its own call alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks about an award, as it was sent."""

    kind: ChangeRequestKind
    gpu_type: str
    gpu_hours: int
    reason: str
    first: int | None = None
    end: int | None = None
    error: str = ""


def file_change(
    tx: Transaction, act: Act, award_id: str, asked: Asked
) -> tuple[ChangeRequest, Event]:
    """Ask for a change of an award.

    Raises:
        InvalidTransition: If the award is over.
        AppealClosed: If the time for appeals is over.
        AlreadyExists: If one of the same kind waits.
        InvalidValue: If the award's call has no pool of the GPU type.
    """
    award = tx.awards.get(act.scope, award_id)
    if not award.is_live:
        raise InvalidTransition(
            kind="award", id=award.id, state=award.state, action=str(asked.kind), allowed=[]
        )
    terms = terms_of(tx, award).terms
    if asked.kind is ChangeRequestKind.APPEAL:
        closes_at = award.offered_at + timedelta(days=terms.appeal_days)
        if act.now > closes_at:
            raise AppealClosed(award=award.id, closed_at=closes_at.isoformat())
    types = sorted(set(holding_of(tx, award).gpu_types.values()))
    if asked.gpu_type not in types:
        raise InvalidValue(field="/gpu_type", value=asked.gpu_type, rule=f"one of {types}")
    where = ChangeRequestFilter(
        award=award.id, kinds=frozenset({asked.kind}), state=ChangeRequestState.FILED
    )
    if tx.change_requests.list(act.scope, where=where).items:
        raise AlreadyExists(kind=str(asked.kind), id=award.id)
    filed = ChangeRequest(
        id=act.new("apl" if asked.kind is ChangeRequestKind.APPEAL else "crq"),
        award=award.id,
        fellow=award.fellow,
        kind=asked.kind,
        gpu_type=asked.gpu_type,
        gpu_hours=asked.gpu_hours,
        first=asked.first,
        end=asked.end,
        error=asked.error,
        reason=asked.reason,
        filed_by=act.person,
        filed_at=act.now,
    )
    tx.change_requests.add(filed)
    body: dict[str, Json] = {
        "award": award.id,
        "gpu_type": filed.gpu_type,
        "gpu_hours": filed.gpu_hours,
        "reason": filed.reason,
    }
    return filed, record(
        tx, act, Happening(kind=f"{filed.kind}.filed", subject=filed.id, body=body)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A word on a change request.

    Attributes:
        gpu_hours: how much is granted, or nothing for all that is asked.
    """

    grant: bool
    reason: str
    gpu_hours: int | None = None


def decide_change(
    tx: Transaction, act: Act, id_: str, kinds: Iterable[ChangeRequestKind], verdict: Verdict
) -> tuple[ChangeRequest, Event]:
    """Grant all that is asked or some of it, so that it takes effect, or nothing.

    Raises:
        NotFound: If there is none of these kinds.
        SecondPersonRequired: If the one who filed it decides.
        InvalidValue: If as many hours are not free, or not there to be moved.
        BalanceTooSmall: If the director's reserve does not hold as much.
    """
    asked = get_change_request(tx, act.permit, id_, kinds)
    act.expect("change request", id_, asked.version)
    wished = asked.gpu_hours if verdict.gpu_hours is None else verdict.gpu_hours
    given, why = wished if verdict.grant else 0, stated_reason(verdict.reason)
    decided, told = asked.decide(granted=given, why=why, by=act.person, at=act.now)
    tx.change_requests.save(decided)
    event = record(tx, act, told)
    if given:
        award = tx.awards.get(act.scope, asked.award)
        wanted = Wanted(
            kind=asked.kind.change,
            gpu_type=asked.gpu_type,
            gpu_hours=given,
            least=given,
            reason=why,
            since=asked.first,
            until=asked.end,
        )
        EFFECTS[asked.kind](tx, act, award, wanted)
    return decided, event


def get_change_request(
    tx: Transaction, permit: Permit, id_: str, kinds: Iterable[ChangeRequestKind]
) -> ChangeRequest:
    """Return a visible change request of some kinds."""
    return tx.change_requests.get(permit.scope, id_, frozenset(kinds))


def list_change_requests(
    tx: Transaction,
    permit: Permit,
    slice_: Slice = FIRST,
    *,
    where: ChangeRequestFilter = ALL_CHANGE_REQUESTS,
) -> Page[ChangeRequest]:
    """List visible change requests."""
    return tx.change_requests.list(permit.scope, slice_, where=where)


def renew_award(tx: Transaction, act: Act, award_id: str, call: str) -> tuple[Request, Event]:
    """Begin a request in another call with what was asked for an award.

    Window, track and predecessor are left open: they mean something in their own call alone.
    """
    award = tx.awards.get(act.scope, award_id)
    offered = get_call(tx, act.permit, call).terms.pools
    draft = {
        key: value
        for key, value in ask_document(holding_of(tx, award).ask).items()
        if key not in ANOTHER_CALL and value is not None
    }
    speeds = draft["speeds"]
    assert isinstance(speeds, dict), "an ask states the speeds of pools"
    draft["speeds"] = {pool: speed for pool, speed in speeds.items() if pool in offered}
    made = create_request(tx, act, call, draft, award.fellow)
    body: dict[str, Json] = {"request": made.id, "call": call}
    return made, record(tx, act, Happening(kind="award.renewed", subject=award.id, body=body))
