"""Pools and what they supply, after maintenance and outside reservations."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from scheduler.domain.amounts import MILLI, number
from scheduler.domain.errors import InvalidTransition, InvalidValue, SecondPersonRequired
from scheduler.domain.events import Happening
from scheduler.domain.names import line, reason, slug

LARGEST_NODES = 100_000
LARGEST_NODE = 1024
LARGEST_SLOTS = 10_000
"""A year of hours, and a margin."""
LONGEST_SLOT = 10_000 * MILLI
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A call's units of time.

    Attributes:
        starts_on: the first day, from midnight UTC; without it, capacity changes do not apply.
        slot_hours: thousandths of an hour in a slot.
    """

    starts_on: date | None
    slot_hours: int
    slots: int

    def __post_init__(self) -> None:
        if not 0 < self.slot_hours <= LONGEST_SLOT:
            raise InvalidValue(
                field="/calendar/slot_hours",
                value=number(self.slot_hours),
                rule=f"more than 0, at most {number(LONGEST_SLOT)}",
            )
        if not 1 <= self.slots <= LARGEST_SLOTS:
            raise InvalidValue(
                field="/calendar/slots", value=self.slots, rule=f"1 to {LARGEST_SLOTS}"
            )

    def slot(self, index: int) -> tuple[datetime, datetime] | None:
        """Return when a slot begins and ends, if the calendar has a first day."""
        if self.starts_on is None:
            return None
        origin = datetime.combine(self.starts_on, time(), UTC)
        length = timedelta(microseconds=self.slot_hours * _HOUR_US // MILLI)
        return origin + index * length, origin + (index + 1) * length

    def slot_at(self, now: datetime) -> int:
        """Return the slot that is running: 0 before the first day or without one, `slots` after."""
        first = self.slot(0)
        if first is None:
            return 0
        length = first[1] - first[0]
        return min(max((now - first[0]) // length, 0), self.slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Homogeneous GPU nodes of one cluster; the charge in thousandths of a service unit."""

    id: str
    gpu_type: str
    nodes: int
    gpus_per_node: int
    su_per_gpu_hour: int = 1000
    version: int = 1

    def __post_init__(self) -> None:
        slug(self.id, field="/id")
        line(self.gpu_type, field="/gpu_type")
        if not 0 <= self.nodes <= LARGEST_NODES:
            raise InvalidValue(field="/nodes", value=self.nodes, rule=f"0 to {LARGEST_NODES}")
        if not 1 <= self.gpus_per_node <= LARGEST_NODE:
            raise InvalidValue(
                field="/gpus_per_node", value=self.gpus_per_node, rule=f"1 to {LARGEST_NODE}"
            )
        if self.su_per_gpu_hour <= 0:
            raise InvalidValue(
                field="/su_per_gpu_hour", value=number(self.su_per_gpu_hour), rule="more than 0"
            )

    @property
    def gpus(self) -> int:
        """GPUs of the pool when nothing is taken away."""
        return self.nodes * self.gpus_per_node


class ChangeKind(StrEnum):
    """Why a pool supplies another amount for a while."""

    MAINTENANCE = "maintenance"
    """GPUs are down."""
    RESERVATION = "reservation"
    """GPUs are promised elsewhere."""
    ADDITION = "addition"
    """More GPUs are there."""


class ChangeState(StrEnum):
    """How far a capacity change is."""

    PROPOSED = "proposed"
    """Waits for a second operator."""
    APPROVED = "approved"
    """Counts in the supply."""
    REJECTED = "rejected"
    """Was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityChange:
    """GPUs of a pool taken away or added from one instant until another."""

    id: str
    pool: str
    kind: ChangeKind
    gpus: int
    starts_at: datetime
    ends_at: datetime
    reason: str
    state: ChangeState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    version: int = 1

    def __post_init__(self) -> None:
        reason(self.reason)
        if not 1 <= self.gpus <= LARGEST_NODES * LARGEST_NODE:
            most = LARGEST_NODES * LARGEST_NODE
            raise InvalidValue(field="/gpus", value=self.gpus, rule=f"1 to {most}")
        if self.starts_at >= self.ends_at:
            raise InvalidValue(
                field="/ends_at", value=self.ends_at.isoformat(), rule="later than starts_at"
            )

    def approve(self, by: str, at: datetime) -> tuple["CapacityChange", Happening]:
        """Let the change count in the supply.

        Raises:
            SecondPersonRequired: If the one who proposed it approves it.
        """
        self._refuse_unless_proposed("approve")
        if by == self.proposed_by:
            raise SecondPersonRequired(action="pool.capacity.write", person=by, part="proposer")
        return self._decided(ChangeState.APPROVED, by, at)

    def reject(self, by: str, at: datetime) -> tuple["CapacityChange", Happening]:
        """Refuse the change."""
        self._refuse_unless_proposed("reject")
        return self._decided(ChangeState.REJECTED, by, at)

    def hours(self, begins: datetime, ends: datetime) -> int:
        """Return thousandths of a GPU-hour inside the interval, rounded up."""
        overlap = min(ends, self.ends_at) - max(begins, self.starts_at)
        microseconds = max(overlap // timedelta(microseconds=1), 0)
        return -(-self.gpus * microseconds * MILLI // _HOUR_US)

    def _decided(
        self, state: ChangeState, by: str, at: datetime
    ) -> tuple["CapacityChange", Happening]:
        decided = replace(self, state=state, decided_by=by, decided_at=at, version=self.version + 1)
        told = Happening(
            kind=f"capacity_change.{state}",
            subject=self.id,
            body={"pool": self.pool, "kind": str(self.kind), "gpus": self.gpus},
        )
        return decided, told

    def _refuse_unless_proposed(self, action: str) -> None:
        if self.state is not ChangeState.PROPOSED:
            raise InvalidTransition(
                kind="capacity change", id=self.id, state=self.state, action=action, allowed=[]
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What a pool supplies over a calendar.

    Attributes:
        gpu_hours: thousandths of a GPU-hour in each slot.
    """

    pool: Pool
    gpu_hours: tuple[int, ...]

    def within(self, first: int, end: int) -> int:
        """Return thousandths of a GPU-hour in a half-open range of slots."""
        return sum(self.gpu_hours[first:end])


def supply(pool: Pool, changes: Iterable[CapacityChange], calendar: Calendar) -> Supply:
    """Return what the pool supplies over the calendar, never less than nothing.

    The changes are of this pool; those that are not approved do not count.
    """
    counted = [change for change in changes if change.state is ChangeState.APPROVED]
    whole = pool.gpus * calendar.slot_hours
    hours = []
    for index in range(calendar.slots):
        slot = calendar.slot(index)
        moved = 0
        for change in counted if slot is not None else ():
            assert slot is not None
            taken = change.hours(*slot)
            moved += taken if change.kind is ChangeKind.ADDITION else -taken
        hours.append(max(whole + moved, 0))
    return Supply(pool=pool, gpu_hours=tuple(hours))
