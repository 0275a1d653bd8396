"""Every preset that decides a round, on every round, through the command line as a user would.

`DURE_POLICIES_ROUNDS`, by default the shipped ones, and `DURE_POLICIES` name some of them; rows are
printed as they come. CPU seconds are those of the solving process.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.instances import name_of, reference, rounds, table
from scheduler.policy import find_policy, presets
from solver.problem import Method

DURE = [sys.executable, "-m", "api.cli"]
ROUNDS = os.environ.get("DURE_POLICIES_ROUNDS", "innocore-400 kr2026").split()
POLICIES = os.environ.get("DURE_POLICIES", "").split()


def children_seconds() -> float:
    """Return the CPU seconds of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def solve(path: Path, policy: str, folder: Path) -> tuple[int, dict, int, float]:
    """Return exit code, what `dure solve --json` said, exit code of `dure verify`, CPU seconds."""
    plan, certificate = folder / "plan.json", folder / "certificate.json"
    for each in (plan, certificate):
        each.unlink(missing_ok=True)
    outputs = ["-o", str(plan), "--certificate", str(certificate)]
    command = [*DURE, "solve", str(path), "--policy", policy, *outputs, "--json", "--quiet"]
    before = children_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    spent = children_seconds() - before
    if not plan.is_file():
        return done.returncode, {"error": done.stderr[-300:]}, -1, spent
    checked = subprocess.run(
        [*DURE, "verify", str(path), str(plan), str(certificate)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout), checked.returncode, spent


def row(path: Path, policy: str, folder: Path) -> list[object]:
    """Return one line of the table."""
    code, said, checked, spent = solve(path, policy, folder)
    if "error" in said:
        return [name_of(path), policy, code, said["error"], *[""] * 6]
    measures = said["measures"]
    served = reference().get(name_of(path), {}).get("served_max_reference_gpu_hours")
    share = "" if served is None else f"{measures['awarded_gpu_hours'] / served:.4f}"
    worst = max((stage["gap"] for stage in said["stages"]), default=0.0)
    shortfall = max(
        (
            group["shortfall"] / group["entitlement"]
            for group in measures["groups"]
            if group["entitlement"]
        ),
        default=0.0,
    )
    return [
        name_of(path),
        policy,
        code,
        checked,
        said["status"],
        f"{worst:.5f}",
        measures["funded"],
        f"{1 - shortfall:.4f}",
        share,
        f"{spent:.1f}",
    ]


def deciding() -> list[str]:
    """Return the presets that decide a round; one that goes on with a plan needs that plan."""
    return [name for name in presets() if find_policy(name).rules.method is not Method.REALLOCATE]


def main() -> None:
    """Print the table."""
    print("### Every policy on every round\n")
    header = ["round", "policy", "exit", "verify", "status", "largest gap", "funded"]
    header += ["worst group / entitlement", "served / fluid bound", "CPU s"]
    table(header, [])
    with tempfile.TemporaryDirectory() as folder:
        for path in rounds():
            if name_of(path) not in ROUNDS:
                continue
            for policy in POLICIES or deciding():
                cells = row(path, policy, Path(folder))
                print("| " + " | ".join(map(str, cells)) + " |", flush=True)
