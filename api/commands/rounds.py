"""Round and policy files, read for a command with refusals that name field, value and rule."""

from api.commands.documents import malformed, read_document
from api.commands.terminal import CommandRefused, ExitCode
from scheduler.document import InvalidRound
from scheduler.formulate import Formulation, formulate
from scheduler.policy import InvalidPolicy, Policy, find_policy
from scheduler.round_file import read_round
from scheduler.snapshot import Snapshot


def read_snapshot(path: str) -> Snapshot:
    """Read a round from a file or standard input.

    Raises:
        CommandRefused: If it cannot be read or breaks the format.
    """
    document = read_document(path)
    try:
        return read_round(document)
    except InvalidRound as error:
        raise malformed(path, error) from error


def read_policy(name_or_path: str) -> Policy:
    """Return a preset or the policy in a file.

    Raises:
        CommandRefused: If there is none, or it breaks the format.
    """
    try:
        return find_policy(name_or_path)
    except (InvalidPolicy, OSError, UnicodeDecodeError) as error:
        raise CommandRefused(str(error), ExitCode.USAGE) from error


def read_question(path: str, policy: str) -> Formulation:
    """Read a round and a policy and formulate the problem."""
    snapshot = read_snapshot(path)
    return formulate(snapshot, read_policy(policy))
