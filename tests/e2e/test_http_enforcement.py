"""Enforcement over HTTP: an agent pulls what is decided, a cluster has it, drift is seen."""

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from api.agent import Agent, read_memory
from api.client import Client, Refusal, Unreachable
from api.signing import UntrustedPlan, cluster_key, signed, trusted
from api.slurm import SlurmCluster, SlurmRefused
from scheduler.domain.enforcement import EnforcementPlan, Form
from tests.e2e.center import SECRET, Center
from tests.e2e.test_http_books import SACCT, brought
from tests.e2e.test_http_rounds import published
from tests.fake_slurm import FakeSlurm

KEY = cluster_key(SECRET, "duru")
TARGET = "enforcement/targets/duru"


@pytest.fixture
def slurm() -> FakeSlurm:
    """A cluster."""
    return FakeSlurm()


@pytest.fixture
def agent(center: Center, slurm: FakeSlurm, tmp_path: Path) -> Agent:
    """Its agent, with a published round behind the center."""
    published(center, {}, {}, {})
    made = center.send("PUT", TARGET, "op", json={"gpu_types": {"H200": "h200"}})
    assert 201 == made.status_code, made.text
    return Agent(
        client=Client("http://center", center.tokens["agent"], transport=center.http._transport),
        cluster=SlurmCluster(name="duru", call=slurm),
        key=KEY,
        memory=tmp_path / "agent.json",
        clock=center.clock,
    )


def accepted(center: Center, who: str) -> str:
    """Let somebody accept their award and return its address."""
    (award,) = center.get("awards", who).json()["items"]
    address = f"awards/{award['id']}"
    assert 201 == center.change(address, f"{address}/acceptances", who).status_code
    return address


def standing(center: Center) -> tuple[int, int, int]:
    """Return waiting, drift and left of the cluster."""
    body = center.get(TARGET, "op").json()
    return body["waiting"], body["drift"], body["left"]


def minutes(slurm: FakeSlurm, account: str, user: str) -> set[str]:
    """Return the limits of an association."""
    return set(slurm.places[account, user]["GrpTRESMins"].split(","))


def test_an_acceptance_reaches_the_cluster(center: Center, slurm: FakeSlurm, agent: Agent):
    """Decided it waits, at the next look it is there, and looking again changes nothing."""
    accepted(center, "kim")
    assert 1 == standing(center)[0]
    done = agent.work()
    assert (True, 1, 0) == (done.applied, done.commands, done.left)
    assert (0, 0, 0) == standing(center)
    hours = center.get("awards", "kim").json()["items"][0]["awarded"]
    assert f"gres/gpu:h200={int(hours) * 60}" in minutes(slurm, "g-g1", "kim")
    commands = slurm.commands
    assert [0] * 7 == [agent.work().commands for _ in range(7)]
    assert commands == slurm.commands


def test_a_return_lowers_the_limit_and_use_does_not(center: Center, slurm: FakeSlurm, agent: Agent):
    """What is used is counted by the cluster itself: the limit stays where it was."""
    address = accepted(center, "kim")
    agent.work()
    before = minutes(slurm, "g-g1", "kim")
    center.clock.now = datetime(2027, 1, 6, tzinfo=UTC)
    brought(center, SACCT)
    assert 0 == agent.work().commands
    assert before == minutes(slurm, "g-g1", "kim")
    given = {"gpu_hours": 80, "reason": "Less data."}
    assert 201 == center.change(address, f"{address}/returns", "kim", given).status_code
    assert 1 == standing(center)[0]
    assert 1 == agent.work().commands
    (lower,) = (each for each in minutes(slurm, "g-g1", "kim") if "h200" in each)
    (higher,) = (each for each in before if "h200" in each)
    assert 80 * 60 == int(higher.split("=")[1]) - int(lower.split("=")[1])


def test_drift_is_seen_named_and_mended(center: Center, slurm: FakeSlurm, agent: Agent):
    """Whoever raised a limit by hand is found out within one look."""
    accepted(center, "kim")
    agent.work()
    slurm.places["g-g1", "kim"]["GrpTRESMins"] = "gres/gpu=99999,gres/gpu:h200=99999"
    agent.work()
    assert (0, 1, 0) == standing(center)
    (found,) = center.get("enforcement/drift", "aud", params={"target": "duru"}).json()["items"]
    assert ("g-g1/kim", True) == (found["name"], "99999" in found["found"])
    agent.work()
    assert (0, 0, 0) == standing(center)
    assert [] == center.get("enforcement/drift", "op").json()["items"]


