"""`dure status`: what concerns me now, and the next command."""

from collections.abc import Iterator
from typing import Any

from api.commands.grammar import single
from api.commands.session import Session, reading
from api.commands.tables import columns
from api.commands.whoami import described

app = single()

NEXT_OF_REQUEST = {"draft": "dure request submit {id}", "submitted": "dure request receipt {id}"}
NEXT_OF_AWARD = {"offered": "dure award why {id}", "accepted": "dure award show {id}"}
NEXT_OF_ROUND = {
    "open": "dure round freeze {id}",
    "review": "dure round freeze {id}",
    "frozen": "dure round solve {id}",
    "deciding": "dure round show {id}",
    "approved": "dure round publish {id}",
}
"""The command that usually comes next, by state."""
MOST = 20


@app.command(help="What concerns you now, and the next command.")
@reading
def status(session: Session) -> None:
    """Gather what waits: calls, own requests and awards, rounds for those who run them."""
    me = session.client.get("me").body
    found = {"me": me, **dict(_sections(session, me["permissions"]))}
    parts = [f"{described(me)} at {session.server}"]
    for name, following in (
        ("calls", {"open": "dure request new {id} FILE"}),
        ("requests", NEXT_OF_REQUEST),
        ("awards", NEXT_OF_AWARD),
        ("rounds", NEXT_OF_ROUND),
    ):
        if found.get(name):
            parts.append(f"{name}\n{_table(found[name], following)}")
    session.show(found, "\n\n".join(parts))


def _sections(session: Session, permissions: dict[str, str]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists that the person may see."""
    for name, action, query in (
        ("calls", "call.read_open", {"state": "open"}),
        ("requests", "request.read", {}),
        ("awards", "award.read", {}),
        ("rounds", "scenario.read", {}),
    ):
        if action in permissions:
            yield name, session.client.get(name, limit=MOST, **query).body["items"]


def _table(rows: list[dict[str, Any]], following: dict[str, str]) -> str:
    """Return what waits, with the next command."""
    cells = [("  id", "state", "what", "next")]
    for each in rows:
        what = (
            each.get("title") or (each.get("draft") or {}).get("title") or each.get("request", "")
        )
        command = following.get(each["state"], "").format(id=each["id"])
        cells.append((f"  {each['id']}", each["state"], what, command))
    return columns(cells, left=4)
