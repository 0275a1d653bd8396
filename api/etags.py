"""Strong entity tags: the version and eight digits of the representation's digest."""

import hashlib
import re
from typing import Final

_TAG: Final = re.compile(r'"v(\d{1,15})-[0-9a-f]{8}"')


def etag(version: int, representation: bytes) -> str:
    """Return ``"v7-1f2e3d4c"`` for a version and the bytes it is shown as."""
    return f'"v{version}-{hashlib.sha256(representation).hexdigest()[:8]}"'


def names(header: str, current: str) -> bool:
    """Tell whether an ``If-None-Match`` list names the current tag."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or current in tags


def version_named(header: str) -> int | None:
    """Return the version an ``If-Match`` header names; None for ``*``.

    A tag that is not one of ours names version 0, which nothing has: so it matches nothing.
    """
    if header.strip() == "*":
        return None
    tag = _TAG.fullmatch(header.strip())
    return int(tag[1]) if tag else 0
