"""`dure logout`: forget a server's token."""

from typing import Annotated

import typer

from api.commands.grammar import single
from api.commands.profiles import DEFAULT_PROFILE, forget_profile
from api.commands.terminal import terminal_of

app = single()


@app.command(help="Forget the token kept for a server. The token itself stays valid: revoke it.")
def logout(
    context: typer.Context,
    *,
    profile: Annotated[str, typer.Option(help="Which of your kept servers.")] = DEFAULT_PROFILE,
) -> None:
    """Remove the profile's file."""
    terminal = terminal_of(context)
    known = forget_profile(terminal, profile)
    terminal.note("Signed out." if known else f"Nobody was signed in as {profile}.")
