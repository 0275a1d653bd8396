"""A letter fetched for `dure award letter` and `dure request letter`."""

from typing import Annotated, Final

import typer

from api.commands.documents import STANDARD, write_documents
from api.commands.session import Session
from api.commands.terminal import CommandRefused, ExitCode

FORMS: Final = {".pdf": "application/pdf", ".html": "text/html", ".txt": "text/plain"}
LangOption = Annotated[str, typer.Option(help="ko or en; else as the terminal.")]
OutputOption = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="FILE.pdf, .html or .txt.")
]


def fetch_letter(session: Session, path: str, lang: str, output: str) -> None:
    """Write a letter to a file in the form that its name says, or as text to standard output."""
    if output == STANDARD:
        text = session.client.content(path, accept=FORMS[".txt"], lang=lang or None).decode()
        session.show({"letter": text}, text)
        return
    forms = [form for ending, form in FORMS.items() if output.lower().endswith(ending)]
    if not forms:
        raise CommandRefused(f"{output}: must end in {', '.join(FORMS)}.", ExitCode.USAGE)
    content = session.client.content(path, accept=forms[0], lang=lang or None)
    write_documents({output: content})
    session.note(f"{output}: written.")
