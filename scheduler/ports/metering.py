"""What is metered beside the books: gauges and reconciliations."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from scheduler.domain.access import Scope
from scheduler.domain.gauges import Gauge
from scheduler.domain.reconciliation import Reconciliation
from scheduler.ports.paging import FIRST, Page, Slice


class Gauges(Protocol):
    """The latest gauge of each user of a cluster."""

    def put(self, gauges: Iterable[Gauge]) -> None:
        """Keep gauges in place of the same users' earlier ones."""
        ...

    def latest(self, cluster: str) -> Sequence[Gauge]:
        """Return the gauges of a cluster's latest asking, whoever asks."""
        ...

    def clusters(self) -> Sequence[str]:
        """Return the clusters that gauges speak of."""
        ...

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, cluster: str | None = None
    ) -> Page[Gauge]:
        """List visible gauges."""
        ...


class Reconciliations(Protocol):
    """Reconciliations by id; never changed."""

    def add(self, reconciliation: Reconciliation) -> None:
        """Keep a reconciliation."""
        ...

    def find(self, id_: str) -> Reconciliation | None:
        """Return the reconciliation."""
        ...

    def latest(self) -> Sequence[Reconciliation]:
        """Return the latest reconciliation of each cluster."""
        ...

    def list(self, slice_: Slice = FIRST, *, cluster: str | None = None) -> Page[Reconciliation]:
        """List reconciliations, oldest first."""
        ...
