"""Tell agents from collectors: who reported what a cluster enforces is an agent from now on.

Collectors may no longer pull plans. Whoever did so far keeps the tokens that are on the clusters;
the role of a collector stays until somebody revokes it.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

REPORTERS = sa.text(
    "SELECT DISTINCT grants.person_id, grants.proposed_by, grants.decided_by, grants.decided_at,"
    " grants.proposed_at FROM role_grants AS grants JOIN events ON events.actor = grants.person_id"
    " WHERE grants.role = 'collector' AND grants.state = 'effective'"
    " AND events.kind = 'enforcement.reported'"
)
GRANT = sa.text(
    "INSERT INTO role_grants (id, person_id, role, state, proposed_by, proposed_at, decided_by,"
    " decided_at, version) VALUES (:id, :person_id, 'agent', 'effective', :proposed_by,"
    " :proposed_at, :decided_by, :decided_at, 1)"
)
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def upgrade() -> None:
    """Apply the step."""
    connection = op.get_bind()
    granted: set[str] = set()
    for row in connection.execute(REPORTERS).mappings().all():
        person = row["person_id"]
        if person not in granted:
            connection.execute(GRANT, {**row, "id": f"rol_{_id(person)}"})
            granted.add(person)


def _id(person: str) -> str:
    """Return the 26 letters of an id, the same wherever the step is applied."""
    digest = hashlib.sha256(f"agent {person}".encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:26])


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
