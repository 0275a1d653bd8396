"""`dure request`: ask for GPU-hours."""

from typing import Annotated, Any

import typer

from api.commands.documents import STANDARD, read_document
from api.commands.grammar import commands
from api.commands.letters import LangOption, OutputOption, fetch_letter
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode

app = commands(
    "Ask for GPU-hours: write, check, submit, withdraw.",
    "dure request new call_01jd… ask.json",
    "dure request submit req_01jd…",
)

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="Id of a request.")]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A JSON file, or -.")]


@app.command()
@writing
def new(
    session: Session,
    call: Annotated[str, typer.Argument(metavar="CALL", help="Id of an open call.")],
    file: FileArgument,
    *,
    submit: Annotated[bool, typer.Option("--submit", help="Submit it at once.")] = False,
) -> None:
    """Write a request from a JSON file with gpu_hours, max_gpus, window, speeds and so on."""
    body = session.client.create("requests", {"call": call, **read_document(file)}).body
    if submit:
        _submit(session, body["id"])
        return
    session.note(f"Kept as a draft. Next: dure request check {body['id']}")
    session.show(body, body["id"])


@app.command()
@writing
def edit(session: Session, request: RequestArgument, file: FileArgument) -> None:
    """Change fields of the draft; an earlier submission stays valid."""
    path = f"requests/{request}"
    body = session.client.patch(path, read_document(file), etag=session.client.get(path).etag).body
    session.show(body, f"{request}: the draft is changed. Next: dure request submit {request}")


@app.command("list")
@reading
def list_requests(
    session: Session,
    *,
    call: Annotated[str, typer.Option(help="Only of this call.")] = "",
    state: Annotated[str, typer.Option(help="Only in this state.")] = "",
) -> None:
    """List the requests you may see."""
    found = session.client.pages("requests", call=call or None, state=state or None, limit=500)
    requests = list(found)
    rows = [("id", "label", "state", "fellow", "title", "GPU-hours")]
    for each in requests:
        draft = each.get("draft") or {}
        hours = draft.get("gpu_hours")
        fellow = each["fellow"] or "–"
        asked = "–" if hours is None else number(hours)
        rows.append(
            (each["id"], each["label"], each["state"], fellow, draft.get("title", ""), asked)
        )
    session.show(requests, columns(rows, left=5))


@app.command()
@reading
def show(session: Session, request: RequestArgument) -> None:
    """Show one request with its draft."""
    body = session.client.get(f"requests/{request}").body
    rows = [(name, str(body[name])) for name in ("id", "call", "label", "state", "submitted")]
    rows += [(name, str(value)) for name, value in (body.get("draft") or {}).items()]
    session.show(body, columns(rows, left=2))


@app.command()
@reading
def check(session: Session, request: RequestArgument) -> None:
    """Say what would keep the draft from being submitted."""
    body = session.client.create(f"requests/{request}/checks").body
    session.show(body, _findings(body))
    if not body["ready"]:
        raise CommandRefused(f"{request} cannot be submitted yet.", ExitCode.USAGE)


@app.command()
@writing
def submit(session: Session, request: RequestArgument) -> None:
    """Submit the draft and show the receipt; keep it."""
    _submit(session, request)


@app.command()
@writing
def withdraw(
    session: Session,
    request: RequestArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Take a request back."""
    session.confirm(f"Withdraw {request}?")
    path = f"requests/{request}"
    body = session.client.change(path, f"{path}/withdrawals", {"reason": reason}).body
    session.show(body, f"{request} is withdrawn.")


@app.command()
@reading
def receipt(
    session: Session,
    request: RequestArgument,
    *,
    number_: Annotated[int, typer.Option("--number", help="Which submission; 0: the last.")] = 0,
) -> None:
    """Show the receipt of a submission."""
    at = number_ or session.client.get(f"requests/{request}").body["submitted"]
    if not at:
        raise CommandRefused(f"{request} was never submitted.", ExitCode.CONFLICT)
    body = session.client.get(f"requests/{request}/submissions/{at}/receipt").body
    session.show(body, _receipt(body))


@app.command()
@reading
def letter(
    session: Session,
    request: RequestArgument,
    *,
    lang: LangOption = "",
    output: OutputOption = STANDARD,
) -> None:
    """Show the letter of the outcome, or write it as PDF, HTML or text."""
    fetch_letter(session, f"requests/{request}/letter", lang, output)


@app.command()
@reading
def history(session: Session, request: RequestArgument) -> None:
    """Tell what happened to a request."""
    events = list(session.client.pages(f"requests/{request}/history"))
    rows = [("at", "what", "by"), *((e["at"], e["kind"], e["actor"] or "–") for e in events)]
    session.show(events, columns(rows, left=3))


def _submit(session: Session, request: str) -> None:
    """Submit and show the receipt."""
    path = f"requests/{request}"
    body = session.client.change(path, f"{path}/submissions").body
    session.show(body, _receipt(body.get("receipt", body)))


def _receipt(receipt: dict[str, Any]) -> str:
    """Return a receipt for people."""
    rows = [
        ("submission", f"{receipt['submission']} (number {receipt['number']})"),
        ("request", receipt["request"]),
        ("received at", receipt["received_at"]),
        ("deadline", f"{receipt['deadline']} ({receipt['margin_ms'] / 1000:,.3f} s to spare)"),
        ("digest", receipt["digest"]),
        ("in the log", f"{receipt['log_index']}  {receipt['leaf_hash']}"),
    ]
    return columns(rows, left=2)


def _findings(checked: dict[str, Any]) -> str:
    """Return what the checks found, for people."""
    if not checked["findings"]:
        return "Nothing to correct."
    return "\n".join(
        f"{each['severity']}: {each['pointer']}: {each['message']}" for each in checked["findings"]
    )
