"""What pools hold now, and what waits for a worker."""

from collections import Counter
from datetime import datetime

from api.monitoring.readings import PoolReading, QueueReading
from scheduler.domain.jobs import JobState
from scheduler.domain.pools import CapacityChange, ChangeKind, ChangeState
from scheduler.ports.paging import Slice, everything
from scheduler.ports.store import Transaction


def pool_readings(tx: Transaction, now: datetime) -> tuple[PoolReading, ...]:
    """Return what each pool holds, and holds now."""
    pools = list(everything(tx.pools.list))
    moved: Counter[str] = Counter()
    for change in tx.capacity_changes.of(pool.id for pool in pools):
        moved[change.pool] += _moved(change, now)
    return tuple(
        PoolReading(
            pool=pool.id,
            gpu_type=pool.gpu_type,
            gpus=pool.gpus,
            available_gpus=max(pool.gpus + moved[pool.id], 0),
        )
        for pool in pools
    )


def _moved(change: CapacityChange, now: datetime) -> int:
    """Return the GPUs that a change adds now, below nothing if it takes them away."""
    if change.state is not ChangeState.APPROVED or not change.starts_at <= now < change.ends_at:
        return 0
    return change.gpus if change.kind is ChangeKind.ADDITION else -change.gpus


def queue_reading(tx: Transaction) -> QueueReading:
    """Return what waits for a worker."""
    jobs: Counter[str] = Counter({str(state): 0 for state in JobState})
    for (_, state), count in tx.jobs.counts().items():
        jobs[state] += count
    oldest = tx.jobs.list(Slice(limit=1), state=JobState.QUEUED).items
    return QueueReading(jobs=jobs, oldest_queued_at=oldest[0].created_at if oldest else None)
