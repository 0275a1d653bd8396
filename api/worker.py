"""The loop behind `dure worker`: claim, run in a child process, say that one lives, finish.

Between jobs it looks after what happens on the clock alone.

A worker may die at any moment. Its child dies with it; its job is claimed again after the lease;
what a worker that wakes up too late wants to write is refused by the fence.
"""

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from api.process import Child, Crashed, Failure, Result
from scheduler.domain.errors import DureError, LeaseLost, StoreBusy, StoreUnavailable
from scheduler.domain.events import Json
from scheduler.domain.jobs import Job
from scheduler.operations import jobs
from scheduler.operations.upkeep import lapse_late_offers, offers_are_late
from scheduler.ports.acts import Ids
from scheduler.ports.store import Store, Transaction

TELL_SECONDS: Final = 0.5
"""How long a line of progress waits for others before it is kept."""
AGAIN_SECONDS: Final = 0.5
"""How long to wait before a store that was busy or away is asked again."""

Prepare = Callable[[Transaction, Job], Mapping[str, Json]]
"""Reads what the child needs to know."""
Conclude = Callable[[Transaction, jobs.Hand, Job, Mapping[str, Json]], Mapping[str, Json]]
"""Keeps what the child made, in the transaction that finishes the job; returns its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What a worker must know to do one kind of job.

    Attributes:
        command: argument list of the child process, which speaks as `api.child` says; without one
            the worker concludes from what it has read.
    """

    command: Sequence[str] | None
    prepare: Prepare
    conclude: Conclude


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a worker works.

    Attributes:
        lease_seconds: how long it may be silent before another takes its job.
        heartbeat_seconds: how often it says that it lives.
        poll_seconds: how often it asks for work when idle.
        memory_mib: address space of a child; unlimited if not stated.
        wall_seconds: how long a child may run at most.
        upkeep: how long between two looks at what lapses.
    """

    lease_seconds: float = 10.0
    heartbeat_seconds: float = 2.0
    poll_seconds: float = 0.5
    memory_mib: int | None = None
    wall_seconds: float = 3600.0
    upkeep: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """What a worker has around it.

    Attributes:
        name: tells workers apart in the log.
        stop: once set, the worker hands its job back and returns.
    """

    name: str
    clock: Callable[[], datetime]
    ids: Ids
    stop: threading.Event


class End(StrEnum):
    """How the work on a job ended."""

    DONE = "done"
    """Its result is kept."""
    FAILED = "failed"
    """It is given up, with the reason."""
    RELEASED = "released"
    """It broke down and is given back."""
    LOST = "lost"
    """It was cancelled, or another worker has it."""
    STOPPED = "stopped"
    """This worker was asked to stop."""


class Worker:
    """Does jobs of the trades it knows, one after the other.

    Args:
        trades: by kind of job.
    """

    def __init__(
        self,
        store: Store,
        trades: Mapping[str, Trade],
        station: Station,
        terms: Terms | None = None,
    ) -> None:
        self._store = store
        self._trades = trades
        self._station = station
        self._stop = station.stop
        self._terms = terms or Terms()
        self._looked_at: datetime | None = None

    def run(self) -> None:
        """Work until asked to stop; a store that is away for a while is waited for."""
        while not self._stop.is_set():
            try:
                self.look_after()
                end = self.work()
            except (StoreBusy, StoreUnavailable):
                end = None
            if end is None:
                self._stop.wait(self._terms.poll_seconds)

    def look_after(self) -> None:
        """Let late offers lapse, if the last look is long enough ago and there are some."""
        hand = self._hand()
        if self._looked_at is not None and hand.now - self._looked_at < self._terms.upkeep:
            return
        with self._store.read() as tx:
            late = offers_are_late(tx, hand.now)
        if late:
            self._store.write(lambda tx: lapse_late_offers(tx, hand))
        self._looked_at = hand.now

    def work(self) -> End | None:
        """Do one job, if one waits; say how it ended."""
        kinds = list(self._trades)
        with self._store.read() as tx:
            if not tx.jobs.any(self._station.clock(), kinds):
                return None
        job = self._store.write(lambda tx: jobs.claim(tx, self._hand(), kinds))
        if job is None:
            return None
        trade = self._trades[job.kind]
        try:
            with self._store.read() as tx:
                task = trade.prepare(tx, job)
            return self._conclude(trade, job, self._made(trade.command, task, job))
        except LeaseLost:
            return End.LOST
        except (StoreBusy, StoreUnavailable):
            raise
        except DureError as refusal:
            failure = {**refusal.fields, "code": refusal.code}
            return self._conclude(trade, job, Failure(_plain(failure)))
        except Exception as mistake:  # noqa: BLE001 - ours; the jobs behind this one go on
            return self._conclude(trade, job, Crashed(_said(mistake)))

    def _made(
        self, command: Sequence[str] | None, task: Mapping[str, Json], job: Job
    ) -> Result | Failure | Crashed | None:
        """Return what a child made of a task; without a child, the task itself."""
        if command is None:
            return Result(task)
        with Child(command, task, memory_mib=self._terms.memory_mib) as child:
            return self._accompany(child, job)

    def _accompany(self, child: Child, job: Job) -> Result | Failure | Crashed | None:
        """Keep the lease and the child's progress until it ends, or nothing if asked to stop.

        Raises:
            LeaseLost: If the job was cancelled, or taken by another worker.
        """
        begun = heard = time.monotonic()
        lines: dict[object, Mapping[str, Json]] = {}
        while not self._stop.is_set():
            due = heard + (TELL_SECONDS if lines else self._terms.heartbeat_seconds)
            word = child.word(max(0.0, due - time.monotonic()))
            if isinstance(word, Result | Failure | Crashed):
                self._beat(job, list(lines.values()))
                return word
            if word is not None:
                lines[word.get("stage")] = word
            now = time.monotonic()
            if now >= due and self._beat(job, list(lines.values())):
                heard = now
                lines.clear()
            if now - heard > self._terms.lease_seconds:
                raise LeaseLost(job=job.id, fence=job.fence, current="?")
            if now - begun > self._terms.wall_seconds:
                return Failure({"code": "solver-overran", "seconds": self._terms.wall_seconds})
        return None

    def _beat(self, job: Job, lines: Sequence[Mapping[str, Json]]) -> bool:
        """Extend the lease; a store that is busy or away is asked again at the next beat."""
        try:
            self._store.write(lambda tx: jobs.heartbeat(tx, self._hand(), job.lease, lines))
        except (StoreBusy, StoreUnavailable):
            self._stop.wait(AGAIN_SECONDS)
            return False
        return True

    def _conclude(self, trade: Trade, job: Job, outcome: Result | Failure | Crashed | None) -> End:
        """Keep how the job ended, however long the store is away: what was solved is dear.

        Raises:
            LeaseLost: If the job was cancelled, or taken by another worker.
        """
        while True:
            try:
                return self._store.write(lambda tx: self._keep(tx, trade, job, outcome))
            except (StoreBusy, StoreUnavailable):
                if self._stop.wait(AGAIN_SECONDS):
                    return End.STOPPED

    def _keep(
        self, tx: Transaction, trade: Trade, job: Job, outcome: Result | Failure | Crashed | None
    ) -> End:
        hand = self._hand()
        match outcome:
            case Result(content):
                jobs.expect(tx, job.lease)
                jobs.finish(tx, hand, job.lease, trade.conclude(tx, hand, job, content))
                return End.DONE
            case Failure(content):
                jobs.fail(tx, hand, job.lease, content)
                return End.FAILED
            case Crashed(content):
                jobs.release(tx, hand, job.lease, content)
                return End.RELEASED
            case None:
                jobs.hand_back(tx, hand, job.lease)
                return End.STOPPED

    def _hand(self) -> jobs.Hand:
        return jobs.Hand(
            worker=self._station.name,
            now=self._station.clock(),
            ids=self._station.ids,
            lease=timedelta(seconds=self._terms.lease_seconds),
        )


def _said(mistake: Exception) -> dict[str, Json]:
    """Return a mistake of ours as the reason of a breakdown, its trace on standard error."""
    traceback.print_exception(mistake)
    return {"code": "solver-crashed", "said": f"{type(mistake).__name__}: {mistake}"}


def _plain(fields: Mapping[str, object]) -> dict[str, Json]:
    """Return fields of a refusal as JSON."""
    return {
        name: value if isinstance(value, str | int | float | None) else str(value)
        for name, value in fields.items()
    }
