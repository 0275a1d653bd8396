"""``python -m api.describe`` writes ``docs/openapi.json`` again."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, TypeVar

from fastapi import FastAPI

from api.app import assemble, house
from api.openapi import text
from scheduler.domain.errors import StoreUnavailable
from scheduler.ports.store import Transaction

T = TypeVar("T")
COMMITTED: Final = Path(__file__).parent.parent / "docs" / "openapi.json"


class _NoStore:
    """Stands where a store would; nobody asks it while the document is made."""

    def write(self, command: Callable[[Transaction], T]) -> T:
        """Take nothing."""
        del command
        raise StoreUnavailable(why="this process has no store")

    def read(self) -> AbstractContextManager[Transaction]:
        """Show nothing."""
        raise StoreUnavailable(why="this process has no store")


def without_store() -> FastAPI:
    """Return the application around no store, to be described."""
    return assemble(house(_NoStore(), b"", entropy=bytes))


if __name__ == "__main__":
    COMMITTED.write_text(text(without_store()), "utf-8")
