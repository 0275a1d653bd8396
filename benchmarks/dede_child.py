"""DeDe on one few-pools instance, in a process of its own: a JSON line with what it reached.

Runs in the environment of requirements-dede.txt: the released DeDe asks for an old cvxpy and numpy.
``python -m benchmarks.dede_child RIVAL FILE REPEATS``. The formulations are our own: pools are its
resources, requests its demands, every row divided by its right side. Counted is the CPU time of its
iterations, in this process and in its workers; starting Ray and building the parts is apart. What
it ends with breaks rows and is scaled down until it fits.

Source:
    Xu, Yu, Yan, Decouple and Decompose: Scaling Resource Allocation with DeDe (OSDI 2025).
"""

import json
import os
import sys
import time

os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")

import dede
import numpy as np
import ray

from benchmarks.peers_child import Instance

WORKERS = 1
RHO = 10.0
"""Of 1, 10 and 100 the one that came nearest to keeping the rows in as many iterations."""
ITERATIONS = 20
"""By its own rule, an improvement of less than a hundredth, it was still at it after hundreds."""


def rows_of(instance):
    """Return shares, amounts as rows of expressions, and the rows of pools and of requests."""
    requests, pools = instance.shape
    shares = dede.Variable(instance.shape, nonneg=True)
    parts = instance.gpus[:, None] / instance.supply
    of_pools = [parts[:, pool] @ shares[:, pool] <= 1 for pool in range(pools)]
    of_requests = [dede.sum(shares[request, :]) <= 1 for request in range(requests)]
    return shares, of_pools, of_requests


def max_min(instance):
    """Return the program of the largest least amount: everybody has a level, all levels agree."""
    shares, of_pools, of_requests = rows_of(instance)
    gains = instance.gains / instance.gains.max()
    levels = dede.Variable(instance.shape[0], nonneg=True)
    agree = [levels[each] == levels[each + 1] for each in range(instance.shape[0] - 1)]
    reach = [gains[each] @ shares[each, :] >= levels[each] for each in range(instance.shape[0])]
    goal = dede.Maximize(dede.sum(levels))
    return shares, dede.Problem(goal, [*of_pools, *agree], [*of_requests, *reach])


def eisenberg_gale(instance):
    """Return the program of the market: the sum of logarithms is largest."""
    shares, of_pools, of_requests = rows_of(instance)
    gains = instance.gains / instance.gains.max()
    some = np.flatnonzero(gains.max(axis=1) > 0)
    goal = sum(dede.log(gains[each] @ shares[each, :]) for each in some)
    return shares, dede.Problem(dede.Maximize(goal), of_pools, of_requests)


RIVALS = {"dede_max_min": max_min, "dede_eisenberg_gale": eisenberg_gale}


def spent(problem):
    """Return CPU seconds of this process and of the workers so far."""
    workers = problem._subprob_cache.probs  # noqa: SLF001 - it tells them nowhere else
    asked = [each.__ray_call__.remote(lambda _: time.process_time()) for each in workers]
    return time.process_time() + sum(ray.get(asked))


def shares_of(problem, shares):
    """Return the shares after the last iteration, scaled down until every row is kept."""
    workers = problem._subprob_cache.probs  # noqa: SLF001 - the variables stay without values
    places = [place for each in workers for place in ray.get(each.get_solution_idx_d.remote())]
    flat = np.zeros(shares.size)
    for (variable, at), value in zip(places, problem.sol_d, strict=True):
        if variable == shares.id:
            flat[at] = value
    return np.maximum(flat.reshape(shares.shape, order="F"), 0.0)


def fitted(instance, shares):
    """Scale requests that hold too much of themselves, then pools that are given out twice."""
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    return shares / np.maximum(instance.gpus @ shares / instance.supply, 1.0)


def main(rival, path, repeats):
    """Run, the fastest of some repeats counts, and print."""
    with np.load(path) as data:
        instance = Instance(*(data[name] for name in ("T", "s", "w", "C")))
    seconds, amounts = [], None
    for _ in range(int(repeats)):
        np.random.seed(0)  # noqa: NPY002 - DeDe deals its parts out by it
        shares, problem = RIVALS[rival](instance)
        problem.solve(num_cpus=WORKERS, rho=RHO, solver=dede.ECOS, num_iter=1)
        began = spent(problem)
        problem.solve(num_cpus=WORKERS, rho=RHO, solver=dede.ECOS, num_iter=ITERATIONS)
        seconds.append(spent(problem) - began)
        amounts = (instance.gains * fitted(instance, shares_of(problem, shares))).sum(axis=1)
    ray.shutdown()
    print(json.dumps({"seconds": min(seconds), "amounts": amounts.tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
