"""Virtual time: what happens next, and when."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TypeAlias

from scheduler.ports.store import Transaction

Act: TypeAlias = Callable[[Transaction, datetime], None]
"""What happens at an instant, in one transaction."""


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """Something planned.

    Attributes:
        number: in which order it was planned.
    """

    at: datetime
    number: int
    name: str = field(compare=False)
    act: Act = field(compare=False)


@dataclass(slots=True)
class Agenda:
    """Steps to come; those of one instant in the order in which they were planned."""

    _steps: list[Step] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def plan(self, at: datetime, name: str, act: Act) -> None:
        """Let something happen at an instant."""
        heapq.heappush(self._steps, Step(at, next(self._numbers), name, act))

    def next(self) -> Step | None:
        """Return, and forget, the step that comes next."""
        return heapq.heappop(self._steps) if self._steps else None

    @property
    def left(self) -> int:
        """How many steps are planned."""
        return len(self._steps)
