"""A course of seasons in virtual time, every invariant looked at after every step."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from scheduler.ports.store import Store
from scheduler.simulation.agenda import Agenda, Step
from scheduler.simulation.figures import Figures, figures
from scheduler.simulation.invariants import BrokenInvariant, Invariants
from scheduler.simulation.season import Season
from scheduler.simulation.using import Using
from scheduler.simulation.world import FIRST_DAY, World

Told: TypeAlias = Callable[[datetime, str, int], None]
"""Takes the instant, the step that is done, and how many are planned."""
YEAR_HOURS = 8_736
"""52 weeks; a year of a calendar with a whole number of seasons."""
HOUR_MILLI = 1000


def seasons_of(world: World) -> int:
    """Return how many of the model's calendars the simulated years hold, at least one."""
    calendar = world.options.model["calendar"]
    hours = int(calendar["slot_hours"]) * int(calendar["slots"])
    return max(world.options.years * YEAR_HOURS // hours, 1)


def run(store: Store, world: World, told: Told) -> Figures:
    """Simulate a course on an empty store.

    Raises:
        BrokenInvariant: Naming the invariant, the step and its instant.
    """
    agenda, using, invariants = Agenda(), Using(world=world), Invariants()
    calendar = world.options.model["calendar"]
    length = timedelta(hours=int(calendar["slot_hours"]) * int(calendar["slots"]))
    for number in range(seasons_of(world)):
        season = Season(
            world=world,
            agenda=agenda,
            using=using,
            number=number,
            first_day=FIRST_DAY + number * length,
        )
        season.begin()
    while (step := agenda.next()) is not None:
        _take(store, step)
        _check(store, invariants, step)
        told(step.at, step.name, agenda.left)
    with store.read() as tx:
        return figures(tx, world.course, steps=invariants.checked)


def _take(store: Store, step: Step) -> None:
    store.write(lambda tx: step.act(tx, step.at))


def _check(store: Store, invariants: Invariants, step: Step) -> None:
    with store.read() as tx:
        try:
            invariants.check(tx)
        except BrokenInvariant as broken:
            where = f"after “{step.name}” at {step.at.isoformat()}: {broken.witness}"
            raise BrokenInvariant(broken.name, where) from broken
