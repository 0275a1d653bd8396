"""`dure verify`: re-check a plan with plain integers; needs no solver installed."""

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from api.commands.documents import STANDARD, document_of, read_bytes
from api.commands.grammar import JsonOption, QuietOption, RoundArgument, single, with_examples
from api.commands.terminal import CommandRefused, ExitCode, terminal_of
from api.plain_json import encode
from solver.checking.report import verdict_text
from solver.checking.verdict import Verdict, verdict_document
from solver.standalone import program
from solver.verify import verify as check

app = single()


def _write_program(asked: bool) -> None:  # noqa: FBT001 - typer hands it over by place
    """Print the standalone checker and end."""
    if asked:
        sys.stdout.write(program())
        raise typer.Exit


StandaloneOption = Annotated[
    bool,
    typer.Option(
        "--standalone",
        help="Print the checker as one file that needs nothing but Python, and end.",
        is_eager=True,
        callback=_write_program,
    ),
]


@app.command(
    help=with_examples(
        "Re-check every rule of a plan and every bound of its certificate, without any solver.",
        "dure verify round.json plan.json certificate.json",
        "dure verify --fast round.json plan.json certificate.json",
        "dure verify --standalone > dure-verify.py",
    )
)
def verify(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    round_: RoundArgument,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A dure-plan/1 file, or -.")],
    certificate: Annotated[
        str, typer.Argument(metavar="CERT", help="A dure-certificate/1 file, or -.")
    ] = "",
    *,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast", help="Check over arrays first; the plain checker has the word on any fault."
        ),
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    standalone: StandaloneOption = False,
) -> None:
    """Check, and end with 7 when a rule is broken."""
    del standalone  # its callback has ended the command
    terminal = terminal_of(context)
    if [round_, plan, certificate].count(STANDARD) > 1:
        raise CommandRefused("Only one file can come from standard input.", ExitCode.USAGE)
    paths = [path for path in (round_, plan, certificate) if path]
    verdict = verdict_of([(path, read_bytes(path)) for path in paths], fast=fast)
    if as_json:
        terminal.data(encode(verdict_document(verdict), indent=2))
    elif not quiet:
        terminal.data(verdict_text(verdict))
    if not verdict.holds:
        for witness in verdict.witnesses:
            terminal.note(f"broken: {witness.rule}: {witness.text}")
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


def verdict_of(files: Sequence[tuple[str, bytes]], *, fast: bool) -> Verdict:
    """Return the verdict on a round, a plan and perhaps a certificate, each with its path."""
    if fast:  # loaded only here: the plain checker runs where numpy is not installed
        bulk = importlib.import_module("solver.bulk.verify")
        found: Verdict | None = bulk.verified_in_bulk(*(raw for _, raw in files))
        if found is not None:
            return found
    return check(*(document_of(path, raw) for path, raw in files))
