"""Kept answers: what the first call with a key was answered, in the transaction of its effect."""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from scheduler.ports.kept import KeptAnswer
from scheduler.storage.tables.engine import answers

# Made once: building a statement costs more than running it.
_FIND: Final = select(answers).where(
    answers.c.principal == bindparam("principal"),
    answers.c.operation == bindparam("operation"),
    answers.c.key == bindparam("key"),
)
_INSERT: Final = insert(answers)


class SqlIdempotency:
    """Answers by principal, operation and key.

    Commands run one after the other, so a second call with a key that is being answered finds
    the answer of the first; the primary key refuses what could slip past.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, principal: str, operation: str, key: str) -> KeptAnswer | None:
        """Return the kept answer."""
        named = {"principal": principal, "operation": operation, "key": key}
        row = self._connection.execute(_FIND, named).one_or_none()
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
            _INSERT,
            {
                "principal": answer.principal,
                "operation": answer.operation,
                "key": answer.key,
                "fingerprint": answer.fingerprint,
                "status": answer.status,
                "headers": dict(answer.headers),
                "body": answer.body.encode(),
                "at": answer.at,
            },
        )
