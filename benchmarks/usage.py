"""Are the books exact, whatever comes twice, late and in any order? Usage through the real import.

``python -m benchmarks.usage [SLICES] [SEED]`` draws 100,000 slices of the jobs of 400 fellows,
tells 5 % of them twice, 5 % weeks late and 10 % first at half their length, shuffles everything,
and imports it in batches into a fresh SQLite store; then once more in another order. Both stores
must hold what plain addition says, award by award, to the GPU-second.
"""

import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import Award, Cell
from scheduler.domain.calls import Call, CallState, CallTerms
from scheduler.domain.ledger import CENTER, AccountKind, account_id
from scheduler.domain.pools import Calendar, Pool
from scheduler.domain.rounds import Round, RoundState
from scheduler.domain.usage import Run, slices
from scheduler.operations.awards import accept_award
from scheduler.operations.ledger import Offer, Publication, check_ledger, enter_publication
from scheduler.operations.usage import import_usage
from scheduler.ports.acts import Act
from scheduler.storage.store import open_store

FELLOWS = 400
FIRST = date(2027, 1, 4)
BEGINS = datetime(2027, 1, 4, tzinfo=UTC)
WEEK, WEEKS = timedelta(days=7), 26
AWARD_HOURS = 10_000_000
BATCH = 20_000
TWICE, LATE, PARTIAL = 0.05, 0.05, 0.10
SECOND = timedelta(seconds=1)
LONGEST = 90_000
"""Seconds: of a day and an hour, so that every run has one slice to three."""


class Ids:
    """Ids that count up, of the form that the center makes."""

    def __init__(self):
        self._numbers = count(1)

    def new(self, prefix, now):
        """Return the next id."""
        del now
        return f"{prefix}_{next(self._numbers):026d}"


def acting(ids, at):
    """Return somebody acting on everything."""
    return Act(permit=Permit(action="bench", person="bench", scope=EVERYTHING), now=at, ids=ids)


def a_center(tx, ids):
    """Keep one pool and one active round whose every fellow has an accepted award; return them."""
    tx.pools.add(Pool(id="h200", gpu_type="H200", nodes=10_000, gpus_per_node=8))
    calendar = Calendar(starts_on=FIRST, slot_hours=168_000, slots=WEEKS)
    terms = CallTerms(
        title="Bench",
        opens_at=BEGINS - 9 * WEEK,
        closes_at=BEGINS - 4 * WEEK,
        policy="none",
        policy_version=1,
        calendar=calendar,
        pools=("h200",),
    )
    at = BEGINS - WEEK
    call = Call(
        id=ids.new("call", at),
        terms=terms,
        state=CallState.CLOSED,
        drafted_by="bench",
        created_at=at,
    )
    tx.calls.add(call)
    round_ = Round(
        id=ids.new("rnd", at),
        call=call.id,
        title="Bench",
        created_by="bench",
        created_at=at,
        state=RoundState.ACTIVE,
    )
    tx.rounds.add(round_)
    awards = [_award(ids, round_.id, number, at) for number in range(FELLOWS)]
    tx.awards.add(awards)
    offers = [
        Offer(award=each.id, group="g", event=1, gpu_seconds={"H200": AWARD_HOURS * 3600})
        for each in awards
    ]
    supply = {"H200": FELLOWS * AWARD_HOURS * 3600}
    act = acting(ids, at)
    enter_publication(
        tx, act, Publication(call=call.id, supply=supply, offers=tuple(offers), event=1)
    )
    for each in awards:
        accept_award(tx, act, each.id)
    return {each.fellow: each.id for each in awards}


def _award(ids, round_, number, at):
    hours = AWARD_HOURS * 1000
    return Award(
        id=ids.new("awd", at),
        round=round_,
        request=ids.new("req", at),
        scenario="scn",
        fellow=f"fellow{number:03d}",
        requested=hours,
        recommended=hours,
        awarded=hours,
        service_units=hours,
        cells=tuple(Cell(pool="h200", slot=slot, gpu_hours=1) for slot in range(WEEKS)),
        offered_at=at,
    )


