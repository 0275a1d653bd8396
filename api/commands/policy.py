"""`dure policy`: this year's meaning of fair."""

import tomllib
from decimal import Decimal
from typing import Annotated, Any

import typer

from api.commands.documents import read_bytes
from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns
from api.commands.terminal import CommandRefused, ExitCode
from api.plain_json import encode

app = commands(
    "This year's meaning of fair: show, draft, lock.",
    "dure policy new fair-2027 fair-2027.toml",
    "dure policy lock fair-2027 1",
)

NameArgument = Annotated[str, typer.Argument(metavar="POLICY", help="Name of a policy.")]
VersionArgument = Annotated[int, typer.Argument(metavar="VERSION", min=1)]
FileArgument = Annotated[str, typer.Argument(metavar="FILE.toml", help="A policy file, or -.")]


@app.command("list")
@reading
def list_policies(session: Session) -> None:
    """List the policies and their latest versions."""
    policies = list(session.client.pages("policies"))
    rows = [("policy", "title", "latest")]
    rows += [(each["id"], each["title"], str(each["latest"])) for each in policies]
    session.show(policies, columns(rows, left=2))


@app.command()
@reading
def show(session: Session, policy: NameArgument, version: VersionArgument) -> None:
    """Show one version: who wrote it, who locked it, what it says."""
    body = session.client.get(f"policies/{policy}/versions/{version}").body
    rows = [(name, str(body[name])) for name in ("policy", "number", "state", "author", "digest")]
    session.show(body, f"{columns(rows, left=2)}\n{encode(body['content'], indent=2)}")


@app.command()
@reading
def diff(session: Session, policy: NameArgument, before: VersionArgument, after: int) -> None:
    """Show what changed between two versions."""
    path = f"policies/{policy}/versions/{after}/differences"
    body = session.client.get(path, before=before).body
    rows = [("key", "before", "after")]
    rows += [(each["key"], str(each["before"]), str(each["after"])) for each in body["differences"]]
    session.show(body, columns(rows, left=3))


@app.command()
@writing
def new(
    session: Session,
    policy: NameArgument,
    file: FileArgument,
    *,
    title: Annotated[str, typer.Option(help="One line for people, for a new policy.")] = "",
) -> None:
    """Draft a policy, or the next version of one, from a TOML file."""
    content = _content(file)
    known = [each["id"] for each in session.client.pages("policies")]
    if policy in known:
        path = f"policies/{policy}"
        body = session.client.change(path, f"{path}/versions", {"content": content}).body
    else:
        sent = {"name": policy, "title": title or policy, "content": content}
        body = session.client.create("policies", sent).body
    session.show(body, f"{policy}: version {body['number']} is drafted; a second person locks it.")


@app.command()
@writing
def lock(session: Session, policy: NameArgument, version: VersionArgument) -> None:
    """Lock a version for good, as somebody who did not write it."""
    session.confirm(f"Lock {policy} version {version} for good?")
    path = f"policies/{policy}/versions/{version}"
    body = session.client.change(path, f"{path}/locks").body
    session.show(body, f"{policy} version {version} is locked.")


def _content(file: str) -> dict[str, Any]:
    """Read a policy file as it is sent; the center checks what it says."""
    try:
        return tomllib.loads(read_bytes(file).decode("utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandRefused(f"{file}: {error}.", ExitCode.USAGE) from error
