"""How cost grows with the round, up to 50,000 requests: tables and two charts on log axes.

Rounds resample innocore-400 (`benchmarks.rounds_like`), under the default policy. Each figure comes
from a process of its own; a rival that does not end within its CPU seconds is not asked again at
larger sizes. `DURE_GROWTH_FELLOWS` and `DURE_GROWTH_SECONDS` set sizes and limit; charts are drawn
if `DURE_GROWTH_SVG` names a folder.
``python -m benchmarks.growth WHAT FELLOWS SECONDS`` measures one and prints a JSON line.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from ortools.math_opt.python import mathopt

from api.solving import Question, answer, written
from benchmarks.charts import chart
from benchmarks.instances import HERE, table
from benchmarks.round_peers import figures
from benchmarks.rounds_like import innocore_like
from benchmarks.sequential_round import largest_least, sequential_entitlement
from benchmarks.verify import FAST, PLAIN, checked
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.canonical import canonical
from solver.entitle import entitle, group_weights
from solver.pipeline import GAP, Limits, solve

FELLOWS = os.environ.get("DURE_GROWTH_FELLOWS", "115 600").split()
"""About 200 and 1,000 requests; `115 600 2900 11500 28800` are 200 to 50,000."""
SECONDS = float(os.environ.get("DURE_GROWTH_SECONDS", "10"))
"""CPU seconds of a whole solve, and of a rival."""
CHARTS = os.environ.get("DURE_GROWTH_SVG", "")
REPEATS = 3
MIP = "plain MIP, HiGHS"
MAX_MIN = "one max-min LP, HiGHS"
ASIDE = 30
"""CPU seconds beside a rival's limit: reading the round, entitlements to compare with."""


def formulated(fellows):
    """Return the round of so many fellows, formulated."""
    snapshot = read_round(parse_document(canonical(innocore_like(fellows))))
    return formulate(snapshot, find_policy("entitlement"))


def measure_entitle(formulation, _seconds):
    """Return the least CPU seconds of some runs, compilation apart."""
    entitle(formulation.problem)
    spent = []
    for _ in range(REPEATS):
        began = time.process_time()
        entitle(formulation.problem)
        spent.append(time.process_time() - began)
    return {"seconds": min(spent)}


def measure_solve(formulation, seconds):
    """Solve under a limit, write it down, and check it without a solver."""
    solve(formulated(40).problem, limits=Limits(work=1))
    limits = Limits(time_seconds=seconds, clock=time.process_time)
    question = Question(formulation=formulation, seed=0, gap=GAP, limits=limits)
    began = time.process_time()
    solution = answer(question, lambda _: None)
    spent = time.process_time() - began
    with tempfile.TemporaryDirectory() as name:
        paths = []
        for document in (formulation.snapshot.document, solution.document, solution.certificate):
            paths.append(str(Path(name) / f"{len(paths)}.json"))
            Path(paths[-1]).write_bytes(written(document))
        plain, fast = (checked([*command, *paths]) for command in (PLAIN, FAST))
    gap = max(stage.gap for stage in solution.plan.stages)
    return {"seconds": spent, "gap": gap, "verify": plain, "verify fast": fast}


def measure_sequential(formulation, _seconds, *, solver):
    """Return CPU seconds, and how far amounts lie from ours at most, in parts of the largest."""
    problem = formulation.problem
    began = time.process_time()
    groups, fellows, programs = sequential_entitlement(problem, solver)
    spent = time.process_time() - began
    ours = entitle(problem)
    apart = max(np.abs(groups - ours.groups).max(), np.abs(fellows - ours.fellows).max())
    return {"seconds": spent, "programs": programs, "apart": float(apart / ours.groups.max())}


def measure_max_min(formulation, _seconds):
    """Return CPU seconds of one program, and how far the least group lies from ours, in parts."""
    problem = formulation.problem
    began = time.process_time()
    least = largest_least(problem, mathopt.SolverType.HIGHS)
    spent = time.process_time() - began
    ours = float((entitle(problem).groups / np.maximum(group_weights(problem), 1)).min())
    return {"seconds": spent, "apart": abs(least - ours) / ours}


def measure_mip(formulation, seconds):
    """Return CPU seconds of the textbook program, and the largest gap that it is left with."""
    return figures(MIP, formulation.problem, entitle(formulation.problem), seconds)


