"""`dure verify`: re-check a plan with plain integers; needs no solver installed."""

import sys
from typing import Annotated

import typer

from api.commands.documents import STANDARD, read_document
from api.commands.grammar import JsonOption, QuietOption, RoundArgument, single, with_examples
from api.commands.terminal import CommandRefused, ExitCode, terminal_of
from api.plain_json import encode
from solver.checking.report import verdict_text
from solver.checking.verdict import verdict_document
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
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    standalone: StandaloneOption = False,
) -> None:
    """Check, and end with 7 when a rule is broken."""
    del standalone  # its callback has ended the command
    terminal = terminal_of(context)
    if [round_, plan, certificate].count(STANDARD) > 1:
        raise CommandRefused("Only one file can come from standard input.", ExitCode.USAGE)
    verdict = check(
        read_document(round_),
        read_document(plan),
        read_document(certificate) if certificate else None,
    )
    if as_json:
        terminal.data(encode(verdict_document(verdict), indent=2))
    elif not quiet:
        terminal.data(verdict_text(verdict))
    if not verdict.holds:
        for witness in verdict.witnesses:
            terminal.note(f"broken: {witness.rule}: {witness.text}")
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)
