"""Slurm's words for resources: `billing=1,cpu=64,gres/gpu:h100=8,gres/gpu=8`."""

from collections.abc import Mapping
from typing import Final

from scheduler.domain.usage import UNKNOWN_TYPE

GPU: Final = "gres/gpu"
TYPED: Final = "gres/gpu:"


def read_tres(text: str) -> dict[str, str]:
    """Return resources by name, amounts as they are written; their order means nothing."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {name.strip(): amount.strip() for name, _, amount in pairs}


def gpus_by_type(amounts: Mapping[str, int]) -> dict[str, int]:
    """Return the GPUs of an allocation by type.

    The plain entry counts the typed ones too, so they are never added up; GPUs that no typed
    entry speaks of have no type.

    Args:
        amounts: by name of the resource.
    """
    typed = {
        name.removeprefix(TYPED): count for name, count in amounts.items() if name.startswith(TYPED)
    }
    rest = amounts.get(GPU, 0) - sum(typed.values())
    if rest > 0:
        typed[UNKNOWN_TYPE] = rest
    return {kind: count for kind, count in typed.items() if count > 0}
