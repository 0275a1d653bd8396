"""Us and our peers side by side: same instance, same CPU clock, in one run, fairness beside time.

Rivals on cvxpy run in processes of their own, in the environment that `make peers` installs; where
that is absent they are left out and named. Each figure is the least CPU time of equally many runs,
compilation apart.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from ortools.math_opt.python import mathopt

from benchmarks.few_pools import gavel_like, many_levels, published
from benchmarks.instances import HERE, table
from benchmarks.sequential import sequential
from solver.pricespace.leximin import leximin

CHILDREN = {"peers": "benchmarks.peers_child", "dede": "benchmarks.dede_child"}
"""Modules that run a rival, by the environment that they need."""
REPEATS = int(os.environ.get("DURE_PEERS_REPEATS", "3"))
LIMIT_SECONDS = float(os.environ.get("DURE_PEERS_SECONDS", "120"))
"""Seconds on the clock after which a rival is given up; it is listed as not finished."""
NAMES = os.environ.get("DURE_PEERS_INSTANCES", "gs_64_0 gs_256_0 gs_1024_0 dd_128_0").split()
RIVALS = {
    "max_min ECOS": "peers",
    "max_min CLARABEL": "peers",
    "max_min HIGHS": "peers",
    "water_filling HIGHS": "peers",
    "water_filling_whole HIGHS": "peers",
    "eisenberg_gale CLARABEL": "peers",
    "pop_8 HIGHS": "peers",
    "dede_max_min": "dede",
    "dede_eisenberg_gale": "dede",
}
"""The environment that each needs."""
MOST = {"peers": 10_000, "dede": 100}
"""Requests above which an environment's rivals are not run: DeDe starts Ray and takes minutes."""
HIGHS, GLOP = mathopt.SolverType.HIGHS, mathopt.SolverType.GLOP


def instances():
    """Return the instances asked for, drawn ones where the published are not present."""
    here = published()
    if not here:
        return {"gavel-like 256": gavel_like(256), "many levels 128": many_levels(128)}
    return {name: here[name] for name in NAMES}


def timed(run):
    """Return an answer and the least CPU seconds; the first run, which may compile, is apart."""
    run()
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        answer = run()
        seconds.append(time.process_time() - began)
    return answer, min(seconds)


def python_of(environment):
    """Return the interpreter of an environment that `make peers` installs."""
    return HERE.parent / f".venv-{environment}" / "bin" / "python"


def outside(rival, instance):
    """Return a rival's amounts and CPU seconds, nothing if it did not finish."""
    environment = RIVALS[rival]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.npz"
        np.savez(path, **dict(zip("TswC", instance, strict=True)))
        command = [str(python_of(environment)), "-m", CHILDREN[environment]]
        try:
            done = subprocess.run(
                [*command, rival, str(path), str(REPEATS)],
                capture_output=True,
                text=True,
                check=True,
                timeout=LIMIT_SECONDS,
                cwd=HERE.parent,
            )
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
            return None
    answer = json.loads(done.stdout.splitlines()[-1])
    return np.array(answer["amounts"]), answer["seconds"]


def compared(instance):
    """Yield name, amounts and seconds of everybody."""
    answer, seconds = timed(lambda: leximin(*instance))
    yield "ours (exact leximin)", answer.amounts, seconds
    for name, solver, limits in (
        ("sequential HiGHS, same closed-form limits", HIGHS, True),
        ("sequential GLOP, same closed-form limits", GLOP, True),
        ("sequential HiGHS, no closed-form limits", HIGHS, False),
        ("sequential GLOP, no closed-form limits", GLOP, False),
    ):
        if limits or instance[1].size <= 300:
            began = time.process_time()
            try:
                found = sequential(
                    instance, solver=solver, own_limits=limits, seconds=LIMIT_SECONDS
                )
            except TimeoutError:
                yield name, None, None
            else:
                yield name, found.amounts, time.process_time() - began
    for rival, environment in RIVALS.items():
        if python_of(environment).exists() and instance[1].size <= MOST[environment]:
            found = outside(rival, instance)
            yield (rival, *found) if found else (rival, None, None)


def fairness(amounts, exact):
    """Return the least part of the exact amount that anybody has, and Jain's index."""
    some = exact > 0
    jain = amounts.sum() ** 2 / (amounts.size * (amounts**2).sum())
    return float((amounts[some] / exact[some]).min()), float(jain)


def main():
    """Print one table per instance."""
    print("### Peers on few pools with real gains\n")
    for environment in CHILDREN:
        if not python_of(environment).exists():
            print(f"Rivals in .venv-{environment} are left out: `make peers` installs them.\n")
    for name, instance in instances().items():
        rows, exact, ours = [], None, None
        for rival, amounts, seconds in compared(instance):
            exact, ours = (amounts, seconds) if exact is None else (exact, ours)
            if amounts is None:
                rows.append([rival, "not finished", "", "", ""])
                continue
            worst, jain = fairness(amounts, exact)
            figures = [f"{seconds:.4f}", f"{seconds / ours:,.0f}x", f"{worst:.4f}", f"{jain:.4f}"]
            rows.append([rival, *figures])
        print(f"#### {name}\n")
        table(["who", "CPU s", "times ours", "least part of the exact amount", "Jain"], rows)
        print()
