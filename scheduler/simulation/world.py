"""Who acts in a simulated center, under ids that count, and what is drawn of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from typing import Any, Final, TypeAlias

from scheduler.document import Document
from scheduler.domain.access import EVERYTHING, Permit, Scope
from scheduler.domain.reclaim import ReclaimRule
from scheduler.operations.evidence import Verify
from scheduler.ports.acts import Act
from scheduler.simulation.habits import Habits

ADMIN: Final = "sim-admin"
OPERATOR: Final = "sim-operator"
SECOND_OPERATOR: Final = "sim-operator-2"
APPROVER: Final = "sim-approver"
COLLECTOR: Final = "sim-collector"
STAFF: Final = (ADMIN, OPERATOR, SECOND_OPERATOR, APPROVER, COLLECTOR)
FIRST_DAY: Final = date(2027, 1, 4)
"""A Monday; the first round of the first year begins."""

Solve: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Answers a solving task: `plan` and `certificate` as texts, `explanations`, `seconds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What an operator chooses between: a policy, and a reclaim rule or none."""

    policy: str
    content: Document
    reclaim: ReclaimRule | None

    @property
    def reclaim_name(self) -> str:
        """The rule's name; `none` without one."""
        return "none" if self.reclaim is None else self.reclaim.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is simulated; the same for every course.

    Attributes:
        model: a `dure-round/1` document whose requests are asked, round by round.
        fellows: how many ask, resampled; nothing: the model's own, as they stand there.
        years: how long; as many rounds a year as the model's calendar allows.
        habits: how fellows use their awards.
        decline_percent: offers that are turned down.
        dropout_percent: fellows who leave within a round.
        failure_percent: chance that a pool loses nodes in a week.
        work: limit of the solver's work, which repeats exactly.
    """

    model: Document
    fellows: int | None
    years: int
    seed: int
    habits: Habits = field(default_factory=Habits)
    decline_percent: int = 3
    dropout_percent: int = 6
    failure_percent: int = 10
    gap: float = 0.001
    work: int | None = None


@dataclass(slots=True)
class CountedIds:
    """Ids that count up: they sort by the order of making, and repeat exactly."""

    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def new(self, prefix: str, now: datetime) -> str:
        """Return ``prefix_`` and 26 digits."""
        del now
        return f"{prefix}_{next(self._numbers):026d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What every step of a simulated year shares.

    Attributes:
        solve: answers a solving task.
        verify: says what the checker finds.
    """

    options: Options
    course: Course
    solve: Solve
    verify: Verify
    verifier: str
    ids: CountedIds = field(default_factory=CountedIds)

    def act(self, person: str, now: datetime) -> Act:
        """Return one of the center's people acting."""
        permit = Permit(action="simulation", person=person, scope=EVERYTHING)
        return Act(permit=permit, now=now, ids=self.ids)

    def as_fellow(self, person: str, now: datetime) -> Act:
        """Return a fellow acting on what is their own."""
        permit = Permit(action="simulation", person=person, scope=Scope(own=person))
        return Act(permit=permit, now=now, ids=self.ids)


def courses(
    policies: Sequence[tuple[str, Document]], rules: Sequence[ReclaimRule | None]
) -> tuple[Course, ...]:
    """Return every policy under every reclaim rule."""
    return tuple(
        Course(policy=name, content=content, reclaim=rule)
        for name, content in policies
        for rule in rules
    )
