"""Reads the center from the store in one snapshot."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from api.monitoring.books import Books
from api.monitoring.of_calls import call_reading
from api.monitoring.of_meters import meter_readings
from api.monitoring.of_pools import pool_readings, queue_reading
from api.monitoring.of_rounds import round_reading
from api.monitoring.of_targets import target_readings
from api.monitoring.places import Directory, Frozen, frozen
from api.monitoring.readings import NONE, CallReading, DeliveryReading, Readings, RoundReading
from scheduler.domain.access import EVERYTHING
from scheduler.domain.calls import Call, CallState
from scheduler.domain.rounds import Round, RoundState
from scheduler.operations.reconciliation import GAUGED, RECONCILED
from scheduler.operations.usage import IMPORTED
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round

FEEDS: Final = {"accounting": IMPORTED, "controller": GAUGED, "reconciliation": RECONCILED}
"""Kinds of event that tell that a feed came, by its name."""


class Reader:
    """Reads the center; what can never change is read once."""

    def __init__(self) -> None:
        self._frozen: dict[str, Frozen] = {}
        self._closed: dict[str, RoundReading] = {}
        self._over: dict[str, CallReading] = {}
        self._books = Books()
        self._feeds: dict[tuple[str, str], datetime] = {}
        self._last_event = 0

    def read(self, tx: Transaction, *, now: datetime) -> Readings:
        """Return the center as one read snapshot shows it.

        Args:
            tx: the snapshot.
            now: the instant of the reading.
        """
        calls = {
            each.id: each for each in everything(lambda part: tx.calls.list(part, drafts=True))
        }
        rounds = list(everything(lambda part: tx.rounds.list(EVERYTHING, part)))
        directory = Directory(tx)
        read = tuple(self._round(tx, each, calls[each.call], directory, now) for each in rounds)
        latest = {each.call: each for each in rounds}
        return Readings(
            at=now,
            pools=pool_readings(tx, now),
            calls=tuple(
                self._call(tx, each, latest.get(each.id), directory)
                for each in calls.values()
                if each.state is not CallState.DRAFT
            ),
            rounds=read,
            queue=queue_reading(tx),
            deliveries=DeliveryReading(
                counts=tx.deliveries.counts(), oldest=tx.deliveries.oldest()
            ),
            books=self._books.read(tx, read, now=now),
            targets=target_readings(tx),
            meters=meter_readings(tx, directory),
            feeds=self._follow_feeds(tx),
            events=self._last_event,
        )

    def _round(
        self, tx: Transaction, round_: Round, call: Call, directory: Directory, now: datetime
    ) -> RoundReading:
        """Return a round; one that is closed does not change any more."""
        if round_.id in self._closed:
            return self._closed[round_.id]
        found = round_reading(
            tx, round_, call, self._snapshot(tx, round_.snapshot), directory=directory, now=now
        )
        if round_.state is RoundState.CLOSED:
            self._closed[round_.id] = found
        return found

    def _call(
        self, tx: Transaction, call: Call, latest: Round | None, directory: Directory
    ) -> CallReading:
        """Return what a call has drawn; nothing changes once its latest round is closed."""
        if call.id in self._over and latest and self._over[call.id].round == latest.id:
            return self._over[call.id]
        found = call_reading(tx, call, NONE if latest is None else latest.id, directory)
        if latest is not None and latest.state is RoundState.CLOSED:
            self._over[call.id] = found
        return found

    def _snapshot(self, tx: Transaction, digest: str | None) -> Frozen | None:
        """Return what a snapshot says; a digest always names the same document."""
        if digest is None:
            return None
        if digest not in self._frozen:
            document = json.loads(tx.documents.text(digest), parse_float=Decimal)
            self._frozen[digest] = frozen(read_round(document))
        return self._frozen[digest]

    def _follow_feeds(self, tx: Transaction) -> Mapping[tuple[str, str], datetime]:
        """Return when each feed of each cluster was last entered."""
        last = tx.events.last()
        for source, kind in FEEDS.items() if last > self._last_event else ():
            for cluster, at in tx.events.latest(kind, self._last_event).items():
                feed = source, cluster
                self._feeds[feed] = max(at, self._feeds.get(feed, at))
        self._last_event = last
        return dict(self._feeds)
