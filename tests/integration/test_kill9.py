"""An acknowledged write survives ``kill -9`` at any moment, and no retry doubles it."""

import multiprocessing
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Client
from pathlib import Path

from scheduler.storage.store import open_store
from tests.integration.writing_server import OPERATION, serve

KILLS = 20
CLIENTS = 12
UPTIMES = (0.02, 0.05, 0.11, 0.23)
"""Seconds that a process writes before it is killed, in turn."""


@dataclass
class Load:
    """Clients that write under keys of their own and try again until they are answered."""

    address: str | None = None
    over: bool = False
    retries: int = 0
    acknowledged: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def run(self, number: int) -> None:
        """Write key after key; ask again now and then for one that was answered."""
        for serial in count():
            key = f"{number}-{serial}"
            if not self._write(key):
                return
            again = f"{number}-{serial // 2}"
            if serial % 5 == 0 and self._ask(again) not in {None, self.acknowledged[again]}:
                self.changed.append(again)

    def _write(self, key: str) -> bool:
        while not self.over:
            answer = self._ask(key)
            if answer is not None:
                self.acknowledged[key] = answer
                return True
            self.retries += 1
            time.sleep(0.01)
        return False

    def _ask(self, key: str) -> str | None:
        """Ask once; a process that dies before it answers has told nothing."""
        client = getattr(_own, "client", None)
        try:
            if client is None:
                client = _own.client = Client(str(self.address), "AF_UNIX")
            client.send(key)
            return str(client.recv())
        except (OSError, EOFError):
            if client is not None:
                client.close()
            _own.client = None
            return None


_own = threading.local()


def test_nothing_acknowledged_is_lost_or_doubled(store_url: str, tmp_path: Path):
    """Through 20 kills under load every acknowledged key has exactly one event, still chained."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.writing_server"])
    load = Load()
    threads = [threading.Thread(target=load.run, args=(number,)) for number in range(CLIENTS)]
    open_store(store_url).close()
    for kill in range(KILLS):
        address = str(tmp_path / f"s{kill}")
        process = context.Process(target=serve, args=(store_url, address))
        process.start()
        while not Path(address).exists():
            assert process.is_alive()
            time.sleep(0.002)
        load.address = address
        before = len(load.acknowledged)
        if kill == 0:
            for thread in threads:
                thread.start()
        _until_answered(load, before)
        time.sleep(UPTIMES[kill % len(UPTIMES)])
        process.kill()
        process.join()
    load.over = True
    for thread in threads:
        thread.join()
    _check(load, store_url)


def _until_answered(load: Load, before: int) -> None:
    end = time.monotonic() + 30
    while len(load.acknowledged) == before:
        assert time.monotonic() < end, "The restarted process answered nobody."
        time.sleep(0.002)


def _check(load: Load, store_url: str) -> None:
    assert [] == load.changed
    assert load.retries >= KILLS
    with open_store(store_url) as store, store.read() as tx:
        assert tx.events.first_broken() is None
        kept: dict[str, str] = {}
        times: Counter[str] = Counter()
        while page := tx.events.list(after=sum(times.values()), limit=1000):
            kept.update((event.subject, event.hash) for event in page)
            times.update(event.subject for event in page)
        answers = {
            key: answer.body
            for key in load.acknowledged
            if (answer := tx.idempotency.find("kim", OPERATION, key)) is not None
        }
    lost = {key: hash_ for key, hash_ in load.acknowledged.items() if kept.get(key) != hash_}
    assert {} == lost
    assert load.acknowledged == answers
    assert [] == [key for key, often in times.items() if often > 1]
