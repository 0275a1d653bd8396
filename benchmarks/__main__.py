"""`make bench`: run every measurement and print its table.

`python -m benchmarks NAME …` runs some of them. Results go to the screen as Markdown, to be pasted
into benchmarks/README.md together with the provenance line that stands on top.

Without names each part runs in processes of its own that may take `DURE_BENCH_SECONDS` of CPU time
together (180 by default): a part that takes longer is ended, which is said below what it has
printed. A part that is named runs to its end.
"""

import importlib
import os
import platform
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

SECONDS = float(os.environ.get("DURE_BENCH_SECONDS", "180"))
LOOK_SECONDS = 1.0
"""So often it is looked at how much CPU time a part has taken."""

SUBJECTS = (
    "start_up",
    "entitle",
    "few_pools",
    "peers",
    "round_peers",
    "growth",
    "moves",
    "counts",
    "policies",
    "select",
    "national",
    "shapes",
    "verify",
    "explain",
    "gaming",
    "spread",
    "books",
    "usage",
    "scrape",
    "simulate",
    "enforce",
    "demo",
)


def provenance() -> str:
    """Return where the figures come from."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("ortools", "numba", "numpy"))
    return f"{platform.machine()}, Python {platform.python_version()}, {libraries}"


def main(names: list[str]) -> int:
    """Run the named subjects, or all of them."""
    unknown = [name for name in names if name not in SUBJECTS]
    if unknown:
        print(f"Unknown: {', '.join(unknown)}. There are: {', '.join(SUBJECTS)}.", file=sys.stderr)
        return 2
    if not names:
        print(f"_{provenance()}_\n", flush=True)
        for name in SUBJECTS:
            print(bounded(name) + "\n", flush=True)
        return 0
    print(f"_{provenance()}_\n")
    for name in names:
        importlib.import_module(f"benchmarks.{name}").main()
        print()
    return 0


def bounded(name: str) -> str:
    """Run a part within the limit, its table printed as it comes; return how it ended."""
    command = [sys.executable, "-u", "-c", f"from benchmarks.{name} import main; main()"]
    part = subprocess.Popen(command, start_new_session=True, cwd=Path(__file__).parents[1])
    spent = 0.0
    while part.poll() is None:
        time.sleep(LOOK_SECONDS)
        spent = max(spent, session_seconds(part.pid))
        if spent > SECONDS:
            os.killpg(part.pid, signal.SIGKILL)
            part.wait()
            return f"\n`{name}` was ended after {spent:.0f} s of CPU time: `DURE_BENCH_SECONDS`."
    if part.returncode:
        return f"\n`{name}` failed: exit code {part.returncode}."
    return f"\n`{name}`: {spent:.0f} s of CPU time."


def session_seconds(leader: int) -> float:
    """Return the CPU seconds of all processes of a session, those that have ended included."""
    ticks = 0
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = each.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended; whoever waited for it counts it
            continue
        if int(fields[3]) == leader:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
