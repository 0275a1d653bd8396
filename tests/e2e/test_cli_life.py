"""The commands of mid-round as the handbooks print them, one story after the other."""

from datetime import UTC, datetime, timedelta

from tests.e2e.center import Center
from tests.e2e.solving import go_on_one, solve_one
from tests.e2e.test_http_books import HOUR, awards, balance
from tests.e2e.test_http_changes import call, dure, held
from tests.e2e.test_http_enforcement import accepted
from tests.e2e.test_http_going_on import PARKS, full, lees
from tests.e2e.test_http_reclaims import reclaim, watched
from tests.e2e.test_http_rounds import a_frozen_round, a_scenario, publish

__all__ = ["awards", "call", "dure", "full", "reclaim"]


def first_word(text: str) -> str:
    """Return the id that a command printed first."""
    return text.split(maxsplit=1)[0]


def test_a_lapsed_offer_goes_down_the_line(center: Center, full: str, dure, capsys):
    """Foreseen, lapsed by hand, due, frozen, told, selected, approved, published, accepted."""
    accepted(center, "kim")
    (award,) = center.get("awards", "park").json()["items"]
    assert 0 == dure("op", "award", "expire-offers", full, "--forecast")
    assert award["id"] in capsys.readouterr().out
    assert 0 == dure("op", "round", "reallocations", full)
    assert "None was called for." in capsys.readouterr().out
    center.clock.now = datetime.fromisoformat(award["answer_by"]) + timedelta(seconds=1)
    assert 6 == dure("park", "award", "accept", award["id"])
    assert 0 == dure("op", "award", "expire-offers", full, "--yes")
    assert "1 offers lapsed." in capsys.readouterr().out
    assert 0 == dure("op", "round", "reallocations", full)
    told = capsys.readouterr().out
    assert ("award.lapsed" in told, "queued" in told) == (True, True)
    next_ = go_on_one(center)["round"]
    assert 0 == dure("op", "round", "reallocations", full)
    assert next_ in capsys.readouterr().out
    assert 0 == dure("op2", "notifications")
    assert f"dure round scenarios {next_}" in capsys.readouterr().out
    scenario = solve_one(center)
    assert 0 == dure("op", "round", "scenarios", next_)
    assert scenario in capsys.readouterr().out
    assert 0 == dure("op", "round", "select", next_, scenario, "--reason", "Best.", "--yes")
    digest = first_word(capsys.readouterr().out)
    sign = ["round", "approve", next_, "--digest", digest, "--reason", "Checked.", "--yes"]
    assert 4 == dure("op", *sign)
    assert 0 == dure("appr", *sign)
    assert 0 == dure("op", "round", "publish", next_, "--yes")
    assert 0 == dure("lee", "award", "accept", lees(center))
    assert balance(center, f"call:{full}:H200") < PARKS * HOUR


def test_what_is_asked_of_an_award(center: Center, awards: dict[str, str], call: str, dure, capsys):
    """A supplement is asked, granted in part, another refused; the award tells its story."""
    ask = ["change", "ask", awards["kim"], "--gpu-type", "H200", "--gpu-hours", "80"]
    for kind, word in (("supplement", ["grant", "--gpu-hours", "40"]), ("advance", ["reject"])):
        assert 0 == dure("kim", *ask, "--kind", kind, "--reason", "The model grew.")
        id_ = first_word(capsys.readouterr().out)
        verdict = ["change", word[0], id_, *word[1:], "--reason", "Seen.", "--yes"]
        assert 4 == dure("kim", *verdict)
        assert 0 == dure("appr", *verdict)
        capsys.readouterr()
    assert 1040 == held(center, awards["kim"])
    assert 0 == dure("kim", "change", "list", "--all")
    told = capsys.readouterr().out
    assert ("granted" in told, "rejected" in told) == (True, True)
    assert 0 == dure("kim", "award", "changes", awards["kim"])
    assert "supplemented" in capsys.readouterr().out
    assert balance(center, f"reserve:{call}:H200") == 360 * HOUR


def test_hours_move_by_two_people(center: Center, awards: dict[str, str], call: str, dure, capsys):
    """Into the reserve, from there to an award, and from one award to another of the group."""
    account, why = f"call:{call}:H200", ["--reason", "For emergencies."]
    assert 0 == dure("op", "ledger", "reserve", account, str(80 * HOUR), *why)
    proposal = first_word(capsys.readouterr().out)
    assert 5 == dure("op", "pending", "approve", proposal, *why, "--yes")
    assert 0 == dure("appr", "pending", "approve", proposal, *why, "--yes")
    assert balance(center, f"reserve:{call}:H200") == 480 * HOUR
    capsys.readouterr()
    more = ["--gpu-type", "H200", "--gpu-seconds", str(80 * HOUR), *why]
    assert 0 == dure("op", "award", "adjust", awards["kim"], *more)
    proposal = first_word(capsys.readouterr().out)
    assert 0 == dure("appr", "pending", "approve", proposal, *why, "--yes")
    assert 1080 == held(center, awards["kim"])
    capsys.readouterr()
    assert 0 == dure("lead", "award", "transfer", awards["kim"], awards["lee"], *more, "--yes")
    proposal = first_word(capsys.readouterr().out)
    assert 0 == dure("lead", "pending", "list")
    assert "transfer" in capsys.readouterr().out
    assert 5 == dure("lead", "pending", "approve", proposal, *why, "--yes")
    assert 4 == dure("lee", "pending", "approve", proposal, *why, "--yes")
    assert 0 == dure("kim", "pending", "approve", proposal, *why, "--yes")
    assert (1000, 1080) == (held(center, awards["kim"]), held(center, awards["lee"]))


