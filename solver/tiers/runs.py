"""A large round with runs of slots taken as one: small enough for a code to decide all of it.

Most columns of such a round say in which slot flexible hours lie, and most of those are alike: an
hour of a pool costs the same in nearly every slot. Added up over runs of slots they leave a program
that a mixed-integer code brings near its best; what is chosen there is then laid out slot by slot.
Whatever solves the program of the round solves this one too, so that its bounds hold for both.
"""

import numpy as np

from solver.problem import NOBODY, BoolArray, FloatArray, IntArray, Shape
from solver.tiers.model import RoundModel
from solver.tiers.program import Answer, Effort, Program, solve_program

WIDTH = 7
"""Spans in a run."""
SOME = 1e-9
"""Parts of an ask from which on hours count."""


class Runs:
    """The program of a round in which flexible hours lie in runs of spans; all else as it is.

    Requests of a chain keep their slots. Limits of a request in a slot are left out.

    Attributes:
        program: the columns and rows.
        column: ``(columns,)`` the column that each one of the round's program is part of.
    """

    def __init__(self, model: RoundModel) -> None:
        self.model = model
        self.program = Program()
        self._run = np.arange(model.spans.lengths.size) // WIDTH
        self._count = int(self._run.max()) + 1
        self.loose = self._loose_places()
        self.column = self._columns()
        self.program.add_columns(int(self.column.max()) + 1)
        self._add_rows()

    def decide(
        self,
        goal: FloatArray,
        low: FloatArray,
        high: FloatArray,
        whole: IntArray,
        effort: Effort,
    ) -> Answer:
        """Solve for a goal; values are those of the round's columns, hours those of their runs.

        Args:
            goal: ``(columns,)`` of the round's program, alike for hours of one request in a pool.
            low: ``(columns,)`` least of the round's columns.
            high: ``(columns,)`` most.
            whole: columns of the round's program that have to be whole.
            effort: limits and gap.
        """
        size = self.program.columns
        weights, integer = np.zeros(size), np.zeros(size, dtype=np.bool_)
        weights[self.column], integer[self.column[whole]] = goal, True
        answer = solve_program(
            self.program,
            weights,
            effort,
            integer=integer,
            lower=np.bincount(self.column, low, size).astype(np.float64),
            upper=np.bincount(self.column, high, size).astype(np.float64),
        )
        if answer.values is None:
            return answer
        values = answer.values[self.column]
        return Answer(
            values=values, objective=answer.objective, bound=answer.bound, work=answer.work
        )

    def unused(self, *solutions: FloatArray) -> IntArray:
        """Return the columns of flexible hours that no solution uses, in its slot or its run."""
        columns = self.model.places.column[self.loose]
        used = np.zeros(columns.size, dtype=np.bool_)
        for values in solutions:
            used |= values[columns] > SOME
        return columns[~used]

    def _loose_places(self) -> BoolArray:
        """Return which places are added up: those of flexible requests outside of chains."""
        problem, places = self.model.problem, self.model.places
        loose = (problem.shape == Shape.FLEXIBLE) & (problem.after == NOBODY)
        loose[problem.after[problem.after != NOBODY]] = False
        return np.asarray(loose[places.request])

    def _columns(self) -> IntArray:
        """Number the columns anew, those of one request, pool and run by one number."""
        problem, places = self.model.problem, self.model.places
        merged = places.column[self.loose]
        alone = np.ones(self.model.program.columns, dtype=np.bool_)
        alone[merged] = False
        column = np.cumsum(alone) - 1
        keys = places.request[self.loose] * problem.pools + places.pool[self.loose]
        keys = keys * self._count + self._run[places.span[self.loose]]
        column[merged] = int(alone.sum()) + np.unique(keys, return_inverse=True)[1]
        return column.astype(np.int64)

    def _add_rows(self) -> None:
        """Add every row but those of single slots, those of supply once for each pool and run."""
        whole = self.model.program
        row, column, value = whole.matrix()
        loose = np.zeros(whole.columns, dtype=np.bool_)
        loose[self.model.places.column[self.loose]] = True
        kept = whole.relaxed()[1]
        kept[row[~loose[column]]] = True
        kept[self.model.supply_rows[self.model.supply_rows != NOBODY]] = False
        least, most = whole.row_bounds()
        self.program.add_rows(int(kept.sum()), least[kept], most[kept])
        number = np.where(kept, np.cumsum(kept) - 1, NOBODY)
        value = value * self._add_supply(number)[row]
        inside = number[row] != NOBODY
        self._add_terms(number[row[inside]], column[inside], value[inside])

    def _add_supply(self, number: IntArray) -> FloatArray:
        """Add a row for each pool and run, all supply of its spans being 1.

        Args:
            number: ``(rows,)`` where each row of the round goes; filled in for those of supply.

        Returns:
            ``(rows,)`` what coefficients are multiplied by.
        """
        model = self.model
        supply = model.spans.supply.astype(np.float64)
        starts = np.flatnonzero(np.diff(self._run, prepend=NOBODY))
        together = np.add.reduceat(supply, starts, axis=1)
        rows = self.program.add_rows(together.size, -np.inf, 1.0).reshape(together.shape)
        at = model.supply_rows.reshape(supply.shape)
        scarce = at != NOBODY
        number[at[scarce]] = rows[:, self._run][scarce]
        factor = np.ones(number.size)
        factor[at[scarce]] = (supply / np.maximum(together, 1.0)[:, self._run])[scarce]
        return factor

    def _add_terms(self, row: IntArray, column: IntArray, value: FloatArray) -> None:
        """Add coefficients: those of columns that are one now are alike, and count once."""
        size = self.program.columns
        place, where = np.unique(row * size + self.column[column], return_inverse=True)
        pairs = np.unique(where * self.column.size + column) // self.column.size
        total = np.bincount(where, value, place.size) / np.bincount(pairs, minlength=place.size)
        self.program.add_terms(place // size, place % size, total)
