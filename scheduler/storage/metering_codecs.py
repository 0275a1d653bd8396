"""What a reconciliation found as JSON for a column, and back."""

from datetime import datetime
from typing import Any

from scheduler.domain.reconciliation import (
    Difference,
    DifferenceState,
    Runaway,
    RunawayCause,
    Source,
)

Json = Any


def encode_differences(differences: tuple[Difference, ...]) -> Json:
    """Return differences as JSON."""
    return [
        [one.source, one.state, one.person, one.award, one.told, one.entered] for one in differences
    ]


def decode_differences(json: Json) -> tuple[Difference, ...]:
    """Return differences."""
    return tuple(
        Difference(
            source=Source(source),
            state=DifferenceState(state),
            person=person,
            award=award,
            told=told,
            entered=entered,
        )
        for source, state, person, award, told, entered in json
    )


def encode_runaways(runaways: tuple[Runaway, ...]) -> Json:
    """Return runaway jobs as JSON."""
    return [
        [
            one.job,
            one.person,
            one.gpu_type,
            one.gpus,
            one.starts_at.isoformat(),
            one.elapsed_seconds,
            one.cause,
        ]
        for one in runaways
    ]


def decode_runaways(json: Json) -> tuple[Runaway, ...]:
    """Return runaway jobs."""
    return tuple(
        Runaway(
            job=job,
            person=person,
            gpu_type=gpu_type,
            gpus=gpus,
            starts_at=datetime.fromisoformat(starts_at),
            elapsed_seconds=elapsed,
            cause=RunawayCause(cause),
        )
        for job, person, gpu_type, gpus, starts_at, elapsed, cause in json
    )
