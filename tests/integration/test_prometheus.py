"""A real Prometheus scrapes a live server, and a recording rule returns the right number."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
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
from tests.monitored import NOW, monitored

RULES = Path(__file__).resolve().parents[2] / "configs" / "prometheus" / "dure.rules.yml"
SECRET = b"s" * 32
PATIENCE_SECONDS = 60


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
            expires_at=NOW.replace(year=NOW.year, month=12),
            text=text,
            pepper=SECRET,
        )
        issue_token(tx, act, new)

    store.write(command)
    return text


@pytest.fixture
def served(tmp_path):
    """A live server whose metrics are those of the hand-made center."""
    with open_store(f"sqlite:///{tmp_path / 'dure.db'}") as store:
        token = a_scraper_token(store)
        app = assemble(house(store, SECRET, clock=lambda: NOW))
        app.state.metrics, _, _ = monitored()
        port = a_free_port()
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        yield port, token
        server.should_exit = True
        thread.join()


@pytest.fixture
def prometheus(served, tmp_path):
    """A Prometheus that scrapes the server with the shipped rules; its address."""
    program = shutil.which("prometheus")
    if program is None:
        assert not os.environ.get("CI"), "CI must have prometheus"
        pytest.skip("prometheus is not installed")
    port, token = served
    (tmp_path / "token").write_text(token, encoding="utf-8")
    shutil.copy(RULES, tmp_path)
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [RULES.name],
        "scrape_configs": [
            {
                "job_name": "dure",
                "authorization": {"credentials_file": "token"},
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
            }
        ],
    }
    config = tmp_path / "prometheus.yml"
    config.write_text(json.dumps(configuration), encoding="utf-8")  # JSON is YAML
    listens = f"127.0.0.1:{a_free_port()}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address={listens}",
            ],
            stdout=log,
            stderr=log,
        )
        yield f"http://{listens}"
        process.terminate()
        process.wait(30)


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


def test_recording_rules_return_the_right_numbers(prometheus):
    """3 of 8 GPU-hours of pool a are allocated, 20 of 12 are asked, 3 are awarded."""
    used = waited_for(prometheus, 'round_pool:dure_utilization:ratio{pool="a"}')
    hours = waited_for(prometheus, "round:dure_awarded_gpu_hours:sum")
    demand = waited_for(prometheus, "round:dure_oversubscription:ratio")

    assert [0.375] == [float(row["value"][1]) for row in used]
    assert [3.0] == [float(row["value"][1]) for row in hours]
    assert [pytest.approx(20 / 12)] == [float(row["value"][1]) for row in demand]
    assert ["1"] == [row["value"][1] for row in waited_for(prometheus, 'up{job="dure"}')]


def test_without_the_scrapers_token_nothing_is_told(served):
    """The route wants a bearer token."""
    address = f"http://127.0.0.1:{served[0]}/metrics"
    end = time.monotonic() + PATIENCE_SECONDS
    status = None
    while status is None and time.monotonic() < end:
        try:
            status = httpx.get(address).status_code
        except httpx.TransportError:
            time.sleep(0.2)
    assert 401 == status
