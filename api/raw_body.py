"""Bodies that are files: CSV, JSON or gzip, bounded before and after unpacking."""

import hashlib
import zlib
from typing import Annotated, Any, Final

from fastapi import Depends
from starlette.requests import Request

from api.body import BODY
from api.errors import MalformedBody, PayloadTooLarge, UnsupportedMediaType

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a file after unpacking."""
GZIP: Final = b"\x1f\x8b"


async def raw_body(request: Request) -> bytes:
    """Return the body as it came; its digest stands for it under an Idempotency-Key."""
    raw = await request.body()
    request.scope[BODY] = hashlib.sha256(raw).hexdigest()
    return raw


RawBody = Annotated[bytes, Depends(raw_body)]
"""The body's bytes, as a route's argument."""


def unpacked(raw: bytes) -> bytes:
    """Return a file's bytes, unpacked if it is gzipped.

    Raises:
        PayloadTooLarge: If it unpacks to more than 64 MiB.
        MalformedBody: If it is damaged.
    """
    if raw[:2] != GZIP:
        return raw
    unpack = zlib.decompressobj(wbits=31)
    try:
        text = unpack.decompress(raw, LARGEST)
    except zlib.error as error:
        raise MalformedBody(why=f"damaged gzip: {error}") from error
    if unpack.unconsumed_tail:
        raise PayloadTooLarge(limit=LARGEST, got=LARGEST + 1)
    if not unpack.eof:
        raise MalformedBody(why="the gzip ends too early")
    return text


def text_of(raw: bytes) -> str:
    """Return a file's text.

    Raises:
        MalformedBody: If it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(why=f"not UTF-8 at byte {error.start}") from error


def media_type(request: Request, accepted: tuple[str, ...]) -> str:
    """Return which of the accepted content types came.

    Raises:
        UnsupportedMediaType: If it is none of them.
    """
    came = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if came not in accepted:
        raise UnsupportedMediaType(accepted=", ".join(accepted))
    return came


def documented(*bodies: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Return how such a body stands in the OpenAPI document.

    Args:
        *bodies: content type and its schema.
    """
    content = {kind: {"schema": schema} for kind, schema in bodies}
    return {"requestBody": {"required": True, "content": content}}
