"""What rounds have decided."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from api.monitoring.demand import SECONDS_PER_MILLIHOUR
from api.monitoring.places import Directory, Frozen
from api.monitoring.readings import (
    CLOSES,
    ENDS,
    STARTS,
    AwardReading,
    Place,
    RoundReading,
    ScenarioReading,
)
from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award
from scheduler.domain.calls import Call
from scheduler.domain.ledger import SECONDS_PER_HOUR
from scheduler.domain.pools import Calendar
from scheduler.domain.rounds import Round
from scheduler.domain.scenarios import Scenario
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction

FORMULA: Final = "formula"
"""The stage of a plan that a formula made."""


def round_reading(  # noqa: PLR0913 - what a round is read from
    tx: Transaction,
    round_: Round,
    call: Call,
    kept: Frozen | None,
    *,
    directory: Directory,
    now: datetime,
) -> RoundReading:
    """Return a round with its deadlines, demand, scenarios and awards.

    Args:
        tx: a snapshot of the store.
        round_: which.
        call: of the round.
        kept: what its own snapshot says, once it is frozen.
        directory: where fellows belong that the snapshot does not know.
        now: the instant of the reading.
    """
    ours = AwardFilter(round=round_.id)
    awards = list(everything(lambda part: tx.awards.list(EVERYTHING, part, where=ours)))
    scenarios = everything(lambda part: tx.scenarios.list(EVERYTHING, part, round_=round_.id))
    latest = {each.policy: each for each in scenarios}
    places = directory.places(each.fellow for each in awards)
    places = {**places, **(kept.places if kept else {})}
    return RoundReading(
        round=round_.id,
        state=round_.state,
        # What goes on in mid-round has neither supply nor demand of its own.
        demand=kept.demand if kept and round_.continues is None else None,
        scenarios=tuple(scenario_reading(each) for _, each in sorted(latest.items())),
        deadlines=deadlines(call),
        awards=tuple(
            AwardReading(award=each.id, fellow=each.fellow, place=places[each.fellow])
            for each in awards
        ),
        held_gpu_seconds=_held(awards, places),
        allocated_gpu_seconds=_allocated(awards),
        committed_gpus=_committed(awards, call.terms.calendar, now),
    )


def deadlines(call: Call) -> dict[str, datetime]:
    """Return when a call closes, and when its calendar begins and ends if it says so."""
    calendar = call.terms.calendar
    first, last = calendar.slot(0), calendar.slot(calendar.slots - 1)
    found = {CLOSES: call.terms.closes_at}
    if first is not None and last is not None:
        found |= {STARTS: first[0], ENDS: last[1]}
    return found


def scenario_reading(scenario: Scenario) -> ScenarioReading:
    """Return what one finished solve reached."""
    measures: Mapping[str, Any] = scenario.measures
    theil = measures.get("theil") or {}
    figures = {
        **{name: measures.get(name) for name in ("jain", "gini", "atkinson", "envy")},
        **{f"theil_{part}": theil.get(part) for part in ("between", "within")},
    }
    by_formula = any(stage.get("name") == FORMULA for stage in scenario.stages)
    return ScenarioReading(
        policy=scenario.policy,
        gap=None if by_formula else scenario.gap,
        proven=scenario.status == "optimal" and not by_formula,
        seconds=scenario.seconds,
        fairness={name: float(value) for name, value in figures.items() if value is not None},
    )


def _held(awards: Iterable[Award], places: Mapping[str, Place]) -> dict[Place, float]:
    """Return what is held by place, in GPU-seconds of reference hours."""
    held: Counter[Place] = Counter()
    for award in awards:
        held[places[award.fellow]] += award.held
    return {place: milli * SECONDS_PER_MILLIHOUR for place, milli in held.items()}


def _allocated(awards: Iterable[Award]) -> dict[str, float]:
    """Return what the awards' cells take by pool, in GPU-seconds on the pool."""
    pools: Counter[str] = Counter()
    for award in awards:
        for cell in award.cells:
            pools[cell.pool] += cell.gpu_hours * SECONDS_PER_HOUR
    return {pool: float(seconds) for pool, seconds in pools.items()}


def _committed(awards: Sequence[Award], calendar: Calendar, now: datetime) -> dict[str, float]:
    """Return the GPUs that live awards take in the slot that runs, by pool."""
    first = calendar.slot(0)
    if first is None:
        return {}
    length = first[1] - first[0]
    running = (now - first[0]) // length
    pools: dict[str, float] = {}
    for award in awards:
        for cell in award.cells if award.is_live else ():
            if cell.slot == running:
                gpus = cell.gpu_hours * MILLI / calendar.slot_hours
                pools[cell.pool] = pools.get(cell.pool, 0.0) + gpus
    return pools
