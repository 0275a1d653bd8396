"""`dure verify`: re-check a plan with plain integers; needs no solver installed."""

from typing import Annotated

import typer

from api.commands.documents import STANDARD, read_document
from api.commands.grammar import JsonOption, QuietOption, RoundArgument, single, with_examples
from api.commands.tables import columns, percent
from api.commands.terminal import CommandRefused, ExitCode, terminal_of
from api.plain_json import encode
from solver.checking.verdict import Verdict, verdict_document
from solver.verify import verify as check

app = single()


@app.command(
    help=with_examples(
        "Re-check every rule of a plan and every bound of its certificate, without any solver.",
        "dure verify round.json plan.json certificate.json",
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
) -> None:
    """Check, and end with 7 when a rule is broken."""
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


def verdict_text(verdict: Verdict) -> str:
    """Return each rule with its count of checks, and what was proved."""
    rows = [("rule", "meaning", "checks", "broken")]
    rows += [
        (each.rule, each.meaning, f"{each.checks:,}", f"{each.broken:,}") for each in verdict.rules
    ]
    parts = [columns(rows, left=2)]
    if verdict.proved:
        proofs = [("goal", "evidence", "objective", "bound", "gap")]
        proofs += [
            (
                each.stage,
                each.evidence,
                f"{each.objective:,.6g}",
                f"{each.bound:,.6g}",
                percent(each.gap),
            )
            for each in verdict.proved
        ]
        parts.append(columns(proofs, left=2))
    parts.append("Every rule holds." if verdict.holds else "Broken rules; see the witnesses.")
    return "\n\n".join(parts)
