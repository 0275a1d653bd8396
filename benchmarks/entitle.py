"""The entitlement of every round: time, work, the first level against the reference, and rivals.

Rivals are sequential linear programs by HiGHS, through MathOpt, in this process and as often as we.
National rounds run in a process each, which is ended after `DURE_ENTITLE_SECONDS` of CPU time;
`DURE_ENTITLE_REQUESTS` sets their sizes.
``python -m benchmarks.entitle TEMPER REQUESTS SECONDS`` runs one and prints a JSON line.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
from ortools.math_opt.python import mathopt

from benchmarks.few_pools import gavel_like, many_levels
from benchmarks.instances import HERE, SHIPPED, name_of, reference, rounds, table
from benchmarks.rounds_like import Temper, big_round, innocore_like, one_slot_round, problem_of
from benchmarks.sequential_round import sequential_entitlement
from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy, parse_policy
from scheduler.round_file import read_round
from solver.entitle import entitle
from solver.problem import NO_CAP

DOWN_TO_REQUESTS = ("chronus-mix2", "philly-2017-10-jobs")
REPEATS = 5
RIVAL_REPEATS = 2
SECONDS = float(os.environ.get("DURE_ENTITLE_SECONDS", "60"))
"""CPU seconds that a national round may take."""
REQUESTS = os.environ.get("DURE_ENTITLE_REQUESTS", "3000 10000 50000").split()
FELLOWS_PER_REQUEST = 0.25
GAINS = 'name = "gains"\n[fairness]\nunit = "reference_hours"\n'
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
    policy, gains = find_policy("entitlement"), parse_policy(GAINS)
    innocore, larger = load_document(SHIPPED / "innocore-400.json.gz"), innocore_like(4000)
    found = {
        "innocore-400": problem_of(innocore, policy),
        "like innocore, 4,000 fellows": problem_of(larger, policy),
        "innocore-400, gains": problem_of(innocore, gains),
        "like innocore, 4,000 fellows, gains": problem_of(larger, gains),
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
        answer, seconds = least(lambda problem=problem: entitle(problem), REPEATS)
        milliseconds = f"{seconds * 1000:.1f}"
        lines.append([name, problem.requests, milliseconds, answer.work, len(answer.levels)])
    table(["round", "requests", "CPU ms (least of five)", "work", "levels"], lines)


def least(run, repeats):
    """Return an answer and the least CPU seconds of some runs."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        answer = run()
        seconds.append(time.process_time() - began)
    return answer, min(seconds)


def rivals():
    """Print what sequential programs take for the groups and fellows of innocore-400."""
    print(f"### Groups and fellows of innocore-400, CPU time, least of {RIVAL_REPEATS}\n")
    document = load_document(SHIPPED / "innocore-400.json.gz")
    problem = problem_of(document, find_policy("entitlement"))
    entitle(problem)
    ours, quickest = least(lambda: entitle(problem), RIVAL_REPEATS)
    lines = [["ours", f"{quickest:.4f}", "1x", f"{ours.work} flows", ""]]
    for name, own_limits in {
        "sequential HiGHS, same closed-form limits": True,
        "sequential HiGHS, no closed-form limits": False,
    }.items():
        (groups, fellows, programs), seconds = least(
            lambda own_limits=own_limits: sequential_entitlement(
                problem, mathopt.SolverType.HIGHS, own_limits=own_limits
            ),
            RIVAL_REPEATS,
        )
        apart = max(np.abs(groups - ours.groups).max(), np.abs(fellows - ours.fellows).max())
        ratio, apart = f"{seconds / quickest:,.0f}x", f"{apart / ours.groups.max():.1e}"
        lines.append([name, f"{seconds:.2f}", ratio, f"{programs} programs", apart])
    table(["who", "CPU s", "times ours", "work", "amounts apart by"], lines)


def national():
    """Print what rounds of 50 pools and 52 weeks take."""
    print(f"### National rounds, at most {SECONDS:.0f} s of CPU\n")
    tempers = (Temper.MIXED, Temper.BOTTLENECKS)
    lines = [nation(temper, requests) for requests in REQUESTS for temper in tempers]
    table(["temper", "requests", "CPU s", "MiB at most", "flows", "levels"], lines)


def nation(temper, requests):
    """Return one line, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.entitle", temper, requests, str(SECONDS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    printed = process.stdout.read()
    _, _, used = os.wait4(process.pid, 0)
    line = [temper, f"{int(requests):,}"]
    if not printed:
        return [*line, "not ended", f"{used.ru_maxrss / 1024:,.0f}", "", ""]
    said = json.loads(printed)
    memory = f"{used.ru_maxrss / 1024:,.0f}"
    return [*line, f"{said['seconds']:.1f}", memory, said["flows"], said["levels"]]


def main() -> None:
    """Print all tables."""
    for part in (every_round, goals, rivals, national):
        part()
        print()


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


if __name__ == "__main__":
    temper, count, limit = sys.argv[1:]
    entitle(big_round(Temper.MIXED, requests=300, pools=5, slots=5, fellows=75, groups=4))
    fellows = int(int(count) * FELLOWS_PER_REQUEST)
    asked = big_round(Temper(temper), requests=int(count), fellows=fellows)
    spent = int(time.process_time() + float(limit))
    resource.setrlimit(resource.RLIMIT_CPU, (spent, spent))
    began = time.process_time()
    found = entitle(asked)
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "flows": found.work, "levels": len(found.levels)}))
