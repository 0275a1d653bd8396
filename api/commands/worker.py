"""`dure worker`: solve queued rounds until told to stop."""

import os
import secrets
import signal
import socket
import threading
from typing import Annotated

import typer

from api.commands.grammar import single, with_examples
from api.commands.host import open_host
from api.commands.terminal import terminal_of
from api.trades import TRADES
from api.worker import Station, Terms, Worker
from scheduler.settings import Settings
from scheduler.storage.ids import Uuid7Ids

app = single()


@app.command(
    help=with_examples(
        "Solve queued rounds, each in a process of its own; Ctrl-C hands the job back.",
        "dure worker",
        "DURE_STORE_URL=postgresql://dure@db/dure DURE_SOLVE_MEMORY_MIB=8192 dure worker",
    )
)
def worker(
    context: typer.Context,
    *,
    settings: Annotated[str, typer.Option(metavar="FILE.toml", help="Else DURE_SETTINGS.")] = "",
) -> None:
    """Work until told to stop."""
    terminal = terminal_of(context)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with open_host(terminal, settings) as host:
        name = f"{socket.gethostname()}-{os.getpid()}"
        station = Station(
            name=name, clock=terminal.now, ids=Uuid7Ids(secrets.token_bytes), stop=stop
        )
        terminal.note(f"Worker {name} waits for rounds to solve.")
        Worker(host.store, TRADES, station, terms_of(host.settings)).run()


def terms_of(settings: Settings) -> Terms:
    """Return how a worker works, as the settings say."""
    return Terms(
        lease_seconds=settings.lease_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
        poll_seconds=settings.poll_seconds,
        memory_mib=settings.solve_memory_mib,
        wall_seconds=settings.solve_wall_seconds,
    )
