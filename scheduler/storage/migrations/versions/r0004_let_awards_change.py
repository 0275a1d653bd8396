"""Let awards change.

What an award gets or loses is a row that is never changed; its publication is the first one.
"""

import sqlalchemy as sa
from alembic import op

from scheduler.storage.migrations.guards import append_only

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PUBLISHED = """
INSERT INTO award_changes
  (id, award_id, kind, cells, gpu_hours, reason, changed_by, changed_at, event)
SELECT 'awc_' || substr(awards.id, 5), awards.id, 'granted', awards.cells, awards.awarded, '',
  events.actor, awards.offered_at, events.seq
FROM awards JOIN events ON events.subject = awards.id AND events.kind = 'award.offered'
"""
"""The awards that were published before; until now their cells never changed."""


def upgrade() -> None:
    """Apply the step."""
    op.add_column(
        "awards", sa.Column("changed", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_table(
        "award_changes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("award_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("gpu_hours", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_award_changes"),
    )
    op.create_index("ix_award_changes_award_id", "award_changes", ["award_id"], unique=False)
    op.execute(PUBLISHED)
    for statement in append_only(op.get_context().dialect.name, "award_changes"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
