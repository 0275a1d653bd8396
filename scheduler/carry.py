"""What earlier rounds left owing, carried into the weights of a round, as far as its policy says.

A deficit is what a group or fellow was entitled to and did not get, in the unit of that round's
policy; below nothing for who got more. It fades by half in each half-life, evenly in between, so
that whole numbers decide.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from scheduler.policy import PARTS, Carry, Policy
from scheduler.snapshot import PastRound, RoundFellow, RoundGroup, Snapshot

MOST_HALVINGS: Final = 20
"""A millionth is nothing after so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What somebody was entitled to and got over past rounds, faded, in thousandths."""

    entitlement: int
    awarded: int

    @property
    def deficit(self) -> int:
        """What is owed; below nothing for who got more."""
        return self.entitlement - self.awarded


def faded(age_days: int, half_life_days: int) -> int:
    """Return how much of what is so old still counts, in millionths."""
    halvings, rest = divmod(age_days, half_life_days)
    if halvings >= MOST_HALVINGS:
        return 0
    return (PARTS >> halvings) * (2 * half_life_days - rest) // (2 * half_life_days)


def backlogs(
    past: Sequence[PastRound],
    whose: Callable[[PastRound], Mapping[str, tuple[int, int]]],
    half_life_days: int,
) -> dict[str, Backlog]:
    """Return the cumulative backlog of everybody in past rounds, by id."""
    entitled: Counter[str] = Counter()
    awarded: Counter[str] = Counter()
    for round_ in past:
        part = faded(round_.age_days, half_life_days)
        for name, (right, got) in whose(round_).items():
            entitled[name] += right * part
            awarded[name] += got * part
    return {
        name: Backlog(entitlement=entitled[name] // PARTS, awarded=awarded[name] // PARTS)
        for name in sorted(entitled)
    }


def factor(backlog: Backlog | None, cap: int) -> int:
    """Return what a weight is multiplied by, in millionths: one and the share that is owed.

    Args:
        backlog: of who bears the weight; nothing without a past.
        cap: most that the factor differs from one, in millionths.
    """
    if backlog is None or backlog.entitlement <= 0:
        return PARTS
    share = backlog.deficit * PARTS // backlog.entitlement
    return PARTS + max(-cap, min(share, cap))


def carried(snapshot: Snapshot, policy: Policy) -> Snapshot:
    """Return a round whose weights bear what earlier rounds left owing."""
    carry = policy.carry
    if carry is None:
        return snapshot
    groups = backlogs(snapshot.past, lambda each: each.groups, carry.half_life_days)
    fellows = backlogs(snapshot.past, lambda each: each.fellows, carry.half_life_days)
    return replace(
        snapshot,
        groups=tuple(_group(each, groups, carry) for each in snapshot.groups),
        fellows=tuple(_fellow(each, fellows, carry) for each in snapshot.fellows),
    )


def _group(group: RoundGroup, found: Mapping[str, Backlog], carry: Carry) -> RoundGroup:
    if not carry.groups:
        return group
    return replace(group, weight=_times(group.weight, factor(found.get(group.id), carry.cap)))


def _fellow(fellow: RoundFellow, found: Mapping[str, Backlog], carry: Carry) -> RoundFellow:
    if not carry.fellows:
        return fellow
    return replace(fellow, weight=_times(fellow.weight, factor(found.get(fellow.id), carry.cap)))


def _times(weight: int, millionths: int) -> int:
    return max(weight * millionths // PARTS, min(weight, 1))
