"""Exports over HTTP: a published round as other systems read it."""

from datetime import datetime, timedelta

import pytest

from scheduler.export import kueue
from tests.e2e.center import Center
from tests.e2e.test_http_books import HOUR, awards, brought
from tests.kubernetes import faults
from tests.unit.test_portal_exports import read_calendar

__all__ = ["awards"]


@pytest.fixture
def round_(center: Center, awards: dict[str, str]) -> str:
    """Return the id of a round whose awards are accepted, two days after they began."""
    id_: str = center.get(f"awards/{awards['kim']}", "kim").json()["round"]
    return id_


@pytest.mark.parametrize("scheduler", ["kueue", "kai", "volcano"])
def test_queues_of_every_scheduler(center: Center, round_: str, scheduler: str):
    """Each list is valid to an API server, and names every award in use."""
    listed = center.get(f"rounds/{round_}/exports/{scheduler}", "op").json()
    assert ("v1", "List") == (listed["apiVersion"], listed["kind"])
    assert [] == [fault for each in listed["items"] for fault in faults(each)]
    named = {each["metadata"].get("annotations", {}).get("dure/award") for each in listed["items"]}
    assert {each["id"] for each in center.get("awards", "op").json()["items"]} == named - {None}
    assert 422 == center.get(f"rounds/{round_}/exports/nomad", "op").status_code
    assert 404 == center.get("rounds/rnd_none/exports/kai", "op").status_code


def test_the_pace_follows_what_is_left(center: Center, round_: str, awards: dict[str, str]):
    """What was used lowers the pace; what is over, or of others, is not told."""

    def pace(who: str) -> dict[str, int]:
        items = center.get(f"rounds/{round_}/exports/kueue", who).json()["items"]
        return {
            each["metadata"]["annotations"]["dure/award"]: kueue.quotas(each)["gpu-h200"]
            for each in items
            if each["kind"] == "ClusterQueue"
        }

    (limit,) = center.get(f"rounds/{round_}/exports/limits", "kim").json()["items"]
    begins_at = datetime.fromisoformat(limit["window"][0])
    assert {awards["kim"]: 0} == pace("kim")  # its window has not begun
    center.clock.now = begins_at
    before = pace("kim")
    assert {awards["kim"]} == set(before)
    assert set(awards.values()) == set(pace("op"))
    brought(center)
    assert 0 < pace("kim")[awards["kim"]] <= before[awards["kim"]]
    address = f"awards/{awards['park']}"
    center.change(address, f"{address}/returns", "park", {"reason": "No data."})
    assert {awards["kim"], awards["lee"]} == set(pace("op"))


def test_limits_say_until_when_use_is_known(center: Center, round_: str, awards: dict[str, str]):
    """Granted, used and left of every answered award, and the instant of the last report."""
    address = f"rounds/{round_}/exports/limits"
    unknown = center.get(address, "op", params={"cluster": "duru"}).json()
    assert (None, 3) == (unknown["metered_at"], len(unknown["items"]))
    brought(center)
    known = center.get(address, "op", params={"cluster": "duru"}).json()
    assert "2027-01-06T00:00:00.000000Z" == known["metered_at"]
    (mine,) = [each for each in known["items"] if each["award"] == awards["kim"]]
    assert (80 * HOUR, 8, 16) == (mine["used_gpu_seconds"], mine["gang_gpus"], mine["gpus"])
    assert mine["granted_gpu_seconds"] - 80 * HOUR == mine["left_gpu_seconds"]
    (own,) = center.get(address, "kim").json()["items"]
    assert mine == own


def test_portals_dashboards_and_calendars(center: Center, round_: str, awards: dict[str, str]):
    """Each names the awards that its caller may see, and addresses that answer."""
    brought(center)
    told = center.get(f"rounds/{round_}/exports/openportal?template=gpu", "op").json()
    assert set(awards.values()) == set(told)
    mine = told[awards["kim"]]
    (limit,) = center.get(f"rounds/{round_}/exports/limits", "kim").json()["items"]
    begins_at = datetime.fromisoformat(limit["window"][0])
    assert ("Folding", "gpu") == (mine["name"], mine["template"])
    assert begins_at.date().isoformat() == mine["start_date"]
    path = mine["award"]["url"].removeprefix("http://testserver")
    assert awards["kim"] == center.get(path, "kim").json()["id"]
    offered = datetime.fromisoformat(center.get(path, "kim").json()["offered_at"])
    assert offered + timedelta(days=1) == datetime.fromisoformat(mine["earliest_approve"])
    balances = center.get(f"rounds/{round_}/exports/ondemand", "kim").json()["balances"]
    assert [("kim", limit["left_gpu_seconds"] / HOUR)] == [
        (each["user"], each["value"]) for each in balances
    ]
    address = f"rounds/{round_}/exports/calendar"
    answer = center.get(address, "kim", headers={"Accept-Language": "ko"})
    assert answer.headers["content-type"].startswith("text/calendar")
    (event,) = read_calendar(answer.content)
    assert (f"{begins_at:%Y%m%dT%H%M%SZ}", f"{awards['kim']}@dure") == (
        event["DTSTART"],
        event["UID"],
    )
    assert "GPU시간" in event["SUMMARY"]
    assert 3 == len(read_calendar(center.get(f"{address}?lang=en", "op").content))
