"""A courier that tells until it is killed: one store, one mail server, no pause."""

from datetime import UTC, datetime, timedelta
from itertools import count
from secrets import token_bytes

from api.courier import Courier
from api.mail import MailServer
from scheduler.domain.access import EVERYTHING, Permit
from scheduler.operations.deliveries import Channels
from scheduler.ports.acts import Act
from scheduler.storage.ids import Uuid7Ids
from scheduler.storage.store import open_store

HOST = Permit(action="notify", person="host", scope=EVERYTHING)


def serve(url: str, port: int, later: int) -> None:
    """Tell what there is, turn by turn; never returns.

    Args:
        url: of the store.
        port: of the mail server on this machine.
        later: hours that this clock is ahead, so that leases of those killed before are over.
    """

    def clock() -> datetime:
        return datetime.now(UTC) + timedelta(hours=later)

    ids = Uuid7Ids(token_bytes)
    with open_store(url) as store:
        courier = Courier(
            store=store,
            act=lambda: Act(permit=HOST, now=clock(), ids=ids),
            clock=clock,
            server=MailServer(
                host="127.0.0.1", port=port, security="none", sender="dure@center.example"
            ),
            channels=Channels(mail=True, digest_hour=0),
            secret=b"a key that only tests know, 32 b",
        )
        for _ in count():
            courier.work()
