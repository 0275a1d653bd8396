"""Names and shapes that the queues of every Kubernetes scheduler share."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, TypeAlias

from scheduler.domain.amounts import MILLI
from scheduler.domain.pace import Pace, PacedAward

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON data."""

GPU: Final = "nvidia.com/gpu"
"""The resource that a GPU is requested as."""
CENTER: Final = "dure"
"""The queue above all queues of the center."""
UNGROUPED: Final = "ungrouped"
"""Stands for the group of whoever has none; no group is called so, for groups have a prefix."""
MANAGED: Final = {"app.kubernetes.io/managed-by": "dure"}
LONGEST: Final = 63
"""Most characters of a DNS label, and of the value of a Kubernetes label."""
LONGEST_TYPE: Final = 32
"""Most characters of the label of a GPU type: with an award's they fit into one label value."""
_PLAIN: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DIGITS: Final = 16


def dns_name(kind: str, id_: str, longest: int = LONGEST) -> str:
    """Return a DNS label (RFC 1123) for an id; two ids of a kind never share one.

    An id that is such a label without a double hyphen stands as it is. Any other is named by
    what is left of it, a double hyphen and 64 bits of its digest, so it meets none of the former.

    Args:
        kind: a short prefix, itself a label without a double hyphen.
        id_: any text.
        longest: most characters of the name.
    """
    plain = f"{kind}-{id_}"
    if len(plain) <= longest and _PLAIN.fullmatch(id_):
        return plain
    digest = hashlib.sha256(id_.encode()).hexdigest()[:_DIGITS]
    room = longest - len(kind) - _DIGITS - 3
    readable = re.sub(r"[^a-z0-9]+", "-", id_.lower())[:room].strip("-")
    return "-".join(filter(None, (kind, readable))) + f"--{digest}"


def award_name(award: str) -> str:
    """Return the label of an award: its id, which the center made, with a hyphen."""
    return award.replace("_", "-")


def type_name(gpu_type: str) -> str:
    """Return the label of a GPU type, which is the same type however it is capitalised."""
    return dns_name("gpu", gpu_type.casefold(), LONGEST_TYPE)


def group_name(group: str | None) -> str:
    """Return the label of a group."""
    return UNGROUPED if group is None else dns_name("group", group)


def institute_name(institute: str) -> str:
    """Return the label of an institute."""
    return dns_name("inst", institute)


def parent_of_group(institute: str | None) -> str:
    """Return the label of the queue above a group's."""
    return CENTER if institute is None else institute_name(institute)


def queue_name(award: str, gpu_type: str) -> str:
    """Return the name of an award's queue on one GPU type; no label holds a dot."""
    return f"{award_name(award)}.{type_name(gpu_type)}"


def group_queue(group: str | None, gpu_type: str) -> str:
    """Return the name of a group's queue on one GPU type."""
    return f"{group_name(group)}.{type_name(gpu_type)}"


def weight_text(weight: int) -> str:
    """Return thousandths as a quantity without needless places."""
    whole, rest = divmod(weight, MILLI)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")


def made(  # noqa: PLR0913 - the parts of an object
    version: str,
    kind: str,
    name: str,
    spec: Object,
    *,
    namespace: str | None = None,
    labels: dict[str, str] | None = None,
    of: dict[str, str] | None = None,
) -> Object:
    """Return a Kubernetes object that says that Dure manages it.

    Args:
        version: apiVersion.
        kind: kind.
        name: name.
        spec: spec.
        namespace: where it lives, unless it belongs to the whole cluster.
        labels: more labels.
        of: ids in the center that it stands for, by noun.
    """
    metadata: Object = {"name": name, "labels": {**MANAGED, **(labels or {})}}
    if namespace is not None:
        metadata["namespace"] = namespace
    if of:
        metadata["annotations"] = {f"dure/{noun}": id_ for noun, id_ in of.items()}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def groups_of(awards: Iterable[PacedAward]) -> dict[str | None, PacedAward]:
    """Return one award of each group, by group; those without one come last."""
    found = {each.group: each for each in awards}
    return {group: found[group] for group in sorted(found, key=lambda id_: (id_ is None, id_))}


def institutes_of(awards: Iterable[PacedAward]) -> list[str]:
    """Return the institutes of the awards' groups."""
    return sorted({each.institute for each in awards if each.institute is not None})


def gpu_types_of(awards: Iterable[PacedAward]) -> list[str]:
    """Return the GPU types that the awards are paced on."""
    return sorted({gpu_type for each in awards for gpu_type in each.paces})


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The awards of one group on one GPU type, where queues have no notion of types.

    Attributes:
        even: GPUs that the awards are sure of, together.
        leaves: the awards with their paces.
    """

    group: str | None
    gpu_type: str
    even: int
    leaves: tuple[tuple[PacedAward, Pace], ...]


def branches(awards: Sequence[PacedAward]) -> Iterator[Branch]:
    """Yield the awards by GPU type and group."""
    for gpu_type, group in product(gpu_types_of(awards), groups_of(awards)):
        leaves = tuple(
            (each, each.paces[gpu_type])
            for each in awards
            if each.group == group and gpu_type in each.paces
        )
        if leaves:
            even = sum(pace.even for _, pace in leaves)
            yield Branch(group=group, gpu_type=gpu_type, even=even, leaves=leaves)
