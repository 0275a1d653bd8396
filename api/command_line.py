"""The command line: names every command, loads only the one that is called."""

import importlib
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from api.commands.grammar import commands
from api.commands.terminal import CommandRefused, ExitCode, Terminal
from api.version import software_version

SECTIONS: dict[str, dict[str, str]] = {
    "Offline, on files": {
        "solve": "Solve a round under a policy: plan and certificate.",
        "entitle": "What each group and fellow holds by right in a round.",
        "verify": "Re-check a plan without any solver.",
        "explain": "Why one request got what it got.",
        "compare": "One round under several policies, side by side.",
        "audit": "What a rule invites people to do.",
        "sim": "A year of a center in minutes, by policy and reclaim rule.",
    },
    "With a center": {
        "login": "Keep a token for a server.",
        "logout": "Forget it.",
        "whoami": "Who the server says you are.",
        "status": "What concerns you now, and the next command.",
        "notifications": "What happened that concerns you.",
        "call": "Invitations to ask: draft, open, extend, close.",
        "request": "Ask for GPU-hours: write, check, submit, withdraw.",
        "review": "Review scores: import, list.",
        "round": "From the frozen round to the published decision.",
        "award": "What was granted, and why; accept or return it.",
        "usage": "What jobs used: import, list, correct, reconcile, forecast.",
        "change": "Supplements, extensions, advances and appeals.",
        "export": "A round's awards as other systems read them.",
        "reclaim": "Take back unused hours by a rule: forecast, propose, exempt, decide.",
        "ledger": "Where every GPU-second is: balances, transfers, check.",
        "enforce": "Awards become limits on a cluster: plan, apply, drift, doctor, agent.",
        "statement": "What payers owe for a month.",
        "pending": "Acts that wait for a second person.",
        "people": "People who move to another group, into a startup, or away.",
        "role": "Who may do what, granted by two administrators.",
        "policy": "This year's meaning of fair: show, draft, lock.",
    },
    "On the host": {
        "serve": "Start the API.",
        "worker": "Solve queued rounds.",
        "notify": "Mails and webhooks: run, doctor, test.",
        "admin": "Set up the store, tokens, checks.",
        "demo": "A whole round from request to award, proof and metric.",
    },
}
HELP = {name: text for section in SECTIONS.values() for name, text in section.items()}


class LazyCommands(TyperGroup):
    """The top of the command line: knows names and one-line helps, imports on call."""

    def resolve_command(
        self,
        ctx: Any,  # noqa: ANN401 - typer keeps this type private
        args: list[str],
    ) -> tuple[str | None, Any, list[str]]:
        """Return the called command, from its own module."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load(name) if name and stand_in else None, rest

    def format_commands(
        self,
        ctx: Any,  # noqa: ANN401, ARG002 - the same
        formatter: Any,  # noqa: ANN401 - the same
    ) -> None:
        """Write the commands in their sections."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(names.items()))


def load(name: str) -> Any:  # noqa: ANN401 - typer keeps this type private
    """Import the module of a command and return the command."""
    return get_command(importlib.import_module(f"api.commands.{name}").app)


def application() -> typer.Typer:
    """Return the top of the command line."""
    app = commands(
        "Dure hands out the GPU-hours of an AI computing center: fairly, provably, in the open.",
        "dure demo                             a whole round on this machine",
        "dure solve round.json -o plan.json    offline, on a file",
        "dure status                           what the center wants of me",
        cls=LazyCommands,
        add_completion=True,
    )
    app.callback()(_before)
    for name, text in HELP.items():
        app.command(name, help=text)(_loaded_on_call)
    return app


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer hands it over by place
    """Print the version and end."""
    if asked:
        sys.stdout.write(f"dure {software_version()}\n")
        raise typer.Exit


def _before(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Take what stands before the command."""


def _loaded_on_call() -> None:
    """Stand in for a command until it is called."""


def run(arguments: Sequence[str], terminal: Terminal) -> NoReturn:
    """Run one command line and end the process with its exit code."""
    try:
        get_command(application()).main(args=list(arguments), prog_name="dure", obj=terminal)
    except CommandRefused as refusal:
        terminal.note(f"dure: {refusal.message}")
        if refusal.hint:
            terminal.note(refusal.hint)
        sys.exit(refusal.code)
    sys.exit(ExitCode.DONE)


def main(arguments: Sequence[str]) -> NoReturn:
    """Run one command line in the world of this process."""
    terminal = Terminal(environ=os.environ, now=lambda: datetime.now(UTC), seconds=time.monotonic)
    run(arguments, terminal)
