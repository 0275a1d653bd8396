"""An agent that looks after a cluster until it is killed; the cluster lives in another process."""

from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from api.agent import Agent
from api.client import Client
from api.slurm import SlurmCluster

NAME = "duru"
AUTHKEY = b"only tests"


class Machine(BaseManager):
    """Where the cluster lives."""


Machine.register("cluster")


def serve(url: str, token: str, key: str, memory: str, address: tuple[str, int]) -> None:
    """Look, apply, report, again and again; never returns."""
    machine = Machine(address=address, authkey=AUTHKEY)
    machine.connect()
    cluster: Any = machine.cluster()  # type: ignore[attr-defined]  # registered above

    def call(words: Sequence[str], content: str = "") -> str:
        return str(cluster.obey(tuple(words), content))

    agent = Agent(
        client=Client(url, token),
        cluster=SlurmCluster(name=NAME, call=call),
        key=key,
        memory=Path(memory),
        clock=lambda: datetime.now(UTC),
    )
    while True:
        agent.work()
