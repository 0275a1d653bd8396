"""What clusters count, and how it compares with the books."""

from collections import Counter

from api.monitoring.places import Directory
from api.monitoring.readings import MeterReading, Place
from scheduler.domain.reconciliation import (
    DifferenceState,
    Reconciliation,
    RunawayCause,
    Source,
)
from scheduler.ports.store import Transaction

MINUTE = 60


def meter_readings(tx: Transaction, directory: Directory) -> tuple[MeterReading, ...]:
    """Return what the latest gauges and reconciliation of each cluster say."""
    compared = {each.cluster: each for each in tx.reconciliations.latest()}
    clusters = sorted({*compared, *tx.gauges.clusters()})
    return tuple(_meter(tx, each, compared.get(each), directory) for each in clusters)


def _meter(
    tx: Transaction, cluster: str, compared: Reconciliation | None, directory: Directory
) -> MeterReading:
    gauges = tx.gauges.latest(cluster)
    places = directory.places(gauge.person for gauge in gauges)
    used: Counter[Place] = Counter()
    running: Counter[Place] = Counter()
    for gauge in gauges:
        used[places[gauge.person]] += gauge.used_gpu_minutes * MINUTE
        running[places[gauge.person]] += gauge.running_gpus
    if compared is None:
        return MeterReading(cluster=cluster, used_gpu_seconds=used, running_gpus=running)
    differing: Counter[tuple[Source, DifferenceState]] = Counter(
        {(source, state): 0 for source in Source for state in DifferenceState}
    )
    for each in compared.differences:
        differing[each.source, each.state] += abs(each.gpu_seconds)
    strays: Counter[RunawayCause] = Counter(dict.fromkeys(RunawayCause, 0))
    strays.update(each.cause for each in compared.runaways)
    return MeterReading(
        cluster=cluster,
        used_gpu_seconds=used,
        running_gpus=running,
        differing_gpu_seconds=differing,
        runaways=strays,
    )
