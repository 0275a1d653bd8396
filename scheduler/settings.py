"""Settings: one frozen model, from a TOML file and ``DURE_*`` variables; a typo is refused."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

PREFIX: Final = "DURE_"
FILE_VARIABLE: Final = "DURE_SETTINGS"
"""Names the settings file; it is not a setting itself."""
OTHERS: Final = frozenset(
    {FILE_VARIABLE, "DURE_LANG", "DURE_PROFILE", "DURE_SERVER", "DURE_TOKEN", "DURE_TOKEN_FILE"}
)
"""Variables with the same prefix that are no settings of the center: the command line's."""

SCHEMES: Final = {True: ("https", "http"), False: ("https",)}
"""How a webhook may be called on this machine, and elsewhere."""
LISTS: Final = frozenset({"hosts", "webhooks"})
"""Settings with several values."""

Seconds = Annotated[float, Field(gt=0, le=3600)]


class InvalidSettings(Exception):  # noqa: N818 - refusals are named by their rule
    """A setting is refused; each line names where it stands, its key and the rule."""


class Settings(BaseModel):
    """What an operator may choose; `docs/operator.md` has a heading for each.

    A key of the file is a field's name; its environment variable is ``DURE_`` and the name in
    capitals. The environment wins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    store_url: str = "sqlite:///var/dure.db"
    """Where the center lives: ``sqlite:///PATH`` or ``postgresql://…``."""
    secret_file: Path = Path("var/secret")
    """File with the key of tokens and cursors; made at the first start."""
    host: str = "127.0.0.1"
    """Address that the HTTP door listens on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port that the HTTP door listens on; 0 takes a free one."""
    hosts: tuple[str, ...] = ("*",)
    """Names that the HTTP door answers to, separated by commas in the environment."""
    waiting_writes: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """Changes that may wait for the writer before callers are told to come back."""
    fellow_metrics: bool = False
    """Whether series of fellows are published to the scraper, under pseudonyms."""
    lease_seconds: Seconds = 10.0
    """How long a worker may be silent before another takes its job."""
    heartbeat_seconds: Seconds = 2.0
    """How often a worker says that it lives."""
    poll_seconds: Seconds = 0.5
    """How often an idle worker asks for work."""
    upkeep_seconds: Seconds = 60.0
    """How often a worker looks for offers that lapse."""
    reallocation_policy: str = "reallocation"
    """Policy by which rounds go on when hours come back: a preset, or one of the center's own."""
    solve_memory_mib: Annotated[int, Field(ge=256)] | None = None
    """Address space of a solving process in MiB; unlimited if not stated."""
    solve_wall_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """How long a solving process may run before it is ended."""
    mail_host: str = ""
    """Mail server that takes what the center sends; without one nothing is mailed."""
    mail_port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Its port."""
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the way there is encrypted; `none` only to this machine, or without a user."""
    mail_user: str = ""
    """Name to log in with, if the server asks for one."""
    mail_password_file: Path | None = None
    """File with the password."""
    mail_ca_file: Path | None = None
    """Certificates to trust in place of the system's."""
    mail_from: str = ""
    """Sender, such as ``Dure <dure@center.example>``."""
    mail_digest_hour: Annotated[int, Field(ge=0, le=23)] = 0
    """Hour in UTC after which the digests of a day are sent."""
    webhooks: tuple[str, ...] = ()
    """Addresses that events are sent to, separated by commas in the environment; no others."""

    @model_validator(mode="after")
    def _mails_safely(self) -> Self:
        """Refuse to send a password in the clear, or mail from nowhere."""
        away = self.mail_host not in {"", "localhost", "127.0.0.1", "::1"}
        if self.mail_host and "@" not in self.mail_from:
            raise ValueError("mail_from must be an address when mail_host is given")
        if bool(self.mail_user) != (self.mail_password_file is not None):
            raise ValueError("mail_user and mail_password_file belong together")
        if self.mail_security == "none" and self.mail_user and away:
            raise ValueError("mail_security must not be none where a password is sent")
        return self

    @field_validator("webhooks")
    @classmethod
    def _are_addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Let only https be called, and http on this machine."""
        for each in addresses:
            parts = urlsplit(each)
            near = parts.hostname in {"localhost", "127.0.0.1", "::1"}
            if not parts.hostname or parts.username or parts.scheme not in SCHEMES[near]:
                raise ValueError(f"{each} is no https address")
        return addresses


def read_settings(
    path: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings once.

    Args:
        path: the settings file; otherwise the one that ``DURE_SETTINGS`` names, if any.
        environment: in place of the process's own.

    Raises:
        InvalidSettings: If the file cannot be read, or a key is unknown or breaks its rule.
    """
    variables = os.environ if environment is None else environment
    named = variables.get(FILE_VARIABLE)
    file = path if path is not None else Path(named) if named else None
    from_file = {} if file is None else _file(file)
    from_environment = _environment(variables)
    try:
        return Settings.model_validate({**from_file, **from_environment})
    except ValidationError as refusal:
        lines = [_line(error, file, from_environment) for error in refusal.errors()]
        raise InvalidSettings("\n".join(lines)) from refusal


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as refusal:
        raise InvalidSettings(f"{path}: {refusal}") from refusal


def _environment(variables: Mapping[str, str]) -> dict[str, Any]:
    stated = {
        name.removeprefix(PREFIX).lower(): text
        for name, text in variables.items()
        if name.startswith(PREFIX) and name not in OTHERS
    }
    return {
        name: tuple(part.strip() for part in text.split(",")) if name in LISTS else text
        for name, text in stated.items()
    }


def _line(error: Any, file: Path | None, from_environment: Mapping[str, Any]) -> str:  # noqa: ANN401 - pydantic's
    if not error["loc"]:  # a rule between several settings
        return f"{file or 'environment'}: {error['msg']}"
    key = ".".join(str(part) for part in error["loc"])
    top = str(error["loc"][0])
    if top in from_environment:
        return f"environment: {PREFIX}{top.upper()}: {error['msg']}"
    return f"{file}: {key}: {error['msg']}"
