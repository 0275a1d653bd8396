"""How soon `dure` answers: the help, a usage error, and the checker's first word."""

import statistics
import subprocess
import sys
import time

RUNS = 10
LIMIT_SECONDS = 0.3
"""Promised for ``dure --help``."""
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "dure --help": ["-m", "api.cli", "--help"],
    "dure slove": ["-m", "api.cli", "slove"],
    "dure verify --help": ["-m", "api.cli", "verify", "--help"],
    "dure solve --help": ["-m", "api.cli", "solve", "--help"],
    "dure call --help": ["-m", "api.cli", "call", "--help"],
}


def seconds(arguments: list[str]) -> float:
    """Return the wall time of one fresh process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return time.perf_counter() - began


def main() -> None:
    """Print the times; the first run of each only warms the file cache."""
    print(f"### Start-up ({RUNS} fresh processes each)\n")
    print("| command | median | best | worst |\n|---|---|---|---|")
    for name, arguments in COMMANDS.items():
        seconds(arguments)
        times = sorted(seconds(arguments) for _ in range(RUNS))
        median = statistics.median(times)
        over = " (over the promise)" if name == "dure --help" and median > LIMIT_SECONDS else ""
        print(f"| `{name}` | {median:.3f} s{over} | {times[0]:.3f} s | {times[-1]:.3f} s |")


if __name__ == "__main__":
    main()
