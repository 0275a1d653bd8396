"""Panels and dashboards as data."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Shape(Enum):
    """How a panel draws its answer."""

    NUMBER = "stat"
    """One number a series."""
    LINES = "timeseries"
    """A line a series, over time."""
    BARS = "bargauge"
    """A bar a series."""


class Limits(Enum):
    """From which values on a panel turns from green to orange and red."""

    NONE = ()
    """There is no bad value."""
    FULL = (0.9, 1.0)
    """A part of a whole that should not be used up."""
    ZERO = (None, 1.0)
    """Anything is too much."""
    AGE = (3600.0, 7200.0)
    """Seconds since something that comes every few minutes."""
    WAIT = (300.0, 900.0)
    """Seconds until a worker takes a job."""
    LATENCY = (0.1, 1.0)
    """Seconds until an answer."""
    GAP = (0.001, 0.01)
    """Distance between a plan and what is proved."""
    ERRORS = (0.01, 0.05)
    """Errors among answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One question and how its answer is drawn.

    Attributes:
        text: what it tells, in English and then in Korean.
        shows: expressions with the legend of each.
        width: of the 24 columns of a dashboard.
    """

    title: str
    text: str
    shape: Shape
    unit: str
    shows: tuple[tuple[str, str], ...]
    limits: Limits = Limits.NONE
    width: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard.

    Attributes:
        name: of its file, and the end of its uid.
        variables: name and what Grafana asks to fill it, in the order of choice.
    """

    name: str
    title: str
    text: str
    panels: tuple[Panel, ...]
    variables: tuple[tuple[str, str], ...] = ()


HOURS: Final = "h"
RATIO: Final = "percentunit"
SECONDS: Final = "s"
COUNT: Final = "short"
SINCE: Final = "dateTimeAsIso"
PER_SECOND: Final = "reqps"


def number(title: str, text: str, unit: str, expression: str, **more: object) -> Panel:
    """Return a small panel of one expression."""
    shows = ((expression, str(more.pop("legend", ""))),)
    return Panel(
        title=title, text=text, shape=Shape.NUMBER, unit=unit, shows=shows, width=6, **more
    )


def lines(title: str, text: str, unit: str, *shows: tuple[str, str], **more: object) -> Panel:
    """Return a panel of lines."""
    return Panel(title=title, text=text, shape=Shape.LINES, unit=unit, shows=shows, **more)


def bars(title: str, text: str, unit: str, *shows: tuple[str, str], **more: object) -> Panel:
    """Return a panel of bars."""
    return Panel(title=title, text=text, shape=Shape.BARS, unit=unit, shows=shows, **more)
