"""`dure notifications`: what happened that concerns you."""

from typing import Annotated

import typer

from api.commands.grammar import single
from api.commands.session import Session, writing
from api.commands.tables import columns

app = single()


@app.command()
@writing
def notifications(
    session: Session,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what is read already.")] = False,
    read: Annotated[bool, typer.Option("--read", help="Mark what is shown as read.")] = False,
) -> None:
    """Show what happened that concerns you and that you have not read yet."""
    unread = None if everything else "true"
    told = list(session.client.pages("me/notifications", unread=unread, limit=500))
    rows = [("at", "what", "read")]
    rows += [(each["at"][:16], each["text"], "yes" if each["read_at"] else "") for each in told]
    session.show(told, columns(rows, left=3) if told else "Nothing new.")
    if read:
        for each in told:
            if each["read_at"] is None:
                session.client.create(f"me/notifications/{each['id']}/reads")
