"""The frozen question: one round as integer arrays."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from fractions import Fraction
from operator import mul
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
NarrowArray: TypeAlias = NDArray[np.int32]
"""Indices where there are tens of millions of them."""
BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]

MILLI = 1000
"""Thousandths: what amounts, speeds, charges, scores and weights are counted in."""
EXACT = 2.0**62
"""Sums of products below it are exact in 64 bits."""
NO_CAP = -1
NOBODY = -1
"""Stands in index arrays where there is no track, no institute, no predecessor."""


class Shape(IntEnum):
    """How a request may lie in its window."""

    FLEXIBLE = 0
    """Any gang-hours in any slot."""
    BLOCK = 1
    """The same GPUs of one pool over `block_slots` consecutive slots, start chosen."""
    CONSTANT = 2
    """The same GPUs in every slot of the window."""


class Unit(StrEnum):
    """What entitlements, floors, caps and group figures are counted in."""

    SERVICE_UNITS = "service_units"
    """Pool hours times the pool's charge."""
    REFERENCE_HOURS = "reference_hours"
    """Pool hours times the request's speed there."""


class Fairness(StrEnum):
    """By which rule the fluid round is divided into entitlements."""

    LEXIMIN = "leximin"
    """The least share per weight is raised first, then the next: groups, then their fellows."""
    NASH = "nash"
    """Groups bring their weights as money, fellows spend it: the product of shares is largest."""


class GroupWeight(StrEnum):
    """Entitlement of a group per unit of what."""

    WEIGHT = "weight"
    """The weight the round states."""
    DEMAND = "demand"
    """What its requests ask together."""
    FELLOWS = "fellows"
    """Its head count of fellows who ask."""


class FellowWeight(StrEnum):
    """Entitlement of a fellow inside the group per unit of what."""

    SCORE = "score"
    """The ask-weighted mean score of the fellow's requests."""
    EQUAL = "equal"
    """Everyone the same."""
    WEIGHT = "weight"
    """The weight the round states."""


class ValueOf(StrEnum):
    """What the value tier adds up."""

    HOURS = "hours"
    """Reference GPU-hours awarded."""
    PROJECTS = "projects"
    """Requests funded."""
    MIX = "mix"
    """Half the share of hours, half the share of projects."""


class Merit(StrEnum):
    """What multiplies each unit of value."""

    SCORE = "score"
    """The review score."""
    NONE = "none"
    """Nothing: everyone counts alike."""


class Method(StrEnum):
    """How requests are selected."""

    OPTIMIZE = "optimize"
    """By the tiers of the model, each with a proved bound."""
    RANK = "rank"
    """By score, each in full, until the supply ends."""
    PROPORTIONAL = "proportional"
    """Everyone cut by one factor, floored to whole gangs."""
    RAC = "rac"
    """Canada's scaling: score percentile times progressive size brackets."""
    LOTTERY = "lottery"
    """The best tier by score, the middle one by lot, the lowest not at all."""
    REALLOCATE = "reallocate"
    """What is held stays; who is next in line is funded in rank."""


class Cut(StrEnum):
    """Whether a reallocation may take what is held when the supply no longer carries it."""

    NEVER = "never"
    """Then there is no plan."""
    BY_RANK = "by_rank"
    """What finds no place is cut, the worst score first."""


