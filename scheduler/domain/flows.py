"""Flows: transfers added up by their accounts, code and step, and what they make of accounts.

The order of transfers means nothing for a balance, so their sums say all of it. Sums can be kept
and grow by what is entered later; a fold of single transfers cannot without reading them all.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from scheduler.domain.ledger import (
    BELOW_NOTHING,
    TransferCode,
    TransferStep,
    read_account_id,
)


class Flow(NamedTuple):
    """From where to where, why, and how GPU-seconds moved."""

    debit: str
    credit: str
    code: TransferCode
    step: TransferStep


Flows: TypeAlias = Mapping[Flow, int]
"""GPU-seconds of all transfers of each flow."""


class Standing(NamedTuple):
    """What an account holds, in GPU-seconds, as `Account` names it."""

    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int

    @property
    def balance(self) -> int:
        """GPU-seconds held."""
        return self.credits_posted - self.debits_posted


NOTHING: Final = Standing(0, 0, 0, 0)
_COUNTED: Final[dict[TransferStep, tuple[int, int]]] = {
    TransferStep.POSTED: (0, 1),
    TransferStep.PENDING: (1, 0),
    TransferStep.POST: (-1, 1),
    TransferStep.VOID: (-1, 0),
}
"""What a step adds to (pending, posted); what is pending is settled whole."""


def standings(flows: Flows) -> dict[str, Standing]:
    """Return what the flows alone make of each account."""
    sums: Counter[tuple[str, int]] = Counter()
    for flow, amount in flows.items():
        pending, posted = _COUNTED[flow.step]
        for place, account in ((0, flow.debit), (2, flow.credit)):
            sums[account, place] += pending * amount
            sums[account, place + 1] += posted * amount
    accounts = {account for account, _ in sums}
    return {each: Standing(*(sums[each, place] for place in range(4))) for each in accounts}


def wrong_accounts(kept: Mapping[str, Standing], derived: Mapping[str, Standing]) -> list[str]:
    """Return the accounts that hold another amount than their transfers make, or too little.

    Args:
        kept: what every account is kept to hold.
        derived: what the transfers make.
    """
    return sorted(
        each
        for each in kept.keys() | derived.keys()
        if kept.get(each, NOTHING) != derived.get(each, NOTHING)
        or _is_overdrawn(each, derived.get(each, NOTHING))
    )


def _is_overdrawn(account: str, standing: Standing) -> bool:
    kind, _, _ = read_account_id(account)
    return kind not in BELOW_NOTHING and standing.balance < standing.debits_pending
