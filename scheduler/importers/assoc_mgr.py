"""What Slurm's controller counts, as `scontrol -o show assoc_mgr flags=assoc` prints it.

A user's association says `GrpTRESMins=…,gres/gpu=6000(2),…`: the budget and what was used of it,
in whole minutes, `N` without a budget; and `GrpTRES=…,gres/gpu=16(8),…`: the most at once and what
runs. Fields come in any order, versions add some, and without `-o` a record takes several lines.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from scheduler.domain.errors import InvalidUsage, InvalidValue
from scheduler.domain.gauges import Gauge, gauge_id
from scheduler.importers.tres import gpus_by_type, read_tres

_FIELD: Final = re.compile(r"(?:^|\s)([A-Za-z/]+)=(\S*)")
_COUNTER: Final = re.compile(r"(N|\d+)\((\d+)\)")
_USER: Final = re.compile(r"(.+?)(?:\(\d+\))?")
_BEGINS: Final = "ClusterName="


def read_gauges(text: str, *, cluster: str, seen_at: datetime) -> tuple[Gauge, ...]:
    """Return the gauges of every user; associations of accounts are sums of them and left out.

    Args:
        text: what the controller printed.
        cluster: whose controller it is, as the center calls it.
        seen_at: when it was asked.

    Raises:
        InvalidUsage: If there is no association, or a counter is not as it should be; then
            nothing is taken.
    """
    found: dict[str, Gauge] = {}
    number = 0
    for number, record in _records(text):
        if not record.get("UserName"):
            continue
        try:
            gauge = _gauge(record, cluster, seen_at)
        except InvalidValue as refusal:
            fields = refusal.fields
            raise InvalidUsage(row=number, value=fields["value"], rule=fields["rule"]) from refusal
        found[gauge.id] = gauge if gauge.id not in found else _more(found[gauge.id], gauge)
    if not number:
        raise InvalidUsage(row=1, value=text[:80], rule="associations, as scontrol prints them")
    return tuple(found.values())


def _records(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the line that each association begins on, and its fields."""
    begun: list[str] = []
    first = 0
    for number, row in enumerate([*text.splitlines(), _BEGINS], 1):
        if row.lstrip().startswith(_BEGINS):
            if begun:
                yield first, dict(_FIELD.findall(" ".join(begun)))
            begun, first = [], number
        if first:
            begun.append(row)


def _gauge(record: Mapping[str, str], cluster: str, seen_at: datetime) -> Gauge:
    account = record.get("Account", "")
    user = _USER.fullmatch(record["UserName"])
    assert user is not None, "a name that is not empty has one"
    limit, used = _gpus(record.get("GrpTRESMins", ""))
    _, running = _gpus(record.get("GrpTRES", ""))
    return Gauge(
        id=gauge_id(cluster, account, user[1]),
        cluster=cluster,
        account=account,
        person=user[1],
        limit_gpu_minutes=limit,
        used_gpu_minutes=used,
        running_gpus=running,
        seen_at=seen_at,
    )


def _gpus(text: str) -> tuple[int | None, int]:
    """Return limit and count of all GPUs; a controller without GPUs counts none.

    Raises:
        InvalidValue: If a counter is no `LIMIT(COUNT)`.
    """
    limits, counts = {}, {}
    for name, value in read_tres(text).items():
        if not name.startswith("gres/gpu"):
            continue
        counter = _COUNTER.fullmatch(value)
        if counter is None:
            raise InvalidValue(field=f"/{name}", value=value, rule="LIMIT(COUNT) or N(COUNT)")
        limits[name] = None if counter[1] == "N" else int(counter[1])
        counts[name] = int(counter[2])
    return limits.get("gres/gpu"), sum(gpus_by_type(counts).values())


def _more(first: Gauge, second: Gauge) -> Gauge:
    """Return one gauge of a user who has an association in several partitions of an account."""
    limits = [each.limit_gpu_minutes for each in (first, second)]
    stated = [each for each in limits if each is not None]
    return Gauge(
        id=first.id,
        cluster=first.cluster,
        account=first.account,
        person=first.person,
        limit_gpu_minutes=sum(stated) if len(stated) == len(limits) else None,
        used_gpu_minutes=first.used_gpu_minutes + second.used_gpu_minutes,
        running_gpus=first.running_gpus + second.running_gpus,
        seen_at=first.seen_at,
    )
