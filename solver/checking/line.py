"""Whether a reallocation served its line in rank; standard library only."""

from collections.abc import Callable

from solver.checking.case import Case, broken
from solver.checking.lottery import Hall
from solver.checking.verdict import Checks, decimal, shown


def in_line(case: Case) -> bool:
    """Say whether the policy goes on with an earlier plan and its line."""
    return case.policy is not None and case.policy.method == "reallocate"


def in_rank(case: Case) -> Checks:
    """Forbids funding out of the line, and passing over who fits beside those before."""
    known = case.round.previous.keys() | set(case.round.line)
    for request, _ in case.funded:
        fine = request.id in known
        text = f"Request {request.id} is funded; it neither holds hours nor is in line."
        yield None if fine else broken("in_rank", text, request.id)
    hall = Hall(case)
    for name in case.round.previous:
        if name in case.round.requests:
            hall.seat(name)
    for rank, name in enumerate(case.round.line, start=1):
        if name not in case.round.requests:
            continue
        request = case.round.requests[name]
        if name not in case.awards and not request.vetoed and request.after is None:
            due, least = hall.due(request), max(request.minimum, 1)
            yield (
                None
                if due < least
                else broken(
                    "in_rank",
                    f"Request {name}, number {rank} in line, gets nothing; {shown(due)} reference "
                    f"GPU-hours fit beside those before it.",
                    name,
                    due=decimal(due),
                    rank=rank,
                )
            )
        hall.seat(name)


LINE_RULES: tuple[Callable[[Case], Checks], ...] = (in_rank,)
"""What a reallocation owes to who is next in line."""
