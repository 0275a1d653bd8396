"""What calls, rounds and solves say, as metric families."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import Metric

from api.monitoring.families import gauge
from api.monitoring.readings import PLACE, Readings, RoundReading
from scheduler.domain.rounds import RoundState


def call_families(readings: Readings) -> Iterator[Metric]:
    """Yield what the calls have drawn."""
    counts = {
        (call.call, state): float(count)
        for call in readings.calls
        for state, count in call.requests.items()
    }
    yield gauge("dure_requests", "Requests of a call by state.", ("call", "state"), counts)
    asked = {
        (call.call, call.round, *place, state): seconds
        for call in readings.calls
        for (place, state), seconds in call.asked_gpu_seconds.items()
    }
    yield gauge(
        "dure_request_gpu_seconds",
        "Reference GPU time asked in the latest submissions of a call, by who asks and state.",
        ("call", "round", *PLACE, "state"),
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
    yield gauge(
        "dure_round_deadline_timestamp_seconds",
        "When the call closes, and when the first slot begins and the last one ends.",
        ("round", "step"),
        {
            (each.round, step): at.timestamp()
            for each in rounds
            for step, at in each.deadlines.items()
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
        "dure_award_reference_gpu_seconds",
        "Reference GPU time that published awards hold, by institute and group.",
        ("round", *PLACE),
        {
            (each.round, *place): seconds
            for each in rounds
            for place, seconds in each.held_gpu_seconds.items()
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
