"""The same key with the same body gets the same answer; the effect happens once."""

from dataclasses import dataclass
from datetime import datetime

from api.replies import Reply
from scheduler.domain.errors import IdempotencyKeyReused
from scheduler.ports.kept import KeptAnswer
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a create.

    Attributes:
        operation: method and route; with principal and key it names the create.
        fingerprint: digest of address and body.
    """

    principal: str
    operation: str
    key: str
    fingerprint: str
    at: datetime

    def earlier(self, tx: Transaction) -> Reply | None:
        """Return the answer of an earlier try, marked as a replay.

        Raises:
            IdempotencyKeyReused: If the earlier try had another address or body.
        """
        kept = tx.idempotency.find(self.principal, self.operation, self.key)
        if kept is None:
            return None
        if kept.fingerprint != self.fingerprint:
            raise IdempotencyKeyReused(key=self.key)
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        return Reply(status=kept.status, body=kept.body.encode(), headers=headers)

    def keep(self, tx: Transaction, reply: Reply) -> None:
        """Keep the answer in the transaction of its effect."""
        tx.idempotency.keep(
            KeptAnswer(
                principal=self.principal,
                operation=self.operation,
                key=self.key,
                fingerprint=self.fingerprint,
                status=reply.status,
                headers=dict(reply.headers),
                body=(reply.kept or reply.body).decode(),
                at=self.at,
            )
        )
