"""`dure worker`: solve queued rounds."""

import os
import secrets
import socket
import threading
from datetime import timedelta
from typing import Annotated

import typer

from api.commands.grammar import single, with_examples
from api.commands.host import Host, open_host
from api.commands.terminal import terminal_of, told_to_stop
from api.trades import trades
from api.worker import Station, Terms, Worker
from scheduler.storage.ids import Uuid7Ids

app = single()

WATCH_SECONDS = 1.0


@app.command(
    help=with_examples(
        "Solve queued rounds, each in a process of its own; start as many workers as you like.",
        "dure worker",
        "DURE_STORE_URL=postgresql://dure@db/dure dure worker --name rack-7",
    )
)
def worker(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="Its name in the log.")] = "",
    settings: Annotated[str, typer.Option(metavar="FILE.toml", help="Else DURE_SETTINGS.")] = "",
    beside: Annotated[int | None, typer.Option(metavar="PID", hidden=True)] = None,
) -> None:
    """Work until told to stop; a job under way is handed back."""
    stop = told_to_stop()
    if beside is not None:
        threading.Thread(target=_end_with, args=(beside, stop), daemon=True).start()
    with open_host(terminal_of(context), settings) as host:
        worker_of(host, name or f"{socket.gethostname()}-{os.getpid()}", stop).run()


def _end_with(server: int, stop: threading.Event) -> None:
    """Stop when the server that started this worker is gone, even by SIGKILL."""
    while not stop.wait(WATCH_SECONDS):
        if os.getppid() != server:
            stop.set()


def worker_of(host: Host, name: str, stop: threading.Event) -> Worker:
    """Return a worker of this machine's center."""
    chosen = host.settings
    return Worker(
        host.store,
        trades(chosen.reallocation_policy),
        Station(
            name=name,
            clock=host.terminal.now,
            ids=Uuid7Ids(secrets.token_bytes),
            stop=stop,
        ),
        Terms(
            lease_seconds=chosen.lease_seconds,
            heartbeat_seconds=chosen.heartbeat_seconds,
            poll_seconds=chosen.poll_seconds,
            memory_mib=chosen.solve_memory_mib,
            wall_seconds=chosen.solve_wall_seconds,
            upkeep=timedelta(seconds=chosen.upkeep_seconds),
        ),
    )
