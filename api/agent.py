"""The enforcement agent: pulls the signed plan of its cluster, makes the cluster so, reports.

The center holds no credential of the cluster. What the agent remembers is the plan it applied
last: whatever differs from that was changed by somebody else, and is drift.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from api.client import Client
from api.signing import trusted
from api.slurm import SlurmCluster
from scheduler.domain.enforcement import (
    MOST_DRIFTS,
    Difference,
    EnforcementPlan,
    read_plan,
)
from scheduler.export.slurm_diff import SlurmDifference, difference, differences
from scheduler.export.slurm_state import SlurmState, wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What an agent keeps between looks, in a file of its own.

    Attributes:
        through: position in the log that the latest applied plan knew.
        plan: that plan.
        aim: the plan that was being applied when the agent was last heard of; what stands as it
            says was changed by the agent itself.
    """

    through: int = 0
    plan: EnforcementPlan | None = None
    aim: EnforcementPlan | None = None

    def drift(self, live: SlurmState) -> tuple[Difference, ...]:
        """Return what somebody else changed since."""
        if self.plan is None:
            return ()
        found = differences(wanted(self.plan), live)
        if self.aim is None:
            return tuple(found)
        undone = {each.name for each in differences(wanted(self.aim), live)}
        return tuple(each for each in found if each.name in undone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What an agent saw at one look.

    Attributes:
        envelope: the signed plan as it came; plan: what is in it.
        live: what the cluster held.
        change: what has to happen; reservations: the same, for `scontrol`.
        drift: what is otherwise than the plan that was applied before.
    """

    envelope: dict[str, Any]
    plan: EnforcementPlan
    live: SlurmState
    change: SlurmDifference
    reservations: tuple[tuple[str, ...], ...]
    drift: tuple[Difference, ...]

    @property
    def is_settled(self) -> bool:
        """Whether the cluster is as the plan says."""
        return self.change.is_empty and not self.reservations


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a look.

    Attributes:
        commands: how many were run; left: how many things still differ.
    """

    sight: Sight
    applied: bool
    commands: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Looks after one cluster.

    Attributes:
        key: that the center signs the plans of this cluster with.
        memory: file of what it remembers.
        clock: gives the instant.
    """

    client: Client
    cluster: SlurmCluster
    key: str
    memory: Path
    clock: Callable[[], datetime]

    def look(self) -> Sight:
        """Compare the plan with the cluster; nothing is changed.

        Raises:
            UntrustedPlan: If the plan is not to be trusted.
            SlurmRefused: If the cluster does not say what it holds.
        """
        known = read_memory(self.memory)
        name = self.cluster.name
        envelope = self.client.get(f"enforcement/plans/{name}").body
        plan = trusted(envelope, cluster=name, key=self.key, newest=known.through)
        live = self.cluster.live(plan)
        return Sight(
            envelope=envelope,
            plan=plan,
            live=live,
            change=difference(name, wanted(plan), live),
            reservations=self.cluster.reservations(plan, self.clock()),
            drift=known.drift(live),
        )

    def work(self, *, apply: bool | None = None) -> Done:
        """Look, make the cluster as the plan says if that is asked, and report.

        Args:
            apply: whether to; by default as the plan says.

        Raises:
            UntrustedPlan, SlurmRefused: As `look`; also if a change was refused, once reported.
        """
        sight = self.look()
        wish = sight.envelope["apply"] if apply is None else apply
        done = self._apply(sight) if wish else self._leave(sight)
        self._report(done)
        return done

    def _apply(self, sight: Sight) -> Done:
        """Make the cluster as the plan says, and look again whether it is."""
        commands = 0
        if not sight.is_settled:
            known = read_memory(self.memory)
            keep_memory(self.memory, replace(known, aim=sight.plan))
            commands = self.cluster.apply(sight.change, sight.reservations)
        live = self.cluster.live(sight.plan) if commands else sight.live
        left = len(tuple(differences(wanted(sight.plan), live)))
        if not left:
            self._remember(sight)
        return Done(sight=sight, applied=not left, commands=commands, left=left)

    def _leave(self, sight: Sight) -> Done:
        """Change nothing; a cluster that is as the plan says already is as good as applied."""
        left = len(tuple(differences(wanted(sight.plan), sight.live)))
        if sight.is_settled:
            self._remember(sight)
        return Done(sight=sight, applied=sight.is_settled, commands=0, left=left)

    def _remember(self, sight: Sight) -> None:
        through = sight.envelope["through"]
        keep_memory(self.memory, Memory(through=through, plan=sight.plan))

    def _report(self, done: Done) -> None:
        """Tell the center."""
        sight = done.sight
        body = {
            "target": self.cluster.name,
            "plan": sight.envelope["digest"],
            "through": sight.envelope["through"],
            "applied": done.applied,
            "commands": done.commands,
            "found": len(sight.drift),
            "left": done.left,
            "differences": [
                {"name": each.name, "expected": each.expected, "found": each.found}
                for each in sight.drift[:MOST_DRIFTS]
            ],
        }
        self.client.create("enforcement/reports", body)


def read_memory(path: Path) -> Memory:
    """Return what an agent remembers; nothing before its first plan."""
    if not path.exists():
        return Memory()
    kept = json.loads(path.read_text("utf-8"))
    plans = {name: kept.get(name) for name in ("plan", "aim")}
    read = {name: None if each is None else read_plan(each) for name, each in plans.items()}
    return Memory(through=kept["through"], **read)


def keep_memory(path: Path, memory: Memory) -> None:
    """Write beside and move into place, so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    kept = {
        "through": memory.through,
        "plan": None if memory.plan is None else memory.plan.document(),
        "aim": None if memory.aim is None else memory.aim.document(),
    }
    beside.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
    beside.replace(path)
