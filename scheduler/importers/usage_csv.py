"""Usage as a plain table, for clusters without Slurm.

    cluster,job,user,gpu_type,gpus,starts_at,ends_at[,award]

Instants are RFC 3339 with an offset. A row is one run of one job; a job that still runs ends at
the instant at which it was seen.
"""

import csv
from datetime import UTC, datetime
from io import StringIO
from typing import Final

from scheduler.domain.errors import InvalidUsage, InvalidValue
from scheduler.domain.usage import Run

COLUMNS: Final = ("cluster", "job", "user", "gpu_type", "gpus", "starts_at", "ends_at")
AWARD: Final = "award"


def read_table(text: str) -> tuple[Run, ...]:
    """Return the runs of a table.

    Raises:
        InvalidUsage: If the columns are others or a row is refused; then nothing is taken.
    """
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")), restkey="more", strict=True)
    try:
        columns = tuple(name.strip() for name in reader.fieldnames or ())
        rows = list(reader) if columns in {COLUMNS, (*COLUMNS, AWARD)} else None
    except csv.Error as refusal:
        raise InvalidUsage(row=reader.line_num, value="row", rule=str(refusal)) from refusal
    if rows is None:
        rule = f"{','.join(COLUMNS)}[,{AWARD}]"
        raise InvalidUsage(row=1, value=",".join(columns)[:200], rule=rule)
    return tuple(_run(row, number) for number, row in enumerate(rows, 2))


def _run(row: dict[str, str], number: int) -> Run:
    if "more" in row or None in row.values():
        raise InvalidUsage(row=number, value="row", rule=f"{len(row)} fields")
    text = {name.strip(): value.strip() for name, value in row.items()}
    try:
        return Run(
            cluster=text["cluster"],
            job=text["job"],
            user=text["user"],
            gpu_type=text["gpu_type"],
            gpus=int(text["gpus"]),
            starts_at=_instant(text["starts_at"]),
            ends_at=_instant(text["ends_at"]),
            hint=(text[AWARD],) if text.get(AWARD) else (),
        )
    except InvalidValue as refusal:
        fields = refusal.fields
        raise InvalidUsage(row=number, value=fields["value"], rule=fields["rule"]) from refusal
    except (ValueError, OverflowError) as refusal:
        raise InvalidUsage(row=number, value=text["job"], rule=str(refusal)) from refusal


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text} needs an offset, such as Z")
    return instant.astimezone(UTC)
