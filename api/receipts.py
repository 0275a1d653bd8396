"""Receipts: where a change stands in the event log."""

from api.schemas.common import Receipt
from scheduler.domain.events import Event


def receipt_of(event: Event) -> Receipt:
    """Return the receipt of a change."""
    return Receipt(
        event_id=event.id, log_index=event.seq, leaf_hash=event.hash, server_time=event.at
    )
