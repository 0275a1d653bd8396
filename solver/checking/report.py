"""What the checker reads and prints where there is no program around it; standard library only."""

import gzip
import json
import zlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

from solver.checking.verdict import Verdict

GAP = "  "
LEAST_PERCENT = 0.0001


def parse(raw: bytes) -> dict[str, Any]:
    """Parse JSON bytes, gzipped or not, with exact decimals.

    Raises:
        ValueError: If they are not a JSON object, or a key stands twice in one object.
    """
    try:
        text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        document = json.loads(
            text.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_unique,
        )
    except (OSError, EOFError, RecursionError, zlib.error) as error:
        raise ValueError(f"Must be JSON in UTF-8, gzipped or not: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("Must be a JSON object.")  # noqa: TRY004 - a fault of the file
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, refusing a key that stands twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in members if names.count(name) > 1)
        raise ValueError(f"The key {twice!r} stands twice in one object.")
    return members


def _no_number(name: str) -> NoReturn:
    """Refuse what JSON does not know as a number."""
    raise ValueError(f"{name} is no JSON number.")


def verdict_text(verdict: Verdict) -> str:
    """Return each rule with its count of checks, and what was proved."""
    rows = [("rule", "meaning", "checks", "broken")]
    rows += [
        (each.rule, each.meaning, f"{each.checks:,}", f"{each.broken:,}") for each in verdict.rules
    ]
    parts = [_table(rows)]
    if verdict.proved:
        proofs = [("goal", "evidence", "objective", "bound", "gap")]
        proofs += [
            (
                each.stage,
                each.evidence,
                f"{each.objective:,.6g}",
                f"{each.bound:,.6g}",
                percent(each.gap),
            )
            for each in verdict.proved
        ]
        parts.append(_table(proofs))
    parts.append("Every rule holds." if verdict.holds else "Broken rules; see the witnesses.")
    return "\n\n".join(parts)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in aligned columns: two of words, the rest figures."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        words = [cell.ljust(size) for cell, size in zip(row[:2], widths[:2], strict=True)]
        figures = [cell.rjust(size) for cell, size in zip(row[2:], widths[2:], strict=True)]
        lines.append(GAP.join(words + figures).rstrip())
    return "\n".join(lines)


def percent(share: float) -> str:
    """Return a share in percent; small ones with the places that tell them from zero."""
    scaled = 100 * share
    if scaled == 0:
        return "0 %"
    if abs(scaled) < LEAST_PERCENT:
        return f"< {LEAST_PERCENT} %"
    return f"{scaled:.1f} %" if abs(scaled) >= 1 else f"{scaled:.2g} %"
