"""The slots of a round that was decided by runs: what tiers and groups lose there costs dear."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from solver.problem import FloatArray, IntArray
from solver.tiers.core import CoreEngine
from solver.tiers.engines import GOAL_SIZE, made_whole
from solver.tiers.goal import Goal
from solver.tiers.laying import Hours, hold, lay_out
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort

LEFT_OUT = 0.3
"""What a group may lack beyond its cap: it may lose a request that finds no place."""
DEAR = 8.0
"""How many times the goal's size it costs to lack all."""
DEARER = 40.0
"""The same of what an earlier tier has to keep, in shares of its scale."""
EVENLY = 40.0
"""The same of what the worst group lacks: better all lack a little than one much."""

NEAR = 2e-4
"""Part of the goal's size to which numbers of GPUs are made whole."""
SMALL = 10_000
"""Columns of rounds that are decided by slots at once where slots take much: it took 40 s there."""
MUCH = 0.001
"""Share of what a tier keeps, or of what a group may lack, that is much."""


class Keeping(NamedTuple):
    """What a tier has to keep: weights · columns at most so much, both in shares of its scale."""

    weights: FloatArray
    most: float


class Caps(NamedTuple):
    """What groups may lack: columns, and the share of each."""

    columns: IntArray
    most: FloatArray


class Slotted(NamedTuple):
    """A plan in slots.

    Attributes:
        values: of the round's program, grown by what is lacked beyond; beyond: what each tier
            goes beyond what it has to keep, in shares of its scale.
        core: the round with every tier and cap as it is there.
    """

    values: FloatArray
    beyond: FloatArray
    core: CoreEngine


def find_slots(  # noqa: PLR0913, PLR0917 - a plan, what it is for, and what it has to keep
    model: RoundModel,
    values: FloatArray,
    goal: Goal,
    kept: Sequence[Keeping],
    caps: Caps,
    effort: Effort,
) -> Slotted | None:
    """Find slots for hours and blocks; None where there are none.

    Args:
        model: the round; its program gets rows and columns for what is lost.
        values: a solution, its hours evenly over each run.
        goal: the last tier's, as good as the slots allow.
        kept: the tiers before it.
        caps: of the groups.
        effort: of each program.
    """
    beyond = model.program.add_columns(len(kept), 0.0, np.inf)
    for each, column in zip(kept, beyond.tolist(), strict=True):
        row = model.program.add_rows(1, -np.inf, each.most)
        used = np.flatnonzero(each.weights)
        model.program.add_terms(row, used, each.weights[used])
        model.program.add_terms(row, [column], -1.0)
    over = _lacked_beyond(model, caps)
    weights = np.zeros(model.program.columns)
    weights[: goal.weights.size] = goal.weights * (GOAL_SIZE / goal.size)
    weights[beyond] = DEARER * GOAL_SIZE
    weights[over[1:]], weights[over[:1]] = DEAR * GOAL_SIZE, EVENLY * GOAL_SIZE
    low, high = model.program.column_bounds()
    high[caps.columns] = caps.most + LEFT_OUT
    padded = np.pad(values, (0, model.program.columns - values.size))
    held = hold(model, low, high, padded)
    hours = Hours(model, held, weights, replace(effort, gap=NEAR * GOAL_SIZE))
    laid = lay_out(model, held, hours)
    if laid is None:
        return None
    if model.program.columns <= SMALL and laid[np.append(beyond, over)].max() > MUCH:
        laid = hours.decided(low, high, laid)
    laid = made_whole(model, laid)
    core = CoreEngine(model, effort)
    core.cap(caps.columns, np.maximum(laid[caps.columns], caps.most))
    core.cap(beyond, laid[beyond])
    return Slotted(laid, laid[beyond], core)


def _lacked_beyond(model: RoundModel, caps: Caps) -> IntArray:
    """Add columns of what groups lack beyond their caps, what is lacked most first."""
    program, count = model.program, caps.columns.size
    over = program.add_columns(count + 1, 0.0, LEFT_OUT)
    rows = program.add_rows(count, -np.inf, caps.most)
    program.add_terms(rows, caps.columns, 1.0)
    program.add_terms(rows, over[1:], -1.0)
    rows = program.add_rows(count, -np.inf, 0.0)
    program.add_terms(rows, over[1:], 1.0)
    program.add_terms(rows, over[:1], -1.0)
    return over
