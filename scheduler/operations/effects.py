"""Effects: awards whose limit changed, written in the transaction that changed it.

That is the outbox of enforcement. An effect is kept until every target has applied a plan that
knew it, so nothing that was decided is lost between the books and a cluster, whoever is killed.
"""

from collections.abc import Iterable

from scheduler.domain.access import EVERYTHING
from scheduler.domain.enforcement import Effect
from scheduler.domain.ledger import AccountKind, Transfer, TransferCode, TransferStep
from scheduler.domain.ledger import read_account_id as named
from scheduler.ports.acts import Act
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction


def cause(tx: Transaction, act: Act, awards: Iterable[str], *, event: int) -> None:
    """Say that an event changed what some awards allow."""
    effects = [Effect(event=event, award=each, at=act.now) for each in sorted(set(awards))]
    if effects:
        tx.enforcement.cause(effects)


def cause_by_transfers(tx: Transaction, act: Act, transfers: Iterable[Transfer]) -> None:
    """Say which awards some transfers give or take something.

    Use changes no limit: clusters count it themselves. What is set aside is not yet held.
    """
    touched: dict[int, set[str]] = {}
    for each in transfers:
        if each.code is TransferCode.USE or each.step is TransferStep.PENDING:
            continue
        for account in (each.debit, each.credit):
            kind, owner, _ = named(account)
            if kind is AccountKind.AWARD:
                touched.setdefault(each.event, set()).add(owner)
    for event, awards in sorted(touched.items()):
        cause(tx, act, awards, event=event)


def cause_by_person(tx: Transaction, act: Act, person: str, *, event: int) -> None:
    """Say that a fellow's awards are to be found in another place of every cluster."""
    where = AwardFilter(fellow=person)
    found = everything(lambda part: tx.awards.list(EVERYTHING, part, where=where))
    cause(tx, act, (each.id for each in found), event=event)
