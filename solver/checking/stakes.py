"""What is at stake in the fluid round: own limits, weights, floors; standard library only.

The checker derives here, from the round itself, what the prover's arrays say: which requests take
part, what each can take alone, what amounts are counted per.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from solver.checking.pricing import MILLI, FluidRequest, FluidRound, Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRequest:
    """A request in plain numbers; amounts in thousandths, indices for names.

    Attributes:
        speeds: (pool, thousandths of a reference GPU-hour per GPU-hour) of acceptable pools.
        eligible: whether it may be funded at all (not vetoed).
    """

    fellow: int
    ask: int
    max_gpus: int
    first: int
    end: int
    speeds: tuple[tuple[int, int], ...]
    score: int = 0
    track: int | None = None
    eligible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainFellow:
    """A fellow in plain numbers; `cap` in thousandths of the unit."""

    group: int
    weight: int = MILLI
    institute: int | None = None
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainHolder:
    """A group, an institute or a track; `floor` and `cap` in thousandths of the unit."""

    weight: int = MILLI
    floor: int = 0
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRound:
    """A round and its rules in plain numbers.

    Attributes:
        slot_hours: thousandths of an hour.
        supply: thousandths of a GPU-hour by pool and slot.
        charge: thousandths of a service unit per GPU-hour by pool.
        unit: ``service_units`` or ``reference_hours``.
        group_rule: ``weight``, ``demand`` or ``fellows``.
        fellow_rule: ``score``, ``equal`` or ``weight``.
    """

    slot_hours: int
    supply: tuple[tuple[int, ...], ...]
    charge: tuple[int, ...]
    requests: tuple[PlainRequest, ...]
    fellows: tuple[PlainFellow, ...]
    groups: tuple[PlainHolder, ...]
    institutes: tuple[PlainHolder, ...] = ()
    tracks: tuple[PlainHolder, ...] = ()
    unit: str = "service_units"
    group_rule: str = "weight"
    fellow_rule: str = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What levels are checked against.

    Attributes:
        fluid: the round with the requests that take part.
        weights: by stage; amounts are counted per these.
        parents: group of each fellow.
        most_alone: thousandths of the unit that a group or fellow can take at most.
        least, most: effective floors and stated caps.
    """

    fluid: FluidRound
    weights: Mapping[str, Sequence[int]]
    parents: Sequence[int]
    most_alone: Mapping[Holder, int]
    least: Mapping[Holder, int] = field(default_factory=dict)
    most: Mapping[Holder, int] = field(default_factory=dict)


def stakes(plain: PlainRound) -> Stakes:
    """Derive what levels are checked against from the round itself."""
    fluid_requests = [fluid_request(plain, request) for request in plain.requests]
    alone = [reach(plain.supply, request) for request in fluid_requests]
    group_weights = _group_weights(plain, alone)
    fellow_weights = _fellow_weights(plain)
    taking = [
        request.eligible
        and fellow_weights[request.fellow] > 0
        and _holds(plain, group_weights, plain.fellows[request.fellow].group)
        for request in plain.requests
    ]
    sums: dict[Holder, int] = {}
    chosen = []
    for request, units, takes in zip(fluid_requests, alone, taking, strict=True):
        if takes:
            chosen.append(request)
            for holder in request.holders:
                sums[holder] = sums.get(holder, 0) + units
    fluid = FluidRound(
        requests=tuple(chosen), supply=plain.supply, lengths=(1,) * len(plain.supply[0])
    )
    return derived(plain, fluid, group_weights, fellow_weights, sums)


def derived(
    plain: PlainRound,
    fluid: FluidRound,
    group_weights: Sequence[int],
    fellow_weights: Sequence[int],
    sums: Mapping[Holder, int],
) -> Stakes:
    """Derive the rest from what the requests come to.

    Args:
        plain: the round; its requests are not looked at.
        fluid: the requests that take part.
        group_weights: what amounts of groups are counted per.
        fellow_weights: the same of fellows.
        sums: what the requests of each holder that take part can take, each alone.
    """
    most = _caps(plain)
    most_alone = _most_alone(plain, sums, most)
    return Stakes(
        fluid=fluid,
        weights={"groups": group_weights, "fellows": fellow_weights},
        parents=[fellow.group for fellow in plain.fellows],
        most_alone=most_alone,
        least=_floors(plain, {**sums, **most_alone}),
        most=most,
    )