def drawn(chance, wanted):
    """Return runs that make at least so many slices; a twentieth of the users has no award."""
    runs, made = [], 0
    while made < wanted:
        starts_at = BEGINS + chance.randrange(WEEKS * 7 * 86_400 - 200_000) * SECOND
        run = Run(
            cluster=chance.choice(("duru", "mugung")),
            job=str(len(runs) + 1),
            user=f"fellow{chance.randrange(int(FELLOWS * 1.05)):03d}",
            gpu_type=chance.choice(("h200", "H200", "gpu")),
            gpus=chance.choice((1, 2, 4, 8, 16)),
            starts_at=starts_at,
            ends_at=starts_at + chance.randrange(30, LONGEST) * SECOND,
        )
        made += sum(1 for _ in slices(run))
        runs.append(run)
    return runs


def told(chance, runs):
    """Return what the feeds tell, in batches: parts first or last, twice, late, shuffled."""
    early, late = [], []
    for run in runs:
        (late if chance.random() < LATE else early).append(run)
        if chance.random() < TWICE:
            chance.choice((early, late)).append(run)
        if chance.random() < PARTIAL:
            half = run.starts_at + (run.ends_at - run.starts_at) / 2
            chance.choice((early, late)).append(
                replace(run, ends_at=half.replace(microsecond=0), ended=False)
            )
    chance.shuffle(early)
    chance.shuffle(late)
    in_order = [*early, *late]
    return [in_order[at : at + BATCH] for at in range(0, len(in_order), BATCH)]


def added(runs, awards):
    """Return by plain addition what each award, or nobody's, must have used."""
    sums = Counter()
    for run in runs:
        seconds = (run.ends_at - run.starts_at) // SECOND
        sums[awards.get(run.user, CENTER)] += run.gpus * seconds
    return sums


def imported(folder, batches):
    """Import batches into a fresh store; return what every owner used, and the awards."""
    ids = Ids()
    with open_store(f"sqlite:///{folder / 'dure.db'}") as store:
        awards = store.write(lambda tx: a_center(tx, ids))
        at = BEGINS + WEEKS * WEEK + timedelta(days=30)
        for batch in batches:
            store.write(lambda tx, batch=batch: import_usage(tx, acting(ids, at), batch))
        with store.read() as tx:
            assert all(each.holds for each in check_ledger(tx, acting(ids, at).permit))
            owners = [*awards.values(), CENTER]
            found = {each: _consumed(tx, each) for each in owners}
            entered = Counter()
            for (award, _), amount in tx.usage.totals().items():
                entered[award or CENTER] += amount
        assert +entered == +Counter(found)
    return found, awards


def _consumed(tx, owner):
    account = tx.ledger.find(account_id(AccountKind.CONSUMED, owner, "H200"))
    return 0 if account is None else account.balance


def play(wanted, seed, folder):
    """Import the same usage in two orders, compare with addition; return figures of the first."""
    runs = drawn(Random(seed), wanted)  # noqa: S311 - replayable
    began, figures = time.process_time(), {}
    for order in (1, 2):
        place = folder / str(order)
        place.mkdir()
        batches = told(Random(seed + order), runs)  # noqa: S311 - replayable
        found, awards = imported(place, batches)
        assert found == {**dict.fromkeys(found, 0), **added(runs, awards)}
        if order == 1:
            figures = {
                "slices": sum(1 for run in runs for _ in slices(run)),
                "runs": len(runs),
                "told": sum(len(batch) for batch in batches),
                "gpu_seconds": sum(found.values()),
                "outside": found[CENTER],
                "cpu": time.process_time() - began,
            }
    return figures


def main(wanted=100_000, seed=0):
    """Play and print."""
    with tempfile.TemporaryDirectory() as folder:
        figures = play(wanted, seed, Path(folder))
    print(
        f"{figures['slices']:,} slices of {figures['runs']:,} runs, seed {seed}, told in"
        f" {figures['told']:,} reports and two orders: {figures['gpu_seconds']:,} GPU-seconds,"
        f" {figures['outside']:,} of them outside any award"
    )
    print(
        "  every award as plain addition says, the fold as the balances, both orders alike;"
        f" {figures['slices'] / figures['cpu']:,.0f} slices a CPU second"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
