"""How fellows use what they were given: steadily, early, late, or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scheduler.domain.burn import NERSC, UseCurve
from scheduler.simulation.chance import chance


class Habit(StrEnum):
    """A way of using an award."""

    LATE = "late"
    """As the median project of a large center: most of it near the end, some of it never."""
    STEADY = "steady"
    """The same every week."""
    EARLY = "early"
    """Most of it at once."""
    IDLE = "idle"
    """Not at all."""


CURVES: Final[Mapping[Habit, UseCurve]] = {
    Habit.LATE: NERSC,
    Habit.STEADY: UseCurve(scale=0.95, power=1.0),
    Habit.EARLY: UseCurve(scale=1.0, power=0.5),
    Habit.IDLE: UseCurve(scale=0.0, power=1.0),
}
SPREAD: Final = 0.15
"""How far fellows of one habit differ, as spread of a lognormal factor on the curve's power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How common each habit is, in percent of the fellows; together 100."""

    late: int = 60
    steady: int = 25
    early: int = 10
    idle: int = 5

    def __post_init__(self) -> None:
        parts = tuple(self.shares().values())
        if min(parts) < 0 or sum(parts) != 100:  # noqa: PLR2004 - percent
            raise ValueError(f"Habits {parts} are no percents that add up to 100.")

    def shares(self) -> dict[Habit, int]:
        """Return the percents by habit."""
        return {habit: getattr(self, habit.value) for habit in Habit}

    def of(self, seed: int, fellow: str) -> tuple[Habit, UseCurve]:
        """Return the habit of a fellow, the same in every round, and the fellow's own curve."""
        rng = chance(seed, "habit", fellow)
        at = int(rng.integers(100))
        for habit, share in self.shares().items():
            if at < share:
                curve = CURVES[habit]
                power = curve.power * float(rng.lognormal(0.0, SPREAD))
                return habit, UseCurve(scale=curve.scale, power=power)
            at -= share
        raise AssertionError("the percents add up to 100")
