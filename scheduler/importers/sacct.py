"""Slurm's accounting as `sacct` prints it, by `-P` or by `--json`.

    TZ=UTC sacct -a -X -D -n -P -S START \
      -o jobid,user,account,state,elapsedraw,alloctres,start,end,qos

With a header line (without `-n`) any columns in any order do, if these are among them; the column
`timelimitraw` (minutes) tells which jobs run beyond their limit. Times are UTC, or seconds since
1970 (`SLURM_TIME_FORMAT=%s`). What a job used is its elapsed time: time suspended does not count.
`-D` also tells earlier runs of requeued jobs; each has its own start.
Fields that the versions of `--json` shape differently are read in every shape.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from scheduler.domain.errors import InvalidUsage, InvalidValue
from scheduler.domain.usage import Run
from scheduler.importers.tres import gpus_by_type, read_tres

COLUMNS: Final = (
    "jobid", "user", "account", "state", "elapsedraw", "alloctres", "start", "end", "qos",
)  # fmt: skip
NEEDED: Final = frozenset({"jobid", "user", "elapsedraw", "alloctres", "start"})
NEVER: Final = frozenset({"", "unknown", "none", "n/a"})
"""Times of what has not begun."""
RUNNING: Final = frozenset({"RUNNING", "SUSPENDED", "COMPLETING", "STOPPED", "RESIZING"})
Row = Mapping[str, str]


def read_parsable(text: str, *, cluster: str) -> tuple[Run, ...]:
    """Return the runs with GPUs of what `sacct -P` printed; job steps are left out.

    Args:
        text: lines of fields parted by `|`.
        cluster: whose accounting it is.

    Raises:
        InvalidUsage: If a line is not as it should be; then nothing is taken.
    """
    lines = [each for each in text.splitlines() if each.strip()]
    columns: Sequence[str] = COLUMNS
    first = 1
    if lines and "jobid" in (head := [each.strip().lower() for each in lines[0].split("|")]):
        columns, lines, first = head, lines[1:], 2
    if missing := NEEDED - set(columns):
        raise InvalidUsage(row=1, value=", ".join(sorted(missing)), rule="columns that are needed")
    runs: list[Run] = []
    for number, row in enumerate(lines, first):
        # sacct -p ends each line with the sign that parts the fields
        fields = row.rstrip("\r").split("|")
        fields = fields[:-1] if len(fields) == len(columns) + 1 and not fields[-1] else fields
        if len(fields) < len(columns):
            raise InvalidUsage(row=number, value=row[:80], rule=f"{len(columns)} fields")
        runs += _taken(dict(zip(columns, fields, strict=False)), cluster, number)
    return tuple(runs)


def _taken(row: Row, cluster: str, number: int) -> Iterator[Run]:
    """Yield the runs of one line: one for each GPU type, none for what has not begun."""
    job, start = row["jobid"].strip(), row["start"].strip()
    if "." in job or start.lower() in NEVER or not row["alloctres"].strip():
        return
    try:
        amounts = {
            name: int(amount)
            for name, amount in read_tres(row["alloctres"]).items()
            if name.startswith("gres/gpu")
        }
        starts_at = _instant(start)
        elapsed = timedelta(seconds=int(row["elapsedraw"]))
        yield from _runs(
            gpus_by_type(amounts),
            cluster=cluster,
            job=job,
            user=row["user"].strip(),
            starts_at=starts_at,
            ends_at=starts_at + elapsed,
            hint=_hints(row.get("qos", ""), row.get("account", "")),
            ended=row.get("state", "").split(" ")[0].upper() not in RUNNING,
            limit=_limit(row.get("timelimitraw", "")),
        )
    except InvalidValue as refusal:
        fields = refusal.fields
        raise InvalidUsage(row=number, value=fields["value"], rule=fields["rule"]) from refusal
    except (ValueError, OverflowError) as refusal:
        raise InvalidUsage(row=number, value=job, rule=str(refusal)) from refusal


def read_json(raw: bytes | str, *, cluster: str = "") -> tuple[Run, ...]:
    """Return the runs with GPUs of what `sacct --json` printed.

    Args:
        raw: the JSON document.
        cluster: of jobs that do not name theirs.

    Raises:
        InvalidUsage: If it is not such a document.
    """
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as refusal:
        raise InvalidUsage(row=1, value="document", rule="JSON") from refusal
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, list):
        raise InvalidUsage(row=1, value="document", rule="a list `jobs`")
    runs: list[Run] = []
    for number, job in enumerate(jobs, 1):
        try:
            runs += _told(job, cluster)
        except InvalidValue as refusal:
            fields = refusal.fields
            raise InvalidUsage(row=number, value=fields["value"], rule=fields["rule"]) from refusal
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as refusal:
            rule = f"a job as sacct writes it ({type(refusal).__name__}: {refusal})"
            raise InvalidUsage(row=number, value="job", rule=rule) from refusal
    return tuple(runs)


def _told(job: Mapping[str, Any], cluster: str) -> Iterator[Run]:
    """Yield the runs of one job of the document."""
    when, starts = job["time"], _number(job["time"]["start"])
    allocated = (job.get("tres") or {}).get("allocated") or ()
    amounts = {_resource(each): _number(each["count"]) for each in allocated}
    gpus = gpus_by_type({name: n for name, n in amounts.items() if name.startswith("gres/gpu")})
    if not starts or not gpus:
        return
    starts_at = datetime.fromtimestamp(starts, UTC)
    yield from _runs(
        gpus,
        cluster=str(job.get("cluster") or cluster),
        job=_job_id(job),
        user=str(job.get("user") or (job.get("association") or {}).get("user") or ""),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(seconds=_number(when["elapsed"])),
        hint=_hints(str(job.get("qos") or ""), str(job.get("account") or "")),
        ended=_states(job).isdisjoint(RUNNING),
        limit=_limit(str(_number(when.get("limit") or 0) or "")),
    )


def _runs(gpus: Mapping[str, int], *, job: str, **run: Any) -> Iterator[Run]:  # noqa: ANN401 - fields of a run
    """Yield a run for each GPU type; where there are several, the job's name says which."""
    for gpu_type, count in sorted(gpus.items()):
        name = job if len(gpus) == 1 else f"{job}/{gpu_type}"
        yield Run(gpus=count, gpu_type=gpu_type, job=name, **run)


