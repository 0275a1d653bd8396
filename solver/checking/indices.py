"""The fairness indices that a plan states, worked out anew; standard library only."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from solver.checking.case import Case, broken, is_close
from solver.checking.rows import Row, exact
from solver.checking.verdict import Checks

INDICES = "jain gini atkinson"


def indices(case: Case) -> Checks:
    """Forbids indices of fairness other than those of the awards."""
    stated = case.plan.measures
    theil = Row(stated["theil"], "plan.measures.theil", "between within")
    shares = case.shares
    listed = [share for own in shares.values() for share in own]
    truths = {"jain": _jain(listed), "gini": _gini(listed), "atkinson": _atkinson(listed)}
    for name, truth in truths.items():
        yield from _stated_index(name, stated[name], truth)
    whole = _theil(listed)
    means = [[math.fsum(own) / len(own)] * len(own) for own in shares.values()]
    between = _theil([mean for own in means for mean in own])
    for name, truth in (("between", max(0.0, between)), ("within", max(0.0, whole - between))):
        yield from _stated_index(f"theil.{name}", theil.value[name], truth)


def _stated_index(name: str, stated: object, truth: float) -> Checks:
    """Check one index."""
    figure = exact(stated, f"plan.measures.{name}")
    yield (
        None
        if is_close(Fraction(figure), Fraction(truth))
        else broken(
            "indices", f"The index {name} is {truth:.9f}; the plan states {float(figure):.9f}."
        )
    )


def _jain(shares: Sequence[float]) -> float:
    """Return Jain's index; 1 when all shares are zero."""
    squares = math.fsum(share * share for share in shares)
    return math.fsum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def _gini(shares: Sequence[float]) -> float:
    """Return the Gini coefficient by ranks; 0 when all shares are zero."""
    heads, total = len(shares), math.fsum(shares)
    ranked = math.fsum(
        (2 * rank - heads - 1) * share for rank, share in enumerate(sorted(shares), start=1)
    )
    return ranked / (heads * total) if total else 0.0


def _atkinson(shares: Sequence[float]) -> float:
    """Return the Atkinson index, aversion one half; 0 when all shares are zero."""
    total = math.fsum(shares)
    roots = math.fsum(map(math.sqrt, shares))
    return 1.0 - roots * roots / (len(shares) * total) if total else 0.0


def _theil(shares: Sequence[float]) -> float:
    """Return the Theil index; 0 when all shares are zero."""
    total = math.fsum(shares)
    logs = math.fsum(_logs(shares))
    return logs / total - math.log(total / len(shares)) if total else 0.0


def _logs(shares: Sequence[float]) -> Iterator[float]:
    """Yield y ln y of every share above zero."""
    return (share * math.log(share) for share in shares if share > 0.0)
