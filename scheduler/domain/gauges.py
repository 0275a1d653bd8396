"""Gauges: what a cluster's controller counts of a user right now.

A gauge is not usage: it is rounded to whole minutes, counts what still runs, and starts anew when
an administrator resets it. The books are made of slices; gauges are compared with them.
"""

from dataclasses import dataclass
from datetime import datetime

from scheduler.domain.errors import InvalidValue
from scheduler.domain.names import line

LARGEST_MINUTES = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """The controller's counters of one user in one account.

    Attributes:
        id: cluster, account and user, which name it.
        person: account name, which is the id of the person.
        limit_gpu_minutes: the budget, or nothing without a limit.
        used_gpu_minutes: whole minutes, of ended and running jobs.
        running_gpus: in use now.
        seen_at: when the controller was asked.
    """

    id: str
    cluster: str
    account: str
    person: str
    limit_gpu_minutes: int | None
    used_gpu_minutes: int
    running_gpus: int
    seen_at: datetime

    def __post_init__(self) -> None:
        for field in ("cluster", "account", "person"):
            if not line(getattr(self, field), field=f"/{field}", longest=128):
                raise InvalidValue(field=f"/{field}", value="", rule="required")
        for field in ("limit_gpu_minutes", "used_gpu_minutes", "running_gpus"):
            value = getattr(self, field)
            if value is not None and not 0 <= value <= LARGEST_MINUTES:
                raise InvalidValue(field=f"/{field}", value=value, rule=f"0 to {LARGEST_MINUTES}")


def gauge_id(cluster: str, account: str, person: str) -> str:
    """Return the id of a gauge: it says what it counts."""
    return f"{cluster}/{account}/{person}"
