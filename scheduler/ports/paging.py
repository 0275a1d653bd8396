"""Which part of a list: pages, slices, filters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from scheduler.domain.awards import AwardState
from scheduler.domain.ledger import AccountKind
from scheduler.domain.requests import RequestState

T = TypeVar("T")


DEFAULT_LIMIT = 50


LARGEST_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next` is the cursor of the following part, if there is one."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a list is asked for."""

    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


FIRST = Slice()
"""The first part, of the default length."""


def everything(page: Callable[[Slice], Page[T]]) -> Iterator[T]:
    """Yield every item of a list, part by part."""
    cursor: str | None = None
    while True:
        part = page(Slice(cursor=cursor, limit=LARGEST_LIMIT))
        yield from part.items
        cursor = part.next
        if cursor is None:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """Which requests a list is about; what is not said is not filtered."""

    call: str | None = None
    state: RequestState | None = None
    fellow: str | None = None
    group: str | None = None


ALL_REQUESTS = RequestFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardFilter:
    """Which awards a list is about; what is not said is not filtered."""

    round: str | None = None
    state: AwardState | None = None
    fellow: str | None = None


ALL_AWARDS = AwardFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """Which accounts of the ledger a list is about; what is not said is not filtered."""

    kind: AccountKind | None = None
    owner: str | None = None
    gpu_type: str | None = None


ALL_ACCOUNTS = AccountFilter()
