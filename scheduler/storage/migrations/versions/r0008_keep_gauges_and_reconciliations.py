"""Keep gauges and reconciliations.

A gauge is replaced by the next one of the same user; what a reconciliation found stays.
"""

import sqlalchemy as sa
from alembic import op

from scheduler.storage.migrations.guards import append_only

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "usage_gauges",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("limit_gpu_minutes", sa.BigInteger(), nullable=True),
        sa.Column("used_gpu_minutes", sa.BigInteger(), nullable=False),
        sa.Column("running_gpus", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_gauges"),
    )
    op.create_index("ix_usage_gauges_cluster", "usage_gauges", ["cluster"], unique=False)
    op.create_index("ix_usage_gauges_person", "usage_gauges", ["person"], unique=False)

    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("gauged_at", sa.BigInteger(), nullable=True),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.Column("runaways", sa.JSON(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliations"),
    )
    op.create_index("ix_reconciliations_cluster", "reconciliations", ["cluster"], unique=False)

    for statement in append_only(op.get_context().dialect.name, "reconciliations"):
        op.execute(statement)


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
