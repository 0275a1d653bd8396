"""Where fellows belong: as a round froze it, or as the directory says now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from api.monitoring.demand import demand_reading
from api.monitoring.readings import NONE, NOWHERE, DemandReading, Place
from scheduler.domain.access import EVERYTHING
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What a snapshot says of supply, demand and fellows; a digest always names the same."""

    demand: DemandReading
    places: Mapping[str, Place]


def frozen(snapshot: Snapshot) -> Frozen:
    """Return what a snapshot says."""
    institutes = {group.id: group.institute for group in snapshot.groups}
    places = {
        fellow.id: Place(fellow.institute or institutes.get(fellow.group) or NONE, fellow.group)
        for fellow in snapshot.fellows
    }
    return Frozen(demand=demand_reading(snapshot), places=places)


class Directory:
    """Where people belong now, read once.

    Args:
        tx: a snapshot of the store.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        groups = everything(lambda part: tx.groups.list(EVERYTHING, part))
        self._institutes = {group.id: group.institute for group in groups}

    def places(self, people: Iterable[str]) -> Mapping[str, Place]:
        """Return where people belong; who is not known belongs nowhere."""
        wanted = set(people)
        known = {
            person.id: Place(
                person.institute or self._institutes.get(person.group or "") or NONE,
                person.group or NONE,
            )
            for person in self._tx.people.of(wanted)
        }
        return {each: known.get(each, NOWHERE) for each in wanted}
