"""Virtual time: what happens next, and when."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TypeAlias

from scheduler.ports.store import Transaction

Step: TypeAlias = Callable[[Transaction, datetime], None]
"""What happens at an instant, in one transaction."""


@dataclass(slots=True)
class Agenda:
    """Steps to come; those of one instant in the order in which they were planned."""

    _steps: list[tuple[datetime, int, str, Step]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def plan(self, at: datetime, name: str, step: Step) -> None:
        """Let a step happen at an instant."""
        heapq.heappush(self._steps, (at, next(self._numbers), name, step))

    def next(self) -> tuple[datetime, str, Step] | None:
        """Return, and forget, the step that comes next."""
        if not self._steps:
            return None
        at, _, name, step = heapq.heappop(self._steps)
        return at, name, step

    @property
    def left(self) -> int:
        """How many steps are planned."""
        return len(self._steps)
