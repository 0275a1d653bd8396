"""Awards as Volcano queues: one a GPU type, group and award, under the capacity plugin.

A queue deserves the award's even pace and may hold its most. The nodes of a GPU type are a node
group: they carry the label `volcano.sh/nodegroup-name`, and the nodegroup plugin is on.

Source:
    scheduling.volcano.sh/v1beta1, as in `configs/schemas/`.
"""

from collections.abc import Sequence
from typing import Final

from scheduler.domain.pace import PacedAward
from scheduler.export.queues import (
    GPU,
    Object,
    branches,
    group_queue,
    made,
    queue_name,
    type_name,
)

VERSION: Final = "scheduling.volcano.sh/v1beta1"
ROOT: Final = "root"
"""The queue above all, which Volcano makes itself."""


def objects(awards: Sequence[PacedAward]) -> list[Object]:
    """Return what a cluster needs for these awards, each group's queue before its awards'."""
    found = []
    for branch in branches(awards):
        parent = group_queue(branch.group, branch.gpu_type)
        of_group = {} if branch.group is None else {"group": branch.group}
        spec = {"parent": ROOT, **_shared(branch.gpu_type, branch.even)}
        found.append(made(VERSION, "Queue", parent, spec, of=of_group))
        for award, pace in branch.leaves:
            spec = {
                "parent": parent,
                "capability": {GPU: str(pace.most)},
                **_shared(branch.gpu_type, pace.even),
            }
            name = queue_name(award.award, branch.gpu_type)
            found.append(made(VERSION, "Queue", name, spec, of={"award": award.award}))
    return found


def _shared(gpu_type: str, even: int) -> Object:
    """Return what a queue deserves, and on which nodes."""
    group = {"requiredDuringSchedulingIgnoredDuringExecution": [type_name(gpu_type)]}
    return {
        "deserved": {GPU: str(even)},
        "reclaimable": True,
        "affinity": {"nodeGroupAffinity": group},
    }
