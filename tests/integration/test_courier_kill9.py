"""A courier is killed again and again in the middle: everybody is told of everything, by one id."""

import multiprocessing
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess

from scheduler.domain.deliveries import DeliveryState
from scheduler.domain.directory import Person
from scheduler.domain.notifications import Notification
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.storage.store import SqlStore, open_store
from tests.integration.telling_courier import serve
from tests.mail_server import Post, mail_server
from tests.unit.operations.center import IDS

KILLS = 6
PEOPLE = 12
ALERTS = 8
"""Of each person; and as many things for a digest."""
UPTIMES = (0.03, 0.09, 0.2, 0.4)
"""Seconds that a courier works after its first mail, in turn."""


def a_center(tx: Transaction) -> None:
    """People with addresses, and much to tell them."""
    now = datetime.now(UTC) - timedelta(days=1)
    for number in range(PEOPLE):
        tx.people.add(
            Person(id=f"f{number}", name=f"Fellow {number}", email=f"f{number}@kaist.example")
        )
    tx.notifications.add(
        Notification(
            id=IDS.new("ntf", now),
            person=f"f{number % PEOPLE}",
            at=now,
            kind="award.offered" if number < PEOPLE * ALERTS else "award.extended",
            subject=f"awd_{number}",
            event=number,
        )
        for number in range(2 * PEOPLE * ALERTS)
    )


def test_everybody_is_told_of_everything_by_one_id(store_url: str):
    """Nothing is lost; what was told but not marked is told again as the very same mail."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.telling_courier"])
    with open_store(store_url) as store:
        store.write(a_center)
    with mail_server() as post:
        for kill in range(KILLS):
            before = len(post.mails)
            process = context.Process(target=serve, args=(store_url, post.address[1], kill))
            process.start()
            _until(process, lambda before=before: len(post.mails) > before)
            time.sleep(UPTIMES[kill % len(UPTIMES)])
            process.kill()
            process.join()
            if len(set(post.ids())) == PEOPLE * (ALERTS + 1):
                break
        last = context.Process(target=serve, args=(store_url, post.address[1], KILLS + 1))
        last.start()
        with open_store(store_url) as store:
            _until(last, lambda: _over(store))
        last.kill()
        last.join()
        _check(store_url, post)


def _over(store: SqlStore) -> bool:
    with store.read() as tx:
        return {DeliveryState.DELIVERED} == {state for _, state in tx.deliveries.counts()}


def _until(process: BaseProcess, condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert process.is_alive(), "the courier ended by itself"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def _check(store_url: str, post: Post) -> None:
    with open_store(store_url) as store, store.read() as tx:
        made = list(everything(tx.deliveries.list))
        told = Counter(each.id for one in made for each in tx.deliveries.told_by(one.id))
    assert PEOPLE * (ALERTS + 1) == len(made)
    assert {f"<{each.id}@center.example>" for each in made} == set(post.ids())
    assert (2 * PEOPLE * ALERTS, {1}) == (len(told), set(told.values()))
    assert any(each.attempts > 1 for each in made), "nobody was killed in the middle"
    by_id: dict[str, set[bytes]] = {}
    for mail in post.mails:
        by_id.setdefault(mail["Message-ID"], set()).add(mail.as_bytes())
    assert {1} == {len(each) for each in by_id.values()}
