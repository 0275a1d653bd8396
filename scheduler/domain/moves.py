"""People move: to another group, into a startup, away; and what becomes of their awards then."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from scheduler.domain.errors import InvalidValue
from scheduler.domain.names import reason as stated_reason


class MoveRule(StrEnum):
    """What becomes of the awards of somebody who moves; named with each move."""

    CARRY = "carry"
    """They go along, and count for the new group from then on."""
    HAND_OVER = "hand_over"
    """They stay in the group: another fellow of it holds them."""
    GIVE_BACK = "give_back"
    """What is not used goes back to the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a person belongs, and in which track their awards count."""

    group: str | None
    institute: str | None
    track: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonMove:
    """One move of a person; never changed.

    Attributes:
        before, after: where they belonged until then, and belong from then on.
        heir: who holds the awards that are handed over.
        event: position in the log of what tells of it.
    """

    id: str
    person: str
    before: Place
    after: Place
    rule: MoveRule
    heir: str | None
    reason: str
    by: str
    at: datetime
    event: int

    def __post_init__(self) -> None:
        stated_reason(self.reason)
        if self.rule is MoveRule.CARRY and self.after.group is None:
            rule = "hand_over or give_back, for who leaves carries nothing"
            raise InvalidValue(field="/rule", value=self.rule, rule=rule)
        if (self.rule is MoveRule.HAND_OVER) != (self.heir is not None):
            raise InvalidValue(field="/heir", value=self.heir, rule="for hand_over alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Who holds an award, and for whom its use counts, from an instant on."""

    since: datetime
    fellow: str
    group: str
    track: str | None


def stays(first: Stay, moves_of: Callable[[str], Iterable[PersonMove]]) -> tuple[Stay, ...]:
    """Follow an award from its grant on; what was before a move stays as it was.

    Args:
        first: whose it was when it was offered, of which group and track.
        moves_of: moves of a person, oldest first.
    """
    found, seen = [first], -1
    while True:
        last = found[-1]
        move = next(
            (
                each
                for each in moves_of(last.fellow)
                if each.event > seen
                and each.at >= first.since
                and each.rule is not MoveRule.GIVE_BACK
            ),
            None,
        )
        if move is None:
            return tuple(found)
        seen = move.event
        if move.rule is MoveRule.HAND_OVER:
            found.append(replace(last, since=move.at, fellow=str(move.heir)))
        else:
            track = last.track if move.after.track is None else move.after.track
            group = str(move.after.group)
            found.append(replace(last, since=move.at, group=group, track=track))
