"""Why no plan keeps every rule: the smallest set of rules that cannot hold together."""

from collections.abc import Sequence

from api.commands.tables import number
from scheduler.formulate import Formulation
from solver.plan import Conflict
from solver.problem import MILLI


def conflict_text(formulation: Formulation, conflict: Conflict) -> str:
    """Return a conflict with its names and numbers."""
    names = formulation.names
    parties = [
        f"{word} {', '.join(ids[each] for each in found)}"
        for word, ids, found in (
            ("requests", names.requests, conflict.requests),
            ("fellows", names.fellows, conflict.fellows),
            ("groups", names.groups, conflict.groups),
            ("institutes", names.institutes, conflict.institutes),
            ("tracks", names.tracks, conflict.tracks),
            ("pools", names.pools, conflict.pools),
        )
        if found
    ]
    return "; ".join([conflict.code.replace("_", " "), *parties, *_figures(conflict.numbers)])


def _figures(numbers: Sequence[tuple[str, int]]) -> list[str]:
    """Return the figures of a conflict, thousandths as amounts."""
    return [f"{name.replace('_', ' ')} {number(milli / MILLI)}" for name, milli in numbers]
