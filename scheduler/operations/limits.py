"""The limits of awards, from the ledger alone: what schedulers are told to enforce."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.directory import Group, Person
from scheduler.domain.ledger import Account, AccountKind, account_id
from scheduler.domain.limits import AwardLimit
from scheduler.domain.pools import Calendar
from scheduler.domain.requests import Ask, RequestState
from scheduler.operations.attribution import window
from scheduler.ports.paging import ALL_AWARDS, AccountFilter, AwardFilter, everything
from scheduler.ports.store import Transaction


def award_limits(
    tx: Transaction, permit: Permit, *, where: AwardFilter = ALL_AWARDS
) -> tuple[AwardLimit, ...]:
    """Return the limit of every visible award and GPU type, in order of award and type.

    An offer has none until it is accepted, nor has one that was declined. Whatever is over stays
    in the list with nothing left, so that it is taken off the cluster too.
    """
    awards = everything(lambda part: tx.awards.list(permit.scope, part, where=where))
    answered = tuple(each for each in awards if each.state is not AwardState.OFFERED)
    books, terms = _Books(tx), Terms(tx, {each.round for each in answered})
    people = Places(tx, {each.fellow for each in answered})
    return tuple(chain.from_iterable(_limits(each, books, terms, people) for each in answered))


def _limits(
    award: Award, books: "_Books", terms: "Terms", people: "Places"
) -> Iterator[AwardLimit]:
    """Yield the limits of one award, by GPU type."""
    group, institute = people.place(award.fellow)
    calendar, ask = terms.of(award)
    for account in books.of(award):
        used = books.used(account)
        yield AwardLimit(
            award=award.id,
            round=award.round,
            person=award.fellow,
            group=group,
            institute=institute,
            gpu_type=account.gpu_type,
            state=award.state,
            granted_gpu_seconds=account.balance + used,
            used_gpu_seconds=used,
            window=window(award, calendar),
            gpus=ask.max_gpus,
            gang_gpus=ask.gang_gpus,
        )


class _Books:
    """The accounts of all awards, read once."""

    def __init__(self, tx: Transaction) -> None:
        self._held: dict[str, list[Account]] = {}
        for account in _accounts(tx, AccountKind.AWARD):
            # What an offer sets aside is pending: nothing was ever posted, so there is no limit.
            if account.credits_posted:
                self._held.setdefault(account.owner, []).append(account)
        self._used = {each.id: each.balance for each in _accounts(tx, AccountKind.CONSUMED)}

    def of(self, award: Award) -> list[Account]:
        return sorted(self._held.get(award.id, ()), key=lambda each: each.gpu_type)

    def used(self, account: Account) -> int:
        return self._used.get(account_id(AccountKind.CONSUMED, account.owner, account.gpu_type), 0)


def _accounts(tx: Transaction, kind: AccountKind) -> Iterator[Account]:
    where = AccountFilter(kind=kind)
    return everything(lambda part: tx.ledger.accounts(EVERYTHING, part, where=where))


@dataclass(frozen=True, slots=True)
class _Round:
    """The calendar of a round and what its requests ask, by id."""

    calendar: Calendar
    asks: Mapping[str, Ask]


class Terms:
    """Calendars and asks behind awards, read once a round."""

    def __init__(self, tx: Transaction, rounds: Iterable[str]) -> None:
        self._rounds = {id_: _round(tx, id_) for id_ in sorted(rounds)}

    def of(self, award: Award) -> tuple[Calendar, Ask]:
        """Return the calendar of an award's call and what its request asks."""
        round_ = self._rounds[award.round]
        return round_.calendar, round_.asks[award.request]


def _round(tx: Transaction, id_: str) -> _Round:
    round_ = tx.rounds.find(id_)
    call = None if round_ is None else tx.calls.find(round_.call)
    assert call is not None, "an award belongs to a round of a call"
    asked = tx.requests.latest(call.id, RequestState)
    asks = {request.id: submission.ask for request, submission in asked}
    return _Round(call.terms.calendar, asks)


class Places:
    """Where fellows belong now."""

    def __init__(self, tx: Transaction, ids: Iterable[str]) -> None:
        self._tx = tx
        self._people: Mapping[str, Person] = {each.id: each for each in tx.people.of(ids)}

    def place(self, fellow: str) -> tuple[str | None, str | None]:
        """Return the group and institute of a fellow."""
        person = self._people[fellow]
        group = None if person.group is None else self._groups[person.group]
        return person.group, person.institute or (None if group is None else group.institute)

    @cached_property
    def _groups(self) -> Mapping[str, Group]:
        ids = {each.group for each in self._people.values() if each.group is not None}
        return {each.id: each for each in self._tx.groups.of(ids)}
