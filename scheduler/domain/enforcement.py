"""Enforcement: what a cluster is told to allow, who is told, and what was found otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, cast

from scheduler.domain.errors import InvalidValue
from scheduler.domain.events import Document, Happening
from scheduler.domain.names import line, slug

SCHEMA: Final = "dure-enforcement/1"
MOST_DRIFTS: Final = 500
"""Differences of one cluster that are kept; their number always is."""


class Form(StrEnum):
    """How a Slurm cluster is told."""

    ASSOCIATIONS = "associations"
    """One total for each fellow, on the fellow's association."""
    QOS = "qos"
    """One QOS for each award, that jobs name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster that enforces, as its agent last reported it.

    Attributes:
        id: name of the cluster, as its accounting calls it.
        gpu_types: its GPU types, by the center's name → the cluster's; nothing for untyped.
        automatic: whether its agent applies plans at once; otherwise it only reports what
            differs, until somebody asks for a sync.
        asked: position in the log of the last sync that was asked for; 0 for none.
        applied: position in the log up to which everything is enforced there.
        plan: digest of the plan that was applied last.
        drift: associations and QOS found otherwise than the plan that was applied before.
        left: differences that the last report left standing.
    """

    id: str
    form: Form
    gpu_types: Mapping[str, str]
    automatic: bool = True
    asked: int = 0
    applied: int = 0
    plan: str | None = None
    reported_at: datetime | None = None
    drift: int = 0
    left: int = 0
    version: int = 1

    def __post_init__(self) -> None:
        slug(self.id, field="/id")
        if not self.gpu_types:
            raise InvalidValue(field="/gpu_types", value="{}", rule="one or more")
        for name, word in self.gpu_types.items():
            line(name, field="/gpu_types", longest=64)
            if word:
                slug(word, field="/gpu_types")
        if len(self.gpu_types) > 1 and len(set(self.gpu_types.values()) - {""}) < len(
            self.gpu_types
        ):
            raise InvalidValue(
                field="/gpu_types", value=list(self.gpu_types.values()), rule="a word for each"
            )

    def ask(self, event: int) -> "Target":
        """Ask for a sync: whatever differs is applied at the agent's next look."""
        return replace(self, asked=event, version=self.version + 1)

    def report(self, said: "Report", at: datetime) -> tuple["Target", Happening]:
        """Keep what its agent found and did; a report that comes late takes nothing back."""
        reported = replace(
            self,
            applied=max(self.applied, said.through) if said.applied else self.applied,
            plan=said.plan if said.applied else self.plan,
            reported_at=at,
            drift=said.found,
            left=said.left,
            version=self.version + 1,
        )
        body: Document = {"plan": said.plan, "commands": said.commands, "drift": said.found}
        told = Happening(kind="enforcement.reported", subject=self.id, body=body)
        return reported, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing on a cluster that is not as it was told.

    Attributes:
        id: cluster and name.
        name: what differs, such as an association; expected, found: as the cluster writes it.
    """

    id: str
    target: str
    name: str
    expected: str
    found: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an agent saw otherwise than it had applied."""

    name: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an agent found on its cluster and did there.

    Attributes:
        plan: digest of the plan; through: position in the log that the plan knew.
        applied: whether the cluster is as the plan says now.
        commands: how many were run; found: how many things had drifted; left: how many still
            differ.
        differences: the first of what had drifted.
    """

    plan: str
    through: int
    applied: bool
    commands: int
    found: int
    left: int
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An award whose limit changed: every cluster must hear of it.

    Attributes:
        event: position in the log of what changed it.
    """

    event: int
    award: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAward:
    """What is left of an award, and what the cluster itself has counted under its name.

    Attributes:
        usable: whether its state allows use.
        left, counted: GPU-seconds by GPU type; less than nothing is left of what was overspent.
        gpus: most GPUs at once, if stated.
    """

    award: str
    usable: bool
    gpus: int | None
    left: Mapping[str, int]
    counted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPerson:
    """A fellow's awards, and what the cluster itself has counted of the fellow's jobs.

    Attributes:
        counted: GPU-seconds by GPU type, under any award or none, as its accounting told.
    """

    person: str
    group: str | None
    institute: str | None
    counted: Mapping[str, int]
    awards: tuple[PlannedAward, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedReservation:
    """GPUs kept free for an award whose request has the shape of a block or is constant.

    Attributes:
        name: of the award, and which of its reservations; pool: also names the partition.
        nodes: whole nodes that hold the GPUs.
    """

    name: str
    person: str
    pool: str
    gpu_type: str
    gpus: int
    nodes: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementPlan:
    """What one cluster is to allow: everything, not only what changed."""

    target: str
    form: Form
    gpu_types: Mapping[str, str]
    people: tuple[PlannedPerson, ...]
    reservations: tuple[PlannedReservation, ...] = ()

    def document(self) -> Document:
        """Return the plan as JSON, in an order that depends on nothing else."""
        return {
            "schema": SCHEMA,
            "target": self.target,
            "form": str(self.form),
            "gpu_types": dict(self.gpu_types),
            "people": [_person(each) for each in self.people],
            "reservations": [_reservation(each) for each in self.reservations],
        }


def _person(person: PlannedPerson) -> Document:
    return {
        "person": person.person,
        "group": person.group,
        "institute": person.institute,
        "counted": dict(person.counted),
        "awards": [
            {
                "award": each.award,
                "usable": each.usable,
                "gpus": each.gpus,
                "left": dict(each.left),
                "counted": dict(each.counted),
            }
            for each in person.awards
        ],
    }


def _reservation(each: PlannedReservation) -> Document:
    return {
        "name": each.name,
        "person": each.person,
        "pool": each.pool,
        "gpu_type": each.gpu_type,
        "gpus": each.gpus,
        "nodes": each.nodes,
        "starts_at": each.starts_at.isoformat(),
        "ends_at": each.ends_at.isoformat(),
    }


def read_plan(document: Mapping[str, object]) -> EnforcementPlan:
    """Return the plan that a document holds.

    Raises:
        InvalidValue: If it is no such document.
    """
    if document.get("schema") != SCHEMA:
        raise InvalidValue(field="/schema", value=document.get("schema"), rule=SCHEMA)
    try:
        people = cast("list[dict[str, object]]", document["people"])
        kept = cast("list[dict[str, object]]", document["reservations"])
        return EnforcementPlan(
            target=str(document["target"]),
            form=Form(str(document["form"])),
            gpu_types=cast("dict[str, str]", document["gpu_types"]),
            people=tuple(_read_person(each) for each in people),
            reservations=tuple(_read_reservation(each) for each in kept),
        )
    except (KeyError, TypeError, ValueError) as broken:
        raise InvalidValue(field="/people", value=repr(broken), rule=SCHEMA) from broken


def _read_person(each: Mapping[str, object]) -> PlannedPerson:
    awards = cast("list[dict[str, object]]", each["awards"])
    return PlannedPerson(
        person=str(each["person"]),
        group=cast("str | None", each["group"]),
        institute=cast("str | None", each["institute"]),
        counted=cast("dict[str, int]", each["counted"]),
        awards=tuple(PlannedAward(**award) for award in awards),  # type: ignore[arg-type]  # JSON
    )


def _read_reservation(each: Mapping[str, object]) -> PlannedReservation:
    instants = {name: datetime.fromisoformat(str(each[name])) for name in ("starts_at", "ends_at")}
    return PlannedReservation(**{**each, **instants})  # type: ignore[arg-type]  # JSON
