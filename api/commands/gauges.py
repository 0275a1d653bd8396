"""Small pictures of figures in letters, for a terminal: bars and sparklines."""

from collections.abc import Sequence
from typing import Final

WIDTH: Final = 40
STEPS: Final = "▁▂▃▄▅▆▇█"


def bar(used: int, due: int, held: int, *, width: int = WIDTH) -> str:
    """Return used and left as a bar, with a mark where the plan stands.

    Args:
        used: the filled part.
        due: where the mark stands.
        held: the whole, in the same unit.
        width: letters.
    """
    whole = max(held, used, 1)
    full, mark = (min(part * width // whole, width - 1) for part in (used, due))
    letters = ["█" if used >= whole or at < full else "░" for at in range(width)]
    letters[mark] = "┃"
    return "".join(letters)


def sparkline(values: Sequence[int]) -> str:
    """Return a letter for each value, the higher the more; nothing at all is a blank."""
    most = max(values, default=0)
    if not most:
        return " " * len(values)
    steps = (min(value * len(STEPS) // most, len(STEPS) - 1) for value in values)
    return "".join(
        STEPS[step] if value > 0 else " " for value, step in zip(values, steps, strict=True)
    )
