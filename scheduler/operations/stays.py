"""Where an award belonged over time: its fellow, group and track, as people moved."""

from collections.abc import Sequence
from datetime import datetime

from scheduler.domain.awards import Award
from scheduler.domain.ledger import TransferCode, read_account_id
from scheduler.domain.moves import PersonMove, Stay, stays
from scheduler.operations.ledger import award_accounts
from scheduler.ports.store import Transaction


class Stays:
    """Stays of awards; each is read once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._moves: dict[str, Sequence[PersonMove]] = {}
        self._found: dict[str, tuple[Stay, ...]] = {}

    def of(self, award: Award) -> tuple[Stay, ...]:
        """Return whose an award was, and for whom it counted, since it was offered."""
        if award.id not in self._found:
            self._found[award.id] = stays(self._first(award), self._moves_of)
        return self._found[award.id]

    def at(self, award: Award, instant: datetime) -> Stay:
        """Return where an award belonged at an instant; before its offer, where it began."""
        found = self.of(award)
        return next((each for each in reversed(found) if each.since <= instant), found[0])

    def _first(self, award: Award) -> Stay:
        request = self._tx.requests.find(award.request)
        assert request is not None, "an award belongs to a request"
        submission = self._tx.requests.submission(request.id, request.submitted)
        return Stay(
            since=award.offered_at,
            fellow=request.fellow,
            group=granted_by(self._tx, award),
            track=(request.draft if submission is None else submission.ask).track,
        )

    def _moves_of(self, person: str) -> Sequence[PersonMove]:
        if person not in self._moves:
            self._moves[person] = self._tx.people.moves([person])
        return self._moves[person]


def granted_by(tx: Transaction, award: Award) -> str:
    """Return the group whose share an award was granted from."""
    granted = [
        each
        for account in award_accounts(tx, award.id)
        for each in tx.ledger.credited(account.id)
        if each.code is TransferCode.AWARD
    ]
    return read_account_id(min(granted, key=lambda each: each.event).debit)[1]
