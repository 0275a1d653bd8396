"""Gauges and reconciliations as they are read and sent."""

from pydantic import Field

from api.schemas.common import Receipt, Shown
from api.schemas.fields import Instant
from scheduler.domain.reconciliation import DifferenceState, RunawayCause, Source

ASSOC_EXAMPLE = (
    "Association Records\n"
    "ClusterName=dure Account=vision UserName=kim(20030) Partition= ID=4"
    " GrpTRES=cpu=N(1),gres/gpu=16(8),gres/gpu:h100=N(8)"
    " GrpTRESMins=cpu=N(0),gres/gpu=6000(2),gres/gpu:h100=N(2)\n"
)
"""What `scontrol -o show assoc_mgr flags=assoc` prints."""


class GaugedOut(Shown):
    """What an asking of a controller told; `strangers` are users whom the center does not know."""

    users: int
    strangers: int
    used_gpu_minutes: int
    running_gpus: int
    receipt: Receipt


class GaugeOut(Shown):
    """The controller's counters of one user in one account."""

    id: str
    cluster: str
    account: str
    person: str
    limit_gpu_minutes: int | None
    used_gpu_minutes: int
    running_gpus: int
    seen_at: Instant


class BooksDifferenceOut(Shown):
    """GPU-seconds that the books and another side say otherwise of one person and award."""

    source: Source
    state: DifferenceState
    person: str | None
    award: str | None
    told: int = Field(description="By the other side.")
    entered: int = Field(description="In the books.")
    gpu_seconds: int = Field(description="Told less entered.")


class RunawayOut(Shown):
    """A job that accounting says is running, and should not be."""

    job: str
    person: str
    gpu_type: str
    gpus: int
    starts_at: Instant
    elapsed_seconds: int
    cause: RunawayCause


class ReconciliationOut(Shown):
    """What one comparison of the books with accounting, controller and ledger found."""

    id: str
    cluster: str
    at: Instant
    by: str
    since: Instant
    gauged_at: Instant | None
    jobs: int
    differences: list[BooksDifferenceOut]
    runaways: list[RunawayOut]
    event: int
    receipt: Receipt | None = None
