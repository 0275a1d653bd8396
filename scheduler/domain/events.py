"""What happened, as data: told by transitions, kept in one hash-chained log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Document: TypeAlias = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that a transition tells: what kind, to which thing, with what facts.

    Attributes:
        kind: noun and verb, such as `request.submitted`.
        subject: id of the thing.
        body: facts, without names of people other than their ids.
    """

    kind: str
    subject: str
    body: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A happening as the log keeps it: numbered, chained to the one before.

    Attributes:
        seq: position in the log, from 1.
        hash: SHA-256 of the canonical JSON of all other fields.
    """

    seq: int
    id: str
    at: datetime
    actor: str
    kind: str
    subject: str
    body: Mapping[str, Json]
    previous_hash: str
    hash: str
