"""Divide: with the funded set fixed, the fluid hours of everyone."""

from dataclasses import dataclass

from solver.problem import IntArray
from solver.select import Selection


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Division:
    """A fluid division: ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour."""

    fluid: IntArray


def divide(selection: Selection) -> Division:
    """Return the division."""
    return Division(fluid=selection.fluid)
