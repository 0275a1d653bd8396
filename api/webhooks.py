"""Webhooks: events for other systems, signed, to the addresses of the settings and no others.

The signature is that of Standard Webhooks: HMAC-SHA-256 over id, instant and body, so a receiver
may use any library of theirs. The id is the same at every attempt.

Source:
    github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

import httpx

from api.mail import Deferred, Refused
from scheduler.domain.deliveries import Delivery
from solver.canonical import canonical

PURPOSE: Final = b"dure webhook of "
PATIENCE_SECONDS: Final = 10.0


def webhook_key(secret: bytes, address: str) -> bytes:
    """Return the key that the center shares with whoever listens at an address."""
    return hmac.new(secret, PURPOSE + address.encode(), hashlib.sha256).digest()


def shown_key(key: bytes) -> str:
    """Return a key as receivers are given it."""
    return f"whsec_{base64.b64encode(key).decode()}"


def signature(key: bytes, id_: str, seconds: int, body: bytes) -> str:
    """Return the signature of a body.

    Args:
        key: as `webhook_key` gives it.
        id_: of the delivery.
        seconds: of the attempt, since 1970.
        body: as it is sent.
    """
    signed = f"{id_}.{seconds}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def call(client: httpx.Client, delivery: Delivery, key: bytes, now: datetime) -> None:
    """Tell an event; redirects are not followed.

    Raises:
        Deferred: If nobody answered, or not with success.
        Refused: If the receiver says that it is gone for good.
    """
    body, seconds = canonical(delivery.body), int(now.timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature(key, delivery.id, seconds, body),
    }
    try:
        answer = client.post(
            delivery.to,
            content=body,
            headers=headers,
            timeout=PATIENCE_SECONDS,
            follow_redirects=False,
        )
    except httpx.HTTPError as error:
        raise Deferred(str(error) or type(error).__name__) from error
    if answer.status_code == httpx.codes.GONE:
        raise Refused("410 Gone")
    if not answer.is_success:
        raise Deferred(f"{answer.status_code} {answer.reason_phrase}")
