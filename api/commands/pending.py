"""`dure pending`: acts that wait for a second person."""

from typing import Annotated

import typer

from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns

app = commands(
    "Acts that wait for a second person.",
    "dure pending list",
    "dure pending approve prp_01jd… --reason 'Seen in the logs.'",
)

ProposalArgument = Annotated[str, typer.Argument(metavar="PROPOSAL", help="Id of a proposal.")]
ReasonOption = Annotated[str, typer.Option(help="Why.")]


@app.command("list")
@reading
def list_pending(
    session: Session,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
) -> None:
    """List what you could decide."""
    found = session.client.pages(
        "pending-approvals", state=None if everything else "pending", limit=500
    )
    waiting = list(found)
    rows = [("id", "kind", "subject", "state", "proposed by", "agrees", "not before", "reason")]
    rows += [
        (
            each["id"],
            each["kind"],
            each["subject"],
            each["state"],
            each["proposed_by"],
            each["party"] or "",
            each["not_before"][:16],
            each["reason"],
        )
        for each in waiting
    ]
    session.show(waiting, columns(rows, left=8) if waiting else "Nothing waits for you.")


@app.command()
@writing
def approve(session: Session, proposal: ProposalArgument, *, reason: ReasonOption) -> None:
    """Agree; it takes effect at once."""
    _decide(session, proposal, reason, approve=True)


@app.command()
@writing
def reject(session: Session, proposal: ProposalArgument, *, reason: ReasonOption) -> None:
    """Refuse."""
    _decide(session, proposal, reason, approve=False)


def _decide(session: Session, proposal: str, reason: str, *, approve: bool) -> None:
    """Show what it is, ask, and send."""
    address = f"pending-approvals/{proposal}"
    shown = session.client.get(address).body
    facts = ", ".join(f"{name} {value}" for name, value in shown["body"].items())
    word = "Approve" if approve else "Reject"
    session.confirm(f"{word} the {shown['kind']} of {shown['subject']} ({facts})?")
    sent = {"approve": approve, "reason": reason}
    body = session.client.change(address, f"{address}/decisions", sent).body
    session.show(body, f"{proposal} is {body['state']}.")
