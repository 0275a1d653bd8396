"""Burn and forecast over HTTP: everybody sees what is theirs."""

from datetime import UTC, datetime

from tests.e2e.center import Center
from tests.e2e.test_http_books import HOUR, awards, brought

__all__ = ["awards"]


def test_use_is_set_against_the_plan(center: Center, awards: dict[str, str]):
    """A fellow sees days, pace and three forecasts of their award, and of no other's."""
    brought(center)
    center.clock.now = datetime(2027, 1, 11, tzinfo=UTC)
    shown = center.get(f"awards/{awards['kim']}/usage", "kim")
    assert 200 == shown.status_code, shown.text
    (item,) = shown.json()["items"]
    assert ("H200", 80 * HOUR) == (item["gpu_type"], item["used"])
    assert [32 * HOUR, 48 * HOUR] == [each["gpu_seconds"] for each in item["days"]]
    assert ["rate", "curve", "blend"] == [each["basis"] for each in item["forecasts"]]
    assert item["held"] == item["forecasts"][0]["used"] + item["forecasts"][0]["unused"]
    assert 404 == center.get(f"awards/{awards['park']}/usage", "kim").status_code
    assert 403 == center.get(f"awards/{awards['kim']}/usage", "scr").status_code


def test_a_round_adds_up_by_group(center: Center, awards: dict[str, str]):
    """The operator sees every group; a lead their own; the parts make the whole."""
    brought(center)
    round_ = center.get(f"awards/{awards['kim']}", "op").json()["round"]
    body = center.get(f"rounds/{round_}/usage", "op").json()
    assert ["g1", "g2"] == [each["group"] for each in body["groups"]]
    assert 3 == len(body["items"])
    for name in ("held", "used", "due"):
        whole = sum(each[name] for each in body["groups"])
        assert sum(each[name] for each in body["items"]) == whole
    seen = center.get(f"rounds/{round_}/usage", "lead").json()
    assert ["g1"] == [each["group"] for each in seen["groups"]]
    assert 404 == center.get("rounds/rnd_none/usage", "op").status_code
