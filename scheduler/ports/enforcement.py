"""Targets, effects and drift: what clusters are told, and what they have."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from scheduler.domain.access import Scope
from scheduler.domain.enforcement import Drift, Effect, Target
from scheduler.ports.paging import FIRST, Page, Slice


class Enforcement(Protocol):
    """Targets by id, effects by position in the log, drift by target."""

    def find(self, id_: str) -> Target | None:
        """Return the target, whoever asks."""
        ...

    def get(self, scope: Scope, id_: str) -> Target:
        """Return a visible target; refuses with `NotFound`."""
        ...

    def add(self, target: Target) -> None:
        """Keep a new target."""
        ...

    def save(self, target: Target) -> None:
        """Keep the next version."""
        ...

    def list(self, scope: Scope, slice_: Slice = FIRST) -> Page[Target]:
        """List visible targets."""
        ...

    def cause(self, effects: Iterable[Effect]) -> None:
        """Keep effects for good; what is kept already stays one."""
        ...

    def latest(self) -> int:
        """Return the position in the log of the latest effect; 0 without any."""
        ...

    def waiting(self, after: int) -> tuple[int, datetime | None]:
        """Return how many effects came after a position in the log, and when the first did."""
        ...

    def found(self, target: str, drifts: Sequence[Drift]) -> None:
        """Keep what a target has otherwise, in place of what it had before."""
        ...

    def drifts(
        self, scope: Scope, slice_: Slice = FIRST, *, target: str | None = None
    ) -> Page[Drift]:
        """List what visible targets have otherwise than they were told."""
        ...
