"""Which award a slice of usage is charged to."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from scheduler.domain.access import EVERYTHING
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.errors import NotFound
from scheduler.domain.names import made
from scheduler.domain.pools import Calendar
from scheduler.domain.usage import UNKNOWN_TYPE, Slice
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction

CHARGED = frozenset(AwardState) - {AwardState.OFFERED, AwardState.RETURNED}
"""States in which an award may be charged; late feeds speak of what is over."""


def window(award: Award, calendar: Calendar) -> tuple[datetime, datetime] | None:
    """Return from when until when an award's cells lie, if any are left and days are known."""
    slots = [cell.slot for cell in award.cells]
    return _span(calendar, min(slots), max(slots)) if slots else None


def _span(calendar: Calendar, first: int, last: int) -> tuple[datetime, datetime] | None:
    begins, ends = calendar.slot(first), calendar.slot(last)
    return None if begins is None or ends is None else (begins[0], ends[1])


def _covers(span: tuple[datetime, datetime] | None, at: datetime) -> bool:
    """Say whether an instant lies in a span; what has no first day covers everything."""
    return span is None or span[0] <= at < span[1]


class Attribution:
    """Finds awards for slices, reading each award and each person's awards once.

    An award that the cluster names (as QOS or account) is charged. Otherwise it is the user's
    award of that GPU type whose cells lie around the slice, the oldest if several do; else the
    oldest whose round does. What fits nowhere is charged to no award, and is still counted.

    Args:
        tx: where awards and pools are.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._awards: dict[str, list[tuple[Award, frozenset[str], Calendar]]] = {}
        self._by_name: dict[str, tuple[Award, frozenset[str], Calendar] | None] = {}

    def of(self, used: Slice) -> tuple[str | None, str]:
        """Return the award to charge, if any, and the GPU type as the center calls it."""
        named = next(filter(None, (self._named(hint) for hint in used.hint)), None)
        own = [named] if named is not None else self._of_person(used.user)
        gpu_type = self._gpu_type(used.gpu_type, own)
        if named is not None:
            return named[0].id, gpu_type
        fitting = [
            (award.id, window(award, calendar), _span(calendar, 0, calendar.slots - 1))
            for award, types, calendar in own
            if gpu_type in types
        ]
        at = used.key.begins_at
        planned = [id_ for id_, own, _ in fitting if _covers(own, at)]
        in_round = [id_ for id_, _, whole in fitting if _covers(whole, at)]
        return next(iter(planned + in_round), None), gpu_type

    def _gpu_type(self, told: str, own: list[tuple[Award, frozenset[str], Calendar]]) -> str:
        """Return the center's name of a GPU type that a cluster may write otherwise."""
        known = self._types.get(told.casefold())
        if known is not None:
            return known
        possible = frozenset().union(*(types for _, types, _ in own)) or set(self._types.values())
        return next(iter(possible)) if told == UNKNOWN_TYPE and len(possible) == 1 else told

    @cached_property
    def _types(self) -> Mapping[str, str]:
        pools = list(everything(self._tx.pools.list))
        by_pool = {pool.id.casefold(): pool.gpu_type for pool in pools}
        return by_pool | {pool.gpu_type.casefold(): pool.gpu_type for pool in pools}

    @cached_property
    def _type_of_pool(self) -> Mapping[str, str]:
        return {pool.id: pool.gpu_type for pool in everything(self._tx.pools.list)}

    def _named(self, hint: str) -> tuple[Award, frozenset[str], Calendar] | None:
        id_ = hint.strip().lower()
        if not made(id_, "awd"):
            return None
        if id_ not in self._by_name:
            try:
                self._by_name[id_] = self._with_types(self._tx.awards.get(EVERYTHING, id_))
            except NotFound:
                self._by_name[id_] = None
        return self._by_name[id_]

    def _of_person(self, person: str) -> list[tuple[Award, frozenset[str], Calendar]]:
        if person not in self._awards:
            where = AwardFilter(fellow=person)
            found = everything(lambda part: self._tx.awards.list(EVERYTHING, part, where=where))
            self._awards[person] = [
                self._with_types(award) for award in found if award.state in CHARGED
            ]
        return self._awards[person]

    def _with_types(self, award: Award) -> tuple[Award, frozenset[str], Calendar]:
        round_ = self._tx.rounds.find(award.round)
        call = None if round_ is None else self._tx.calls.find(round_.call)
        assert call is not None, "an award belongs to a round of a call"
        types = frozenset(self._type_of_pool[cell.pool] for cell in award.cells)
        return award, types, call.terms.calendar
