"""The scenario board: scenarios of one round side by side, as data for people and programs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

from scheduler.document import Document
from scheduler.snapshot import Snapshot

Measures: TypeAlias = Mapping[str, Any]
Curve: TypeAlias = list[list[float]]
"""Points of a Lorenz curve, from (0, 0) to (1, 1)."""
FORMULA = "formula"
"""The stage, and the status shown, of a plan that a formula made: it proves nothing."""
FAIR_STAGES = frozenset({"groups", "fellows"})
EPSILON = 1e-9
MILLI = 1000
MOST_POINTS = 100
"""Steps that a Lorenz curve is told in; a few fellows more do not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a request was given: reference GPU-hours and service units."""

    gpu_hours: float
    service_units: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One policy's answer to a round.

    Attributes:
        gap: the largest of its stages; nothing when the policy proves nothing.
        awards: by request; measures, stages: as in the plan.
    """

    name: str
    status: str
    gap: float | None
    seconds: float | None
    awards: Mapping[str, Given]
    measures: Measures
    stages: Sequence[Mapping[str, Any]]

    def in_unit(self, unit: str) -> dict[str, float]:
        """Return what each request was given, in one unit."""
        by_hours = unit == "reference_hours"
        return {
            request: given.gpu_hours if by_hours else given.service_units
            for request, given in self.awards.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What all scenarios of a board are held against: entitlements in one unit."""

    unit: str
    groups: Mapping[str, float]
    fellows: Mapping[str, float]


NO_YARDSTICK = Yardstick(unit="service_units", groups={}, fellows={})
"""Where no policy of a board gives entitlements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Whose the requests of a round are, and how they were judged."""

    fellow_of: Mapping[str, str]
    group_of: Mapping[str, str]
    points_of: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Who gains and who loses in one scenario against another.

    Attributes:
        gains, losses: (request, reference GPU-hours), largest first.
        groups: GPU-hours by group.
    """

    name: str
    against: str
    gains: tuple[tuple[str, float], ...]
    losses: tuple[tuple[str, float], ...]
    groups: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The most score × hours that the round allows: at least what a plan has, at most a bound."""

    name: str
    value: float
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The part of the best value that a scenario gives up: no less, and no more than this."""

    least: float
    most: float


def scenario_of(name: str, document: Document, seconds: float | None) -> Scenario:
    """Return a plan as a column of the board."""
    stages = document["stages"]
    formula = any(stage["name"] == FORMULA for stage in stages)
    return Scenario(
        name=name,
        status=FORMULA if formula else document["status"],
        gap=None if formula else largest_gap(stages),
        seconds=seconds,
        awards={
            each["request"]: Given(
                gpu_hours=float(each["gpu_hours"]), service_units=float(each["service_units"])
            )
            for each in document["awards"]
        },
        measures=document["measures"],
        stages=stages,
    )


def largest_gap(stages: Sequence[Mapping[str, Any]]) -> float:
    """Return the largest gap of a plan's stages."""
    return max((float(stage["gap"]) for stage in stages), default=0.0)


def yardstick_of(document: Document) -> Yardstick | None:
    """Return the entitlements of a plan, if its policy gives any."""
    stated = document["entitlements"]
    if not any(stated["groups"].values()):
        return None
    return Yardstick(unit=document["unit"], groups=stated["groups"], fellows=stated["fellows"])


def cast_of(snapshot: Snapshot) -> Cast:
    """Return whose the requests of a round are."""
    group_of = {fellow.id: fellow.group for fellow in snapshot.fellows}
    return Cast(
        fellow_of={request.id: request.fellow for request in snapshot.requests},
        group_of={request.id: group_of[request.fellow] for request in snapshot.requests},
        points_of={request.id: request.score / MILLI for request in snapshot.requests},
    )


def totals(given: Mapping[str, float], whose: Mapping[str, str]) -> dict[str, float]:
    """Return what each holder is given through its requests."""
    found: dict[str, float] = {}
    for request, amount in given.items():
        found[whose[request]] = found.get(whose[request], 0.0) + amount
    return found


def worst_group_share(scenario: Scenario, yardstick: Yardstick, cast: Cast) -> float | None:
    """Return the smallest share of its entitlement that a group receives."""
    received = totals(scenario.in_unit(yardstick.unit), cast.group_of)
    shares = [
        received.get(group, 0.0) / float(amount)
        for group, amount in yardstick.groups.items()
        if amount
    ]
    return min(shares, default=None)


def value_of(scenario: Scenario, cast: Cast) -> float:
    """Return score × reference GPU-hours of a scenario, whatever its policy adds up."""
    return sum(
        cast.points_of[request] * given.gpu_hours for request, given in scenario.awards.items()
    )


def best_of(scenarios: Iterable[Scenario], cast: Cast) -> Best | None:
    """Return the best value, if one of the scenarios wants nothing but that and has a bound."""
    for each in scenarios:
        wants = {stage["name"]: stage for stage in each.stages}
        if "value" in wants and not FAIR_STAGES & wants.keys():
            value, stated = value_of(each, cast), float(wants["value"]["objective"])
            if abs(value - stated) <= EPSILON * max(abs(value), 1.0):
                bound = max(float(wants["value"]["bound"]), value)
                return Best(name=each.name, value=value, bound=bound)
    return None


def price_of_fairness(value: float, best: Best) -> Price:
    """Return what part of the best value a scenario of some value gives up.

    The best lies between what a plan reaches and what is proved: so does its part that is lost.

    Source:
        Bertsimas, Farias and Trichakis, The Price of Fairness, Operations Research 59 (2011).
    """
    low, high = max(best.value, value), max(best.bound, value)
    return Price(
        least=1 - value / low if low > 0 else 0.0, most=1 - value / high if high > 0 else 0.0
    )


def lorenz(received: Mapping[str, float], rights: Mapping[str, float]) -> Curve:
    """Return the Lorenz curve of awards per entitlement.

    Holders stand in the order of what they receive per unit of entitlement, the poorest first;
    the first coordinate is the part of all entitlements, the second the part of all awards, that
    those up to here have. Where everybody has as much per unit it is the diagonal.

    Source:
        Lorenz, Methods of measuring the concentration of wealth, 1905.
    """
    held = [
        (Fraction(received.get(name, 0.0)) / Fraction(right), Fraction(right))
        for name, right in rights.items()
        if right
    ]
    held.sort()
    whole, given = sum(right for _, right in held), sum(share * right for share, right in held)
    points, x, y = [[0.0, 0.0]], Fraction(0), Fraction(0)
    for share, right in held if given else ():
        x, y = x + right, y + share * right
        points.append([float(x / whole), float(y / given)])
    return points if given else [[0.0, 0.0], [1.0, 1.0]]


def thinned(curve: Curve) -> Curve:
    """Return a curve in at most `MOST_POINTS` steps, every point of which lies on it."""
    if len(curve) <= MOST_POINTS + 1:
        return curve
    return [at_part(curve, step / MOST_POINTS) for step in range(MOST_POINTS + 1)]


def at_part(curve: Curve, part: float) -> list[float]:
    """Return the point of a Lorenz curve over a part of all entitlements."""
    for (x, y), (next_x, next_y) in pairwise(curve):
        if part <= next_x:
            along = (part - x) / (next_x - x) if next_x > x else 0.0
            return [part, y + along * (next_y - y)]
    return [part, 1.0]


def difference(scenario: Scenario, base: Scenario, cast: Cast) -> Difference:
    """Return who gains and who loses against the base, in reference GPU-hours."""
    now, before = (each.in_unit("reference_hours") for each in (scenario, base))
    moved = {
        request: now.get(request, 0.0) - before.get(request, 0.0)
        for request in sorted({*now, *before})
    }
    moved = {request: change for request, change in moved.items() if abs(change) > EPSILON}
    ranked = sorted(moved.items(), key=lambda item: (-abs(item[1]), item[0]))
    return Difference(
        name=scenario.name,
        against=base.name,
        gains=tuple(item for item in ranked if item[1] > 0),
        losses=tuple(item for item in ranked if item[1] < 0),
        groups=dict(sorted(totals(moved, cast.group_of).items())),
    )


def front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the names of the points that no other has at least as much of both, and more of one.

    Args:
        points: by name, what is wanted most of: fairness and value.
    """
    return [
        name
        for name, (fair, worth) in points.items()
        if not any(
            other_fair >= fair
            and other_worth >= worth
            and (other_fair, other_worth) != (fair, worth)
            for other_fair, other_worth in points.values()
        )
    ]


def board_of_plans(
    snapshot: Snapshot, plans: Sequence[tuple[str, Document, float | None]], *, base: str = ""
) -> Document:
    """Return the board of plans that are there already.

    Args:
        snapshot: the round that all of them are plans of.
        plans: name, `dure-plan/1` document and seconds of each; at least one.
        base: the name that gains and losses are against; without it the first.
    """
    scenarios = [scenario_of(*each) for each in plans]
    given = next(filter(None, (yardstick_of(document) for _, document, _ in plans)), None)
    cast = cast_of(snapshot)
    return board(
        scenarios,
        given or NO_YARDSTICK,
        cast,
        base=next((each for each in scenarios if each.name == base), scenarios[0]),
        best=best_of(scenarios, cast),
    )


def board(
    scenarios: Sequence[Scenario],
    yardstick: Yardstick,
    cast: Cast,
    *,
    base: Scenario,
    best: Best | None,
) -> Document:
    """Return the whole board as JSON.

    Args:
        scenarios: at least one; all of one round.
        yardstick: what they are held against.
        cast: whose the requests are.
        base: the scenario that gains and losses are against.
        best: the most value of the round, if somebody has looked for it.
    """
    rows = [_row(each, yardstick, cast, best) for each in scenarios]
    placed = {
        row["policy"]: (row["worst_group_share"], row["value"])
        for row in rows
        if row["worst_group_share"] is not None
    }
    return {
        "base": base.name,
        "best": None
        if best is None
        else {"policy": best.name, "value": best.value, "bound": best.bound},
        "unit": yardstick.unit,
        "scenarios": rows,
        "differences": [
            _told(difference(each, base, cast)) for each in scenarios if each is not base
        ],
        "front": front(placed),
    }


def without_requests(board: Document) -> Document:
    """Return a board that says how many requests gain and lose, but not which."""
    differences = [
        {**each, "gains": len(each["gains"]), "losses": len(each["losses"])}
        for each in board["differences"]
    ]
    return {**board, "differences": differences}


def _row(scenario: Scenario, yardstick: Yardstick, cast: Cast, best: Best | None) -> Document:
    """Return one scenario of the board."""
    value = value_of(scenario, cast)
    given = scenario.in_unit(yardstick.unit)
    price = None if best is None else price_of_fairness(value, best)
    rights = (
        ("groups", cast.group_of, yardstick.groups),
        ("fellows", cast.fellow_of, yardstick.fellows),
    )
    return {
        "policy": scenario.name,
        "status": scenario.status,
        "gap": scenario.gap,
        "seconds": scenario.seconds,
        "worst_group_share": worst_group_share(scenario, yardstick, cast),
        "value": value,
        "price_of_fairness": None if price is None else {"least": price.least, "most": price.most},
        "bounds": {
            stage["name"]: {name: float(stage[name]) for name in ("objective", "bound", "gap")}
            for stage in scenario.stages
        },
        "lorenz": {who: thinned(lorenz(totals(given, whose), held)) for who, whose, held in rights},
        "measures": scenario.measures,
    }


def _told(found: Difference) -> Document:
    """Return a difference as JSON."""
    return {
        "name": found.name,
        "against": found.against,
        "gains": [list(each) for each in found.gains],
        "losses": [list(each) for each in found.losses],
        "groups": dict(found.groups),
    }
