"""Collectors over the store, which Prometheus's client asks at each scrape."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from api.monitoring.book_families import award_families, ledger_families
from api.monitoring.center_families import pool_families, queue_families
from api.monitoring.delivery_families import delivery_families
from api.monitoring.families import counter, gauge
from api.monitoring.fellow_families import fellow_families
from api.monitoring.meter_families import feed_families, meter_families
from api.monitoring.reader import Reader
from api.monitoring.readings import Readings
from api.monitoring.round_families import call_families, round_families, solve_families
from api.monitoring.target_families import target_families
from scheduler.ports.store import Transaction

KEEP_SECONDS: Final = 5.0
"""How long one reading of the store serves every scrape."""


class Kept:
    """Readings of the store, each of which serves for a few seconds.

    Args:
        read: opens a read snapshot of the store.
        now: the wall clock.
        seconds: a clock that only runs forward, for the age of a reading.
    """

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[Transaction]],
        *,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self._read = read
        self._now = now
        self._seconds = seconds
        self._reader = Reader()
        self._lock = threading.Lock()
        self._kept: tuple[float, Readings] | None = None

    def __call__(self) -> Readings:
        """Return a reading that is at most `KEEP_SECONDS` old; one thread reads, others wait."""
        with self._lock:
            seconds = self._seconds()
            if self._kept is None or seconds - self._kept[0] > KEEP_SECONDS:
                with self._read() as tx:
                    self._kept = (seconds, self._reader.read(tx, now=self._now()))
            return self._kept[1]


class CenterCollector(Collector):
    """Turns readings of the store into metric families; none of them speaks of a person.

    Args:
        readings: gives the present reading.
        version: of the software.
        now: the wall clock.
    """

    def __init__(
        self, readings: Callable[[], Readings], *, version: str, now: Callable[[], datetime]
    ) -> None:
        self._readings = readings
        self._version = version
        self._now = now

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
        yield from delivery_families(readings.deliveries, self._now())
        yield from ledger_families(readings.books)
        yield from award_families(readings)
        yield from feed_families(readings)
        yield from target_families(readings.targets, self._now())
        yield from meter_families(readings)
        events = {(): float(readings.events)}
        yield counter("dure_events", "Entries of the append-only event log.", (), events)


class FellowCollector(Collector):
    """Turns readings of the store into series of fellows, under other names.

    Args:
        readings: gives the present reading.
        secret: of the center.
    """

    def __init__(self, readings: Callable[[], Readings], *, secret: bytes) -> None:
        self._readings = readings
        self._secret = secret

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: registration must not read the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        return fellow_families(self._readings().books, self._secret)
