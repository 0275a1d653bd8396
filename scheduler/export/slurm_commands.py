"""A difference as the commands of `sacctmgr`, and the flat file that it loads.

A flat file makes any number of accounts and associations in one go, with a limit of its own for
each; an error in it, and nothing is kept. It is the artefact to be read and filed before a first
load. Values are quoted: without quotes the colon of `gres/gpu:h100` ends the value.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from scheduler.export.slurm_diff import Settings, SlurmDifference, new_settings
from scheduler.export.slurm_state import FLAGS, SlurmAccount

AT_ONCE: Final = 1000
"""Names in one command; far below what a command line takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One call of `sacctmgr -i`.

    Attributes:
        arguments: after the program and its options.
        file: content of the file whose path is the last argument, if there is one.
    """

    arguments: tuple[str, ...]
    file: str = ""

    def line(self) -> str:
        """Return the command as one would type it."""
        path = ("FILE",) if self.file else ()
        return " ".join(("sacctmgr", "-i", *self.arguments, *path))


def stages(change: SlurmDifference) -> tuple[tuple[Command, ...], ...]:
    """Return the commands in stages; those of one stage do not depend on each other."""
    cluster = (f"cluster={change.cluster}",)
    made = tuple(_new_qos(change.new_qos))
    limited = tuple(
        Command(arguments=("modify", "qos", "where", _names(names), "set", *_set(each.settings)))
        for each in change.qos
        for names in _parts(each.names)
    )
    new = (
        (Command(arguments=("load",), file=flat_file(change)),)
        if change.accounts or change.associations
        else ()
    )
    moved = tuple(
        Command(
            arguments=(
                *("modify", "account", "where", _names((each.name,)), *cluster),
                *("set", f"parent={each.parent}"),
            )
        )
        for each in change.moved
    )
    places = tuple(
        Command(
            arguments=(
                *("modify", "user", "where", _names(users)),
                *(f"account={','.join(each.accounts)}", *cluster, "set", *_set(each.settings)),
            )
        )
        for each in change.places
        for users in _parts(each.users)
    )
    return tuple(filter(None, (made, limited, new, moved, places)))


def flat_file(change: SlurmDifference) -> str:
    """Return new accounts and associations as a file for `sacctmgr load`; loading only adds."""
    lines = [f"Cluster - {_quoted(change.cluster)}"]
    parent = ""
    for account in (*change.above, *change.accounts):
        if account.parent != parent:
            parent = account.parent
            lines.append(f"Parent - {_quoted(parent)}")
        lines.append(_account(account))
    parent = ""
    for each in sorted(change.associations, key=lambda association: association.place):
        if each.account != parent:
            parent = each.account
            lines.append(f"Parent - {_quoted(parent)}")
        settings = (("DefaultAccount", each.account), *new_settings(each))
        lines.append(f"User - {_quoted(each.user)}{_options(settings)}")
    return "\n".join(lines) + "\n"


def _account(account: SlurmAccount) -> str:
    settings = ("Description", account.name), ("Organization", account.organization)
    return f"Account - {_quoted(account.name)}{_options(settings)}"


def _options(settings: Settings) -> str:
    return "".join(f":{name}={_quoted(value)}" for name, value in settings)


def _quoted(value: str) -> str:
    return f"'{value}'"


def _new_qos(names: tuple[str, ...]) -> Iterator[Command]:
    for part in _parts(names):
        flags = f"Flags={','.join(sorted(FLAGS))}"
        yield Command(arguments=("add", "qos", ",".join(part), "set", flags))


def _parts(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for first in range(0, len(names), AT_ONCE):
        yield names[first : first + AT_ONCE]


def _names(names: Iterable[str]) -> str:
    return f"name={','.join(names)}"


def _set(settings: Settings) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in settings)
