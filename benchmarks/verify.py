"""How long the checker takes: a plan of `innocore-400` in a fresh interpreter without a solver."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.instances import SHIPPED, table


def main() -> None:
    """Solve once, then check five times."""
    print("### Verify\n")
    round_ = str(SHIPPED / "innocore-400.json.gz")
    with tempfile.TemporaryDirectory() as name:
        plan, certificate = str(Path(name) / "plan.json"), str(Path(name) / "certificate.json")
        solve = [
            sys.executable,
            "-m",
            "api.cli",
            "solve",
            round_,
            "-o",
            plan,
            "--certificate",
            certificate,
            "--quiet",
        ]
        subprocess.run(solve, check=False)
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "solver.verify", round_, plan, certificate],
                check=True,
                capture_output=True,
            )
            seconds.append(time.perf_counter() - began)
    table(
        ["round", "fastest s", "slowest s"],
        [["innocore-400", f"{min(seconds):.2f}", f"{max(seconds):.2f}"]],
    )
