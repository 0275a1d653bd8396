"""Find transfers by what caused them.

Monitoring adds up the transfers that were entered since it last looked.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_index("ix_ledger_transfers_event", "ledger_transfers", ["event"], unique=False)


def downgrade() -> None:
    """Refuse to go back: what is decided is never thrown away."""
    raise NotImplementedError
