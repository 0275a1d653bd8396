"""The integer selection of whole rounds: us, plain solvers and formulas, fairness beside time.

Same instance, same goals in the same order, same gap asked, one run each, every one in a process of
its own. We run under our own limit of work, so that our plan repeats; rivals may take
`DURE_ROUND_PEERS_SECONDS` of CPU time, more than we take. Entitlements are worked out beforehand
for them. What a rival reaches is recomputed from its cells; "keeps every rule" is
`solver.audit.is_lawful`.
``python -m benchmarks.round_peers RIVAL ROUND POLICY SECONDS`` runs one and prints a JSON line.
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

from benchmarks.instances import HERE, name_of, rounds, table
from benchmarks.textbook import by_cpsat, by_mathopt, textbook
from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.audit import is_lawful
from solver.entitle import entitle
from solver.measures import measure
from solver.pipeline import GAP, Limits, solve
from solver.plan import NO_CELLS, Limit, Plan, SolveStatus
from solver.problem import Method
from solver.stages import SHORTFALLS, objectives, scales, tier_stage
from solver.worth import asked_value

SECONDS = float(os.environ.get("DURE_ROUND_PEERS_SECONDS", "10"))
"""CPU seconds that a rival may take."""
CASES = os.environ.get(
    "DURE_ROUND_PEERS",
    "innocore-400:entitlement kr2026:merit",
).split()
MIP = {
    "plain MIP, HiGHS": mathopt.SolverType.HIGHS,
    "plain MIP, SCIP": mathopt.SolverType.GSCIP,
}
FORMULAS = {
    "greedy by score": Method.RANK,
    "proportional": Method.PROPORTIONAL,
    "RAC scaling": Method.RAC,
}
CP_SAT = "plain CP-SAT"
OURS = "ours"
RIVALS = (OURS, *MIP, CP_SAT, *FORMULAS)
ASIDE = 120
"""CPU seconds on top of the limit after which a process is ended by force."""


def problem_of(name, policy):
    """Return a round here as arrays under a policy."""
    path = next(path for path in rounds() if name_of(path) == name)
    return formulate(read_round(load_document(path)), find_policy(policy)).problem


def busy():
    """Return wall seconds per CPU second just now."""
    wall, cpu = time.perf_counter(), time.process_time()
    while time.process_time() < cpu + 1.0:
        np.sort(np.arange(100_000.0)[::-1])
    return (time.perf_counter() - wall) / (time.process_time() - cpu)


def answered(rival, problem, entitlement, seconds):
    """Return cells, bounds by tier, and CPU seconds of one rival."""
    if rival == OURS:
        solve(problem, limits=Limits(work=1))  # loads what is compiled
    stretch = busy() if rival in MIP else 1.0
    began = time.process_time()
    cells, bounds = NO_CELLS, {}
    if rival == OURS:
        plan = solve(problem)
        cells = plan.cells
        bounds = {stage.name: stage.bound for stage in plan.stages}
    elif rival in FORMULAS:
        rules = replace(problem.rules, method=FORMULAS[rival])
        cells = solve(replace(problem, rules=rules)).cells
    else:
        book = textbook(problem, entitlement)
        found = (
            by_cpsat(book, seconds)
            if rival == CP_SAT
            else by_mathopt(book, MIP[rival], seconds, stretch=stretch)
        )
        cells = NO_CELLS if found.values is None else book.plan(found.values)
        bounds = {name: bound for name, _, bound in found.tiers}
    return cells, bounds, time.process_time() - began


def figures(rival, problem, entitlement, seconds):
    """Run one rival; return what is said of it."""
    cells, bounds, spent = answered(rival, problem, entitlement, seconds)
    if not cells.size:
        return {"seconds": spent}
    plan = Plan(status=SolveStatus.FEASIBLE, cells=cells, entitlement=entitlement)
    said = measure(problem, plan)
    owed = said.group_entitlement > 0
    share = 1 - (said.group_shortfall[owed] / said.group_entitlement[owed]).max()
    reached, scale = objectives(problem, entitlement, cells), scales(entitlement)
    at_best = dict.fromkeys(SHORTFALLS, 0.0) | {"value": float(asked_value(problem))}
    gaps = [
        gap_of(tier, reached[tier], bounds[tier], best, scale[tier])
        for tier, best in at_best.items()
        if tier in bounds
    ]
    return {
        "seconds": spent,
        "lawful": is_lawful(problem, cells),
        "worst": float(share),
        "jain": said.jain,
        "funded": said.funded,
        "value": reached["value"],
        "gap": max(gaps, default=None),
    }


def gap_of(tier, objective, bound, best, scale):
    """Return a tier's gap as our own plans state it; a bound that says nothing is the plainest."""
    bound = max(bound, best) if tier in SHORTFALLS else min(bound, best)
    rest = (Limit.NONE, 0, "solver")
    return tier_stage(tier, objective, bound, scale, gap=GAP, rest=rest).gap


def row(rival, name, policy):
    """Return one line of the table, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.round_peers", rival, name, policy, str(SECONDS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
    except subprocess.CalledProcessError:
        return [rival, "not finished", *[""] * 6]
    said = json.loads(done.stdout.splitlines()[-1])
    if "lawful" not in said:
        return [rival, f"{said['seconds']:.1f}", "no plan", *[""] * 5]
    gap = "none" if said["gap"] is None else f"{said['gap']:.5f}"
    return [
        rival,
        f"{said['seconds']:.1f}",
        "yes" if said["lawful"] else "no",
        f"{said['worst']:.4f}",
        f"{said['jain']:.4f}",
        said["funded"],
        f"{said['value']:,.0f}",
        gap,
    ]


def main():
    """Print one table per round and policy."""
    print(f"### Peers on the integers of whole rounds, {SECONDS:.0f} s of CPU for a rival\n")
    header = ["who", "CPU s", "keeps every rule", "worst group / entitlement"]
    header += ["Jain of fellows", "funded", "score × GPU-hours", "largest gap it proves"]
    here = {name_of(path) for path in rounds()}
    for case in CASES:
        name, policy = case.split(":")
        if name in here:
            print(f"#### {name}, goals of `{policy}`\n")
            table(header, [row(rival, name, policy) for rival in RIVALS])
            print()


if __name__ == "__main__":
    rival, name, policy, limit = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CPU, (int(float(limit)) + ASIDE,) * 2)
    entitled = entitle(problem_of(name, "entitlement"))
    print(json.dumps(figures(rival, problem_of(name, policy), entitled, float(limit))))
