"""``Prefer: wait=N`` (RFC 7240): how long a caller would rather wait for the result."""

import re
import time
from collections.abc import Callable
from typing import Final

LONGEST_WAIT: Final = 30
"""Seconds; a longer wish is cut."""
LOOK_SECONDS: Final = 0.1
_WAIT: Final = re.compile(r"\s*wait\s*=\s*(\d{1,6})\s*", re.IGNORECASE)


def prefers_waiting(prefer: str) -> int:
    """Return the seconds a caller would rather wait; 0 when nothing is preferred."""
    for part in prefer.split(","):
        found = _WAIT.fullmatch(part)
        if found:
            return min(int(found[1]), LONGEST_WAIT)
    return 0


def until(is_over: Callable[[], bool], seconds: float) -> bool:
    """Wait for something to be over, at most so long, and return whether it is."""
    deadline = time.monotonic() + seconds
    while not is_over():
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
