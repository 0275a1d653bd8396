"""Mails: the same bytes at every attempt, whatever is in them."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from scheduler.domain.deliveries import Channel, Delivery
from scheduler.domain.messages import Language
from scheduler.domain.notifications import Notification
from scheduler.export.mail import MOST_LINES, InvalidAddress, Reader, mail, trial

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
SENDER = "국가AI센터 <dure@center.example>"


def a_delivery(key: str = "digest/kim/2026-11-26") -> Delivery:
    """A delivery to Kim."""
    return Delivery(id="dlv_1", channel=Channel.MAIL, to="kim", key=key, made_at=AT, due_at=AT)


def notices(count: int, kind: str = "award.offered") -> list[Notification]:
    """Notifications of Kim."""
    return [
        Notification(id=f"ntf_{n}", person="kim", at=AT, kind=kind, subject=f"awd_{n}", event=n)
        for n in range(count)
    ]


def a_reader(language: Language | None = None, address: str = "kim@kaist.example") -> Reader:
    """Kim."""
    return Reader(name="김하나", address=address, language=language)


def read(message: EmailMessage) -> EmailMessage:
    """Return a mail as its receiver reads it."""
    came = message_from_bytes(message.as_bytes(), policy=default)
    assert isinstance(came, EmailMessage)
    return came


def text(message: EmailMessage, kind: str) -> str:
    """Return what a mail says as plain text or HTML."""
    part = read(message).get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_headers_say_what_it_is():
    """A receiver sees who wrote, a program that no answer is wanted, both the same id for ever."""
    came = read(mail(a_delivery(), notices(2), a_reader(), sender=SENDER))
    assert {
        "From": SENDER,
        "To": "김하나 <kim@kaist.example>",
        "Subject": "[Dure] 새 알림 2건 / 2 notices",
        "Date": "Thu, 26 Nov 2026 09:00:00 +0000",
        "Message-ID": "<dlv_1@center.example>",
        "List-Id": "Dure notices <notices.center.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "ko, en",
    }.items() <= {name: str(value) for name, value in came.items()}.items()
    assert "multipart/alternative" == came.get_content_type()


def test_an_attempt_is_the_same_bytes():
    """Nothing in a mail depends on when it is sent."""
    first, second = (
        mail(a_delivery(), notices(3), a_reader(), sender=SENDER).as_bytes() for _ in range(2)
    )
    assert first == second
    assert first.isascii()


def test_an_alert_says_what_happened_in_its_subject():
    """In the language that was chosen alone."""
    alert = a_delivery("alert/ntf_0")
    for language, subject, other in (
        (Language.ENGLISH, "[Dure] You are offered award awd_0", "배정"),
        (Language.KOREAN, "[Dure] 배정이 제안되었습니다: awd_0", "offered"),
    ):
        message = mail(alert, notices(1), a_reader(language), sender=SENDER)
        assert subject == read(message)["Subject"]
        for kind in ("plain", "html"):
            assert "dure award letter awd_0" in text(message, kind)
            assert other not in text(message, kind)


def test_html_escapes_what_it_is_given():
    """A name is text."""
    reader = Reader(name="<b>Kim</b>", address="kim@kaist.example", language=None)
    said = text(mail(a_delivery(), notices(1), reader, sender=SENDER), "html")
    assert "&lt;b&gt;Kim&lt;/b&gt;" in said
    assert '<section lang="ko">' in said
    assert "<b>" not in said


def test_a_long_digest_says_how_much_it_leaves_out():
    """And never grows without end."""
    said = text(mail(a_delivery(), notices(MOST_LINES + 7), a_reader(), sender=SENDER), "plain")
    assert MOST_LINES == said.count("You are offered")
    assert "7 more: dure notifications" in said


@pytest.mark.parametrize("address", ["kim", "@kaist.example", "kim@", "a b@c", "x@y\nBcc: z@w", ""])
def test_no_address_is_refused(address: str):
    """Before anything is sent; nobody slips a header in."""
    with pytest.raises(InvalidAddress):
        mail(a_delivery(), notices(1), a_reader(address=address), sender=SENDER)


def test_a_trial_says_only_that_mail_arrives():
    """In both languages."""
    message = trial("dlv_9", AT, a_reader(), sender="dure@center.example")
    assert (
        "[Dure] 두레의 시험 메일입니다. / This is a test mail of Dure." == read(message)["Subject"]
    )
    assert "This is a test mail" in text(message, "plain")
