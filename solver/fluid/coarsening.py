"""The merged round without its calendar: all slots one, all requests alike of a group together.

Whatever can be had in the round can be had in the coarse one too. So an inequality found there, in
a fraction of the time, holds in the round; what room its prices leave there is worked out exactly.
"""

from collections.abc import Sequence

import numpy as np

from solver.budget import Budget
from solver.fluid.bounds import Bounds
from solver.fluid.leximin import Cut, Terms
from solver.fluid.merging import Merged, columns_of
from solver.fluid.shortage import ShortageProgram
from solver.problem import IntArray


class CoarseProgram:
    """Answers whether groups can have amounts together in the coarse round, with exact cuts.

    Attributes:
        found: all cuts so far.
    """

    def __init__(
        self,
        merged: Merged,
        most_alone: Sequence[int],
        terms: Terms,
        grain: int,
        budget: Budget | None = None,
    ) -> None:
        """Make a round coarse; arguments are those of `ShortageProgram`."""
        coarse, members = _coarse(merged, terms.members)
        most = {holder: most for holder, most in terms.most.items() if holder[0] in members}
        wide = Terms(members=members, least=terms.least, most=most)
        self._spans = merged.spans
        self._bounds = Bounds(merged, terms, grain)
        self._program = ShortageProgram(coarse, "group", most_alone, wide, grain, budget)
        self.found: list[Cut] = []

    @property
    def work(self) -> int:
        """Return the linear programs solved."""
        return self._program.work

    @property
    def gave_all(self) -> bool:
        """Whether the last amounts asked for can be had there, and the floors."""
        return self._program.gave_all

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:
        """Return cuts that the amounts break, none if they can be had in the coarse round."""
        cuts = [self._exact(cut) for cut in self._program.cuts(amounts, full)]
        self.found += cuts
        return cuts

    def _exact(self, cut: Cut) -> Cut:
        """Return the cut with the room that its prices leave in the round."""
        prices = np.zeros((self._bounds.pools, self._spans), dtype=np.int64)
        prices[cut.prices[:, 0]] = cut.prices[:, 2:]
        others = {(kind, index): multiplier for kind, index, multiplier in cut.holders}
        return self._bounds.cut("group", (cut.agents, cut.lifts), prices, others)


def _coarse(merged: Merged, members: dict[str, IntArray]) -> tuple[Merged, dict[str, IntArray]]:
    """Return the coarse round and the holders of its classes, fellows left out."""
    kinds = [kind for kind in members if kind != "fellow"]
    of = [members[kind] for kind in kinds]
    keys = np.column_stack((*of, merged.joint, merged.speed, merged.factor))
    _, example, cls = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    cls = cls.reshape(-1)
    before = np.append(0, np.cumsum(merged.span_slots))
    hours = merged.limit * (before[merged.end] - before[merged.first])
    ask, limit = np.zeros((2, example.shape[0]), dtype=np.int64)
    np.add.at(ask, cls, merged.ask)
    np.add.at(limit, cls, hours)
    supply = merged.supply.sum(axis=1, keepdims=True)
    one, none = np.ones(1, dtype=np.int64), np.zeros_like(example)
    speed = np.ascontiguousarray(merged.speed[example])
    coarse = Merged(
        supply=supply,
        span=np.zeros(1, dtype=np.int64),
        span_slots=one,
        cls=none,
        part=none,
        whole=none,
        fellow=none,
        track=merged.track[example],
        speed=speed,
        factor=merged.factor[example],
        ask=ask,
        limit=limit,
        joint=merged.joint[example],
        first=none,
        end=none + 1,
        columns=columns_of(supply, one, speed, (ask, limit), (none, none + 1)),
    )
    return coarse, {kind: each[example] for kind, each in zip(kinds, of, strict=True)}
