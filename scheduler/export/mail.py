"""Mails: what a delivery says, as a MIME message that is the same bytes at every attempt.

Source:
    RFC 5322 (message), RFC 3834 (Auto-Submitted), RFC 2919 (List-Id).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from typing import Final

from scheduler.domain.deliveries import Delivery
from scheduler.domain.messages import Language
from scheduler.domain.notifications import Notification
from scheduler.export.notifications import notification_text
from scheduler.export.sentence import Sentence

ALERT: Final = "alert/"
MOST_LINES: Final = 100
BOTH: Final = (Language.KOREAN, Language.ENGLISH)
TRIAL: Final = Sentence("두레의 시험 메일입니다.", "This is a test mail of Dure.")
DIGEST: Final = Sentence("새 알림 {count}건", "{count} notices")
GREETING: Final = Sentence("{name} 님,", "Dear {name},")
MORE: Final = Sentence("그 밖에 {count}건: dure notifications", "{count} more: dure notifications")
FOOTER: Final = Sentence(
    "모두 보기: dure notifications. 메일 설정: dure notifications --mail digest 또는 none.",
    "All of them: dure notifications. Fewer mails: dure notifications --mail digest, or none.",
)


class InvalidAddress(Exception):  # noqa: N818 - it says what it is
    """An address cannot stand in the header of a mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who a mail is for.

    Attributes:
        language: that it is in; both if nothing is chosen.
    """

    name: str
    address: str
    language: Language | None


def mail(
    delivery: Delivery, told: Sequence[Notification], reader: Reader, *, sender: str
) -> EmailMessage:
    """Return the mail of a delivery.

    Args:
        delivery: gives its instant and its Message-ID, which every attempt has alike.
        told: what it tells, oldest first.
        reader: who it is for.
        sender: address of the center, with or without a name.

    Raises:
        InvalidAddress: If the reader's or the sender's address is none.
    """
    words = {
        each: _Words(_subject(delivery, told, each), _lines(told, reader.name, each))
        for each in _languages(reader)
    }
    return _message(delivery.id, delivery.made_at, reader, sender, words)


def trial(id_: str, at: datetime, reader: Reader, *, sender: str) -> EmailMessage:
    """Return a mail that says nothing but that mail arrives.

    Raises:
        InvalidAddress: If the reader's or the sender's address is none.
    """
    words = {
        each: _Words(TRIAL.in_language(each), [TRIAL.in_language(each)])
        for each in _languages(reader)
    }
    return _message(id_, at, reader, sender, words)


@dataclass(frozen=True, slots=True)
class _Words:
    """Subject and lines in one language."""

    subject: str
    lines: list[str]


def _languages(reader: Reader) -> tuple[Language, ...]:
    return BOTH if reader.language is None else (reader.language,)


def _message(
    id_: str, at: datetime, reader: Reader, sender: str, words: Mapping[Language, _Words]
) -> EmailMessage:
    """Return a mail as text and as HTML; the id makes its Message-ID and its boundary."""
    message = EmailMessage(policy=SMTP)
    center = _address(sender)
    message["From"] = center
    message["To"] = _address(reader.address, reader.name)
    message["Subject"] = "[Dure] " + " / ".join(each.subject for each in words.values())
    message["Date"] = at
    message["Message-ID"] = f"<{id_}@{center.domain}>"
    message["List-Id"] = f"Dure notices <notices.{center.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    parts = [each.lines for each in words.values()]
    text = "\n\n-- \n\n".join("\n\n".join(each) for each in parts) + "\n"
    message.set_content(text, cte="base64")
    html = _html(zip(words, parts, strict=True))
    message.add_alternative(html, subtype="html", cte="base64")
    message["Content-Language"] = ", ".join(words)
    message.set_boundary(f"dure-{id_}")
    return message


def _address(text: str, name: str = "") -> Address:
    stated, _, rest = text.rpartition("<")
    try:
        address = Address(name or stated.strip().strip('"'), addr_spec=rest.removesuffix(">"))
    except (ValueError, IndexError, AttributeError, MessageError) as broken:
        raise InvalidAddress(f"{text!r} is no address.") from broken
    if not (address.username and address.domain):
        raise InvalidAddress(f"{text!r} is no address.")
    return address


def _subject(delivery: Delivery, told: Sequence[Notification], language: Language) -> str:
    """Return what an alert is about, or how many things a digest tells."""
    if delivery.key.startswith(ALERT) and len(told) == 1:
        return notification_text(told[0], language).partition(". ")[0].removesuffix(".")
    return DIGEST.in_language(language).format(count=len(told))


def _lines(told: Sequence[Notification], name: str, language: Language) -> list[str]:
    lines = [GREETING.in_language(language).format(name=name)]
    lines += [
        f"{each.at:%Y-%m-%d %H:%M} UTC  {notification_text(each, language)}"
        for each in told[:MOST_LINES]
    ]
    if len(told) > MOST_LINES:
        lines.append(MORE.in_language(language).format(count=len(told) - MOST_LINES))
    return [*lines, FOOTER.in_language(language)]


def _html(parts: Iterable[tuple[Language, list[str]]]) -> str:
    sections = "".join(
        f'<section lang="{language}">{_paragraphs(lines)}</section>' for language, lines in parts
    )
    return f'<!doctype html><html><head><meta charset="utf-8"></head><body>{sections}</body></html>'


def _paragraphs(lines: Iterable[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)
