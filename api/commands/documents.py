"""Files a command reads and writes: JSON, gzipped or not, and never half-written."""

import gzip
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from api.commands.terminal import CommandRefused, ExitCode
from scheduler.document import Document, InvalidRound, parse_document

STANDARD = "-"


def read_document(path: str) -> Document:
    """Read a JSON document from a path or, for ``-``, from standard input.

    Raises:
        CommandRefused: With the field, its value and the rule it breaks.
    """
    return document_of(path, read_bytes(path))


def document_of(path: str, raw: bytes) -> Document:
    """Return the JSON document that a path held.

    Raises:
        CommandRefused: With the field, its value and the rule it breaks.
    """
    try:
        return parse_document(raw)
    except InvalidRound as error:
        raise malformed(path, error) from error


def read_bytes(path: str) -> bytes:
    """Read a whole file, or standard input for ``-``."""
    if path == STANDARD:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CommandRefused(f"{path}: {error.strerror}.", ExitCode.USAGE) from error


def malformed(path: str, error: InvalidRound) -> CommandRefused:
    """Return the refusal that names field, value and rule of a malformed file."""
    name = "standard input" if path == STANDARD else path
    message = f"{name}: {error.pointer} is {error.shown}. {error.rule}"
    return CommandRefused(message, ExitCode.USAGE)


def write_documents(outputs: Mapping[str, bytes]) -> None:
    """Write every file whole, or none of them: temporary files first, then the renames.

    Raises:
        CommandRefused: If one cannot be written; earlier content stays as it was.
    """
    staged: dict[Path, Path] = {}
    try:
        for name, payload in outputs.items():
            _stage(name, payload, staged)
        for target, temporary in staged.items():
            temporary.replace(target)
    except OSError as error:
        for temporary in staged.values():
            with suppress(OSError):
                temporary.unlink()
        targets = {str(temporary): str(target) for target, temporary in staged.items()}
        named = str(error.filename) if error.filename else ", ".join(outputs)
        place = targets.get(named, named)
        raise CommandRefused(f"{place}: {error.strerror}. No file was written.") from error


def _stage(name: str, payload: bytes, staged: dict[Path, Path]) -> None:
    """Write one output next to its place, or straight to a stream or device."""
    if name == STANDARD:
        sys.stdout.buffer.write(payload)
        sys.stdout.buffer.flush()
        return
    target = Path(os.path.realpath(name))
    content = gzip.compress(payload, mtime=0) if target.suffix == ".gz" else payload
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    staged[target] = temporary
    with temporary.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
