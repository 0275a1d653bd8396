"""`dure whoami`: who the server says we are."""

from typing import Any

from api.commands.grammar import single
from api.commands.session import Session, reading

app = single()


@app.command(help="Who the server says you are, and what you are there.")
@reading
def whoami(session: Session) -> None:
    """Show the caller as the server knows them."""
    me = session.client.get("me").body
    session.show(me, f"{described(me)} at {session.server}")


def described(me: dict[str, Any]) -> str:
    """Return a person with roles and place in words."""
    person = me["person"]
    place = ", ".join(filter(None, (person["group"], person["institute"])))
    roles = ", ".join(me["roles"]) or "no role"
    return f"{person['id']} ({roles}){f' of {place}' if place else ''}"
