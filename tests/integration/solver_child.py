"""A child that solves nothing: it does what its task says, through the real protocol."""

import os
import sys
import time
from pathlib import Path

from api.child import run
from scheduler.domain.errors import InvalidRoundFile


def solve(task, tell):
    """Act out a task."""
    if "mark" in task:
        Path(task["mark"]).write_text(str(os.getpid()))
    for number in range(task.get("lines", 0)):
        tell({"stage": f"stage-{number}", "objective": number, "gap": 0.5})
    match task.get("act"):
        case "refuse":
            raise InvalidRoundFile(rule="no pools")
        case "crash":
            sys.stderr.write("the very last words\n")
            os.abort()
        case "memory":
            bytearray(2 << 40)
        case "noise":
            sys.stdout.write("a library greets\n")
            sys.stdout.flush()
            os.write(1, b"so does another\n")
        case "sleep":
            time.sleep(600)
    return {"answer": task.get("question", 0) * 2, "spaces": "두레"}


if __name__ == "__main__":
    run(solve)
