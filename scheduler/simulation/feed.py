"""The accounting feed of a cluster: reports come on time, twice, or slots late."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from scheduler.domain.awards import Award
from scheduler.domain.usage import Run
from scheduler.simulation.chance import chance

CLUSTER: Final = "sim"
LATE_PERCENT: Final = 5
TWICE_PERCENT: Final = 5
LATEST_SLOTS: Final = 4
SECOND: Final = timedelta(seconds=1)


def slot_runs(
    award: Award, gpu_type: str, gpu_seconds: int, *, slot: tuple[datetime, datetime]
) -> tuple[Run, ...]:
    """Return a slot's use of an award as one job under its own QOS, on few GPUs for long.

    Less than a second a GPU is lost to rounding.
    """
    begins, ends = slot
    gpus = max(-(-gpu_seconds // ((ends - begins) // SECOND)), 1)
    seconds = gpu_seconds // gpus
    if not seconds:
        return ()
    run = Run(
        cluster=CLUSTER,
        job=f"{award.id}-{gpu_type}-{begins:%Y%m%d}",
        user=award.fellow,
        gpu_type=gpu_type,
        gpus=gpus,
        starts_at=begins,
        ends_at=begins + seconds * SECOND,
        hint=(award.id,),
    )
    return (run,)


@dataclass(slots=True)
class Feed:
    """Reports on their way.

    Attributes:
        waiting: reports by the slot in which they arrive, counted over all seasons.
    """

    seed: int
    waiting: dict[int, list[Run]] = field(default_factory=dict)

    def report(self, runs: Iterable[Run], slot: int) -> None:
        """Send a slot's reports; some take up to four more, some are sent twice."""
        for run in runs:
            rng = chance(self.seed, "feed", run.job)
            late, twice, slots = rng.integers(100), rng.integers(100), rng.integers(LATEST_SLOTS)
            arrival = slot + (1 + int(slots) if late < LATE_PERCENT else 0)
            self.waiting.setdefault(arrival, []).append(run)
            if twice < TWICE_PERCENT:
                self.waiting.setdefault(slot + 1, []).append(run)

    def arrived(self, slot: int) -> tuple[Run, ...]:
        """Return, and forget, what has arrived by a slot, in an order of chance."""
        due = sorted(each for each in self.waiting if each <= slot)
        runs = [run for each in due for run in self.waiting.pop(each)]
        order = chance(self.seed, "order", slot).permutation(len(runs))
        return tuple(runs[at] for at in order)

    def rest(self) -> tuple[Run, ...]:
        """Return everything that is still on its way."""
        return self.arrived(max(self.waiting, default=0))
