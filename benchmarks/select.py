"""What each tier proves: whole servers, rounds like innocore-400, and ten times as many fellows.

`DURE_SELECT_SEEDS` (default 2) sets how many rounds of each kind are drawn, `DURE_SELECT_LARGE`
(default none: one takes many minutes) how many of 4,000 fellows, `DURE_SELECT_KINDS` (default all
three) which kinds.
"""

import copy
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np

from benchmarks.instances import SHIPPED
from benchmarks.national import TIERS
from benchmarks.rounds_like import Document, innocore_like, problem_of
from scheduler.document import load_document
from scheduler.policy import find_policy
from solver.audit import keeps_hard_rules
from solver.pipeline import solve
from solver.problem import Problem

FELLOWS = (400, 4000)
HEADER = ("round", "seed", "requests", "status", *TIERS, "keeps every rule", "CPU s")


def whole_servers(seed: int) -> Document:
    """Return a `dure-round/1` document that resamples kr2026: its requests, drawn anew.

    Whole servers stay whole: what is drawn is who asks, with the score shifted by up to five
    points and the window by up to three months where the year leaves room.
    """
    rng = np.random.default_rng(seed)
    model = load_document(SHIPPED / "kr2026.json.gz")
    slots, drawn = model["calendar"]["slots"], []
    for label in (each["id"] for each in model["requests"]):
        request = copy.deepcopy(model["requests"][int(rng.integers(len(model["requests"])))])
        first, end = request["window"]
        shift = int(np.clip(rng.integers(-3, 4), -first, slots - end))
        points = Decimal(request["score"]) + Decimal(int(rng.integers(-50, 51))) / 10
        request |= {"id": label, "window": [first + shift, end + shift]}
        drawn.append(request | {"score": min(max(points, Decimal(1)), Decimal(100))})
    return {**model, "id": f"whole-servers-{seed}", "requests": drawn}


def rounds(kinds: set[str], seeds: int, large: int) -> Iterator[tuple[str, int, Problem]]:
    """Yield name, seed and problem of each round that is asked for."""
    if "servers" in kinds:
        policy = find_policy("whole_server")
        for seed in range(seeds):
            yield "whole servers", seed, problem_of(whole_servers(seed), policy)
    for kind, fellows, count in zip(("400", "4000"), FELLOWS, (seeds, large), strict=True):
        for seed in range(count if kind in kinds else 0):
            problem = problem_of(innocore_like(fellows, seed), find_policy("entitlement"))
            for single in (False, True):
                pools = "one pool each" if single else "any pools"
                flags = np.full(problem.requests, single)
                yield f"{fellows} fellows, {pools}", seed, replace(problem, single_pool=flags)


def row(name: str, seed: int, problem: Problem) -> list[object]:
    """Return one line of the table: the gap of each tier, everything in whole gang-hours."""
    begun = time.process_time()
    plan = solve(problem)
    spent = time.process_time() - begun
    gaps = {stage.name: f"{stage.gap:.5f}" for stage in plan.stages}
    valid = "yes" if keeps_hard_rules(problem, plan.cells) else "no"
    tiers = (gaps.get(tier, "") for tier in TIERS)
    return [name, seed, problem.requests, plan.status, *tiers, valid, f"{spent:.1f}"]


def main() -> None:
    """Print the table, each row as soon as it is known."""
    seeds = int(os.environ.get("DURE_SELECT_SEEDS", "2"))
    large = int(os.environ.get("DURE_SELECT_LARGE", "0"))
    kinds = set(os.environ.get("DURE_SELECT_KINDS", "servers 400 4000").split())
    print("### Selection: the gap of each tier\n")
    print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|")
    for name, seed, problem in rounds(kinds, seeds, large):
        print("| " + " | ".join(map(str, row(name, seed, problem))) + " |", flush=True)
