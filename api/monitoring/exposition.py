"""The center's metrics as a scraper reads them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import choose_encoder

from api.monitoring.collector import CenterCollector, FellowCollector, Kept
from scheduler.ports.store import Transaction

LATENCY_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
"""Seconds; the promise of the design is answers under 0.1 s."""


class Metrics:
    """The center's metrics: collectors over the store, one histogram of this process.

    Args:
        read: opens a read snapshot of the store.
        version: of the software.
        secret: of the center; names fellows in `fellows`.
        now: the wall clock.
        seconds: a clock that only runs forward, for the age of a reading.
    """

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[Transaction]],
        *,
        version: str,
        secret: bytes,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        readings = Kept(read, now=now, seconds=seconds)
        self._center = CollectorRegistry(auto_describe=False)
        self._center.register(CenterCollector(readings, version=version, now=now))
        self._fellows = CollectorRegistry(auto_describe=False)
        self._fellows.register(FellowCollector(readings, secret=secret))
        self._latency = Histogram(
            "dure_http_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ("method", "route", "status"),
            buckets=LATENCY_BUCKETS,
            registry=self._center,
        )

    def observe(self, method: str, route: str, status: int, seconds: float, trace: str) -> None:
        """Count one answered request.

        Args:
            method: of the request.
            route: the pattern, never the path.
            status: of the answer.
            seconds: until its end.
            trace: id of its trace, kept as the exemplar of its bucket.
        """
        labelled = self._latency.labels(method, route, str(status))
        labelled.observe(seconds, exemplar={"trace_id": trace})

    def center(self, accept: str) -> tuple[bytes, str]:
        """Return the center's metrics and their content type, as the scraper accepts them."""
        return _exposed(self._center, accept)

    def fellows(self, accept: str) -> tuple[bytes, str]:
        """Return the series of fellows and their content type, as the scraper accepts them."""
        return _exposed(self._fellows, accept)


def _exposed(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
