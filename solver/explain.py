"""Why each request got what it got: binding rules with their numbers, as data."""

from collections.abc import Iterator

import numpy as np

from solver.lottery import Band, bands, drawn
from solver.placing.room import holders, least_needed, most_whole
from solver.plan import (
    Plan,
    awarded_reference,
    charged_service_units,
    per_fellow,
    per_group,
    received,
)
from solver.problem import MILLI, NO_CAP, NOBODY, IntArray, Method, Problem, Shape
from solver.reasons import NO_ENTITLEMENT, Explanation, Outcome, Reason, Why


def explain(problem: Problem, plan: Plan) -> list[Explanation]:
    """Return an explanation of every request, by index."""
    facts = _Facts(problem, plan)
    return [facts.explanation(request) for request in range(problem.requests)]


class _Facts:
    """A plan and what follows from it, worked out once for all requests."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        self.cells = plan.cells
        self.awards = awarded_reference(problem, plan.cells)
        self.charges = charged_service_units(problem, plan.cells)
        self.units = received(problem, plan.cells)
        self.funded = np.zeros(problem.requests, dtype=np.bool_)
        self.funded[plan.cells[:, 0]] = True
        self.supply = problem.supply // MILLI
        used = np.zeros_like(self.supply)
        np.add.at(used, (plan.cells[:, 1], plan.cells[:, 2]), plan.cells[:, 3])
        self.free = self.supply - used
        self.draw = drawn(problem, plan.seed)
        self.promised = awarded_reference(problem, problem.previous)
        self.fellow_units = per_fellow(problem, self.units)
        self.group_units = per_group(problem, self.units)
        self.entitlement = plan.entitlement
        self.rank = {request: rank for rank, request in enumerate(plan.reserve, start=1)}
        self.starts = np.searchsorted(plan.cells[:, 0], np.arange(problem.requests + 1))
        self.held = {
            kind: np.bincount(
                whose[whose != NOBODY], weights=self.units[whose != NOBODY], minlength=cap.size
            ).astype(np.int64)
            for kind, (whose, _, cap) in holders(problem).items()
        }

    def explanation(self, request: int) -> Explanation:
        """Put the facts about one request together."""
        problem = self.problem
        fellow, group = int(problem.fellow[request]), int(problem.group[request])
        fellow_right, group_right = self.rights(request)
        reasons = tuple(self.reasons(request))
        outcome = Outcome.RESERVE if request in self.rank else Outcome.DECLINED
        if self.funded[request]:
            outcome = Outcome.FUNDED
        return Explanation(
            request=request,
            outcome=outcome,
            eligible=not problem.vetoed[request],
            asked=int(problem.ask[request]),
            minimum=int(problem.minimum[request]),
            awarded=int(self.awards[request]),
            service_units=int(self.charges[request]),
            score=int(problem.score[request]),
            fellow=fellow,
            fellow_entitlement=fellow_right,
            fellow_received=int(self.fellow_units[fellow]),
            group=group,
            group_entitlement=group_right,
            group_received=int(self.group_units[group]),
            rank=self.rank.get(request, 0),
            reasons=reasons,
        )

    def rights(self, request: int) -> tuple[int, int]:
        """Return the entitlements of a request's fellow and group."""
        if self.entitlement is None:
            return NO_ENTITLEMENT, NO_ENTITLEMENT
        fellow, group = self.problem.fellow[request], self.problem.group[request]
        return int(self.entitlement.fellows[fellow]), int(self.entitlement.groups[group])

    def reasons(self, request: int) -> Iterator[Reason]:
        """Return what decided, the most telling first."""
        problem = self.problem
        if problem.vetoed[request]:
            yield Reason(why=Why.VETOED)
            return
        if problem.rules.method is Method.REALLOCATE and self.promised[request]:
            yield self.holding(request)
            return
        if self.awards[request] >= problem.ask[request]:
            yield Reason(why=Why.ASK_REACHED, numbers=self.amounts(request))
            return
        alone = most_whole(problem, request, self.supply)
        needed = least_needed(problem, request)
        if not self.funded[request] and alone < needed:
            yield Reason(
                why=Why.NEVER_FITS,
                numbers=(("minimum", needed), ("reach", alone)),
                pools=self.pools(request),
            )
            return
        found = [
            *self.lot(request),
            *self.turn(request),
            *self.links(request),
            *self.caps(request),
            *self.places(request, alone),
        ]
        found += self.shares(request)
        if not self.funded[request] and request not in self.rank:
            numbers = (("reserve_count", len(self.rank)), ("score", int(problem.score[request])))
            found.append(Reason(why=Why.BEYOND_RESERVE, numbers=numbers))
        yield from found or [Reason(why=Why.GOALS_FIRST, numbers=self.amounts(request))]

    def amounts(self, request: int) -> tuple[tuple[str, int], ...]:
        """Return what was asked and awarded."""
        return (
            ("asked", int(self.problem.ask[request])),
            ("awarded", int(self.awards[request])),
        )

    def pools(self, request: int) -> tuple[int, ...]:
        """Return the acceptable pools."""
        return tuple(np.flatnonzero(self.problem.speed[request] > 0).tolist())

    def lot(self, request: int) -> Iterator[Reason]:
        """Say in which band of a lottery an unfunded request is, and when it was drawn."""
        if self.draw is None or self.funded[request]:
            return
        if request in self.draw:
            place = (("place_count", self.draw[request]), ("drawn_count", len(self.draw)))
            yield Reason(why=Why.DRAWN_LATE, numbers=place)
        elif bands(self.problem)[request] == Band.LOWEST:
            score = (("score", int(self.problem.score[request])),)
            yield Reason(why=Why.LOWEST_BAND, numbers=score)

    def holding(self, request: int) -> Reason:
        """Say what became of what a request held, in mid-round."""
        before, now = int(self.promised[request]), int(self.awards[request])
        if now < min(before, int(self.problem.ask[request])):
            return Reason(why=Why.CUT, numbers=(("held", before), ("awarded", now)))
        return Reason(why=Why.HELD, numbers=(("awarded", now), ("moved", self.moved(request))))

    def moved(self, request: int) -> int:
        """Return thousandths of held GPU-hours that lie elsewhere now."""
        rows = self.cells[self.starts[request] : self.starts[request + 1]].tolist()
        now = {(pool, slot): int(hours) for _, pool, slot, hours in rows}
        held = self.problem.previous[self.problem.previous[:, 0] == request].tolist()
        gone = [max(0, int(hours) - now.get((pool, slot), 0)) for _, pool, slot, hours in held]
        return MILLI * sum(gone)

    def turn(self, request: int) -> Iterator[Reason]:
        """Say what was left when an unfunded request's turn in line came."""
        problem = self.problem
        if problem.rules.method is not Method.REALLOCATE or self.funded[request]:
            return
        if request not in problem.line:
            return
        place = problem.line.index(request)
        behind = [each for each in problem.line[place + 1 :] if self.funded[each]]
        free = self.free.copy()
        late = self.cells[np.isin(self.cells[:, 0], behind)]
        np.add.at(free, (late[:, 1], late[:, 2]), late[:, 3])
        numbers = (
            ("rank_count", place + 1),
            ("left", most_whole(problem, request, free)),
            ("minimum", least_needed(problem, request)),
            ("behind_count", len(behind)),
        )
        yield Reason(why=Why.PASSED_OVER, numbers=numbers, pools=self.pools(request))

    def links(self, request: int) -> Iterator[Reason]:
        """Say when the predecessor is not funded."""
        before = int(self.problem.after[request])
        if before != NOBODY and not self.funded[before]:
            yield Reason(why=Why.PREDECESSOR, requests=(before,))

    def caps(self, request: int) -> Iterator[Reason]:
        """Say which cap leaves less than the next step needs."""
        problem = self.problem
        step = self.next_units(request)
        for kind, (whose, _, caps) in holders(problem).items():
            holder = int(whose[request])
            if holder == NOBODY or caps[holder] == NO_CAP:
                continue
            cap, held = int(caps[holder]), int(self.held[kind][holder])
            if held + step > cap:
                numbers = (("cap", cap), ("received", held), ("step", step))
                yield Reason(why=Why(f"{kind}_cap"), numbers=numbers)

    def next_units(self, request: int) -> int:
        """Return the least units by which the award could grow."""
        problem = self.problem
        pools = list(self.pools(request))
        factor = problem.factor[request, pools]
        step = int(problem.gang[request] * factor.min())
        if self.funded[request]:
            return step * self.shape_slots(request)
        per_hour = (factor / problem.speed[request, pools]).min()
        return max(step, int(per_hour * problem.minimum[request]))

    def shape_slots(self, request: int) -> int:
        """Return over how many slot-hours one more gang of GPUs would stretch."""
        problem = self.problem
        if problem.shape[request] == Shape.FLEXIBLE:
            return 1
        slots = int(problem.block_slots[request])
        if problem.shape[request] == Shape.CONSTANT:
            slots = int(problem.end[request] - problem.first[request])
        return max(1, slots * problem.slot_hours // MILLI)

    def places(self, request: int, alone: int) -> Iterator[Reason]:
        """Say what the window, the pools and the shape leave."""
        problem = self.problem
        free = self.free.copy()
        own = self.cells[self.starts[request] : self.starts[request + 1]]
        free[own[:, 1], own[:, 2]] += own[:, 3]
        reach = most_whole(problem, request, free)
        if self.funded[request] and self.awards[request] >= alone:
            limit = int(problem.max_gpus[request])
            yield Reason(why=Why.OWN_LIMIT, numbers=(("most_gpus_count", limit), ("reach", alone)))
        elif self.funded[request] and reach > self.awards[request]:
            return
        elif self.funded[request]:
            yield from self.crowded(request, own, reach)
        elif reach < least_needed(problem, request):
            numbers = (
                ("minimum", least_needed(problem, request)),
                ("left", reach),
                *self.use(request),
            )
            yield Reason(why=Why.MINIMUM_ABOVE_REST, numbers=numbers, pools=self.pools(request))
            if self.draw is None or request not in self.draw:
                yield from self.better(request)

    def crowded(self, request: int, own: IntArray, reach: int) -> Iterator[Reason]:
        """Say why a funded request cannot grow where it lies."""
        problem = self.problem
        used = np.unique(own[:, 1])
        others = np.setdiff1d(self.pools(request), used)
        window = slice(int(problem.first[request]), int(problem.end[request]))
        gang = int(problem.gang[request])
        if problem.single_pool[request] and (self.free[others, window] >= gang).any():
            yield Reason(why=Why.SINGLE_POOL, pools=tuple(used.tolist()))
        shaped = problem.shape[request] != Shape.FLEXIBLE
        if shaped and (self.free[used, window] >= gang).any():
            numbers = (("awarded", int(self.awards[request])), ("reach", reach))
            yield Reason(why=Why.WHOLE_SHAPE, numbers=numbers, pools=tuple(used.tolist()))
        yield Reason(why=Why.SUPPLY_FULL, numbers=self.use(request), pools=self.pools(request))

    def use(self, request: int) -> tuple[tuple[str, int], ...]:
        """Return supply and use of a request's pools in its window."""
        problem = self.problem
        pools = list(self.pools(request))
        window = slice(int(problem.first[request]), int(problem.end[request]))
        supply = int(self.supply[pools, window].sum())
        free = int(self.free[pools, window].sum())
        return ("supply", supply * MILLI), ("free", free * MILLI)

    def better(self, request: int) -> Iterator[Reason]:
        """Say who with a higher score has hours in the same pools and slots."""
        problem = self.problem
        window = (self.cells[:, 2] >= problem.first[request]) & (
            self.cells[:, 2] < problem.end[request]
        )
        there = problem.speed[request, self.cells[:, 1]] > 0
        served = np.unique(self.cells[window & there, 0])
        above = served[problem.score[served] > problem.score[request]]
        if above.size:
            numbers = (
                ("score", int(problem.score[request])),
                ("above_count", int(above.size)),
                ("served_count", int(served.size)),
                ("lowest_score", int(problem.score[served].min())),
            )
            yield Reason(why=Why.OUTRANKED, numbers=numbers)

    def shares(self, request: int) -> Iterator[Reason]:
        """Say how fellow and group stand against their entitlements."""
        if self.entitlement is None:
            return
        problem = self.problem
        fellow_right, group_right = self.rights(request)
        got = int(self.fellow_units[problem.fellow[request]])
        have = int(self.group_units[problem.group[request]])
        step = int(problem.gang[request] * problem.factor[request].max())
        if not self.funded[request] and self.next_units(request) > fellow_right - got:
            numbers = (
                ("minimum_units", self.next_units(request)),
                ("entitlement", fellow_right),
                ("received", got),
            )
            yield Reason(why=Why.MINIMUM_ABOVE_SHARE, numbers=numbers)
        elif got + step > fellow_right:
            share = (("entitlement", fellow_right), ("received", got))
            yield Reason(why=Why.FELLOW_SHARE, numbers=share)
        if have + step > group_right:
            share = (("entitlement", group_right), ("received", have))
            yield Reason(why=Why.GROUP_SHARE, numbers=share)
