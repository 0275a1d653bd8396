"""One command that speaks with a center: who, where, how to answer, how to refuse."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from api.client import Client, Refusal, Rehearsed, Unreachable
from api.commands.profiles import DEFAULT_PROFILE, read_profile
from api.commands.terminal import CommandRefused, ExitCode, Terminal, terminal_of
from api.plain_json import encode

Given = ParamSpec("Given")

DEADLINE_CODES = frozenset({"call-closed", "offer-lapsed", "appeal-closed", "exemption-too-late"})
NOT_ALLOWED_STATUSES = frozenset({401, 403, 404})
CONFLICT_STATUSES = frozenset({409, 412, 428})
INPUT_STATUSES = frozenset({400, 413, 415, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What an online command works with.

    Attributes:
        as_json: the person wants the answer as one JSON value.
        quiet: no messages.
        yes: the person has agreed beforehand.
        dry_run: nothing is to be changed.
    """

    terminal: Terminal
    client: Client
    server: str
    as_json: bool = False
    quiet: bool = False
    yes: bool = False
    dry_run: bool = False

    def show(self, body: Any, text: str) -> None:  # noqa: ANN401 - any JSON value
        """Write the answer: whole as JSON, or in words."""
        self.terminal.data(encode(body, indent=2) if self.as_json else text)

    def note(self, text: str) -> None:
        """Tell the person something that is not the answer."""
        if not self.quiet:
            self.terminal.note(text)

    def confirm(self, question: str) -> None:
        """Ask before something changes for others.

        Raises:
            CommandRefused: If the person says no, or cannot be asked and did not say ``--yes``.
        """
        if self.yes:
            return
        if not self.terminal.may_ask:
            raise CommandRefused(f"{question} Nobody can answer: add --yes.", ExitCode.USAGE)
        if not typer.confirm(question, err=True):
            raise CommandRefused("Nothing was changed.", ExitCode.ERROR)


READING = {
    "profile": (DEFAULT_PROFILE, Annotated[str, typer.Option(help="Which of your kept servers.")]),
    "server": ("", Annotated[str, typer.Option(metavar="URL", help="Another server.")]),
    "as_json": (
        False,
        Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout.")],
    ),
    "quiet": (False, Annotated[bool, typer.Option("--quiet", "-q", help="No messages.")]),
}
"""Options of every online command: name → default, declaration."""
WRITING = READING | {
    "dry_run": (
        False,
        Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be sent.")],
    ),
    "yes": (False, Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]),
}
"""Options of every online command that changes something."""


def reading(command: Callable[Concatenate[Session, Given], None]) -> Callable[..., None]:
    """Give a command that only reads its session and its shared options."""
    return _online(command, READING)


def writing(command: Callable[Concatenate[Session, Given], None]) -> Callable[..., None]:
    """Give a command that changes something its session and its shared options."""
    return _online(command, WRITING)


def _online(
    command: Callable[..., None], shared: Mapping[str, tuple[Any, Any]]
) -> Callable[..., None]:
    """Wrap a command so that typer sees its own options and the shared ones."""

    @functools.wraps(command)
    def run(context: typer.Context, **given: Any) -> None:  # noqa: ANN401 - as declared
        chosen = {name: given.pop(name) for name in shared}
        with open_session(terminal_of(context), **chosen) as session:
            command(session, **given)

    run.__signature__ = _signature(command, shared)  # type: ignore[attr-defined]  # typer reads it
    return run


def _signature(
    command: Callable[..., None], shared: Mapping[str, tuple[Any, Any]]
) -> inspect.Signature:
    """Return the command's own parameters, without the session, and the shared ones."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = list(inspect.signature(command).parameters.values())[1:]
    context = inspect.Parameter("context", keyword, annotation=typer.Context)
    added = [
        inspect.Parameter(name, keyword, annotation=kind, default=default)
        for name, (default, kind) in shared.items()
    ]
    return inspect.Signature([context, *(each.replace(kind=keyword) for each in own), *added])


@contextmanager
def open_session(  # noqa: PLR0913 - one for each shared option
    terminal: Terminal,
    *,
    profile: str,
    server: str,
    as_json: bool,
    quiet: bool,
    dry_run: bool = False,
    yes: bool = False,
) -> Iterator[Session]:
    """Open a session, and turn what the center answers into messages and exit codes."""
    chosen = read_profile(terminal, profile, server)
    with Client(
        chosen.server, chosen.token, language=terminal.language, rehearsal=dry_run
    ) as client:
        session = Session(
            terminal=terminal,
            client=client,
            server=chosen.server,
            as_json=as_json,
            quiet=quiet,
            yes=yes or dry_run,
            dry_run=dry_run,
        )
        try:
            with said_plainly():
                yield session
        except Rehearsed as rehearsed:
            session.note("Nothing was sent. This would be:")
            terminal.data(encode(rehearsed.request, indent=2))


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turn what the center refuses, and its silence, into messages and exit codes."""
    try:
        yield
    except Refusal as refusal:
        raise refused(refusal) from refusal
    except Unreachable as error:
        raise CommandRefused(str(error), ExitCode.TRY_LATER) from error


def refused(refusal: Refusal) -> CommandRefused:
    """Return a refusal of the center as a message and an exit code."""
    lines = [str(refusal)]
    lines += [
        f"  {error.get('pointer', '')}: {error.get('message', error.get('code', ''))}"
        for error in refusal.problem.get("errors") or ()
    ]
    allowed = (refusal.problem.get("details") or {}).get("allowed")
    hint = f"Allowed now: {', '.join(map(str, allowed))}." if allowed else ""
    return CommandRefused("\n".join(lines), exit_code_of(refusal), hint=hint)


def exit_code_of(refusal: Refusal) -> ExitCode:
    """Return the exit code that stands for a refusal."""
    if refusal.code in DEADLINE_CODES:
        return ExitCode.DEADLINE
    return exit_code_of_status(refusal.status)


def exit_code_of_status(status: int) -> ExitCode:
    """Return the exit code that stands for the HTTP status of a refusal."""
    for statuses, code in (
        (NOT_ALLOWED_STATUSES, ExitCode.NOT_ALLOWED),
        (CONFLICT_STATUSES, ExitCode.CONFLICT),
        (INPUT_STATUSES, ExitCode.USAGE),
    ):
        if status in statuses:
            return code
    return ExitCode.ERROR
