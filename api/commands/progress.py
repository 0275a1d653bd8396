"""A solve as it is watched: stage, objective, bound and gap on one line of standard error."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.commands.tables import number
from api.commands.terminal import Terminal
from solver.checking.report import percent

STAGES = (
    "entitle",
    "guarantees",
    "groups",
    "groups_total",
    "fellows",
    "value",
    "weighted",
    "formula",
    "divide",
    "timetable",
)
"""The stages of a solve in their order; a policy goes through some of them."""


class SolveProgress:
    """A line that follows a solve; silent unless somebody watches.

    Args:
        label: what is solved.
        shown: whether to draw at all.
    """

    def __init__(self, terminal: Terminal, label: str, *, shown: bool) -> None:
        self._label = label
        console = Console(stderr=True, no_color=not terminal.has_colour)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not (shown and terminal.is_watched),
        )
        self._task = self._progress.add_task(label, total=len(STAGES), figures="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(
        self, stage: str, objective: float | None, bound: float | None, gap: float | None
    ) -> None:
        """Draw where the solve stands."""
        at = STAGES.index(stage) if stage in STAGES else 0
        figures = [
            f"{word} {text}"
            for word, text in (
                ("objective", None if objective is None else number(objective)),
                ("bound", None if bound is None else number(bound)),
                ("gap", None if gap is None else percent(gap)),
            )
            if text is not None
        ]
        self._progress.update(
            self._task,
            completed=at,
            description=f"{self._label} · {stage}",
            figures="  ".join(figures),
        )

    def tell(self, told: Mapping[str, Any]) -> None:
        """Draw what a server tells of a solve."""
        stage = str(told.get("stage", ""))
        self.show(stage, told.get("objective"), told.get("bound"), told.get("gap"))
