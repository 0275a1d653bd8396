"""Change requests: what a fellow asks about an award, and somebody else decides."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.errors import InvalidTransition, InvalidValue, SecondPersonRequired
from scheduler.domain.events import Happening, Json
from scheduler.domain.names import line, paragraphs
from scheduler.domain.names import reason as stated_reason


class ChangeRequestKind(StrEnum):
    """What is asked."""

    SUPPLEMENT = "supplement"
    """More hours, of the director's reserve."""
    EXTENSION = "extension"
    """Hours of passed slots that were not used, again in later ones."""
    ADVANCE = "advance"
    """Hours of later slots, in earlier ones."""
    APPEAL = "appeal"
    """More hours, because the decision rests on an error of fact."""

    @property
    def action(self) -> str:
        """Row of the permission matrix: who decides."""
        return "appeal.decide" if self is ChangeRequestKind.APPEAL else "award.adjust"

    @property
    def change(self) -> AwardChangeKind:
        """What the award's story calls it when it is granted."""
        return _CHANGES[self]


_CHANGES: Final = {
    ChangeRequestKind.SUPPLEMENT: AwardChangeKind.SUPPLEMENTED,
    ChangeRequestKind.APPEAL: AwardChangeKind.SUPPLEMENTED,
    ChangeRequestKind.EXTENSION: AwardChangeKind.EXTENDED,
    ChangeRequestKind.ADVANCE: AwardChangeKind.ADVANCED,
}


class ChangeRequestState(StrEnum):
    """How far a change request is."""

    FILED = "filed"
    """Waits for a decision."""
    GRANTED = "granted"
    """Took effect, in whole or in part."""
    REJECTED = "rejected"
    """Was refused, with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """What a fellow asks about an award.

    Attributes:
        fellow: whose award it is.
        gpu_hours: whole hours on pools of the GPU type.
        first, end: slots that the hours should lie in, half open; any to come if not said.
        error: the fact that is wrong, of an appeal.
        granted: GPU-hours that were given.
    """

    id: str
    award: str
    fellow: str
    kind: ChangeRequestKind
    gpu_type: str
    gpu_hours: int
    first: int | None
    end: int | None
    error: str
    reason: str
    filed_by: str
    filed_at: datetime
    state: ChangeRequestState = ChangeRequestState.FILED
    granted: int = 0
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str = ""
    version: int = 1

    def __post_init__(self) -> None:
        stated_reason(self.reason)
        line(self.gpu_type, field="/gpu_type")
        paragraphs(self.error, field="/error")
        if self.gpu_hours <= 0:
            raise InvalidValue(field="/gpu_hours", value=self.gpu_hours, rule="more than 0")
        if (self.kind is ChangeRequestKind.APPEAL) != bool(self.error.strip()):
            rule = "the fact that is wrong, of an appeal alone"
            raise InvalidValue(field="/error", value=self.error, rule=rule)
        if self.first is not None and self.end is not None and not 0 <= self.first < self.end:
            rule = "0 ≤ first < end"
            raise InvalidValue(field="/window", value=[self.first, self.end], rule=rule)

    @property
    def allowed(self) -> tuple[str, ...]:
        """What the state allows."""
        return ("decide",) if self.state is ChangeRequestState.FILED else ()

    def decide(
        self, *, granted: int, why: str, by: str, at: datetime
    ) -> tuple["ChangeRequest", Happening]:
        """Grant some GPU-hours of what is asked, or none.

        Raises:
            InvalidTransition: If it is decided already.
            SecondPersonRequired: If the one who filed it decides.
            InvalidValue: If more is granted than is asked.
        """
        if not self.allowed:
            raise InvalidTransition(
                kind="change request", id=self.id, state=self.state, action="decide", allowed=[]
            )
        if by == self.filed_by:
            raise SecondPersonRequired(action=self.kind.action, person=by, part="one who asked")
        if not 0 <= granted <= self.gpu_hours:
            rule = f"0 to {self.gpu_hours}, what is asked"
            raise InvalidValue(field="/gpu_hours", value=granted, rule=rule)
        state = ChangeRequestState.GRANTED if granted else ChangeRequestState.REJECTED
        decided = replace(
            self,
            state=state,
            granted=granted,
            decided_by=by,
            decided_at=at,
            decision=why,
            version=self.version + 1,
        )
        body: dict[str, Json] = {"award": self.award, "gpu_hours": granted, "reason": why}
        return decided, Happening(kind=f"{self.kind}.{state}", subject=self.id, body=body)
