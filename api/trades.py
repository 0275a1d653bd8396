"""The kinds of jobs that a worker of the center can do."""

import sys
from collections.abc import Mapping
from typing import Final

from api.worker import Trade
from scheduler.domain.jobs import REALLOCATE, SOLVE
from scheduler.operations.solves import SolveOrder, keep_scenario, solve_task
from scheduler.operations.upkeep import go_on
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
"""What is done in a child process."""
REALLOCATION: Final = "reallocation"
"""The policy by which rounds go on by themselves, unless the center has another one."""


def trades(reallocation: str = REALLOCATION) -> Mapping[str, Trade]:
    """Return what a worker can do, by kind of job; the solver is loaded in the child alone.

    Args:
        reallocation: name of a preset or stored policy that reallocates.
    """
    order = SolveOrder(policy=reallocation)
    return {
        **TRADES,
        REALLOCATE: Trade(
            command=None,
            prepare=lambda _tx, _job: {},
            conclude=lambda tx, hand, job, _made: go_on(tx, hand, job, order),
        ),
    }