class Tier(StrEnum):
    """A goal of the selection; earlier tiers are kept while later ones are improved."""

    GROUPS = "groups"
    """Least weighted shortfall of groups against their entitlement."""
    FELLOWS = "fellows"
    """Least merit-weighted shortfall of fellows against theirs."""
    VALUE = "value"
    """The policy's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lottery:
    """Where the bands of a lottery lie.

    Attributes:
        by_part: whether the edges are parts of a track's requests, in millionths, or scores.
        top: from which score, or for which part of the best scores, nothing is drawn.
        bottom: below which score, or for which part of the worst ones, nothing is given.
    """

    by_part: bool = False
    top: int = 0
    bottom: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What this year's policy asks of the solver.

    Attributes:
        lottery: bands of the method `LOTTERY`; of no meaning to others.
        tiers: goals in lexicographic order.
        weights: in the weighted form, thousandths that each of the tiers counts with in the one
            goal that they make together; empty in the lexicographic form.
        move_cost: weight of a moved GPU-hour in the timetable when there is a previous plan.
        keep_accepted: whether awards of the previous plan are never cut.
        cut: whether the method `REALLOCATE` may cut them all the same, when nodes are lost.
    """

    unit: Unit = Unit.SERVICE_UNITS
    fairness: Fairness = Fairness.LEXIMIN
    group_weight: GroupWeight = GroupWeight.WEIGHT
    fellow_weight: FellowWeight = FellowWeight.SCORE
    value_of: ValueOf = ValueOf.HOURS
    merit: Merit = Merit.SCORE
    method: Method = Method.OPTIMIZE
    lottery: Lottery = Lottery()
    tiers: tuple[Tier, ...] = (Tier.GROUPS, Tier.FELLOWS, Tier.VALUE)
    weights: tuple[int, ...] = ()
    keep_accepted: bool = True
    move_cost: int = 1
    cut: Cut = Cut.NEVER

    def __post_init__(self) -> None:
        if self.weights and (len(self.weights) != len(self.tiers) or min(self.weights) < 1):
            raise ValueError("Every tier needs a weight above 0.")

    @property
    def is_fair(self) -> bool:
        """Whether any goal measures against entitlements."""
        return Tier.GROUPS in self.tiers or Tier.FELLOWS in self.tiers

    def part(self, tier: Tier) -> Fraction:
        """Return the part of the weighted goal that a tier makes; the parts add up to 1."""
        weights = dict(zip(self.tiers, self.weights, strict=False))
        return Fraction(weights.get(tier, 0), max(sum(self.weights), 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One round as integer arrays; axes are r request, p pool, t slot, g group, f fellow.

    Requests, fellows, groups and pools come in an order that depends on their content alone,
    so that relabelling them relabels the plan. Amounts are thousandths unless said otherwise.

    Attributes:
        slot_hours: thousandths of an hour in a slot.
        supply: ``(p, t)`` thousandths of a GPU-hour.
        charge: ``(p,)`` thousandths of a service unit per GPU-hour.
        node_gpus: ``(p,)`` GPUs in a node.
        ask: ``(r,)`` thousandths of a reference GPU-hour.
        minimum: ``(r,)`` the same; an award is nothing or at least this.
        gang: ``(r,)`` GPUs used together; every cell is a multiple of it (GPU-hours).
        max_gpus: ``(r,)`` most GPUs at once, over all pools.
        first, end: ``(r,)`` window, half open, in slots.
        speed: ``(r, p)`` thousandths of a reference GPU-hour per GPU-hour; 0: not acceptable.
        shape: ``(r,)`` `Shape` codes; block_slots: ``(r,)`` length, 0 unless `BLOCK`.
        single_pool, guaranteed, pinned, vetoed: ``(r,)`` flags.
        score: ``(r,)`` thousandths of a point, 0 … 100 points.
        after: ``(r,)`` index of the predecessor or `NOBODY`.
        fellow: ``(r,)`` fellow index; track: ``(r,)`` track index or `NOBODY`.
        fellow_group: ``(f,)``; fellow_institute: ``(f,)`` index or `NOBODY`.
        fellow_weight: ``(f,)`` thousandths; fellow_cap: ``(f,)`` in the unit, or `NO_CAP`.
        group_weight, group_floor, group_cap: ``(g,)``.
        institute_floor, institute_cap: ``(i,)``; track_floor, track_cap: ``(k,)``.
        previous: ``(n, 4)`` request, pool, slot, whole GPU-hours of the plan to stay close to.
        line: ``(n,)`` requests of that plan's reserve list, the next one first.
        tickets: ``(r,)`` texts that requests are drawn by in a lottery, no two alike.
    """

    slot_hours: int
    supply: IntArray
    charge: IntArray
    node_gpus: IntArray
    ask: IntArray
    minimum: IntArray
    gang: IntArray
    max_gpus: IntArray
    first: IntArray
    end: IntArray
    speed: IntArray
    shape: IntArray
    block_slots: IntArray
    single_pool: BoolArray
    guaranteed: BoolArray
    pinned: BoolArray
    vetoed: BoolArray
    score: IntArray
    after: IntArray
    fellow: IntArray
    track: IntArray
    fellow_group: IntArray
    fellow_institute: IntArray
    fellow_weight: IntArray
    fellow_cap: IntArray
    group_weight: IntArray
    group_floor: IntArray
    group_cap: IntArray
    institute_floor: IntArray
    institute_cap: IntArray
    track_floor: IntArray
    track_cap: IntArray
    previous: IntArray
    rules: Rules
    tickets: tuple[str, ...] = ()
    line: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        requests, pools = self.speed.shape
        if self.supply.shape[0] != pools or self.ask.shape != (requests,):
            raise ValueError("The axes of the problem disagree.")
        if not ((self.minimum >= 0) & (self.minimum <= self.ask)).all():
            raise ValueError("A minimum lies outside 0 … ask.")
        if not ((self.first >= 0) & (self.first < self.end) & (self.end <= self.slots)).all():
            raise ValueError("A window lies outside the calendar.")

    @property
    def requests(self) -> int:
        """Number of requests."""
        return int(self.ask.shape[0])

    @property
    def pools(self) -> int:
        """Number of pools."""
        return int(self.supply.shape[0])

    @property
    def slots(self) -> int:
        """Number of slots."""
        return int(self.supply.shape[1])

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.group_weight.shape[0])

    @property
    def fellows(self) -> int:
        """Number of fellows."""
        return int(self.fellow_group.shape[0])

    @property
    def group(self) -> IntArray:
        """``(r,)`` group index of each request."""
        return self.fellow_group[self.fellow]

    @property
    def factor(self) -> IntArray:
        """``(r, p)`` thousandths of the unit per GPU-hour; 0 where the pool is not acceptable."""
        if self.rules.unit is Unit.REFERENCE_HOURS:
            return self.speed
        return np.where(self.speed > 0, self.charge[None, :], 0)

    @property
    def eligible(self) -> BoolArray:
        """``(r,)`` requests that may be funded at all."""
        return ~self.vetoed

    @property
    def must_fund(self) -> BoolArray:
        """``(r,)`` requests that every plan has to fund at their minimum or more."""
        return (self.guaranteed | self.pinned) & ~self.vetoed


def dot(one: IntArray, other: IntArray) -> int:
    """Return Σ one · other of non-negative integers, exactly."""
    if float(one.max(initial=0)) * float(other.sum(dtype=np.float64)) < EXACT:
        return int(one @ other)
    return sum(map(mul, one.tolist(), other.tolist()))


def as_int(values: Any) -> IntArray:  # noqa: ANN401 - whatever numpy accepts
    """Return the values as a read-only array of 64-bit integers."""
    array = np.array(values, dtype=np.int64)
    array.setflags(write=False)
    return array
