"""The demo, step by step: 694 submissions over HTTP with p50 and p99, solves, publication."""

import os
import re
import subprocess
import sys

from benchmarks.instances import table


def main() -> None:
    """Run `dure demo` once and print what each step took."""
    print("### The demo\n")
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "demo"],
        env=os.environ | {"DEMO_EXIT": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"`dure demo` ended with {done.returncode}:\n{done.stderr}")
    rows, step, told = [], "", ""
    for line in done.stdout.splitlines() + done.stderr.splitlines():
        if title := re.match(r"\s*(\d+\. .*)", line):
            step, told = title[1], ""
        elif seconds := re.match(r"\s*done in ([\d.]+) s", line):
            rows.append([step, told, seconds[1]])
        elif "receipts" in line or "reference GPU-hours" in line:
            told = told or line.strip()
    table(["step", "what it said", "s"], rows)
