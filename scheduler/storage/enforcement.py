"""Targets, effects and drift in SQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from scheduler.domain.access import Scope
from scheduler.domain.enforcement import Drift, Effect, Target
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.storage.rows import Rows, equal
from scheduler.storage.tables import enforcement as tables
from scheduler.storage.visibility import visible_drifts, visible_targets


class SqlEnforcement:
    """Enforcement over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._targets = Rows(connection, tables.targets, Target, "target")
        self._effects = Rows(connection, tables.effects, Effect, "effect")
        self._drifts = Rows(connection, tables.drifts, Drift, "drift")

    def find(self, id_: str) -> Target | None:
        """Return the target, whoever asks."""
        return self._targets.with_id(id_)

    def get(self, scope: Scope, id_: str) -> Target:
        """Return a visible target."""
        return self._targets.get(id_, visible_targets(scope))

    def add(self, target: Target) -> None:
        """Keep a new target."""
        self._targets.insert([target])

    def save(self, target: Target) -> None:
        """Keep the next version."""
        self._targets.update(target)

    def list(self, scope: Scope, slice_: Slice = FIRST) -> Page[Target]:
        """List visible targets."""
        return self._targets.page(slice_, visible_targets(scope))

    def cause(self, effects: Iterable[Effect]) -> None:
        """Keep effects for good; what is kept already stays one."""
        table = tables.effects
        wanted = {(each.event, each.award): each for each in effects}
        query = select(table.c.event, table.c.award).where(
            table.c.event.in_({event for event, _ in wanted})
        )
        for event, award in self._connection.execute(query):
            wanted.pop((event, award), None)
        self._effects.insert(wanted.values())

    def latest(self) -> int:
        """Return the position in the log of the latest effect; 0 without any."""
        query = select(func.coalesce(func.max(tables.effects.c.event), 0))
        return int(self._connection.execute(query).scalar_one())

    def waiting(self, after: int) -> tuple[int, datetime | None]:
        """Return how many effects came after a position in the log, and when the first did."""
        table = tables.effects
        query = select(func.count(), func.min(table.c.at)).where(table.c.event > after)
        count, oldest = self._connection.execute(query).one()
        return count, oldest

    def found(self, target: str, drifts: Sequence[Drift]) -> None:
        """Keep what a target has otherwise, in place of what it had before."""
        self._connection.execute(delete(tables.drifts).where(tables.drifts.c.target == target))
        self._drifts.insert(drifts)

    def drifts(
        self, scope: Scope, slice_: Slice = FIRST, *, target: str | None = None
    ) -> Page[Drift]:
        """List what visible targets have otherwise than they were told."""
        only = equal(tables.drifts.c.target, target)
        return self._drifts.page(slice_, visible_drifts(scope), only)
