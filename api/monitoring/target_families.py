"""What clusters enforce, as metric families: drift, what waits, when an agent last reported."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import Metric

from api.monitoring.families import gauge
from api.monitoring.readings import TargetReading


def target_families(found: tuple[TargetReading, ...], now: datetime) -> Iterator[Metric]:
    """Yield what clusters have otherwise, and what they have not heard of yet."""
    yield gauge(
        "dure_enforcement_drift_associations",
        "Associations and QOS that an agent's latest look found otherwise than it had told them.",
        ("target",),
        {(each.target.id,): float(each.target.drift) for each in found},
    )
    yield gauge(
        "dure_enforcement_waiting_effects",
        "Changed limits that a cluster has not applied yet.",
        ("target",),
        {(each.target.id,): float(each.waiting) for each in found},
    )
    yield gauge(
        "dure_enforcement_waiting_seconds",
        "How long the oldest changed limit waits for a cluster; 0 when none does.",
        ("target",),
        {
            (each.target.id,): 0.0 if each.since is None else (now - each.since).total_seconds()
            for each in found
        },
    )
    yield gauge(
        "dure_enforcement_last_report_timestamp_seconds",
        "When the agent of a cluster last reported, in seconds since 1970.",
        ("target",),
        {
            (each.target.id,): each.target.reported_at.timestamp()
            for each in found
            if each.target.reported_at is not None
        },
    )
