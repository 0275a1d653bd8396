"""Gauges and reconciliations over HTTP: the collector brings, operators read, nothing changes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.center import Center
from tests.e2e.test_http_books import awards, brought

__all__ = ["awards"]

HOUR = 3600
RECORDED = Path(__file__).parents[1] / "recorded" / "assoc_mgr_22.05.8.txt"
ASSOC = (
    "ClusterName=x Account=g1 UserName=kim(1) GrpTRES=gres/gpu=N(8)"
    " GrpTRESMins=gres/gpu=6000(4800)\n"
    "ClusterName=x Account=g1 UserName=lee(2) GrpTRES=gres/gpu=N(0)"
    " GrpTRESMins=gres/gpu=6000(120)\n"
)
SACCT = (
    "JobID|User|State|ElapsedRaw|AllocTRES|Start|TimelimitRaw\n"
    "1|kim|COMPLETED|36000|gres/gpu:h200=8,gres/gpu=8|2027-01-04T20:00:00|600\n"
    "2|lee|RUNNING|7200|gres/gpu=1|2027-01-05T00:00:00|30\n"
    "4|kim|COMPLETED|3600|gres/gpu:h200=1,gres/gpu=1|2027-01-05T08:00:00|600\n"
)
COMPARED = "reconciliations?cluster=duru&since=2027-01-04T00:00:00Z"


def sent(center: Center, path: str, text: str, who: str = "coll", kind: str = "text/plain"):
    """Send a file as somebody."""
    headers = {"Content-Type": kind, "Idempotency-Key": f"metering-{next(center.keys)}"}
    return center.send("POST", path, who, headers=headers, content=text.encode())


def test_gauges_are_brought_and_seen_by_their_own(center: Center, awards: dict[str, str]):
    """The collector brings, again replaces; a fellow sees their own, an operator all."""
    del awards
    first = sent(center, "usage-gauges?cluster=duru", ASSOC)
    assert 201 == first.status_code, first.text
    body = first.json()
    assert (2, 0, 4920, 8) == tuple(
        body[name] for name in ("users", "strangers", "used_gpu_minutes", "running_gpus")
    )
    assert body["receipt"]["log_index"]
    real = sent(center, "usage-gauges?cluster=mugung", RECORDED.read_text())
    assert 3 == real.json()["strangers"]
    assert 201 == sent(center, "usage-gauges?cluster=duru", ASSOC).status_code
    assert ["kim"] == [each["person"] for each in center.get("usage-gauges", "kim").json()["items"]]
    assert 5 == len(center.get("usage-gauges", "op").json()["items"])
    only = center.get("usage-gauges", "op", params={"cluster": "duru"}).json()["items"]
    assert [4800, 120] == [each["used_gpu_minutes"] for each in only]


@pytest.mark.parametrize("path", ["usage-gauges?cluster=duru", COMPARED])
def test_who_may_not_and_what_is_no_file(center: Center, path: str):
    """Fellows bring nothing; another content type, another text, other bytes are refused."""
    assert 403 == sent(center, path, ASSOC, "kim").status_code
    assert 415 == sent(center, path, ASSOC, kind="text/csv").status_code
    assert 422 == sent(center, path, "error: no controller|\n").status_code
    headers = {"Content-Type": "text/plain", "Idempotency-Key": "not-utf-8"}
    assert 400 == center.send("POST", path, "coll", headers=headers, content=b"\xff").status_code


def test_books_are_compared_three_ways(center: Center, awards: dict[str, str]):
    """One job is not yet entered, one runs beyond its limit; the books stay as they are."""
    brought(center)
    sent(center, "usage-gauges?cluster=duru", ASSOC)
    before = center.get("ledger/trial-balance", "aud").json()
    made = sent(center, COMPARED, SACCT)
    assert 201 == made.status_code, made.text
    body = made.json()
    assert [
        ("accounting", "awaited", "kim", None, HOUR),
        ("accounting", "partial", "stranger", None, -HOUR),
    ] == [
        (each["source"], each["state"], each["person"], each["award"], each["gpu_seconds"])
        for each in body["differences"]
    ]
    assert [("2", "lee", "beyond_limit")] == [
        (each["job"], each["person"], each["cause"]) for each in body["runaways"]
    ]
    assert before == center.get("ledger/trial-balance", "aud").json()
    kept = center.get(made.headers["Location"], "aud")
    assert {**body, "receipt": None} == kept.json()
    listed = center.get("reconciliations", "appr", params={"cluster": "duru"}).json()["items"]
    assert [body["id"]] == [each["id"] for each in listed]
    assert [] == center.get("reconciliations", "op", params={"cluster": "x"}).json()["items"]
    assert 404 == center.get("reconciliations/rec_none", "op").status_code
    assert {403} == {center.get("reconciliations", who).status_code for who in ("kim", "coll")}
    assert awards


def test_the_instant_needs_an_offset(center: Center):
    """Since when the file is whole is an instant, not a date."""
    for since in ("2027-01-04", "2027-01-04T00:00:00", "yesterday", ""):
        path = f"reconciliations?cluster=duru&since={since}"
        assert 422 == sent(center, path, SACCT).status_code
    center.clock.now = datetime(2027, 1, 6, tzinfo=UTC)
    path = "reconciliations?cluster=duru&since=2027-01-04T09:00:00%2B09:00"
    assert "2027-01-04T00:00:00.000000Z" == sent(center, path, SACCT).json()["since"]


def test_a_batch_may_be_as_large_as_a_round(center: Center, awards: dict[str, str]):
    """Ten thousand jobs in one file are more than a common body may hold."""
    del awards
    row = "{}|kim|COMPLETED|60|gres/gpu:h200=1,gres/gpu=1|2027-01-05T00:00:00\n"
    text = "JobID|User|State|ElapsedRaw|AllocTRES|Start\n" + "".join(
        row.format(job) for job in range(10_000)
    )
    assert len(text) > 256 * 1024
    assert 10_000 == brought(center, text).json()["grown"]
