"""Feeds: what sacct prints, in both shapes, and a plain table."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.domain.errors import InvalidUsage
from scheduler.importers.sacct import read_json, read_parsable
from scheduler.importers.usage_csv import read_table

SACCT = """\
101|mina|vision|COMPLETED|3600|billing=64,cpu=64,gres/gpu:h200=8,gres/gpu=8,node=1|2026-04-01T09:00:00|2026-04-01T10:00:00|normal
101.batch|||COMPLETED|3600|cpu=64,gres/gpu=8|2026-04-01T09:00:00|2026-04-01T10:00:00|
102|jun|vision|PENDING|0||Unknown|Unknown|normal
103_7|jun|vision|CANCELLED by 1000|90|gres/gpu=2,cpu=4|2026-04-01T09:00:00|2026-04-01T09:01:30|awd-x
104|ara|folding|RUNNING|60|cpu=4|2026-04-01T09:00:00|Unknown|normal
105|ara|folding|RUNNING|60|gres/gpu=1,gres/gpu:b200=1|1775034000|Unknown|normal
"""
NINE = datetime(2026, 4, 1, 9, tzinfo=UTC)


def test_sacct_parsable():
    """Steps, pending jobs and jobs without GPUs are left out; typed GPUs count once."""
    runs = read_parsable(SACCT, cluster="duru")
    assert [
        ("101", "mina", "h200", 8, timedelta(hours=1), True),
        ("103_7", "jun", "gpu", 2, timedelta(seconds=90), True),
        ("105", "ara", "b200", 1, timedelta(seconds=60), False),
    ] == [
        (each.job, each.user, each.gpu_type, each.gpus, each.ends_at - each.starts_at, each.ended)
        for each in runs
    ]
    assert {NINE} == {each.starts_at for each in runs}
    assert ("awd-x", "vision") == runs[1].hint


def test_sacct_with_a_header_in_any_order():
    """Columns are found by their names, and a parting sign at the end of a line means nothing."""
    text = (
        "Start|JobID|User|AllocTRES|ElapsedRaw|\n2026-04-01T09:00:00|7|mina|gres/gpu:h200=4|10|\n"
    )
    (run,) = read_parsable(text, cluster="duru")
    assert ("7", 4, NINE) == (run.job, run.gpus, run.starts_at)


def test_two_gpu_types_are_two_runs():
    """A job on two types of GPU is charged for each."""
    text = "9|mina|a|COMPLETED|10|gres/gpu:h200=2,gres/gpu:b200=1,gres/gpu=3|1775034000|x|normal"
    assert [("9/b200", 1), ("9/h200", 2)] == [
        (each.job, each.gpus) for each in read_parsable(text, cluster="duru")
    ]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("JobID|User\n", 1),
        ("1|mina\n", 1),
        (SACCT + "106|ara|f|RUNNING|x|gres/gpu=1|2026-04-01T09:00:00|Unknown|n\n", 7),
        (SACCT + "106|ara|f|RUNNING|-5|gres/gpu=1|2026-04-01T09:00:00|Unknown|n\n", 7),
        (SACCT + "106|ara|f|RUNNING|5|gres/gpu=1|yesterday|Unknown|n\n", 7),
        (SACCT + "106||f|RUNNING|5|gres/gpu=1|2026-04-01T09:00:00|Unknown|n\n", 7),
    ],
)
def test_a_broken_line_is_named(text: str, row: int):
    """Nothing of a damaged file is taken, and the row is told."""
    with pytest.raises(InvalidUsage) as refusal:
        read_parsable(text, cluster="duru")
    assert row == refusal.value.fields["row"]


def a_job(**changes) -> dict:
    """A job as the JSON plugin writes it."""
    return {
        "job_id": 101,
        "array": {"job_id": 0, "task_id": None},
        "cluster": "duru",
        "user": "mina",
        "account": "vision",
        "qos": "normal",
        "state": {"current": "COMPLETED", "reason": "None"},
        "time": {"elapsed": 3600, "start": 1775034000, "end": 1775037600},
        "tres": {
            "allocated": [
                {"type": "cpu", "name": None, "id": 1, "count": 64},
                {"type": "gres", "name": "gpu", "id": 1001, "count": 8},
                {"type": "gres", "name": "gpu:h200", "id": 1002, "count": 8},
            ]
        },
        **changes,
    }


def test_sacct_json_says_what_the_lines_say():
    """Both shapes of the same job are the same run."""
    (run,) = read_json(json.dumps({"jobs": [a_job()]}))
    assert read_parsable(SACCT, cluster="duru")[0] == run


def test_sacct_json_of_newer_versions():
    """Numbers as objects, states as lists, tasks of arrays."""
    newer = a_job(
        array={"job_id": 55, "task_id": {"set": True, "infinite": False, "number": 3}},
        state={"current": ["RUNNING"], "reason": "None"},
        time={"elapsed": {"set": True, "number": 60}, "start": {"set": True, "number": 1775034000}},
    )
    (run,) = read_json(json.dumps({"jobs": [newer, a_job(tres={"allocated": []})]}))
    assert ("55_3", False, timedelta(minutes=1)) == (
        run.job,
        run.ended,
        run.ends_at - run.starts_at,
    )


@pytest.mark.parametrize("text", ["", "[]", '{"jobs": [{}]}', '{"jobs": [7]}', "[" * 99_999])
def test_other_json_is_refused(text: str):
    """What is no list of jobs is refused, not guessed at."""
    with pytest.raises(InvalidUsage):
        read_json(text, cluster="duru")


HEAD = "cluster,job,user,gpu_type,gpus,starts_at,ends_at"


def test_a_plain_table():
    """One row a run; an award may be named."""
    text = (
        f"{HEAD},award\nkube,pod-1,mina,H200,8,2026-04-01T09:00:00Z,2026-04-01T19:00:00+09:00,awd\n"
    )
    (run,) = read_table("\ufeff" + text)
    assert (NINE, NINE + timedelta(hours=1), ("awd",)) == (run.starts_at, run.ends_at, run.hint)


@pytest.mark.parametrize(
    "row",
    [
        "kube,pod,mina,H200,8,2026-04-01T09:00:00,2026-04-01T10:00:00Z",
        "kube,pod,mina,H200,8,2026-04-01T09:00:00Z",
        "kube,pod,mina,H200,many,2026-04-01T09:00:00Z,2026-04-01T10:00:00Z",
        "kube,pod,,H200,8,2026-04-01T09:00:00Z,2026-04-01T10:00:00Z",
        "kube,pod,mina,H200,8,2026-04-01T09:00:00Z,2026-04-01T10:00:00Z,x,y",
    ],
)
def test_a_broken_row_is_refused(row: str):
    """An instant without offset, a missing or further field, no number, nobody."""
    with pytest.raises(InvalidUsage):
        read_table(f"{HEAD}\n{row}\n")
    with pytest.raises(InvalidUsage):
        read_table("job,user\n")