def test_a_watched_cluster_is_changed_only_by_a_sync(
    center: Center, slurm: FakeSlurm, agent: Agent
):
    """Not automatic: the agent reports what differs, and applies once it is asked."""
    tag = center.get(TARGET, "op").headers["ETag"]
    body = {"gpu_types": {"H200": "h200"}, "automatic": False}
    kept = center.send("PUT", TARGET, "op", json=body, headers={"If-Match": tag})
    assert 200 == kept.status_code, kept.text
    assert 428 == center.send("PUT", TARGET, "op", json=body).status_code
    accepted(center, "kim")
    assert (False, 0) == (agent.work().applied, slurm.commands)
    assert (1, 0, 3) == standing(center)  # one may use hours, two have no place yet
    asked = center.create("enforcement/syncs", "op", {"target": "duru", "reason": "Go."})
    assert 202 == asked.status_code, asked.text
    assert (
        403
        == center.create(
            "enforcement/syncs", "agent", {"target": "duru", "reason": "Go."}
        ).status_code
    )
    assert agent.work().applied
    assert (0, 0, 0) == standing(center)
    accepted(center, "lee")
    assert not agent.work().applied


def test_a_cluster_that_fails_is_not_called_done(center: Center, slurm: FakeSlurm, agent: Agent):
    """A refused command leaves the effects waiting; later looks finish the work."""
    accepted(center, "kim")
    slurm.fails, slurm.chance = 1.0, Random(1)  # noqa: S311 - replayable
    with pytest.raises(SlurmRefused):
        agent.work()
    assert 1 == standing(center)[0]
    slurm.fails = 0.0
    assert agent.work().applied
    assert 0 == standing(center)[0]


def test_a_report_that_is_lost_is_told_again(
    center: Center, slurm: FakeSlurm, agent: Agent, monkeypatch: pytest.MonkeyPatch
):
    """The cluster has it, the center does not know: the next look says so and changes nothing."""
    accepted(center, "kim")
    create = agent.client.create

    def lost(*_: object, **__: object) -> None:
        raise Unreachable("killed")

    monkeypatch.setattr(agent.client, "create", lost)
    with pytest.raises(Unreachable):
        agent.work()
    assert 1 == standing(center)[0]
    monkeypatch.setattr(agent.client, "create", create)
    assert 0 == agent.work().commands
    assert (0, 0, 0) == standing(center)


def test_a_fellow_who_moves_is_an_effect(center: Center, slurm: FakeSlurm, agent: Agent):
    """The new group's account gets the fellow, the old place is frozen."""
    accepted(center, "kim")
    agent.work()
    kim = center.get("people/kim", "adm")
    body = {"name": "Kim", "group": "g2"}
    moved = center.send(
        "PUT", "people/kim", "adm", json=body, headers={"If-Match": kim.headers["ETag"]}
    )
    assert 200 == moved.status_code, moved.text
    assert 1 == standing(center)[0]
    agent.work()
    assert ("0", True) == (
        slurm.places["g-g1", "kim"]["GrpSubmitJobs"],
        ("g-g2", "kim") in slurm.places,
    )


def test_a_late_report_takes_nothing_back(center: Center, agent: Agent):
    """Who reports an older plan does not make applied effects wait again."""
    accepted(center, "kim")
    agent.work()
    said = {
        "target": "duru", "plan": "sha256:0", "through": 0, "applied": True, "commands": 0,
        "found": 0, "left": 0,
    }  # fmt: skip
    assert 201 == center.create("enforcement/reports", "agent", said).status_code
    assert 0 == standing(center)[0]
    assert (
        404
        == center.create("enforcement/reports", "agent", {**said, "target": "other"}).status_code
    )
    assert 403 == center.create("enforcement/reports", "op", said).status_code


