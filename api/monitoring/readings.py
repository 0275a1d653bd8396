"""What the monitoring wants to know of the center, as values of one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from scheduler.domain.deliveries import Channel, DeliveryState
from scheduler.domain.enforcement import Target
from scheduler.domain.ledger import AccountKind, TransferCode
from scheduler.domain.reconciliation import DifferenceState, RunawayCause, Source
from scheduler.domain.rounds import RoundState

NONE: Final = "none"
"""Stands for a round, institute or group that there is not."""
PLACE: Final = ("institute", "group")
"""Labels of a place."""
CLOSES: Final = "close"
"""The call closes."""
STARTS: Final = "start"
"""The first slot begins; until then the plan must be published."""
ENDS: Final = "end"
"""The last slot ends."""


class Place(NamedTuple):
    """Where somebody belongs; `NONE` where to none."""

    institute: str
    group: str


NOWHERE: Final = Place(NONE, NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReading:
    """A pool as it stands.

    Attributes:
        gpus: when nothing is taken away.
        available_gpus: now, after approved capacity changes.
    """

    pool: str
    gpu_type: str
    gpus: int
    available_gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReading:
    """What a call has drawn so far.

    Attributes:
        round: the latest of the call.
        requests: count by state.
        asked_gpu_seconds: in reference hours, by place and state, without drafts.
    """

    call: str
    round: str
    requests: Mapping[str, int]
    asked_gpu_seconds: Mapping[tuple[Place, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandReading:
    """Supply and demand of a frozen round, by pool, in GPU-seconds on the pool."""

    capacity_gpu_seconds: Mapping[str, float]
    requested_gpu_seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioReading:
    """The latest solve of a round under one policy; a formula has no gap and proves nothing."""

    policy: str
    gap: float | None
    proven: bool
    seconds: float | None
    fairness: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardReading:
    """An award and whose it is, as the round froze it."""

    award: str
    fellow: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundReading:
    """A round as it stands.

    Attributes:
        deadlines: instants that its plan must keep, by step.
        awards: published ones.
        held_gpu_seconds: in reference hours, by place, once published.
        allocated_gpu_seconds: on the pool, by pool, once published.
        committed_gpus: that live awards take in the slot of the reading, by pool.
    """

    round: str
    state: RoundState
    demand: DemandReading | None
    scenarios: tuple[ScenarioReading, ...]
    deadlines: Mapping[str, datetime] = field(default_factory=dict)
    awards: tuple[AwardReading, ...] = ()
    held_gpu_seconds: Mapping[Place, float] = field(default_factory=dict)
    allocated_gpu_seconds: Mapping[str, float] = field(default_factory=dict)
    committed_gpus: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReading:
    """Jobs by state, and since when the oldest one waits."""

    jobs: Mapping[str, int]
    oldest_queued_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReading:
    """Deliveries by channel and state, and since when the oldest one waits."""

    counts: Mapping[tuple[Channel, DeliveryState], int]
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReading:
    """What the ledger of one GPU type adds up to, in GPU-seconds, as its transfers make it."""

    gpu_type: str
    balances: Mapping[AccountKind, int]
    pending: int
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingReading:
    """GPU-seconds of one award and GPU type; of none for use outside any award.

    Attributes:
        given: held, offered, used or lapsed: all that was not taken away again.
        used, refunded: counted ever; what was used is their difference.
        unused: may still be used.
        overspent: used beyond what was held.
    """

    round: str
    fellow: str
    place: Place
    gpu_type: str
    given: int = 0
    used: int = 0
    refunded: int = 0
    unused: int = 0
    overspent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksReading:
    """The ledger, and what it says of each award.

    Attributes:
        given_up: GPU-seconds that awards lost, by code of the transfer.
        derived_at: when all sums were last derived from the first transfer on.
    """

    ledger: tuple[LedgerReading, ...]
    holdings: tuple[HoldingReading, ...]
    given_up: Mapping[TransferCode, int]
    derived_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReading:
    """A cluster that enforces.

    Attributes:
        waiting: effects that it has not applied; since: when the first of them was decided.
    """

    target: Target
    waiting: int
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
    """What the latest gauges and reconciliation of a cluster say.

    Attributes:
        used_gpu_seconds, running_gpus: by the controller, by place.
        differing_gpu_seconds: sum of all differences, either way, by source and state.
        runaways: running jobs that should not be, by cause.
    """

    cluster: str
    used_gpu_seconds: Mapping[Place, int] = field(default_factory=dict)
    running_gpus: Mapping[Place, int] = field(default_factory=dict)
    differing_gpu_seconds: Mapping[tuple[Source, DifferenceState], int] = field(
        default_factory=dict
    )
    runaways: Mapping[RunawayCause, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The whole center at one instant.

    Attributes:
        feeds: when each feed of each cluster was last entered.
        events: length of the log.
    """

    at: datetime
    pools: tuple[PoolReading, ...]
    calls: tuple[CallReading, ...]
    rounds: tuple[RoundReading, ...]
    queue: QueueReading
    deliveries: DeliveryReading
    books: BooksReading
    targets: tuple[TargetReading, ...]
    meters: tuple[MeterReading, ...]
    feeds: Mapping[tuple[str, str], datetime]
    events: int
