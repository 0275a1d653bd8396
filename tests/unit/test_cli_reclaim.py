"""`dure reclaim`: forecasts, notices and decisions as people read them."""

import json
from datetime import date
from pathlib import Path

from scheduler.domain.messages import Language
from scheduler.export.notices import Loss, notice_text
from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]

TAKING = {"gpu_seconds": 7_200, "used": 0, "measure": 7_200, "why_not": None}
ON_PACE = {**TAKING, "gpu_seconds": 0, "why_not": "on-pace"}
LINE = {
    "award": "awd_1",
    "fellow": "kim",
    "group": "g1",
    "gpu_type": "H200",
    "held": 36_000,
    "used": 0,
    "measure": 18_000,
    "at_most": 18_000,
    "expected": 9_000,
    "text": "On 2027-04-15 up to 5 …",
}
ASKED = {"id": "prp_2", "award": "awd_1", "state": "pending", "reason": "Ill."}
RECLAIM = {
    "id": "prp_1",
    "round": "rnd_1",
    "rule": "nersc",
    "title": "The shortfall",
    "day": "2027-04-15",
    "state": "pending",
    "takes_effect_at": "2027-04-15T00:00:00.000000Z",
    "exemption_until": "2027-04-01",
    "awards": 1,
    "at_most_gpu_seconds": 18_000,
    "lines": [LINE],
    "exemptions": [ASKED],
}


def test_the_forecast_is_a_table(center, dure, capsys):
    """By group and by award; who loses nothing reads why."""
    item = {
        "day": "2027-04-15",
        "award": "awd_1",
        "gpu_type": "H200",
        "exemption_until": "2027-04-01",
        "rate": TAKING,
        "curve": ON_PACE,
    }
    group = {"day": "2027-04-15", "group": "g1", "rate": 7_200, "curve": 0}
    body = {"rule": "nersc", "groups": [group], "items": [item]}
    center.answers["GET", "/api/v1/rounds/rnd_1/reclaim-forecast"] = (200, body)
    assert 0 == dure("reclaim", "forecast", "rnd_1")
    told = capsys.readouterr().out
    assert "2027-04-15  g1" in told
    assert "on-pace" in told
    empty = {**body, "groups": [], "items": []}
    center.answers["GET", "/api/v1/rounds/rnd_1/reclaim-forecast"] = (200, empty)
    assert 0 == dure("reclaim", "forecast", "rnd_1", "--rule", "alcc")
    assert "No checkpoint lies ahead" in capsys.readouterr().out


def test_a_proposal_names_a_rule_or_a_file(center, dure, capsys, tmp_path: Path):
    """A shipped rule goes by name, a file by its content; others are refused."""
    center.answers["POST", "/api/v1/rounds/rnd_1/reclaims"] = (202, RECLAIM)
    arguments = ("reclaim", "propose", "rnd_1", "--on", "2027-04-15", "--reason", "Now.", "--yes")
    assert 0 == dure(*arguments, "--rule", "nersc")
    assert {"rule": "nersc", "day": "2027-04-15", "reason": "Now."} == json.loads(
        center.seen[-1][2]
    )
    assert "At most 5 GPU-hours of 1 awards" in capsys.readouterr().out
    file = tmp_path / "ours.toml"
    shipped = Path(__file__).parents[2] / "configs" / "reclaim" / "alcc.toml"
    file.write_text(shipped.read_text())
    assert 0 == dure(*arguments, "--rule", str(file))
    assert "alcc" == json.loads(center.seen[-1][2])["content"]["name"]
    assert 1 == dure(*arguments, "--rule", "none")
    file.write_text("name = 1")
    assert 2 == dure(*arguments, "--rule", str(file))


def test_reclaims_are_shown_and_listed(center, dure, capsys):
    """Lines, exemptions, and the notice of one award."""
    center.answers["GET", "/api/v1/reclaims/prp_1"] = (200, RECLAIM)
    assert 0 == dure("reclaim", "show", "prp_1")
    told = capsys.readouterr().out
    assert "awd_1  kim     H200        10     0        5       2.5" in told
    assert "prp_2  awd_1  pending  Ill." in told
    center.answers["GET", "/api/v1/rounds/rnd_1/reclaims"] = (200, {"items": [RECLAIM]})
    assert 0 == dure("reclaim", "list", "rnd_1")
    assert "prp_1" in capsys.readouterr().out
    center.answers["GET", "/api/v1/awards/awd_1/reclaims"] = (200, {"items": [RECLAIM]})
    assert 0 == dure("reclaim", "notices", "awd_1")
    assert "prp_1 (pending): On 2027-04-15" in capsys.readouterr().out
    center.answers["GET", "/api/v1/awards/awd_1/reclaims"] = (200, {"items": []})
    assert 0 == dure("reclaim", "notices", "awd_1")
    assert "No reclaim speaks of it." in capsys.readouterr().out


def test_exempt_approve_reject(center, dure, capsys):
    """Each sends one word with its reason."""
    center.answers["GET", "/api/v1/reclaims/prp_1"] = (200, RECLAIM)
    center.answers["POST", "/api/v1/reclaims/prp_1/exemptions"] = (202, ASKED)
    assert 0 == dure("reclaim", "exempt", "prp_1", "awd_1", "--reason", "Ill.", "--yes")
    assert "dure pending approve prp_2" in capsys.readouterr().out
    for command, word in (("approve", "approvals"), ("reject", "rejections")):
        done = {**RECLAIM, "state": f"{command}ed"}
        center.answers["POST", f"/api/v1/reclaims/prp_1/{word}"] = (201, done)
        assert 0 == dure("reclaim", command, "prp_1", "--reason", "Seen.", "--yes")
        assert '{"reason": "Seen."}' == center.seen[-1][2].replace('":"', '": "')
        assert f"prp_1 is {command}" in capsys.readouterr().out


def test_a_notice_has_two_languages():
    """Date, type, hours and last day stand in both."""
    from_hours = {"held": 36_000, "used": 1_800, "at_most": 4_500_000, "expected": 108}
    loss = Loss(
        on=date(2027, 4, 15),
        until=date(2027, 4, 1),
        gpu_type="H200",
        **from_hours,
    )
    for language in Language:
        text = notice_text(loss, language)
        for part in ("2027-04-15", "2027-04-01", "H200", "1,250", "0.5", "0.03", "10"):
            assert part in text
