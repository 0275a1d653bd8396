"""A real mail server on loopback: what it was sent, and how it answers."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "dure", "open sesame"


@dataclass
class Post:
    """What a server answers, and what it was sent.

    Attributes:
        answers: to the next mails, in turn; afterwards each is taken.
        mails: as they came.
    """

    answers: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    address: tuple[str, int] = ("127.0.0.1", 0)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse whom nobody knows."""
        del server, session, options
        if address.startswith("nobody@"):
            return "550 5.1.1 No such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Take a mail, or answer what the test said."""
        del server
        if self.answers and not (answer := self.answers.pop(0)).startswith("250"):
            return answer
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.encrypted.append(session.ssl is not None)
        self.readers += envelope.rcpt_tos
        return "250 Taken"

    def ids(self) -> Sequence[str]:
        """Return the Message-IDs that came, in order."""
        return [each["Message-ID"] for each in self.mails]


@contextmanager
def mail_server(
    certificate: Path | None = None, *, ssl_context: SSLContext | None = None
) -> Iterator[Post]:
    """Serve on a free port of loopback, in a thread.

    Args:
        certificate: with one, STARTTLS and a login are asked for.
        ssl_context: with one, a connection is encrypted from its first byte.
    """
    post, more = Post(), {}
    if certificate is not None:
        more = {
            "tls_context": server_context(certificate),
            "require_starttls": True,
            "auth_required": True,
            "authenticator": _login,
        }
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def begin() -> asyncio.AbstractServer:
        return await loop.create_server(
            lambda: SMTP(post, loop=loop, **more), "127.0.0.1", 0, ssl=ssl_context
        )

    async def end(server: asyncio.AbstractServer) -> None:
        server.close()
        await server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    post.address = server.sockets[0].getsockname()  # type: ignore[attr-defined]  # of a base server
    try:
        yield post
    finally:
        asyncio.run_coroutine_threadsafe(end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def server_context(certificate: Path) -> SSLContext:
    """Return how a server with a certificate encrypts."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def certificate(folder: Path) -> Path:
    """Make a certificate for this machine, with its key in the same file."""
    file = folder / "localhost.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(file), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + (folder / "certificate.pem").read_bytes())
    return file


def _login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    del server, session, envelope, mechanism
    right = (USER.encode(), PASSWORD.encode()) == (data.login, data.password)
    return AuthResult(success=right, handled=False)
