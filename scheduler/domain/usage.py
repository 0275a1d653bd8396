"""Usage: what jobs used, slice by slice; every import says the same whatever came before it.

A run of a job is cut at each midnight UTC. A slice is named by cluster, job and the instant it
begins, so the same seconds always have the same name. While a job runs, its last slice grows:
of several reports of a slice the longest counts. That is a maximum, so duplicates, replays, any
order and any delay end in the same total. Less than was reported before is said only by a
correction, with a reason and a second person; a corrected slice no longer follows the feed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from scheduler.domain.errors import InvalidValue
from scheduler.domain.names import line

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LONGEST_RUN = timedelta(days=3660)
LARGEST_GPUS = 10**6
UNKNOWN_TYPE = "gpu"
"""GPU type of a job whose cluster does not say one."""


class UsageKind(StrEnum):
    """Why an entry was made."""

    IMPORT = "import"
    """The cluster's accounting said so."""
    CORRECTION = "correction"
    """Two people said so, with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a job, as an accounting feed tells it.

    Attributes:
        job: id on its cluster; a requeued job has several runs.
        user: account name, which is the id of the person.
        hint: what may name the award: the QOS, the account, a comment.
        ends_at: the end, or the latest instant at which it was seen running.
        ended: whether it is over.
        limit: how long it may run, if the feed says so.
    """

    cluster: str
    job: str
    user: str
    gpu_type: str
    gpus: int
    starts_at: datetime
    ends_at: datetime
    hint: tuple[str, ...] = ()
    ended: bool = True
    limit: timedelta | None = None

    def __post_init__(self) -> None:
        for field in ("cluster", "job", "user", "gpu_type"):
            value = line(getattr(self, field), field=f"/{field}", longest=128)
            if not value:
                raise InvalidValue(field=f"/{field}", value=value, rule="required")
        if not 1 <= self.gpus <= LARGEST_GPUS:
            raise InvalidValue(field="/gpus", value=self.gpus, rule=f"1 to {LARGEST_GPUS}")
        if not timedelta(0) <= self.ends_at - self.starts_at <= LONGEST_RUN:
            raise InvalidValue(
                field="/ends_at", value=self.ends_at.isoformat(), rule="after its start"
            )


@dataclass(frozen=True, slots=True)
class SliceKey:
    """What names a slice: cluster, job, and the instant it begins."""

    cluster: str
    job: str
    begins_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What a run used within one day, in GPU-seconds."""

    key: SliceKey
    user: str
    gpu_type: str
    gpu_seconds: int
    hint: tuple[str, ...] = ()


def slices(run: Run) -> Iterator[Slice]:
    """Yield the parts of a run, cut at each midnight UTC; together they are the whole run."""
    begins = run.starts_at
    while begins < run.ends_at:
        midnight = datetime.combine(begins.astimezone(UTC).date() + DAY, time(), UTC)
        ends = min(run.ends_at, midnight)
        yield Slice(
            key=SliceKey(run.cluster, run.job, begins),
            user=run.user,
            gpu_type=run.gpu_type,
            gpu_seconds=run.gpus * ((ends - begins) // SECOND),
            hint=run.hint,
        )
        begins = ends


def longest(reported: Iterable[Slice]) -> dict[SliceKey, Slice]:
    """Return one report of each slice: the one that says most."""
    kept: dict[SliceKey, Slice] = {}
    for each in reported:
        known = kept.get(each.key)
        if known is None or _rank(each) > _rank(known):
            kept[each.key] = each
    return kept


def _rank(reported: Slice) -> tuple[int, str, str, tuple[str, ...]]:
    """Return what decides between two reports; the texts only break ties, always alike."""
    return reported.gpu_seconds, reported.user, reported.gpu_type, reported.hint


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageEntry:
    """A change of what a slice used; never changed itself.

    Attributes:
        revision: 1 for the first entry of a slice.
        gpu_seconds: more than before if positive, less if negative.
        person: the user, as the feed names them.
        award: charged; none if the use stands outside any award.
        event: position in the log of what caused it.
    """

    id: str
    cluster: str
    job: str
    begins_at: datetime
    revision: int
    kind: UsageKind
    gpu_type: str
    gpu_seconds: int
    person: str
    award: str | None
    reason: str
    event: int

    @property
    def key(self) -> SliceKey:
        """What names its slice."""
        return SliceKey(self.cluster, self.job, self.begins_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceState:
    """What the entries of a slice add up to.

    Attributes:
        corrected: whether people had the last word; then feeds change nothing.
    """

    key: SliceKey
    gpu_type: str
    gpu_seconds: int
    person: str
    award: str | None
    revision: int
    corrected: bool


def settle(entries: Iterable[UsageEntry]) -> dict[SliceKey, SliceState]:
    """Return what each slice used, from its entries in any order."""
    states: dict[SliceKey, SliceState] = {}
    for entry in sorted(entries, key=lambda each: (each.key.job, each.begins_at, each.revision)):
        before = states.get(entry.key)
        states[entry.key] = SliceState(
            key=entry.key,
            gpu_type=entry.gpu_type,
            gpu_seconds=(before.gpu_seconds if before else 0) + entry.gpu_seconds,
            person=entry.person,
            award=entry.award,
            revision=entry.revision,
            corrected=entry.kind is UsageKind.CORRECTION or bool(before and before.corrected),
        )
    return states


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What an import adds to one slice."""

    slice: Slice
    state: SliceState | None
    gpu_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What an import would do.

    Attributes:
        grown: slices that are new or longer.
        known: how many say nothing new.
        disputed: corrected slices of which the feed says another amount.
    """

    grown: tuple[Growth, ...]
    known: int
    disputed: tuple[Slice, ...]


def merge(reported: Mapping[SliceKey, Slice], states: Mapping[SliceKey, SliceState]) -> Merge:
    """Compare reports with what is entered; nothing is taken twice, nothing is taken back."""
    grown, disputed, known = [], [], 0
    for key, each in sorted(reported.items(), key=lambda item: (item[0].job, item[0].begins_at)):
        state = states.get(key)
        more = each.gpu_seconds - (state.gpu_seconds if state else 0)
        if state is not None and state.corrected:
            disputed += [each] if more else []
            known += not more
        elif more > 0:
            grown.append(Growth(slice=each, state=state, gpu_seconds=more))
        else:
            known += 1
    return Merge(grown=tuple(grown), known=known, disputed=tuple(disputed))
