"""The books over HTTP: usage comes in, second persons decide, scopes see their own."""

import json
from datetime import UTC, datetime

import pytest

from tests.e2e.center import Center
from tests.e2e.test_http_rounds import published

HOUR = 3600
SACCT = (
    "JobID|User|State|ElapsedRaw|AllocTRES|Start\n"
    "1|kim|COMPLETED|36000|gres/gpu:h200=8,gres/gpu=8|2027-01-04T20:00:00\n"
    "2|lee|RUNNING|7200|gres/gpu=1|2027-01-05T00:00:00\n"
    "3|stranger|COMPLETED|3600|gres/gpu:h200=1,gres/gpu=1|2027-01-05T00:00:00\n"
)
BATCH = "usage-batches?cluster=duru"


def brought(center: Center, text: str = SACCT, kind: str = "text/plain", who: str = "coll"):
    """Bring a batch as the collector."""
    headers = {"Content-Type": kind, "Idempotency-Key": f"batch-{next(center.keys)}"}
    return center.send("POST", BATCH, who, headers=headers, content=text.encode())


@pytest.fixture
def awards(center: Center) -> dict[str, str]:
    """Accepted awards by fellow; kim and lee are of one group."""
    published(center, {}, {}, {})
    found = {}
    for who in ("kim", "lee", "park"):
        (award,) = center.get("awards", who).json()["items"]
        address = f"awards/{award['id']}"
        assert 201 == center.change(address, f"{address}/acceptances", who).status_code
        found[who] = award["id"]
    center.clock.now = datetime(2027, 1, 6, tzinfo=UTC)
    return found


def balance(center: Center, account: str, who: str = "op") -> int:
    """Return what an account holds."""
    found = center.get(f"ledger/accounts/{account}", who)
    assert found.status_code == 200, found.text
    amount: int = found.json()["balance"]
    return amount


def test_usage_is_brought_once_and_seen_by_its_own(center: Center, awards: dict[str, str]):
    """A batch is charged to awards; again it says nothing new; fellows see theirs."""
    first = brought(center)
    assert 201 == first.status_code, first.text
    body = first.json()
    assert (4, 4, 83 * HOUR, HOUR) == tuple(
        body[name] for name in ("slices", "grown", "gpu_seconds", "outside")
    )
    assert (0, 0) == tuple(brought(center).json()[name] for name in ("grown", "gpu_seconds"))
    assert 80 * HOUR == balance(center, f"consumed:{awards['kim']}:H200", "kim")
    seen = center.get("usage", "kim").json()["items"]
    assert [32 * HOUR, 48 * HOUR] == sorted(each["gpu_seconds"] for each in seen)
    assert 3 == len(center.get("usage", "lead").json()["items"])
    assert [] == center.get("usage", "park").json()["items"]
    assert 1 == len(center.get("usage", "op", params={"person": "stranger"}).json()["items"])
    trial = center.get("ledger/trial-balance", "aud").json()
    assert trial["holds"]
    assert 83 * HOUR == trial["items"][0]["balances"]["consumed"]


def test_every_shape_of_a_batch(center: Center, awards: dict[str, str]):
    """Table and JSON say the same as the lines; other files are refused with their row."""
    del awards
    table = (
        "cluster,job,user,gpu_type,gpus,starts_at,ends_at\n"
        "duru,1,kim,H200,8,2027-01-04T20:00:00Z,2027-01-05T06:00:00Z\n"
    )
    job = {
        "job_id": 1,
        "user": "kim",
        "state": {"current": "COMPLETED"},
        "time": {"start": 1799092800, "elapsed": 36000},
        "tres": {"allocated": [{"type": "gres", "name": "gpu:h200", "count": 8}]},
    }
    assert 2 == brought(center, table, "text/csv").json()["grown"]
    document = json.dumps({"jobs": [job]})
    assert 0 == brought(center, document, "application/json").json()["grown"]
    assert 0 == brought(center, SACCT.split("\n2|", maxsplit=1)[0]).json()["grown"]
    refused = brought(center, table + "x,y\n", "text/csv")
    assert (422, "invalid-usage") == (refused.status_code, refused.json()["code"])
    assert 415 == brought(center, table, "application/xml").status_code
    assert 403 == brought(center, who="op").status_code


