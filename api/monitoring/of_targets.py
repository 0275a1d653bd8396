"""What clusters enforce: what they have otherwise, and what they have not heard of yet."""

from api.monitoring.readings import TargetReading
from scheduler.domain.access import EVERYTHING
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction


def target_readings(tx: Transaction) -> tuple[TargetReading, ...]:
    """Return every cluster that enforces."""
    readings = []
    for target in everything(lambda part: tx.enforcement.list(EVERYTHING, part)):
        waiting, since = tx.enforcement.waiting(target.applied)
        readings.append(TargetReading(target=target, waiting=waiting, since=since))
    return tuple(readings)
