"""What earlier rounds left owing, in the weights of a round; standard library only.

The rule is written here a second time, apart from the one that formulates rounds: a deficit fades
by half in each half-life, evenly in between, and raises or lowers a weight by its share of the
entitlement, at most by the cap.
"""

from dataclasses import replace
from typing import Final

from solver.checking.claims import MILLIONTHS, Carry, Policy
from solver.checking.reading import Past, Round

OLDEST: Final = 20
"""Half-lives after which nothing counts any more."""


def with_past(round_: Round, policy: Policy) -> Round:
    """Return a round with the weights that its policy makes of the past."""
    carry, groups, fellows = policy.carry, dict(round_.groups), dict(round_.fellows)
    if carry is None:
        return round_
    for name, group in groups.items() if carry.groups else ():
        own = [(past, past.groups[name]) for past in round_.past if name in past.groups]
        groups[name] = replace(group, weight=_weight(group.weight, own, carry))
    for name, fellow in fellows.items() if carry.fellows else ():
        own = [(past, past.fellows[name]) for past in round_.past if name in past.fellows]
        fellows[name] = replace(fellow, weight=_weight(fellow.weight, own, carry))
    return replace(round_, groups=groups, fellows=fellows)


def _weight(weight: int, own: list[tuple[Past, tuple[int, int]]], carry: Carry) -> int:
    """Return a weight with what is owed to its bearer, in thousandths."""
    counts = [_counts(past.age_days, carry.half_life_days) for past, _ in own]
    rights = sum(part * right for part, (_, (right, _)) in zip(counts, own, strict=True))
    got = sum(part * each for part, (_, (_, each)) in zip(counts, own, strict=True))
    rights, got = rights // MILLIONTHS, got // MILLIONTHS
    if rights <= 0:
        return weight
    share = (rights - got) * MILLIONTHS // rights
    share = min(max(share, -carry.cap), carry.cap)
    return max(weight * (MILLIONTHS + share) // MILLIONTHS, min(weight, 1))


def _counts(age_days: int, half_life_days: int) -> int:
    """Return how much of a deficit of an age is left, in millionths."""
    times, days = divmod(age_days, half_life_days)
    if times >= OLDEST:
        return 0
    return (MILLIONTHS >> times) * (2 * half_life_days - days) // (2 * half_life_days)
