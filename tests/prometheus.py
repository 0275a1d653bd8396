"""A real Prometheus beside a live center, for tests."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import assemble, house
from scheduler.domain.access import Permit, Role, Scope
from scheduler.domain.directory import Person
from scheduler.domain.tokens import ENTROPY_BYTES, mint
from scheduler.operations.roles import ProposedRole, found_center, grant_directly
from scheduler.operations.tokens import NewToken, issue_token
from scheduler.ports.acts import Act
from scheduler.storage.ids import Uuid7Ids
from scheduler.storage.store import open_store
from tests.monitored import NOW, SECRET, a_used_center

RULES = Path(__file__).resolve().parents[1] / "configs" / "prometheus"
PATIENCE_SECONDS = 90


def a_free_port():
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def a_scraper_token(store):
    """Found the center and return the token of its scraper."""
    ids = Uuid7Ids(os.urandom)
    text = mint(os.urandom(ENTROPY_BYTES))
    act = Act(
        permit=Permit(action="test", person="host", scope=Scope(everything=True)), now=NOW, ids=ids
    )

    def command(tx):
        found_center(tx, act, [Person(id=each, name=each) for each in ("a1", "a2")])
        tx.people.add(Person(id="scraper", name="scraper"))
        grant_directly(tx, act, ProposedRole(person="scraper", role=Role.SCRAPER))
        new = NewToken(
            person="scraper",
            name="scrape",
            scopes=("*",),
            expires_at=NOW + timedelta(days=80),
            text=text,
            pepper=SECRET,
        )
        issue_token(tx, act, new)

    store.write(command)
    return text


@contextmanager
def listening(app):
    """Serve an application on a loopback port while the block runs; give the port."""
    port = a_free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def a_live_center(folder, **more):
    """Serve a used center; give its port and the token of its scraper."""
    with open_store(f"sqlite:///{folder / 'dure.db'}") as store:
        token = a_scraper_token(store)
        store.write(a_used_center)
        app = assemble(house(store, SECRET, clock=lambda: NOW), **more)
        with listening(app) as port:
            yield port, token


@contextmanager
def a_prometheus(folder, jobs):
    """Run Prometheus with the shipped rules; give its address.

    Args:
        folder: for its configuration and data.
        jobs: scrape configurations.
    """
    program = shutil.which("prometheus")
    if program is None:
        assert not os.environ.get("CI"), "CI must have prometheus"
        pytest.skip("prometheus is not installed")
    names = ("dure.rules.yml", "dure.alerts.yml")
    for name in names:
        shutil.copy(RULES / name, folder)
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": list(names),
        "scrape_configs": jobs,
    }
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(configuration), encoding="utf-8")  # JSON is YAML
    listens = f"127.0.0.1:{a_free_port()}"
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={listens}",
        "--enable-feature=exemplar-storage",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield f"http://{listens}"
        finally:
            process.terminate()
            process.wait(30)


def scraping(folder, port, token, path="/metrics"):
    """Return the scrape configuration of a center."""
    (folder / "token").write_text(token, encoding="utf-8")
    return {
        "job_name": "dure" if path == "/metrics" else "fellows",
        "metrics_path": path,
        "authorization": {"credentials_file": "token"},
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }


def asked(address, expression):
    """Return the vector that an expression has now."""
    answer = httpx.get(f"{address}/api/v1/query", params={"query": expression}, timeout=5)
    return answer.raise_for_status().json()["data"]["result"]


def waited_for(address, expression):
    """Return the vector as soon as it is not empty."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            found = asked(address, expression)
        except httpx.HTTPError:
            found = []
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{expression} stayed empty")
