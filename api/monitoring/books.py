"""What the ledger says, derived from its transfers at a cost that does not grow with them.

Transfers are never changed and balances are sums, so a reading adds to the sums it kept only what
was entered since. It compares what they make of every account with what is kept beside them, each
time. Once an hour it begins again from the first transfer, so that even a transfer that somebody
changed behind the database's back is found within that hour.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from api.monitoring.readings import (
    NONE,
    NOWHERE,
    BooksReading,
    HoldingReading,
    LedgerReading,
    RoundReading,
)
from scheduler.domain.flows import NOTHING, Flow, Standing, standings, wrong_accounts
from scheduler.domain.ledger import (
    CENTER,
    AccountKind,
    TransferCode,
    TransferStep,
    account_id,
    read_account_id,
)
from scheduler.ports.store import Transaction

DERIVE_AGAIN: Final = timedelta(hours=1)
"""After this time all sums are derived from the first transfer on."""
GIVEN_UP: Final = (TransferCode.RECLAIM, TransferCode.RETURN, TransferCode.EXPIRE)
"""Why an award loses hours to nobody in particular."""


class Books:
    """The sums of all transfers, kept from reading to reading."""

    def __init__(self) -> None:
        self._flows: Counter[Flow] = Counter()
        self._last = 0
        self._derived_at: datetime | None = None

    def read(
        self, tx: Transaction, rounds: Iterable[RoundReading], *, now: datetime
    ) -> BooksReading:
        """Return the ledger as a snapshot of the store shows it.

        Args:
            tx: the snapshot.
            rounds: whose awards hold hours.
            now: the instant of the reading.
        """
        derived_at = self._follow(tx, now)
        derived, kept = standings(self._flows), tx.ledger.kept()
        return BooksReading(
            ledger=ledger_readings(kept, derived),
            holdings=holding_readings(rounds, derived),
            given_up=self._given_up(),
            derived_at=derived_at,
        )

    def _follow(self, tx: Transaction, now: datetime) -> datetime:
        """Add what was entered since, and return when the sums were last derived anew."""
        if self._derived_at is None or now - self._derived_at >= DERIVE_AGAIN:
            self._flows, self._last, self._derived_at = Counter(), 0, now
        last = tx.events.last()
        if last > self._last:
            self._flows.update(tx.ledger.flows(self._last))
            self._last = last
        return self._derived_at

    def _given_up(self) -> Mapping[TransferCode, int]:
        """Return what awards lost, by code."""
        lost = dict.fromkeys(GIVEN_UP, 0)
        effective = {TransferStep.POSTED, TransferStep.POST}
        for flow, amount in self._flows.items():
            from_award = read_account_id(flow.debit)[0] is AccountKind.AWARD
            if flow.code in lost and flow.step in effective and from_award:
                lost[flow.code] += amount
        return lost


def ledger_readings(
    kept: Mapping[str, Standing], derived: Mapping[str, Standing]
) -> tuple[LedgerReading, ...]:
    """Return what the ledger of each GPU type adds up to.

    Args:
        kept: what every account is kept to hold.
        derived: what the transfers make of it.
    """
    wrong = Counter(read_account_id(each)[2] for each in wrong_accounts(kept, derived))
    pending: Counter[str] = Counter()
    balances: dict[str, dict[AccountKind, int]] = {}
    for account in kept.keys() | derived.keys():
        kind, _, gpu_type = read_account_id(account)
        standing = derived.get(account, NOTHING)
        of_type = balances.setdefault(gpu_type, dict.fromkeys(AccountKind, 0))
        of_type[kind] += standing.balance
        pending[gpu_type] += standing.debits_pending
    return tuple(
        LedgerReading(
            gpu_type=gpu_type,
            balances=balances[gpu_type],
            pending=pending[gpu_type],
            wrong=wrong[gpu_type],
        )
        for gpu_type in sorted(balances)
    )


def holding_readings(
    rounds: Iterable[RoundReading], derived: Mapping[str, Standing]
) -> tuple[HoldingReading, ...]:
    """Return what each award holds and used by GPU type, and what was used outside any."""
    types: dict[str, set[str]] = {}
    for account in derived:
        _, owner, gpu_type = read_account_id(account)
        types.setdefault(owner, set()).add(gpu_type)
    found = [
        _holding(
            derived, award.award, gpu_type, round=each.round, fellow=award.fellow, place=award.place
        )
        for each in rounds
        for award in each.awards
        for gpu_type in sorted(types.get(award.award, ()))
    ]
    outside = (
        _holding(derived, CENTER, gpu_type, round=NONE, fellow=NONE, place=NOWHERE)
        for gpu_type in sorted(types.get(CENTER, ()))
    )
    return (*found, *outside)


def _holding(
    derived: Mapping[str, Standing], owner: str, gpu_type: str, **whose: object
) -> HoldingReading:
    """Return what an owner's accounts of one GPU type say."""
    held, used, lapsed = (
        derived.get(account_id(kind, owner, gpu_type), NOTHING)
        for kind in (AccountKind.AWARD, AccountKind.CONSUMED, AccountKind.LAPSED)
    )
    offered = held.credits_pending
    of_award = owner != CENTER
    return HoldingReading(
        gpu_type=gpu_type,
        given=of_award * (held.balance + offered + used.balance + lapsed.balance),
        used=used.credits_posted,
        refunded=used.debits_posted,
        unused=max(held.balance, 0) + offered,
        overspent=max(-held.balance, 0),
        **whose,  # type: ignore[arg-type]  # the fields that say whose it is
    )
