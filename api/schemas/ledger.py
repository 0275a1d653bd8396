"""The ledger as it is read."""

from api.schemas.common import Shown
from api.schemas.fields import Instant
from scheduler.domain.ledger import AccountKind, TransferCode, TransferStep


class AccountOut(Shown):
    """GPU-seconds of one GPU type that one owner holds for one purpose."""

    id: str
    kind: AccountKind
    owner: str
    gpu_type: str
    balance: int
    available: int
    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int


class TransferOut(Shown):
    """GPU-seconds that moved; `event` is the position in the log of what caused it."""

    id: str
    at: Instant
    event: int
    code: TransferCode
    step: TransferStep
    gpu_type: str
    debit: str
    credit: str
    amount: int
    settles: str | None


class TrialBalanceOut(Shown):
    """What the ledger of one GPU type adds up to, in GPU-seconds."""

    gpu_type: str
    transfers: int
    debits: int
    credits: int
    pending: int
    balances: dict[AccountKind, int]
    wrong: int
    named: list[str]
    overdrawn: int
    holds: bool


class TrialBalancesOut(Shown):
    """The check of the whole ledger, derived from all its transfers."""

    holds: bool
    items: list[TrialBalanceOut]
