"""Proposals: acts on the books that take effect only when a second person agrees."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from scheduler.domain.errors import (
    InvalidTransition,
    NoticeRunning,
    PartyRequired,
    SecondPersonRequired,
)
from scheduler.domain.events import Happening, Json
from scheduler.domain.names import reason as stated_reason

LIFE: Final = timedelta(hours=72)
"""How long a proposal may be decided, from when it may first be."""


class ProposalKind(StrEnum):
    """What a proposal would do."""

    CORRECTION = "correction"
    """Set a mistake of the ledger right."""
    MOVE = "move"
    """Move hours between a call and the director's reserve."""
    ADJUSTMENT = "adjustment"
    """Give an award hours of the director's reserve, or take some of its unused ones there."""
    USAGE_CORRECTION = "usage-correction"
    """Say that a slice of a job used another amount."""
    RECLAIM = "reclaim"
    """Take back unused hours of a round's awards, by a rule, after a notice."""
    EXEMPTION = "exemption"
    """Spare an award from a reclaim, as its fellow asks."""
    TRANSFER = "transfer"
    """Hand hours of an award to another award of the same group."""

    @property
    def action(self) -> str:
        """Row of the permission matrix: who may decide."""
        return _ACTIONS[self]


_ACTIONS: Final[Mapping[ProposalKind, str]] = {
    ProposalKind.CORRECTION: "ledger.correct",
    ProposalKind.MOVE: "ledger.correct",
    ProposalKind.ADJUSTMENT: "award.adjust",
    ProposalKind.USAGE_CORRECTION: "usage.correct",
    ProposalKind.RECLAIM: "reclaim.approve",
    ProposalKind.EXEMPTION: "reclaim.approve",
    ProposalKind.TRANSFER: "award.agree_transfer",
}


class ProposalState(StrEnum):
    """How far a proposal is."""

    PENDING = "pending"
    """Waits for a second person."""
    APPROVED = "approved"
    """Took effect."""
    REJECTED = "rejected"
    """Was refused."""
    EXPIRED = "expired"
    """Nobody decided in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An act that waits for a second person.

    Attributes:
        subject: id of what it is about: an account, an award, a job.
        body: what exactly is to be done.
        not_before: the end of the notice; it takes effect no earlier.
        expires_at: after it nobody can decide any more.
        party: the only person who can agree; None if anybody who may decide.
    """

    id: str
    kind: ProposalKind
    subject: str
    body: Mapping[str, Json]
    reason: str
    state: ProposalState
    proposed_by: str
    proposed_at: datetime
    not_before: datetime
    expires_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str = ""
    party: str | None = None
    version: int = 1

    def __post_init__(self) -> None:
        stated_reason(self.reason)

    def at(self, now: datetime) -> "Proposal":
        """Return the proposal as it stands now: one that waited too long is expired."""
        late = self.state is ProposalState.PENDING and now > self.expires_at
        return replace(self, state=ProposalState.EXPIRED) if late else self

    def decide(
        self, *, approve: bool, why: str, by: str, at: datetime
    ) -> tuple["Proposal", Happening]:
        """Agree or refuse.

        Raises:
            InvalidTransition: If it is decided, or nobody decided in time.
            SecondPersonRequired: If the one who proposed it agrees to it.
            PartyRequired: If it is another's to agree.
            NoticeRunning: If the notice is not over.
        """
        action = "approve" if approve else "reject"
        current = self.at(at)
        if current.state is not ProposalState.PENDING:
            raise InvalidTransition(
                kind="proposal", id=self.id, state=current.state, action=action, allowed=[]
            )
        if approve and by == self.proposed_by:
            raise SecondPersonRequired(action=self.kind.action, person=by, part="proposer")
        if approve and self.party not in {None, by}:
            raise PartyRequired(proposal=self.id, person=by, party=self.party)
        if approve and at < self.not_before:
            raise NoticeRunning(proposal=self.id, not_before=self.not_before.isoformat())
        state = ProposalState.APPROVED if approve else ProposalState.REJECTED
        decided = replace(
            self,
            state=state,
            decided_by=by,
            decided_at=at,
            decision=why,
            version=self.version + 1,
        )
        body: dict[str, Json] = {"proposal": self.id, "reason": why, **self.body}
        return decided, Happening(
            kind=f"{self.kind.replace('-', '_')}.{state}", subject=self.subject, body=body
        )
