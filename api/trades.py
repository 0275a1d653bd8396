"""The kinds of jobs that a worker of the center can do."""

import sys
from collections.abc import Mapping
from typing import Final

from api.worker import Trade
from scheduler.domain.jobs import SOLVE
from scheduler.operations.solves import keep_scenario, solve_task

TRADES: Final[Mapping[str, Trade]] = {
    SOLVE: Trade(
        command=(sys.executable, "-m", "api.solve_child"),
        prepare=solve_task,
        conclude=keep_scenario,
    )
}
"""By kind of job; the solver is loaded in the child alone."""
