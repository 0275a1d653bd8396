"""What a whole solve may still spend: time by a clock that is given, work by count."""

from collections.abc import Callable
from dataclasses import dataclass, field

from solver.plan import Limit

PART = 0.5
"""Share of what is left that one search may take, so that those after it have some."""
MOMENT = 0.01
"""Seconds that a search is given in any case; a code takes 0 for no limit."""


class BudgetSpentError(Exception):
    """A limit came before what cannot be had by halves, an entitlement, was worked out."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(f"The limit of {limit} has come.")
        self.limit = limit


def standing() -> float:
    """Return the time of a clock that stands still."""
    return 0.0


@dataclass(slots=True, kw_only=True, eq=False)
class Budget:
    """A limit for everything that is still to be done, counted down as it is spent.

    Args:
        clock: seconds from any start, rising.
        seconds: from now on; None without a limit, and then results repeat.
        work: linear programs and branch-and-bound nodes; None without a limit.
    """

    clock: Callable[[], float] = standing
    seconds: float | None = None
    work: int | None = None
    spent: int = 0
    _until: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._until = self.clock() + (self.seconds or 0.0)

    def spend(self, work: int) -> None:
        """Count linear programs or nodes."""
        self.spent += work

    def reached(self) -> Limit:
        """Return the limit that has come."""
        if self.seconds is not None and self.clock() >= self._until:
            return Limit.TIME
        if self.work is not None and self.spent >= self.work:
            return Limit.WORK
        return Limit.NONE

    def ended(self) -> Limit:
        """Return the limit that ended a search: the whole solve's, or that of its own work."""
        reached = self.reached()
        return Limit.WORK if reached is Limit.NONE else reached

    def insist(self) -> None:
        """Go on only if no limit has come.

        Raises:
            BudgetSpentError: If one has.
        """
        limit = self.reached()
        if limit is not Limit.NONE:
            raise BudgetSpentError(limit)

    def seconds_left(self) -> float | None:
        """Return the seconds until the limit, None without one."""
        return None if self.seconds is None else max(self._until - self.clock(), 0.0)

    def work_left(self, most: int) -> int:
        """Return how much work one search may do, at most `most`, at least 1."""
        left = most if self.work is None else int((self.work - self.spent) * PART)
        return max(min(most, left), 1)

    def seconds_of_search(self) -> float | None:
        """Return how many seconds one search may take, None without a limit."""
        left = self.seconds_left()
        return None if left is None else max(left * PART, MOMENT)
