"""Gauges and reconciliations in SQL."""

from collections.abc import Iterable, Sequence

from sqlalchemy import BindParameter, Connection, bindparam, func, select, update

from scheduler.domain.access import Scope
from scheduler.domain.gauges import Gauge
from scheduler.domain.reconciliation import Reconciliation
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.storage import tables
from scheduler.storage.rows import Rows, equal
from scheduler.storage.visibility import visible_gauges


class SqlGauges:
    """Gauges over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = Rows(connection, tables.gauges, Gauge, "gauge")

    def put(self, gauges: Iterable[Gauge]) -> None:
        """Keep gauges in place of the same users' earlier ones."""
        table = tables.gauges
        given = {each.id: each for each in gauges}
        clusters = {each.cluster for each in given.values()}
        query = select(table.c.id).where(table.c.cluster.in_(clusters))
        known = set(self._connection.execute(query).scalars()) & given.keys()
        self._rows.insert(each for id_, each in given.items() if id_ not in known)
        rows = [{**self._rows.row(given[id_]), "known_id": id_} for id_ in sorted(known)]
        if rows:
            changed: dict[str, BindParameter[object]] = {
                key: bindparam(key) for key in self._rows.keys if key != "id"
            }
            change = update(table).where(table.c.id == bindparam("known_id")).values(**changed)
            self._connection.execute(change, rows)

    def latest(self, cluster: str) -> Sequence[Gauge]:
        """Return the gauges of a cluster's latest asking, whoever asks."""
        table = tables.gauges
        last = select(func.max(table.c.seen_at)).where(table.c.cluster == cluster)
        return self._rows.all(table.c.cluster == cluster, table.c.seen_at == last.scalar_subquery())

    def clusters(self) -> Sequence[str]:
        """Return the clusters that gauges speak of."""
        query = select(tables.gauges.c.cluster).distinct().order_by(tables.gauges.c.cluster)
        return list(self._connection.execute(query).scalars())

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, cluster: str | None = None
    ) -> Page[Gauge]:
        """List visible gauges."""
        return self._rows.page(
            slice_, visible_gauges(scope), equal(tables.gauges.c.cluster, cluster)
        )


class SqlReconciliations:
    """Reconciliations over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.reconciliations, Reconciliation, "reconciliation")

    def add(self, reconciliation: Reconciliation) -> None:
        """Keep a reconciliation."""
        self._rows.insert([reconciliation])

    def find(self, id_: str) -> Reconciliation | None:
        """Return the reconciliation."""
        return self._rows.with_id(id_)

    def latest(self) -> Sequence[Reconciliation]:
        """Return the latest reconciliation of each cluster."""
        table = tables.reconciliations
        last = select(func.max(table.c.event)).group_by(table.c.cluster)
        return self._rows.all(table.c.event.in_(last))

    def list(self, slice_: Slice = FIRST, *, cluster: str | None = None) -> Page[Reconciliation]:
        """List reconciliations, oldest first."""
        return self._rows.page(slice_, equal(tables.reconciliations.c.cluster, cluster))
