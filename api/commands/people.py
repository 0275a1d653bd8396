"""`dure people`: who moves, and what becomes of their awards."""

from typing import Annotated

import typer

from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns

app = commands(
    "People who move to another group, into a startup, or away.",
    "dure people move lee --group startup-lab --track startup --rule carry --reason 'Founded.'",
    "dure people move park --rule give_back --reason 'Went abroad.'",
)

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Id of a person.")]


@app.command()
@writing
def move(  # noqa: PLR0913 - the fields of a move
    session: Session,
    person: PersonArgument,
    *,
    rule: Annotated[str, typer.Option(help="carry, hand_over or give_back.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    group: Annotated[str, typer.Option(help="The new group; without one they leave.")] = "",
    institute: Annotated[str, typer.Option(help="Where it is not the group's.")] = "",
    track: Annotated[str, typer.Option(help="For their awards; else as before.")] = "",
    heir: Annotated[str, typer.Option(help="Who holds what is handed over.")] = "",
) -> None:
    """Move a person, or let them leave; their awards follow the rule."""
    session.confirm(f"Move {person} to {group or 'nowhere'}, awards by rule {rule}?")
    stated = {"group": group, "institute": institute, "track": track, "heir": heir}
    sent = {"rule": rule, "reason": reason, **{key: each for key, each in stated.items() if each}}
    address = f"people/{person}"
    body = session.client.change(address, f"{address}/moves", sent).body
    session.show(body, f"{person} moved to {body['after']['group'] or 'nowhere'}.")


@app.command()
@reading
def moves(session: Session, person: PersonArgument) -> None:
    """List the moves of a person."""
    found = session.client.get(f"people/{person}/moves").body["items"]
    rows = [("at", "from", "to", "rule", "heir", "reason")]
    rows += [
        (
            each["at"][:16],
            each["before"]["group"] or "–",
            each["after"]["group"] or "–",
            each["rule"],
            each["heir"] or "–",
            each["reason"],
        )
        for each in found
    ]
    session.show(found, columns(rows, left=6) if found else "No moves.")
