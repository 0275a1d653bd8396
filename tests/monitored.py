"""A center made by hand, for what monitoring says of it."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from api.monitoring.exposition import Metrics
from scheduler.domain.jobs import JobState
from scheduler.domain.ledger import AccountKind, Book, Transfer, TransferCode, TransferStep
from scheduler.domain.requests import RequestState
from scheduler.domain.rounds import RoundState
from scheduler.ports.paging import Page

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
ROUND = {
    "schema": "dure-round/1",
    "id": "small",
    "calendar": {"starts_on": None, "slot_hours": 1, "slots": 2},
    "groups": [{"id": "core0"}],
    "fellows": [{"id": "f0", "group": "core0"}],
    "pools": [
        {"id": "a", "gpu_type": "A", "nodes": 1, "gpus_per_node": 4, "supply_gpu_hours": [4, 4]},
        {"id": "b", "gpu_type": "B", "nodes": 1, "gpus_per_node": 2, "supply_gpu_hours": [2, 2]},
    ],
    "requests": [
        {
            "id": "q0",
            "fellow": "f0",
            "gpu_hours": 16,
            "max_gpus": 4,
            "window": [0, 2],
            "speeds": {"a": 1, "b": 2},
        },
        {
            "id": "q1",
            "fellow": "f0",
            "gpu_hours": 8,
            "max_gpus": 4,
            "window": [0, 1],
            "speeds": {"a": 1},
        },
    ],
}


def a_book():
    """Return accounts and transfers of a call that was funded with 7,200 GPU-seconds."""
    book = Book(find=lambda _: None)
    transfer = Transfer(
        id="trf_1",
        at=NOW,
        event=1,
        code=TransferCode.FUND,
        step=TransferStep.POSTED,
        gpu_type="A",
        debit=book.open(AccountKind.SUPPLY, "center", "A"),
        credit=book.open(AccountKind.CALL, "call_1", "A"),
        amount=7200,
    )
    book.enter(transfer)
    return tuple(book.accounts.values()), (transfer,)


BOOK = a_book()


def one_page(*items):
    """Return a list method that answers everything at once."""
    return lambda *_, **__: Page(items=items, next=None)


def a_transaction():
    """Return a transaction over one pool, one call and one published round."""
    cells = (SimpleNamespace(pool="a", slot=0, gpu_hours=3),)
    award = SimpleNamespace(fellow="f0", held=3000, cells=cells)
    scenario = SimpleNamespace(
        policy="entitlement",
        gap=0.0005,
        status="optimal",
        stages=({"name": "value", "gap": 0.0005},),
        seconds=12.5,
        measures={"jain": 0.9, "gini": 0.1, "theil": {"between": 0.01, "within": 0.02}},
    )
    round_ = SimpleNamespace(id="rnd_1", state=RoundState.PUBLISHED, snapshot="d1")
    request = SimpleNamespace(state=RequestState.AWARDED)
    submission = SimpleNamespace(ask=SimpleNamespace(gpu_hours=16_000))
    events = [SimpleNamespace(seq=1), SimpleNamespace(seq=2)]
    return SimpleNamespace(
        pools=SimpleNamespace(list=one_page(SimpleNamespace(id="a", gpu_type="A", gpus=4))),
        calls=SimpleNamespace(list=one_page(SimpleNamespace(id="call_1"))),
        rounds=SimpleNamespace(list=one_page(round_)),
        scenarios=SimpleNamespace(list=one_page(scenario)),
        awards=SimpleNamespace(list=one_page(award)),
        people=SimpleNamespace(of=lambda _: [SimpleNamespace(id="f0", group="core0")]),
        documents=SimpleNamespace(text=lambda _: json.dumps(ROUND)),
        requests=SimpleNamespace(
            counts=lambda _: {RequestState.AWARDED: 1, RequestState.DRAFT: 2},
            latest=lambda *_: [(request, submission)],
        ),
        jobs=SimpleNamespace(
            counts=lambda: {("solve", JobState.QUEUED): 2},
            list=one_page(SimpleNamespace(created_at=NOW - timedelta(seconds=90))),
        ),
        ledger=SimpleNamespace(accounts=one_page(*BOOK[0]), transfers=one_page(*BOOK[1])),
        events=SimpleNamespace(list=lambda after, _limit: events[after:]),
    )


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        """Return the seconds."""
        return self.at


def monitored():
    """Return metrics over the hand-made center, the times it was read, and its clock."""
    reads, clock = [], Clock()

    @contextmanager
    def read():
        reads.append(clock.at)
        yield a_transaction()

    metrics = Metrics(
        read,
        version="1.2.3",
        now=lambda: NOW,
        seconds=clock,
    )
    return metrics, reads, clock
