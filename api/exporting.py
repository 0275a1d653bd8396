"""Formats in which a round's awards leave for other systems: one table of renderers."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from api.plain_json import encode
from api.replies import Reply, document
from scheduler.domain.pace import PacedAward
from scheduler.export import kai, kueue, volcano
from scheduler.export.queues import Object


class Queues(StrEnum):
    """A Kubernetes scheduler whose queues are written."""

    KUEUE = "kueue"
    """kueue.x-k8s.io/v1beta2."""
    KAI = "kai"
    """scheduling.run.ai/v2."""
    VOLCANO = "volcano"
    """scheduling.volcano.sh/v1beta1."""


OBJECTS: Final[Mapping[Queues, Callable[[Sequence[PacedAward]], list[Object]]]] = {
    Queues.KUEUE: kueue.objects,
    Queues.KAI: kai.objects,
    Queues.VOLCANO: volcano.objects,
}


def queues(scheduler: Queues, awards: Sequence[PacedAward], name: str) -> Reply:
    """Return the queues of paced awards as a list that `kubectl apply -f` takes."""
    listed = {"apiVersion": "v1", "kind": "List", "items": OBJECTS[scheduler](awards)}
    return document(encode(listed, indent=1) + "\n", name)
