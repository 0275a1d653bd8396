"""What commands on the center's own machine share: settings, store, key."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.commands.terminal import CommandRefused, ExitCode, Terminal
from api.secret import InvalidSecret, read_secret
from scheduler.domain.access import Permit, Scope
from scheduler.domain.errors import DureError
from scheduler.ports.acts import Act
from scheduler.settings import InvalidSettings, Settings, read_settings
from scheduler.storage.ids import Uuid7Ids
from scheduler.storage.store import SqlStore, open_store

HOST = "host"
"""Who acts in the log when somebody works on the machine itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The center's own machine.

    Attributes:
        pepper: the key of tokens and cursors.
    """

    terminal: Terminal
    settings: Settings
    store: SqlStore
    pepper: bytes

    def act(self, action: str) -> Act:
        """Return an act of whoever holds the machine itself."""
        return Act(
            permit=Permit(action=action, person=HOST, scope=Scope(everything=True)),
            now=self.terminal.now(),
            ids=Uuid7Ids(secrets.token_bytes),
        )


def settings_of(terminal: Terminal, path: str) -> Settings:
    """Read the center's settings.

    Raises:
        CommandRefused: If one is refused, with its file and key.
    """
    try:
        return read_settings(Path(path) if path else None, terminal.environ)
    except InvalidSettings as error:
        raise CommandRefused(str(error), ExitCode.USAGE) from error


@contextmanager
def open_host(terminal: Terminal, path: str = "") -> Iterator[Host]:
    """Open the store of this machine's center.

    Raises:
        CommandRefused: If settings, key or store cannot be read, or the center refuses.
    """
    settings = settings_of(terminal, path)
    try:
        pepper = read_secret(settings.secret_file, secrets.token_bytes)
        with open_store(settings.store_url) as store:
            yield Host(terminal=terminal, settings=settings, store=store, pepper=pepper)
    except (InvalidSecret, OSError) as error:
        raise CommandRefused(str(error)) from error
    except DureError as refusal:
        raise CommandRefused(str(refusal), ExitCode.CONFLICT) from refusal
