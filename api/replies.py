"""Answers as bytes, made inside the transaction that caused them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel
from starlette.responses import Response

from api.etags import etag

MAKING: Final = frozenset({201, 202})
"""Statuses of answers to something created."""
PYTHON: Final = "text/x-python"
"""Media type of a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer before it leaves.

    Attributes:
        kept: what a replay of the same Idempotency-Key shows instead of `body`, for an answer
            with a secret that is shown once.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: bytes | None = None

    def response(self) -> Response:
        """Return the answer as the framework sends it."""
        return Response(
            self.body, self.status, {"Content-Type": "application/json", **self.headers}
        )


def reply(
    shown: BaseModel,
    status: int = 200,
    *,
    version: int | None = None,
    address: str | None = None,
    kept: BaseModel | None = None,
) -> Reply:
    """Return a model as an answer.

    Args:
        shown: what the body shows.
        status: HTTP status.
        version: version of the resource, for its ETag.
        address: of the resource; its Location when the status says that something was created.
        kept: see `Reply`.
    """
    body = _json(shown)
    headers: dict[str, str] = {}
    if version is not None:
        headers["ETag"] = etag(version, body)
    if address is not None and status in MAKING:
        headers["Location"] = address
    return Reply(
        status=status, body=body, headers=headers, kept=None if kept is None else _json(kept)
    )


def document(text: str, name: str) -> Reply:
    """Return a kept JSON document as it is kept, to be saved as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return Reply(status=200, body=text.encode(), headers=headers)


def script(text: str, name: str) -> Reply:
    """Return a program in Python, to be saved as a file."""
    return file(text.encode(), f"{name}.py", PYTHON)


def file(content: bytes, name: str, media_type: str) -> Reply:
    """Return a file of any type.

    Args:
        content: its bytes; text is UTF-8.
        name: under which it is saved.
        media_type: what it is.
    """
    kind = f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Reply(status=200, body=content, headers=headers)


EMPTY = Reply(status=204, body=b"")
"""Nothing to show."""


def _json(shown: BaseModel) -> bytes:
    return shown.model_dump_json(by_alias=True).encode()
