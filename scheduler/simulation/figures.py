"""What came of a simulated course: utilization, fairness, churn, and where every hour went."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award
from scheduler.domain.changes import AwardChange, AwardChangeKind
from scheduler.domain.ledger import SECONDS_PER_HOUR, AccountKind
from scheduler.operations.holdings import awards_of_call
from scheduler.operations.pools import supplies
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.simulation.world import Course

DISTURBING = frozenset({AwardChangeKind.MOVED, AwardChangeKind.CUT})
"""Changes that no fellow asked for and no unused hour caused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A course in figures; hours are whole GPU-hours.

    Attributes:
        supplied: what the pools could run, failures taken off.
        granted: offered first; drawn: offered later, to the reserve list.
        reclaimed, returned: taken back by the rule, given back by fellows.
        used: by jobs; lapsed: what closed rounds left unused.
        utilization: used over supplied.
        jain_granted, jain_used: Jain's index over groups, per unit of their weight.
        churn: hours that were moved or cut, over all that were granted or drawn.
        steps: of virtual time, after each of which every invariant held.
        log: hash of the last event; two runs that agree on it agree on everything.
    """

    policy: str
    reclaim: str
    supplied: int
    granted: int
    drawn: int
    reclaimed: int
    returned: int
    used: int
    lapsed: int
    utilization: float
    jain_granted: float
    jain_used: float
    churn: float
    steps: int
    log: str

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return asdict(self)


def figures(tx: Transaction, course: Course, *, steps: int) -> Figures:
    """Add up a finished course."""
    calls = [each.id for each in everything(lambda part: tx.calls.list(part, drafts=True))]
    awards = [award for call in calls for award in awards_of_call(tx, call)]
    changes = tx.awards.changes([award.id for award in awards])
    first = {tx.rounds.of_call(call)[0].id for call in calls}
    rounds = {award.id: award.round for award in awards}
    hours = _hours(changes, rounds, first)
    used = _used(tx)
    group_of = {each.id: each.group for each in tx.people.of({each.fellow for each in awards})}
    weights = {each.id: each.weight for each in everything(lambda p: tx.groups.list(EVERYTHING, p))}
    given = Counter({award.id: 0 for award in awards})
    for change in changes:
        if change.kind is AwardChangeKind.GRANTED:
            given[change.award] += sum(cell.gpu_hours for cell in change.cells)
    supplied = _supplied(tx, calls)
    all_given = hours["granted"] + hours["drawn"]
    return Figures(
        policy=course.policy,
        reclaim=course.reclaim_name,
        supplied=supplied,
        used=sum(used.values()) // SECONDS_PER_HOUR,
        lapsed=_lapsed(tx) // SECONDS_PER_HOUR,
        utilization=round(sum(used.values()) / SECONDS_PER_HOUR / max(supplied, 1), 4),
        jain_granted=_jain(awards, given, group_of, weights),
        jain_used=_jain(awards, used, group_of, weights),
        churn=round(hours["disturbed"] / max(all_given, 1), 4),
        steps=steps,
        log=tx.events.list(after=_last(tx) - 1)[-1].hash,
        **{name: hours[name] for name in ("granted", "drawn", "reclaimed", "returned")},
    )


def _hours(
    changes: Iterable[AwardChange], rounds: Mapping[str, str], first: frozenset[str] | set[str]
) -> Counter[str]:
    """Return GPU-hours by what became of them."""
    found: Counter[str] = Counter()
    for change in changes:
        net = sum(cell.gpu_hours for cell in change.cells)
        if change.kind is AwardChangeKind.GRANTED:
            found["granted" if rounds[change.award] in first else "drawn"] += net
        elif change.kind is AwardChangeKind.RECLAIMED:
            found["reclaimed"] -= net
        elif change.kind in {AwardChangeKind.RETURNED, AwardChangeKind.LAPSED}:
            found["returned"] -= net
        elif change.kind in DISTURBING:
            found["disturbed"] -= sum(min(cell.gpu_hours, 0) for cell in change.cells)
    return found


def _supplied(tx: Transaction, calls: Iterable[str]) -> int:
    """Return the GPU-hours of all calendars, as they are known in the end."""
    total = 0
    for id_ in calls:
        call = tx.calls.find(id_)
        assert call is not None, "it has just been listed"
        for each in supplies(tx, call.terms.pools, call.terms.calendar).values():
            total += sum(each.gpu_hours)
    return total // MILLI


def _used(tx: Transaction) -> Counter[str]:
    """Return GPU-seconds used by award."""
    used: Counter[str] = Counter()
    for (award, _), amount in tx.usage.totals().items():
        if award is not None:
            used[award] += amount
    return used


def _lapsed(tx: Transaction) -> int:
    accounts = everything(lambda part: tx.ledger.accounts(EVERYTHING, part))
    return sum(each.balance for each in accounts if each.kind is AccountKind.LAPSED)


def _jain(
    awards: Iterable[Award],
    amounts: Mapping[str, int],
    group_of: Mapping[str, str | None],
    weights: Mapping[str, int],
) -> float:
    """Return Jain's index over groups of what they have per unit of weight.

    Source:
        Jain, Chiu and Hawe, A Quantitative Measure of Fairness (1984).
    """
    by_group = dict.fromkeys(weights, 0)
    for award in awards:
        group = group_of[award.fellow]
        if group is not None:
            by_group[group] += amounts.get(award.id, 0)
    shares = [by_group[group] / weight for group, weight in weights.items() if weight]
    squares = len(shares) * sum(share * share for share in shares)
    return round(sum(shares) ** 2 / squares, 4) if squares else 1.0


def _last(tx: Transaction) -> int:
    """Return the position of the last event."""
    seq = 0
    while found := tx.events.list(after=seq, limit=500):
        seq = found[-1].seq
    return seq
