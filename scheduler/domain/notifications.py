"""Notifications: who is told of an event that concerns them, until they have read of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from scheduler.domain.change_requests import ChangeRequestKind
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.proposals import ProposalKind, ProposalState


class Audience(StrEnum):
    """Who is told, seen from the subject of an event."""

    FELLOW = "fellow"
    """The fellow of the award or request."""
    UNFUNDED = "unfunded"
    """Fellows of the round whose requests hold no award."""
    DRAFTERS = "drafters"
    """Fellows with a request in the call that is not submitted as it stands."""
    ASKERS = "askers"
    """Fellows with a request in the call."""
    LEADS = "leads"
    """Leads of the groups of fellows with a request in the round's call."""
    PARTY = "party"
    """Who alone can agree to the proposal."""
    PROPOSER = "proposer"
    """Who proposed what is decided."""
    ASKER = "asker"
    """Who asked for a change of an award, and its fellow."""
    OPERATORS = "operators"
    """All operators."""
    APPROVERS = "approvers"
    """All approvers."""


PROPOSED: Final = tuple(kind.replace("-", "_") for kind in ProposalKind)
"""Kinds of proposal, as events begin."""
DECIDED: Final = (ProposalState.APPROVED, ProposalState.REJECTED)
SECONDS: Final = (Audience.OPERATORS, Audience.APPROVERS)
"""Who may be the second person of a proposal."""
CHANGES: Final = (
    AwardChangeKind.LAPSED,
    AwardChangeKind.RECLAIMED,
    AwardChangeKind.ADJUSTED,
    AwardChangeKind.SUPPLEMENTED,
    AwardChangeKind.EXTENDED,
    AwardChangeKind.ADVANCED,
    AwardChangeKind.MOVED,
    AwardChangeKind.CUT,
)
"""Changes of an award that its fellow did not make; what is handed on has an event of its own."""
TOLD: Final[Mapping[str, tuple[Audience, ...]]] = {
    "award.offered": (Audience.FELLOW,),
    "award.returned": (Audience.OPERATORS,),
    "award.transferred": (Audience.FELLOW,),
    "award.expired": (Audience.FELLOW,),
    "award.reclaim_noticed": (Audience.FELLOW,),
    "award.emptied": (Audience.FELLOW,),
    "award.balance_low": (Audience.FELLOW,),
    "award.balance_empty": (Audience.FELLOW,),
    "award.answer_due": (Audience.FELLOW,),
    "award.exemption_due": (Audience.FELLOW,),
    "award.ending": (Audience.FELLOW,),
    **{f"award.{kind}": (Audience.FELLOW,) for kind in CHANGES},
    "request.ineligible": (Audience.FELLOW,),
    "call.extended": (Audience.ASKERS,),
    "call.closing": (Audience.DRAFTERS,),
    "round.continued": (Audience.OPERATORS,),
    "round.selected": (Audience.APPROVERS,),
    "round.approved": (Audience.OPERATORS,),
    "round.rejected": (Audience.OPERATORS,),
    "round.published": (Audience.UNFUNDED, Audience.LEADS),
    "capacity_change.proposed": (Audience.OPERATORS,),
    **{f"{kind}.proposed": SECONDS for kind in PROPOSED},
    "transfer.proposed": (Audience.PARTY,),
    **{f"{kind}.{word}": (Audience.PROPOSER,) for kind in PROPOSED for word in DECIDED},
    **{f"{kind}.filed": SECONDS for kind in ChangeRequestKind},
    "appeal.filed": (Audience.APPROVERS,),
    **{f"{kind}.rejected": (Audience.ASKER,) for kind in ChangeRequestKind},
}
"""Kind of event → who is told. Nobody is told of what they did themselves."""
URGENT: Final = frozenset(
    {
        "award.offered",
        "award.answer_due",
        "award.exemption_due",
        "award.reclaim_noticed",
        "award.balance_low",
        "award.balance_empty",
        "call.closing",
    }
)
"""Kinds that are mailed at once; everything else waits for the digest of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One event that one person is told of.

    Attributes:
        kind, subject: of the event.
        event: its position in the log.
    """

    id: str
    person: str
    at: datetime
    kind: str
    subject: str
    event: int
    read_at: datetime | None = None
    version: int = 1

    def read(self, at: datetime) -> "Notification":
        """Say that its person has read it; the first time counts."""
        if self.read_at is not None:
            return self
        return replace(self, read_at=at, version=self.version + 1)
