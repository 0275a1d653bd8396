"""Usage entries and proposals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol, TypeAlias

from scheduler.domain.access import EVERYTHING, Scope
from scheduler.domain.proposals import Proposal, ProposalKind, ProposalState
from scheduler.domain.usage import UsageEntry
from scheduler.ports.paging import FIRST, Page, Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Which entries a list is about; what is not said is not filtered."""

    award: str | None = None
    person: str | None = None
    cluster: str | None = None
    job: str | None = None


ALL_USAGE = UsageFilter()
Reach: TypeAlias = Mapping[ProposalKind, Scope]
"""Kind of proposal → whose things somebody may decide on."""
ALL_PROPOSALS: Final[Reach] = dict.fromkeys(ProposalKind, EVERYTHING)


class Usage(Protocol):
    """Usage entries, that nobody changes."""

    def add(self, entries: Iterable[UsageEntry]) -> None:
        """Keep new entries."""
        ...

    def of_jobs(self, cluster: str, jobs: Iterable[str]) -> Sequence[UsageEntry]:
        """Return the entries of some jobs of a cluster."""
        ...

    def of_cluster(self, cluster: str) -> Sequence[UsageEntry]:
        """Return the entries of a cluster."""
        ...

    def since(self, cluster: str, at: datetime) -> Sequence[UsageEntry]:
        """Return the entries of a cluster's slices that begin at an instant or later."""
        ...

    def by_person(self, cluster: str) -> Mapping[str, int]:
        """Return GPU-seconds of a cluster by person."""
        ...

    def clusters(self) -> Sequence[str]:
        """Return the clusters that entries speak of."""
        ...

    def totals(self) -> Mapping[tuple[str | None, str], int]:
        """Return GPU-seconds by award, if any, and GPU type."""
        ...

    def counted(self, cluster: str) -> Mapping[tuple[str, str | None, str], int]:
        """Return GPU-seconds that a cluster itself counted, without corrections.

        They are by person, award, if any, and GPU type.
        """
        ...

    def by_day(self, awards: Iterable[str]) -> Mapping[str, Mapping[tuple[str, date], int]]:
        """Return GPU-seconds of awards by GPU type and day of use (UTC); nothing for the unused."""
        ...

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, where: UsageFilter = ALL_USAGE
    ) -> Page[UsageEntry]:
        """List visible entries."""
        ...


class Proposals(Protocol):
    """Proposals by id."""

    def find(self, id_: str, reach: Reach = ALL_PROPOSALS) -> Proposal | None:
        """Return the proposal, if it is within reach."""
        ...

    def add(self, proposal: Proposal) -> None:
        """Keep a new proposal."""
        ...

    def save(self, proposal: Proposal) -> None:
        """Keep the next version."""
        ...

    def list(
        self,
        reach: Reach,
        slice_: Slice = FIRST,
        *,
        state: ProposalState | None = None,
    ) -> Page[Proposal]:
        """List the proposals within reach."""
        ...
