"""The answer: cells, stages, entitlements; honest about what was proved."""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

import numpy as np

from solver.problem import MILLI, IntArray, Problem


class SolveStatus(StrEnum):
    """What a solve can say of its answer."""

    OPTIMAL = "optimal"
    """Every tier is proved within the asked gap."""
    FEASIBLE = "feasible"
    """A valid plan; some tier's gap is larger than asked."""
    INFEASIBLE = "infeasible"
    """No plan keeps every rule; the conflicts say why."""
    UNKNOWN = "unknown"
    """The limit came before any plan."""


class Limit(StrEnum):
    """What ended a stage."""

    NONE = "none"
    """It ran to its proof."""
    TIME = "time"
    """The time limit."""
    WORK = "work"
    """The work limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What one stage or tier reached.

    Attributes:
        objective: value of the final whole-gang-hour plan in this tier's own unit.
        bound: what no plan can beat, given the tiers before it.
        gap: ``|bound − objective| / max(|bound|, |objective|, scale)``; 0.0 when proved.
        work: deterministic count (flows, linear programs, branch-and-bound nodes).
        evidence: ``dual`` when the checker can re-prove the bound from the certificate,
            ``arithmetic`` when the bound is plain arithmetic (such as shortfall ≥ 0),
            ``solver`` when it is the word of a branch-and-bound code, ``none`` when the stage
            has no goal of its own.
    """

    name: str
    status: SolveStatus
    objective: float
    bound: float
    gap: float
    limit: Limit = Limit.NONE
    work: int = 0
    evidence: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of a leximin: who was frozen there and the prices that prove it.

    The proof is weak duality. With prices ``pool_price[p, t] ≥ 0`` on supply and a multiplier per
    agent, no division of the fluid round can lift every agent of `agents` above `value` per unit
    of weight while agents frozen earlier keep their amounts.

    Attributes:
        stage: ``groups`` or ``fellows``.
        parent: the group, where all agents are fellows of one, else `NOBODY`.
        value: amount of the unit (thousandths) per thousandth of weight.
        agents: indices frozen at this level.
        saturated: those of them that are held by their own demand or cap, not by scarcity.
        pool_slots: (pool, slot, price) rows with a positive price, units per GPU-hour.
        multipliers: (``group`` | ``fellow`` | ``institute`` | ``track``, index, multiplier) rows:
            positive on what is held at least, negative on what is held at most.
    """

    stage: str
    parent: int
    value: Fraction
    agents: tuple[int, ...]
    saturated: tuple[int, ...] = ()
    pool_slots: tuple[tuple[int, int, Fraction], ...] = ()
    multipliers: tuple[tuple[str, int, Fraction], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entitlement:
    """What each group and fellow holds by right in the fluid round.

    Attributes:
        groups: ``(g,)`` thousandths of the unit; fellows: ``(f,)`` the same.
        fluid: ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour: a division of the fluid
            round that gives these amounts (empty when the policy has no fairness tier).
        levels: what proves them; of a market one, with its prices and with what a unit more is
            worth to each fellow, in parts of all money.
        proportional: geometric mean weighted by money, and what no division's exceeds; None
            unless the rule is that of a market.
    """

    groups: IntArray
    fellows: IntArray
    fluid: IntArray
    levels: tuple[Level, ...] = ()
    work: int = 0
    proportional: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A smallest set of rules that cannot hold together, found before or during a solve.

    Attributes:
        code: which rule is broken, e.g. ``guarantee_beyond_supply``.
        requests, groups, tracks, pools, fellows, institutes: indices the conflict is about.
        numbers: the figures of the conflict by name, in thousandths unless the name says other.
    """

    code: str
    requests: tuple[int, ...] = ()
    fellows: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    institutes: tuple[int, ...] = ()
    tracks: tuple[int, ...] = ()
    pools: tuple[int, ...] = ()
    numbers: tuple[tuple[str, int], ...] = ()

    @property
    def named(self) -> dict[str, tuple[int, ...]]:
        """Whom it is about, by kind: requests and those who have floors or caps."""
        return {
            "request": self.requests,
            "fellow": self.fellows,
            "group": self.groups,
            "institute": self.institutes,
            "track": self.tracks,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What a solve proposes.

    Attributes:
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours on the pool; sorted, positive.
        reserve: requests next in line, best first.
        prices: ``(p, t)`` value of one more GPU-hour there in units of the value tier (floats
            guide explanations; they never decide an award).
        value_dual: (pool, slot, price) rows and per-row multipliers that prove the value bound.
    """

    status: SolveStatus
    cells: IntArray
    stages: tuple[Stage, ...] = ()
    reserve: tuple[int, ...] = ()
    entitlement: Entitlement | None = None
    conflicts: tuple[Conflict, ...] = ()
    value_dual: "ValueDual | None" = None
    seed: int = 0
    versions: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDual:
    """Multipliers that bound the value tier by weak duality.

    For a plan that gives every group g at least ``group_least[g]`` of the unit, the value is at
    most Σ price·supply − Σ group_price·group_least + Σ_r max(0, best profit of r at these prices).
    Fellows are priced alike, but may lack: when the plan's weighted shortfall of fellows is at
    most `shortfall`, that price times the shortfall is added.

    Attributes:
        pool_slots: (pool, slot, price ≥ 0) in value per thousandth of a GPU-hour.
        groups: (group, multiplier ≥ 0, least amount in thousandths of the unit).
        fellows: (fellow, multiplier ≥ 0 and at most weight × shortfall price, entitlement).
        covers: (request, multiplier ≥ 0) what a unit of the request is worth to its fellow, where
            the rest of the fellow's multiplier counts on all that is due.
        shortfall: price of a thousandth of the unit of weighted shortfall, and the most of it.
        bound: about the bound they give; the checker works out the exact one.
    """

    pool_slots: tuple[tuple[int, int, Fraction], ...]
    groups: tuple[tuple[int, Fraction, int], ...]
    bound: Fraction
    fellows: tuple[tuple[int, Fraction, int], ...] = ()
    covers: tuple[tuple[int, Fraction], ...] = ()
    shortfall: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))


def awarded_reference(problem: Problem, cells: IntArray) -> IntArray:
    """Return ``(r,)`` thousandths of reference GPU-hours awarded: min(total of cells, ask)."""
    hours = cells[:, 3] * problem.speed[cells[:, 0], cells[:, 1]]
    total = np.bincount(cells[:, 0], weights=hours, minlength=problem.requests)
    return np.minimum(total.astype(np.int64), problem.ask)


def charged_service_units(problem: Problem, cells: IntArray) -> IntArray:
    """Return ``(r,)`` thousandths of service units that the cells cost."""
    units = cells[:, 3] * problem.charge[cells[:, 1]]
    return np.bincount(cells[:, 0], weights=units, minlength=problem.requests).astype(np.int64)


def received(problem: Problem, cells: IntArray) -> IntArray:
    """Return ``(r,)`` thousandths of the policy's unit that each request receives."""
    if problem.rules.unit == "reference_hours":
        return awarded_reference(problem, cells)
    return charged_service_units(problem, cells)


def per_group(problem: Problem, amounts: IntArray) -> IntArray:
    """Return ``(g,)`` sums of per-request amounts."""
    sums = np.bincount(problem.group, weights=amounts, minlength=problem.groups)
    return sums.astype(np.int64)


def per_fellow(problem: Problem, amounts: IntArray) -> IntArray:
    """Return ``(f,)`` sums of per-request amounts."""
    sums = np.bincount(problem.fellow, weights=amounts, minlength=problem.fellows)
    return sums.astype(np.int64)


NO_CELLS = np.zeros((0, 4), dtype=np.int64)
UNIT_SCALE = MILLI