def fluid_request(plain: PlainRound, request: PlainRequest) -> FluidRequest:
    """Return a request as the fluid round knows it."""
    by_charge = plain.unit == "service_units"
    pools = tuple(
        (pool, plain.charge[pool] if by_charge else speed, speed)
        for pool, speed in sorted(request.speeds)
        if speed > 0
    )
    fellow = plain.fellows[request.fellow]
    holders = {
        "fellow": request.fellow,
        "group": fellow.group,
        "institute": fellow.institute,
        "track": request.track,
    }
    return FluidRequest(
        pools=pools,
        ask=request.ask,
        limit=request.max_gpus * plain.slot_hours,
        joint=not by_charge or len({factor for _, factor, _ in pools}) <= 1,
        first=request.first,
        end=request.end,
        holders=tuple((kind, index) for kind, index in holders.items() if index is not None),
    )


def reach(supply: Sequence[Sequence[int]], request: FluidRequest) -> int:
    """Return the most a request alone can take: thousandths of the unit, rounded down.

    Pools are filled in the order of what an asked hour brings there, faster ones first.
    """
    used = [0] * (request.end - request.first)
    units, left = 0, request.ask * MILLI
    for pool, factor, speed in sorted(request.pools, key=_worth):
        hours = 0
        for at, free in enumerate(supply[pool][request.first : request.end]):
            room = request.limit - used[at] if request.joint else request.limit
            take = min(room, free)
            used[at] += take
            hours += take
            if hours * speed > left:
                return (units + left * factor // speed) // MILLI
        units += hours * factor
        left -= hours * speed
    return units // MILLI


def _worth(pool: tuple[int, int, int]) -> tuple[float, int]:
    """Return the rank of a pool in the order of filling."""
    _, factor, speed = pool
    return -factor / speed, -speed


def mean_score(asks: Sequence[int], scores: Sequence[int]) -> int:
    """Return the ask-weighted mean of scores, rounded; 1 at least."""
    asked = sum(asks)
    points = sum(ask * score for ask, score in zip(asks, scores, strict=True))
    return max(1, (2 * points + asked) // (2 * asked)) if asked else 1


def _fellow_weights(plain: PlainRound) -> list[int]:
    """Return what amounts of fellows are counted per."""
    if plain.fellow_rule == "weight":
        return [fellow.weight for fellow in plain.fellows]
    if plain.fellow_rule == "equal":
        return [1] * len(plain.fellows)
    own: list[list[PlainRequest]] = [[] for _ in plain.fellows]
    for request in plain.requests:
        if request.eligible:
            own[request.fellow].append(request)
    return [mean_score([r.ask for r in each], [r.score for r in each]) for each in own]


def _group_weights(plain: PlainRound, alone: Sequence[int]) -> list[int]:
    """Return what amounts of groups are counted per."""
    if plain.group_rule == "weight":
        return [group.weight for group in plain.groups]
    eligible = [(r, units) for r, units in zip(plain.requests, alone, strict=True) if r.eligible]
    weights = [0] * len(plain.groups)
    if plain.group_rule == "fellows":
        for fellow in {request.fellow for request, _ in eligible}:
            weights[plain.fellows[fellow].group] += 1
        return weights
    for request, units in eligible:
        demand = request.ask if plain.unit == "reference_hours" else units
        weights[plain.fellows[request.fellow].group] += demand
    return weights


def _holds(plain: PlainRound, weights: Sequence[int], group: int) -> bool:
    """Say whether a group can hold anything at all."""
    return weights[group] > 0 or plain.groups[group].floor > 0


def _caps(plain: PlainRound) -> dict[Holder, int]:
    """Return all stated caps."""
    listed: dict[str, Sequence[PlainFellow | PlainHolder]] = {
        "fellow": plain.fellows,
        "group": plain.groups,
        "institute": plain.institutes,
        "track": plain.tracks,
    }
    return {
        (kind, index): each.cap
        for kind, those in listed.items()
        for index, each in enumerate(those)
        if each.cap is not None
    }


def _most_alone(
    plain: PlainRound, sums: Mapping[Holder, int], most: Mapping[Holder, int]
) -> dict[Holder, int]:
    """Return what each fellow and group can take, caps counted."""
    alone: dict[Holder, int] = {}
    for group in range(len(plain.groups)):
        alone["group", group] = 0
    for index, fellow in enumerate(plain.fellows):
        units = sums.get(("fellow", index), 0)
        alone["fellow", index] = min(units, most.get(("fellow", index), units))
        alone["group", fellow.group] += alone["fellow", index]
    for group in range(len(plain.groups)):
        units = alone["group", group]
        alone["group", group] = min(units, most.get(("group", group), units))
    return alone


def _floors(plain: PlainRound, sums: Mapping[Holder, int]) -> dict[Holder, int]:
    """Return floors, effective up to what their requests can take."""
    listed = {"group": plain.groups, "institute": plain.institutes, "track": plain.tracks}
    return {
        (kind, index): min(each.floor, sums.get((kind, index), 0))
        for kind, those in listed.items()
        for index, each in enumerate(those)
        if each.floor
    }
