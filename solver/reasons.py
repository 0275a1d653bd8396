"""Reasons as data: what became of a request, and the rules that decided, with their numbers."""

from dataclasses import dataclass
from enum import StrEnum

NO_ENTITLEMENT = -1
"""Stands where the policy has no entitlements."""


class Outcome(StrEnum):
    """What became of a request."""

    FUNDED = "funded"
    """It has an award."""
    RESERVE = "reserve"
    """It is next in line."""
    DECLINED = "declined"
    """It is neither funded nor next in line."""


class Why(StrEnum):
    """What decided an award; each reason comes with its numbers."""

    ASK_REACHED = "ask_reached"
    """All that was asked is awarded."""
    VETOED = "vetoed"
    """The operator vetoed it."""
    NEVER_FITS = "never_fits"
    """Even alone in the round it cannot reach its minimum."""
    PREDECESSOR = "predecessor_not_funded"
    """The request it comes after is not funded."""
    FELLOW_CAP = "fellow_cap"
    """The fellow's cap leaves less than the next step needs."""
    GROUP_CAP = "group_cap"
    """The group's cap does."""
    INSTITUTE_CAP = "institute_cap"
    """The institute's cap does."""
    TRACK_CAP = "track_cap"
    """The track's cap does."""
    OWN_LIMIT = "own_limit"
    """Even alone in the round its window, GPUs and shape bring no more."""
    SUPPLY_FULL = "supply_full"
    """The supply of its pools in its window is used by others."""
    SINGLE_POOL = "single_pool"
    """It wants one pool, and only others have hours left."""
    WHOLE_SHAPE = "whole_shape"
    """The next larger block or constant shape does not fit."""
    MINIMUM_ABOVE_REST = "minimum_above_rest"
    """What is left in its window is less than its minimum."""
    BEYOND_RESERVE = "beyond_reserve"
    """The reserve list ends before it."""
    HELD = "held"
    """It keeps what it holds, in mid-round."""
    CUT = "cut"
    """The supply no longer carries all that it held, and a rule lets it be cut."""
    PASSED_OVER = "passed_over"
    """When its turn in line came, too little was left beside those before it."""
    OUTRANKED = "outranked"
    """Requests with a higher score took the hours it could use."""
    LOWEST_BAND = "lowest_band"
    """Its score is in the band that is not funded."""
    DRAWN_LATE = "drawn_late"
    """The draw gave it a place at which its pools were taken."""
    FELLOW_SHARE = "fellow_has_entitlement"
    """The fellow has the entitlement already; more would have come from others."""
    GROUP_SHARE = "group_has_entitlement"
    """The group has its entitlement already; more would have come from other groups."""
    MINIMUM_ABOVE_SHARE = "minimum_above_entitlement"
    """Its minimum is more than the fellow's entitlement."""
    GOALS_FIRST = "goals_first"
    """There is room for it, but the goals of the policy are served better without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason: a code and its figures.

    Attributes:
        numbers: by name: thousandths of hours, units or points; names ending in ``count`` or
            ``slot`` are plain.
        pools, requests: indices that the reason names.
    """

    why: Why
    numbers: tuple[tuple[str, int], ...] = ()
    pools: tuple[int, ...] = ()
    requests: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a request got what it got; amounts in thousandths.

    Attributes:
        asked, minimum, awarded: reference GPU-hours; service_units: what the award costs.
        eligible: whether it could be funded at all.
        fellow, group: indices; their entitlement and what they receive in the policy's unit,
            entitlements -1 where the policy has none.
        rank: place on the reserve list from 1, or 0 when it does not wait.
        reasons: the most telling first, at least one.
    """

    request: int
    outcome: Outcome
    eligible: bool
    asked: int
    minimum: int
    awarded: int
    service_units: int
    score: int
    fellow: int
    fellow_entitlement: int
    fellow_received: int
    group: int
    group_entitlement: int
    group_received: int
    rank: int
    reasons: tuple[Reason, ...]
