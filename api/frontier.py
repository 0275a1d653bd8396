"""A front of fairness against value: the most value while no group falls below a level."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from api.solving import Question, Solution, answer, written
from scheduler.document import Document, parse_document
from scheduler.export.board import (
    Cast,
    Scenario,
    Yardstick,
    front,
    scenario_of,
    value_of,
    worst_group_share,
)
from scheduler.formulate import formulate
from scheduler.policy import Policy, read_policy
from scheduler.round_file import read_round
from scheduler.snapshot import Snapshot
from solver.problem import MILLI
from solver.spread import Crew, spread
from solver.verify import verify

VALUE_ALONE: Document = {
    "value": {"of": "hours", "merit": "score"},
    "select": {"method": "optimize", "tiers": ["value"]},
}
"""What a point of the front wants: score × hours, and nothing else beyond its floors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One scenario of the front.

    Attributes:
        level: the part of its entitlement that each group is held to; nothing for the policy
            itself, whose tiers are the upper end.
        share: the smallest part of its entitlement that a group receives.
        value, bound: score × reference GPU-hours, and what no plan at this level exceeds.
        verified: whether the checker found every rule kept, floors and value bound included.
    """

    level: float | None
    status: str
    share: float | None = None
    value: float | None = None
    bound: float | None = None
    gap: float | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The round on which a front is drawn.

    Attributes:
        policy: whose entitlements and other rules the points keep.
        like: seed, gap and limits of each solve.
    """

    snapshot: Snapshot
    policy: Policy
    yardstick: Yardstick
    cast: Cast
    like: Question

    def held_to(self, level: Fraction) -> Question:
        """Return the question for the most value while each group has a part of its entitlement.

        The part becomes a floor of the round, so that solver and checker need no new rule.
        """
        document = dict(self.snapshot.document)
        document["groups"] = [self._floored(each, level) for each in document["groups"]]
        kept = {name: part for name, part in self.policy.document.items() if name != "lottery"}
        policy = read_policy({**kept, **VALUE_ALONE, "name": f"{self.policy.name}-front"})
        return replace(self.like, formulation=formulate(read_round(document), policy))

    def _floored(self, group: Document, level: Fraction) -> Document:
        """Return a group with a floor of at least a part of its entitlement."""
        right = Fraction(Decimal(str(self.yardstick.groups.get(group["id"], 0))))
        floor = Decimal(int(right * level * MILLI)) / MILLI
        return {**group, "floor_gpu_hours": max(floor, group.get("floor_gpu_hours", Decimal(0)))}

    def point(self, level: Fraction, solved: "Solved") -> Point:
        """Return a solved level as a point."""
        if not solved.is_plan:
            return Point(level=float(level), status=solved.document["status"])
        scenario = scenario_of(self.policy.name, solved.document, None)
        bound = next(each["bound"] for each in scenario.stages if each["name"] == "value")
        return Point(
            level=float(level),
            status=scenario.status,
            share=worst_group_share(scenario, self.yardstick, self.cast),
            value=value_of(scenario, self.cast),
            bound=float(bound),
            gap=scenario.gap,
            verified=solved.verified,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """A plan and whether the checker found every rule kept."""

    document: Document
    is_plan: bool
    verified: bool


def solve_and_check(question: Question) -> Solved:
    """Answer a question and let the checker look at what came out."""
    solution = answer(question, lambda _: None)
    return Solved(
        document=solution.document, is_plan=solution.is_plan, verified=is_verified(solution)
    )


def is_verified(solution: Solution) -> bool:
    """Say whether the checker, on what would be written, finds every rule kept."""
    read = [parse_document(written(each)) for each in (solution.document, solution.certificate)]
    return verify(solution.formulation.snapshot.document, *read).holds


def frontier(field: Field, top: tuple[Scenario, bool], count: int, crew: Crew) -> list[Point]:
    """Return points of the front, each a solved and checked scenario, the least fair first.

    The ends are the most value whoever gets it, and the policy itself; the levels between them
    are spaced evenly in the worst group's share.

    Args:
        field: the round.
        top: the policy's own scenario, and whether it was verified.
        count: how many points, 2 or more.
        crew: who solves them.
    """
    lowest = solve_and_check(field.held_to(Fraction(0)))  # one task: no worker has to start
    points = [field.point(Fraction(0), lowest)]
    scenario, verified = top
    end = Point(
        level=None,
        status=scenario.status,
        share=worst_group_share(scenario, field.yardstick, field.cast),
        value=value_of(scenario, field.cast),
        gap=scenario.gap,
        verified=verified,
    )
    levels = _between(points[0].share, end.share, count)
    solved = spread(solve_and_check, [field.held_to(each) for each in levels], crew)
    points += [field.point(level, each) for level, each in zip(levels, solved, strict=True)]
    return [*points, end]


def _between(low: float | None, high: float | None, count: int) -> list[Fraction]:
    """Return the levels between two ends."""
    if low is None or high is None or high <= low:
        return []
    first, width = Fraction(low), Fraction(high) - Fraction(low)
    return [first + width * step / (count - 1) for step in range(1, count - 1)]


def frontier_document(points: Sequence[Point]) -> list[Document]:
    """Return the points as JSON; `on_front` says that none is at least as good in both."""
    placed = {
        str(at): (each.share, each.value)
        for at, each in enumerate(points)
        if each.share is not None and each.value is not None
    }
    best = set(front(placed))
    return [
        {
            "level": each.level,
            "status": each.status,
            "worst_group_share": each.share,
            "value": each.value,
            "bound": each.bound,
            "gap": each.gap,
            "verified": each.verified,
            "on_front": str(at) in best,
        }
        for at, each in enumerate(points)
    ]
