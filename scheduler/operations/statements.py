"""Statements: read the ledger, and who pays for whom."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from scheduler.domain.access import EVERYTHING, Permit, Scope
from scheduler.domain.awards import Award
from scheduler.domain.calls import CallTerms
from scheduler.domain.errors import NotFound
from scheduler.domain.flows import standings
from scheduler.domain.ledger import (
    CENTER,
    AccountKind,
    read_account_id,
)
from scheduler.domain.statements import (
    THE_CENTER,
    Meter,
    Month,
    Payer,
    PayerKind,
    Statement,
    Tariff,
    statements,
)
from scheduler.operations.stays import Stays
from scheduler.ports.store import Transaction

FREE = Tariff(track=None, won=0, charge=Fraction(1))
"""Of use outside any award."""


def list_statements(tx: Transaction, permit: Permit, month: Month) -> tuple[Statement, ...]:
    """Return the statements of a month that may be read, by payer."""
    made = statements(_meters(tx, month), month)
    return tuple(each for each in made if _reaches(permit.scope, each.payer))


def get_statement(tx: Transaction, permit: Permit, month: Month, payer: str) -> Statement:
    """Return the statement of a payer, named as ``institute:kaist``.

    Raises:
        NotFound: If there is none, or it may not be read.
    """
    for each in list_statements(tx, permit, month):
        if str(each.payer) == payer:
            return each
    raise NotFound(kind="statement", id=f"{month}/{payer}")


def _reaches(scope: Scope, payer: Payer) -> bool:
    """Say whether a scope reaches the statements of a payer."""
    if payer.kind is PayerKind.INSTITUTE:
        return scope.everything or payer.id in scope.institutes
    return scope.everything or (payer.kind is PayerKind.GROUP and payer.id in scope.groups)


def _meters(tx: Transaction, month: Month) -> Iterator[Meter]:
    """Yield what was used of each award and GPU type, and outside any award, around a month.

    An award that goes to another group, track or fellow within the month has a meter for each.
    """
    terms, used, stays = _Terms(tx), _Used(tx), Stays(tx)
    begins_at, ends_at = month.begins_at, month.ends_at
    before, after = used.by(begins_at), used.by(ends_at)
    for account in after:
        _, owner, gpu_type = read_account_id(account)
        if before.get(account, 0) == after[account]:
            continue
        if owner == CENTER:
            yield Meter(
                payer=THE_CENTER,
                award="",
                fellow="",
                group="",
                gpu_type=gpu_type,
                tariff=FREE,
                before=before.get(account, 0),
                after=after[account],
            )
            continue
        award = tx.awards.get(EVERYTHING, owner)
        places = stays.of(award)
        ends = (*(each.since for each in places[1:]), ends_at)
        for stay, until in zip(places, ends, strict=True):
            of_month = [min(max(at, begins_at), ends_at) for at in (stay.since, until)]
            yield Meter(
                payer=terms.payer(stay.group),
                award=award.id,
                fellow=stay.fellow,
                group=stay.group,
                gpu_type=gpu_type,
                tariff=terms.tariff(award, gpu_type, stay.track),
                before=used.by(of_month[0]).get(account, 0),
                after=used.by(of_month[1]).get(account, 0),
            )


class _Used:
    """What each account of use held at an instant, from the sums of the transfers."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._found: dict[datetime, Mapping[str, int]] = {}

    def by(self, at: datetime) -> Mapping[str, int]:
        """Return GPU-seconds by account, of transfers before an instant."""
        if at not in self._found:
            prefix = f"{AccountKind.CONSUMED}:"
            found = standings(self._tx.ledger.flows(before=at))
            self._found[at] = {
                id_: each.balance for id_, each in found.items() if id_.startswith(prefix)
            }
        return self._found[at]


@dataclass(frozen=True, slots=True)
class _Frozen:
    """What a round was decided on: the call's terms, and pools as the snapshot has them."""

    terms: CallTerms
    pools: tuple[Mapping[str, Any], ...]


class _Terms:
    """Tariffs of rounds and payers of groups, read once each."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._rounds: dict[str, _Frozen] = {}
        self._payers: dict[str, Payer] = {}

    def payer(self, group: str) -> Payer:
        """Return who pays for a group."""
        if group not in self._payers:
            found = self._tx.groups.find(group)
            institute = None if found is None else found.institute
            self._payers[group] = (
                Payer(PayerKind.GROUP, group)
                if institute is None
                else Payer(PayerKind.INSTITUTE, institute)
            )
        return self._payers[group]

    def tariff(self, award: Award, gpu_type: str, name: str | None) -> Tariff:
        """Return what an award's hours on a GPU type cost in a track.

        Where pools of one type are charged differently, it is their mean by supply: cells of an
        award may change later, and what is stated may not.
        """
        frozen = self._frozen(award.round)
        track = frozen.terms.track(name)
        won = 0 if track is None else track.won_per_service_unit
        return Tariff(track=name, won=won, charge=_charge(gpu_type, frozen.pools))

    def _frozen(self, id_: str) -> _Frozen:
        if id_ not in self._rounds:
            round_ = self._tx.rounds.find(id_)
            assert round_ is not None, "an award belongs to a round"
            assert round_.snapshot is not None, "a published round is frozen"
            call = self._tx.calls.find(round_.call)
            assert call is not None, "a round belongs to a call"
            document = json.loads(self._tx.documents.text(round_.snapshot), parse_float=Decimal)
            self._rounds[id_] = _Frozen(call.terms, tuple(document["pools"]))
        return self._rounds[id_]


def _charge(gpu_type: str, pools: Iterable[Mapping[str, Any]]) -> Fraction:
    supplies = [
        (Fraction(each.get("su_per_gpu_hour", 1)), sum(each["supply_gpu_hours"]))
        for each in pools
        if each["gpu_type"] == gpu_type
    ]
    total = sum(supply for _, supply in supplies)
    if not total:
        return Fraction(1)
    return sum((charge * Fraction(supply) for charge, supply in supplies), Fraction()) / Fraction(
        total
    )
