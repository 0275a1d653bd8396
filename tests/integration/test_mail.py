"""Mail over a real server: encrypted, tried again, refused honestly, the same id every time."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from api.courier import Courier, Told
from api.mail import Deferred, MailServer
from api.webhooks import signature, webhook_key
from scheduler.domain.deliveries import Contact, DeliveryState
from scheduler.domain.directory import Person
from scheduler.domain.events import Happening
from scheduler.domain.messages import Language
from scheduler.domain.notifications import Notification
from scheduler.operations.deliveries import Channels, choose_contact
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.storage.store import SqlStore
from tests.mail_server import PASSWORD, USER, Post, certificate, mail_server, server_context
from tests.unit.operations.center import IDS, OPENS, act, as_fellow

SENDER = "두레 <dure@center.example>"
HOOK = "https://portal.example/events"
SECRET = b"a key that only tests know, 32 b"
MINUTE = timedelta(minutes=1)


@dataclass
class Desk:
    """A store with people to be told, and a courier."""

    store: SqlStore
    now: datetime = OPENS
    called: list[httpx.Request] = field(default_factory=list)
    status: int = 204

    def tell(self, person: str, kind: str = "award.offered", number: int = 1) -> None:
        """Let there be something to tell a person."""
        told = Notification(
            id=IDS.new("ntf", self.now),
            person=person,
            at=self.now,
            kind=kind,
            subject=f"awd_{number}",
            event=number,
        )
        self.store.write(lambda tx: tx.notifications.add([told]))

    def courier(self, server: MailServer | None, *webhooks: str) -> Courier:
        """Return a courier; webhooks are answered by this desk."""

        def answer(request: httpx.Request) -> httpx.Response:
            self.called.append(request)
            return httpx.Response(self.status, headers={"location": "https://elsewhere.example"})

        return Courier(
            store=self.store,
            act=lambda: act("host", self.now),
            clock=lambda: self.now,
            server=server,
            channels=Channels(mail=server is not None, digest_hour=0, webhooks=webhooks),
            secret=SECRET,
            client=httpx.Client(transport=httpx.MockTransport(answer)),
        )

    def states(self) -> list[tuple[DeliveryState, str]]:
        """Return how far each delivery is and what its last attempt met with."""
        with self.store.read() as tx:
            return [(each.state, each.problem) for each in everything(tx.deliveries.list)]


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    """People with addresses; nobody knows the one of Jun, and Ara has none."""

    def people(tx: Transaction) -> None:
        for id_, address in (
            ("mina", "mina@kaist.example"),
            ("jun", "nobody@kaist.example"),
            ("ara", None),
        ):
            tx.people.add(Person(id=id_, name=id_.title(), email=address))

    store.write(people)
    return Desk(store)


def plain(post: Post) -> MailServer:
    """Return a server without encryption."""
    host, port = post.address
    return MailServer(host=host, port=port, security="none", sender=SENDER)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine."""
    return certificate(tmp_path_factory.mktemp("pem"))


@pytest.fixture
def secured(pem: Path) -> Iterator[tuple[Post, MailServer]]:
    """A server that wants STARTTLS and a login."""
    with mail_server(pem) as post:
        yield (
            post,
            MailServer(
                host="localhost",
                port=post.address[1],
                security="starttls",
                sender=SENDER,
                user=USER,
                password=PASSWORD,
                ca_file=pem,
            ),
        )


def test_an_alert_is_mailed_once(desk: Desk):
    """In Korean and English, to the address of the directory; who has none is passed over."""
    desk.tell("mina")
    desk.tell("ara")
    with mail_server() as post:
        courier = desk.courier(plain(post))
        assert Told(posted=1, delivered=1) == courier.work()
        assert Told(posted=0) == courier.work()
    (came,) = post.mails
    assert "[Dure] 배정이 제안되었습니다: awd_1 / You are offered award awd_1" == came["Subject"]
    assert ("두레 <dure@center.example>", "Mina <mina@kaist.example>") == (came["From"], came["To"])
    body = came.get_body(("plain",))
    assert body is not None
    assert "통지서: dure award letter awd_1" in body.get_content()
    assert [(DeliveryState.DELIVERED, "")] == desk.states()


def test_a_digest_is_in_the_language_that_was_chosen(desk: Desk):
    """All that is not urgent, once a day."""
    desk.store.write(
        lambda tx: choose_contact(
            tx, as_fellow("mina"), Contact(id="mina", language=Language.KOREAN)
        )
    )
    for number in (1, 2, 3):
        desk.tell("mina", "award.extended", number)
    desk.now += timedelta(days=1)
    with mail_server() as post:
        assert Told(posted=1, delivered=1) == desk.courier(plain(post)).work()
    assert ["[Dure] 새 알림 3건"] == [each["Subject"] for each in post.mails]


def test_the_way_is_encrypted_and_logged_in(desk: Desk, secured: tuple[Post, MailServer]):
    """By STARTTLS with a certificate that is trusted, and a password."""
    post, server = secured
    desk.tell("mina")
    assert Told(posted=1, delivered=1) == desk.courier(server).work()
    assert [True] == post.encrypted


@pytest.mark.parametrize("wrong", ["password", "certificate"])
def test_a_server_that_is_not_trusted_or_does_not_trust_gets_nothing(
    desk: Desk, secured: tuple[Post, MailServer], wrong: str
):
    """The mail waits: the center's own trouble is nobody's refusal."""
    post, right = secured
    changes = {"password": {"password": "guess"}, "certificate": {"ca_file": None}}
    server = replace(right, **changes[wrong])  # type: ignore[arg-type]  # fields by name
    desk.tell("mina")
    assert Told(posted=1, put_off=1) == desk.courier(server).work()
    ((state, problem),) = desk.states()
    assert DeliveryState.WAITING is state
    assert ("535" if wrong == "password" else "CERTIFICATE_VERIFY_FAILED") in problem
    desk.now += MINUTE
    assert Told(posted=0, delivered=1) == desk.courier(right).work()
    assert 1 == len(post.mails)