def _resource(each: Mapping[str, Any]) -> str:
    """Return the name of an allocated resource as `AllocTRES` would write it."""
    kind, name = str(each.get("type") or ""), str(each.get("name") or "")
    return f"{kind}/{name}" if name else kind


def _job_id(job: Mapping[str, Any]) -> str:
    array = job.get("array") or {}
    task = array.get("task_id")
    has_task = task.get("set") if isinstance(task, dict) else task is not None
    of = _number(array.get("job_id") or 0)
    return f"{of}_{_number(task)}" if of and has_task else str(_number(job["job_id"]))


def _states(job: Mapping[str, Any]) -> set[str]:
    state = job.get("state") or {}
    current = state.get("current") if isinstance(state, dict) else state
    return {str(each).upper() for each in (current if isinstance(current, list) else [current])}


def _number(value: Any) -> int:  # noqa: ANN401 - JSON in one of its shapes
    """Return a whole number, plain or as ``{"set": true, "number": 5}``."""
    if isinstance(value, dict):
        return int(value["number"]) if value.get("set", True) else 0
    return int(value)


def _limit(minutes: str) -> timedelta | None:
    """Return a job's limit; `UNLIMITED` and `Partition_Limit` say none."""
    text = minutes.strip()
    return timedelta(minutes=int(text)) if text.isdigit() else None


def _instant(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _hints(*texts: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in texts if each.strip())
