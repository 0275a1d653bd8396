"""`dure policy`: this year's meaning of fair."""

from typing import Annotated

import typer

from api.commands.documents import read_bytes
from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns

app = commands(
    "This year's meaning of fair: show, draft, lock.",
    "dure policy new fair-2027 fair-2027.toml",
    "dure policy lock fair-2027 1 --reason 'Agreed by the committee.'",
)

NameArgument = Annotated[str, typer.Argument(metavar="POLICY", help="Name of a policy.")]
VersionArgument = Annotated[int, typer.Argument(metavar="VERSION", min=1)]
FileArgument = Annotated[str, typer.Argument(metavar="FILE.toml", help="A policy file, or -.")]


@app.command("list")
@reading
def list_policies(session: Session) -> None:
    """List the policies and their latest versions."""
    policies = list(session.client.pages("policies"))
    rows = [("policy", "versions", "locked")]
    for each in policies:
        locked = ", ".join(map(str, each.get("locked") or ())) or "–"
        rows.append((each["name"], str(each["versions"]), locked))
    session.show(policies, columns(rows))


@app.command()
@reading
def show(session: Session, policy: NameArgument, version: VersionArgument = 1) -> None:
    """Show one version as TOML."""
    body = session.client.get(f"policies/{policy}/versions/{version}").body
    session.show(body, body["toml"])


@app.command()
@writing
def new(session: Session, policy: NameArgument, file: FileArgument) -> None:
    """Draft a policy, or the next version of one, from a TOML file."""
    text = read_bytes(file).decode("utf-8")
    known = [each["name"] for each in session.client.pages("policies")]
    if policy in known:
        path = f"policies/{policy}"
        body = session.client.change(path, f"{path}/versions", {"toml": text}).body
    else:
        body = session.client.create("policies", {"name": policy, "toml": text}).body
    session.show(
        body, f"{policy}: version {body.get('number', 1)} drafted. A second person locks it."
    )


@app.command()
@writing
def lock(
    session: Session,
    policy: NameArgument,
    version: VersionArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why; everybody may read it.")],
) -> None:
    """Lock a version for good, as somebody who did not write it."""
    session.confirm(f"Lock {policy} version {version} for good?")
    path = f"policies/{policy}/versions/{version}"
    body = session.client.change(path, f"{path}/locks", {"reason": reason}).body
    session.show(body, f"{policy} version {version} is locked.")
