"""Limits: how many GPU-seconds an award may take in all, for those who enforce it on a cluster."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduler.domain.awards import AwardState

USABLE: Final = frozenset({AwardState.ACCEPTED, AwardState.ACTIVE})
"""States in which what is left of an award may be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardLimit:
    """What an award may take of one GPU type, counted from its first second; never wiped.

    Attributes:
        person: the fellow; group and institute are where the fellow belongs now.
        granted_gpu_seconds: what it may use in all: what it still holds and what it used.
        used_gpu_seconds: used of it, as the ledger has it.
        window: from when until when its cells lie, if the calendar has a first day.
        gpus: most GPUs at once, if the request states it.
        gang_gpus: GPUs that are used together.
    """

    award: str
    round: str
    person: str
    group: str | None
    institute: str | None
    gpu_type: str
    state: AwardState
    granted_gpu_seconds: int
    used_gpu_seconds: int
    window: tuple[datetime, datetime] | None
    gpus: int | None
    gang_gpus: int = 1

    @property
    def left_gpu_seconds(self) -> int:
        """What may still be used: nothing when it is suspended, over, or overspent."""
        if self.state not in USABLE:
            return 0
        return max(self.granted_gpu_seconds - self.used_gpu_seconds, 0)