def test_an_exemption_is_asked_when_its_last_day_is_near(
    center: Center, awards: dict[str, str], reclaim: str, dure, capsys
):
    """The fellow is told, reads the notice, asks, and is told no more."""
    watched(center, 11)
    assert 0 == dure("lee", "notifications")
    told = capsys.readouterr().out
    assert f"dure reclaim notices {awards['lee']}" in told
    assert "you can no longer ask" in told
    assert 0 == dure("lee", "reclaim", "notices", awards["lee"])
    assert "until 2027-01-13" in capsys.readouterr().out
    why = ["--reason", "The data came late."]
    assert 0 == dure("lee", "reclaim", "exempt", reclaim, awards["lee"], *why)


def test_a_role_is_granted_by_two_administrators(center: Center, dure, capsys):
    """Proposed, not approved by the proposer, approved, used, listed, revoked at once; refused."""
    grant = ["role", "grant", "kim", "agent"]
    assert 0 != dure("adm", *grant)
    assert "/cluster" in capsys.readouterr().err
    assert 0 == dure("adm", *grant, "--cluster", "duru")
    id_ = first_word(capsys.readouterr().out)
    assert 0 == dure("op", "enforce", "target", "duru", "--gpu-type", "H200=h200", "--yes")
    assert 4 == dure("kim", "enforce", "targets")
    assert 5 == dure("adm", "role", "approve", id_, "--yes")
    assert 0 == dure("adm2", "role", "approve", id_, "--yes")
    assert 0 == dure("kim", "enforce", "targets")
    capsys.readouterr()
    assert 0 == dure("adm", "role", "list", "--person", "kim")
    told = capsys.readouterr().out.split()
    assert {id_, "kim", "agent", "duru", "effective", "adm", "adm2"} <= set(told)
    assert 0 == dure("adm", "role", "revoke", id_, "--yes")
    assert 4 == dure("kim", "enforce", "targets")
    capsys.readouterr()
    assert 0 == dure("adm", "role", "grant", "kim", "auditor")
    other = first_word(capsys.readouterr().out)
    assert 0 == dure("adm2", "role", "reject", other, "--yes")
    assert 0 == dure("adm", "role", "list", "--person", "kim")
    assert "No roles." in capsys.readouterr().out
    assert 0 == dure("adm", "role", "list", "--person", "kim", "--all")
    told = capsys.readouterr().out
    assert ("rejected" in told, "revoked" in told) == (True, True)


def test_a_machine_sees_its_own_cluster(center: Center, dure, capsys, tmp_path):
    """Another cluster is not listed, and its plan is not there; the exit code says so."""
    for name in ("duru", "other"):
        assert 0 == dure("op", "enforce", "target", name, "--gpu-type", "H200=h200", "--yes")
    key = tmp_path / "key"
    key.write_text("00" * 32)
    capsys.readouterr()
    assert 0 == dure("agent", "enforce", "targets")
    told = capsys.readouterr().out
    assert ("duru" in told, "other" in told) == (True, False)
    assert 4 == dure("agent", "enforce", "plan", "--cluster", "other", "--key", str(key))
    assert "There is no target other that you may see." in capsys.readouterr().err
    # Its own plan is there, but signed with another key than this machine has.
    assert 7 == dure("agent", "enforce", "plan", "--cluster", "duru", "--key", str(key))


def test_what_rounds_left_owing(center: Center, dure, capsys):
    """Groups to everybody, fellows to themselves; before any round there is nothing to say."""
    assert 0 == dure("kim", "round", "deficits")
    assert "No round left anything owing." in capsys.readouterr().out
    whole = {"gpu_hours": 70_000, "minimum_gpu_hours": 70_000, "max_gpus": 160}
    round_, _ = a_frozen_round(center, whole, whole)
    publish(center, round_, a_scenario(center, round_, preset="entitlement"))
    body = center.get("deficits", "op").json()
    assert ([round_], 365) == (body["rounds"], body["half_life_days"])
    owed = {each["id"]: each["deficit"] for each in body["groups"]}
    assert min(owed.values()) < 0 < max(owed.values())
    assert {"kim", "park"} == {each["id"] for each in body["fellows"]}
    assert ["kim"] == [each["id"] for each in center.get("deficits", "kim").json()["fellows"]]
    center.clock.now = datetime(2027, 1, 15, tzinfo=UTC)
    assert 0 == dure("kim", "round", "deficits", "--half-life", "30")
    told = capsys.readouterr().out
    assert ("group g2" in told, "fellow kim" in told, "park" in told) == (True, True, False)
    assert 422 == center.get("deficits", "kim", params={"half_life_days": 0}).status_code
