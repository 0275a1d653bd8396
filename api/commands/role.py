"""`dure role`: who may do what, granted by two administrators."""

from typing import Annotated

import typer

from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns

app = commands(
    "Who may do what: granted by one administrator, approved by another.",
    "dure role grant lee group_lead --group protein-design",
    "dure role grant slurm1 agent --cluster duru",
    "dure role approve grt_01jd…",
)

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Id of a person.")]
GrantArgument = Annotated[str, typer.Argument(metavar="GRANT", help="Id of a role grant.")]


@app.command("list")
@reading
def list_grants(
    session: Session,
    *,
    person: Annotated[str, typer.Option(help="Only theirs.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Refused and revoked ones too.")
    ] = False,
) -> None:
    """List the roles that count, and those that wait."""
    told = session.client.pages("role-grants", person=person or None, limit=500)
    found = [each for each in told if everything or each["state"] in {"effective", "proposed"}]
    rows = [("id", "person", "role", "of", "state", "proposed by", "decided by")]
    rows += [
        (
            each["id"],
            each["person"],
            each["role"],
            each["group"] or each["institute"] or each["cluster"] or "",
            each["state"],
            each["proposed_by"],
            each["decided_by"] or "",
        )
        for each in found
    ]
    session.show(found, columns(rows, left=7) if found else "No roles.")


@app.command()
@writing
def grant(  # noqa: PLR0913 - the fields of a grant
    session: Session,
    person: PersonArgument,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="Such as operator or agent.")],
    *,
    group: Annotated[str, typer.Option(help="Of a group_lead.")] = "",
    institute: Annotated[str, typer.Option(help="Of a coordinator.")] = "",
    cluster: Annotated[str, typer.Option(help="Of an agent.")] = "",
) -> None:
    """Propose a role for a person; a second administrator approves it."""
    stated = {"group": group, "institute": institute, "cluster": cluster}
    sent = {"person": person, "role": role, **{key: each for key, each in stated.items() if each}}
    body = session.client.create("role-grants", sent).body
    session.show(
        body, f"{body['id']} waits for another administrator: dure role approve {body['id']}"
    )


@app.command()
@writing
def approve(session: Session, grant_id: GrantArgument) -> None:
    """Make a proposed role count, as somebody who neither proposed it nor gains by it."""
    _decide(session, grant_id, "approvals", "Approve")


@app.command()
@writing
def reject(session: Session, grant_id: GrantArgument) -> None:
    """Refuse a proposed role."""
    _decide(session, grant_id, "rejections", "Reject")


@app.command()
@writing
def revoke(session: Session, grant_id: GrantArgument) -> None:
    """Let a role count no more, at once."""
    address = f"role-grants/{grant_id}"
    found = session.client.get(address)
    session.confirm(f"Revoke the role {found.body['role']} of {found.body['person']}?")
    body = session.client.delete(address, etag=found.etag).body
    session.show(body, f"{grant_id} is {body['state']}.")


def _decide(session: Session, grant_id: str, word: str, verb: str) -> None:
    """Show what it is, ask, and send."""
    address = f"role-grants/{grant_id}"
    shown = session.client.get(address).body
    of = shown["group"] or shown["institute"] or shown["cluster"]
    session.confirm(f"{verb} {shown['role']}{f' of {of}' if of else ''} for {shown['person']}?")
    body = session.client.change(address, f"{address}/{word}").body
    session.show(body, f"{grant_id} is {body['state']}.")
