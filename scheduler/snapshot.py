"""A round as frozen values, amounts in exact thousandths: what a solve reads and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from scheduler.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The round's units of time; `slot_hours` in thousandths of an hour."""

    starts_on: date | None
    slot_hours: int
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundGroup:
    """A group in the round; amounts and weight in thousandths."""

    id: str
    weight: int
    institute: str | None
    floor_gpu_hours: int
    cap_gpu_hours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFellow:
    """A fellow in the round; weight and cap in thousandths."""

    id: str
    group: str
    institute: str | None
    weight: int
    cap_gpu_hours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundInstitute:
    """What a round limits an institute to; floor and cap in thousandths."""

    id: str
    floor_gpu_hours: int
    cap_gpu_hours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrack:
    """A track in the round; floor and cap in thousandths."""

    id: str
    floor_gpu_hours: int
    cap_gpu_hours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPool:
    """A pool in the round; charge and supply per slot in thousandths."""

    id: str
    gpu_type: str
    nodes: int
    gpus_per_node: int
    su_per_gpu_hour: int
    supply_gpu_hours: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRequest:
    """A request in the round; amounts, speeds and score in thousandths."""

    id: str
    fellow: str
    gpu_hours: int
    minimum_gpu_hours: int
    gang_gpus: int
    max_gpus: int
    first: int
    end: int
    speeds: tuple[tuple[str, int], ...]
    shape: str
    block_slots: int
    single_pool: bool
    score: int
    guaranteed: bool
    after: str | None
    track: str | None
    pinned: bool
    vetoed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRound:
    """An earlier round: by id, what each was entitled to and what each got, in thousandths."""

    id: str
    age_days: int
    groups: Mapping[str, tuple[int, int]]
    fellows: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A frozen round: what a solve reads and nothing else.

    Attributes:
        document: the file as parsed, for its digest.
        previous: (request, pool, slot, whole GPU-hours) of the plan to stay close to.
        line: requests of that plan's reserve list, by rank.
        past: earlier rounds, for policies that carry what they left owing.
    """

    id: str
    title: str
    calendar: Calendar
    groups: tuple[RoundGroup, ...]
    fellows: tuple[RoundFellow, ...]
    institutes: tuple[RoundInstitute, ...]
    tracks: tuple[RoundTrack, ...]
    pools: tuple[RoundPool, ...]
    requests: tuple[RoundRequest, ...]
    previous: tuple[tuple[str, str, int, int], ...]
    line: tuple[str, ...]
    past: tuple[PastRound, ...]
    document: Document
