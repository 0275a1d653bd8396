"""`dure ledger`: where every GPU-second is."""

from typing import Annotated, Final

import typer

from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode

app = commands(
    "Where every GPU-second is: accounts, transfers, and the check that nothing is lost.",
    "dure ledger check",
    "dure ledger balances --kind group",
    "dure ledger transfers award:awd_01jd…:H200",
)

KINDS: Final = ("supply", "call", "reserve", "group", "award", "consumed", "lapsed")
ReasonOption = Annotated[str, typer.Option(help="Why.")]


@app.command()
@reading
def balances(
    session: Session,
    *,
    kind: Annotated[
        str,
        typer.Option(help="Only supply, call, reserve, group, award, consumed or lapsed."),
    ] = "",
    owner: Annotated[str, typer.Option(help="Only of this call, group or award.")] = "",
) -> None:
    """List the accounts you may see, in GPU-seconds."""
    found = session.client.pages(
        "ledger/accounts", kind=kind or None, owner=owner or None, limit=500
    )
    accounts = list(found)
    rows = [("account", "balance", "set aside", "available")]
    rows += [
        (
            each["id"],
            number(each["balance"]),
            number(each["debits_pending"]),
            number(each["available"]),
        )
        for each in accounts
    ]
    session.show(accounts, columns(rows) if accounts else "No account of this kind yet.")


@app.command()
@reading
def transfers(
    session: Session,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Only of this one.")] = "",
) -> None:
    """List transfers, oldest first; `event` is the place in the log of what caused each."""
    entered = list(session.client.pages("ledger/transfers", account=account or None, limit=500))
    rows = [("at", "code", "step", "debit", "credit", "GPU-seconds", "event")]
    rows += [
        (
            each["at"][:19],
            each["code"],
            each["step"],
            each["debit"],
            each["credit"],
            number(each["amount"]),
            str(each["event"]),
        )
        for each in entered
    ]
    session.show(entered, columns(rows, left=5) if entered else "No transfer yet.")


@app.command()
@reading
def check(session: Session) -> None:
    """Derive every balance from the transfers again; exit code 1 if one is wrong."""
    body = session.client.get("ledger/trial-balance").body
    rows = [("GPU type", "transfers", *KINDS, "set aside", "overdrawn", "wrong")]
    rows += [
        (
            each["gpu_type"],
            number(each["transfers"]),
            *(number(each["balances"][kind]) for kind in KINDS),
            number(each["pending"]),
            number(each["overdrawn"]),
            str(each["wrong"]),
        )
        for each in body["items"]
    ]
    table = f"{columns(rows)}\n\n" if body["items"] else ""
    verdict = "Every account holds what its transfers make." if body["holds"] else "NOT balanced."
    session.show(body, f"{table}{verdict}")
    if not body["holds"]:
        named = [name for each in body["items"] for name in each["named"]]
        raise CommandRefused(f"Wrong accounts: {', '.join(named) or 'not shown'}.", ExitCode.ERROR)


@app.command()
@writing
def correct(
    session: Session,
    debit: Annotated[str, typer.Argument(metavar="FROM", help="Account that gives.")],
    credit: Annotated[str, typer.Argument(metavar="TO", help="Account that gets.")],
    gpu_seconds: Annotated[int, typer.Argument(metavar="GPU-SECONDS", help="How much.", min=1)],
    *,
    reason: ReasonOption,
) -> None:
    """Propose to set a mistake right; a second person decides."""
    sent = {"debit": debit, "credit": credit, "gpu_seconds": gpu_seconds, "reason": reason}
    waits(session, "ledger/corrections", sent)


@app.command()
@writing
def reserve(
    session: Session,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Of a call, or its reserve.")],
    gpu_seconds: Annotated[int, typer.Argument(metavar="GPU-SECONDS", help="How much.", min=1)],
    *,
    reason: ReasonOption,
) -> None:
    """Propose to put hours of a call into the director's reserve, or back."""
    sent = {"account": account, "gpu_seconds": gpu_seconds, "reason": reason}
    waits(session, "ledger/reserves", sent)


def waits(session: Session, path: str, sent: dict[str, object]) -> None:
    """Send a proposal, and say who comes next."""
    body = session.client.create(path, sent).body
    session.show(body, f"{body['id']} waits for a second person: dure pending approve {body['id']}")
