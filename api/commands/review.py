"""`dure review`: the scores of the panel."""

from typing import Annotated

import typer

from api.commands.documents import read_bytes
from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns

app = commands("Review scores.", "dure review import call_01jd… scores.csv")

CallArgument = Annotated[str, typer.Argument(metavar="CALL", help="Id of a call.")]


@app.command("import")
@writing
def import_scores(
    session: Session,
    call: CallArgument,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV: request,score[,reviewer][,conflict]; or -.")
    ],
) -> None:
    """Import scores from a CSV file; a conflicted score is kept and not counted."""
    session.confirm(f"Import the scores of {file} into {call}?")
    text = read_bytes(file).decode("utf-8-sig")
    body = session.client.upload(f"calls/{call}/score-imports", text, media_type="text/csv").body
    session.show(body, f"{body['imported']} scores imported.")


@app.command("list")
@reading
def list_scores(session: Session, call: CallArgument) -> None:
    """List the scores of a call that you may see."""
    scores = list(session.client.pages(f"calls/{call}/scores", limit=500))
    rows = [("request", "reviewer", "conflict", "score")]
    for each in scores:
        conflict = "conflict" if each["conflict"] else ""
        rows.append((each["request"], each["reviewer"] or "–", conflict, str(each["score"])))
    session.show(scores, columns(rows, left=3))
