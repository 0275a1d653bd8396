r"""The draw of a lottery: a pure function of a seed and of labels, which anyone can replay.

printf 'dure-draw/1\n7\nR-217' | sha256sum                       the place of R-217 under seed 7
printf 'dure-seed/1\n5f0c…\n7' | sha256sum                       what seals seed 7 with a salt
"""

import hashlib
from collections.abc import Iterable


def draw_key(seed: int, label: str) -> str:
    """Return what a request is drawn by, 64 hex digits; the least is drawn first.

    It depends on nobody else: whoever joins or leaves, two requests keep their order.
    """
    return _sha256(f"dure-draw/1\n{seed}\n{label}")


def draw_order(seed: int, labels: Iterable[str]) -> list[str]:
    """Return labels in the order in which a seed draws them."""
    return sorted(labels, key=lambda label: (draw_key(seed, label), label))


def seal(seed: int, salt: str) -> str:
    """Return the digest by which a seed is committed to before anyone may know it.

    The salt keeps it secret: without one, all seeds could be tried.
    """
    return _sha256(f"dure-seed/1\n{salt}\n{seed}")


def _sha256(text: str) -> str:
    """Return the SHA-256 of a text as 64 lower-case hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
