"""Events as auditors read them."""

from typing import Any

from api.schemas.common import Shown
from api.schemas.fields import Instant


class EventOut(Shown):
    """One event; `hash` is the SHA-256 of the canonical JSON of all its other fields."""

    seq: int
    id: str
    at: Instant
    actor: str
    kind: str
    subject: str
    body: dict[str, Any]
    previous_hash: str
    hash: str
