"""Write the next step from the difference between the tables and the last one.

``python -m scheduler.storage.migrations "Say what changes"``
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from scheduler.storage.engine import begin, store_url, writing_engine
from scheduler.storage.migrate import STEPS, migrate, steps


def main(message: str) -> None:
    """Write a file into `versions`; read it before it is committed."""
    with tempfile.TemporaryDirectory() as directory:
        engine = writing_engine(store_url(f"sqlite:///{Path(directory) / 'last.db'}"))
        migrate(engine)
        with engine.connect() as connection:
            begin(connection)
            number = len(list(STEPS.glob("versions/r*.py"))) + 1
            command.revision(steps(connection), message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1])
