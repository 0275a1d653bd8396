"""Figures in aligned columns, for terminals and for pipes alike."""

import unicodedata
from collections.abc import Sequence

GAP = "  "
WIDE = frozenset({"W", "F"})
THOUSAND = 1000


def columns(rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return rows as text in aligned columns.

    Args:
        rows: all of one length; the first is the heading.
        left: how many columns are aligned to the left, the rest are figures.
    """
    widths = [max(width(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [pad(cell, widths[at], left=at < left) for at, cell in enumerate(row)]
        lines.append(GAP.join(cells).rstrip())
    return "\n".join(lines)


def pad(text: str, size: int, *, left: bool) -> str:
    """Return a text filled up to a width in terminal cells."""
    filling = " " * (size - width(text))
    return text + filling if left else filling + text


def width(text: str) -> int:
    """Return how many terminal cells a text takes; Hangul takes two a letter."""
    return sum(2 if unicodedata.east_asian_width(letter) in WIDE else 1 for letter in text)


def number(value: float) -> str:
    """Return a figure as people read it: grouped thousands, no needless places."""
    if abs(value) >= THOUSAND or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"
