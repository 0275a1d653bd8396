"""Kept answers: what the first call with a key was answered, in the transaction of its effect."""

from sqlalchemy import Connection, insert, select

from scheduler.ports import KeptAnswer
from scheduler.storage.engine_tables import answers


class SqlIdempotency:
    """Answers by principal, operation and key.

    Commands run one after the other, so a second call with a key that is being answered finds
    the answer of the first; the primary key refuses what could slip past.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, principal: str, operation: str, key: str) -> KeptAnswer | None:
        """Return the kept answer."""
        row = self._connection.execute(
            select(answers).where(
                answers.c.principal == principal,
                answers.c.operation == operation,
                answers.c.key == key,
            )
        ).one_or_none()
        if row is None:
            return None
        return KeptAnswer(
            principal=row.principal,
            operation=row.operation,
            key=row.key,
            fingerprint=row.fingerprint,
            status=row.status,
            headers=row.headers,
            body=row.body.decode(),
            at=row.at,
        )

    def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer, in the transaction of its effect."""
        self._connection.execute(
            insert(answers).values(
                principal=answer.principal,
                operation=answer.operation,
                key=answer.key,
                fingerprint=answer.fingerprint,
                status=answer.status,
                headers=dict(answer.headers),
                body=answer.body.encode(),
                at=answer.at,
            )
        )
