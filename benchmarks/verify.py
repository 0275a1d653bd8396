"""What the checker costs: plans of a shipped round and of a big one, in fresh interpreters.

Modules are at hand in compiled form, as installers leave them: the first run of each way, which
compiles them, does not count.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.instances import SHIPPED, table
from benchmarks.rounds_like import innocore_like
from solver.canonical import canonical

RUNS = 5
PLAIN = [sys.executable, "-S", "-m", "solver.verify"]
"""The checker with the standard library alone."""
FAST = [sys.executable, "-m", "api.cli", "verify", "--quiet", "--fast"]
LEAN = [sys.executable, "-m", "solver.bulk.verify"]
"""The same without what the command line loads."""
FELLOWS = int(os.environ.get("DURE_VERIFY_FELLOWS", "28800"))
"""28,800 fellows ask about 50,000 times."""


def main() -> None:
    """Solve each round once, then check its plan several times."""
    print("### Verify\n")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        big = Path(name) / "round.json"
        big.write_bytes(canonical(innocore_like(FELLOWS)))
        shipped = SHIPPED / "innocore-400.json.gz"
        for title, round_, policy in (
            ("innocore-400", shipped, "entitlement"),
            (f"like it, {FELLOWS:,} fellows", big, "rank_and_fund"),
        ):
            rows.append([title, policy, *compared(solved(Path(name), round_, policy))])
    header = ["round", "policy", "standard library, CPU s", "`dure verify --fast`, CPU s"]
    table([*header, "`python -m solver.bulk.verify`, CPU s"], rows)


def compared(documents: list[str]) -> list[str]:
    """Return the least CPU seconds of each checker, in turn, and how many times the first is."""
    ways = PLAIN, FAST, LEAN
    with tempfile.TemporaryDirectory() as compiled:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        _, *seconds = (
            [checked([*command, *documents], environment) for command in ways]
            for _ in range(1 + RUNS)
        )
    plain, *sooner = (min(each) for each in zip(*seconds, strict=True))
    return [f"{plain:.2f}", *(f"{each:.2f} ({plain / each:.1f}x)" for each in sooner)]


def solved(folder: Path, round_: Path, policy: str) -> list[str]:
    """Return the paths of a round, its plan and its certificate."""
    plan, certificate = str(folder / "plan.json"), str(folder / "certificate.json")
    command = [sys.executable, "-m", "api.cli", "solve", str(round_), "--policy", policy]
    command += ["-o", plan, "--certificate", certificate, "--quiet"]
    subprocess.run(command, check=False)
    return [str(round_), plan, certificate]


def checked(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Check in a fresh interpreter; return CPU seconds, start and imports included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
