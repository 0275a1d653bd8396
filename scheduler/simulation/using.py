"""Slots of use: what fellows want, what the cluster can run, and what its feed tells."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award
from scheduler.domain.burn import PPM
from scheduler.domain.ledger import SECONDS_PER_HOUR
from scheduler.domain.pools import Calendar, ChangeKind
from scheduler.domain.usage import Run
from scheduler.operations.pools import (
    ProposedChange,
    approve_capacity_change,
    propose_capacity_change,
    supplies,
)
from scheduler.operations.usage import import_usage
from scheduler.operations.use_records import AwardUse, use_records
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.simulation.chance import chance
from scheduler.simulation.feed import CLUSTER, SECOND, Feed, slot_runs
from scheduler.simulation.world import COLLECTOR, OPERATOR, SECOND_OPERATOR, World

FAILING_NODES: Final = 3
"""At most so many nodes of a pool fail together."""
LONGEST_FAILURE_DAYS: Final = 14


@dataclass(slots=True)
class Using:
    """What was really used, whatever the center knows of it by now.

    Attributes:
        used: GPU-seconds by award and GPU type.
        slots: slots used so far, in all seasons.
    """

    world: World
    feed: Feed = field(init=False)
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    slots: int = 0

    def __post_init__(self) -> None:
        self.feed = Feed(seed=self.world.options.seed)

    def fail_nodes(self, tx: Transaction, calendar: Calendar, now: datetime) -> None:
        """Let nodes of pools fail by chance, as two operators enter it."""
        options = self.world.options
        for pool in list(everything(tx.pools.list)):
            rng = chance(options.seed, "failure", pool.id, now.date())
            if rng.integers(100) >= options.failure_percent:
                continue
            nodes = min(int(rng.integers(1, FAILING_NODES + 1)), pool.nodes)
            days = int(rng.integers(1, LONGEST_FAILURE_DAYS + 1))
            last = calendar.slot(calendar.slots - 1)
            assert last is not None, "a season has a first day"
            proposed = ProposedChange(
                pool=pool.id,
                kind=ChangeKind.MAINTENANCE,
                gpus=nodes * pool.gpus_per_node,
                starts_at=now,
                ends_at=min(now + timedelta(days=days), last[1]),
                reason="Nodes failed.",
            )
            change = propose_capacity_change(tx, self.world.act(OPERATOR, now), proposed)
            approve_capacity_change(tx, self.world.act(SECOND_OPERATOR, now), change.id)

    def use_slot(
        self, tx: Transaction, calendar: Calendar, awards: Iterable[Award], now: datetime
    ) -> None:
        """Run what fellows want in the slot that ends now, as far as the cluster can."""
        number = calendar.slot_at(now - SECOND)
        slot = calendar.slot(number)
        assert slot is not None, "a season has a first day"
        wanted = [(each, self._wish(each, slot)) for each in use_records(tx, awards)]
        can = self._capacity(tx, calendar, number)
        asked: Counter[str] = Counter()
        for each, amount in wanted:
            asked[each.gpu_type] += amount
        runs: list[Run] = []
        for each, amount in wanted:
            room, all_ = can[each.gpu_type], max(asked[each.gpu_type], 1)
            runs += self._run(each, min(amount, amount * room // all_), slot)
        self.feed.report(runs, self.slots)
        arrived = self.feed.arrived(self.slots)
        if arrived:
            import_usage(tx, self.world.act(COLLECTOR, now), arrived, source=CLUSTER)
        self.slots += 1

    def deliver_rest(self, tx: Transaction, now: datetime) -> None:
        """Enter everything that is still on its way."""
        rest = self.feed.rest()
        if rest:
            import_usage(tx, self.world.act(COLLECTOR, now), rest, source=CLUSTER)

    def _wish(self, each: AwardUse, slot: tuple[datetime, datetime]) -> int:
        """Return what a fellow wants to have used by a slot's end, less what was used.

        The curve goes over the window that was granted; nobody gets beyond what is left.
        """
        begins, ends = slot
        line, use = each.use.burn.line, each.use
        if begins >= line.ends_at:
            return 0
        _, curve = self.world.options.habits.of(self.world.options.seed, each.award.fellow)
        target = use.initial * curve.share(line.passed(ends), line.seconds) // PPM
        used = self.used[each.award.id, each.gpu_type]
        return max(min(target, use.burn.held) - used, 0)

    def _capacity(self, tx: Transaction, calendar: Calendar, slot: int) -> Counter[str]:
        """Return the GPU-seconds that the pools can run in a slot, by GPU type."""
        pools = tuple(pool.id for pool in everything(tx.pools.list))
        room: Counter[str] = Counter()
        for supply in supplies(tx, pools, calendar).values():
            room[supply.pool.gpu_type] += supply.gpu_hours[slot] * SECONDS_PER_HOUR // MILLI
        return room

    def _run(
        self, each: AwardUse, gpu_seconds: int, slot: tuple[datetime, datetime]
    ) -> tuple[Run, ...]:
        runs = slot_runs(each.award, each.gpu_type, gpu_seconds, slot=slot)
        for run in runs:
            seconds = (run.ends_at - run.starts_at) // SECOND
            self.used[each.award.id, each.gpu_type] += run.gpus * seconds
        return runs
