"""A round goes on by itself over HTTP: what came back is due, frozen and solved; people decide."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.agent import Agent
from api.client import Client
from api.signing import cluster_key
from api.slurm import SlurmCluster
from tests.e2e.center import SECRET, Center
from tests.e2e.solving import go_on_one, look_after, solve_one
from tests.e2e.test_http_books import HOUR, balance
from tests.e2e.test_http_enforcement import TARGET, accepted, minutes
from tests.e2e.test_http_reclaims import DAY, half_time
from tests.e2e.test_http_rounds import publish, published
from tests.fake_slurm import FakeSlurm

WHOLE = 160 * 168 * 4
"""GPU-hours of the center's pool in the calendar."""
PARKS = 40_000
LATE = 10_000


def asked(gpu_hours: int, **more: object) -> dict:
    """An ask that is met whole or not at all, on as many GPUs as there are."""
    return {"gpu_hours": gpu_hours, "minimum_gpu_hours": gpu_hours, "max_gpus": 160, **more}


@pytest.fixture
def full(center: Center) -> str:
    """A published round that kim and park fill; lee is in line. Returns the call."""
    late = asked(LATE, minimum_gpu_hours=80)
    round_, _ = published(
        center, asked(WHOLE - PARKS), asked(PARKS, window=[2, 4]), {**late, "window": [2, 4]}
    )
    call: str = center.get(f"rounds/{round_}", "op").json()["call"]
    (waits,) = center.get(f"rounds/{round_}/reserve", "op").json()["items"]
    assert 1 == waits["rank"]
    assert [] == center.get("awards", "lee").json()["items"]
    return call


def due(center: Center, call: str) -> list[dict]:
    """Return what is due of a call, or was."""
    found: list[dict] = center.get(f"calls/{call}/reallocations", "op").json()["items"]
    return found


