"""`dure statement`: what payers owe for a month."""

from typing import Annotated

import typer

from api.commands.documents import STANDARD, write_documents
from api.commands.grammar import commands
from api.commands.session import Session, reading
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode

app = commands(
    "What payers owe for a month, from the ledger.",
    "dure statement list 2027-01",
    "dure statement get 2027-01 institute:kaist -o kaist.pdf --lang ko",
)

MonthArgument = Annotated[str, typer.Argument(metavar="MONTH", help="Such as 2027-01.")]
FORMS = {".pdf": "application/pdf", ".csv": "text/csv", ".json": "application/json"}


@app.command("list")
@reading
def list_statements(session: Session, month: MonthArgument) -> None:
    """List the statements of a month, with their sums."""
    body = session.client.get(f"statements/{month}").body
    rows = [("payer", "lines", "GPU-seconds", "won")]
    rows += [
        (each["payer"], str(len(each["lines"])), number(each["gpu_seconds"]), number(each["won"]))
        for each in body["items"]
    ]
    rows.append(("all", "", number(body["gpu_seconds"]), number(body["won"])))
    session.show(body, columns(rows) if body["items"] else f"Nothing was entered in {month}.")


@app.command()
@reading
def get(
    session: Session,
    month: MonthArgument,
    payer: Annotated[str, typer.Argument(metavar="PAYER", help="As listed: institute:kaist.")],
    *,
    lang: Annotated[str, typer.Option(help="ko or en; else as the terminal.")] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="FILE.pdf, .csv or .json.")
    ] = STANDARD,
) -> None:
    """Get one statement as PDF, CSV or JSON; as CSV to standard output."""
    name = output.removesuffix(".gz").lower()
    forms = [form for ending, form in FORMS.items() if name.endswith(ending)]
    if output != STANDARD and not forms:
        raise CommandRefused(f"{output}: must end in {', '.join(FORMS)}.", ExitCode.USAGE)
    form = forms[0] if forms else FORMS[".json" if session.as_json else ".csv"]
    content = session.client.content(f"statements/{month}/{payer}", accept=form, lang=lang or None)
    write_documents({output: content})
    if output != STANDARD:
        session.note(f"{output}: written.")
