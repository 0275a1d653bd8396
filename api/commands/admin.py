"""`dure admin`: what only whoever holds the machine may do."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated

import typer

from api.commands.grammar import JsonOption, commands
from api.commands.host import Host, open_host
from api.commands.tables import columns
from api.commands.terminal import CommandRefused, ExitCode, terminal_of
from api.plain_json import encode
from api.signing import cluster_key
from scheduler.domain.access import Role
from scheduler.domain.directory import Person
from scheduler.domain.tokens import ENTROPY_BYTES, mint
from scheduler.operations.roles import ProposedRole, found_center, grant_directly
from scheduler.operations.tokens import NewToken, issue_token
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction

app = commands(
    "Set up the store, tokens, checks: on the center's own machine.",
    "dure admin init --admin kim --admin lee --operator park --operator choi --approver jung",
    "dure admin token f001 f002 --json > tokens.json",
    "dure admin check-chain",
)

SettingsOption = Annotated[
    str, typer.Option("--settings", metavar="FILE.toml", help="Else DURE_SETTINGS names it.")
]
AgentsOption = Annotated[
    list[str],
    typer.Option(
        metavar="MACHINE[=CLUSTER]",
        help="Which machines enforce, each on one cluster; else of its own name.",
        default_factory=list,
    ),
]
DaysOption = Annotated[int, typer.Option(help="How long the tokens are valid.", min=1, max=90)]


@app.command()
def init(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    admin: Annotated[list[str], typer.Option(help="Who keeps people and roles; two at least.")],
    operator: Annotated[list[str], typer.Option(help="Who runs calls and rounds.")],
    approver: Annotated[list[str], typer.Option(help="Who signs.")],
    reviewer: Annotated[list[str], typer.Option(help="Who scores.", default_factory=list)],
    auditor: Annotated[list[str], typer.Option(help="Who re-checks.", default_factory=list)],
    scraper: Annotated[list[str], typer.Option(help="Who reads metrics.", default_factory=list)],
    collector: Annotated[list[str], typer.Option(help="Who brings usage.", default_factory=list)],
    agent: AgentsOption,
    days: DaysOption = 90,
    settings: SettingsOption = "",
    as_json: JsonOption = False,
) -> None:
    """Found an empty center: first people, their roles, their tokens, shown once."""
    clusters = {
        person: cluster or person for person, _, cluster in (each.partition("=") for each in agent)
    }
    named = {
        Role.ADMIN: admin,
        Role.OPERATOR: operator,
        Role.APPROVER: approver,
        Role.REVIEWER: reviewer,
        Role.AUDITOR: auditor,
        Role.SCRAPER: scraper,
        Role.COLLECTOR: collector,
        Role.AGENT: list(clusters),
    }
    with open_host(terminal_of(context), settings) as host:
        tokens = found(host, named, clusters, days=days)
    _show(context, tokens, as_json=as_json)


@app.command()
def token(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    people: Annotated[list[str], typer.Argument(metavar="PERSON…", help="Ids of people.")],
    *,
    name: Annotated[str, typer.Option(help="What it is for.")] = "issued on the host",
    days: DaysOption = 90,
    settings: SettingsOption = "",
    as_json: JsonOption = False,
) -> None:
    """Issue tokens for people who are known, in bulk; shown once."""
    with open_host(terminal_of(context), settings) as host:
        tokens = issue(host, people, name=name, days=days)
    _show(context, tokens, as_json=as_json)


@app.command()
def migrate(context: typer.Context, *, settings: SettingsOption = "") -> None:
    """Create the store, or bring it to the present schema."""
    with open_host(terminal_of(context), settings) as host:
        host.terminal.note(f"{host.settings.store_url} is at the present schema.")


@app.command("check-chain")
def check_chain(context: typer.Context, *, settings: SettingsOption = "") -> None:
    """Re-compute the hash chain of the log; end with 7 at the first broken position."""
    with open_host(terminal_of(context), settings) as host, host.store.read() as tx:
        broken = tx.events.first_broken()
    if broken is not None:
        raise CommandRefused(f"The chain breaks at event {broken}.", ExitCode.VERIFICATION_FAILED)
    host.terminal.data("The chain holds.")


@app.command("enforcement-key")
def enforcement_key(
    context: typer.Context,
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Its name.")],
    *,
    settings: SettingsOption = "",
) -> None:
    """Print the key that plans for a cluster are signed with; its agent keeps it in a file."""
    terminal = terminal_of(context)
    with open_host(terminal, settings) as host:
        key = cluster_key(host.pepper, cluster)
    terminal.note("Whoever holds this key can sign plans for this cluster, and for no other.")
    terminal.data(key)


def found(
    host: Host,
    named: Mapping[Role, Sequence[str]],
    clusters: Mapping[str, str],
    *,
    days: int,
) -> dict[str, str]:
    """Make the first people and their roles and return their tokens by person.

    Args:
        host: the center's own machine.
        named: people by role.
        clusters: the cluster of each agent.
        days: how long the tokens are valid.
    """
    people = list(dict.fromkeys(person for role in named.values() for person in role))

    def command(tx: Transaction) -> None:
        act = host.act("admin.init")
        found_center(tx, act, [Person(id=each, name=each) for each in named[Role.ADMIN]])
        for person in people:
            if tx.people.find(person) is None:
                tx.people.add(Person(id=person, name=person))
        for role, holders in named.items():
            for person in holders if role is not Role.ADMIN else ():
                cluster = clusters[person] if role is Role.AGENT else None
                grant_directly(tx, act, ProposedRole(person=person, role=role, cluster=cluster))

    host.store.write(command)
    return issue(host, people, name="first token", days=days)


def issue(host: Host, people: Iterable[str], *, name: str, days: int) -> dict[str, str]:
    """Issue one token for each person, all or none, and return them by person."""
    tokens = {person: mint(secrets.token_bytes(ENTROPY_BYTES)) for person in people}

    def command(tx: Transaction) -> None:
        act = host.act("token.issue")
        for person, text in tokens.items():
            issue_token(tx, act, new_token(host, act, person, text, name=name, days=days))

    host.store.write(command)
    return tokens


def new_token(  # noqa: PLR0913 - the parts of a token
    host: Host, act: Act, person: str, text: str, *, name: str, days: int
) -> NewToken:
    """Return what a person's token is to be."""
    return NewToken(
        person=person,
        name=name,
        scopes=("*",),
        expires_at=act.now + timedelta(days=days),
        text=text,
        pepper=host.pepper,
    )


def _show(context: typer.Context, tokens: dict[str, str], *, as_json: bool) -> None:
    """Print the tokens, the only time that anybody sees them."""
    terminal = terminal_of(context)
    terminal.note("These tokens are shown once; keep them where only their owners read.")
    if as_json:
        terminal.data(encode(tokens, indent=2))
    else:
        terminal.data(columns([("person", "token"), *tokens.items()], left=2))
