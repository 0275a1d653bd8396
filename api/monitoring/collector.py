"""A collector over the store, which Prometheus's client asks at each scrape."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from api.monitoring.families import (
    call_families,
    gauge,
    ledger_families,
    pool_families,
    queue_families,
    round_families,
    solve_families,
)
from api.monitoring.reader import Reader
from api.monitoring.readings import Readings
from scheduler.ports.store import Transaction

KEEP_SECONDS: Final = 5.0
"""How long one reading of the store serves every scrape."""


class CenterCollector(Collector):
    """Turns readings of the store into metric families."""

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[Transaction]],
        version: str,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self._read = read
        self._version = version
        self._now = now
        self._seconds = seconds
        self._reader = Reader()
        self._lock = threading.Lock()
        self._kept: tuple[float, Readings] | None = None

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: registration must not read the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        readings = self._readings()
        yield gauge(
            "dure_build_info",
            "Which version runs; always 1.",
            ("version",),
            {(self._version,): 1.0},
        )
        yield from pool_families(readings)
        yield from call_families(readings)
        yield from round_families(readings)
        yield from solve_families(readings)
        yield from queue_families(readings.queue, self._now())
        yield from ledger_families(readings.ledger)
        events = CounterMetricFamily("dure_events", "Entries of the append-only event log.")
        events.add_metric((), readings.events)
        yield events

    def _readings(self) -> Readings:
        """Return a reading that is at most `KEEP_SECONDS` old; one thread reads, others wait."""
        with self._lock:
            now = self._seconds()
            if self._kept is None or now - self._kept[0] > KEEP_SECONDS:
                with self._read() as tx:
                    self._kept = (now, self._reader.read(tx))
            return self._kept[1]
