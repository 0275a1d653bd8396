"""Enter transfers together or not at all: accounts are opened, balances kept, rows written once."""

from dataclasses import dataclass, field, replace

from scheduler.domain.ledger import AccountKind, Book, Transfer, TransferCode, TransferStep
from scheduler.operations.effects import cause_by_transfers
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction


@dataclass(slots=True)
class Entry:
    """Transfers that are entered together or not at all."""

    tx: Transaction
    act: Act
    transfers: list[Transfer] = field(default_factory=list)
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        self.book = Book(find=self.tx.ledger.find)

    def open(self, kind: AccountKind, owner: str, gpu_type: str) -> str:
        """Make an account unless there is one, and return its id."""
        return self.book.open(kind, owner, gpu_type)

    def move(  # noqa: PLR0913 - the fields of a transfer
        self,
        code: TransferCode,
        debit: str,
        credit: str,
        amount: int,
        *,
        event: int,
        step: TransferStep = TransferStep.POSTED,
    ) -> None:
        """Enter a transfer that settles none."""
        self._enter(
            Transfer(
                id=self.act.new("trf"),
                at=self.act.now,
                event=event,
                code=code,
                step=step,
                gpu_type=self.book.accounts[debit].gpu_type,
                debit=debit,
                credit=credit,
                amount=amount,
            )
        )

    def settle(self, pending: Transfer, step: TransferStep, *, event: int) -> None:
        """Post or void a pending transfer whole."""
        transfer = replace(
            pending,
            id=self.act.new("trf"),
            at=self.act.now,
            event=event,
            step=step,
            settles=pending.id,
        )
        self._enter(transfer, pending)

    def keep(self) -> None:
        """Write everything down, and what of it clusters must hear."""
        self.tx.ledger.enter(self.transfers, self.book.accounts.values())
        cause_by_transfers(self.tx, self.act, self.transfers)

    def _enter(self, transfer: Transfer, pending: Transfer | None = None) -> None:
        self.book.enter(transfer, pending)
        self.transfers.append(transfer)
