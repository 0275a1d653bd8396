"""An enforcement agent is killed in the middle of its work, again and again."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import uvicorn

from api.signing import cluster_key
from scheduler.operations.limits import award_limits
from tests.e2e.center import SECRET, Center, build
from tests.e2e.test_http_rounds import published
from tests.fake_slurm import FakeSlurm
from tests.integration.enforcing_agent import AUTHKEY, NAME, serve
from tests.unit.operations.center import ALL

KILLS = 5
FELLOWS = ("kim", "lee", "park")
OFFSETS = (0.0, 0.03, 0.07, 0.15)
"""Seconds after the first command of a plan at which the agent dies, in turn."""
SECONDS_A_COMMAND = 0.05


@dataclass
class Cluster:
    """A cluster that takes its time, and remembers what changed nothing."""

    slurm: FakeSlurm = field(default_factory=FakeSlurm)
    idle: list[Sequence[str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def obey(self, words: Sequence[str], content: str = "") -> str:
        """Obey one command line."""
        reads = "show" in words or "-V" in words
        if not reads:
            time.sleep(SECONDS_A_COMMAND)
        with self.lock:
            before = self.state()
            said = self.slurm(words, content)
            if not reads and before == self.state():
                self.idle.append(words)
            return said

    def state(self) -> str:
        """Return all that can be changed."""
        return repr((self.slurm.accounts, self.slurm.places, self.slurm.qos))


@contextmanager
def machine(cluster: Cluster) -> Iterator[tuple[str, int]]:
    """Let other processes command a cluster."""

    class Here(BaseManager):
        """Where the cluster lives."""

    Here.register("cluster", callable=lambda: cluster, exposed=["obey"])
    server = Here(address=("127.0.0.1", 0), authkey=AUTHKEY).get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.address  # type: ignore[misc]  # an address of the internet


@contextmanager
def listening(center: Center) -> Iterator[str]:
    """Serve a center on a port of loopback."""
    server = uvicorn.Server(uvicorn.Config(center.app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    _until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_a_killed_agent_leaves_nothing_undone_and_does_nothing_twice(tmp_path: Path):
    """Whatever it had reached, the next one does the rest, and calls none of it drift."""
    center, cluster = build(tmp_path / "center"), Cluster()
    published(center, {}, {}, {})
    made = center.send(
        "PUT", f"enforcement/targets/{NAME}", "op", json={"gpu_types": {"H200": "h200"}}
    )
    assert 201 == made.status_code, made.text
    awards = {each: _accepted(center, each) for each in FELLOWS}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.enforcing_agent"])
    with listening(center) as url, machine(cluster) as address:
        token, key = center.tokens["agent"], cluster_key(SECRET, NAME)
        memory = str(tmp_path / "agent.json")

        def begin() -> Any:
            process = context.Process(target=serve, args=(url, token, key, memory, address))
            process.start()
            return process

        drifted = []
        for kill in range(KILLS):
            for number, fellow in enumerate(FELLOWS if kill else ()):
                _returned(center, awards[fellow], fellow, 1 + number + kill)
            before = cluster.slurm.commands
            process = begin()
            _until(lambda before=before: cluster.slurm.commands > before)
            time.sleep(OFFSETS[kill % len(OFFSETS)])
            process.kill()
            process.join()
            drifted.append(_standing(center)[1])
        last = begin()
        _until(lambda: _standing(center) == (0, 0, 0))
        last.kill()
        last.join()
    assert [0] * KILLS == drifted
    assert [] == cluster.idle
    with center.store.read() as tx:
        minutes = {each.person: each.granted_gpu_seconds // 60 for each in award_limits(tx, ALL)}
    assert 3 == len(set(minutes.values()))
    assert {user: f"gres/gpu={each},gres/gpu:h200={each}" for user, each in minutes.items()} == {
        user: each["GrpTRESMins"] for (_, user), each in cluster.slurm.places.items()
    }
    center.close()


def _accepted(center: Center, who: str) -> str:
    (award,) = center.get("awards", who).json()["items"]
    address = f"awards/{award['id']}"
    assert 201 == center.change(address, f"{address}/acceptances", who).status_code
    return address


def _returned(center: Center, award: str, who: str, hours: int) -> None:
    body = {"gpu_hours": 8 * hours, "reason": "Less data."}
    answer = center.change(award, f"{award}/returns", who, body)
    assert 201 == answer.status_code, answer.text


def _standing(center: Center) -> tuple[int, int, int]:
    body = center.get(f"enforcement/targets/{NAME}", "op").json()
    return body["waiting"], body["drift"], body["left"]


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