def test_a_second_person_corrects_usage(center: Center, awards: dict[str, str]):
    """The proposer cannot, others who may can; fellows do not learn that there is one."""
    brought(center)
    wrong = {"cluster": "duru", "job": "1", "begins_at": "2027-01-04T20:00:00Z"}
    asked = center.create(
        "usage-corrections", "op", {**wrong, "gpu_seconds": HOUR, "reason": "Runaway."}
    )
    assert 202 == asked.status_code, asked.text
    address = f"pending-approvals/{asked.json()['id']}"
    word = {"approve": True, "reason": "Seen."}
    own = center.change(address, f"{address}/decisions", "op", word)
    assert (409, "second-person-required") == (own.status_code, own.json()["code"])
    assert 404 == center.get(address, "kim").status_code
    assert [] == center.get("pending-approvals", "kim").json()["items"]
    (next_,) = center.get(address, "appr").json()["_actions"]
    assert next_["allowed"]
    done = center.change(address, f"{address}/decisions", "appr", word)
    assert (201, "approved") == (done.status_code, done.json()["state"])
    assert 49 * HOUR == balance(center, f"consumed:{awards['kim']}:H200")
    told = center.get("pending-approvals", "op2", params={"state": "approved"}).json()["items"]
    assert [asked.json()["id"]] == [each["id"] for each in told]


def test_hours_go_from_call_to_reserve_to_award(center: Center, awards: dict[str, str]):
    """Each step is proposed by an operator and agreed to by an approver."""
    (call,) = center.get("ledger/accounts", "op", params={"kind": "call"}).json()["items"]
    award = awards["kim"]
    before = balance(center, f"award:{award}:H200")
    steps = (
        lambda: center.create(
            "ledger/reserves",
            "op",
            {"account": call["id"], "gpu_seconds": 9 * HOUR, "reason": "For need."},
        ),
        lambda: center.change(
            f"awards/{award}",
            f"awards/{award}/adjustments",
            "op",
            {"gpu_type": "H200", "gpu_seconds": 8 * HOUR, "reason": "Supplement."},
        ),
        lambda: center.create(
            "ledger/corrections",
            "op",
            {
                "debit": f"award:{award}:H200",
                "credit": "group:g1:H200",
                "gpu_seconds": HOUR,
                "reason": "Typing error.",
            },
        ),
    )
    for step in steps:
        asked = step()
        assert 202 == asked.status_code, asked.text
        address = f"pending-approvals/{asked.json()['id']}"
        word = {"approve": True, "reason": "Agreed."}
        assert 201 == center.change(address, f"{address}/decisions", "appr", word).status_code
    assert before + 7 * HOUR == balance(center, f"award:{award}:H200", "kim")
    assert HOUR == balance(center, f"reserve:{call['owner']}:H200")
    assert center.get("ledger/trial-balance", "op").json()["holds"]


def test_a_lead_hands_hours_on_inside_the_group(center: Center, awards: dict[str, str]):
    """Not to another group, not more than there is, and not as a fellow."""
    mine = f"awards/{awards['kim']}"
    before = balance(center, f"award:{awards['lee']}:H200")

    def handed(to: str, gpu_seconds: int, who: str = "lead"):
        body = {
            "to": awards[to],
            "gpu_type": "H200",
            "gpu_seconds": gpu_seconds,
            "reason": "Joint.",
        }
        return center.change(mine, f"{mine}/transfers", who, body)

    assert 422 == handed("lee", 10 * HOUR).status_code
    proposed = handed("lee", 16 * HOUR)
    assert 202 == proposed.status_code
    address = f"pending-approvals/{proposed.json()['id']}"
    word = {"approve": True, "reason": "Joint."}
    assert 201 == center.change(address, f"{address}/decisions", "kim", word).status_code
    (_, told) = center.get(f"{mine}/changes", "kim").json()["items"]
    assert ("handed_on", [-16]) == (told["kind"], [each["gpu_hours"] for each in told["cells"]])
    assert 404 == center.get(f"{mine}/changes", "park").status_code
    assert before + 16 * HOUR == balance(center, f"award:{awards['lee']}:H200")
    assert 404 == handed("park", HOUR).status_code
    assert 403 == handed("lee", HOUR, "kim").status_code
    assert 422 == handed("kim", HOUR).status_code
    assert 422 == handed("lee", 10**6 * HOUR).status_code
