"""Whether a lottery was followed: bands, draw and turns, replayed; standard library only."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from fractions import Fraction
from math import gcd

from solver.checking.case import Case, broken
from solver.checking.claims import MILLIONTHS
from solver.checking.limits import limits
from solver.checking.reading import Request
from solver.checking.rows import MILLI
from solver.checking.verdict import Checks, decimal, shown
from solver.draw import draw_key

TOP, MIDDLE, LOWEST = range(3)
"""Bands: funded by score, drawn for, left out."""


def by_lot(case: Case) -> bool:
    """Say whether the policy draws."""
    return case.policy is not None and case.policy.method == "lottery"


def bands(case: Case) -> dict[str, int]:
    """Return the band of each request that is not vetoed.

    By part a score is in the top band where no more than that part of the track's requests have it
    or a better one, in the lowest where no more than that part have it or a worse one.
    """
    assert case.policy is not None
    edges = case.policy.edges
    assert edges is not None, "a policy that draws states its bands"
    eligible = [each for each in case.round.requests.values() if not each.vetoed]
    if not edges.by_part:
        return {
            each.id: TOP if each.score >= edges.top else MIDDLE + (each.score < edges.bottom)
            for each in eligible
        }
    ranked: dict[str | None, list[int]] = defaultdict(list)
    for each in sorted(eligible, key=lambda request: request.score):
        ranked[each.track].append(each.score)
    found = {}
    for each in eligible:
        scores = ranked[each.track]
        worse = bisect_right(scores, each.score) * MILLIONTHS
        better = (len(scores) - bisect_left(scores, each.score)) * MILLIONTHS
        lowest = worse <= edges.bottom * len(scores)
        found[each.id] = LOWEST if lowest else MIDDLE
        if better <= edges.top * len(scores):
            found[each.id] = TOP
    return found


def lowest_band(case: Case) -> Checks:
    """Forbids funding the lowest band, but for promises and floors."""
    band, before = bands(case), ahead(case)
    for request, _ in case.funded:
        fine = band.get(request.id) != LOWEST or request.id in before
        yield (
            None
            if fine
            else broken(
                "lowest_band",
                f"Request {request.id} is in the lowest band and funded.",
                request.id,
                score=decimal(request.score),
            )
        )


def turns(case: Case) -> Checks:
    """Forbids passing over a request that fits when its turn comes: by score, then by the draw.

    Whoever is promised something or helps to reach a floor counts as served before; a request
    with a predecessor or a successor is not looked at, and where a cap is near, no more is asked
    of the plan than surely fits under it.
    """
    band, before = bands(case), ahead(case)
    chained = {each.after for each in case.round.requests.values() if each.after is not None}
    hall = Hall(case)
    for name in before:
        hall.seat(name)
    for _, _, _, name in sorted(_turn(case, name, at) for name, at in band.items()):
        request = case.round.requests[name]
        if name in before or band[name] == LOWEST:
            continue
        if request.after is None and name not in chained:
            due, got = hall.due(request), case.awarded.get(name, 0)
            yield (
                None
                if got >= due
                else broken(
                    "turns",
                    f"Request {name} gets {shown(got)} reference GPU-hours; "
                    f"{shown(due)} fitted when its turn came.",
                    name,
                    due=decimal(due),
                    got=decimal(got),
                )
            )
        hall.seat(name)


def ahead(case: Case) -> set[str]:
    """Return the requests that may be served before the bands: promised ones, those of floors."""
    assert case.policy is not None
    found = {each.id for each in case.round.requests.values() if each.must_fund}
    if case.policy.keep_accepted:
        found |= case.round.previous.keys() & case.round.requests.keys()
    for what, shares in limits(case).items():
        floored = {name for name, share in shares.items() if share.floor > 0}
        whose = case.holders[what]
        found |= {each.id for each in case.round.requests.values() if whose(each) in floored}
    return found


def _turn(case: Case, name: str, band: int) -> tuple[int, int, str, str]:
    """Return what orders requests: band, then score in the top one, then the draw."""
    score = 0 if band == MIDDLE else -case.round.requests[name].score
    return band, score, draw_key(case.plan.seed, name), name


class Hall:
    """What those served so far hold, of the supply and under the caps."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.used: dict[tuple[str, int], int] = defaultdict(int)
        self.held: dict[tuple[str, str], int] = defaultdict(int)
        self.caps = {
            what: {name: share.cap for name, share in shares.items() if share.cap is not None}
            for what, shares in limits(case).items()
        }

    def seat(self, name: str) -> None:
        """Add what a request was given."""
        award = self.case.awards.get(name)
        if award is None:
            return
        for pool, slot, hours in award.cells:
            self.used[pool, slot] += hours
        for what, whose in self._holders(name):
            self.held[what, whose] += self.case.received[name]

    def due(self, request: Request) -> int:
        """Return what a request surely gets when its turn is now: its ask, less, or nothing."""
        least = max(request.minimum, 1)
        room = min(_room(self.case, request, self.free), request.ask)
        if room < least:
            return 0
        if self._allowed(request, request.ask):
            return room
        return least if self._allowed(request, least) else 0

    def free(self, pool: str, slot: int) -> int:
        """Return the whole GPU-hours left of a pool in a slot."""
        return self.case.round.pools[pool].whole(slot) - self.used[pool, slot]

    def _allowed(self, request: Request, amount: int) -> bool:
        """Say whether the caps leave room for the amount, wherever it is placed."""
        fastest = max(request.speeds.values(), default=0)
        shaped = request.shape != "flexible"
        most = (request.ask if shaped else amount) + request.gang * fastest
        dearest = max(
            Fraction(self.case.factor(request, pool), speed)
            for pool, speed in request.speeds.items()
            if speed
        )
        return all(
            self.held[what, whose] + most * dearest <= self.caps[what][whose]
            for what, whose in self._holders(request.id)
            if whose in self.caps[what]
        )

    def _holders(self, name: str) -> Iterable[tuple[str, str]]:
        """Yield whose caps a request counts against."""
        request = self.case.round.requests[name]
        for what, key in self.case.holders.items():
            whose = key(request)
            if whose is not None:
                yield what, whose


