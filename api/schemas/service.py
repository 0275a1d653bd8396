"""The service about itself."""

from typing import Literal

from api.schemas.common import Shown
from api.schemas.fields import Instant


class Alive(Shown):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Shown):
    """Whether the store can be read."""

    status: Literal["ready", "unavailable"]
    store: str


class Version(Shown):
    """What runs."""

    name: Literal["dure"] = "dure"
    version: str
    api: Literal["v1"] = "v1"


class Time(Shown):
    """The server's clock, by which deadlines are decided."""

    now: Instant
    now_kst: str
    epoch_ms: int
