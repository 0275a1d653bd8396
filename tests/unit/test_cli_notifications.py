"""`dure notifications` against a center that answers what the test says."""

from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]

NOTIFICATION = {
    "id": "ntf_1",
    "at": "2026-12-01T09:00:00Z",
    "text": "You are offered.",
    "read_at": None,
}


def test_notifications_are_shown_and_marked_as_read(center, dure, capsys):
    """One line each; marked only when asked, and only what was unread."""
    read = {**NOTIFICATION, "id": "ntf_2", "read_at": "2026-12-02T09:00:00Z"}
    listed = {"items": [NOTIFICATION, read], "next_cursor": None}
    center.answers["GET", "/api/v1/me/notifications"] = (200, listed)
    center.answers["POST", "/api/v1/me/notifications/ntf_1/reads"] = (201, NOTIFICATION)
    assert 0 == dure("notifications")
    assert "You are offered." in capsys.readouterr().out
    assert [] == [each for each in center.seen if each[0] == "POST"]
    assert 0 == dure("notifications", "--read", "--all")
    posted = [each[1] for each in center.seen if each[0] == "POST"]
    assert ["/api/v1/me/notifications/ntf_1/reads"] == posted
    center.answers["GET", "/api/v1/me/notifications"] = (200, {**listed, "items": []})
    assert 0 == dure("notifications", "--json")
    capsys.readouterr()
    assert 0 == dure("notifications")
    assert "Nothing new.\n" == capsys.readouterr().out
