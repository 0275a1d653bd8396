"""`dure serve`: start the API, with a worker beside it if asked."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
import uvicorn

from api.app import create
from api.commands.grammar import single, with_examples
from api.commands.host import settings_of
from api.commands.terminal import CommandRefused, terminal_of
from api.secret import InvalidSecret
from scheduler.domain.errors import DureError

app = single()

GRACE_SECONDS = 10
BACKLOG = 1024


@app.command(
    help=with_examples(
        "Start the API; Ctrl-C ends it after the requests under way.",
        "dure serve --with-worker",
        "DURE_STORE_URL=postgresql://dure@db/dure dure serve --port 8443",
    )
)
def serve(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address; else as the settings say.")] = "",
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)
    ] = None,
    with_worker: Annotated[bool, typer.Option("--with-worker", help="Solve as well.")] = False,
    settings: Annotated[str, typer.Option(metavar="FILE.toml", help="Else DURE_SETTINGS.")] = "",
) -> None:
    """Serve until told to stop."""
    terminal = terminal_of(context)
    chosen = settings_of(terminal, settings)
    try:
        application = create(chosen)
    except (DureError, InvalidSecret, OSError) as error:
        raise CommandRefused(str(error)) from error
    listener = _listener(host or chosen.host, chosen.port if port is None else port)
    address, taken = listener.getsockname()[:2]
    terminal.note(f"Dure listens on http://{address}:{taken}")
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    with worker_beside(settings) if with_worker else no_worker():
        server.run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        CommandRefused: If the port is taken or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CommandRefused(f"{host}:{port}: {error.strerror}.") from error
    listener.listen(BACKLOG)
    listener.set_inheritable(False)
    return listener


@contextmanager
def worker_beside(settings: str) -> Iterator[None]:
    """Run a worker process as long as the server runs."""
    command = [sys.executable, "-m", "api.cli", "worker"]
    worker = subprocess.Popen([*command, *(["--settings", settings] if settings else [])])  # noqa: S603 - our own program
    try:
        yield
    finally:
        worker.terminate()
        try:
            worker.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


@contextmanager
def no_worker() -> Iterator[None]:
    """Run nothing beside the server."""
    yield
