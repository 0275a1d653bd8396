"""`dure notifications` against a center that answers what the test says."""

import json

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


def test_a_choice_keeps_what_it_does_not_name(center, dure, capsys):
    """One option alone leaves the other as it was."""
    center.answers["GET", "/api/v1/me/contact"] = (200, {"mail": "all", "language": "ko"})
    center.answers["PUT", "/api/v1/me/contact"] = (200, {"mail": "none", "language": "ko"})
    assert 0 == dure("notifications", "--mail", "none")
    assert "Mail: none; language: ko.\n" == capsys.readouterr().out
    (body,) = [json.loads(each[2]) for each in center.seen if each[0] == "PUT"]
    assert {"mail": "none", "language": "ko"} == body
    center.answers["PUT", "/api/v1/me/contact"] = (200, {"mail": "all", "language": "en"})
    assert 0 == dure("notifications", "--mail-language", "en", "--json")
