"""What may come next: the same table for everybody who would otherwise guess."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from api.door import Caller
from api.schemas.common import NextAct
from scheduler.domain.access import Scope
from scheduler.domain.directory import Person

STATE: Final = "invalid-transition"
ROLE: Final = "forbidden"
SECOND: Final = "second-person-required"


@dataclass(frozen=True, slots=True)
class Whose:
    """The fellow behind a resource, with group and institute."""

    person: str
    group: str | None = None
    institute: str | None = None

    @classmethod
    def of(cls, person: str, known: Person | None) -> "Whose":
        """Return whose thing it is, with what the directory knows of the person."""
        if known is None:
            return cls(person)
        return cls(person, known.group, known.institute)

    def is_named(self, scope: Scope) -> bool:
        """Tell whether a scope may know the fellow's name."""
        return scope.names(person=self.person, group=self.group, institute=self.institute)


@dataclass(frozen=True, slots=True)
class Possible:
    """An act on a resource.

    Attributes:
        name: sub-resource, as in the address.
        step: what the domain calls it.
        action: row of the permission matrix.
        method: HTTP method.
    """

    name: str
    step: str
    action: str
    method: str = "POST"


def acts(  # noqa: PLR0913 - who asks, for what thing, and three facts about it
    caller: Caller,
    address: str,
    possible: Iterable[Possible],
    *,
    allowed: Iterable[str],
    earlier: Iterable[str | None] = (),
    whose: Whose | None = None,
) -> list[NextAct]:
    """Return every act with whether it is allowed now, and the code of the refusal if not.

    Args:
        caller: who asks.
        address: of the resource.
        possible: all acts of this kind of resource.
        allowed: steps its state allows.
        earlier: people who may not take the part of the second person.
        whose: the fellow behind the resource; None when it is nobody's own.
    """
    steps = frozenset(allowed)
    parts = frozenset(earlier)
    return [_next(address, each, _why_not(caller, each, steps, parts, whose)) for each in possible]


def _why_not(
    caller: Caller,
    each: Possible,
    steps: frozenset[str],
    earlier: frozenset[str | None],
    whose: Whose | None,
) -> str | None:
    permit = caller.permit_for(each.action)
    if permit is None:
        return ROLE
    scope = permit.scope
    if whose is not None and not whose.is_named(scope):
        return ROLE
    if each.step not in steps:
        return STATE
    return SECOND if scope.second_person and permit.person in earlier else None


def _next(address: str, each: Possible, why_not: str | None) -> NextAct:
    href = f"{address}/{each.name}" if each.method == "POST" else address
    return NextAct(
        name=each.name, href=href, method=each.method, allowed=why_not is None, why_not=why_not
    )
