"""`dure serve`: start the API, with a worker beside it if asked."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, Self

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
EARLY_SECONDS = 10.0
"""A worker that ends sooner than this has not lived."""
MOST_EARLY = 3


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

    def give_up() -> None:
        terminal.note("The worker cannot live; the server ends.")
        server.should_exit = True

    # The server raises its signal again once it has stopped; this lets the worker be told first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with WorkerBeside(settings, give_up) if with_worker else nullcontext():
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


class WorkerBeside:
    """A worker process beside the server: started again when it dies, gone with the server.

    Args:
        settings: path of the settings file, or nothing.
        give_up: called when it dies at once, again and again.
    """

    def __init__(self, settings: str, give_up: Callable[[], None]) -> None:
        self._command = [sys.executable, "-m", "api.cli", "worker", f"--beside={os.getpid()}"]
        self._command += ["--settings", settings] if settings else []
        self._give_up = give_up
        self._stopping = threading.Event()
        self._process = self._start()
        self._keeper = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._keeper.join()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._started = time.monotonic()
        return subprocess.Popen(self._command)  # noqa: S603 - our own program

    def _keep(self) -> None:
        """Start the worker again whenever it ends, unless it cannot live at all."""
        early = 0
        while True:
            self._process.wait()
            if self._stopping.is_set():
                return
            early = early + 1 if time.monotonic() - self._started < EARLY_SECONDS else 0
            if early == MOST_EARLY:
                self._give_up()
                return
            self._process = self._start()
