"""Every preset on every round, through the command line as a user would."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.instances import name_of, reference, rounds, table
from scheduler.policy import presets


def solve(path: Path, policy: str, folder: Path) -> tuple[int, dict, int]:
    """Return exit code, what `dure solve --json` said, and the exit code of `dure verify`."""
    plan, certificate = folder / "plan.json", folder / "certificate.json"
    for each in (plan, certificate):
        each.unlink(missing_ok=True)
    dure = [sys.executable, "-m", "api.cli"]
    done = subprocess.run(
        [
            *dure,
            "solve",
            str(path),
            "--policy",
            policy,
            "-o",
            str(plan),
            "--certificate",
            str(certificate),
            "--json",
            "--quiet",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if not plan.is_file():
        return done.returncode, {"error": done.stderr[-300:]}, -1
    checked = subprocess.run(
        [*dure, "verify", str(path), str(plan), str(certificate)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout), checked.returncode


def row(path: Path, policy: str, folder: Path) -> list[object]:
    """Return one line of the table."""
    code, said, checked = solve(path, policy, folder)
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
        f"{said['seconds']:.1f}",
    ]


def main() -> None:
    """Print the table."""
    print("### Every policy on every round\n")
    header = [
        "round",
        "policy",
        "exit",
        "verify",
        "status",
        "largest gap",
        "funded",
        "worst group / entitlement",
        "served / fluid bound",
        "s",
    ]
    with tempfile.TemporaryDirectory() as folder:
        table(
            header, [row(path, policy, Path(folder)) for path in rounds() for policy in presets()]
        )
