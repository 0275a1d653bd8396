"""Decide proposals: a second person agrees, and the act takes effect in the same transaction."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from scheduler.domain.events import Event
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.proposals import Proposal, ProposalKind
from scheduler.operations.handing import enter_transfer
from scheduler.operations.movements import enter_adjustment, enter_movement
from scheduler.operations.proposals import find_proposal
from scheduler.operations.reclaims import enter_exemption, enter_reclaim
from scheduler.operations.record import record
from scheduler.operations.usage import enter_usage_correction
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction
from scheduler.ports.usage import ALL_PROPOSALS

Effect: TypeAlias = Callable[[Transaction, Act, Proposal, Event], None]
EFFECTS: Final[Mapping[ProposalKind, Effect]] = {
    ProposalKind.CORRECTION: enter_movement,
    ProposalKind.MOVE: enter_movement,
    ProposalKind.ADJUSTMENT: enter_adjustment,
    ProposalKind.USAGE_CORRECTION: enter_usage_correction,
    ProposalKind.RECLAIM: enter_reclaim,
    ProposalKind.EXEMPTION: enter_exemption,
    ProposalKind.TRANSFER: enter_transfer,
}
"""What an agreed proposal does."""


def decide_proposal(
    tx: Transaction, act: Act, id_: str, *, approve: bool, reason: str
) -> tuple[Proposal, Event]:
    """Agree to a proposal, so that it takes effect, or refuse it.

    Raises:
        InvalidTransition: If it is decided, or nobody decided in time.
        SecondPersonRequired: If the one who proposed it agrees to it.
        PartyRequired: If it is another's to agree.
        NoticeRunning: If the notice is not over.
    """
    proposal = find_proposal(tx, ALL_PROPOSALS, id_)
    act.expect("proposal", id_, proposal.version)
    decided, told = proposal.decide(
        approve=approve, why=stated_reason(reason), by=act.person, at=act.now
    )
    tx.proposals.save(decided)
    event = record(tx, act, told)
    if approve:
        EFFECTS[proposal.kind](tx, act, decided, event)
    return decided, event
