"""The kinds of jobs that a worker of the center can do."""

import sys
from collections.abc import Mapping
from typing import Final

from api.worker import Trade
from scheduler.domain.jobs import SOLVE
from scheduler.operations.solves import keep_scenario, solve_task
from scheduler.operations.what_ifs import WHAT_IF, keep_answer

TRADES: Final[Mapping[str, Trade]] = {
    SOLVE: Trade(
        command=(sys.executable, "-m", "api.solve_child"),
        prepare=solve_task,
        conclude=keep_scenario,
    ),
    WHAT_IF: Trade(
        command=(sys.executable, "-m", "api.solve_child"),
        prepare=solve_task,
        conclude=keep_answer,
    ),
}
"""By kind of job; the solver is loaded in the child alone."""
