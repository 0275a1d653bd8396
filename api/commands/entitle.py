"""`dure entitle`: the fairness stage alone."""

from typing import Annotated

import typer

from api.commands.documents import STANDARD, write_documents
from api.commands.grammar import PolicyOption, QuietOption, RoundArgument, single, with_examples
from api.commands.rounds import read_question
from api.commands.terminal import terminal_of
from api.plain_json import encode
from scheduler.plan_file import entitlement_document
from solver.rights import rights

app = single()


@app.command(
    help=with_examples(
        "Say what each group and fellow holds by right in a round.",
        "dure entitle round.json",
        "dure entitle round.json --policy fair-2027.toml -o entitlements.json",
    )
)
def entitle(
    context: typer.Context,
    round_: RoundArgument,
    *,
    policy: PolicyOption = "entitlement",
    output: Annotated[
        str, typer.Option("--output", "-o", help="Where to; - is stdout.")
    ] = STANDARD,
    quiet: QuietOption = False,
) -> None:
    """Entitle and write unit, groups, fellows, levels as JSON."""
    formulation = read_question(round_, policy)
    document = entitlement_document(formulation, rights(formulation.problem))
    write_documents({output: f"{encode(document, indent=1)}\n".encode()})
    if output != STANDARD and not quiet:
        terminal_of(context).note(f"Written to {output}.")
