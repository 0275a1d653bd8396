"""What each tier proves on rounds like innocore-400, with and without single pools.

`DURE_SELECT_FELLOWS` (default 400) and `DURE_SELECT_SEEDS` (default 2) set size and number.
"""

import json
import os
import time
from dataclasses import replace

import numpy as np

from benchmarks.instances import table
from benchmarks.national import TIERS
from benchmarks.rounds_like import innocore_like
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.snapshot import parse_document, read_round
from solver.audit import keeps_hard_rules
from solver.pipeline import solve


def row(fellows: int, seed: int, *, single_pool: bool) -> list[object]:
    """Return one line of the table."""
    text = json.dumps(innocore_like(fellows, seed), default=float)
    snapshot = read_round(parse_document(text.encode()))
    problem = formulate(snapshot, find_policy("entitlement")).problem
    problem = replace(problem, single_pool=np.full(problem.requests, single_pool))
    begun = time.process_time()
    plan = solve(problem)
    spent = time.process_time() - begun
    gaps = {stage.name: f"{stage.gap:.5f}" for stage in plan.stages}
    valid = "yes" if keeps_hard_rules(problem, plan.cells) else "no"
    shown = "yes" if single_pool else "no"
    tiers = (gaps.get(tier, "") for tier in TIERS)
    return [problem.requests, seed, shown, plan.status, *tiers, valid, f"{spent:.1f}"]


def main() -> None:
    """Print the table."""
    fellows = int(os.environ.get("DURE_SELECT_FELLOWS", "400"))
    seeds = int(os.environ.get("DURE_SELECT_SEEDS", "2"))
    print(f"### Rounds like innocore-400, {fellows} fellows\n")
    gaps = [f"gap of {tier}" for tier in TIERS]
    header = ["requests", "seed", "single pool", "status", *gaps, "keeps every rule", "CPU s"]
    rows = [row(fellows, seed, single_pool=each) for seed in range(seeds) for each in (False, True)]
    table(header, rows)
