"""An ask as a document: decimals at the border, thousandths inside."""

from collections.abc import Mapping
from typing import Any, Final

from scheduler.domain.amounts import number, thousandths
from scheduler.domain.errors import InvalidValue
from scheduler.domain.events import Document, Json
from scheduler.domain.requests import Ask, AskShape, Urgency

KEYS: Final = frozenset(
    {
        "title",
        "abstract",
        "gpu_hours",
        "minimum_gpu_hours",
        "gang_gpus",
        "max_gpus",
        "window",
        "speeds",
        "shape",
        "block_slots",
        "single_pool",
        "after",
        "track",
        "urgency",
    }
)


def ask_document(ask: Ask) -> Document:
    """Return the ask with decimal amounts; what is not stated is null."""
    return {
        "title": ask.title,
        "abstract": ask.abstract,
        "gpu_hours": None if ask.gpu_hours is None else number(ask.gpu_hours),
        "minimum_gpu_hours": number(ask.minimum_gpu_hours),
        "gang_gpus": ask.gang_gpus,
        "max_gpus": ask.max_gpus,
        "window": None if ask.window is None else list(ask.window),
        "speeds": {pool: number(speed) for pool, speed in sorted(ask.speeds.items())},
        "shape": str(ask.shape),
        "block_slots": ask.block_slots,
        "single_pool": ask.single_pool,
        "after": ask.after,
        "track": ask.track,
        "urgency": None if ask.urgency is None else str(ask.urgency),
    }


def read_ask(document: Mapping[str, Any]) -> Ask:
    """Return the ask of a document whose values have the right JSON types.

    Missing keys take the defaults of `Ask`; null amounts are not stated.

    Raises:
        InvalidValue: If a key is unknown or a value breaks a rule of its field.
    """
    unknown = sorted(document.keys() - KEYS)
    if unknown:
        raise InvalidValue(field=f"/{unknown[0]}", value=unknown[0], rule="a known field")
    given = {key: value for key, value in document.items() if value is not None}
    if "gpu_hours" in given:
        given["gpu_hours"] = thousandths(given["gpu_hours"], field="/gpu_hours")
    if "minimum_gpu_hours" in given:
        given["minimum_gpu_hours"] = thousandths(
            given["minimum_gpu_hours"], field="/minimum_gpu_hours"
        )
    if "speeds" in given:
        given["speeds"] = {
            pool: thousandths(speed, field=f"/speeds/{pool}")
            for pool, speed in given["speeds"].items()
        }
    if "window" in given:
        given["window"] = _window(given["window"])
    if "shape" in given:
        given["shape"] = AskShape(given["shape"])
    if "urgency" in given:
        given["urgency"] = Urgency(given["urgency"])
    return Ask(**given)


def patched(ask: Ask, changes: Mapping[str, Json]) -> Ask:
    """Return the ask with some keys changed; null makes an optional key unstated.

    Raises:
        InvalidValue: As `read_ask`.
    """
    return read_ask({**ask_document(ask), **changes})


def _window(value: object) -> tuple[int, int]:
    match value:
        case [int(first), int(end)]:
            return first, end
        case _:
            raise InvalidValue(field="/window", value=value, rule="two slots [first, end)")