def test_only_a_plan_of_the_center_is_trusted(center: Center, agent: Agent):
    """Another key, another cluster, a changed plan, an older one: each is refused."""
    accepted(center, "kim")
    agent.work()
    envelope = center.get("enforcement/plans/duru", "agent").json()
    newest = read_memory(agent.memory).through
    assert "duru" == trusted(envelope, cluster="duru", key=KEY, newest=newest).target
    other = EnforcementPlan(target="other", form=Form.QOS, gpu_types={"H200": ""}, people=())
    forged = json.loads(json.dumps(envelope))
    forged["plan"]["people"][0]["awards"][0]["left"]["H200"] += 60
    for wrong in (
        {**envelope, "apply": False},
        {**envelope, "through": 10**6},
        {**envelope, "signature": "0" * 64},
        forged,
        signed(other, through=newest, apply=True, key=KEY),
        signed(agent.look().plan, through=newest - 1, apply=True, key=KEY),
        signed(agent.look().plan, through=newest, apply=True, key=cluster_key(SECRET, "other")),
        {},
    ):
        with pytest.raises(UntrustedPlan):
            trusted(wrong, cluster="duru", key=KEY, newest=newest)


def test_an_agent_reaches_its_own_cluster_alone(center: Center, agent: Agent):
    """Another cluster's plan, standing, drift and reports do not exist for it, by their names."""
    made = center.send("PUT", "enforcement/targets/other", "op", json={"gpu_types": {"H200": ""}})
    assert 201 == made.status_code, made.text
    accepted(center, "kim")
    agent.work()
    for who, own, foreign in (("agent", "duru", "other"), ("agent2", "other", "duru")):
        assert 200 == center.get(f"enforcement/plans/{own}", who).status_code
        unknown = center.get("enforcement/plans/nowhere", who).json()
        for path in (f"enforcement/plans/{foreign}", f"enforcement/targets/{foreign}"):
            hidden = center.get(path, who)
            assert (404, "not-found") == (hidden.status_code, hidden.json()["code"])
            assert unknown["detail"] == hidden.json()["detail"].replace(foreign, "nowhere")
        listed = center.get("enforcement/targets", who).json()["items"]
        assert [own] == [each["id"] for each in listed]
        said = {
            "target": foreign, "plan": "sha256:0", "through": 0, "applied": True, "commands": 0,
            "found": 1, "left": 1, "differences": [{"name": "x", "expected": "1", "found": "2"}],
        }  # fmt: skip
        assert 404 == center.create("enforcement/reports", who, said).status_code
        assert 201 == center.create("enforcement/reports", who, {**said, "target": own}).status_code
    drifted = {who: center.get("enforcement/drift", who).json()["items"] for who in ("agent", "op")}
    assert (["duru"], ["duru", "other"]) == tuple(
        [each["target"] for each in drifted[who]] for who in ("agent", "op")
    )
    assert [] == center.get("enforcement/drift?target=other", "agent").json()["items"]


def test_an_agent_is_bound_by_two_administrators(center: Center):
    """A grant names the cluster; one without, or a cluster for another role, is refused."""
    wrong = (
        {"person": "kim", "role": "agent"},
        {"person": "kim", "role": "operator", "cluster": "duru"},
        {"person": "kim", "role": "agent", "cluster": ""},
    )
    for body in wrong:
        refused = center.create("role-grants", "adm", body)
        assert 422 == refused.status_code
        assert "/cluster" in refused.text
    made = center.create("role-grants", "adm", {**wrong[0], "cluster": "duru"})
    assert (202, "duru") == (made.status_code, made.json()["cluster"]), made.text
    center.send("PUT", TARGET, "op", json={"gpu_types": {"H200": ""}})
    assert 403 == center.get("enforcement/plans/duru", "kim").status_code
    grant = f"role-grants/{made.json()['id']}"
    assert 201 == center.change(grant, f"{grant}/approvals", "adm2").status_code
    assert 200 == center.get("enforcement/plans/duru", "kim").status_code


def test_a_target_says_what_it_calls_its_gpus(center: Center):
    """Two types need two words; a form that is not known is refused."""
    for body in (
        {"gpu_types": {"H200": "", "B200": ""}},
        {"gpu_types": {"H200": "a", "B200": "a"}},
        {"gpu_types": {}},
        {"gpu_types": {"H200": "h200"}, "form": "fairshare"},
    ):
        assert 422 == center.send("PUT", TARGET, "op", json=body).status_code, body
    assert 404 == center.get("enforcement/plans/duru", "agent").status_code
    with pytest.raises(Refusal):
        Client("http://center", "", transport=center.http._transport).get("enforcement/targets")
