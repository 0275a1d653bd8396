"""Readings as metric families."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from prometheus_client.core import GaugeMetricFamily, Metric

from api.monitoring.readings import QueueReading, Readings, RoundReading
from scheduler.domain.ledger import TrialBalance
from scheduler.domain.rounds import RoundState

Row = TypeVar("Row", bound=tuple[str, ...])


def gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Row, float]) -> Metric:
    """Return a gauge from its label names and its values by label values."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for row, value in sorted(values.items()):
        family.add_metric(row, value)
    return family


def pool_families(readings: Readings) -> Iterator[Metric]:
    """Yield what the pools hold."""
    gpus = {(each.pool, each.gpu_type): float(each.gpus) for each in readings.pools}
    yield gauge("dure_capacity_gpus", "GPUs of a pool.", ("pool", "gpu_type"), gpus)


def call_families(readings: Readings) -> Iterator[Metric]:
    """Yield what the calls have drawn."""
    counts = {
        (call.call, state): float(count)
        for call in readings.calls
        for state, count in call.requests.items()
    }
    yield gauge("dure_requests", "Requests of a call by state.", ("call", "state"), counts)
    asked = {
        (call.call, state): seconds
        for call in readings.calls
        for state, seconds in call.requested_gpu_seconds.items()
    }
    yield gauge(
        "dure_requested_gpu_seconds",
        "Reference GPU time asked in the latest submissions of a call, by state.",
        ("call", "state"),
        asked,
    )


def round_families(readings: Readings) -> Iterator[Metric]:
    """Yield supply, demand, awards and phase of the rounds."""
    rounds = readings.rounds
    yield gauge(
        "dure_round_phase",
        "1 for the phase a round is in, 0 for the others.",
        ("round", "phase"),
        {
            (each.round, str(phase)): float(each.state is phase)
            for each in rounds
            for phase in RoundState
        },
    )
    yield by_pool(
        "dure_capacity_gpu_seconds",
        "GPU time a pool supplies over a frozen round.",
        rounds,
        lambda each: {} if each.demand is None else each.demand.capacity_gpu_seconds,
    )
    yield by_pool(
        "dure_demand_gpu_seconds",
        "GPU time on the pool that a frozen round asks; an ask for several pools is split.",
        rounds,
        lambda each: {} if each.demand is None else each.demand.requested_gpu_seconds,
    )
    yield by_pool(
        "dure_oversubscription_ratio",
        "Demand over capacity of a pool in a frozen round.",
        rounds,
        _oversubscription,
    )
    yield by_pool(
        "dure_allocated_gpu_seconds",
        "GPU time on the pool that published awards hold.",
        rounds,
        lambda each: each.allocated_gpu_seconds,
    )
    yield by_pool(
        "dure_utilization_ratio",
        "Allocated over capacity of a pool in a published round.",
        rounds,
        _utilization,
    )
    yield gauge(
        "dure_awarded_gpu_seconds",
        "Reference GPU time that published awards hold, by group.",
        ("round", "group"),
        {
            (each.round, group): seconds
            for each in rounds
            for group, seconds in each.awarded_gpu_seconds.items()
        },
    )


def by_pool(
    name: str,
    text: str,
    rounds: tuple[RoundReading, ...],
    value: Callable[[RoundReading], Mapping[str, float]],
) -> Metric:
    """Return a gauge with one value a round and pool."""
    rows = {(each.round, pool): amount for each in rounds for pool, amount in value(each).items()}
    return gauge(name, text, ("round", "pool"), rows)


def solve_families(readings: Readings) -> Iterator[Metric]:
    """Yield what the latest solve of each round and policy reached."""
    solves = [(each.round, one) for each in readings.rounds for one in each.scenarios]
    labels = ("round", "policy")
    yield gauge(
        "dure_solve_duration_seconds",
        "Time the latest solve of a round under a policy took.",
        labels,
        {(at, one.policy): one.seconds for at, one in solves if one.seconds is not None},
    )
    yield gauge(
        "dure_solve_gap_ratio",
        "Largest gap between bound and objective that the latest solve left.",
        labels,
        {(at, one.policy): one.gap for at, one in solves if one.gap is not None},
    )
    yield gauge(
        "dure_solve_proven_optimal",
        "1 if the latest solve proved its plan within the asked gap.",
        labels,
        {(at, one.policy): float(one.proven) for at, one in solves},
    )
    yield gauge(
        "dure_fairness_index",
        "Fairness of the latest solve; jain 1 is equal, the others are 0 when equal.",
        (*labels, "index"),
        {
            (at, one.policy, name): value
            for at, one in solves
            for name, value in one.fairness.items()
        },
    )


def queue_families(queue: QueueReading, now: datetime) -> Iterator[Metric]:
    """Yield what waits for a worker."""
    jobs = {(state,): float(count) for state, count in queue.jobs.items()}
    yield gauge("dure_solve_jobs", "Solve jobs by state.", ("state",), jobs)
    waited = 0.0
    if queue.oldest_queued_at is not None:
        waited = max((now - queue.oldest_queued_at).total_seconds(), 0.0)
    yield gauge(
        "dure_solve_queue_oldest_seconds",
        "How long the oldest queued solve waits; 0 when none does.",
        (),
        {(): waited},
    )


def ledger_families(balances: tuple[TrialBalance, ...]) -> Iterator[Metric]:
    """Yield what the ledger adds up to, derived from its transfers."""
    yield gauge(
        "dure_ledger_gpu_seconds",
        "GPU time that the accounts of a kind hold; the kinds of a GPU type add up to 0.",
        ("gpu_type", "account"),
        {
            (each.gpu_type, str(kind)): float(amount)
            for each in balances
            for kind, amount in each.balances.items()
        },
    )
    yield gauge(
        "dure_ledger_pending_gpu_seconds",
        "GPU time set aside by offers that wait for an answer.",
        ("gpu_type",),
        {(each.gpu_type,): float(each.pending) for each in balances},
    )
    yield gauge(
        "dure_ledger_wrong_accounts",
        "Accounts that do not hold what their transfers make; always 0.",
        ("gpu_type",),
        {(each.gpu_type,): float(each.wrong) for each in balances},
    )


def _oversubscription(reading: RoundReading) -> dict[str, float]:
    """Return demand over capacity by pool."""
    if reading.demand is None:
        return {}
    return _ratio(reading.demand.requested_gpu_seconds, reading.demand.capacity_gpu_seconds)


def _utilization(reading: RoundReading) -> dict[str, float]:
    """Return allocated over capacity by pool, once there are awards."""
    if reading.demand is None or not reading.allocated_gpu_seconds:
        return {}
    return _ratio(reading.allocated_gpu_seconds, reading.demand.capacity_gpu_seconds)


def _ratio(part: Mapping[str, float], whole: Mapping[str, float]) -> dict[str, float]:
    """Return part over whole where there is a whole; a pool without a part has 0."""
    return {pool: part.get(pool, 0.0) / amount for pool, amount in whole.items() if amount}
