"""Notifications over HTTP: what happened that concerns the caller, and what is read."""

from tests.e2e.center import Center
from tests.e2e.test_http_rounds import published


def test_a_fellow_is_told_of_an_offer_until_it_is_read(center: Center):
    """Each sees their own, in their language; read once, it is no longer unread."""
    published(center, {}, {})
    (notification,) = center.get(
        "me/notifications", "kim", headers={"Accept-Language": "ko"}
    ).json()["items"]
    (award,) = center.get("awards", "kim").json()["items"]
    assert ("award.offered", award["id"], None) == tuple(
        notification[name] for name in ("kind", "subject", "read_at")
    )
    assert "배정이 제안되었습니다" in notification["text"]
    address = f"me/notifications/{notification['id']}/reads"
    assert 404 == center.create(address, "park").status_code
    read = center.create(address, "kim")
    assert 201 == read.status_code, read.text
    assert read.json()["read_at"] is not None
    assert read.json() == center.create(address, "kim").json()
    assert [] == center.get("me/notifications?unread=true", "kim").json()["items"]
    assert 1 == len(center.get("me/notifications", "kim").json()["items"])
    assert 1 == len(center.get("me/notifications?unread=true", "park").json()["items"])
    assert 401 == center.get("me/notifications").status_code


def test_operators_and_approvers_are_told_what_waits(center: Center):
    """The approver of the selection; the operators of the approval; nobody of the own act."""
    published(center)

    def kinds(who: str) -> list[str]:
        return [each["kind"] for each in center.get("me/notifications", who).json()["items"]]

    assert ["round.selected"] == kinds("appr")
    assert ["round.approved"] == kinds("op2")
    assert "round.selected" not in kinds("op")


def test_everybody_chooses_how_they_are_told(center: Center):
    """Everything in both languages until somebody chooses; a choice names the version it read."""
    read = center.get("me/contact", "kim")
    assert ("all", None, 1) == tuple(read.json()[name] for name in ("mail", "language", "version"))
    wish = {"mail": "digest", "language": "en"}
    assert 428 == center.send("PUT", "me/contact", "kim", json=wish).status_code
    known = {"If-Match": read.headers["ETag"]}
    chosen = center.send("PUT", "me/contact", "kim", json=wish, headers=known)
    assert (200, wish) == (
        chosen.status_code,
        {name: chosen.json()[name] for name in ("mail", "language")},
    )
    assert 412 == center.send("PUT", "me/contact", "kim", json=wish, headers=known).status_code
    assert chosen.json() == center.get("me/contact", "kim").json()
    assert "all" == center.get("me/contact", "lee").json()["mail"]
    assert 401 == center.get("me/contact").status_code
    odd = {"mail": "sometimes"}
    now = {"If-Match": chosen.headers["ETag"]}
    assert 422 == center.send("PUT", "me/contact", "kim", json=odd, headers=now).status_code
