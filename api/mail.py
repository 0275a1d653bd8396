"""The way to a mail server: one session, encrypted as the settings say, honest about refusals."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Self

from scheduler.settings import Settings

PATIENCE_SECONDS: Final = 30.0
PERMANENT: Final = 500
"""Answers from here on are final."""


class Deferred(Exception):  # noqa: N818 - it says what happened
    """It could not be told now; later it may."""


class Refused(Exception):  # noqa: N818 - it says what happened
    """It will never be taken as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server that takes mail.

    Attributes:
        security: starttls, tls or none.
        password: empty without a user.
        ca_file: certificates to trust in place of the system's.
    """

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    password: str = ""
    ca_file: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return the server that settings name, if they name one.

        Raises:
            OSError: If the password cannot be read.
        """
        if not settings.mail_host:
            return None
        file = settings.mail_password_file
        return cls(
            host=settings.mail_host,
            port=settings.mail_port,
            security=settings.mail_security,
            sender=settings.mail_from,
            user=settings.mail_user,
            password="" if file is None else file.read_text("utf-8").strip(),
            ca_file=settings.mail_ca_file,
        )

    @contextmanager
    def session(self) -> Iterator["MailSession"]:
        """Open a session, encrypted and logged in.

        Raises:
            Deferred: If the server is away, offers no encryption, or refuses the login.
        """
        try:
            connection = self._connected()
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise Deferred(f"{self.host}:{self.port}: {_said(error)}") from error
        try:
            yield MailSession(connection)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()

    def _connected(self) -> smtplib.SMTP:
        trust = ssl.create_default_context(cafile=self.ca_file and str(self.ca_file))
        if self.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=PATIENCE_SECONDS, context=trust
            )
        else:
            connection = smtplib.SMTP(self.host, self.port, timeout=PATIENCE_SECONDS)
        try:
            if self.security == "starttls":
                connection.starttls(context=trust)
            if self.user:
                connection.login(self.user, self.password)
        except BaseException:
            connection.close()
            raise
        return connection


@dataclass(frozen=True, slots=True)
class MailSession:
    """An open session with a mail server."""

    connection: smtplib.SMTP

    @property
    def is_open(self) -> bool:
        """Whether the server is still there."""
        return self.connection.sock is not None

    def send(self, message: EmailMessage) -> None:
        """Hand a mail over.

        Raises:
            Deferred: If the server takes it later perhaps, or refuses the center itself.
            Refused: If it refuses the reader or the mail for good.
        """
        try:
            self.connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _refusal(code, _text(said)) from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, _text(error.smtp_error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(_said(error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Deferred(_said(error)) from error


def _refusal(code: int, said: str) -> Deferred | Refused:
    text = f"{code} {said}"
    return Refused(text) if code >= PERMANENT else Deferred(text)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:500]
