"""The hull of what one fellow's requests can be, added where a relaxation leaves it.

A fellow chooses for each of a few requests whether it is funded, and with a single pool in which
one. With every choice made, what the requests get and what the fellow lacks is a polyhedron; the
hull of all of them has a copy of its columns for each (Balas 1985, "Disjunctive programming and a
hierarchy of relaxations for discrete optimization problems", theorem 3.3). Fellows meet in a few
rows only, of supply, of groups and of all that is lacked, so with hulls about as many choices as
there are such rows stay in pieces, however many fellows there are (Aubin, Ekeland 1976).
"""

from itertools import product
from math import prod
from typing import TypeAlias

import numpy as np

from solver.problem import FloatArray, IntArray, Unit
from solver.tiers.fairness_rows import FairRows
from solver.tiers.model import RoundModel

MOST_CHOICES = 32
"""Combined choices of a fellow that are told apart at most."""
CLOSE = 1e-9
"""How far apart two amounts are the same."""
Choice: TypeAlias = list[int]
"""Places in which a request may lie; none when it is not funded."""


class Hulls:
    """Which fellows' hulls are in a program.

    Args:
        model: the program of the round.
        fair: what fellows lack.
    """

    def __init__(self, model: RoundModel, fair: FairRows) -> None:
        self.model, self.fair, self.program = model, fair, model.program
        problem, places = model.problem, model.places
        self._at = np.full(problem.fellows, -1, dtype=np.int64)
        self._at[fair.fellows] = np.arange(fair.fellows.size)
        self._order = np.argsort(problem.fellow, kind="stable")
        own = problem.fellow[self._order]
        self._first = np.searchsorted(own, np.arange(problem.fellows + 1))
        by_award = problem.rules.unit is Unit.REFERENCE_HOURS
        # An award is no more than what is served, so what is served may stand for it here.
        self._units = places.share * problem.ask[places.request] if by_award else places.units
        self._done: set[int] = set()

    def add(self, requests: IntArray) -> bool:
        """Add the hulls of some requests' fellows, and say whether there are new ones."""
        fellows = set(self.model.problem.fellow[requests].tolist()) - self._done
        self._done |= fellows
        owed = sorted(each for each in fellows if self._at[each] >= 0)
        rest = [self._rest(each, requests) for each in owed]
        for fellow, (members, columns, parts) in zip(owed, rest, strict=True):
            self._add(fellow, members, columns, parts)
        return bool(owed)

    def _rest(self, fellow: int, broken: IntArray) -> tuple[list[int], IntArray, FloatArray]:
        """Return whose choices are told apart, the broken ones first, and what others cover."""
        mine = self._order[self._first[fellow] : self._first[fellow + 1]]
        mine = mine[self.model.extent.counted[mine] & self.model.problem.eligible[mine]]
        members: list[int] = []
        for request in (*mine[np.isin(mine, broken)].tolist(), *mine.tolist()):
            wider = {*members, request}
            if not self.model.places_of(request).size:
                continue
            if prod(len(self._choices(each)) for each in wider) <= MOST_CHOICES:
                members = sorted(wider)
        columns, parts = self._covering(int(self._at[fellow]))
        own = np.isin(columns, self._own_columns(members)) | (columns == self._lack(fellow))
        return members, columns[~own], parts[~own]

    def _covering(self, at: int) -> tuple[IntArray, FloatArray]:
        """Return columns and coefficients of the row in which a fellow is covered."""
        row, column, value = self.program.matrix()
        first, end = np.searchsorted(row, [self.fair.covering[at], self.fair.covering[at] + 1])
        return column[first:end], value[first:end]

    def _own_columns(self, members: list[int]) -> IntArray:
        """Return the columns that say what some requests cover."""
        places = [self.model.places.column[self.model.places_of(each)] for each in members]
        covers = self.fair.cover[np.isin(self.fair.covered, members)]
        return np.concatenate([covers, self.model.award[members], *places])

    def _lack(self, fellow: int) -> int:
        """Return the column of what a fellow lacks."""
        return int(self.fair.lack[self._at[fellow]])

    def _choices(self, request: int) -> list[Choice]:
        """Return what may be chosen for a request."""
        places = self.model.places_of(request).tolist()
        if self.model.problem.single_pool[request]:
            return [[], *([each] for each in places)]
        return [[], places]

    def _add(self, fellow: int, members: list[int], columns: IntArray, parts: FloatArray) -> None:
        """Add the hull of a fellow.

        Args:
            fellow: index.
            members: requests whose choices are told apart.
            columns: what covers the fellow besides.
            parts: how much of the entitlement each of them covers when it is 1.
        """
        program, choices = self.program, list(product(*map(self._choices, members)))
        size = len(choices)
        chosen = program.add_columns(size, 0.0, 1.0)
        lacks = program.add_columns(size, 0.0, 1.0)
        program.add_terms(program.add_rows(1, 1.0, 1.0), chosen, 1.0)
        row = program.add_rows(1, 0.0, np.inf)
        program.add_terms(row, self._lack(fellow), 1.0)
        program.add_terms(row, lacks, -1.0)
        covered = program.add_rows(size, 0.0, np.inf)
        program.add_terms(covered, chosen, -1.0)
        program.add_terms(covered, lacks, 1.0)
        if columns.size:
            self._share_rest(chosen, covered, columns, parts)
        due = float(self.fair.entitlement.fellows[fellow])
        for position, request in enumerate(members):
            mine = [choice[position] for choice in choices]
            self._copy(request, mine, chosen, covered, due)

    def _share_rest(
        self, chosen: IntArray, covered: IntArray, columns: IntArray, parts: FloatArray
    ) -> None:
        """What covers the fellow besides is split among the choices."""
        program, size = self.program, chosen.size
        rest = program.add_columns(size, 0.0, 1.0)
        program.add_terms(covered, rest, 1.0)
        row = program.add_rows(1, -np.inf, 0.0)
        program.add_terms(row, rest, 1.0)
        program.add_terms(row, columns, -parts)
        rows = program.add_rows(size, -np.inf, 0.0)
        program.add_terms(rows, rest, 1.0)
        program.add_terms(rows, chosen, -1.0)

    def _copy(
        self, request: int, mine: list[Choice], chosen: IntArray, covered: IntArray, due: float
    ) -> None:
        """Add copies of what a request gets: within its least and most in each choice.

        Args:
            request: index.
            mine: what each combined choice chooses for it.
            chosen: ``(n,)`` columns of the choices.
            covered: ``(n,)`` rows of what covers the fellow in each.
            due: what the fellow is entitled to.
        """
        program, places, extent = self.program, self.model.places, self.model.extent
        funded = np.array([each for each, choice in enumerate(mine) if choice])
        row = program.add_rows(1, 0.0, 0.0)
        program.add_terms(row, int(self.model.funded[request]), 1.0)
        program.add_terms(row, chosen[funded], -1.0)
        at = np.repeat(funded, [len(mine[each]) for each in funded])
        place = np.array([each for choice in mine for each in choice])
        share, column = places.share[place], places.column[place]
        upper = program.column_bounds()[1][column]
        copies = program.add_columns(place.size, 0.0, upper)
        own, where = np.unique(place, return_inverse=True)
        rows = program.add_rows(own.size, 0.0, 0.0)
        program.add_terms(rows, places.column[own], 1.0)
        program.add_terms(rows[where], copies, -1.0)
        program.add_terms(covered[at], copies, self._units[place] / due)
        within = np.searchsorted(funded, at)
        for amount, bounds in ((extent.top, (-np.inf, 0.0)), (extent.low, (0.0, np.inf))):
            rows = program.add_rows(funded.size, *bounds)
            program.add_terms(rows[within], copies, share)
            program.add_terms(rows, chosen[funded], -float(amount[request]))
        tight = upper * share < extent.top[request] - CLOSE
        rows = program.add_rows(int(tight.sum()), -np.inf, 0.0)
        program.add_terms(rows, copies[tight], 1.0)
        program.add_terms(rows, chosen[at[tight]], -upper[tight])
