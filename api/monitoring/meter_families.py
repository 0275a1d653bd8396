"""What feeds brought and clusters count, as metric families."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from api.monitoring.families import gauge
from api.monitoring.readings import PLACE, Readings


def feed_families(readings: Readings) -> Iterator[Metric]:
    """Yield when each feed last came."""
    yield gauge(
        "dure_importer_last_success_timestamp_seconds",
        "When a feed of a cluster was last entered.",
        ("source", "cluster"),
        {feed: at.timestamp() for feed, at in readings.feeds.items()},
    )


def meter_families(readings: Readings) -> Iterator[Metric]:
    """Yield what controllers count and how the books compare."""
    meters = readings.meters
    yield gauge(
        "dure_controller_usage_gpu_seconds",
        "GPU time that a cluster's controller counts, in whole minutes, until it is reset.",
        ("cluster", *PLACE),
        {
            (each.cluster, *place): float(amount)
            for each in meters
            for place, amount in each.used_gpu_seconds.items()
        },
    )
    yield gauge(
        "dure_controller_running_gpus",
        "GPUs that a cluster's controller says are in use.",
        ("cluster", *PLACE),
        {
            (each.cluster, *place): float(amount)
            for each in meters
            for place, amount in each.running_gpus.items()
        },
    )
    yield gauge(
        "dure_reconciliation_difference_gpu_seconds",
        "GPU time that the books and another side say otherwise, in the latest reconciliation.",
        ("cluster", "source", "state"),
        {
            (each.cluster, str(source), str(state)): float(amount)
            for each in meters
            for (source, state), amount in each.differing_gpu_seconds.items()
        },
    )
    yield gauge(
        "dure_runaway_jobs",
        "Running jobs that should not be, in the latest reconciliation.",
        ("cluster", "cause"),
        {
            (each.cluster, str(cause)): float(count)
            for each in meters
            for cause, count in each.runaways.items()
        },
    )
