"""The demo's center: an empty store, its first people, and the processes that serve it."""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.client import Client
from api.commands.admin import found, issue
from api.commands.host import open_host
from api.commands.terminal import CommandRefused, Terminal
from scheduler.document import Document
from scheduler.domain.access import Role

HOME = Path("var")
ADMINS = ("admin-1", "admin-2")
OPERATOR, SECOND_OPERATOR = "operator-1", "operator-2"
APPROVER = "approver-1"
SCRAPER = "prometheus"
START_SECONDS = 60
STOP_SECONDS = 15
THREADS = 8
LISTENS = "Dure listens on "


@dataclass(frozen=True, slots=True, kw_only=True)
class Center:
    """A running center and everybody's token.

    Attributes:
        folder: where its store, key and files lie.
        terminal: the person's, with the center's settings in the environment.
    """

    folder: Path
    url: str
    terminal: Terminal
    client: Client
    tokens: Mapping[str, str]

    def as_person(self, person: str) -> Client:
        """Return a client that speaks as this person."""
        return self.client.as_person(self.tokens[person])


@contextmanager
def running_center(terminal: Terminal) -> Iterator[Center]:
    """Found a center in a fresh folder and serve it until the end, worker and all."""
    HOME.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=HOME))
    settings = {
        "DURE_STORE_URL": f"sqlite:///{folder / 'dure.db'}",
        "DURE_SECRET_FILE": str(folder / "secret"),
        "DURE_PORT": "0",
    }
    at_home = replace(terminal, environ={**terminal.environ, **settings})
    people = {
        Role.ADMIN: ADMINS,
        Role.OPERATOR: (OPERATOR, SECOND_OPERATOR),
        Role.APPROVER: (APPROVER,),
        Role.SCRAPER: (SCRAPER,),
    }
    with open_host(at_home) as host:
        tokens = found(host, people, {}, days=7)
    with served(at_home) as url, Client(url) as client:
        yield Center(folder=folder, url=url, terminal=at_home, client=client, tokens=tokens)


@contextmanager
def served(terminal: Terminal) -> Iterator[str]:
    """Run ``dure serve --with-worker`` and give its address."""
    command = [sys.executable, "-m", "api.cli", "serve", "--with-worker"]
    server = subprocess.Popen(  # noqa: S603 - our own program
        command,
        env=dict(terminal.environ),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is the demo's to answer
    )
    try:
        yield _address(server)
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _address(server: "subprocess.Popen[str]") -> str:
    """Wait until the server says where it listens; afterwards let it say what it likes.

    Raises:
        CommandRefused: If it ends or is silent for too long.
    """
    assert server.stderr is not None
    patience = threading.Timer(START_SECONDS, server.kill)
    patience.start()
    said = []
    for line in server.stderr:
        said.append(line)
        if line.startswith(LISTENS):
            patience.cancel()
            threading.Thread(target=_pass_on, args=(server,), daemon=True).start()
            return line.removeprefix(LISTENS).strip()
    patience.cancel()
    raise CommandRefused(f"The server did not start:\n{''.join(said)}")


def _pass_on(server: "subprocess.Popen[str]") -> None:
    """Repeat what the server says on standard error."""
    assert server.stderr is not None
    for line in server.stderr:
        sys.stderr.write(line)


def enrol(center: Center, round_: Document) -> Center:
    """Enter institutes, groups, fellows and pools over HTTP; issue the fellows' tokens."""
    admin = center.as_person(ADMINS[0])
    names = {each.get("institute") for part in ("groups", "fellows") for each in round_[part]}
    institutes = sorted(name for name in names if name)
    for name in institutes:
        admin.put(f"institutes/{name.lower()}", {"name": name})
    for group in round_["groups"]:
        admin.put(f"groups/{group['id']}", _group(group))
    with ThreadPoolExecutor(THREADS) as threads:
        entered = threads.map(
            lambda fellow: admin.put(f"people/{fellow['id']}", _fellow(fellow)), round_["fellows"]
        )
        fellows = [answer.body["id"] for answer in entered]
    for pool in round_["pools"]:
        center.as_person(OPERATOR).put(f"pools/{pool['id']}", _pool(pool))
    with open_host(center.terminal) as host:
        issued = issue(host, fellows, name="demo", days=7)
    return replace(center, tokens={**center.tokens, **issued})


def _group(group: Document) -> dict[str, Any]:
    """Return a group as the directory takes it."""
    return {"name": group["id"], **_taken(group, "weight", "floor_gpu_hours", "cap_gpu_hours")}


def _fellow(fellow: Document) -> dict[str, Any]:
    """Return a fellow as the directory takes it."""
    institute = fellow.get("institute")
    return {
        "name": fellow["id"],
        "group": fellow["group"],
        "institute": institute.lower() if institute else None,
        **_taken(fellow, "weight", "cap_gpu_hours"),
    }


def _pool(pool: Document) -> dict[str, Any]:
    """Return a pool as the center takes it."""
    return _taken(pool, "gpu_type", "nodes", "gpus_per_node", "su_per_gpu_hour")


def _taken(row: Document, *names: str) -> dict[str, Any]:
    """Return the stated ones of some keys."""
    return {name: row[name] for name in names if row.get(name) is not None}
