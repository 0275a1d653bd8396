"""A center in one process: a store, the doors, a clock that stands still until it is moved."""

import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from api.app import assemble, house
from scheduler.domain.access import EVERYTHING, Permit, Role
from scheduler.domain.directory import Group, Institute, Person
from scheduler.domain.pools import Pool
from scheduler.domain.tokens import ENTROPY_BYTES, mint
from scheduler.operations import directory, pools, roles, tokens
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction
from scheduler.storage.store import SqlStore, open_store

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its name for the client library is about to change
    from starlette.testclient import TestClient

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECRET = b"a key that only tests know, 32 b"
STAFF = {
    "op": Role.OPERATOR,
    "op2": Role.OPERATOR,
    "appr": Role.APPROVER,
    "aud": Role.AUDITOR,
    "adm": Role.ADMIN,
    "adm2": Role.ADMIN,
    "rev": Role.REVIEWER,
    "scr": Role.SCRAPER,
    "coll": Role.COLLECTOR,
}
AGENTS = {"agent": "duru", "agent2": "other"}
"""Machines, and the cluster that each keeps."""
FELLOWS = {"kim": "g1", "lee": "g1", "park": "g2"}


@dataclass
class Clock:
    """An instant that moves when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Return the instant."""
        return self.now

    def move(self, **by: int) -> None:
        """Move on, by keyword of `timedelta`."""
        self.now += timedelta(**by)


@dataclass
class Center:
    """A small center with people of every role, over HTTP without a network."""

    store: SqlStore
    clock: Clock
    app: FastAPI
    tokens: dict[str, str]
    keys: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.http = TestClient(self.app, raise_server_exceptions=False)
        self.http.__enter__()  # one event loop for all requests, not one each

    def close(self) -> None:
        """Let go of everything."""
        self.http.__exit__(None, None, None)
        self.store.close()

    def send(self, method: str, path: str, who: str | None = None, **more: Any) -> Any:
        """Send a request as somebody."""
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        address = path if path.startswith("/") else f"/api/v1/{path}"
        return self.http.request(method, address, headers=headers, **more)

    def get(self, path: str, who: str | None = None, **more: Any) -> Any:
        """Read."""
        return self.send("GET", path, who, **more)

    def create(self, path: str, who: str, body: Any = None, **more: Any) -> Any:
        """Create, under a fresh key."""
        headers = {"Idempotency-Key": f"test-key-{next(self.keys)}", **more.pop("headers", {})}
        given = {} if body is None else {"json": body}
        return self.send("POST", path, who, headers=headers, **given, **more)

    def change(self, subject: str, path: str, who: str, body: Any = None) -> Any:
        """Create a sub-resource that changes `subject`, as it is now."""
        tag = self.get(subject, who).headers["ETag"]
        return self.create(path, who, body, headers={"If-Match": tag})

    def patch(self, path: str, who: str, body: Any) -> Any:
        """Change fields of a resource, as it is now."""
        tag = self.get(path, who).headers["ETag"]
        return self.send("PATCH", path, who, headers={"If-Match": tag}, json=body)

    def policy(self) -> None:
        """Draft and lock a policy."""
        content = {"name": "fair", "select": {"method": "optimize"}}
        body = {"name": "fair", "title": "Fair", "content": content}
        assert self.create("policies", "op", body).status_code == 201
        version = "policies/fair/versions/1"
        assert self.change(version, f"{version}/locks", "appr").status_code == 201

    def call(self, **terms: Any) -> str:
        """Return the id of an open call under a locked policy."""
        if self.get("policies/fair", "op").status_code == 404:
            self.policy()
        drafted = self.create("calls", "op", call_terms(**terms))
        assert drafted.status_code == 201, drafted.text
        id_: str = drafted.json()["id"]
        opened = self.change(f"calls/{id_}", f"calls/{id_}/openings", "appr")
        assert opened.status_code == 201, opened.text
        return id_

    def request(self, call: str, who: str = "kim", **ask: Any) -> str:
        """Return the id of a draft."""
        made = self.create("requests", who, {"call": call, **an_ask(**ask)})
        assert made.status_code == 201, made.text
        id_: str = made.json()["id"]
        return id_

    def submit(self, request: str, who: str = "kim") -> Any:
        """Submit a draft."""
        return self.change(f"requests/{request}", f"requests/{request}/submissions", who)


def call_terms(**changes: Any) -> dict[str, Any]:
    """Return the terms of a call, as its drafter sends them."""
    return {
        "title": "Autumn",
        "opens_at": "2026-11-01T00:00:00Z",
        "closes_at": "2026-11-22T15:00:00Z",
        "policy": "fair",
        "policy_version": 1,
        "calendar": {"starts_on": "2027-01-04", "slot_hours": 168, "slots": 4},
        "pools": ["h200"],
        **changes,
    }


def an_ask(**changes: Any) -> dict[str, Any]:
    """Return an ask that passes every check."""
    return {
        "title": "Folding",
        "gpu_hours": 1000,
        "minimum_gpu_hours": 100,
        "gang_gpus": 8,
        "max_gpus": 16,
        "window": [0, 4],
        "speeds": {"h200": 1},
        **changes,
    }


def build(path: Path) -> Center:
    """Return a center with staff, three fellows in two groups, and one pool."""
    clock = Clock()
    store = open_store(f"sqlite:///{path / 'dure.db'}")
    doors = house(store, SECRET, clock=clock)
    given = store.write(lambda tx: _people(tx, doors.ids, clock.now))
    return Center(store, clock, assemble(doors), given)


def _people(tx: Transaction, ids: Any, now: datetime) -> dict[str, str]:
    act = Act(permit=Permit(action="setup", person="setup", scope=EVERYTHING), now=now, ids=ids)
    directory.put_institute(tx, act, Institute(id="inst", name="Institute"))
    for group in ("g1", "g2"):
        directory.put_group(tx, act, Group(id=group, name=group, institute="inst"))
    for person in [*STAFF, *AGENTS, *FELLOWS, "lead", "coord"]:
        named = Person(id=person, name=person.title(), group=FELLOWS.get(person))
        directory.put_person(tx, act, named)
    for person, role in STAFF.items():
        roles.grant_directly(tx, act, roles.ProposedRole(person=person, role=role))
    for person, cluster in AGENTS.items():
        bound = roles.ProposedRole(person=person, role=Role.AGENT, cluster=cluster)
        roles.grant_directly(tx, act, bound)
    lead = roles.ProposedRole(person="lead", role=Role.GROUP_LEAD, group="g1")
    roles.grant_directly(tx, act, lead)
    coord = roles.ProposedRole(person="coord", role=Role.COORDINATOR, institute="inst")
    roles.grant_directly(tx, act, coord)
    pools.put_pool(tx, act, Pool(id="h200", gpu_type="H200", nodes=20, gpus_per_node=8))
    return {
        person: _token(tx, act, person) for person in [*STAFF, *AGENTS, *FELLOWS, "lead", "coord"]
    }


def _token(tx: Transaction, act: Act, person: str) -> str:
    text = mint(person.encode().ljust(ENTROPY_BYTES, b"."))
    new = tokens.NewToken(
        person=person,
        name="test",
        scopes=("*",),
        expires_at=act.now + timedelta(days=80),
        text=text,
        pepper=SECRET,
    )
    tokens.issue_token(tx, act, new)
    return text
