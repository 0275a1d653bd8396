"""Awards as queues of the KAI scheduler: one a GPU type, group and award.

KAI knows no GPU types inside a queue: nodes and queues of a type carry the label of a node pool.
A queue's quota is what it is sure of, its limit what it may hold at most; -1 sets no limit.

Source:
    scheduling.run.ai/v2, as in `configs/schemas/`.
"""

from collections.abc import Sequence
from typing import Final

from scheduler.domain.pace import PacedAward
from scheduler.export.queues import (
    Object,
    branches,
    group_queue,
    made,
    queue_name,
    type_name,
)

VERSION: Final = "scheduling.run.ai/v2"
NODE_POOL: Final = "kai.scheduler/node-pool"
UNLIMITED: Final = -1


def objects(awards: Sequence[PacedAward]) -> list[Object]:
    """Return what a cluster needs for these awards, each group's queue before its awards'."""
    found = []
    for branch in branches(awards):
        parent = group_queue(branch.group, branch.gpu_type)
        of_group = {} if branch.group is None else {"group": branch.group}
        spec: Object = {"resources": _resources(branch.even, UNLIMITED)}
        found.append(_queue(parent, branch.gpu_type, spec, of_group))
        for award, pace in branch.leaves:
            spec = {"parentQueue": parent, "resources": _resources(pace.even, pace.most)}
            name = queue_name(award.award, branch.gpu_type)
            found.append(_queue(name, branch.gpu_type, spec, {"award": award.award}))
    return found


def _queue(name: str, gpu_type: str, spec: Object, of: dict[str, str]) -> Object:
    return made(VERSION, "Queue", name, spec, labels={NODE_POOL: type_name(gpu_type)}, of=of)


def _resources(quota: int, limit: int) -> Object:
    """Return GPUs by quota and limit; processors and memory are not what the center hands out."""
    unbound = {"quota": UNLIMITED, "limit": UNLIMITED, "overQuotaWeight": 1}
    return {
        "gpu": {"quota": quota, "limit": limit, "overQuotaWeight": 1},
        "cpu": unbound,
        "memory": unbound,
    }
