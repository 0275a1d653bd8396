"""A Problem in the checker's plain numbers."""

from solver.checking.stakes import PlainFellow, PlainHolder, PlainRequest, PlainRound
from solver.problem import IntArray, Problem


def plain_round(problem: Problem) -> PlainRound:
    """Return the round of a Problem as the checker reads it, indices kept."""
    rules = problem.rules
    return PlainRound(
        slot_hours=problem.slot_hours,
        supply=tuple(tuple(row) for row in problem.supply.tolist()),
        charge=tuple(problem.charge.tolist()),
        requests=tuple(_request(problem, r) for r in range(problem.requests)),
        fellows=tuple(
            PlainFellow(group=group, weight=weight, institute=_some(institute), cap=_some(cap))
            for group, weight, institute, cap in zip(
                problem.fellow_group.tolist(),
                problem.fellow_weight.tolist(),
                problem.fellow_institute.tolist(),
                problem.fellow_cap.tolist(),
                strict=True,
            )
        ),
        groups=_holders(problem.group_floor, problem.group_cap, problem.group_weight),
        institutes=_holders(problem.institute_floor, problem.institute_cap),
        tracks=_holders(problem.track_floor, problem.track_cap),
        unit=rules.unit.value,
        group_rule=rules.group_weight.value,
        fellow_rule=rules.fellow_weight.value,
    )


def _request(problem: Problem, r: int) -> PlainRequest:
    """Return a request in plain numbers."""
    speeds = enumerate(problem.speed[r].tolist())
    return PlainRequest(
        fellow=int(problem.fellow[r]),
        ask=int(problem.ask[r]),
        max_gpus=int(problem.max_gpus[r]),
        first=int(problem.first[r]),
        end=int(problem.end[r]),
        speeds=tuple((pool, speed) for pool, speed in speeds if speed),
        score=int(problem.score[r]),
        track=_some(int(problem.track[r])),
        eligible=not problem.vetoed[r],
    )


def _holders(
    floors: IntArray, caps: IntArray, weights: IntArray | None = None
) -> tuple[PlainHolder, ...]:
    """Return groups, institutes or tracks in plain numbers."""
    count = len(floors)
    listed = zip(
        floors.tolist(),
        caps.tolist(),
        [1000] * count if weights is None else weights.tolist(),
        strict=True,
    )
    return tuple(PlainHolder(weight=w, floor=low, cap=_some(cap)) for low, cap, w in listed)


def _some(value: int) -> int | None:
    """Return an index or a cap, or None where the array says that there is none."""
    return None if value < 0 else value
