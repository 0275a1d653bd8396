"""Sheets: what other systems and people are told of one award."""

from dataclasses import dataclass
from datetime import datetime

from scheduler.domain.awards import Award
from scheduler.domain.directory import Person
from scheduler.domain.limits import AwardLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One award with what it was asked for, by whom, and what is left of it.

    Attributes:
        group, institute: where the fellow belongs now.
        title, abstract: of what was submitted.
        call, call_title: where it was asked.
        digest: of the published scenario.
        window: from when until when its cells lie, if the calendar has a first day.
        limits: by GPU type; none while it is only offered.
    """

    award: Award
    person: Person
    group: str | None
    institute: str | None
    title: str
    abstract: str
    call: str
    call_title: str
    digest: str
    window: tuple[datetime, datetime] | None
    limits: tuple[AwardLimit, ...]
