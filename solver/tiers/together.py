"""What the requests of one fellow cover together: the hull of who is funded and with how much.

One request more covers only what the others leave of an entitlement. Rows that bound the cover of
each request by itself do not know that: a relaxation funds one request and a piece of a second one
just large enough for the rest, although nobody can start on the piece. So what a fellow lacks is
split by which requests are funded, and everything is said of each such set by itself (disjunctive
programming: Balas 1998, theorem 2.1).
"""

from collections.abc import Iterator
from itertools import chain, combinations

import numpy as np

from solver.problem import NOBODY, IntArray
from solver.tiers.due import Due
from solver.tiers.model import RoundModel
from solver.tiers.program import Program

MOST = 4
"""Requests up to which every set of them is looked at."""
Sets = list[tuple[int, ...]]


def cover_together(model: RoundModel, due: Due, program: Program, column: IntArray) -> None:
    """Say of every fellow with several requests what they cover together.

    Args:
        model: the program of the round.
        due: what is due to fellows.
        program: what it is said in.
        column: ``(columns,)`` where the columns of the round's program are there.
    """
    for fellow, members in _of_several(model):
        if due.lack[fellow] == NOBODY or due.most[members].sum() <= due.owed[fellow]:
            continue
        sets = _sets(model, members)
        if 1 < len(sets) <= 2**MOST:
            _Hull(model, due, program, column).split(fellow, members, sets)


def _of_several(model: RoundModel) -> Iterator[tuple[int, IntArray]]:
    """Yield each fellow with several requests that may be funded, and those."""
    members = np.unique(model.places.request)
    members = members[model.program.column_bounds()[1][model.funded[members]] > 0.0]
    members = members[np.argsort(model.problem.fellow[members], kind="stable")]
    if not members.size:
        return
    fellows, first = np.unique(model.problem.fellow[members], return_index=True)
    for fellow, mine in zip(fellows.tolist(), np.split(members, first[1:]), strict=True):
        if mine.size > 1:
            yield fellow, mine


def _sets(model: RoundModel, members: IntArray) -> Sets:
    """Return who of the members may be funded together; whoever needs no choice always is.

    Whom another fellow's request comes before may be funded in any case.
    """
    must = set(members[model.program.column_bounds()[0][model.funded[members]] > 0.0].tolist())
    may = members.tolist()
    if len(may) - len(must) > MOST:
        return []
    before = {each: int(model.problem.after[each]) for each in may}
    every = chain.from_iterable(combinations(may, count) for count in range(len(may) + 1))
    return [
        each
        for each in every
        if must.issubset(each)
        and all(before[one] not in may or before[one] in each for one in each)
    ]


class _Hull:
    """What a fellow lacks, split by who is funded."""

    def __init__(self, model: RoundModel, due: Due, program: Program, column: IntArray) -> None:
        self.model, self.due, self.program, self.column = model, due, program, column

    def split(self, fellow: int, members: IntArray, sets: Sets) -> None:
        """Add a part for every set: how much of it is chosen, what it lacks, what it receives."""
        program, owed = self.program, float(self.due.owed[fellow])
        part = program.add_columns(len(sets), 0.0, 1.0)
        lack = program.add_columns(len(sets), 0.0, 1.0)
        program.add_terms(program.add_rows(1, 1.0, 1.0), part, 1.0)
        whole = program.add_rows(1, 0.0, 0.0)
        program.add_terms(whole, lack, 1.0)
        program.add_terms(whole, self.column[self.due.lack[fellow]], -1.0)
        short = program.add_rows(len(sets), 0.0, np.inf)
        program.add_terms(short, lack, 1.0)
        program.add_terms(short, part, -1.0)
        funded, received = self._totals(members, owed)
        at = {request: index for index, request in enumerate(members.tolist())}
        for row, share, each in zip(short.tolist(), part.tolist(), sets, strict=True):
            if not each:
                continue
            own = [at[request] for request in each]
            program.add_terms(funded[own], share, 1.0)
            amount = self._amounts(np.array(each), share, owed)
            program.add_terms(received[own], amount, 1.0)
            program.add_terms(row, amount, 1.0)

    def _totals(self, members: IntArray, owed: float) -> tuple[IntArray, IntArray]:
        """Add the rows that tie the parts to who is funded, and to what each receives."""
        program, model = self.program, self.model
        funded = program.add_rows(members.size, 0.0, 0.0)
        program.add_terms(funded, self.column[model.funded[members]], -1.0)
        received = program.add_rows(members.size, 0.0, 0.0)
        for row, request in zip(received.tolist(), members.tolist(), strict=True):
            columns, amounts = model.units_of(request)
            here, first = np.unique(self.column[columns], return_index=True)
            program.add_terms(row, here, -amounts[first] / owed)
        return funded, received

    def _amounts(self, requests: IntArray, share: int, owed: float) -> IntArray:
        """Add what the requests of one set receive, between the least and the most of each."""
        program = self.program
        amount = program.add_columns(requests.size, 0.0, np.inf)
        for bounds, low, high in (
            (self.due.least, 0.0, np.inf),
            (self.due.most, -np.inf, 0.0),
        ):
            rows = program.add_rows(requests.size, low, high)
            program.add_terms(rows, amount, 1.0)
            program.add_terms(rows, share, -bounds[requests] / owed)
        return amount
