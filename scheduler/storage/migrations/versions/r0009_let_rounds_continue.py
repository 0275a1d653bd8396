"""Let rounds continue.

A reallocation is a round that names the one it goes on with, and the slot from which it decides.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("rounds", sa.Column("continues", sa.Text(), nullable=True))
    op.add_column("rounds", sa.Column("since", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
