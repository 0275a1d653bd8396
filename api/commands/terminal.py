"""What a command sees of the world: environment, clocks and three streams."""

import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import typer


class ExitCode(IntEnum):
    """What the number a command ends with means; scripts rely on it."""

    DONE = 0
    """Done; for a solve: a plan within the asked gap, or proved."""
    ERROR = 1
    """An unexpected error."""
    USAGE = 2
    """The command or a file it was given is malformed."""
    NOT_WITHIN_GAP = 3
    """A valid plan, but not within the asked gap at the limit."""
    NOT_ALLOWED = 4
    """The signed-in person may not do this, or nobody is signed in."""
    INFEASIBLE = 5
    """No plan keeps every rule."""
    CONFLICT = 5
    """The state of the center refuses it."""
    DEADLINE = 6
    """It came after the deadline."""
    VERIFICATION_FAILED = 7
    """The checker found a broken rule."""
    TRY_LATER = 75
    """The server is away or busy; the same command may work later."""
    INTERRUPTED = 130
    """The person pressed Ctrl-C."""


class CommandRefused(Exception):  # noqa: N818 - a refusal, named as such everywhere
    """A command ends here, with a sentence for people and a number for scripts.

    Attributes:
        code: the exit code.
        hint: what to do next, if anything.
    """

    def __init__(self, message: str, code: ExitCode = ExitCode.ERROR, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """The world of one command.

    Attributes:
        environ: the environment variables.
        now: the wall clock, aware UTC.
        seconds: a clock that only runs forward.
    """

    environ: Mapping[str, str]
    now: Callable[[], datetime]
    seconds: Callable[[], float]

    def data(self, text: str) -> None:
        """Write what was asked for to standard output."""
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")

    def note(self, text: str) -> None:
        """Write a message for the person to standard error."""
        sys.stderr.write(text if text.endswith("\n") else f"{text}\n")

    @property
    def is_watched(self) -> bool:
        """Whether a person sees standard error as it comes."""
        return sys.stderr.isatty() and self.environ.get("TERM") != "dumb"

    @property
    def may_ask(self) -> bool:
        """Whether a person can answer a question."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def has_colour(self) -> bool:
        """Whether colour is welcome; see no-color.org."""
        return not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    @property
    def language(self) -> str:
        """The language that the environment asks for: ``ko`` or ``en``."""
        for name in ("DURE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
            value = self.environ.get(name)
            if value:
                return "ko" if value.lower().startswith("ko") else "en"
        return "en"


def terminal_of(context: typer.Context) -> Terminal:
    """Return the world that `dure` handed to its commands."""
    found = context.find_object(Terminal)
    if found is None:
        raise ValueError("A command was called without a Terminal.")
    return found


def told_to_stop() -> threading.Event:
    """Return what is set once this process is told to stop, by Ctrl-C or from outside."""
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    return stop
