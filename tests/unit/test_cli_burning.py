"""`dure award usage` and `dure usage forecast`: figures, a bar, a letter a week."""

import pytest

from api.commands.gauges import bar, sparkline
from tests.unit.test_cli_online import center, dure

__all__ = ["center", "dure"]

FORECASTS = [
    {"basis": "rate", "used": 7_200_000, "unused": 3_600_000, "exhausts_at": None},
    {"basis": "curve", "used": 3_600_000, "unused": 7_200_000, "exhausts_at": None},
    {
        "basis": "blend",
        "used": 10_800_000,
        "unused": 0,
        "exhausts_at": "2027-03-01T00:00:00.000000Z",
    },
]
FIGURES = {"held": 10_800_000, "used": 360_000, "due": 5_400_000, "forecasts": FORECASTS}
ITEM = {
    **FIGURES,
    "gpu_type": "H200",
    "begins_at": "2027-01-04T00:00:00.000000Z",
    "ends_at": "2027-06-28T00:00:00.000000Z",
    "per_day": 36_000,
    "days": [
        {"on": "2027-01-04", "gpu_seconds": 270_000},
        {"on": "2027-01-20", "gpu_seconds": 90_000},
    ],
}


@pytest.mark.parametrize(
    ("figures", "letters"),
    [
        ((0, 0, 4), "┃░░░"),
        ((2, 1, 4), "█┃░░"),
        ((2, 4, 4), "██░┃"),
        ((9, 2, 4), "┃███"),
        ((0, 0, 0), "┃░░░"),
    ],
)
def test_a_bar_is_filled_and_marked(figures: tuple[int, int, int], letters: str):
    """Used is filled, the plan is a mark, whatever was overspent fills all."""
    assert letters == bar(*figures, width=4)


def test_a_sparkline_has_a_letter_a_value():
    """The most is the highest; nothing is blank; little is low."""
    assert "▁ █▅" == sparkline([1, 0, 100, 50])
    assert "  " == sparkline([0, 0])


def test_award_usage_is_drawn(center, dure, capsys):
    """Hours, pace, weeks and three forecasts stand on the screen."""
    answer = {"award": "awd_1", "round": "rnd_1", "at": "2027-02-01T00:00:00Z", "items": [ITEM]}
    center.answers["GET", "/api/v1/awards/awd_1/usage"] = (200, answer)
    assert 0 == dure("award", "usage", "awd_1")
    told = capsys.readouterr().out
    assert "H200: 100 of 3,000 GPU-hours used; the plan has 1,500 by now; 10 a day lately." in told
    assert "█ ▃  a letter a week" in told
    assert "both together                  3,000       0  2027-03-01" in told
    center.answers["GET", "/api/v1/awards/awd_1/usage"] = (
        200,
        {**answer, "items": [{**ITEM, "days": []}]},
    )
    assert 0 == dure("award", "usage", "awd_1")
    assert "No use yet." in capsys.readouterr().out


def test_a_round_is_forecast_by_group(center, dure, capsys):
    """One line a group."""
    body = {"round": "rnd_1", "groups": [{"group": "g1", **FIGURES}], "items": []}
    center.answers["GET", "/api/v1/rounds/rnd_1/usage"] = (200, body)
    assert 0 == dure("usage", "forecast", "rnd_1")
    assert "g1         3,000   100    1,500" in capsys.readouterr().out
    center.answers["GET", "/api/v1/rounds/rnd_1/usage"] = (200, {**body, "groups": []})
    assert 0 == dure("usage", "forecast", "rnd_1")
    assert "No awards that you may see." in capsys.readouterr().out
