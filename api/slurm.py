"""A cluster's own tools, `sacctmgr` and `scontrol`: read what it holds, change what differs."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from scheduler.domain.enforcement import EnforcementPlan
from scheduler.export.slurm_commands import Command, stages
from scheduler.export.slurm_diff import SlurmDifference
from scheduler.export.slurm_reservations import (
    Reservation,
    read_reservations,
    read_version,
    reservation_commands,
    wanted_reservations,
)
from scheduler.export.slurm_show import ASSOCIATION_FIELDS, QOS_FIELDS, read_config, read_live
from scheduler.export.slurm_state import SlurmState

AT_ONCE: Final = 32
"""Commands at a time. A command waits for slurmdbd far more than it works: with two busy cores a
hundred took 6.6 s at eight at a time and 3.3 s at thirty-two; slurmdbd takes a hundred callers.
"""
LONGEST_SECONDS: Final = 300.0
"""How long one command may take; a first load of thousands takes a minute."""

Call: TypeAlias = Callable[[Sequence[str], str], str]
"""Runs a program: its words, and the content of a file whose path becomes the last of them."""


class SlurmRefused(Exception):  # noqa: N818 - it says what happened
    """A tool of the cluster ended with an error, or is not there.

    Attributes:
        command: as one would type it.
        said: what it printed.
    """

    def __init__(self, command: str, said: str) -> None:
        super().__init__(f"{command}: {said}")
        self.command = command
        self.said = said


def call_slurm(
    words: Sequence[str], content: str = "", *, environment: Mapping[str, str] | None = None
) -> str:
    """Run a tool of this machine's cluster and return what it printed.

    Args:
        words: program and arguments.
        content: of the file whose path becomes the last argument, if there is any.
        environment: of the tool, in place of this process's own.

    Raises:
        SlurmRefused: If it is not there, takes too long, or ends with an error.
    """
    with tempfile.NamedTemporaryFile("w", prefix="dure-", suffix=".load") as file:
        file.write(content)
        file.flush()
        line = [*words, file.name] if content else list(words)
        try:
            done = subprocess.run(  # noqa: S603 - no shell, words made from checked names
                line,
                check=False,
                capture_output=True,
                text=True,
                timeout=LONGEST_SECONDS,
                # the tools find their cluster by SLURM_CONF
                env={**(environment or os.environ), "TZ": "UTC"},  # noqa: TID251 - handed on unread
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SlurmRefused(" ".join(words)[:200], str(error)) from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise SlurmRefused(" ".join(words)[:200], said[-2000:])
    return done.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmCluster:
    """One Slurm cluster, through its tools.

    Attributes:
        name: as its accounting calls it.
        call: runs a tool.
    """

    name: str
    call: Call = call_slurm

    def live(self, plan: EnforcementPlan) -> SlurmState:
        """Return what its accounting holds of a center."""
        associations = self._show("assoc", f"cluster={self.name}", ASSOCIATION_FIELDS)
        qos = self._show("qos", "", QOS_FIELDS)
        used = self.call(("scontrol", "-o", "show", "assoc_mgr", "flags=assoc"), "")
        return read_live(associations, qos, used, plan)

    def reservations(self, plan: EnforcementPlan, now: datetime) -> tuple[tuple[str, ...], ...]:
        """Return the arguments of `scontrol` by which its reservations become the planned ones."""
        version = read_version(self.call(("scontrol", "-V"), ""))
        aim = wanted_reservations(plan, version=version, now=now)
        found: Mapping[str, Reservation] = read_reservations(
            self.call(("scontrol", "-o", "show", "reservation"), "")
        )
        return reservation_commands(aim, found, now=now)

    def config(self) -> dict[str, str]:
        """Return its settings by name."""
        return read_config(self.call(("scontrol", "show", "config"), ""))

    def apply(self, change: SlurmDifference, reservations: Sequence[tuple[str, ...]] = ()) -> int:
        """Make the changes, and return by how many commands; stages follow one another.

        Raises:
            SlurmRefused: If one was refused; those before it hold, those after were not tried.
        """
        count = 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for stage in stages(change):
                count += len(list(pool.map(self._run, stage)))
        for arguments in reservations:
            self.call(("scontrol", *arguments), "")
        return count + len(reservations)

    def _run(self, command: Command) -> None:
        self.call(("sacctmgr", "-i", *command.arguments), command.file)

    def _show(self, what: str, where: str, fields: Sequence[str]) -> str:
        words = ("sacctmgr", "-n", "-P", "show", what, *filter(None, (where,)))
        return self.call((*words, f"format={','.join(fields)}"), "")
