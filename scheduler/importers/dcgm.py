"""Idleness from NVIDIA's DCGM exporter, by the HTTP API of the Prometheus that scrapes it.

The exporter labels a GPU's metrics with the job that holds it (`hpc_job`, from
`--hpc-job-mapping-dir`). A GPU is idle at a sample when its engine was active for less than a part
of the time: by `DCGM_FI_PROF_GR_ENGINE_ACTIVE` (a ratio) where the exporter has it, otherwise by
`DCGM_FI_DEV_GPU_UTIL` (percent). Each sample stands for one step of time.

Source:
    NVIDIA, DCGM field identifiers 203 and 1001; dcgm-exporter, HPC job mapping.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from scheduler.domain.errors import InvalidUsage, InvalidValue

HELD: Final = 'hpc_job!=""'
ACTIVE: Final = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
UTIL: Final = "DCGM_FI_DEV_GPU_UTIL"
PERCENT: Final = 100
LONGEST_STEP: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleQuery:
    """What counts as idle, and over which time.

    Attributes:
        window: until the instant at which Prometheus is asked.
        step: the time that a sample stands for, at least the scrape interval.
        idle_percent: less activity than this is idle.
    """

    window: timedelta
    step: timedelta
    idle_percent: int = 5

    def __post_init__(self) -> None:
        if not timedelta(seconds=1) <= self.step <= LONGEST_STEP:
            raise InvalidValue(field="/step", value=str(self.step), rule="1 second to 1 hour")
        if self.window < self.step:
            raise InvalidValue(field="/window", value=str(self.window), rule="at least one step")
        if not 1 <= self.idle_percent <= PERCENT:
            raise InvalidValue(field="/idle_percent", value=self.idle_percent, rule="1 to 100")

    @property
    def idle(self) -> str:
        """PromQL: GPU-seconds that each job held idle."""
        part = self.idle_percent / PERCENT
        is_idle = (
            f"(({ACTIVE}{{{HELD}}} < bool {part}) or ({UTIL}{{{HELD}}} < bool {self.idle_percent}))"
        )
        return self._summed("sum_over_time", is_idle)

    @property
    def held(self) -> str:
        """PromQL: GPU-seconds that each job held."""
        return self._summed("count_over_time", f"({ACTIVE}{{{HELD}}} or {UTIL}{{{HELD}}})")

    def _summed(self, function: str, samples: str) -> str:
        window, step = (int(each.total_seconds()) for each in (self.window, self.step))
        return f"sum by (hpc_job) ({function}({samples}[{window}s:{step}s])) * {step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleJob:
    """GPU-seconds that a job held, and held idle."""

    job: str
    held: int
    idle: int


def read_idle(held: Mapping[str, Any], idle: Mapping[str, Any]) -> tuple[IdleJob, ...]:
    """Return what two answers of Prometheus say of each job, the most idle first.

    Args:
        held: the answer to `IdleQuery.held`.
        idle: the answer to `IdleQuery.idle`.

    Raises:
        InvalidUsage: If one of them is no vector by job.
    """
    holding, idling = dict(_by_job(held)), dict(_by_job(idle))
    jobs = (
        IdleJob(job=job, held=seconds, idle=min(idling.get(job, 0), seconds))
        for job, seconds in holding.items()
    )
    return tuple(sorted(jobs, key=lambda each: (-each.idle, each.job)))


def _by_job(answer: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield job and whole GPU-seconds of a vector."""
    try:
        if answer["status"] != "success" or answer["data"]["resultType"] != "vector":
            raise InvalidUsage(row=1, value=str(answer.get("error", "answer")), rule="a vector")
        for row in answer["data"]["result"]:
            yield str(row["metric"]["hpc_job"]), round(float(row["value"][1]))
    except (KeyError, TypeError, ValueError, IndexError) as refusal:
        rule = f"a vector by hpc_job ({type(refusal).__name__}: {refusal})"
        raise InvalidUsage(row=1, value="answer", rule=rule) from refusal
