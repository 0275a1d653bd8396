"""Exports over HTTP: a published round as other systems read it."""

import pytest

from scheduler.export import kueue
from tests.e2e.center import Center
from tests.e2e.test_http_books import HOUR, awards, brought
from tests.kubernetes import faults

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

    before = pace("kim")
    assert {awards["kim"]} == set(before)
    assert set(awards.values()) == set(pace("op"))
    brought(center)
    assert pace("kim")[awards["kim"]] <= before[awards["kim"]]
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