MEASURES = {
    "entitle": measure_entitle,
    "solve": measure_solve,
    "sequential HiGHS": partial(measure_sequential, solver=mathopt.SolverType.HIGHS),
    "sequential GLOP": partial(measure_sequential, solver=mathopt.SolverType.GLOP),
    MAX_MIN: measure_max_min,
    MIP: measure_mip,
}
OURS = ("entitle", "solve")


def measured(what, fellows):
    """Return the figures of one measure from a process of its own, nothing if it did not end."""
    command = [sys.executable, "-m", "benchmarks.growth", what, str(fellows), str(SECONDS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
    except subprocess.CalledProcessError:
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def grown():
    """Return figures by measure, in the order of sizes; who did not end is not asked again."""
    found = {what: [] for what in MEASURES}
    for fellows in FELLOWS:
        for what, figures_ in found.items():
            ended = what in OURS or all("jain" in each or "apart" in each for each in figures_)
            figures_.append(measured(what, fellows) if ended else {})
            print(fellows, what, json.dumps(figures_[-1]), file=sys.stderr, flush=True)
    return found


def points(sizes, found, what, key="seconds"):
    """Return what a curve goes through."""
    return [(x, each[key]) for x, each in zip(sizes, found[what], strict=True) if each.get(key)]


def draw(sizes, found):
    """Write both charts."""
    curves = {
        "entitle": points(sizes, found, "entitle"),
        f"whole solve, at most {SECONDS:.0f} s": points(sizes, found, "solve"),
        "verify, standard library": points(sizes, found, "solve", "verify"),
        "verify over arrays": points(sizes, found, "solve", "verify fast"),
        **{name: points(sizes, found, name) for name in MEASURES if name not in OURS},
    }
    memory = {"entitle": points(sizes, found, "entitle", "mebibytes")}
    memory["whole solve"] = points(sizes, found, "solve", "mebibytes")
    title = "CPU time against size"
    (Path(CHARTS) / "growth.svg").write_text(chart(title, "requests", "CPU seconds", curves))
    title = "Memory against size"
    (Path(CHARTS) / "growth_memory.svg").write_text(chart(title, "requests", "MiB at most", memory))


def cell(figures_, *keys):
    """Return figures as text."""
    forms = {"seconds": "{:.3g}", "gap": "{:.2g}", "apart": "{:.1e}", "mebibytes": "{:,.0f}"}
    if not figures_:
        return [""] * len(keys)
    return [
        forms.get(key, "{:.3g}").format(figures_[key]) if figures_.get(key) is not None else "–"
        for key in keys
    ]


def main():
    """Print the table; draw the charts if asked to."""
    print(f"### Growth, {SECONDS:.0f} s of CPU at most for a solve and for a rival\n")
    sizes = [len(innocore_like(int(fellows))["requests"]) for fellows in FELLOWS]
    found, rows = grown(), []
    for size, ours, solved, highs, glop, max_min, mip in zip(sizes, *found.values(), strict=True):
        rows.append(
            [
                f"{size:,}",
                *cell(ours, "seconds", "mebibytes"),
                *cell(solved, "seconds", "gap", "mebibytes", "verify", "verify fast"),
                *cell(highs, "seconds"),
                *cell(glop, "seconds", "apart"),
                *cell(max_min, "seconds", "apart"),
                *cell(mip, "seconds", "gap"),
            ]
        )
    header = ["requests", "entitle, CPU s", "MiB", "solve, CPU s", "largest gap", "MiB"]
    header += [
        "verify, CPU s",
        "over arrays",
        "sequential HiGHS, CPU s",
        "sequential GLOP, CPU s",
        "apart by",
    ]
    header += ["one max-min LP (HiGHS), CPU s", "apart by"]
    table([*header, "plain MIP (HiGHS), CPU s", "largest gap"], rows)
    if CHARTS:
        draw(sizes, found)


if __name__ == "__main__":
    what, fellows, limit = sys.argv[1:]
    if what not in OURS:
        resource.setrlimit(resource.RLIMIT_CPU, (int(float(limit)) + ASIDE,) * 2)
    asked = formulated(int(fellows))
    said = MEASURES[what](asked, float(limit))
    said["mebibytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(said))
