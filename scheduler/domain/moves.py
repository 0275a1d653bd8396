"""People move: to another group, into a startup, away; and what becomes of their awards then."""

from collections.abc import Iterable
from dataclasses import dataclass
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


def place_at(now: Place, moves: Iterable[PersonMove], at: datetime) -> Place:
    """Return where a person belonged at an instant, so that old statements say the old group.

    Args:
        now: where they belong today.
        moves: all moves of the person.
        at: the instant.
    """
    later = [move for move in moves if move.at > at]
    return min(later, key=lambda move: (move.at, move.event)).before if later else now
