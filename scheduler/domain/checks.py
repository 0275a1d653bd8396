"""Checks at entry: pure rules over an ask, each finding naming field, value and rule."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from enum import StrEnum
from typing import Final

from scheduler.domain.amounts import MILLI, number
from scheduler.domain.calls import CallTerms
from scheduler.domain.events import Json
from scheduler.domain.messages import Language, Message, render
from scheduler.domain.pools import Supply
from scheduler.domain.requests import LIVE, Ask, AskShape, Request


class Severity(StrEnum):
    """Whether a finding stops a submission."""

    ERROR = "error"
    """Must be mended before submitting."""
    WARNING = "warning"
    """Is worth a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One broken rule of an ask.

    Attributes:
        field: JSON pointer into the ask.
        value: what stands there; amounts as decimals.
        rule: the limit it was held against, as text.
        facts: further numbers of the message.
    """

    code: str
    field: str
    value: Json
    rule: Json
    severity: Severity = Severity.ERROR
    facts: Mapping[str, Json] = made_by(default_factory=dict)

    def message(self, language: Language) -> Message:
        """Return the finding as text."""
        fields = {"field": self.field, "value": self.value, "limit": self.rule, "rule": self.rule}
        return render(self.code, {**fields, **self.facts}, language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an ask is held against.

    Attributes:
        supplies: of the offered pools, by pool id.
        siblings: all requests of the same fellow in the call, the checked one too.
        request: id of the checked request, or nothing before it exists.
    """

    terms: CallTerms
    supplies: Mapping[str, Supply]
    siblings: Sequence[Request] = ()
    request: str | None = None

    @property
    def others(self) -> tuple[Request, ...]:
        """The fellow's other requests that still count."""
        return tuple(
            other for other in self.siblings if other.id != self.request and other.state in LIVE
        )


def check(ask: Ask, around: Surroundings) -> tuple[Finding, ...]:
    """Return every broken rule, errors first, in the order of the fields."""
    found = [finding for rule in _RULES for finding in rule(ask, around)]
    return tuple(sorted(found, key=lambda finding: finding.severity is Severity.WARNING))


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that stop a submission."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def _completeness(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """A submission states amount, most GPUs, window and pools; it should have a title."""
    del around
    stated = {
        "/gpu_hours": ask.gpu_hours is not None,
        "/max_gpus": ask.max_gpus is not None,
        "/window": ask.window is not None,
        "/speeds": bool(ask.speeds),
    }
    for name, given in stated.items():
        if not given:
            yield Finding(code="missing", field=name, value=None, rule="required")
    if not ask.title.strip():
        yield Finding(
            code="missing", field="/title", value="", rule="required", severity=Severity.WARNING
        )


def _minimum(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """The minimum lies within the ask."""
    del around
    if ask.gpu_hours is not None and ask.minimum_gpu_hours > ask.gpu_hours:
        yield Finding(
            code="minimum-above-ask",
            field="/minimum_gpu_hours",
            value=number(ask.minimum_gpu_hours),
            rule=number(ask.gpu_hours),
        )


def _window(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """The window lies inside the call."""
    slots = around.terms.calendar.slots
    if ask.window is not None and ask.window[1] > slots:
        yield Finding(
            code="window-outside-call",
            field="/window",
            value=f"{ask.window[0]}–{ask.window[1]}",
            rule=slots,
        )


def _pools(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """Speeds are stated for offered pools alone, and are positive."""
    for pool, speed in sorted(ask.speeds.items()):
        if pool not in around.supplies:
            yield Finding(
                code="pool-not-offered",
                field=f"/speeds/{pool}",
                value=pool,
                rule=", ".join(sorted(around.supplies)),
            )
        elif speed <= 0:
            yield Finding(
                code="speed-not-positive", field=f"/speeds/{pool}", value=number(speed), rule=0
            )


def _gang(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """GPUs used together fit the most GPUs, a pool, and whole nodes or whole parts of one."""
    gang, most = ask.gang_gpus, ask.max_gpus
    if most is not None and gang > most:
        yield Finding(code="gang-above-max", field="/gang_gpus", value=gang, rule=most)
    elif most is not None and most % gang:
        yield Finding(
            code="max-not-whole-gangs",
            field="/max_gpus",
            value=most,
            rule=gang,
            severity=Severity.WARNING,
        )
    pools = [around.supplies[pool].pool for pool in sorted(_acceptable(ask, around))]
    if pools and gang > max(pool.gpus for pool in pools):
        largest = max(pool.gpus for pool in pools)
        yield Finding(code="no-pool-fits", field="/gang_gpus", value=gang, rule=largest)
        return
    whole = [pool for pool in pools if _fills_nodes(gang, pool.gpus_per_node)]
    for pool in pools:
        if pool in whole:
            continue
        larger = gang > pool.gpus_per_node
        yield Finding(
            code="gang-not-whole-nodes" if larger else "gang-splits-node",
            field="/gang_gpus",
            value=gang,
            rule=pool.gpus_per_node,
            severity=Severity.ERROR if larger and not whole else Severity.WARNING,
            facts={"pool": pool.id},
        )


def _arithmetic(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """GPUs × hours × speed over the window reach the ask."""
    speeds = _acceptable(ask, around)
    if ask.gpu_hours is None or ask.max_gpus is None or not speeds:
        return
    slots = _slots(ask, around)
    hours = len(slots) * around.terms.calendar.slot_hours
    fastest = max(speeds.values())
    most = ask.max_gpus * hours * fastest // MILLI
    if ask.gpu_hours > most and slots:
        yield Finding(
            code="ask-above-window",
            field="/gpu_hours",
            value=number(ask.gpu_hours),
            rule=number(most),
            facts={"gpus": ask.max_gpus, "hours": number(hours), "speed": number(fastest)},
        )


def _supply(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """The acceptable pools supply the minimum in the window, and better the whole ask."""
    speeds = _acceptable(ask, around)
    slots = _slots(ask, around)
    if ask.gpu_hours is None or not speeds or not slots:
        return
    reach = [
        around.supplies[pool].within(slots.start, slots.stop) * speed // MILLI
        for pool, speed in speeds.items()
    ]
    most = max(reach) if ask.single_pool else sum(reach)
    if ask.minimum_gpu_hours > most:
        yield Finding(
            code="minimum-above-supply",
            field="/minimum_gpu_hours",
            value=number(ask.minimum_gpu_hours),
            rule=number(most),
        )
    elif ask.gpu_hours > most:
        yield Finding(
            code="ask-above-supply",
            field="/gpu_hours",
            value=number(ask.gpu_hours),
            rule=number(most),
            severity=Severity.WARNING,
        )


def _block(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """A block states a length that fits the window; other shapes state none."""
    length = len(_slots(ask, around))
    if ask.shape is AskShape.BLOCK:
        if ask.block_slots is None:
            yield Finding(code="block-slots-missing", field="/block_slots", value=None, rule=length)
        elif ask.window is not None and ask.block_slots > length:
            yield Finding(
                code="block-slots-do-not-fit",
                field="/block_slots",
                value=ask.block_slots,
                rule=length,
            )
    elif ask.block_slots is not None:
        yield Finding(
            code="block-slots-unused",
            field="/block_slots",
            value=ask.block_slots,
            rule=str(ask.shape),
            severity=Severity.WARNING,
        )


def _track(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """The track is one of the call's."""
    tracks = [track.id for track in around.terms.tracks]
    if ask.track is not None and ask.track not in tracks:
        yield Finding(code="track-unknown", field="/track", value=ask.track, rule=", ".join(tracks))


