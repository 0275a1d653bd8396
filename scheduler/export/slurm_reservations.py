"""Reservations for awards whose GPUs were promised at a time: blocks and constants.

Slurm reserves generic resources from 23.11 on; before, whole nodes. Which it is, `scontrol -V`
says. A partition bears the name of its pool. Every time is UTC; `scontrol` is run with `TZ=UTC`.

Source:
    SchedMD, CHANGELOG of 23.11: "Make it so reservations can reserve GRES".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from scheduler.domain.enforcement import EnforcementPlan, PlannedReservation
from scheduler.export.slurm_show import UnreadableSlurm
from scheduler.export.slurm_state import GPU

TRES_FROM: Final = (23, 11)
"""The version that reserves GPUs and not only nodes."""
OURS: Final = "awd_"
"""How the names of our reservations begin."""
_FIELD: Final = re.compile(r"(\w+)=(\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A reservation as Slurm has it.

    Attributes:
        size: what it holds, such as `NodeCnt=2` or `TRES=gres/gpu=16`.
    """

    name: str
    user: str
    partition: str
    size: str
    starts_at: datetime
    ends_at: datetime


def read_version(text: str) -> tuple[int, int]:
    """Return year and month of a release, from what `scontrol -V` printed.

    Raises:
        UnreadableSlurm: If it names none.
    """
    found = re.search(r"(\d+)\.(\d+)", text)
    if found is None:
        raise UnreadableSlurm(f"{text[:80]} names no version.")
    return int(found[1]), int(found[2])


def read_reservations(text: str) -> dict[str, Reservation]:
    """Return our reservations of what `scontrol -o show reservation` printed."""
    rows = [dict(_FIELD.findall(row)) for row in text.splitlines()]
    return {
        row["ReservationName"]: Reservation(
            name=row["ReservationName"],
            user=row["Users"],
            partition=row["PartitionName"],
            size=_size(row),
            starts_at=_instant(row["StartTime"]),
            ends_at=_instant(row["EndTime"]),
        )
        for row in rows
        if row.get("ReservationName", "").startswith(OURS)
    }


def wanted_reservations(
    plan: EnforcementPlan, *, version: tuple[int, int], now: datetime
) -> dict[str, Reservation]:
    """Return what should be reserved, without what is over."""
    return {
        each.name: Reservation(
            name=each.name,
            user=each.person.lower(),
            partition=each.pool,
            size=_wanted_size(each, plan.gpu_types, version),
            starts_at=each.starts_at,
            ends_at=each.ends_at,
        )
        for each in plan.reservations
        if each.ends_at > now
    }


def reservation_commands(
    wanted: Mapping[str, Reservation], live: Mapping[str, Reservation], *, now: datetime
) -> tuple[tuple[str, ...], ...]:
    """Return the arguments of `scontrol` that make the one the other; none when it is."""
    return tuple(_commands(wanted, live, now))


def _commands(
    wanted: Mapping[str, Reservation], live: Mapping[str, Reservation], now: datetime
) -> Iterator[tuple[str, ...]]:
    for name in sorted(set(live) - set(wanted)):
        yield "delete", f"ReservationName={name}"
    for name, each in sorted(wanted.items()):
        begun = each.starts_at <= now
        named = f"ReservationName={name}"
        start = () if begun else (f"StartTime={_written(each.starts_at)}",)
        shape = (each.size, f"EndTime={_written(each.ends_at)}")
        if name not in live:
            first = start or ("StartTime=now",)
            who = f"Users={each.user}", f"PartitionName={each.partition}"
            yield "create", "reservation", named, *first, *shape, *who
        elif _differs(each, live[name], begun=begun):
            yield "update", "reservation", named, *start, *shape, f"Users={each.user}"


def _differs(wanted: Reservation, live: Reservation, *, begun: bool) -> bool:
    """Say whether something differs that can still be changed; a start in the past cannot."""
    pairs: Sequence[tuple[object, object]] = (
        (wanted.user, live.user),
        (wanted.size, live.size),
        (wanted.ends_at, live.ends_at),
    )
    late = not begun and wanted.starts_at != live.starts_at
    return late or any(one != other for one, other in pairs)


def _wanted_size(
    each: PlannedReservation, gpu_types: Mapping[str, str], version: tuple[int, int]
) -> str:
    if version < TRES_FROM:
        return f"NodeCnt={each.nodes}"
    word = gpu_types[each.gpu_type].lower()
    return f"TRES={GPU}:{word}={each.gpus}" if word else f"TRES={GPU}={each.gpus}"


def _size(row: Mapping[str, str]) -> str:
    """Return the GPUs of a reservation, typed if it says so, or else its nodes."""
    amounts = [part for part in row.get("TRES", "").split(",") if part.startswith(GPU)]
    typed = [part for part in amounts if part.startswith(f"{GPU}:")]
    return f"TRES={(typed or amounts)[0]}" if amounts else f"NodeCnt={row.get('NodeCnt', '')}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
