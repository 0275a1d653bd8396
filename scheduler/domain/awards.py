"""Awards: GPU-hours granted to one request, offered, accepted or returned; the reserve list."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from scheduler.domain.amounts import number
from scheduler.domain.errors import InvalidTransition, InvalidValue, OfferLapsed, ReturnTooLarge
from scheduler.domain.events import Happening, Json


class AwardState(StrEnum):
    """How far an award is."""

    OFFERED = "offered"
    """Published; waits for the fellow."""
    ACCEPTED = "accepted"
    """The fellow will use it."""
    RETURNED = "returned"
    """The fellow gave all of it back."""
    SUSPENDED = "suspended"
    """Kept, but not to be used for now."""
    ACTIVE = "active"
    """In use."""
    EXHAUSTED = "exhausted"
    """Used up."""
    EXPIRED = "expired"
    """Its window has passed."""
    RECLAIMED = "reclaimed"
    """Taken back unused."""


_ALLOWED: Final = {
    AwardState.OFFERED: ("accept", "return"),
    AwardState.ACCEPTED: ("return", "suspend"),
    AwardState.SUSPENDED: ("return", "resume"),
    AwardState.ACTIVE: ("return", "suspend"),
}


_LIVE: Final = frozenset(
    {AwardState.OFFERED, AwardState.ACCEPTED, AwardState.SUSPENDED, AwardState.ACTIVE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Whole GPU-hours on a pool in a slot."""

    pool: str
    slot: int
    gpu_hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """GPU-hours granted to one request.

    Attributes:
        requested, recommended, awarded, returned: thousandths of reference GPU-hours; nothing
            is overwritten: what is held is awarded less returned, and what changed otherwise.
        service_units: thousandths, charged for all cells that were published.
        cells: as they are now; a cache, that the changes of the award prove.
        answer_by: the last instant to accept the offer; with its round, if not said.
        changed: thousandths of reference GPU-hours given later, less those taken but not returned.
    """

    id: str
    round: str
    request: str
    scenario: str
    fellow: str
    requested: int
    recommended: int
    awarded: int
    service_units: int
    cells: tuple[Cell, ...]
    offered_at: datetime
    state: AwardState = AwardState.OFFERED
    returned: int = 0
    changed: int = 0
    answer_by: datetime | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    version: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.awarded <= self.recommended <= self.requested:
            raise InvalidValue(
                field="/awarded",
                value=number(self.awarded),
                rule="0 < awarded ≤ recommended ≤ requested",
            )

    @property
    def held(self) -> int:
        """Thousandths of reference GPU-hours that the fellow still holds."""
        return self.awarded - self.returned + self.changed

    @property
    def allowed(self) -> tuple[str, ...]:
        """What the state allows."""
        return _ALLOWED.get(self.state, ())

    def accept(self, by: str, at: datetime) -> tuple["Award", Happening]:
        """Take the offer.

        Raises:
            OfferLapsed: If the time to answer is over, whether the worker has seen it or not.
        """
        self._refuse_unless_allowed("accept")
        if self.is_unanswered(at):
            raise OfferLapsed(
                award=self.id, answer_by=str(self.answer_by and self.answer_by.isoformat())
            )
        accepted = replace(
            self,
            state=AwardState.ACCEPTED,
            answered_by=by,
            answered_at=at,
            version=self.version + 1,
        )
        return accepted, Happening(
            kind="award.accepted", subject=self.id, body={"gpu_hours": number(self.held)}
        )

    def give_back(
        self, amount: int | None, *, why: str, by: str, at: datetime
    ) -> tuple["Award", Happening]:
        """Return some or, without an amount in thousandths of GPU-hours, all of what is held.

        Raises:
            ReturnTooLarge: If more is returned than is held.
        """
        self._refuse_unless_allowed("return")
        given = self.held if amount is None else amount
        if not 0 < given <= self.held:
            raise ReturnTooLarge(award=self.id, held=number(self.held), returned=number(given))
        returned = replace(
            self,
            returned=self.returned + given,
            state=AwardState.RETURNED if given == self.held else self.state,
            answered_by=by,
            answered_at=at,
            version=self.version + 1,
        )
        body = {"gpu_hours": number(given), "left": number(returned.held), "reason": why}
        return returned, Happening(kind="award.returned", subject=self.id, body=body)

    def reclaim(self) -> tuple["Award", Happening]:
        """End an award of which a rule took everything back unused."""
        assert self.is_live, "only what may be used can be taken back"
        assert not self.cells, "what is left may still be used"
        reclaimed = replace(self, state=AwardState.RECLAIMED, version=self.version + 1)
        return reclaimed, Happening(kind="award.emptied", subject=self.id)

    @property
    def is_live(self) -> bool:
        """Whether the fellow may still use it, or say so."""
        return self.state in _LIVE

    def is_unanswered(self, now: datetime) -> bool:
        """Return whether it is an offer whose time to answer is over."""
        late = self.answer_by is not None and now > self.answer_by
        return late and self.state is AwardState.OFFERED

    def lapse(self, now: datetime) -> tuple["Award", Happening]:
        """End an offer that nobody answered in time."""
        assert self.is_unanswered(now), "only an offer that is too late lapses"
        lapsed = replace(self, state=AwardState.EXPIRED, version=self.version + 1)
        return lapsed, Happening(kind="award.lapsed", subject=self.id)

    def hand_over(self, to: str, *, why: str) -> tuple["Award", Happening]:
        """Let another fellow hold it from now on; request and history stay."""
        assert self.is_live, "what is over is held by nobody"
        handed = replace(self, fellow=to, version=self.version + 1)
        body: dict[str, Json] = {"from": self.fellow, "to": to, "reason": why}
        return handed, Happening(kind="award.handed_over", subject=self.id, body=body)

    def suspend(self, *, why: str) -> tuple["Award", Happening]:
        """Let it not be used for now; nothing is taken."""
        self._refuse_unless_allowed("suspend")
        suspended = replace(self, state=AwardState.SUSPENDED, version=self.version + 1)
        return suspended, Happening(kind="award.suspended", subject=self.id, body={"reason": why})

    def resume(self, *, why: str) -> tuple["Award", Happening]:
        """Let it be used again."""
        self._refuse_unless_allowed("resume")
        resumed = replace(self, state=AwardState.ACCEPTED, version=self.version + 1)
        return resumed, Happening(kind="award.resumed", subject=self.id, body={"reason": why})

    def expire(self) -> tuple["Award", Happening]:
        """End the award with its round: what is not used lapses."""
        assert self.is_live, "only what may be used can expire"
        expired = replace(self, state=AwardState.EXPIRED, version=self.version + 1)
        return expired, Happening(kind="award.expired", subject=self.id)

    def _refuse_unless_allowed(self, action: str) -> None:
        if action not in self.allowed:
            raise InvalidTransition(
                kind="award",
                id=self.id,
                state=self.state,
                action=action,
                allowed=list(self.allowed),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveEntry:
    """A request's place in the line for hours that come back; rank 1 is next."""

    round: str
    request: str
    rank: int
