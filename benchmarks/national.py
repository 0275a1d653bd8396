"""National rounds under every rule at once: what each tier proves, and the checker's word.

`DURE_NATIONAL_REQUESTS` (default 60) and `DURE_NATIONAL_SEEDS` (default 3) set size and number.
"""

import json
import os
import time

from benchmarks.instances import table
from benchmarks.national_round import national_round
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.audit import keeps_hard_rules
from solver.pipeline import solve

TIERS = ("groups", "groups_total", "fellows", "value")


def row(requests: int, seed: int) -> list[object]:
    """Return one line of the table."""
    document = parse_document(json.dumps(national_round(requests, seed)).encode())
    problem = formulate(read_round(document), find_policy("entitlement")).problem
    begun = time.process_time()
    plan = solve(problem)
    spent = time.process_time() - begun
    gaps = {stage.name: f"{stage.gap:.5f}" for stage in plan.stages}
    valid = "yes" if keeps_hard_rules(problem, plan.cells) else "no"
    return [requests, seed, plan.status, *(gaps.get(t, "") for t in TIERS), valid, f"{spent:.1f}"]


def main() -> None:
    """Print the table."""
    requests = int(os.environ.get("DURE_NATIONAL_REQUESTS", "60"))
    seeds = int(os.environ.get("DURE_NATIONAL_SEEDS", "3"))
    print("### National rounds under every rule\n")
    gaps = [f"gap of {tier}" for tier in TIERS]
    header = ["requests", "seed", "status", *gaps, "keeps every rule", "CPU s"]
    table(header, [row(requests, seed) for seed in range(seeds)])
