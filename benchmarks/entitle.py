"""The entitlement of every round: time, work, and the first level against the reference."""

import time
from dataclasses import replace

import numpy as np

from benchmarks.few_pools import gavel_like, many_levels
from benchmarks.instances import SHIPPED, name_of, reference, rounds, table
from benchmarks.rounds_like import innocore_like, one_slot_round, problem_of
from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy, parse_policy
from scheduler.round_file import read_round
from solver.entitle import entitle
from solver.problem import NO_CAP

DOWN_TO_REQUESTS = ("chronus-mix2", "philly-2017-10-jobs")
REPEATS = 5
BY_DEMAND = (
    'name = "by-demand"\n[fairness]\nunit = "reference_hours"\n[groups]\nweight = "demand"\n'
)


def by_request(problem):
    """Return the round with a fellow of its own for every request, weights and caps dropped."""
    requests = np.arange(problem.requests)
    return replace(
        problem,
        fellow=requests,
        fellow_group=problem.fellow_group[problem.fellow],
        fellow_institute=problem.fellow_institute[problem.fellow],
        fellow_weight=np.full(problem.requests, 1000),
        fellow_cap=np.full(problem.requests, NO_CAP),
    )


def warm():
    """Return rounds by name whose entitlements are timed from arrays."""
    policy = find_policy("entitlement")
    found = {
        "innocore-400": problem_of(load_document(SHIPPED / "innocore-400.json.gz"), policy),
        "like innocore, 4,000 fellows": problem_of(innocore_like(4000), policy),
    }
    for path in rounds():
        if name_of(path) in DOWN_TO_REQUESTS:
            problem = problem_of(load_document(path), policy)
            found[f"{name_of(path)}, down to requests"] = by_request(problem)
    found["one slot, gains, 1,000 groups, one level"] = one_slot_round(gavel_like(1000))
    found["one slot, gains, 300 groups, many levels"] = one_slot_round(many_levels(300))
    return found


def goals():
    """Print the least CPU time of some runs from arrays, compilation apart."""
    print("### Entitlements from arrays, warm\n")
    lines = []
    for name, problem in warm().items():
        answer, seconds = entitle(problem), []
        for _ in range(REPEATS):
            began = time.process_time()
            entitle(problem)
            seconds.append(time.process_time() - began)
        least = f"{min(seconds) * 1000:.1f}"
        lines.append([name, problem.requests, least, answer.work, len(answer.levels)])
    table(["round", "requests", "CPU ms (least of five)", "work", "levels"], lines)


def main() -> None:
    """Print both tables."""
    every_round()
    print()
    goals()


def every_round() -> None:
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
