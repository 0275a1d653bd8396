"""Awards as Kueue objects: a flavor a GPU type, a cohort a group, a cluster queue an award.

Kueue's quotas are GPUs at once: `nominalQuota` is the award's even pace, and nominal plus
borrowing its most. An award that rests takes nothing in (`stopPolicy: Hold`); what runs, runs on.

Source:
    kueue.x-k8s.io/v1beta2, as in `configs/schemas/`.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from scheduler.domain.pace import Pace, PacedAward, Step
from scheduler.export.queues import (
    CENTER,
    GPU,
    Object,
    award_name,
    gpu_types_of,
    group_name,
    groups_of,
    institute_name,
    institutes_of,
    made,
    parent_of_group,
    type_name,
    weight_text,
)

VERSION: Final = "kueue.x-k8s.io/v1beta2"
NODE_LABEL: Final = "dure/gpu-type"
"""Label of the nodes of a GPU type; its value is the name of the flavor."""
STEPS: Final = "steps"
"""Annotation of a cluster queue with the paces since use was last known."""


def objects(awards: Sequence[PacedAward]) -> list[Object]:
    """Return what a cluster needs for these awards, in the order in which it may be applied."""
    return [
        *(_flavor(gpu_type) for gpu_type in gpu_types_of(awards)),
        *_cohorts(awards),
        *(cluster_queue(each) for each in awards),
        *(_local_queue(each) for each in awards),
    ]


def cluster_queue(award: PacedAward, steps: Sequence[Step] = ()) -> Object:
    """Return the cluster queue of an award: what it may hold at once, of which GPUs.

    Args:
        award: at its pace.
        steps: earlier paces that the queue is to remember.
    """
    group = group_name(award.group)
    spec: Object = {
        "cohortName": group,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": group}},
        "preemption": {"reclaimWithinCohort": "Any", "withinClusterQueue": "LowerPriority"},
        "stopPolicy": "Hold" if award.rests else "None",
        "resourceGroups": [
            {
                "coveredResources": [GPU],
                "flavors": [
                    _quota(gpu_type, pace) for gpu_type, pace in sorted(award.paces.items())
                ],
            }
        ],
    }
    of = {"award": award.award} | ({STEPS: _written(steps)} if steps else {})
    return made(VERSION, "ClusterQueue", award_name(award.award), spec, of=of)


def steps_of(queue: Object, begins_at: datetime) -> tuple[Step, ...]:
    """Return the paces that a cluster queue remembers, by flavor.

    One that remembers none is taken to have had the pace it has since the award began.
    """
    text = queue["metadata"].get("annotations", {}).get(f"dure/{STEPS}")
    if text is None:
        return (Step(since=begins_at, gpus=quotas(queue)),)
    return tuple(
        Step(since=datetime.fromisoformat(since), gpus=gpus) for since, gpus in json.loads(text)
    )


def _written(steps: Sequence[Step]) -> str:
    return json.dumps([[each.since.isoformat(), dict(each.gpus)] for each in steps])


def quotas(queue: Object) -> dict[str, int]:
    """Return the GPUs that a cluster queue may hold at once, by the name of the flavor."""
    groups = queue["spec"].get("resourceGroups", ())
    return {
        flavor["name"]: sum(
            int(each["nominalQuota"]) + int(each.get("borrowingLimit", 0))
            for each in flavor["resources"]
            if each["name"] == GPU
        )
        for group in groups
        for flavor in group["flavors"]
    }


def _quota(gpu_type: str, pace: Pace) -> Object:
    resource = {
        "name": GPU,
        "nominalQuota": str(pace.even),
        "borrowingLimit": str(pace.most - pace.even),
    }
    return {"name": type_name(gpu_type), "resources": [resource]}


def _flavor(gpu_type: str) -> Object:
    name = type_name(gpu_type)
    return made(
        VERSION,
        "ResourceFlavor",
        name,
        {"nodeLabels": {NODE_LABEL: name}},
        of={"gpu-type": gpu_type},
    )


def _cohorts(awards: Sequence[PacedAward]) -> list[Object]:
    """Return the tree of cohorts: center, institutes, groups."""
    tree = [made(VERSION, "Cohort", CENTER, {})]
    tree += [
        made(
            VERSION,
            "Cohort",
            institute_name(institute),
            {"parentName": CENTER},
            of={"institute": institute},
        )
        for institute in institutes_of(awards)
    ]
    for group, one in groups_of(awards).items():
        spec = {
            "parentName": parent_of_group(one.institute),
            "fairSharing": {"weight": weight_text(one.weight)},
        }
        of = None if group is None else {"group": group}
        tree.append(made(VERSION, "Cohort", group_name(group), spec, of=of))
    return tree


def _local_queue(award: PacedAward) -> Object:
    name = award_name(award.award)
    return made(
        VERSION,
        "LocalQueue",
        name,
        {"clusterQueue": name},
        namespace=group_name(award.group),
        of={"award": award.award},
    )