def test_no_mail_goes_in_the_clear_where_encryption_was_asked(desk: Desk, pem: Path):
    """A server without STARTTLS is not spoken to further; one with TLS from the start is."""
    desk.tell("mina")
    with mail_server() as post:
        server = replace(plain(post), security="starttls")
        assert Told(posted=1, put_off=1) == desk.courier(server).work()
        assert [] == post.mails
    assert "STARTTLS" in desk.states()[0][1]
    with mail_server(ssl_context=server_context(pem)) as post:
        desk.now += MINUTE
        server = MailServer(
            host="localhost", port=post.address[1], security="tls", sender=SENDER, ca_file=pem
        )
        assert Told(posted=0, delivered=1) == desk.courier(server).work()


def test_a_server_that_is_down_is_asked_once_a_turn_and_later_again(desk: Desk):
    """Everything waits, nothing is lost, and the ids stay what they were."""
    with mail_server() as post:
        server = plain(post)
    for number in (1, 2):
        desk.tell("mina", number=number)
    assert Told(posted=2, put_off=2) == desk.courier(server).work()
    assert all("refused" in problem for _, problem in desk.states())
    assert Told(posted=0) == desk.courier(server).work()
    with mail_server() as post:
        desk.now += MINUTE
        assert Told(posted=0, delivered=2) == desk.courier(plain(post)).work()
        assert 2 == len(set(post.ids()))


@pytest.mark.parametrize(
    ("answer", "told", "state"),
    [
        ("451 4.7.1 Greylisted", Told(posted=1, put_off=1), DeliveryState.WAITING),
        ("421 4.3.2 Closing", Told(posted=1, put_off=1), DeliveryState.WAITING),
        ("554 5.7.1 Spam", Told(posted=1, given_up=1), DeliveryState.GIVEN_UP),
    ],
)
def test_what_a_server_says_decides(desk: Desk, answer: str, told: Told, state: DeliveryState):
    """4xx is later, 5xx is never; the mails behind it are sent all the same."""
    desk.tell("mina")
    with mail_server() as post:
        post.answers.append(answer)
        courier = desk.courier(plain(post))
        assert told == courier.work()
        assert [(state, answer)] == desk.states()
        desk.tell("mina", number=2)
        desk.now += MINUTE
        waiting = state is DeliveryState.WAITING
        assert Told(posted=1, delivered=2 if waiting else 1) == courier.work()


def test_an_unknown_address_does_not_hold_up_the_others(desk: Desk):
    """It is given up at once, and an operator can read why."""
    desk.tell("jun")
    desk.tell("mina", number=2)
    with mail_server() as post:
        assert Told(posted=2, delivered=1, given_up=1) == desk.courier(plain(post)).work()
        assert ["mina@kaist.example"] == post.readers
    assert (DeliveryState.GIVEN_UP, "550 5.1.1 No such person") in desk.states()


def test_who_lost_the_address_in_between_is_not_mailed(desk: Desk):
    """Where a person is reached is looked up at every attempt."""
    desk.tell("mina")
    courier = desk.courier(MailServer(host="localhost", port=1, security="none", sender=SENDER))
    courier.post()
    desk.store.write(_forget)
    assert Told(posted=0, given_up=1) == courier.work()
    assert [(DeliveryState.GIVEN_UP, "has no address any more")] == desk.states()


def test_a_webhook_is_signed_and_follows_nobody(desk: Desk):
    """The receiver can check it with the key alone; a redirect is no success."""
    courier = desk.courier(None, HOOK)
    courier.work()
    _happen(desk)
    assert Told(posted=1, delivered=1) == courier.work()
    (request,) = desk.called
    headers, body = request.headers, request.read()
    assert HOOK == str(request.url)
    expected = signature(
        webhook_key(SECRET, HOOK), headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    assert expected == headers["webhook-signature"]
    assert b'"kind":"call.extended"' in body
    desk.status = 302
    _happen(desk)
    assert Told(posted=1, put_off=1) == courier.work()
    desk.status = 410
    desk.now += MINUTE
    assert Told(posted=0, given_up=1) == courier.work()
    assert {HOOK} == {str(each.url) for each in desk.called}


def test_only_webhooks_of_the_settings_are_called(desk: Desk):
    """What waits for one that was taken out is given up unsent."""
    desk.courier(None, HOOK).work()
    _happen(desk)
    desk.courier(None, HOOK).post()
    assert Told(posted=0, given_up=1) == desk.courier(None).work()
    assert [] == desk.called


def test_a_session_that_cannot_be_had_says_why():
    """The doctor's finding names server and cause."""
    server = MailServer(host="127.0.0.1", port=1, security="none", sender=SENDER)
    with pytest.raises(Deferred, match=r"127\.0\.0\.1:1: .*refused"), server.session():
        pass


def _forget(tx: Transaction) -> None:
    mina = tx.people.find("mina")
    assert mina is not None
    tx.people.save(replace(mina, email=None, version=mina.version + 1))


def _happen(desk: Desk) -> None:
    """Let something happen that somebody may be told of."""
    told = Happening(kind="call.extended", subject="cal_1")
    by = act("op", desk.now)
    desk.store.write(
        lambda tx: tx.events.append(told, actor=by.person, at=by.now, id_=by.new("evt"))
    )
