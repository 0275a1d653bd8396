"""Reconciliation: the books beside what the cluster's accounting and its controller say.

Nothing is changed by it. Feeds may be partial and up to thirty days late; that is how they are, so
a difference says which of these it is, and only what nothing explains is a fault.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from scheduler.domain.gauges import Gauge
from scheduler.domain.usage import Run, Slice, SliceKey, SliceState

LATENESS: Final = timedelta(days=30)
"""How late a feed may still tell of a slice."""
SLACK: Final = timedelta(hours=1)
"""How far beyond its limit a job may run: Slurm's own grace and the wait for its kill."""
LONGEST: Final = timedelta(days=30)
"""How long a job without a limit may run."""
MINUTE: Final = 60


class Source(StrEnum):
    """What the books are compared with."""

    ACCOUNTING = "accounting"
    """What the cluster's accounting tells of each slice."""
    CONTROLLER = "controller"
    """What the cluster's controller counts of each user."""
    LEDGER = "ledger"
    """What the center's own ledger has consumed."""


class DifferenceState(StrEnum):
    """What a difference is."""

    AWAITED = "awaited"
    """The feed is ahead of the books and not thirty days old: the next import takes it."""
    PARTIAL = "partial"
    """The other side tells less: a part of a feed, or counters that were reset."""
    CORRECTED = "corrected"
    """Two people said so."""
    UNEXPLAINED = "unexplained"
    """None of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """GPU-seconds that the books and another side say otherwise of one person and award.

    Attributes:
        person: nobody where the ledger itself is compared.
        told: by the other side.
        entered: in the books.
    """

    source: Source
    state: DifferenceState
    person: str | None
    award: str | None
    told: int
    entered: int

    @property
    def gpu_seconds(self) -> int:
        """What the other side tells more; below nothing if less."""
        return self.told - self.entered


class RunawayCause(StrEnum):
    """Why a running job is a runaway."""

    BEYOND_LIMIT = "beyond_limit"
    """It runs an hour or more beyond its limit."""
    NO_END = "no_end"
    """It has no limit and has run for more than thirty days."""
    NOT_RUNNING = "not_running"
    """Accounting never closed it; the controller runs nothing of its user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runaway:
    """A job that accounting says is running, and should not be."""

    job: str
    person: str
    gpu_type: str
    gpus: int
    starts_at: datetime
    elapsed_seconds: int
    cause: RunawayCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What one comparison found; never changed.

    Attributes:
        since: from when on the accounting was brought whole.
        gauged_at: when the controller was last asked; nothing if never.
        jobs: how many were brought.
        event: position in the log.
    """

    id: str
    cluster: str
    at: datetime
    by: str
    since: datetime
    gauged_at: datetime | None
    jobs: int
    differences: tuple[Difference, ...]
    runaways: tuple[Runaway, ...]
    event: int


class _Whose(NamedTuple):
    """Differences of one kind are told together."""

    person: str
    award: str
    state: DifferenceState


def accounting_differences(
    reported: Mapping[SliceKey, Slice], states: Mapping[SliceKey, SliceState], *, now: datetime
) -> tuple[Difference, ...]:
    """Return where accounting and books differ, slice by slice, added up by person and award.

    Args:
        reported: slices that accounting tells.
        states: slices of the books that accounting should tell, and those it does.
        now: the instant of the comparison.
    """
    told: Counter[_Whose] = Counter()
    entered: Counter[_Whose] = Counter()
    for key in reported.keys() | states.keys():
        slice_, state = reported.get(key), states.get(key)
        theirs = slice_.gpu_seconds if slice_ else 0
        ours = state.gpu_seconds if state else 0
        if theirs == ours:
            continue
        person = state.person if state else slice_.user if slice_ else ""
        award = (state.award if state else None) or ""
        whose = _Whose(person, award, _of_slice(slice_, state, now))
        told[whose] += theirs
        entered[whose] += ours
    return tuple(
        Difference(
            source=Source.ACCOUNTING,
            state=whose.state,
            person=whose.person,
            award=whose.award or None,
            told=told[whose],
            entered=entered[whose],
        )
        for whose in sorted(told)
    )


def _of_slice(slice_: Slice | None, state: SliceState | None, now: datetime) -> DifferenceState:
    """Return what the difference of one slice is."""
    if state is not None and state.corrected:
        return DifferenceState.CORRECTED
    if slice_ is None:
        return DifferenceState.PARTIAL
    ahead = state is None or slice_.gpu_seconds > state.gpu_seconds
    if ahead and now - slice_.key.begins_at <= LATENESS:
        return DifferenceState.AWAITED
    return DifferenceState.UNEXPLAINED


def controller_differences(
    gauges: Iterable[Gauge],
    entered: Mapping[str, int],
    awaited: Mapping[str, int],
    *,
    metered_at: datetime | None,
) -> tuple[Difference, ...]:
    """Return where the controller's counters and the books differ by more than they must.

    They must by the rounding to whole minutes, and by what ran since the books were last fed.

    Args:
        gauges: of the latest asking.
        entered: GPU-seconds of the cluster in the books, by person.
        awaited: GPU-seconds that accounting already tells and the books do not have yet.
        metered_at: when accounting was last entered.
    """
    told: Counter[str] = Counter()
    allowed: Counter[str] = Counter()
    for gauge in gauges:
        unfed = 0 if metered_at is None else max((gauge.seen_at - metered_at).total_seconds(), 0)
        told[gauge.person] += gauge.used_gpu_minutes * MINUTE
        allowed[gauge.person] += MINUTE + gauge.running_gpus * int(unfed)
    found = []
    for person in sorted(told):
        more = told[person] - entered.get(person, 0)
        if abs(more) <= allowed[person]:
            continue
        state = DifferenceState.UNEXPLAINED
        if more < 0:
            state = DifferenceState.PARTIAL
        elif more <= allowed[person] + awaited.get(person, 0):
            state = DifferenceState.AWAITED
        found.append(
            Difference(
                source=Source.CONTROLLER,
                state=state,
                person=person,
                award=None,
                told=told[person],
                entered=entered.get(person, 0),
            )
        )
    return tuple(found)


def ledger_differences(
    consumed: Mapping[str | None, int], entered: Mapping[str | None, int]
) -> tuple[Difference, ...]:
    """Return where the consumed accounts and the usage entries differ; there is no excuse.

    Args:
        consumed: GPU-seconds of the ledger by award, or by none for use outside any.
        entered: GPU-seconds of all usage entries, likewise.
    """
    return tuple(
        Difference(
            source=Source.LEDGER,
            state=DifferenceState.UNEXPLAINED,
            person=None,
            award=award,
            told=consumed.get(award, 0),
            entered=entered.get(award, 0),
        )
        for award in sorted(consumed.keys() | entered.keys(), key=lambda each: each or "")
        if consumed.get(award, 0) != entered.get(award, 0)
    )


def runaways(runs: Iterable[Run], gauges: Iterable[Gauge]) -> Iterator[Runaway]:
    """Yield the jobs that should not be running any more.

    Args:
        runs: as accounting tells them.
        gauges: of the latest asking; without any, nobody is known to run nothing.
    """
    running: Counter[str] = Counter()
    for gauge in gauges:
        running[gauge.person] += gauge.running_gpus
    for run in runs:
        cause = None if run.ended else _cause(run, running)
        if cause is not None:
            yield Runaway(
                job=run.job,
                person=run.user,
                gpu_type=run.gpu_type,
                gpus=run.gpus,
                starts_at=run.starts_at,
                elapsed_seconds=int((run.ends_at - run.starts_at).total_seconds()),
                cause=cause,
            )


def _cause(run: Run, running: Mapping[str, int]) -> RunawayCause | None:
    """Return why a running job is a runaway, if it is one."""
    elapsed = run.ends_at - run.starts_at
    if run.limit is not None and elapsed > run.limit + SLACK:
        return RunawayCause.BEYOND_LIMIT
    if run.user in running and not running[run.user]:
        return RunawayCause.NOT_RUNNING
    if run.limit is None and elapsed > LONGEST:
        return RunawayCause.NO_END
    return None
