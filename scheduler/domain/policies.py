"""Policies: drafted, versioned, locked before a call opens, compared key by key."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from scheduler.domain.errors import InvalidTransition, SecondPersonRequired
from scheduler.domain.events import Happening, Json
from scheduler.domain.names import line, slug


class PolicyState(StrEnum):
    """Whether a version may still serve."""

    DRAFT = "draft"
    """Written, not binding."""
    LOCKED = "locked"
    """Binding; calls may name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named policy: one line of versions."""

    id: str
    title: str
    created_by: str
    created_at: datetime
    latest: int = 0
    version: int = 1

    def __post_init__(self) -> None:
        slug(self.id, field="/name")
        line(self.title, field="/title")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One immutable content of a policy.

    Attributes:
        number: from 1.
        content: the keys of a policy file.
        digest: SHA-256 of the canonical JSON of the content.
    """

    policy: str
    number: int
    content: Mapping[str, Json]
    digest: str
    author: str
    created_at: datetime
    note: str = ""
    state: PolicyState = PolicyState.DRAFT
    locked_by: str | None = None
    locked_at: datetime | None = None
    version: int = 1

    def lock(self, by: str, at: datetime) -> tuple["PolicyVersion", Happening]:
        """Make the version binding.

        Raises:
            SecondPersonRequired: If its author locks it.
        """
        if self.state is not PolicyState.DRAFT:
            raise InvalidTransition(
                kind="policy version",
                id=f"{self.policy}/{self.number}",
                state=self.state,
                action="lock",
                allowed=[],
            )
        if by == self.author:
            raise SecondPersonRequired(action="policy.lock", person=by, part="author")
        locked = replace(
            self, state=PolicyState.LOCKED, locked_by=by, locked_at=at, version=self.version + 1
        )
        told = Happening(
            kind="policy.locked",
            subject=self.policy,
            body={"number": self.number, "digest": self.digest},
        )
        return locked, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key that two contents do not share alike; `None` stands for an absent key."""

    key: str
    before: Json
    after: Json


def differences(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[Difference, ...]:
    """Return what changed between two contents, by dotted key in alphabetical order."""
    old, new = _flat(before, ""), _flat(after, "")
    return tuple(
        Difference(key=key, before=old.get(key), after=new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )


def _flat(content: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    flat: dict[str, Json] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
