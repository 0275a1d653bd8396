"""Awards and people that change, over HTTP and by command: done, refused by name, kept for ever."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from api.client import Client
from api.command_line import run
from api.commands.profiles import Profile, keep_profile
from api.commands.terminal import Terminal
from tests.e2e.center import Center, call_terms
from tests.e2e.test_http_books import HOUR, awards, balance

__all__ = ["awards"]

HOURS = {"gpu_type": "H200", "gpu_hours": 80, "reason": "The model grew."}
YES = {"grant": True, "reason": "It is so."}
RESERVE = 400 * HOUR


@pytest.fixture
def call(center: Center, awards: dict[str, str]) -> str:
    """The call of the awards, whose director keeps 400 GPU-hours."""
    round_ = center.get(f"awards/{awards['kim']}", "op").json()["round"]
    id_: str = center.get(f"rounds/{round_}", "op").json()["call"]
    wish = {"account": f"call:{id_}:H200", "gpu_seconds": RESERVE, "reason": "In need."}
    asked = center.create("ledger/reserves", "op", wish)
    assert 202 == asked.status_code, asked.text
    agreed(center, asked.json()["id"])
    return id_


@pytest.fixture
def dure(center: Center, monkeypatch, tmp_path) -> Callable[..., int]:
    """The command line of anybody, which reaches the center without a network."""
    reaching = partial(Client, transport=center.http._transport)
    monkeypatch.setattr("api.commands.session.Client", reaching)

    def command(who: str, *arguments: str) -> int:
        terminal = Terminal(
            environ={"XDG_CONFIG_HOME": str(tmp_path / who), "LANG": "C.UTF-8"},
            now=center.clock,
            seconds=lambda: 0.0,
        )
        kept = Profile(name="default", server="http://center", token=center.tokens[who])
        keep_profile(terminal, kept)
        with pytest.raises(SystemExit) as ended:
            run(arguments, terminal)
        return int(ended.value.code or 0)

    return command


def agreed(center: Center, proposal: str) -> None:
    """Let a second person agree."""
    address = f"pending-approvals/{proposal}"
    word = {"approve": True, "reason": "Seen."}
    assert 201 == center.change(address, f"{address}/decisions", "appr", word).status_code


def held(center: Center, award: str) -> float:
    """Return the reference GPU-hours that an award holds."""
    body = center.get(f"awards/{award}", "op").json()
    amount: float = body["held"]
    return amount


def first_slot(center: Center, award: str) -> int:
    """Return the first slot that an award holds hours in."""
    cells = center.get(f"awards/{award}", "op").json()["cells"]
    return min(cell["slot"] for cell in cells)


def story(center: Center, award: str) -> list[str]:
    """Return the kinds of the changes of an award, oldest first."""
    return [each["kind"] for each in center.get(f"awards/{award}/changes", "op").json()["items"]]


@pytest.mark.parametrize(
    ("kind", "more", "gained", "told"),
    [
        ("supplement", {}, 80, "supplemented"),
        ("advance", {}, 0, "advanced"),
        ("extension", {"first": 3}, 0, "extended"),
    ],
)
def test_what_a_fellow_asks_is_granted_by_somebody_else(  # noqa: PLR0913 - fixtures and a case
    center: Center,
    awards: dict[str, str],
    call: str,
    *,
    kind: str,
    more: dict,
    gained: int,
    told: str,
):
    """Filed by the fellow, granted in part or whole by an approver, in effect at once, kept."""
    in_order = sorted(awards, key=lambda each: first_slot(center, awards[each]))
    who = in_order[-1 if kind == "advance" else 0]
    award, stranger = awards[who], "kim" if who == "park" else "park"
    if kind == "extension":
        center.clock.now = datetime(2027, 1, 20, tzinfo=UTC)
    before = held(center, award)
    path = f"awards/{award}/change-requests"
    filed = center.create(path, who, {"kind": kind, **HOURS, **more})
    assert 201 == filed.status_code, filed.text
    again = center.create(path, who, {"kind": kind, **HOURS, **more})
    assert (409, "already-exists") == (again.status_code, again.json()["code"])
    address = f"change-requests/{filed.json()['id']}"
    assert "filed" == center.get(address, who).json()["state"]
    assert 404 == center.get(address, stranger).status_code
    assert 403 == center.change(address, f"{address}/decisions", who, YES).status_code
    done = center.change(address, f"{address}/decisions", "appr", YES)
    assert 201 == done.status_code, done.text
    assert ("granted", 80) == (done.json()["state"], done.json()["granted"])
    assert before + gained == held(center, award)
    assert ["granted", told] == story(center, award)
    assert RESERVE - gained * HOUR == balance(center, f"reserve:{call}:H200")
    late = center.change(address, f"{address}/decisions", "appr", YES)
    assert (409, "invalid-transition") == (late.status_code, late.json()["code"])
    assert center.get("ledger/trial-balance", "aud").json()["holds"]


def test_refusals_name_field_value_and_rule(center: Center, awards: dict[str, str], call: str):
    """A wrong GPU type, more than is free, and more than the reserve holds: nothing has changed."""
    award = awards["kim"]
    path = f"awards/{award}/change-requests"
    wrong = center.create(path, "kim", {"kind": "supplement", **HOURS, "gpu_type": "B200"})
    assert 422 == wrong.status_code
    (error,) = wrong.json()["errors"]
    assert ("#/gpu_type", "B200") == (error["pointer"], error["got"])
    assert "H200" in error["message"]
    filed = center.create(path, "kim", {"kind": "supplement", **HOURS, "gpu_hours": 800})
    address = f"change-requests/{filed.json()['id']}"
    poor = center.change(address, f"{address}/decisions", "appr", YES)
    assert (409, "balance-too-small") == (poor.status_code, poor.json()["code"]), poor.text
    assert (f"reserve:{call}:H200", RESERVE, 800 * HOUR) == tuple(
        poor.json()[name] for name in ("account", "available", "amount")
    )
    assert "filed" == center.get(address, "kim").json()["state"]
    odd = {**YES, "gpu_hours": 81}
    refused = center.change(address, f"{address}/decisions", "appr", odd)
    assert (422, "invalid-value") == (refused.status_code, refused.json()["code"])
    assert "gang" in refused.text
    assert ["granted"] == story(center, award)
    no = {"grant": False, "reason": "There is too little."}
    assert "rejected" == center.change(address, f"{address}/decisions", "appr", no).json()["state"]


def test_an_appeal_by_command(center: Center, awards: dict[str, str], call: str, dure, capsys):
    """Filed, seen, granted in part; after 30 days the time is over, and the exit code says so."""
    center.clock.now = datetime(2026, 12, 10, tzinfo=UTC)
    award, appeal = awards["kim"], ["change", "appeal", awards["kim"], "--gpu-type", "H200"]
    asked = [*appeal, "--gpu-hours", "80", "--reason", "It is mine.", "--error", "Another's score."]
    assert 0 == dure("kim", *asked)
    (line,) = (each for each in capsys.readouterr().out.splitlines() if "filed" in each)
    id_ = line.split()[0]
    assert id_.startswith("apl_")
    assert 0 == dure("appr", "change", "list")
    assert id_ in capsys.readouterr().out
    grant = ["change", "grant", id_, "--gpu-hours", "40", "--reason", "Half.", "--yes"]
    assert 4 == dure("kim", *grant)
    assert 0 == dure("appr", *grant)
    assert "40 GPU-hours" in capsys.readouterr().out
    assert 1040 == held(center, award)
    assert RESERVE - 40 * HOUR == balance(center, f"reserve:{call}:H200")
    center.clock.move(days=31)
    assert 0 != dure("kim", *asked)
    assert "Appeals on award" in capsys.readouterr().err
    assert 0 == dure("kim", "change", "list", "--all")
    assert "granted" in capsys.readouterr().out


def test_a_transfer_within_the_group(center: Center, awards: dict[str, str]):
    """The lead proposes, the fellow whose hours go agrees; nobody else can; both stories tell."""
    giver = f"awards/{awards['kim']}"
    body = {"gpu_type": "H200", "gpu_seconds": 80 * HOUR, "reason": "Lee has the data."}
    handed = {**body, "to": awards["lee"]}
    assert 403 == center.create(f"{giver}/transfers", "kim", handed).status_code
    asked = center.change(giver, f"{giver}/transfers", "lead", handed)
    assert 202 == asked.status_code, asked.text
    assert ("transfer", "kim") == (asked.json()["kind"], asked.json()["party"])
    assert 1000 == held(center, awards["kim"])
    address, word = f"pending-approvals/{asked.json()['id']}", {"approve": True, "reason": "Yes."}
    told = center.get("me/notifications", "kim").json()["items"]
    assert "transfer.proposed" in {each["kind"] for each in told}
    for stranger in ("lee", "park", "appr"):
        assert 404 == center.get(address, stranger).status_code
        assert [] == center.get("pending-approvals", stranger).json()["items"]
    tag = center.get(address, "kim").headers["ETag"]
    headers = {"Idempotency-Key": "stranger-agrees", "If-Match": tag}
    foreign = center.send("POST", f"{address}/decisions", "lee", headers=headers, json=word)
    assert (404, "not-found") == (foreign.status_code, foreign.json()["code"])
    own = center.change(address, f"{address}/decisions", "lead", word)
    assert (409, "second-person-required") == (own.status_code, own.json()["code"])
    assert [asked.json()["id"]] == [
        each["id"] for each in center.get("pending-approvals", "kim").json()["items"]
    ]
    done = center.change(address, f"{address}/decisions", "kim", word)
    assert (201, "approved") == (done.status_code, done.json()["state"]), done.text
    assert (920, 1080) == (held(center, awards["kim"]), held(center, awards["lee"]))
    assert ["granted", "handed_on"] == story(center, awards["kim"])
    assert ["granted", "received"] == story(center, awards["lee"])
    refused = center.change(giver, f"{giver}/transfers", "lead", {**body, "to": awards["park"]})
    assert refused.status_code in {404, 422}
    assert 1000 == held(center, awards["park"])
    assert center.get("ledger/trial-balance", "aud").json()["holds"]


def test_a_suspension_by_command(center: Center, awards: dict[str, str], dure, capsys):
    """Suspended by an operator with a reason, resumed; a second suspension says what is allowed."""
    award = awards["kim"]
    assert 4 == dure("kim", "award", "suspend", award, "--reason", "Mine.", "--yes")
    assert 0 == dure("op", "award", "suspend", award, "--reason", "A report is due.", "--yes")
    assert "suspended" == center.get(f"awards/{award}", "kim").json()["state"]
    capsys.readouterr()
    assert 0 != dure("op", "award", "suspend", award, "--reason", "Again.", "--yes")
    assert "resume" in capsys.readouterr().err
    assert 0 == dure("op", "award", "resume", award, "--reason", "It came.", "--yes")
    assert "accepted" == center.get(f"awards/{award}", "kim").json()["state"]
    assert 1000 == held(center, award)


def test_a_renewal_by_command(center: Center, awards: dict[str, str], dure, capsys):
    """In another call: what was asked is there again, without window and track."""
    terms = {
        "opens_at": "2027-01-05T00:00:00Z",
        "closes_at": "2027-02-05T15:00:00Z",
        "calendar": {"starts_on": "2027-03-01", "slot_hours": 168, "slots": 4},
    }
    drafted = center.create("calls", "op", call_terms(**terms)).json()["id"]
    opened = center.change(f"calls/{drafted}", f"calls/{drafted}/openings", "appr")
    assert 201 == opened.status_code, opened.text
    assert 0 == dure("kim", "award", "renew", awards["kim"], drafted, "--json")
    made = json.loads(capsys.readouterr().out)
    shown = center.get(f"requests/{made['id']}", "kim").json()
    assert ("draft", drafted) == (shown["state"], shown["call"])
    assert 0 != dure("park", "award", "renew", awards["kim"], drafted)


def test_a_return_by_command(center: Center, awards: dict[str, str], call: str, dure, capsys):
    """A part, then all of it; more than is held is refused with both numbers."""
    award, back = awards["kim"], ["award", "return", awards["kim"], "--yes", "--reason", "Less."]
    fund = balance(center, f"call:{call}:H200")
    assert 0 == dure("kim", *back, "--gpu-hours", "200")
    assert 800 == held(center, award)
    assert fund + 200 * HOUR == balance(center, f"call:{call}:H200")
    capsys.readouterr()
    assert 0 != dure("kim", *back, "--gpu-hours", "900")
    told = capsys.readouterr().err
    assert "800" in told
    assert "900" in told
    assert 0 == dure("kim", *back)
    assert "returned" == center.get(f"awards/{award}", "kim").json()["state"]
    assert ["granted", "returned", "returned"] == story(center, award)


def test_people_move_by_command(center: Center, awards: dict[str, str], dure, capsys):
    """Kim carries hours to another group, park leaves and gives back; lee breaks two rules."""
    move = ["people", "move", "kim", "--group", "g2", "--rule", "carry", "--reason", "A new post."]
    assert 4 == dure("op", *move, "--yes")
    assert 0 == dure("adm", *move, "--yes")
    assert ("g2", "accepted") == (
        center.get("people/kim", "adm").json()["group"],
        center.get(f"awards/{awards['kim']}", "kim").json()["state"],
    )
    capsys.readouterr()
    assert 0 != dure(
        "adm", "people", "move", "lee", "--rule", "carry", "--reason", "Left.", "--yes"
    )
    assert "hand_over or give_back" in capsys.readouterr().err
    heir = ["--rule", "hand_over", "--heir", "park", "--reason", "Left."]
    assert 0 != dure("adm", "people", "move", "lee", *heir, "--yes")
    assert "another active fellow of the group that is left" in capsys.readouterr().err
    gone = ["people", "move", "park", "--rule", "give_back", "--reason", "Went abroad."]
    assert 0 == dure("adm", *gone, "--yes")
    assert "returned" == center.get(f"awards/{awards['park']}", "op").json()["state"]
    assert 0 == dure("adm", "people", "moves", "kim")
    told = capsys.readouterr().out
    assert ["g1", "g2", "carry"] == [word for word in told.split() if word in {"g1", "g2", "carry"}]
    assert 401 == center.get("me", "park").status_code
    assert center.get("ledger/trial-balance", "aud").json()["holds"]
