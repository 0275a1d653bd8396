"""Let people move.

Where somebody belonged until a move, and which rule their awards followed, is never changed.
"""

import sqlalchemy as sa
from alembic import op

from scheduler.storage.migrations.guards import append_only

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "person_moves",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("from_place", sa.JSON(), nullable=False),
        sa.Column("to_place", sa.JSON(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("heir", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person_moves"),
    )
    op.create_index("ix_person_moves_person_id", "person_moves", ["person_id"], unique=False)
    for statement in append_only(op.get_context().dialect.name, "person_moves"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
