"""The center's metrics as a scraper reads them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import choose_encoder

from api.monitoring.collector import CenterCollector
from scheduler.ports.store import Transaction

LATENCY_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
"""Seconds; the promise of the design is answers under 0.1 s."""


class Metrics:
    """The center's metrics: one collector over the store, one histogram of this process.

    Args:
        read: opens a read snapshot of the store.
        version: of the software.
        now: the wall clock.
        seconds: a clock that only runs forward, for the age of a reading.
    """

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[Transaction]],
        *,
        version: str,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(CenterCollector(read, version, now, seconds))
        self._latency = Histogram(
            "dure_http_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ("method", "route", "status"),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is the pattern, never the path."""
        self._latency.labels(method, route, str(status)).observe(seconds)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type, as OpenMetrics if the scraper asks for it."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
