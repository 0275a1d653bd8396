"""Usage entries and proposals in SQL."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import Connection, func, select

from scheduler.domain.access import Scope
from scheduler.domain.proposals import Proposal, ProposalState
from scheduler.domain.usage import UsageEntry, UsageKind
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.usage import ALL_PROPOSALS, ALL_USAGE, Reach, UsageFilter
from scheduler.storage import tables
from scheduler.storage.rows import Rows, equal
from scheduler.storage.visibility import visible_proposals, visible_usage

T = TypeVar("T")
AT_ONCE: Final = 5000
"""Jobs or awards named in one query, rows inserted in one statement."""


class SqlUsage:
    """Usage entries over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = Rows(connection, tables.usage, UsageEntry, "usage entry")

    def add(self, entries: Iterable[UsageEntry]) -> None:
        """Keep new entries."""
        for part in _parts(entries):
            self._rows.insert(part)

    def of_jobs(self, cluster: str, jobs: Iterable[str]) -> Sequence[UsageEntry]:
        """Return the entries of some jobs of a cluster."""
        table = tables.usage
        return [
            entry
            for part in _parts(jobs)
            for entry in self._rows.all(table.c.cluster == cluster, table.c.job.in_(part))
        ]

    def of_cluster(self, cluster: str) -> Sequence[UsageEntry]:
        """Return the entries of a cluster."""
        return self._rows.all(tables.usage.c.cluster == cluster)

    def since(self, cluster: str, at: datetime) -> Sequence[UsageEntry]:
        """Return the entries of a cluster's slices that begin at an instant or later."""
        table = tables.usage
        return self._rows.all(table.c.cluster == cluster, table.c.begins_at >= at)

    def by_person(self, cluster: str) -> Mapping[str, int]:
        """Return GPU-seconds of a cluster by person."""
        table = tables.usage
        query = select(table.c.person, func.sum(table.c.gpu_seconds)).where(
            table.c.cluster == cluster
        )
        rows = self._connection.execute(query.group_by(table.c.person))
        return {person: int(total) for person, total in rows}

    def clusters(self) -> Sequence[str]:
        """Return the clusters that entries speak of."""
        query = select(tables.usage.c.cluster).distinct().order_by(tables.usage.c.cluster)
        return list(self._connection.execute(query).scalars())

    def totals(self) -> Mapping[tuple[str | None, str], int]:
        """Return GPU-seconds by award, if any, and GPU type."""
        table = tables.usage
        query = select(table.c.award, table.c.gpu_type, func.sum(table.c.gpu_seconds)).group_by(
            table.c.award, table.c.gpu_type
        )
        return {(award, kind): int(total) for award, kind, total in self._connection.execute(query)}

    def counted(self, cluster: str) -> Mapping[tuple[str, str | None, str], int]:
        """Return GPU-seconds that a cluster itself counted, without corrections."""
        table = tables.usage
        who = table.c.person, table.c.award, table.c.gpu_type
        query = (
            select(*who, func.sum(table.c.gpu_seconds))
            .where(table.c.cluster == cluster, table.c.kind == UsageKind.IMPORT)
            .group_by(*who)
        )
        return {
            (person, award, gpu_type): int(total)
            for person, award, gpu_type, total in self._connection.execute(query)
        }

    def by_day(self, awards: Iterable[str]) -> Mapping[str, Mapping[tuple[str, date], int]]:
        """Return GPU-seconds of awards by GPU type and day of use (UTC); nothing for the unused."""
        table = tables.usage
        found: dict[str, Counter[tuple[str, date]]] = {}
        for part in _parts(awards):
            query = select(
                table.c.award, table.c.gpu_type, table.c.begins_at, table.c.gpu_seconds
            ).where(table.c.award.in_(part))
            for award, gpu_type, begins_at, gpu_seconds in self._connection.execute(query):
                assert isinstance(begins_at, datetime), "instants are read as such"
                found.setdefault(award, Counter())[gpu_type, begins_at.date()] += gpu_seconds
        return found

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, where: UsageFilter = ALL_USAGE
    ) -> Page[UsageEntry]:
        """List visible entries."""
        table = tables.usage
        return self._rows.page(
            slice_,
            visible_usage(scope),
            equal(table.c.award, where.award),
            equal(table.c.person, where.person),
            equal(table.c.cluster, where.cluster),
            equal(table.c.job, where.job),
        )


class SqlProposals:
    """Proposals over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.proposals, Proposal, "proposal")

    def find(self, id_: str, reach: Reach = ALL_PROPOSALS) -> Proposal | None:
        """Return the proposal, if it is within reach."""
        return self._rows.find(tables.proposals.c.id == id_, visible_proposals(reach))

    def add(self, proposal: Proposal) -> None:
        """Keep a new proposal."""
        self._rows.insert([proposal])

    def save(self, proposal: Proposal) -> None:
        """Keep the next version."""
        self._rows.update(proposal)

    def list(
        self,
        reach: Reach,
        slice_: Slice = FIRST,
        *,
        state: ProposalState | None = None,
    ) -> Page[Proposal]:
        """List the proposals within reach."""
        same_state = equal(tables.proposals.c.state, state)
        return self._rows.page(slice_, visible_proposals(reach), same_state)


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    walk = iter(items)
    while part := list(islice(walk, AT_ONCE)):
        yield part
