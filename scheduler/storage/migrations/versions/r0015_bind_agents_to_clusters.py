"""Bind agents to clusters: a grant of the role names the cluster whose plans it may pull.

Whoever is an agent so far keeps it for the clusters that they reported for. An agent that never
reported reaches nothing until two administrators grant the role anew, with its cluster.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

AGENTS = sa.text(
    "SELECT id, person_id, proposed_by, proposed_at, decided_by, decided_at FROM role_grants"
    " WHERE role = 'agent' AND state = 'effective' AND cluster IS NULL ORDER BY id"
)
CLUSTERS = sa.text(
    "SELECT DISTINCT actor, subject FROM events WHERE kind = 'enforcement.reported'"
    " ORDER BY actor, subject"
)
BIND = sa.text("UPDATE role_grants SET cluster = :cluster, version = version + 1 WHERE id = :id")
GRANT = sa.text(
    "INSERT INTO role_grants (id, person_id, role, cluster, state, proposed_by, proposed_at,"
    " decided_by, decided_at, version) VALUES (:new, :person_id, 'agent', :cluster, 'effective',"
    " :proposed_by, :proposed_at, :decided_by, :decided_at, 1)"
)
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def upgrade() -> None:
    """Apply the step."""
    op.add_column("role_grants", sa.Column("cluster", sa.Text(), nullable=True))
    connection = op.get_bind()
    reported: dict[str, list[str]] = {}
    for row in connection.execute(CLUSTERS).mappings():
        reported.setdefault(row["actor"], []).append(row["subject"])
    for grant in connection.execute(AGENTS).mappings().all():
        for number, cluster in enumerate(reported.pop(grant["person_id"], [])):
            new = f"rol_{_id(grant['person_id'], cluster)}"
            statement = GRANT if number else BIND
            connection.execute(statement, {**grant, "cluster": cluster, "new": new})


def _id(person: str, cluster: str) -> str:
    """Return the 26 letters of an id, the same wherever the step is applied."""
    digest = hashlib.sha256(f"agent {person} {cluster}".encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:26])


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
