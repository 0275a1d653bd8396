"""`dure call`: invitations to ask for GPU-hours."""

import secrets
from typing import Annotated, Final

import typer

from api.commands.documents import read_document
from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import terminal_of
from api.plain_json import encode
from solver.draw import seal

app = commands("Invitations to ask for GPU-hours.", "dure call list", "dure call show call_01jd…")

LARGEST_SEED: Final = (1 << 31) - 1
SALT_BYTES: Final = 16
CallArgument = Annotated[str, typer.Argument(metavar="CALL", help="Id of a call.")]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A JSON file, or -.")]
ReasonOption = Annotated[str, typer.Option(help="Why; everybody may read it.")]


@app.command("list")
@reading
def list_calls(
    session: Session, *, state: Annotated[str, typer.Option(help="draft, open, closed.")] = ""
) -> None:
    """List the calls you may see."""
    calls = list(session.client.pages("calls", state=state or None))
    rows = [("id", "state", "closes at", "title")]
    rows += [(each["id"], each["state"], each["closes_at"], each["title"]) for each in calls]
    session.show(calls, columns(rows, left=4))


@app.command()
@reading
def show(session: Session, call: CallArgument) -> None:
    """Show one call."""
    body = session.client.get(f"calls/{call}").body
    rows = [
        ("call", body["id"]),
        ("title", body["title"]),
        ("state", body["state"]),
        ("opens at", body["opens_at"]),
        ("closes at", body["closes_at"]),
        ("policy", f"{body['policy']} version {body['policy_version']}"),
        ("pools", ", ".join(body["pools"])),
        ("slots", f"{body['calendar']['slots']} of {body['calendar']['slot_hours']} h"),
    ]
    session.show(body, columns(rows, left=2))


@app.command()
@reading
def stats(session: Session, call: CallArgument) -> None:
    """Count requests and what they ask."""
    body = session.client.get(f"calls/{call}/statistics").body
    rows = [(name, _figure(value)) for name, value in body.items()]
    session.show(body, columns(rows))


@app.command()
@writing
def new(session: Session, file: FileArgument) -> None:
    """Draft a call from a JSON file; a second person opens it."""
    body = session.client.create("calls", read_document(file)).body
    session.note(f"Drafted. Next, as somebody else: dure call open {body['id']}")
    session.show(body, body["id"])


@app.command("seal")
def seal_seed(
    context: typer.Context,
    *,
    seed: Annotated[int, typer.Option(help="Your own seed; else one by chance.", min=-1)] = -1,
) -> None:
    """Make seed, salt and seal of a lottery; only the seal goes into the call."""
    terminal = terminal_of(context)
    chosen = secrets.randbelow(LARGEST_SEED + 1) if seed < 0 else seed
    salt = secrets.token_hex(SALT_BYTES)
    terminal.note("Keep seed and salt secret until the round is frozen; state seed_seal.")
    made = {"seed": chosen, "salt": salt, "seed_seal": seal(chosen, salt)}
    terminal.data(encode(made, indent=2))


@app.command("open")
@writing
def open_call(session: Session, call: CallArgument) -> None:
    """Open a drafted call, as somebody who did not draft it."""
    session.confirm(f"Open {call} for everybody?")
    body = session.client.change(f"calls/{call}", f"calls/{call}/openings").body
    session.show(body, f"{call} is open.")


@app.command()
@writing
def extend(
    session: Session,
    call: CallArgument,
    *,
    until: Annotated[str, typer.Option(help="The later deadline, such as 2026-11-29T15:00:00Z.")],
    reason: ReasonOption,
) -> None:
    """Move the deadline later, for all."""
    session.confirm(f"Move the deadline of {call} to {until} for everybody?")
    sent = {"closes_at": until, "reason": reason}
    body = session.client.change(f"calls/{call}", f"calls/{call}/extensions", sent).body
    session.show(body, f"{call} closes at {until}.")


@app.command()
@writing
def close(session: Session, call: CallArgument, *, reason: ReasonOption) -> None:
    """Close a call before its deadline."""
    session.confirm(f"Close {call} for everybody, now?")
    sent = {"reason": reason}
    body = session.client.change(f"calls/{call}", f"calls/{call}/closings", sent).body
    session.show(body, f"{call} is closed.")


def _figure(value: object) -> str:
    """Return one statistic as text."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_figure(each)}" for name, each in value.items())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return str(value)
