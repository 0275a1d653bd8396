"""The courier: posts what is to be told, tells it by mail and webhook, marks what was taken.

It may be killed at any moment, and several may run: what is told is taken under a lease, and
marked once the other side has it. What was told but not marked is told again under the same id.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage

import httpx

from api.mail import Deferred, MailServer, MailSession, Refused
from api.webhooks import call, webhook_key
from scheduler.domain.deliveries import Channel, Delivery
from scheduler.export.mail import InvalidAddress, Reader, mail
from scheduler.operations import deliveries
from scheduler.operations.watching import changes, tell_changes
from scheduler.ports.acts import Act
from scheduler.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a turn.

    Attributes:
        posted: deliveries that were made; the rest: what became of those that were due.
    """

    posted: int
    delivered: int = 0
    put_off: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Tells what the center has to tell.

    Attributes:
        act: gives who acts, now.
        clock: gives the instant.
        server: that takes mail, if the center mails.
        channels: by which ways the center tells.
        secret: that the keys of webhooks come from.
        client: that webhooks are called with.
    """

    store: Store
    act: Callable[[], Act]
    clock: Callable[[], datetime]
    server: MailServer | None
    channels: deliveries.Channels
    secret: bytes
    client: httpx.Client = field(default_factory=httpx.Client)

    def work(self) -> Told:
        """Post what is new, then tell everything that is due."""
        posted = self.post()
        counts = {"delivered": 0, "put_off": 0, "given_up": 0}
        while taken := self.store.write(lambda tx: deliveries.take_due(tx, self.act())):
            with ExitStack() as stack:
                for outcome in self._tell(taken, stack):
                    counts[outcome] += 1
        return Told(posted=posted, **counts)

    def post(self) -> int:
        """Look at what is watched, and make deliveries of what nobody was told of."""
        with self.store.read() as tx:
            changed = bool(changes(tx, self.clock()))
        if changed:
            self.store.write(lambda tx: tell_changes(tx, self.act()))
        return self.store.write(lambda tx: deliveries.post(tx, self.act(), self.channels))

    def _tell(self, taken: Iterable[Delivery], stack: ExitStack) -> Iterator[str]:
        """Tell one after the other, mails over one session, and yield what became of each."""
        post = _Mails(self.server, stack)
        for each in taken:
            try:
                if each.channel is Channel.MAIL:
                    post.send(self._mail(each))
                else:
                    self._call(each)
            except Deferred as trouble:
                problem = str(trouble)
                self.store.write(
                    lambda tx, id_=each.id, problem=problem: deliveries.put_off(  # type: ignore[misc]  # bound early
                        tx, self.act(), id_, problem
                    )
                )
                yield "put_off"
            except Refused as trouble:
                problem = str(trouble)
                self.store.write(
                    lambda tx, id_=each.id, problem=problem: deliveries.refused(tx, id_, problem)  # type: ignore[misc]  # bound early
                )
                yield "given_up"
            else:
                self.store.write(lambda tx, id_=each.id: deliveries.delivered(tx, id_))  # type: ignore[misc]  # bound early
                yield "delivered"

    def _mail(self, delivery: Delivery) -> EmailMessage:
        """Return a delivery as a mail to where its person is reached now.

        Raises:
            Refused: If that is nowhere.
        """
        with self.store.read() as tx:
            told = tx.deliveries.told_by(delivery.id)
            person = tx.people.find(delivery.to)
            contact = deliveries.contact_of(tx, delivery.to)
        if person is None or person.email is None or not person.active:
            raise Refused("has no address any more")
        reader = Reader(name=person.name, address=person.email, language=contact.language)
        sender = "" if self.server is None else self.server.sender
        try:
            return mail(delivery, told, reader, sender=sender)
        except InvalidAddress as broken:
            raise Refused(str(broken)) from broken

    def _call(self, delivery: Delivery) -> None:
        if delivery.to not in self.channels.webhooks:
            raise Refused("is no webhook of the settings any more")
        call(self.client, delivery, webhook_key(self.secret, delivery.to), self.clock())


class _Mails:
    """One session for all mails of a turn; once the server is away, it is not asked again."""

    def __init__(self, server: MailServer | None, stack: ExitStack) -> None:
        self._server = server
        self._stack = stack
        self._session: MailSession | None = None
        self._away: str = "" if server is not None else "the settings name no mail server"

    def send(self, message: EmailMessage) -> None:
        """Hand a mail over.

        Raises:
            Deferred, Refused: As the session says.
        """
        if self._away:
            raise Deferred(self._away)
        if self._session is None:
            assert self._server is not None, "without a server mail is put off"
            try:
                self._session = self._stack.enter_context(self._server.session())
            except Deferred as trouble:
                self._away = str(trouble)
                raise
        try:
            self._session.send(message)
        except Deferred:
            if not self._session.is_open:
                self._session = None  # the next one begins anew
            raise
