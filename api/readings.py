"""What the monitoring wants to know of the center, read from the store in one snapshot."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from scheduler.domain.access import Permit, Scope
from scheduler.domain.awards import Award
from scheduler.domain.calls import Call
from scheduler.domain.jobs import JobState
from scheduler.domain.ledger import TrialBalance
from scheduler.domain.requests import RequestState
from scheduler.domain.rounds import Round, RoundState
from scheduler.domain.scenarios import Scenario
from scheduler.operations.ledger import check_ledger
from scheduler.ports.paging import LARGEST_LIMIT, AwardFilter, Slice, everything
from scheduler.ports.store import Transaction
from scheduler.snapshot import RoundRequest, Snapshot, read_round

ALL: Final = Scope(everything=True)
PERMIT: Final = Permit(action="metrics.scrape", person="collector")
SECONDS_PER_MILLIHOUR: Final = 3.6
"""GPU-seconds in a thousandth of a GPU-hour."""
SECONDS_PER_HOUR: Final = 3600
SUBMITTED: Final = tuple(state for state in RequestState if state is not RequestState.DRAFT)
NO_GROUP: Final = "none"
FORMULA: Final = "formula"
"""The stage of a plan that a formula made."""


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


class Reader:
    """Reads the center; what can never change is read once."""

    def __init__(self) -> None:
        self._demands: dict[str, DemandReading] = {}
        self._last_event = 0

    def read(self, tx: Transaction) -> Readings:
        """Return the center as one read snapshot shows it."""
        rounds = list(everything(lambda part: tx.rounds.list(ALL, part)))
        calls = everything(tx.calls.list)
        pools = everything(tx.pools.list)
        return Readings(
            pools=tuple(
                PoolReading(pool=each.id, gpu_type=each.gpu_type, gpus=each.gpus) for each in pools
            ),
            calls=tuple(call_reading(tx, each) for each in calls),
            rounds=tuple(self._round(tx, each) for each in rounds),
            queue=queue_reading(tx),
            ledger=check_ledger(tx, PERMIT),
            events=self._events(tx),
        )

    def _events(self, tx: Transaction) -> int:
        """Return the length of the log: its positions count from 1 without a gap."""
        while later := tx.events.list(self._last_event, LARGEST_LIMIT):
            self._last_event = later[-1].seq
        return self._last_event

    def _round(self, tx: Transaction, round_: Round) -> RoundReading:
        """Return a round with its demand, scenarios and awards."""
        ours = AwardFilter(round=round_.id)
        awards = list(everything(lambda part: tx.awards.list(ALL, part, where=ours)))
        scenarios = everything(lambda part: tx.scenarios.list(ALL, part, round_=round_.id))
        latest = {each.policy: each for each in scenarios}
        return RoundReading(
            round=round_.id,
            state=round_.state,
            demand=self._demand(tx, round_.snapshot),
            scenarios=tuple(scenario_reading(each) for _, each in sorted(latest.items())),
            awarded_gpu_seconds=_awarded(tx, awards),
            allocated_gpu_seconds=_allocated(awards),
        )

    def _demand(self, tx: Transaction, digest: str | None) -> DemandReading | None:
        """Return supply and demand of a snapshot; a digest always names the same document."""
        if digest is None:
            return None
        if digest not in self._demands:
            document = json.loads(tx.documents.text(digest), parse_float=Decimal)
            self._demands[digest] = demand_reading(read_round(document))
        return self._demands[digest]


def queue_reading(tx: Transaction) -> QueueReading:
    """Return what waits for a worker."""
    jobs: Counter[str] = Counter({str(state): 0 for state in JobState})
    for (_, state), count in tx.jobs.counts().items():
        jobs[state] += count
    oldest = tx.jobs.list(Slice(limit=1), state=JobState.QUEUED).items
    return QueueReading(jobs=jobs, oldest_queued_at=oldest[0].created_at if oldest else None)


def call_reading(tx: Transaction, call: Call) -> CallReading:
    """Return what a call has drawn."""
    asked: Counter[str] = Counter()
    for request, submission in tx.requests.latest(call.id, SUBMITTED):
        asked[request.state] += submission.ask.gpu_hours or 0
    return CallReading(
        call=call.id,
        requests={str(state): count for state, count in tx.requests.counts(call.id).items()},
        requested_gpu_seconds={
            state: milli * SECONDS_PER_MILLIHOUR for state, milli in asked.items()
        },
    )


def demand_reading(snapshot: Snapshot) -> DemandReading:
    """Return supply and demand by pool.

    An ask that accepts several pools counts in each by the part of the supply in its window
    that the pool gives, weighed by the speed there; so the pools' demands add up to the ask.
    """
    capacity = {pool.id: sum(pool.supply_gpu_hours) for pool in snapshot.pools}
    supply = {pool.id: pool.supply_gpu_hours for pool in snapshot.pools}
    requested = dict.fromkeys(capacity, 0.0)
    for request in snapshot.requests:
        for pool, hours in spread(request, supply):
            requested[pool] += hours
    return DemandReading(
        capacity_gpu_seconds={
            pool: milli * SECONDS_PER_MILLIHOUR for pool, milli in capacity.items()
        },
        requested_gpu_seconds={
            pool: milli * SECONDS_PER_MILLIHOUR for pool, milli in requested.items()
        },
    )


def spread(
    request: RoundRequest, supply: Mapping[str, tuple[int, ...]]
) -> Iterable[tuple[str, float]]:
    """Return (pool, thousandths of a GPU-hour on the pool) that an ask stands for."""
    weights = {
        pool: speed * sum(supply[pool][request.first : request.end])
        for pool, speed in request.speeds
    }
    total = sum(weights.values())
    for pool, speed in request.speeds:
        part = weights[pool] / total if total else 1 / len(weights)
        yield pool, request.gpu_hours * part * 1000 / speed


def scenario_reading(scenario: Scenario) -> ScenarioReading:
    """Return what one finished solve reached."""
    measures: Mapping[str, Any] = scenario.measures
    theil = measures.get("theil") or {}
    figures = {
        **{name: measures.get(name) for name in ("jain", "gini", "atkinson", "envy")},
        **{f"theil_{part}": theil.get(part) for part in ("between", "within")},
    }
    by_formula = any(stage.get("name") == FORMULA for stage in scenario.stages)
    return ScenarioReading(
        policy=scenario.policy,
        gap=None if by_formula else scenario.gap,
        proven=scenario.status == "optimal" and not by_formula,
        seconds=scenario.seconds,
        fairness={name: float(value) for name, value in figures.items() if value is not None},
    )


def _awarded(tx: Transaction, awards: Iterable[Award]) -> dict[str, float]:
    """Return what is held by group, in GPU-seconds of reference hours."""
    held: Counter[str] = Counter()
    for award in awards:
        held[award.fellow] += award.held
    group_of = {person.id: person.group or NO_GROUP for person in tx.people.of(held)}
    groups: Counter[str] = Counter()
    for fellow, milli in held.items():
        groups[group_of.get(fellow, NO_GROUP)] += milli
    return {group: milli * SECONDS_PER_MILLIHOUR for group, milli in groups.items()}


def _allocated(awards: Iterable[Award]) -> dict[str, float]:
    """Return what the awards' cells take by pool, in GPU-seconds on the pool."""
    pools: Counter[str] = Counter()
    for award in awards:
        for cell in award.cells:
            pools[cell.pool] += cell.gpu_hours * SECONDS_PER_HOUR
    return {pool: float(seconds) for pool, seconds in pools.items()}
