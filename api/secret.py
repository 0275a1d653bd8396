"""The key of tokens and cursors: a file that only its owner reads, made at the first start."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

LENGTH: Final = 32
"""Bytes of chance in a key."""


class InvalidSecret(Exception):  # noqa: N818 - refusals are named by their rule
    """The key file is too short to be a key."""


def read_secret(path: Path, entropy: Callable[[int], bytes]) -> bytes:
    """Return the key, making the file if there is none; two first starts agree on one.

    Args:
        path: the key file.
        entropy: gives that many unpredictable bytes.

    Raises:
        InvalidSecret: If the file holds fewer than 32 bytes.
        OSError: If it can be neither read nor made.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path, entropy(LENGTH).hex().encode())
    secret = path.read_bytes().strip()
    if len(secret) < LENGTH:
        raise InvalidSecret(f"{path} holds {len(secret)} bytes; a key has {LENGTH} or more.")
    return secret


def _make(path: Path, secret: bytes) -> None:
    """Write beside and link into place, so that nobody ever reads half a key."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        pass  # another process was first; its key counts
    finally:
        beside.unlink()
