"""`dure login`: keep a token for a server."""

import sys
from typing import Annotated

import typer

from api.client import Client
from api.commands.documents import STANDARD
from api.commands.grammar import single, with_examples
from api.commands.profiles import (
    DEFAULT_PROFILE,
    DEFAULT_SERVER,
    Profile,
    keep_profile,
    read_token_file,
)
from api.commands.session import said_plainly
from api.commands.terminal import CommandRefused, ExitCode, Terminal, terminal_of

app = single()


@app.command(
    help=with_examples(
        "Keep a token for a server, in a file that only you can read.",
        "dure login http://127.0.0.1:8000",
        "dure login --token-file - < token.txt",
    )
)
def login(
    context: typer.Context,
    server: Annotated[str, typer.Argument(help="Where the center listens.")] = DEFAULT_SERVER,
    *,
    token_file: Annotated[str, typer.Option(help="Where the token lies; - is stdin.")] = "",
    profile: Annotated[str, typer.Option(help="A name for this server.")] = DEFAULT_PROFILE,
) -> None:
    """Ask the server who the token belongs to, then keep it."""
    terminal = terminal_of(context)
    token = _token(terminal, token_file)
    with said_plainly(), Client(server, token, language=terminal.language) as client:
        me = client.get("me").body
    path = keep_profile(terminal, Profile(name=profile, server=server, token=token))
    terminal.note(f"Signed in at {server} as {me['person']['id']}; kept in {path}.")


def _token(terminal: Terminal, token_file: str) -> str:
    """Take the token from a file, from standard input, or from the person."""
    if token_file == STANDARD:
        return sys.stdin.readline().strip()
    if token_file:
        return read_token_file(token_file)
    if not terminal.may_ask:
        raise CommandRefused("Nobody can type a token: use --token-file.", ExitCode.USAGE)
    return str(typer.prompt("Token", hide_input=True, err=True)).strip()