def _after(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """A predecessor is another live request of the same fellow in the call."""
    if ask.after is None:
        return
    if ask.after == around.request:
        yield Finding(code="after-itself", field="/after", value=ask.after, rule="another request")
    elif ask.after not in {other.id for other in around.others}:
        yield Finding(
            code="after-unknown", field="/after", value=ask.after, rule="the fellow's own request"
        )


def _caps(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """The call's caps on requests of a fellow and on the size of one hold."""
    submitted = sum(other.submitted > 0 for other in around.others)
    limit = around.terms.max_requests
    if limit is not None and submitted + 1 > limit:
        yield Finding(code="too-many-requests", field="", value=submitted + 1, rule=limit)
    cap = around.terms.max_gpu_hours
    if cap is not None and ask.gpu_hours is not None and ask.gpu_hours > cap:
        yield Finding(
            code="ask-above-cap",
            field="/gpu_hours",
            value=number(ask.gpu_hours),
            rule=number(cap),
        )


def _duplicates(ask: Ask, around: Surroundings) -> Iterator[Finding]:
    """A fellow submits the same ask once."""
    for other in around.others:
        if other.submitted > 0 and other.draft == ask:
            yield Finding(code="duplicate", field="", value=other.id, rule="once")


def _acceptable(ask: Ask, around: Surroundings) -> dict[str, int]:
    """Return the positive speeds on offered pools."""
    return {
        pool: speed for pool, speed in ask.speeds.items() if speed > 0 and pool in around.supplies
    }


def _slots(ask: Ask, around: Surroundings) -> range:
    """Return the part of the window inside the call."""
    if ask.window is None:
        return range(0)
    return range(ask.window[0], min(ask.window[1], around.terms.calendar.slots))


def _fills_nodes(gang: int, node: int) -> bool:
    return gang % node == 0 if gang > node else node % gang == 0


_RULES: Final = (
    _completeness,
    _minimum,
    _window,
    _arithmetic,
    _supply,
    _pools,
    _gang,
    _block,
    _track,
    _after,
    _caps,
    _duplicates,
)
