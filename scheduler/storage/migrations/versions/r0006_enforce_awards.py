"""Enforce awards.

Targets say what their agents reported; effects only grow; drift is of the latest report.
"""

import sqlalchemy as sa
from alembic import op

from scheduler.storage.migrations.guards import append_only

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "enforcement_targets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("gpu_types", sa.JSON(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("drift", sa.Integer(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_enforcement_targets"),
    )

    op.create_table(
        "enforcement_effects",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("award_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event", "award_id", name="pk_enforcement_effects"),
    )
    for statement in append_only(op.get_context().dialect.name, "enforcement_effects"):
        op.execute(statement)

    op.create_table(
        "enforcement_drifts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_enforcement_drifts"),
    )
    op.create_index(
        "ix_enforcement_drifts_target_id", "enforcement_drifts", ["target_id"], unique=False
    )


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
