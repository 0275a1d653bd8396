"""One rival on one few-pools instance, in a process of its own: a JSON line with what it reached.

Runs in the environment of requirements-peers.txt, which has cvxpy and highspy and no ortools: the
two HiGHS libraries cannot share a process. ``python -m benchmarks.peers_child RIVAL FILE REPEATS``.
Formulations are our own after the papers named; nothing of their code is used.
"""

import json
import sys
import time

import cvxpy as cp
import numpy as np

SPLITS = 8
STEP = 1.02
"""Factor by which water-filling asks whether a request can have more."""
NEAR = 1e-6


class Instance:
    """Speeds, GPUs, weights and supply, and what they give."""

    def __init__(self, speeds, gpus, weights, supply):
        self.gpus, self.supply = gpus, supply
        mean = speeds @ supply / supply.sum()
        self.gains = (gpus / (weights * mean))[:, None] * speeds
        self.shape = speeds.shape

    def part(self, rows, share):
        """Return some of the requests before a share of the supply."""
        part = object.__new__(Instance)
        part.gpus, part.supply = self.gpus[rows], self.supply * share
        part.gains, part.shape = self.gains[rows], self.gains[rows].shape
        return part

    def variables(self):
        """Return shares, amounts and the rows that every division keeps."""
        shares = cp.Variable(self.shape, nonneg=True)
        amounts = cp.sum(cp.multiply(self.gains, shares), axis=1)
        rows = [cp.sum(shares, axis=1) <= 1, self.gpus @ shares <= self.supply]
        return shares, amounts, rows


def max_min(instance, solver):
    """Return amounts of one linear program that maximises the least (Gavel, section 4.1)."""
    _, amounts, rows = instance.variables()
    level = cp.Variable()
    cp.Problem(cp.Maximize(level), [*rows, amounts >= level]).solve(solver=solver)
    return amounts.value


def water_filling(instance, solver, *, whole):
    """Return amounts by water-filling (Gavel, section 4.3): lift all, find who is stuck, repeat.

    Who is stuck is found as in Gavel by a program with one yes or no per request, how many can have
    a little more; with `whole` off by the linear one that adds up what each can have on top.
    """
    _, amounts, rows = instance.variables()
    requests = instance.shape[0]
    floors, room = cp.Parameter(requests, nonneg=True), cp.Parameter(requests, nonneg=True)
    level = cp.Variable()
    rises = cp.Variable(requests, boolean=True) if whole else cp.Variable(requests, nonneg=True)
    lift = cp.Problem(cp.Maximize(level), [*rows, amounts >= floors + cp.multiply(room, level)])
    wanted = [*rows, amounts >= floors + cp.multiply(room, rises), rises <= 1]
    probe = cp.Problem(cp.Maximize(cp.sum(rises)), wanted)
    held, rising = np.zeros(requests), np.ones(requests)
    while rising.any():
        floors.value, room.value = held * (1 - rising), rising
        lift.solve(solver=solver)
        reached = float(level.value)
        held = np.where(rising > 0, reached, held)
        floors.value = np.maximum(held * (1 - NEAR), 0)
        room.value = rising * reached * (STEP - 1)
        probe.solve(solver=solver)
        stuck = (rising > 0) & (rises.value <= 0.5)
        if not stuck.any():
            stuck = (rising > 0) & (rises.value <= rises.value[rising > 0].min() + NEAR)
        rising = rising * ~stuck
    return amounts.value


def eisenberg_gale(instance, solver):
    """Return amounts of the market: the sum of logarithms is largest."""
    _, amounts, rows = instance.variables()
    some = instance.gains.max(axis=1) > 0
    problem = cp.Problem(cp.Maximize(cp.sum(cp.log(amounts[np.flatnonzero(some)]))), rows)
    problem.solve(solver=solver)
    return amounts.value


def pop(instance, solver):
    """Return amounts of random splits (POP, SOSP 2021), each with its part of the supply."""
    rng = np.random.default_rng(0)
    order = rng.permutation(instance.shape[0])
    found = np.zeros(instance.shape[0])
    for rows in np.array_split(order, SPLITS):
        found[rows] = max_min(instance.part(rows, rows.size / order.size), solver)
    return found


RIVALS = {
    "max_min ECOS": lambda i: max_min(i, cp.ECOS),
    "max_min CLARABEL": lambda i: max_min(i, cp.CLARABEL),
    "max_min HIGHS": lambda i: max_min(i, cp.HIGHS),
    "water_filling HIGHS": lambda i: water_filling(i, cp.HIGHS, whole=False),
    "water_filling_whole HIGHS": lambda i: water_filling(i, cp.HIGHS, whole=True),
    "eisenberg_gale CLARABEL": lambda i: eisenberg_gale(i, cp.CLARABEL),
    "pop_8 HIGHS": lambda i: pop(i, cp.HIGHS),
}


def main(rival, path, repeats):
    """Run, the fastest of some repeats counts, and print."""
    with np.load(path) as data:
        instance = Instance(*(data[name] for name in ("T", "s", "w", "C")))
    seconds, amounts = [], None
    for _ in range(int(repeats)):
        began = time.process_time()
        amounts = RIVALS[rival](instance)
        seconds.append(time.process_time() - began)
    print(json.dumps({"seconds": min(seconds), "amounts": np.asarray(amounts).tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
