"""The child's side of a solve: one task in, lines of progress out, never outliving its parent.

The first line of standard input is the task. Standard output takes one JSON object a line:
``{"progress": …}`` any number of times, then ``{"result": …}`` or ``{"failure": …}``. What
libraries print goes to standard error. The end of standard input means that the parent is gone.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from scheduler.domain.errors import DureError
from scheduler.domain.events import Json

Tell = Callable[[Mapping[str, Json]], None]
"""Takes one line of progress."""
Solve = Callable[[Mapping[str, Json], Tell], Mapping[str, Json]]
"""Turns a task into a result; raises `DureError` for a reason that another try would meet."""

ORPHANED: Final = 9
"""Exit code of a child whose parent is gone."""
_PR_SET_PDEATHSIG: Final = 1
_NICENESS: Final = 10
_MIB: Final = 1 << 20


def run(solve: Solve) -> None:
    """Do the one task that standard input brings."""
    output = _take_over_output()
    _die_with_parent()
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_watch_parent, name="parent-watch", daemon=True).start()
    if order["memory_mib"] is not None:
        limit = order["memory_mib"] * _MIB
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    os.nice(_NICENESS)

    def tell(line: Mapping[str, Json]) -> None:
        _say(output, "progress", line)

    try:
        result = solve(order["task"], tell)
    except DureError as refusal:
        _say(output, "failure", {**refusal.fields, "code": refusal.code})
    except MemoryError:
        _say(output, "failure", {"code": "out-of-memory", "memory_mib": order["memory_mib"]})
    else:
        _say(output, "result", result)


def _say(output: TextIO, kind: str, content: Mapping[str, object]) -> None:
    output.write(json.dumps({kind: content}, ensure_ascii=False, default=str) + "\n")
    output.flush()


def _take_over_output() -> TextIO:
    """Return the real standard output; whatever else writes there goes to standard error."""
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return os.fdopen(kept, "w", encoding="utf-8")


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch_parent() -> None:
    """End the process when standard input ends, on systems without such a signal too."""
    while os.read(0, 1):
        pass
    os._exit(ORPHANED)
