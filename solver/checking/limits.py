"""Whom a plan serves, and how much each may hold, one rule a function; standard library only."""

from collections.abc import Callable, Mapping

from solver.checking.case import Case, broken, most_units, total
from solver.checking.claims import Share
from solver.checking.reading import Institute, Track
from solver.checking.verdict import Checks, decimal, shown


def guarantees(case: Case) -> Checks:
    """Forbids leaving out a request that is guaranteed or pinned."""
    for request in case.round.requests.values():
        if request.must_fund:
            why = "guaranteed" if request.guaranteed else "pinned"
            yield (
                None
                if request.id in case.awards
                else broken(
                    "guarantees",
                    f"Request {request.id} is {why} {shown(request.minimum)} reference GPU-hours "
                    f"and gets nothing.",
                    request.id,
                    minimum=decimal(request.minimum),
                )
            )


def vetoes(case: Case) -> Checks:
    """Forbids funding a vetoed request."""
    for request in case.round.requests.values():
        if request.vetoed:
            yield (
                None
                if request.id not in case.awards
                else broken("vetoes", f"Request {request.id} is vetoed and funded.", request.id)
            )


def after(case: Case) -> Checks:
    """Forbids starting before the predecessor has ended, or without it."""
    for request, award in case.funded:
        if request.after is not None:
            before = case.awards.get(request.after)
            if before is None:
                yield broken(
                    "after",
                    f"Request {request.id} is funded without request {request.after} before it.",
                    request.id,
                )
                continue
            starts = min(slot for _, slot, _ in award.cells)
            ends = max(slot for _, slot, _ in before.cells)
            yield (
                None
                if starts > ends
                else broken(
                    "after",
                    f"Request {request.id} starts in slot {starts}; "
                    f"request {request.after} before it lasts to slot {ends}.",
                    request.id,
                    (None, starts),
                    starts=starts,
                    predecessor_ends=ends,
                )
            )


def caps(case: Case) -> Checks:
    """Forbids more than the cap of a fellow, group, institute or track, in the policy's unit."""
    for what, shares in limits(case).items():
        for name, share in shares.items():
            if share.cap is not None:
                got = case.held[what].get(name, 0)
                yield (
                    None
                    if got <= share.cap
                    else broken(
                        "caps",
                        f"{what.capitalize()} {name} receives {shown(got)} {case.plan.unit}; "
                        f"the cap is {shown(share.cap)}.",
                        received=decimal(got),
                        cap=decimal(share.cap),
                    )
                )


def floors(case: Case) -> Checks:
    """Forbids less than the floor of a group, institute or track, as far as its requests reach."""
    for what, shares in limits(case).items():
        for name, share in shares.items():
            if share.floor > 0:
                got = case.held[what].get(name, 0)
                held = got >= share.floor or got >= min(share.floor, _reach(case, what, name))
                yield (
                    None
                    if held
                    else broken(
                        "floors",
                        f"{what.capitalize()} {name} receives {shown(got)} {case.plan.unit}; "
                        f"the floor is {shown(share.floor)}.",
                        received=decimal(got),
                        floor=decimal(share.floor),
                    )
                )


def kept(case: Case) -> Checks:
    """Forbids cutting what the previous plan awarded, where the policy keeps it."""
    if case.policy is None or not case.policy.keep_accepted:
        return
    for name, earlier in case.round.previous.items():
        request = case.round.requests.get(name)
        if request is not None and not request.vetoed:
            promised = min(total(request, earlier), request.ask)
            got = case.totals.get(name, 0)
            yield (
                None
                if got >= promised
                else broken(
                    "kept",
                    f"Request {name} had {shown(promised)} reference GPU-hours "
                    f"and now gets {shown(got)}.",
                    name,
                    promised=decimal(promised),
                    total=decimal(got),
                )
            )


def limits(case: Case) -> Mapping[str, Mapping[str, Share]]:
    """Return floors and caps in thousandths: of groups, institutes, tracks, and capped fellows."""
    round_, policy = case.round, case.policy
    tracks = policy.tracks if policy else {}
    institutes = policy.institutes if policy else {}
    return {
        "fellow": {name: Share(cap=cap) for name, cap in case.caps.items()},
        "group": {
            each.id: Share(floor=each.floor, cap=each.cap) for each in round_.groups.values()
        },
        "institute": {
            name: _both(
                round_.institutes.get(name),
                case.part(institutes.get(name, Share()).floor),
                case.part(institutes.get(name, Share()).cap),
            )
            for name in {**round_.institutes, **institutes}
        },
        "track": {
            each.id: _both(
                each,
                case.part(tracks.get(each.id, Share()).floor),
                case.part(tracks.get(each.id, Share()).cap),
            )
            for each in round_.tracks.values()
        },
    }


def _both(stated: Institute | Track | None, floor: int | None, cap: int | None) -> Share:
    """Return what a round states and what a policy adds: the larger floor, the smaller cap."""
    if stated is None:
        return Share(floor=floor or 0, cap=cap)
    return Share(floor=max(stated.floor, floor or 0), cap=_least(stated.cap, cap))


def _least(*caps: int | None) -> int | None:
    """Return the smallest stated cap."""
    return min((cap for cap in caps if cap is not None), default=None)


def _reach(case: Case, what: str, name: str) -> int:
    """Return the most that the requests of a holder can take, each alone in the round."""
    key = case.holders[what]
    return sum(
        most_units(case.round, request, case.plan.unit)
        for request in case.round.requests.values()
        if not request.vetoed and key(request) == name
    )


HOLDER_RULES: tuple[Callable[[Case], Checks], ...] = (guarantees, vetoes, after, caps, floors, kept)
"""What every plan owes, and to whom."""
