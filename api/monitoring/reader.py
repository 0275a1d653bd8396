"""Reads the center from the store in one snapshot."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from api.monitoring.demand import SECONDS_PER_MILLIHOUR, demand_reading
from api.monitoring.readings import (
    CallReading,
    DemandReading,
    PoolReading,
    QueueReading,
    Readings,
    RoundReading,
    ScenarioReading,
)
from scheduler.domain.access import Permit, Scope
from scheduler.domain.awards import Award
from scheduler.domain.calls import Call
from scheduler.domain.jobs import JobState
from scheduler.domain.requests import RequestState
from scheduler.domain.rounds import Round
from scheduler.domain.scenarios import Scenario
from scheduler.operations.ledger import check_ledger
from scheduler.ports.paging import LARGEST_LIMIT, AwardFilter, Slice, everything
from scheduler.ports.store import Transaction
from scheduler.snapshot import read_round

ALL: Final = Scope(everything=True)
PERMIT: Final = Permit(action="metrics.scrape", person="collector")
SECONDS_PER_HOUR: Final = 3600
SUBMITTED: Final = tuple(state for state in RequestState if state is not RequestState.DRAFT)
NO_GROUP: Final = "none"
FORMULA: Final = "formula"
"""The stage of a plan that a formula made."""


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
