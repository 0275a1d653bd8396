"""What `sacctmgr show` and `scontrol show` print, read back.

`sacctmgr -n -P show assoc cluster=NAME format=…` and `sacctmgr -n -P show qos format=…`, with the
fields below; `scontrol -o show assoc_mgr flags=assoc`; `scontrol show config`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from scheduler.domain.enforcement import EnforcementPlan
from scheduler.export.slurm_state import (
    GPU,
    ROOT,
    Association,
    Place,
    SlurmAccount,
    SlurmLimits,
    SlurmState,
)

ASSOCIATION_FIELDS: Final = (
    "account", "user", "partition", "parentname", "grptresmins", "maxtresperjob", "grpsubmit",
    "qos",
)  # fmt: skip
QOS_FIELDS: Final = ("name", "grptresmins", "maxtresperjob", "grpsubmit")
_USER: Final = re.compile(r"UserName=([^( ]*)\(\d+\)")
_ACCOUNT: Final = re.compile(r"\bAccount=(\S*)")
_MINUTES: Final = re.compile(r"\bGrpTRESMins=(\S*)")
_AMOUNT: Final = re.compile(r"(gres/gpu[^=]*)=[^(]*\((\d+)\)")


class UnreadableSlurm(Exception):  # noqa: N818 - it says what happened
    """Slurm printed something that is not as it should be."""


def read_associations(text: str) -> tuple[dict[str, SlurmAccount], dict[Place, Association]]:
    """Return accounts and associations of a cluster that stand below the center's account.

    Raises:
        UnreadableSlurm: If a line has not the asked fields.
    """
    rows = [each for each in _rows(text, ASSOCIATION_FIELDS) if not each["partition"]]
    parents = {each["account"]: each["parentname"] for each in rows if not each["user"]}
    ours = {name for name in parents if _below_root(name, parents)}
    accounts = {
        name: SlurmAccount(name=name, parent=parents[name], organization="") for name in ours
    }
    associations = {
        (each["account"], each["user"]): Association(
            account=each["account"],
            user=each["user"],
            limits=_limits(each),
            qos=tuple(sorted(filter(None, each["qos"].split(",")))),
        )
        for each in rows
        if each["user"] and each["account"] in ours
    }
    return accounts, associations


def read_qos(text: str) -> dict[str, SlurmLimits]:
    """Return the limits of every QOS by name.

    Raises:
        UnreadableSlurm: If a line has not the asked fields.
    """
    return {each["name"]: _limits(each) for each in _rows(text, QOS_FIELDS)}


def read_used(text: str) -> dict[Place, dict[str, int]]:
    """Return the minutes that the controller has counted on each user's associations."""
    used: dict[Place, dict[str, int]] = {}
    for row in text.splitlines():
        user, account, minutes = (each.search(row) for each in (_USER, _ACCOUNT, _MINUTES))
        if user and account and minutes:
            amounts = {name: int(count) for name, count in _AMOUNT.findall(minutes[1])}
            used[account[1], user[1]] = amounts
    return used


def read_live(associations: str, qos: str, used: str, plan: EnforcementPlan) -> SlurmState:
    """Return what a cluster holds of a center.

    Args:
        associations: what `sacctmgr show assoc` printed.
        qos: what `sacctmgr show qos` printed.
        used: what `scontrol show assoc_mgr` printed.
        plan: whose awards' QOS are of interest.

    Raises:
        UnreadableSlurm: If a text is not as it should be.
    """
    awards = {award.award for person in plan.people for award in person.awards}
    accounts, found = read_associations(associations)
    return SlurmState(
        accounts=accounts,
        associations=found,
        qos={name: each for name, each in read_qos(qos).items() if name in awards},
        used=read_used(used),
    )


def read_config(text: str) -> dict[str, str]:
    """Return the settings that `scontrol show config` printed, by name."""
    pairs = (row.partition("=") for row in text.splitlines() if "=" in row)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _rows(text: str, fields: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    for number, row in enumerate(text.splitlines(), 1):
        values = row.split("|")
        if len(values) != len(fields):
            raise UnreadableSlurm(f"Line {number} has not {len(fields)} fields: {row[:80]}")
        yield dict(zip(fields, values, strict=True))


def _below_root(name: str, parents: Mapping[str, str]) -> bool:
    """Say whether an account is the center's, or stands below it."""
    seen: set[str] = set()
    while name and name not in seen:
        if name == ROOT:
            return True
        seen.add(name)
        name = parents.get(name, "")
    return False


def _limits(row: Mapping[str, str]) -> SlurmLimits:
    """Return the limits of a row; those on anything but GPUs are the operator's own."""
    per_job = _amounts(row["maxtresperjob"]).get(GPU)
    minutes = _amounts(row["grptresmins"])
    return SlurmLimits(minutes=minutes, per_job=per_job, frozen=row["grpsubmit"] == "0")


def _amounts(text: str) -> dict[str, int]:
    pairs = (part.partition("=") for part in text.split(",") if part)
    try:
        return {name: int(amount) for name, _, amount in pairs if name.startswith(GPU)}
    except ValueError as broken:
        raise UnreadableSlurm(f"{text} is no list of amounts.") from broken
