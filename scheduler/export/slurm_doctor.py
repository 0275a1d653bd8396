"""What a cluster must be set to, so that a limit in GPU-minutes is a budget and stays one.

Source:
    slurm.conf(5); the Slurm resource limits guide on `GrpTRESMins`, which decays with
    `PriorityDecayHalfLife`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from scheduler.export.slurm_state import GPU

ENFORCED: Final = frozenset({"associations", "limits", "qos", "safe"})
NO_DECAY: Final = frozenset({"0", "00:00:00"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """A setting that lets limits fail.

    Attributes:
        found: as the cluster has it; wanted: as it should be.
        why: what happens otherwise; mend: the line for `slurm.conf`.
    """

    setting: str
    found: str
    wanted: str
    why: str
    mend: str


def examine(
    config: Mapping[str, str], *, cluster: str, gpu_types: Mapping[str, str]
) -> tuple[Ailment, ...]:
    """Return what is wrong with a cluster's settings; nothing when all is well.

    Args:
        config: as `scontrol show config` says.
        cluster: whose accounting it must be.
        gpu_types: GPU types of the cluster, by the center's name → the cluster's.
    """
    return (*_accounting(config, cluster, gpu_types), *_priority(config), *_queue(config))


def _accounting(
    config: Mapping[str, str], cluster: str, gpu_types: Mapping[str, str]
) -> Iterator[Ailment]:
    yield from _expect(
        config,
        "ClusterName",
        frozenset({cluster}),
        "Limits would be written for another cluster, and never be looked at here.",
    )
    yield from _expect(
        config,
        "AccountingStorageType",
        frozenset({"accounting_storage/slurmdbd"}),
        "Without slurmdbd there are no associations to limit.",
    )
    enforced = _words(config.get("AccountingStorageEnforce", ""))
    if not enforced >= ENFORCED:
        yield Ailment(
            setting="AccountingStorageEnforce",
            found=",".join(sorted(enforced)) or "none",
            wanted=",".join(sorted(ENFORCED)),
            why="Limits are kept and not enforced; without `safe`, jobs start that cannot end "
            "within them.",
            mend=f"AccountingStorageEnforce={','.join(sorted(ENFORCED))}",
        )
    tracked = _words(config.get("AccountingStorageTRES", ""))
    needed = {GPU, *(f"{GPU}:{word.lower()}" for word in gpu_types.values() if word)}
    if missing := sorted(needed - tracked):
        yield Ailment(
            setting="AccountingStorageTRES",
            found=",".join(sorted(tracked)) or "none",
            wanted=",".join(sorted(needed)),
            why=f"What is not tracked cannot be limited: {', '.join(missing)}.",
            mend=f"AccountingStorageTRES={','.join(sorted(needed))}",
        )


def _priority(config: Mapping[str, str]) -> Iterator[Ailment]:
    yield from _expect(
        config,
        "PriorityType",
        frozenset({"priority/multifactor"}),
        "Only this plugin keeps the minutes that GrpTRESMins is compared with.",
    )
    yield from _expect(
        config,
        "PriorityDecayHalfLife",
        NO_DECAY,
        "Used minutes decay, so that an award could be used again and again.",
    )
    yield from _expect(
        config,
        "PriorityUsageResetPeriod",
        frozenset({"NONE"}),
        "Used minutes are wiped each period; limits count from the first second.",
    )


def _queue(config: Mapping[str, str]) -> Iterator[Ailment]:
    setting = "max_dbd_msg_action=exit"
    if setting not in _words(config.get("SlurmctldParameters", "")):
        yield Ailment(
            setting="SlurmctldParameters",
            found=config.get("SlurmctldParameters", "none"),
            wanted=setting,
            why="While slurmdbd is away, records of jobs beyond MaxDBDMsgs are discarded: usage "
            "that nobody will ever count.",
            mend=f"SlurmctldParameters={setting}",
        )


def _expect(
    config: Mapping[str, str], setting: str, allowed: frozenset[str], why: str
) -> Iterator[Ailment]:
    found = config.get(setting, "none")
    if found.casefold() not in {each.casefold() for each in allowed}:
        best = min(allowed)
        yield Ailment(setting=setting, found=found, wanted=best, why=why, mend=f"{setting}={best}")


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in text.split(",") if word.strip())
