"""A center with a published, used round, for what monitoring says of it; on any store."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from api.monitoring.exposition import Metrics
from scheduler.domain.deliveries import Channel, Delivery
from scheduler.domain.enforcement import Form, Target
from scheduler.domain.gauges import Gauge, gauge_id
from scheduler.domain.pools import ChangeKind
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import return_award
from scheduler.operations.jobs import Work, enqueue
from scheduler.operations.pools import (
    ProposedChange,
    approve_capacity_change,
    propose_capacity_change,
)
from scheduler.operations.reconciliation import reconcile, take_gauges
from scheduler.operations.usage import import_usage
from scheduler.ports.store import Transaction
from scheduler.storage.store import SqlStore
from tests.unit.operations.center import CLOSES, a_scenario, act, as_fellow
from tests.unit.operations.test_usage import HOUR, WEEK, a_correction, a_run, an_award

NOW = datetime(2026, 4, 2, 9, tzinfo=UTC)
"""In the first slot of the round."""
SECRET = b"a key that only tests know, 32 b"
MEASURES = {"jain": 0.9, "gini": 0.1, "theil": {"between": 0.01, "within": 0.02}}
GIVEN = 704 * HOUR
"""Mina's award of 800 GPU-hours, of which 96 were returned."""
USED = 80 * HOUR
"""What mina's job used, as it was entered."""
REFUNDED = 31 * HOUR
"""What a correction took off again."""
OUTSIDE = 10 * HOUR
"""What somebody unknown used."""
WAITED = timedelta(seconds=90)


def a_used_center(tx: Transaction) -> str:
    """Publish, accept, return in part, use, correct; queue a solve; return the award's id."""
    award = an_award(tx)
    return_award(tx, as_fellow("mina", CLOSES), award.id, reason="Less.", gpu_hours=96_000)
    strange = a_run(job="18", user="stranger", gpus=1)
    import_usage(tx, act("collector", NOW - timedelta(hours=2)), [a_run(), strange], source="duru")
    correction = a_correction(tx)
    decide_proposal(tx, act("approver"), correction.id, approve=True, reason="Yes.")
    round_ = tx.rounds.find(award.round)
    stages = ({"name": "value", "gap": 0.0005},)
    solved = {"policy": "merit", "gap": 0.0005, "seconds": 12.5, "stages": stages}
    a_scenario(tx, round_, {}, measures=MEASURES, **solved)
    down = ProposedChange(
        pool="h200",
        kind=ChangeKind.MAINTENANCE,
        gpus=8,
        starts_at=NOW - timedelta(hours=1),
        ends_at=NOW + timedelta(hours=1),
        reason="A node is down.",
    )
    change = propose_capacity_change(tx, act("operator"), down)
    approve_capacity_change(tx, act("second"), change.id)
    duru = Target(
        id="duru", form=Form.ASSOCIATIONS, gpu_types={"H200": "h200"}, drift=3, reported_at=NOW
    )
    tx.enforcement.add(duru)
    made = NOW - timedelta(minutes=5)
    tx.deliveries.add(
        Delivery(
            id="dlv_1", channel=Channel.MAIL, to="mina", key="alert/1", made_at=made, due_at=NOW
        )
    )
    work = Work(prefix="slv", kind="solve", subject=round_.id, identity="one", payload={})
    enqueue(tx, act("operator", NOW - WAITED), work)
    gauge = Gauge(
        id=gauge_id("duru", "vision", "mina"),
        cluster="duru",
        account="vision",
        person="mina",
        limit_gpu_minutes=None,
        used_gpu_minutes=60,
        running_gpus=8,
        seen_at=NOW,
    )
    take_gauges(tx, act("collector", NOW), "duru", [gauge])
    stray = a_run(job="19", ended=False, limit=timedelta(hours=1))
    reconcile(tx, act("collector", NOW), "duru", [stray], since=NOW)
    return award.id


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        """Return the seconds."""
        return self.at


def monitored(store: SqlStore, *, now=lambda: NOW):
    """Return metrics over a store, the times it was read, and their clock."""
    reads, clock = [], Clock()

    @contextmanager
    def read():
        reads.append(clock.at)
        with store.read() as tx:
            yield tx

    metrics = Metrics(read, version="1.2.3", secret=SECRET, now=now, seconds=clock)
    return metrics, reads, clock


def use(tx: Transaction, job: str, hours: int = 1) -> None:
    """Enter one more job of mina's."""
    ends_at = WEEK + timedelta(hours=hours)
    import_usage(tx, act("collector"), [a_run(job=job, gpus=1, ends_at=ends_at)], source="duru")
