"""`dure notify`: mails and webhooks leave the center, from its own machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from email.message import EmailMessage
from typing import Annotated

import httpx
import typer

from api.commands.admin import SettingsOption
from api.commands.grammar import JsonOption, commands
from api.commands.host import Host, open_host
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode, terminal_of, told_to_stop
from api.courier import Courier, Told
from api.mail import Deferred, MailServer, Refused
from api.plain_json import encode
from api.webhooks import shown_key, webhook_key
from scheduler.domain.deliveries import DeliveryState
from scheduler.domain.errors import DureError
from scheduler.export.mail import InvalidAddress, Reader, trial
from scheduler.operations.deliveries import Channels
from scheduler.ports.paging import everything

app = commands(
    "Tell people by mail and systems by webhook: on the center's own machine.",
    "dure notify doctor                      whether the mail server takes mail",
    "dure notify test kim@center.example     one mail, in Korean and English",
    "dure notify run                         post and tell until told to stop",
    "dure notify list --state waiting",
)


@app.command()
def run(
    context: typer.Context,
    *,
    period: Annotated[
        float, typer.Option(help="Seconds between two turns.", min=1, max=3600)
    ] = 30.0,
    once: Annotated[bool, typer.Option("--once", help="One turn, then end.")] = False,
    settings: SettingsOption = "",
) -> None:
    """Post what is to be told and tell it, until told to stop."""
    with open_host(terminal_of(context), settings) as host:
        courier = _courier(host)
        if once:
            host.terminal.data(_said(courier.work()))
            return
        stop = told_to_stop()
        while not stop.is_set():
            try:
                told = courier.work()
            except DureError as trouble:
                host.terminal.note(f"dure: {trouble}")
            else:
                if told != Told(posted=0):
                    host.terminal.note(_said(told))
            stop.wait(period)


@app.command()
def doctor(context: typer.Context, *, settings: SettingsOption = "") -> None:
    """Say whether the mail server answers, encrypts and takes the login; end with 1 if not."""
    with open_host(terminal_of(context), settings) as host:
        server = _server(host)
        with _plainly(), server.session():
            pass
        for each in host.settings.webhooks:
            host.terminal.note(f"Webhook {each}: dure notify key {each}")
        host.terminal.data(f"{server.host}:{server.port} takes mail from {server.sender}.")


@app.command("test")
def try_mail(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where to.")],
    *,
    settings: SettingsOption = "",
) -> None:
    """Send one mail in Korean and English."""
    with open_host(terminal_of(context), settings) as host:
        server = _server(host)
        with _plainly():
            message = _trial(host, server, address)
            with server.session() as session:
                session.send(message)
        host.terminal.data(f"{server.host} took a mail to {address}.")


@app.command()
def key(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="URL", help="A webhook of the settings.")],
    *,
    settings: SettingsOption = "",
) -> None:
    """Print the key by which the receiver of a webhook checks signatures."""
    with open_host(terminal_of(context), settings) as host:
        if address not in host.settings.webhooks:
            raise CommandRefused(f"The settings name no webhook {address}.", ExitCode.USAGE)
        host.terminal.note("Whoever holds this key can sign events for this address.")
        host.terminal.data(shown_key(webhook_key(host.pepper, address)))


@app.command("list")
def list_deliveries(
    context: typer.Context,
    *,
    state: Annotated[
        DeliveryState | None, typer.Option(help="Only these; else what was not delivered.")
    ] = None,
    settings: SettingsOption = "",
    as_json: JsonOption = False,
) -> None:
    """List deliveries, to whom, and what the last attempt met with."""
    with open_host(terminal_of(context), settings) as host, host.store.read() as tx:
        found = [
            each
            for each in everything(lambda part: tx.deliveries.list(part, state=state))
            if state is not None or each.state is not DeliveryState.DELIVERED
        ]
    rows = [("id", "channel", "to", "state", "made", "attempts", "problem")]
    rows += [
        (
            each.id,
            str(each.channel),
            each.to,
            str(each.state),
            f"{each.made_at.astimezone(UTC):%Y-%m-%dT%H:%M}",
            number(each.attempts),
            each.problem,
        )
        for each in found
    ]
    body = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    said = columns(rows, left=5) if found else "Nothing waits, and nothing was given up."
    host.terminal.data(encode(body, indent=2) if as_json else said)


def _courier(host: Host) -> Courier:
    with _plainly():
        server = MailServer.of(host.settings)
    if server is None and not host.settings.webhooks:
        raise CommandRefused(
            "Nothing is to be told anywhere.",
            ExitCode.USAGE,
            hint="Settings: mail_host and mail_from, or webhooks.",
        )
    return Courier(
        store=host.store,
        act=lambda: host.act("notify"),
        clock=host.terminal.now,
        server=server,
        channels=Channels(
            mail=server is not None,
            digest_hour=host.settings.mail_digest_hour,
            webhooks=host.settings.webhooks,
        ),
        secret=host.pepper,
        client=httpx.Client(),
    )


def _server(host: Host) -> MailServer:
    with _plainly():
        server = MailServer.of(host.settings)
    if server is None:
        raise CommandRefused(
            "No mail server is set.", ExitCode.USAGE, hint="Settings: mail_host and mail_from."
        )
    return server


def _trial(host: Host, server: MailServer, address: str) -> EmailMessage:
    reader = Reader(name=address.partition("@")[0], address=address, language=None)
    act = host.act("notify.test")
    return trial(act.new("dlv"), act.now, reader, sender=server.sender)


def _said(told: Told) -> str:
    return (
        f"{told.posted} posted, {told.delivered} delivered, "
        f"{told.put_off} put off, {told.given_up} given up."
    )


@contextmanager
def _plainly() -> Iterator[None]:
    """Turn what a mail server refuses into a message and an exit code."""
    try:
        yield
    except (Deferred, Refused, InvalidAddress) as trouble:
        raise CommandRefused(str(trouble)) from trouble
