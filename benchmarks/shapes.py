"""Rounds of constants and blocks: what each tier proves, and the checker's word.

`DURE_SHAPES_FELLOWS` (default "200 400") sets sizes, `DURE_SHAPES_POLICIES` (default
"entitlement merit") rules, `DURE_SHAPES_KINDS` (default all four) which rounds.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.instances import SHIPPED
from benchmarks.national import TIERS
from benchmarks.rounds_like import innocore_like, problem_of
from scheduler.document import load_document
from scheduler.policy import find_policy
from solver.audit import keeps_hard_rules
from solver.pipeline import solve
from solver.problem import MILLI, IntArray, Problem, Shape, as_int

HEADER = ("round", "pools", "policy", "requests", "status", *TIERS, "keeps every rule", "CPU s")
KINDS = {
    "constants": (Shape.CONSTANT, 1.0),
    "half constants": (Shape.CONSTANT, 0.5),
    "blocks": (Shape.BLOCK, 1.0),
    "half blocks": (Shape.BLOCK, 0.5),
}
"""Of which shape which part of a round is; the rest is flexible."""
BLOCK_SLOTS = (2, 5)
"""Shortest block, and one more than the longest."""
SHIPPED_FELLOWS = 400
"""That many fellows are the shipped round itself."""


def shaped(problem: Problem, shape: Shape, part: float, seed: int = 0) -> Problem:
    """Return a round in which a part of the requests has a shape.

    Hours stay as they were as far as the shape can hold them. A constant whose ask is too small for
    its gang all the time has a shorter window somewhere in its own; a block of two to four slots
    may use as many GPUs as its ask takes, up to half of its largest pool.

    Args:
        problem: a round of flexible requests.
        shape: block or constant.
        part: 0 … 1 of all requests.
        seed: of who is drawn, and where.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.random(problem.requests) < part
    length = problem.end - problem.first
    fastest = problem.speed.max(axis=1)
    slowest = np.where(problem.speed > 0, problem.speed, fastest[:, None]).min(axis=1)
    gang_slot = problem.gang * problem.slot_hours * slowest // MILLI
    blocks = np.minimum(rng.integers(*BLOCK_SLOTS, problem.requests), length)
    if shape is Shape.BLOCK:
        slots = np.clip(problem.ask // gang_slot, 1, blocks)
        inside = length
    else:
        slots = inside = np.clip(problem.ask // gang_slot, 1, length)
    first = problem.first + rng.integers(0, length - inside + 1)
    most = _gpus(problem, slots) if shape is Shape.BLOCK else problem.max_gpus
    ask = np.maximum(problem.ask, gang_slot * slots)
    ask = np.minimum(ask, most * slots * problem.slot_hours * fastest // MILLI)
    minimum = np.minimum(problem.minimum, ask // 2)
    return replace(
        problem,
        shape=as_int(np.where(chosen, shape, problem.shape)),
        block_slots=as_int(np.where(chosen & (shape is Shape.BLOCK), slots, 0)),
        first=as_int(np.where(chosen, first, problem.first)),
        end=as_int(np.where(chosen, first + inside, problem.end)),
        max_gpus=as_int(np.where(chosen, most, problem.max_gpus)),
        ask=as_int(np.where(chosen, ask, problem.ask)),
        minimum=as_int(np.where(chosen, minimum, problem.minimum)),
    )


def _gpus(problem: Problem, slots: IntArray) -> IntArray:
    """Return ``(r,)`` GPUs that bring the ask in so many slots, in gangs."""
    fastest, gang = problem.speed.max(axis=1), problem.gang
    wanted = -(-problem.ask * MILLI // (slots * problem.slot_hours * fastest))
    largest = np.where(problem.speed > 0, problem.supply.min(axis=1), 0).max(axis=1)
    half = largest // problem.slot_hours // 2
    wanted = np.maximum(np.minimum(wanted, half), problem.max_gpus)
    return -(-wanted // gang) * gang


def rounds(kinds: list[str], sizes: list[int], policies: list[str]) -> Iterator[list[object]]:
    """Yield kind, pools, policy and problem of each round that is asked for."""
    for fellows in sizes:
        document = innocore_like(fellows)
        if fellows == SHIPPED_FELLOWS:
            document = load_document(SHIPPED / "innocore-400.json.gz")
        for kind in kinds:
            for policy in policies:
                problem = shaped(problem_of(document, find_policy(policy)), *KINDS[kind])
                for single in (False, True):
                    pools = "one each" if single else "any"
                    flags = np.full(problem.requests, single)
                    yield [kind, pools, policy, replace(problem, single_pool=flags)]


def row(kind: str, pools: str, policy: str, problem: Problem) -> list[object]:
    """Return one line of the table: the gap of each tier, everything in whole gang-hours."""
    begun = time.process_time()
    plan = solve(problem)
    spent = time.process_time() - begun
    gaps = {stage.name: f"{stage.gap:.5f}" for stage in plan.stages}
    valid = "yes" if keeps_hard_rules(problem, plan.cells) else "no"
    tiers = (gaps.get(tier, "") for tier in TIERS)
    return [kind, pools, policy, problem.requests, plan.status, *tiers, valid, f"{spent:.1f}"]


def main() -> None:
    """Print the table, each row as soon as it is known."""
    sizes = [int(each) for each in os.environ.get("DURE_SHAPES_FELLOWS", "200 400").split()]
    policies = os.environ.get("DURE_SHAPES_POLICIES", "entitlement merit").split()
    kinds = os.environ.get("DURE_SHAPES_KINDS", ",".join(KINDS)).split(",")
    print("### Rounds of constants and blocks: the gap of each tier\n")
    print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|")
    for kind, pools, policy, problem in rounds(kinds, sizes, policies):
        print("| " + " | ".join(map(str, row(kind, pools, policy, problem))) + " |", flush=True)
