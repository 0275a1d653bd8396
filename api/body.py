"""Read a request's JSON strictly: exact decimals, no duplicate keys, no NaN, bounded depth."""

import hashlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.errors import MalformedBody

BODY: Final = "dure.body"
"""Key of the ASGI scope under which the read body waits."""
MAX_DEPTH: Final = 32
"""Deepest nesting of a body."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Stands for a body that is not JSON; refused after the caller is known, not before.

    Attributes:
        reason: what is wrong, in English.
        position: character where reading stopped, or None.
    """

    reason: str
    position: int | None = None

    def refusal(self) -> MalformedBody:
        """Return the error that says so."""
        where = "" if self.position is None else f", character {self.position}"
        return MalformedBody(why=f"{self.reason}{where}")


def parse(raw: bytes) -> object:
    """Return the value of a JSON text, decimals as `Decimal`, or `Malformed`.

    Args:
        raw: UTF-8 bytes.
    """
    try:
        value: object = json.loads(
            raw.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        return Malformed(error.msg, error.pos)
    except UnicodeDecodeError as error:
        return Malformed("not UTF-8", error.start)
    except RecursionError:
        return Malformed(f"nested deeper than {MAX_DEPTH}")
    except ValueError as error:
        return Malformed(str(error))
    if _depth_exceeds(value, MAX_DEPTH):
        return Malformed(f"nested deeper than {MAX_DEPTH}")
    return value


def fingerprint(*parts: object) -> str:
    """Return the SHA-256 of the parts as sorted JSON; numbers that are equal print equal."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=_number)
    return hashlib.sha256(text.encode()).hexdigest()


class StrictRequest(Request):
    """A request whose JSON is read by `parse`."""

    async def json(self) -> object:
        """Return the body's value, read once; `Malformed` when it is not JSON."""
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        self.scope[BODY] = self._json
        return self._json


class StrictRoute(APIRoute):
    """A route that reads its body by `parse`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the framework's handler, fed with a `StrictRequest`."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            """Answer with a body read strictly."""
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _depth_exceeds(value: object, limit: int) -> bool:
    layer = [value]
    for _ in range(limit):
        below: list[object] = []
        for item in layer:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return False
        layer = below
    return True


def _number(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize()}"
    raise TypeError(type(value).__name__)
