"""What a person keeps between commands: the server and the token, in a file only they can read."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from api.commands.terminal import CommandRefused, ExitCode, Terminal

DEFAULT_SERVER = "http://127.0.0.1:8000"
DEFAULT_PROFILE = "default"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A server and who we are there; `token` is empty for nobody."""

    name: str
    server: str = DEFAULT_SERVER
    token: str = ""


def profile_path(terminal: Terminal, name: str) -> Path:
    """Return where a profile lies (XDG base directories).

    Raises:
        CommandRefused: If the name cannot be a file name.
    """
    if not NAME.fullmatch(name):
        raise CommandRefused(
            f"Profile {name!r}: letters, digits, dot, dash, underscore only.", ExitCode.USAGE
        )
    home = terminal.environ.get("XDG_CONFIG_HOME") or str(
        Path(terminal.environ.get("HOME", "~")).expanduser() / ".config"
    )
    return Path(home) / "dure" / f"{name}.json"


def read_profile(terminal: Terminal, name: str, server: str) -> Profile:
    """Return a profile; what the command line and the environment say goes first.

    Raises:
        CommandRefused: If its file is malformed.
    """
    path = profile_path(terminal, name)
    kept = _kept(path)
    token_file = terminal.environ.get("DURE_TOKEN_FILE")
    stated = read_token_file(token_file) if token_file else terminal.environ.get("DURE_TOKEN", "")
    token = stated or kept.get("token", "")
    chosen = server or terminal.environ.get("DURE_SERVER") or kept.get("server") or DEFAULT_SERVER
    if not stated and chosen != kept.get("server"):
        token = ""  # a token goes to the server that gave it and to no other
    return Profile(name=name, server=chosen, token=token)


def read_token_file(path: str) -> str:
    """Return the token in a file.

    Raises:
        CommandRefused: If the file cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandRefused(
            f"{path}: the token cannot be read ({error}).", ExitCode.USAGE
        ) from error


def keep_profile(terminal: Terminal, profile: Profile) -> Path:
    """Write a profile for its owner's eyes only and return its path."""
    path = profile_path(terminal, profile.name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keep_private(path, json.dumps({"server": profile.server, "token": profile.token}))
    return path


def keep_private(path: Path, text: str) -> None:
    """Write a file whole, for its owner's eyes only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)


def forget_profile(terminal: Terminal, name: str) -> bool:
    """Remove a profile and say whether there was one."""
    path = profile_path(terminal, name)
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed


def _kept(path: Path) -> dict[str, str]:
    """Return what the file says, nothing when there is none."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandRefused(f"{path}: {error}. Run `dure login` again.", ExitCode.USAGE) from error
    if not isinstance(kept, dict):
        raise CommandRefused(f"{path}: must be an object. Run `dure login` again.", ExitCode.USAGE)
    return {key: str(value) for key, value in kept.items()}
