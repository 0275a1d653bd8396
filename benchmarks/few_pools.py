"""The price-space method on few pools with real gains: time, work, proof, and rivals.

The published instances lie beside the checkout where they are present; rounds like them are drawn
by `gavel_like` and `many_levels`, so that tests need nothing else. `DURE_FEW_POOLS` names some of
them, `DURE_FEW_POOLS_SECONDS` limits each of the sequential programs' runs on the clock.
"""

import os
import time
from pathlib import Path

import numpy as np
from ortools.math_opt.python.mathopt import SolverType

from benchmarks.instances import PUBLIC, table
from benchmarks.sequential import sequential
from solver.checking.fewpools import FewPoolsClaim, FewPoolsRound, check_few_pools
from solver.pricespace.leximin import leximin

FAIR = PUBLIC.parent / "fair"
REPEATS = 5
NAMES = os.environ.get("DURE_FEW_POOLS", "").split()
SECONDS = float(os.environ.get("DURE_FEW_POOLS_SECONDS", "30"))
RIVALS = (SolverType.GLOP, SolverType.HIGHS)


def gavel_like(requests, seed=0, pools=3):
    """Return speeds, GPUs, weights and supply of a few kinds of work on a few GPU types."""
    rng = np.random.default_rng(seed)
    kinds = rng.lognormal(0.0, 1.0, (27, 1)) * np.sort(rng.uniform(0.2, 1.0, (27, pools)))
    speeds = kinds[rng.integers(0, 27, requests)]
    gpus = 2.0 ** rng.integers(0, 4, requests)
    weights = rng.integers(1, 5, requests).astype(float)
    supply = np.full(pools, max(round(gpus.sum() / pools / 2.5), 1), dtype=float)
    return speeds, gpus, weights, supply


def many_levels(requests, seed=0, pools=10):
    """Return a round of many levels: half the requests run on few of ten pools of unlike speed."""
    rng = np.random.default_rng(seed)
    speeds = np.geomspace(1.0, 6.0, pools) * rng.lognormal(0.0, 0.2, (requests, pools))
    fast = rng.random(requests) < 0.5
    speeds[fast[:, None] & (rng.random((requests, pools)) < 0.6)] = 0.0
    gpus = 2.0 ** rng.integers(0, 4, requests)
    weights = rng.choice([1.0, 5.0], requests)
    share = rng.integers(1, 9, pools).astype(float)
    supply = np.maximum(np.round(share / share.sum() * gpus.sum() / 2.0), 1.0)
    return speeds, gpus, weights, supply


def published():
    """Return the published instances by name, none where they are not present."""
    found = {}
    for path in sorted(FAIR.glob("*.npz")) if Path(FAIR).is_dir() else ():
        with np.load(path) as data:
            found[path.stem] = tuple(np.ascontiguousarray(data[name]) for name in "TswC")
    return found


def faults(instance, answer):
    """Return what the exact checker says."""
    speeds, gpus, weights, supply = (each.tolist() for each in instance)
    return check_few_pools(
        FewPoolsRound(speeds=speeds, gpus=gpus, weights=weights, supply=supply),
        FewPoolsClaim(
            amounts=answer.amounts.tolist(),
            shares=answer.shares.tolist(),
            prices=answer.prices.tolist(),
            kept_by=answer.kept_by.tolist(),
        ),
    )


def fastest(run):
    """Return an answer and the least CPU seconds of some runs, the first one apart."""
    answer, seconds = run(), []
    for _ in range(REPEATS):
        began = time.process_time()
        answer = run()
        seconds.append(time.process_time() - began)
    return answer, min(seconds)


def beside(instance, solver, ours, seconds):
    """Return what sequential programs given the same limits cost, and by how much they differ."""
    began = time.process_time()
    try:
        found = sequential(instance, solver=solver, seconds=SECONDS)
    except TimeoutError:
        spent = time.process_time() - began
        return ["", f"more than {spent:.0f} (more than {spent / seconds:,.0f}x)", ""]
    spent = time.process_time() - began
    apart = np.abs(found.amounts - ours.amounts) / np.maximum(ours.amounts, 1e-30)
    return [found.programs, f"{spent:.2f} ({spent / seconds:,.0f}x)", f"{apart.max():.1e}"]


def row(name, instance):
    """Return one line: ours, its proof, and the sequential programs given the same limits."""
    answer, seconds = fastest(lambda: leximin(*instance))
    began = time.process_time()
    wrong = faults(instance, answer)
    checked = time.process_time() - began
    return [
        name,
        len(np.unique(answer.kept_by)),
        answer.work,
        f"{seconds * 1000:.2f}",
        "refused" if wrong else "accepted",
        f"{checked:.2f}",
        *(cell for solver in RIVALS for cell in beside(instance, solver, answer, seconds)),
    ]


def main():
    """Print the table, each row when it is there."""
    print("### Few pools, real gains, no time axis\n")
    drawn = {"gavel-like 1000": gavel_like(1000), "many levels 300": many_levels(300)}
    header = ["instance", "levels", "ways worked out", "ms (warm)", "exact proof", "checked in s"]
    for rival in ("GLOP", "HiGHS"):
        header += [f"programs, {rival}", f"{rival} s", "amounts apart by"]
    table(header, [])
    for name, each in (published() or drawn).items():
        if not NAMES or name in NAMES:
            print("| " + " | ".join(map(str, row(name, each))) + " |", flush=True)
