"""Proposals: make one, read them; deciding stands in `scheduler.operations.approvals`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.domain.errors import NotFound
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.proposals import LIFE, Proposal, ProposalKind, ProposalState
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What somebody wants a second person to agree to.

    Attributes:
        subject: id of what it is about.
        body: what exactly is to be done.
        notice: how long before it may take effect.
        until: when it ends undecided; three days after the notice if not said.
    """

    kind: ProposalKind
    subject: str
    body: Mapping[str, Json]
    reason: str
    notice: timedelta = timedelta(0)
    until: datetime | None = None


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
    )
    tx.proposals.add(proposal)
    body = {"proposal": proposal.id, "reason": proposal.reason, **proposal.body}
    kind = f"{intent.kind.replace('-', '_')}.proposed"
    return proposal, record(tx, act, Happening(kind=kind, subject=intent.subject, body=body))


def find_proposal(tx: Transaction, kinds: Iterable[ProposalKind], id_: str) -> Proposal:
    """Return a proposal of a kind that the one who asks may decide.

    Raises:
        NotFound: If there is none.
    """
    proposal = tx.proposals.find(id_)
    if proposal is None or proposal.kind not in set(kinds):
        raise NotFound(kind="proposal", id=id_)
    return proposal


def list_proposals(
    tx: Transaction,
    kinds: Iterable[ProposalKind],
    slice_: Slice = FIRST,
    *,
    state: ProposalState | None = None,
) -> Page[Proposal]:
    """List proposals of the kinds that the one who asks may decide."""
    return tx.proposals.list(frozenset(kinds), slice_, state=state)
