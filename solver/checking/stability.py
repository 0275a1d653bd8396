"""What was held before a reallocation: what of it had to move, what was cut; stdlib only."""

from collections import defaultdict
from collections.abc import Sequence

from solver.checking.case import Case, total
from solver.checking.rows import Cell


def promised(case: Case) -> Sequence[Cell]:
    """Return the cells that requests of the round held under the earlier plan."""
    held = case.round.previous.items()
    return [cell for name, cells in held if name in case.round.requests for cell in cells]


def cut(case: Case) -> int:
    """Return the thousandths of reference hours that were held and no longer are."""
    lost = 0
    for name, cells in case.round.previous.items():
        request = case.round.requests.get(name)
        if request is not None:
            held = min(total(request, cells), request.ask)
            lost += max(0, held - case.awarded.get(name, 0))
    return lost


def least_moved(case: Case) -> int:
    """Return the GPU-hours that no plan leaves where they were: promised beyond the supply."""
    held: dict[tuple[str, int], int] = defaultdict(int)
    for pool, slot, hours in promised(case):
        held[pool, slot] += hours
    pools = case.round.pools
    return sum(max(0, hours - pools[pool].whole(slot)) for (pool, slot), hours in held.items())
