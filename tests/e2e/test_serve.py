"""A server and the worker beside it live and die together."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def workers_of(store: str) -> list[int]:
    """Return the processes that work on this store."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().split(b"\0")
            room = (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"worker" in line and store.encode() in room:
            found.append(int(folder.name))
    return found


def gone(store: str, seconds: float) -> bool:
    """Say whether no worker is left after so long at most."""
    for _ in range(int(seconds * 10)):
        if not workers_of(store):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_server(tmp_path, number):
    """Ending the server, gently or not, ends the worker beside it."""
    store = f"sqlite:///{tmp_path}/dure.db"
    environment = os.environ | {"DURE_STORE_URL": store}
    server = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--with-worker", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    with server:
        assert re.search(r"http://", server.stderr.readline())
        while not workers_of(store):
            time.sleep(0.1)
        server.send_signal(number)
        server.wait(30)
        assert gone(store, 40)
