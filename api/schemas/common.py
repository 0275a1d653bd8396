"""Models that every noun shares: problems, lists, acts that may come next."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Instant, Model, Said

T = TypeVar("T")


class Shown(BaseModel):
    """What we answer; read from the attributes of a domain value."""

    model_config = ConfigDict(from_attributes=True, frozen=True, populate_by_name=True)


class FieldError(Shown):
    """One field that breaks a rule."""

    pointer: str = Field(description="JSON pointer into the body, or place:name of a parameter.")
    code: str
    message: str
    limit: Any = None
    got: Any = None


class Problem(Shown):
    """An error as RFC 9457 asks for it; `code` never changes, texts follow Accept-Language."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    errors: list[dict[str, Any]]
    docs: str
    retry_after_s: int | None = None


class NextAct(Shown):
    """Something the state and the caller's roles allow next, or why not."""

    name: str
    href: str
    method: str
    allowed: bool
    why_not: str | None = None


class Receipt(Shown):
    """Evidence of a change: where it stands in the event log, and when we received it."""

    event_id: str
    log_index: int
    leaf_hash: str
    server_time: Instant


class Resource(Shown):
    """A resource with a lifecycle.

    Lists leave `_actions` empty; reading one resource fills them. `receipt` comes with a change.
    """

    actions: list[NextAct] = Field(default_factory=list, alias="_actions")
    receipt: Receipt | None = None


class Listing(Shown, Generic[T]):
    """A page of a list."""

    items: list[T]
    next_cursor: str | None = None


class Because(Model):
    """A body that only says why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Agreed by the committee."}]}
    )

    reason: Said


class ProblemKind(Shown):
    """A page of the error catalogue."""

    code: str
    status: int
    title: str
    detail: str | None = None


class HistoryEntry(Shown):
    """One event of a thing's story; `actor` is null where the caller may not know the name."""

    seq: int
    at: Instant
    actor: str | None
    kind: str
    subject: str
    body: dict[str, Any]
    hash: str
