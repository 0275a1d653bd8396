"""Proposals: make one, read them; deciding stands in `scheduler.operations.approvals`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.domain.errors import NotFound
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.proposals import LIFE, Proposal, ProposalKind, ProposalState
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction
from scheduler.ports.usage import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What somebody wants a second person to agree to.

    Attributes:
        subject: id of what it is about.
        body: what exactly is to be done.
        notice: how long before it may take effect.
        until: when it ends undecided; three days after the notice if not said.
        party: the only person who can agree, if it is not anybody who may decide.
    """

    kind: ProposalKind
    subject: str
    body: Mapping[str, Json]
    reason: str
    notice: timedelta = timedelta(0)
    until: datetime | None = None
    party: str | None = None


def propose(tx: Transaction, act: Act, intent: Intent) -> tuple[Proposal, Event]:
    """Keep what somebody wants until a second person decides."""
    begins = act.now + intent.notice
    proposal = Proposal(
        id=act.new("prp"),
        kind=intent.kind,
        subject=intent.subject,
        body=intent.body,
        reason=intent.reason,
        state=ProposalState.PENDING,
        proposed_by=act.person,
        proposed_at=act.now,
        not_before=begins,
        expires_at=intent.until or begins + LIFE,
        party=intent.party,
    )
    tx.proposals.add(proposal)
    body = {"proposal": proposal.id, "reason": proposal.reason, **proposal.body}
    kind = f"{intent.kind.replace('-', '_')}.proposed"
    return proposal, record(tx, act, Happening(kind=kind, subject=intent.subject, body=body))


def find_proposal(tx: Transaction, reach: Reach, id_: str) -> Proposal:
    """Return a proposal that the one who asks may decide.

    Raises:
        NotFound: If there is none.
    """
    proposal = tx.proposals.find(id_, reach)
    if proposal is None:
        raise NotFound(kind="proposal", id=id_)
    return proposal


def list_proposals(
    tx: Transaction,
    reach: Reach,
    slice_: Slice = FIRST,
    *,
    state: ProposalState | None = None,
) -> Page[Proposal]:
    """List proposals that the one who asks may decide."""
    return tx.proposals.list(reach, slice_, state=state)