def test_a_reclaim_reaches_the_reserve_list_and_the_cluster(
    center: Center, full: str, tmp_path: Path
):
    """Notice, exemption, approval, ledger, reallocation, an award in line, a changed plan."""
    slurm = FakeSlurm()
    made = center.send("PUT", TARGET, "op", json={"gpu_types": {"H200": "h200"}})
    assert 201 == made.status_code, made.text
    agent = Agent(
        client=Client("http://center", center.tokens["agent"], transport=center.http._transport),
        cluster=SlurmCluster(name="duru", call=slurm),
        key=cluster_key(SECRET, "duru"),
        memory=tmp_path / "agent.json",
        clock=center.clock,
    )
    kims, parks = (accepted(center, who) for who in ("kim", "park"))
    agent.work()
    before = {each: minutes(slurm, *each) for each in (("g-g1", "kim"), ("g-g2", "park"))}
    center.clock.now = datetime(2027, 1, 6, tzinfo=UTC)
    round_ = center.get(kims, "op").json()["round"]
    body = {"content": half_time(), "day": DAY, "reason": "Half time."}
    notice = center.create(f"rounds/{round_}/reclaims", "op", body)
    assert 202 == notice.status_code, notice.text
    address = f"reclaims/{notice.json()['id']}"
    ill = {"award": kims.removeprefix("awards/"), "reason": "Ill."}
    asks = center.create(f"{address}/exemptions", "kim", ill)
    assert 202 == asks.status_code, asks.text
    waits = f"pending-approvals/{asks.json()['id']}"
    word = {"approve": True, "reason": "Seen."}
    assert 201 == center.change(waits, f"{waits}/decisions", "appr", word).status_code
    assert [] == due(center, full)
    center.clock.now = datetime(2027, 1, 18, tzinfo=UTC)
    done = center.change(address, f"{address}/approvals", "appr", {"reason": "Agreed."})
    assert 201 == done.status_code, done.text
    reserve = f"reserve:{full}:H200"
    assert PARKS // 2 * HOUR == balance(center, reserve)
    (waiting,) = due(center, full)
    assert ("queued", "reclaim.entered", None) == tuple(
        waiting[name] for name in ("state", "cause", "round")
    )
    went = go_on_one(center)
    (frozen,) = due(center, full)
    assert ("done", went["round"], went["solve"]) == tuple(
        frozen[name] for name in ("state", "round", "solve")
    )
    assert [] == center.get("awards", "lee").json()["items"], "nobody has decided yet"
    publish(center, went["round"], solve_one(center))
    assert (PARKS // 2 - LATE) * HOUR == balance(center, reserve)
    accepted(center, "lee")
    assert LATE * HOUR == balance(center, f"award:{lees(center)}:H200")
    agent.work()
    after = {each: minutes(slurm, *each) for each in before}
    assert before["g-g1", "kim"] == after["g-g1", "kim"]
    lost = {f"gres/gpu:h200={hours * 60}" for hours in (PARKS // 2,)}
    assert lost <= after["g-g2", "park"]
    assert f"gres/gpu:h200={LATE * 60}" in minutes(slurm, "g-g1", "lee")
    assert 0 == agent.work().commands
    assert center.get("ledger/trial-balance", "aud").json()["holds"]
    assert [parks.removeprefix("awards/")] == [
        each["id"] for each in center.get("awards", "park").json()["items"]
    ]


def lees(center: Center) -> str:
    """Return the id of lee's award."""
    (award,) = center.get("awards", "lee").json()["items"]
    id_: str = award["id"]
    return id_


def test_a_late_offer_cannot_be_accepted_and_goes_down_the_line(center: Center, full: str):
    """At its last instant it can, a microsecond later it cannot; the worker hands it on."""
    kims = accepted(center, "kim")
    (award,) = center.get("awards", "park").json()["items"]
    address, until = f"awards/{award['id']}", datetime.fromisoformat(award["answer_by"])
    assert [] == look_after(center)
    center.clock.now = until + timedelta(microseconds=1)
    refused = center.change(address, f"{address}/acceptances", "park")
    assert (409, "offer-lapsed") == (refused.status_code, refused.json()["code"]), refused.text
    assert (award["id"], until.isoformat()) == tuple(
        refused.json()[name] for name in ("award", "answer_by")
    )
    assert until.isoformat() in refused.json()["detail"]
    assert "offered" == center.get(address, "park").json()["state"]
    assert [award["id"]] == look_after(center)
    assert "expired" == center.get(address, "park").json()["state"]
    assert [] == look_after(center)
    assert PARKS * HOUR == balance(center, f"call:{full}:H200")
    (waiting,) = due(center, full)
    assert ("award.lapsed", award["id"]) == (waiting["cause"], waiting["subject"])
    publish(center, go_on_one(center)["round"], solve_one(center))
    assert "offered" == center.get(f"awards/{lees(center)}", "lee").json()["state"]
    assert "accepted" == center.get(kims, "kim").json()["state"]


def test_an_offer_is_open_until_its_last_instant(center: Center, full: str):
    """The deadline itself is in time."""
    (award,) = center.get("awards", "park").json()["items"]
    center.clock.now = datetime.fromisoformat(award["answer_by"])
    assert (
        201
        == center.change(
            f"awards/{award['id']}", f"awards/{award['id']}/acceptances", "park"
        ).status_code
    )
    assert [] == due(center, full)


def test_what_comes_back_while_people_decide_waits_for_them(center: Center, full: str):
    """One that nobody selected gives way; one that is selected is decided on first."""
    kims, parks = (accepted(center, who) for who in ("kim", "park"))
    less = {"gpu_hours": 800, "reason": "Less data."}
    for _ in range(2):
        assert 201 == center.change(parks, f"{parks}/returns", "park", less).status_code
    assert 1 == len(due(center, full)), "one that waits is enough"
    first = go_on_one(center)["round"]
    assert 201 == center.change(kims, f"{kims}/returns", "kim", less).status_code
    second = go_on_one(center)["round"]
    states = [center.get(f"rounds/{each}", "op").json()["state"] for each in (first, second)]
    assert ["superseded", "frozen"] == states
    cancelled = center.get(f"rounds/{first}/solves", "op").json()["items"]
    assert ["cancelled"] == [each["state"] for each in cancelled]
    scenario, path = solve_one(center), f"rounds/{second}"
    chosen = {"scenario_id": scenario, "reason": "Best."}
    digest = center.change(path, f"{path}/selections", "op", chosen).json()["scenario_digest"]
    assert 201 == center.change(kims, f"{kims}/returns", "kim", less).status_code
    assert {"waits_for": second} == go_on_one(center)
    center.clock.move(minutes=1)
    signature = {"scenario_digest": digest, "reason": "Checked."}
    assert 201 == center.change(path, f"{path}/rejections", "appr", signature).status_code
    *earlier, again = due(center, full)
    assert [second] == [each["waits_for"] for each in earlier if each["waits_for"]]
    assert ("queued", "award.returned") == (again["state"], again["cause"])
    third = go_on_one(center)["round"]
    assert "superseded" == center.get(path, "op").json()["state"]
    publish(center, third, solve_one(center))
    held = balance(center, "group:g1:H200")
    assert 4 * 800 * HOUR == held
    assert center.get("ledger/trial-balance", "aud").json()["holds"]


def test_lost_nodes_are_due_at_once(center: Center, full: str):
    """An approved capacity change lets the rounds of its pool go on; a solve is queued."""
    body = {
        "kind": "maintenance",
        "gpus": 8,
        "starts_at": "2027-01-11T00:00:00Z",
        "ends_at": "2027-01-18T00:00:00Z",
        "reason": "A node burnt.",
    }
    made = center.create("pools/h200/capacity-changes", "op", body)
    assert made.status_code in {201, 202}, made.text
    address = f"capacity-changes/{made.json()['id']}"
    assert [] == due(center, full)
    agreed = center.change(address, f"{address}/approvals", "op2")
    assert 201 == agreed.status_code, agreed.text
    (waiting,) = due(center, full)
    assert "capacity_change.approved" == waiting["cause"]
    went = go_on_one(center)
    (solve,) = center.get(f"rounds/{went['round']}/solves", "op").json()["items"]
    assert ("queued", went["solve"]) == (solve["state"], solve["id"])
