"""A reclaim over HTTP: forecast, notice, exemption, second person, and who sees what."""

from datetime import UTC, datetime

import pytest

from scheduler.operations.watching import tell_changes
from scheduler.reclaim_rule import find_rule, rule_document
from tests.e2e.center import Center
from tests.e2e.test_http_books import HOUR, awards, balance, brought
from tests.unit.operations.center import act

__all__ = ["awards"]

DAY = "2027-01-18"
"""Half of the four weeks from 4 January."""
WHOLE_GANGS = 496 * HOUR
"""Half of 1,000 hours, in gangs of eight GPUs."""


def half_time() -> dict:
    """A rule that takes half of every award at half time; numbers as JSON has them."""
    rule = rule_document(find_rule("nrel_fy2020"))
    checkpoint = {"at_share": 0.5, "bands": [{"below": 1, "take": 0.5}]}
    return {**rule, "notice_days": 10, "exemption_days": 5, "checkpoints": [checkpoint]}


@pytest.fixture
def reclaim(center: Center, awards: dict[str, str]) -> str:
    """A proposed reclaim of the round; its notice runs until the checkpoint."""
    brought(center)
    round_ = center.get(f"awards/{awards['kim']}", "op").json()["round"]
    body = {"content": half_time(), "day": DAY, "reason": "Half time."}
    made = center.create(f"rounds/{round_}/reclaims", "op", body)
    assert 202 == made.status_code, made.text
    id_: str = made.json()["id"]
    assert f"/api/v1/reclaims/{id_}" == made.headers["Location"]
    return id_


def watched(center: Center, *now: int) -> None:
    """Let the courier look at what is watched on a day of January."""
    center.clock.now = datetime(2027, 1, *now, tzinfo=UTC)
    center.store.write(lambda tx: tell_changes(tx, act("host", center.clock.now)))


def test_the_last_day_for_an_exemption_is_told_of(
    center: Center, awards: dict[str, str], reclaim: str
):
    """Once, in both languages, to who has not asked; the day itself still counts."""
    asked = {"award": awards["kim"], "reason": "Ill."}
    assert 202 == center.create(f"reclaims/{reclaim}/exemptions", "kim", asked).status_code
    for day in (10, 11, 12, 13):
        watched(center, day, 23)

    def told(who: str, language: str) -> list[str]:
        items = center.get("me/notifications", who, headers={"Accept-Language": language}).json()
        kind = "award.exemption_due"
        return [each["text"] for each in items["items"] if each["kind"] == kind]

    (english,), (korean,) = told("lee", "en"), told("lee", "ko")
    assert f"award {awards['lee']} be exempt" in english
    assert "회수 면제 신청이 마감됩니다" in korean
    assert [] == told("kim", "en")
    late = {"award": awards["lee"], "reason": "The data came late."}
    assert 202 == center.create(f"reclaims/{reclaim}/exemptions", "lee", late).status_code


def test_a_reclaim_from_notice_to_ledger(center: Center, awards: dict[str, str], reclaim: str):
    """Kim is exempt; the others lose half, to the director's reserve."""
    address = f"reclaims/{reclaim}"
    shown = center.get(address, "appr").json()
    assert ("2027-01-13", DAY) == (shown["exemption_until"], shown["takes_effect_at"][:10])
    asked = center.create(
        f"{address}/exemptions", "kim", {"award": awards["kim"], "reason": "Ill."}
    )
    assert 202 == asked.status_code, asked.text
    word = {"approve": True, "reason": "Seen."}
    waits = f"pending-approvals/{asked.json()['id']}"
    assert 201 == center.change(waits, f"{waits}/decisions", "appr", word).status_code
    (said,) = (
        each["text"]
        for each in center.get("me/notifications", "kim").json()["items"]
        if each["kind"] == "exemption.approved"
    )
    assert f"What you asked or proposed of {awards['kim']} was approved." == said
    early = center.change(address, f"{address}/approvals", "appr", {"reason": "Agreed."})
    assert (409, "notice-running") == (early.status_code, early.json()["code"])
    center.clock.now = datetime(2027, 1, 18, 9, tzinfo=UTC)
    assert 403 == center.create(f"{address}/approvals", "op", {"reason": "Mine."}).status_code
    done = center.change(address, f"{address}/approvals", "appr", {"reason": "Agreed."})
    assert (201, "approved") == (done.status_code, done.json()["state"]), done.text
    (call,) = center.get("ledger/accounts", "op", params={"kind": "reserve"}).json()["items"]
    assert {500 * HOUR} == {line["at_most"] for line in shown["lines"]}
    assert 2 * WHOLE_GANGS == call["balance"]
    assert center.get(f"awards/{awards['kim']}", "kim").json()["state"] == "accepted"
    left = balance(center, f"award:{awards['park']}:H200")
    (own,) = center.get(f"awards/{awards['park']}/reclaims", "park").json()["items"]
    assert own["lines"][0]["held"] == left + WHOLE_GANGS
    assert center.get("ledger/trial-balance", "aud").json()["holds"]