def _room(case: Case, request: Request, free: Callable[[str, int], int]) -> int:
    """Return thousandths of reference hours that a request can surely get by itself.

    Exact for flexible requests and blocks; a constant is tried in one pool at a time.
    """
    pools = [pool for pool, speed in request.speeds.items() if speed > 0]
    pools.sort(key=lambda pool: -request.speeds[pool])
    slots = range(request.first, request.end)
    if request.shape == "flexible":
        sets = [[pool] for pool in pools] if request.single_pool else [pools]
        return max((_flexible(case, request, each, free) for each in sets), default=0)
    length = request.block_slots if request.shape == "block" else len(slots)
    starts = range(request.first, request.end - length + 1)
    return max(
        (
            _steady(
                case, request, pool, min(free(pool, start + at) for at in range(length)), length
            )
            for pool in pools
            for start in starts
        ),
        default=0,
    )


def _flexible(
    case: Case, request: Request, pools: list[str], free: Callable[[str, int], int]
) -> int:
    """Fill every slot of the window with whole gang-hours, the fastest pool first."""
    most, total = case.round.slot_limit(request) // request.gang, 0
    for slot in range(request.first, request.end):
        left = most
        for pool in pools:
            gangs = min(left, max(free(pool, slot), 0) // request.gang)
            left -= gangs
            total += gangs * request.gang * request.speeds[pool]
    return total


def _steady(case: Case, request: Request, pool: str, least: int, length: int) -> int:
    """Return what the same whole gangs of GPUs bring over some slots of a pool.

    Args:
        case: the round.
        request: a block or a constant.
        pool: its id.
        least: GPU-hours left in each of the slots.
        length: how many slots.
    """
    hours = case.round.slot_hours
    step = request.gang * (MILLI // gcd(MILLI, request.gang * hours))
    each = step * hours // MILLI * length * request.speeds[pool]
    roof = request.ask + request.gang * request.speeds[pool] - 1
    steps = min(least * MILLI // (hours * step), request.max_gpus // step, roof // each)
    return max(steps, 0) * each


LOTTERY_RULES: tuple[Callable[[Case], Checks], ...] = (lowest_band, turns)
"""What a policy that draws owes."""
