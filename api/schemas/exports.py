"""What other systems are told about awards."""

from api.schemas.common import Shown
from api.schemas.fields import Instant
from scheduler.domain.awards import AwardState


class LimitOut(Shown):
    """What an award may take of one GPU type: `gpus` at once, in gangs, within the window."""

    award: str
    round: str
    person: str
    group: str | None
    institute: str | None
    gpu_type: str
    state: AwardState
    granted_gpu_seconds: int
    used_gpu_seconds: int
    left_gpu_seconds: int
    window: tuple[Instant, Instant] | None
    gpus: int | None
    gang_gpus: int


class LimitsOut(Shown):
    """The limits of a round's awards; `metered_at`: when the cluster last reported its use."""

    round: str
    metered_at: Instant | None
    items: list[LimitOut]
