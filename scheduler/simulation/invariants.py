"""What must hold after every step of a simulated year, looked at from outside the operations.

Balances are added up here once more, from the transfers alone and as they come.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award
from scheduler.domain.changes import AwardChange, AwardChangeKind, fold_cells
from scheduler.domain.ledger import (
    BELOW_NOTHING,
    CENTER,
    AccountKind,
    Transfer,
    TransferStep,
    account_id,
)
from scheduler.domain.rounds import DecisionKind
from scheduler.ports.paging import LARGEST_LIMIT, AwardFilter, Slice, everything
from scheduler.ports.store import Transaction
from scheduler.snapshot import parse_document, read_round

BY_RULE: Final = frozenset(
    {
        AwardChangeKind.RETURNED,
        AwardChangeKind.LAPSED,
        AwardChangeKind.RECLAIMED,
        AwardChangeKind.ADJUSTED,
        AwardChangeKind.HANDED_ON,
        AwardChangeKind.MOVED,
        AwardChangeKind.CUT,
    }
)
"""Kinds of change that may take hours off an award."""


class BrokenInvariant(Exception):  # noqa: N818 - named by what it says
    """Something that must hold does not.

    Attributes:
        name: of the invariant.
        witness: the smallest thing that shows it.
    """

    def __init__(self, name: str, witness: str) -> None:
        super().__init__(f"{name}: {witness}")
        self.name = name
        self.witness = witness


@dataclass(slots=True)
class Invariants:
    """Looks at a store after every step.

    Attributes:
        checked: how many times everything held.
    """

    checked: int = 0
    _seen: str | None = None
    _posted: Counter[str] = field(default_factory=Counter)
    _pending: dict[str, Transfer] = field(default_factory=dict)
    _supply: dict[str, dict[tuple[int, str], int]] = field(default_factory=dict)

    def check(self, tx: Transaction) -> None:
        """Look at everything.

        Raises:
            BrokenInvariant: Naming the first that does not hold.
        """
        rules: tuple[tuple[str, Callable[[Transaction], Iterator[str]]], ...] = (
            ("the ledger adds up", self._ledger),
            ("usage equals the ledger", self._usage),
            ("no pool-slot above its supply", self._cells),
            ("no award without approval", self._approvals),
            ("accepted awards are cut by a named rule only", self._changes),
        )
        for name, rule in rules:
            witness = next(rule(tx), None)
            if witness is not None:
                raise BrokenInvariant(name, witness)
        self.checked += 1

    def _ledger(self, tx: Transaction) -> Iterator[str]:
        """Every balance is what its transfers make of it; together they are nothing."""
        self._add_up(tx)
        totals: Counter[str] = Counter()
        for account in everything(lambda part: tx.ledger.accounts(EVERYTHING, part)):
            if account.balance != self._posted[account.id]:
                yield f"{account.id} says {account.balance}, is {self._posted[account.id]}"
            if account.available < 0 and account.kind not in BELOW_NOTHING:
                yield f"{account.id} can give {account.available}"
            totals[account.gpu_type] += account.balance
        for gpu_type, total in totals.items():
            if total:
                yield f"all accounts of {gpu_type} hold {total}"

    def _add_up(self, tx: Transaction) -> None:
        """Add the transfers that came since the last time."""
        while True:
            part = tx.ledger.transfers(
                EVERYTHING, Slice(cursor=self._seen, limit=LARGEST_LIMIT)
            ).items
            for each in part:
                self._count(each)
            if len(part) < LARGEST_LIMIT:
                break

    def _count(self, each: Transfer) -> None:
        self._seen = each.id
        if each.step is TransferStep.PENDING:
            self._pending[each.id] = each
        elif each.step is not TransferStep.VOID:
            self._posted[each.debit] -= each.amount
            self._posted[each.credit] += each.amount

    def _usage(self, tx: Transaction) -> Iterator[str]:
        """What jobs used, by award and type, is what stands as consumed."""
        for (award, gpu_type), total in tx.usage.totals().items():
            id_ = account_id(AccountKind.CONSUMED, award or CENTER, gpu_type)
            if self._posted[id_] != total:
                yield f"{id_} holds {self._posted[id_]}, jobs used {total}"

    def _cells(self, tx: Transaction) -> Iterator[str]:
        """The live awards of a call hold no more of a pool in a slot than was frozen."""
        taken: dict[str, Counter[tuple[int, str]]] = {}
        rounds = everything(lambda part: tx.rounds.list(EVERYTHING, part))
        calls = {each.id: each.call for each in rounds}
        for award in _awards(tx):
            of_call = taken.setdefault(calls[award.round], Counter())
            of_call.update({(cell.slot, cell.pool): cell.gpu_hours for cell in award.cells})
        for call, places in taken.items():
            supply = self._supply_of(tx, call)
            for place, hours in places.items():
                if hours * MILLI > supply[place]:
                    yield f"{place} of {call} holds {hours}, is supplied {supply[place] / MILLI}"

    def _supply_of(self, tx: Transaction, call: str) -> dict[tuple[int, str], int]:
        """Return thousandths of GPU-hours by slot and pool, as the first round froze them."""
        if call not in self._supply:
            first = tx.rounds.of_call(call)[0]
            assert first.snapshot is not None, "awards come from a frozen round"
            frozen = read_round(parse_document(tx.documents.text(first.snapshot).encode()))
            self._supply[call] = {
                (slot, pool.id): hours
                for pool in frozen.pools
                for slot, hours in enumerate(pool.supply_gpu_hours)
            }
        return self._supply[call]

    def _approvals(self, tx: Transaction) -> Iterator[str]:
        """Every award's scenario was signed by somebody who did not select it."""
        for round_ in everything(lambda part: tx.rounds.list(EVERYTHING, part)):
            said = {each.kind: each for each in tx.decisions.of(round_.id)}
            approval, selection = (
                said.get(kind) for kind in (DecisionKind.APPROVAL, DecisionKind.SELECTION)
            )
            signed = approval is not None and selection is not None and approval.by != selection.by
            for award in _awards(tx, round_.id):
                if not signed or approval is None or award.scenario != approval.scenario:
                    yield f"award {award.id} of {round_.id}"

    def _changes(self, tx: Transaction) -> Iterator[str]:
        """An award's cells are its changes added up, and hours went by a named rule."""
        awards = {award.id: award for award in _awards(tx)}
        by_award: dict[str, list[AwardChange]] = {id_: [] for id_ in awards}
        for change in tx.awards.changes(awards):
            by_award[change.award].append(change)
            took = sum(cell.gpu_hours for cell in change.cells) < 0
            if took and change.kind not in BY_RULE:
                yield f"{change.kind} takes hours off {change.award}"
        for id_, changes in by_award.items():
            if fold_cells(*(each.cells for each in changes)) != fold_cells(awards[id_].cells):
                yield f"award {id_} has other cells than its changes"


def _awards(tx: Transaction, round_id: str | None = None) -> tuple[Award, ...]:
    from_round = AwardFilter(round=round_id)
    return tuple(everything(lambda part: tx.awards.list(EVERYTHING, part, where=from_round)))
