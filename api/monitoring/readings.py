"""What the monitoring wants to know of the center, as values of one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scheduler.domain.ledger import TrialBalance
from scheduler.domain.rounds import RoundState


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReading:
    """A pool as it stands."""

    pool: str
    gpu_type: str
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReading:
    """What a call has drawn so far.

    Attributes:
        requests: count by state.
        requested_gpu_seconds: asked in reference hours, by state, without drafts.
    """

    call: str
    requests: Mapping[str, int]
    requested_gpu_seconds: Mapping[str, float]


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
class RoundReading:
    """A round as it stands.

    Attributes:
        awarded_gpu_seconds: held in reference hours, by group, once published.
        allocated_gpu_seconds: on the pool, by pool, once published.
    """

    round: str
    state: RoundState
    demand: DemandReading | None
    scenarios: tuple[ScenarioReading, ...]
    awarded_gpu_seconds: Mapping[str, float] = field(default_factory=dict)
    allocated_gpu_seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReading:
    """Solve jobs by state, and since when the oldest one waits."""

    jobs: Mapping[str, int]
    oldest_queued_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The whole center at one instant."""

    pools: tuple[PoolReading, ...]
    calls: tuple[CallReading, ...]
    rounds: tuple[RoundReading, ...]
    queue: QueueReading
    ledger: tuple[TrialBalance, ...]
    events: int
