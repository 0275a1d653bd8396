"""The entitlement of every round: time, work, and the first level against the reference."""

import time

from benchmarks.instances import name_of, reference, rounds, table
from scheduler.formulate import formulate
from scheduler.policy import find_policy, parse_policy
from scheduler.snapshot import load_document, read_round
from solver.entitle import entitle

BY_DEMAND = (
    'name = "by-demand"\n[fairness]\nunit = "reference_hours"\n[groups]\nweight = "demand"\n'
)


def main() -> None:
    """Print one line per round; the second run is timed, so compilation is apart."""
    print("### Entitlements\n")
    lines = []
    for path in rounds():
        snapshot = read_round(load_document(path))
        problem = formulate(snapshot, find_policy("entitlement")).problem
        entitle(problem)
        began = time.perf_counter()
        answer = entitle(problem)
        seconds = time.perf_counter() - began
        gains = entitle(formulate(snapshot, parse_policy(BY_DEMAND)).problem)
        level = min(float(each.value) for each in gains.levels if each.stage == "groups")
        expected = reference().get(name_of(path), {}).get("group_max_min_level", float("nan"))
        at_zero = int((answer.fellows == 0).sum())
        lines.append(
            [
                name_of(path),
                problem.requests,
                f"{seconds * 1000:.1f}",
                answer.work,
                len(answer.levels),
                at_zero,
                f"{level:.6f}",
                f"{expected:.6f}",
            ]
        )
    table(
        [
            "round",
            "requests",
            "ms (warm)",
            "work",
            "levels",
            "fellows at 0",
            "first level by demand",
            "reference",
        ],
        lines,
    )
