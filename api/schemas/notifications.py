"""Notifications as they are read."""

from typing import Literal

from pydantic import ConfigDict, Field

from api.schemas.common import Shown
from api.schemas.fields import Instant, Model
from scheduler.domain.deliveries import MailWish
from scheduler.domain.messages import Language


class NotificationOut(Shown):
    """One event that the caller is told of; `event` is its position in the log."""

    id: str
    at: Instant
    kind: str
    subject: str
    text: str
    event: int
    read_at: Instant | None


class ContactIn(Model):
    """How the caller wants to be told; the address itself stands in the directory."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"mail": "digest", "language": "en"}]}
    )

    mail: Literal["all", "digest", "none"] = Field(
        description="Everything; one mail a day; no mail."
    )
    language: Literal["ko", "en"] | None = Field(default=None, description="Both when absent.")


class ContactOut(Shown):
    """How the caller is told."""

    mail: MailWish
    language: Language | None
    version: int
