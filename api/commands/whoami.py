"""`dure whoami`: who the server says we are."""

from api.commands.grammar import single
from api.commands.session import Session, reading

app = single()


@app.command(help="Who the server says you are, and what you are there.")
@reading
def whoami(session: Session) -> None:
    """Show the caller as the server knows them."""
    me = session.client.get("me").body
    roles = ", ".join(me.get("roles") or ()) or "no role"
    place = ", ".join(filter(None, (me.get("group"), me.get("institute"))))
    session.show(
        me, f"{me['person']} ({roles}){f' of {place}' if place else ''} at {session.server}"
    )
