"""Let parties agree: a proposal may name the only person who can agree to it."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("proposals", sa.Column("party", sa.Text(), nullable=True))


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
