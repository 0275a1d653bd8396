"""`dure notifications`: what happened that concerns you, and how you are told."""

from typing import Annotated

import typer

from api.commands.grammar import single
from api.commands.session import Session, writing
from api.commands.tables import columns
from scheduler.domain.deliveries import MailWish
from scheduler.domain.messages import Language

app = single()


@app.command()
@writing
def notifications(
    session: Session,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what is read already.")] = False,
    read: Annotated[bool, typer.Option("--read", help="Mark what is shown as read.")] = False,
    mail: Annotated[
        MailWish | None, typer.Option(help="Choose: everything, one mail a day, or no mail.")
    ] = None,
    mail_language: Annotated[
        Language | None, typer.Option(help="Choose the language of mails; else both.")
    ] = None,
) -> None:
    """Show what happened that concerns you and that you have not read yet."""
    if mail is not None or mail_language is not None:
        _choose(session, mail, mail_language)
        return
    unread = None if everything else "true"
    told = list(session.client.pages("me/notifications", unread=unread, limit=500))
    rows = [("at", "what", "read")]
    rows += [(each["at"][:16], each["text"], "yes" if each["read_at"] else "") for each in told]
    session.show(told, columns(rows, left=3) if told else "Nothing new.")
    if read:
        for each in told:
            if each["read_at"] is None:
                session.client.create(f"me/notifications/{each['id']}/reads")


def _choose(session: Session, mail: MailWish | None, language: Language | None) -> None:
    """Keep what is chosen; what is not stays as it was."""
    known = session.client.get("me/contact")
    sent = {
        "mail": known.body["mail"] if mail is None else str(mail),
        "language": known.body["language"] if language is None else str(language),
    }
    body = session.client.put("me/contact", sent, etag=known.etag).body
    session.show(body, f"Mail: {body['mail']}; language: {body['language'] or 'ko and en'}.")