def test_everybody_sees_what_is_theirs(center: Center, awards: dict[str, str], reclaim: str):
    """Fellows read their own notice in their language; the whole is for the center's people."""
    (own,) = center.get(f"awards/{awards['lee']}/reclaims", "lee").json()["items"]
    assert {awards["lee"]} == {line["award"] for line in own["lines"]}
    (line,) = own["lines"]
    assert line["text"].startswith(f"On {DAY} up to ")
    korean = {"Accept-Language": "ko"}
    shown = center.get(f"awards/{awards['lee']}/reclaims", "lee", headers=korean).json()
    assert "회수됩니다" in shown["items"][0]["lines"][0]["text"]
    assert 404 == center.get(f"awards/{awards['lee']}/reclaims", "park").status_code
    assert 403 == center.get(f"reclaims/{reclaim}", "lee").status_code
    round_ = own["round"]
    (listed,) = center.get(f"rounds/{round_}/reclaims", "aud").json()["items"]
    assert (reclaim, []) == (listed["id"], listed["lines"])
    address = f"reclaims/{reclaim}"
    refused = center.change(address, f"{address}/rejections", "appr", {"reason": "Not now."})
    assert (201, "rejected") == (refused.status_code, refused.json()["state"])


def test_what_lies_ahead_is_forecast(center: Center, awards: dict[str, str]):
    """Groups are the sums of their awards; a lead sees the own group."""
    brought(center)
    round_ = center.get(f"awards/{awards['kim']}", "op").json()["round"]
    path = f"rounds/{round_}/reclaim-forecast"
    body = center.get(path, "op", params={"rule": "emsl"}).json()
    assert {"2027-01-18", "2027-01-25"} == {each["day"] for each in body["items"]}
    for group in body["groups"]:
        own = [
            each["rate"]["gpu_seconds"]
            for each in body["items"]
            if (each["group"], each["day"]) == (group["group"], group["day"])
        ]
        assert group["rate"] == sum(own)
    assert sum(group["rate"] for group in body["groups"]) > HOUR
    lead = center.get(path, "lead", params={"rule": "emsl"}).json()
    assert {"g1"} == {each["group"] for each in lead["groups"]}
    assert 422 == center.get(path, "op", params={"rule": "none"}).status_code


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rule": "nersc"}, "/rule"),
        ({"content": None}, "/rule"),
        ({"content": None, "rule": "mine"}, "/rule"),
        ({"content": {"name": "x"}}, "/content"),
        ({"day": "soon"}, "/day"),
        ({"day": "2027-01-19"}, "/day"),
    ],
)
def test_a_bad_proposal_is_refused_by_field(
    center: Center, awards: dict[str, str], change: dict, field: str
):
    """Neither or both of rule and content, an unknown name, a broken rule, no checkpoint."""
    round_ = center.get(f"awards/{awards['kim']}", "op").json()["round"]
    body = {"content": half_time(), "day": DAY, "reason": "Half time.", **change}
    refused = center.create(f"rounds/{round_}/reclaims", "op", body)
    assert (422, "invalid-value") == (refused.status_code, refused.json()["code"]), refused.text
    assert field in refused.text
