"""What must hold after every step of a simulated year, looked at from outside the operations.

Balances are added up here once more, from the transfers alone and as they come.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from scheduler.document import parse_document
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
from scheduler.domain.rounds import DecisionKind, Round
from scheduler.ports.paging import LARGEST_LIMIT, Slice, everything
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round

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


WHOLE: Final = 20
"""After so many steps the changes of every award are added up again, also of those that rest."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A store after a step, with what several invariants look at, read once."""

    tx: Transaction
    rounds: tuple[Round, ...]
    awards: tuple[Award, ...]


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
    _versions: dict[str, int] = field(default_factory=dict)
    _supply: dict[str, dict[tuple[int, str], int]] = field(default_factory=dict)

    def check(self, tx: Transaction) -> None:
        """Look at everything.

        Raises:
            BrokenInvariant: Naming the first that does not hold.
        """
        rules: tuple[tuple[str, Callable[[Seen], Iterator[str]]], ...] = (
            ("the ledger adds up", self._ledger),
            ("usage equals the ledger", self._usage),
            ("no pool-slot above its supply", self._cells),
            ("no award without approval", self._approvals),
            ("accepted awards are cut by a named rule only", self._changes),
        )
        seen = Seen(
            tx=tx,
            rounds=tuple(everything(lambda part: tx.rounds.list(EVERYTHING, part))),
            awards=tuple(everything(lambda part: tx.awards.list(EVERYTHING, part))),
        )
        for name, rule in rules:
            witness = next(rule(seen), None)
            if witness is not None:
                raise BrokenInvariant(name, witness)
        self.checked += 1

    def _ledger(self, seen: Seen) -> Iterator[str]:
        """Every balance is what its transfers make of it; together they are nothing."""
        tx = seen.tx
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

    def _usage(self, seen: Seen) -> Iterator[str]:
        """What jobs used, by award and type, is what stands as consumed."""
        for (award, gpu_type), total in seen.tx.usage.totals().items():
            id_ = account_id(AccountKind.CONSUMED, award or CENTER, gpu_type)
            if self._posted[id_] != total:
                yield f"{id_} holds {self._posted[id_]}, jobs used {total}"

    def _cells(self, seen: Seen) -> Iterator[str]:
        """The live awards of a call hold no more of a pool in a slot than was frozen."""
        taken: dict[str, Counter[tuple[int, str]]] = {}
        calls = {each.id: each.call for each in seen.rounds}
        for award in seen.awards:
            of_call = taken.setdefault(calls[award.round], Counter())
            for cell in award.cells:
                of_call[cell.slot, cell.pool] += cell.gpu_hours
        for call, places in taken.items():
            supply = self._supply_of(seen.tx, call)
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

    def _approvals(self, seen: Seen) -> Iterator[str]:
        """Every award's scenario was signed by somebody who did not select it."""
        awards: dict[str, list[Award]] = {}
        for award in seen.awards:
            awards.setdefault(award.round, []).append(award)
        for round_id, own in awards.items():
            said = {each.kind: each for each in seen.tx.decisions.of(round_id)}
            approval, selection = (
                said.get(kind) for kind in (DecisionKind.APPROVAL, DecisionKind.SELECTION)
            )
            signed = approval is not None and selection is not None and approval.by != selection.by
            for award in own:
                if not signed or approval is None or award.scenario != approval.scenario:
                    yield f"award {award.id} of {round_id}"

    def _changes(self, seen: Seen) -> Iterator[str]:
        """An award's cells are its changes added up, and hours went by a named rule.

        Looked at are the awards whose version is new, and now and then all of them.
        """
        if self.checked % WHOLE == 0:
            self._versions.clear()
        awards = {
            award.id: award
            for award in seen.awards
            if self._versions.get(award.id) != award.version
        }
        by_award: dict[str, list[AwardChange]] = {id_: [] for id_ in awards}
        for change in seen.tx.awards.changes(awards):
            by_award[change.award].append(change)
            took = sum(cell.gpu_hours for cell in change.cells) < 0
            if took and change.kind not in BY_RULE:
                yield f"{change.kind} takes hours off {change.award}"
        for id_, changes in by_award.items():
            if fold_cells(*(each.cells for each in changes)) != fold_cells(awards[id_].cells):
                yield f"award {id_} has other cells than its changes"
        self._versions.update((id_, award.version) for id_, award in awards.items())
