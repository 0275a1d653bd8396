"""A process that writes for clients until it is killed: one store, a thread for each client."""

import threading
from datetime import UTC, datetime
from multiprocessing.connection import Connection, Listener

from scheduler.domain.events import Happening
from scheduler.ports.kept import KeptAnswer
from scheduler.storage.store import SqlStore, SqlTransaction, open_store

OPERATION = "POST /things"


def serve(url: str, address: str) -> None:
    """Answer each key with the hash of its event; never returns."""
    store = open_store(url)
    with Listener(address, "AF_UNIX", backlog=64) as listener:
        while True:
            client = listener.accept()
            threading.Thread(target=_serve_one, args=(store, client), daemon=True).start()


def _serve_one(store: SqlStore, client: Connection) -> None:
    while True:
        key = client.recv()
        client.send(store.write(lambda tx, key=key: once(tx, key)))


def once(tx: SqlTransaction, key: str) -> str:
    """Return the kept answer of a key, or append its event and keep the answer."""
    earlier = tx.idempotency.find("kim", OPERATION, key)
    if earlier is not None:
        return earlier.body
    at = datetime.now(UTC)
    told = Happening(kind="thing.made", subject=key, body={"key": key})
    event = tx.events.append(told, actor="kim", at=at, id_=f"evt_{key}")
    tx.idempotency.keep(
        KeptAnswer(
            principal="kim",
            operation=OPERATION,
            key=key,
            fingerprint="f",
            status=201,
            headers={},
            body=event.hash,
            at=at,
        )
    )
    return event.hash
