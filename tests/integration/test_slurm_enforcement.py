"""Awards of a published round on a real Slurm: loaded, kept, metered, lowered while jobs run."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from api.agent import Agent
from api.client import Client
from api.signing import cluster_key
from api.slurm import SlurmRefused
from scheduler.domain.awards import Award
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.enforcement import EnforcementPlan, Form, PlannedAward, PlannedReservation
from scheduler.export.slurm_diff import difference
from scheduler.export.slurm_doctor import examine
from scheduler.export.slurm_reservations import (
    TRES_FROM,
    read_version,
    reservation_commands,
    wanted_reservations,
)
from scheduler.export.slurm_show import read_associations
from scheduler.export.slurm_state import Association, Place, wanted
from scheduler.importers.assoc_mgr import read_gauges
from scheduler.operations.holdings import Wanted, take_hours
from scheduler.operations.limits import award_limits
from tests.e2e.center import FELLOWS, SECRET, Center, build
from tests.e2e.test_http_enforcement import accepted
from tests.e2e.test_http_rounds import published
from tests.published_round import NOW, publish_innocore
from tests.slurm_site import SlurmSite, patiently, require_slurm, slurm_site
from tests.unit.operations.center import ALL, act

TYPES = {"H200": "h200", "B200": "b200"}
NODES = ("h200", "h200", "b200")
BEYOND = "AssocGrpGRESMinutes"
HOUR = 3600
KEYS = count(1)


@dataclass
class Running:
    """A center with a published round, and a cluster with its agent."""

    center: Center
    site: SlurmSite
    agent: Agent
    awards: Sequence[Award]
    fellows: Sequence[str]

    def minutes(self) -> dict[str, dict[str, int]]:
        """Return the GPU-minutes that each fellow's awards allow, from the ledger; or none."""
        left = {each: dict.fromkeys(TYPES, 0) for each in self.fellows}
        with self.center.store.read() as tx:
            for limit in award_limits(tx, ALL):
                left[limit.person][limit.gpu_type] += limit.granted_gpu_seconds
        return {
            person: {
                "gres/gpu": -(-sum(own.values()) // 60),
                **{f"gres/gpu:{word}": -(-own[name] // 60) for name, word in TYPES.items()},
            }
            for person, own in left.items()
        }

    def associations(self) -> dict[Place, Association]:
        """Return what the accounting holds, as it shows it."""
        return read_associations(self.shown())[1]

    def shown(self) -> str:
        """Return what `show assoc` prints."""
        fields = "account,user,partition,parentname,grptresmins,maxtresperjob,grpsubmit,qos"
        words = ("sacctmgr", "-n", "-P", "show", "assoc", "cluster=duru", f"format={fields}")
        return self.site.call(words)

    def limit(self, user: str) -> Association:
        """Return the association of a fellow."""
        (found,) = (each for each in self.associations().values() if each.user == user)
        return found

    def bring(self, path: str, told: str) -> dict[str, Any]:
        """Send what a tool of the cluster printed, as its collector."""
        headers = {"Content-Type": "text/plain", "Idempotency-Key": f"duru-{next(KEYS):08}"}
        answer = self.center.send("POST", path, "coll", headers=headers, content=told.encode())
        assert 201 == answer.status_code, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def accounting(self, since: datetime) -> str:
        """Return what `sacct` tells of all jobs since an instant."""
        fields = "jobid,user,account,state,elapsedraw,alloctres,start,end,qos,timelimitraw"
        begins = f"{since:%Y-%m-%dT%H:%M:%S}"
        return self.site.call(("sacct", "-a", "-X", "-D", "-n", "-P", "-S", begins, "-o", fields))

    def counters(self) -> str:
        """Return what the controller counts."""
        return self.site.call(("scontrol", "-o", "show", "assoc_mgr", "flags=assoc"))

    def used(self, user: str) -> int:
        """Return the GPU-minutes that the controller has counted of a user."""
        gauges = read_gauges(self.counters(), cluster="duru", seen_at=NOW)
        return sum(each.used_gpu_minutes for each in gauges if each.person == user)

    def only_award(self, gpu_type: str, least: int) -> Award:
        """Return an award of whole hours of one type, the only one of a fellow who may use 8."""
        people = [each.fellow for each in self.awards]
        return next(
            each
            for each in self.awards
            if people.count(each.fellow) == 1
            and {cell.pool for cell in each.cells} == {gpu_type}
            and sum(cell.gpu_hours for cell in each.cells) >= least
            and (self.limit(each.fellow).limits.per_job or 8) >= 8
        )


def _askers(center: Center) -> Sequence[str]:
    """Return everybody who asked in the published round."""
    with center.store.read() as tx:
        asked = {
            request.fellow
            for call in tx.calls.list().items
            for request in tx.requests.labelled(call.id).values()
        }
    return sorted(asked)


def _raised(told: str, user: str) -> tuple[str, str]:
    """Return the counter of a user's GPU-minutes as it stands, and a thousand higher."""
    (row,) = [each for each in told.splitlines() if f"UserName={user}(" in each]
    raised = re.sub(
        r"(GrpTRESMins=\S*?gres/gpu=\d+)\((\d+)\)",
        lambda found: f"{found[1]}({int(found[2]) + 1000})",
        row,
    )
    return row, raised


def _agent(center: Center, site: SlurmSite, memory: Path) -> Agent:
    """Return the agent of a center on a cluster."""
    return Agent(
        client=Client("http://center", center.tokens["agent"], transport=center.http._transport),
        cluster=site.cluster,
        key=cluster_key(SECRET, "duru"),
        memory=memory,
        clock=center.clock,
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A center and a cluster, started once."""
    require_slurm()
    center = build(tmp_path_factory.mktemp("center"))
    awards = publish_innocore(center.store)
    center.clock.now = datetime.now(UTC)
    body = {"gpu_types": TYPES}
    assert 201 == center.send("PUT", "enforcement/targets/duru", "op", json=body).status_code
    fellows = _askers(center)
    home = Path(tempfile.mkdtemp(prefix="dure-slurm-", dir="/tmp"))
    users = [*fellows, *FELLOWS]
    with slurm_site(home, name="duru", fellows=users, nodes=NODES) as site:
        agent = _agent(center, site, home / "agent.json")
        yield Running(center, site, agent, awards, fellows)
    shutil.rmtree(home)
    center.close()


@pytest.fixture
def loaded(running: Running) -> Running:
    """The cluster as the center wants it."""
    assert running.agent.work().applied
    return running


def test_a_first_load_gives_every_fellow_their_awards(running: Running):
    """One command makes all accounts and 400 associations; each limit is the ledger's, in minutes.

    Who got nothing has an association too, with nothing to use, and may submit nothing.
    """
    assert () == examine(running.site.cluster.config(), cluster="duru", gpu_types=TYPES)
    done = running.agent.work()
    assert (True, 1) == (done.applied, done.commands)
    there = running.associations().values()
    assert running.minutes() == {each.user: dict(each.limits.minutes) for each in there}
    holders = {each.fellow for each in running.awards}
    assert (400, 376) == (len(running.fellows), len(holders))
    assert set(running.fellows) - holders == {each.user for each in there if each.limits.frozen}
    bare = min(set(running.fellows) - holders)
    with pytest.raises(SlurmRefused):
        running.site.submit(bare, "h200:1", minutes=1, seconds=1)


def test_a_second_and_a_seventh_time_change_nothing(loaded: Running):
    """No command is run, and the accounting shows the same to the letter."""
    before = loaded.shown()
    assert [0] * 7 == [loaded.agent.work().commands for _ in range(7)]
    assert before == loaded.shown()


def test_a_job_inside_its_award_runs_and_one_beyond_it_waits(loaded: Running):
    """Slurm itself compares what a job may take with what is left, by type and in all."""
    award = loaded.only_award("h200", 1)
    left = loaded.limit(award.fellow).limits.minutes["gres/gpu:h200"]
    inside = loaded.site.submit(award.fellow, "h200:1", minutes=1, seconds=1)
    beyond = loaded.site.submit(award.fellow, "h200:8", minutes=left // 8 + 1, seconds=1)
    untyped = loaded.site.submit(award.fellow, "8", minutes=left // 8 + 1, seconds=1)
    assert loaded.site.finishes(inside)
    assert loaded.site.reaches(beyond, "PENDING", BEYOND)
    assert loaded.site.reaches(untyped, "PENDING", BEYOND)
    loaded.site.call(("scancel", beyond, untyped))


def test_use_comes_back_to_the_gpu_second(loaded: Running):
    """What `sacct` tells is what the books hold, and it moves no limit."""
    ours = [loaded.only_award("h200", 100), loaded.only_award("b200", 100)]
    jobs = [
        loaded.site.submit(award.fellow, f"{kind}:{gpus}", minutes=2, seconds=seconds)
        for award, kind in zip(ours, ("h200", "b200"), strict=True)
        for gpus, seconds in ((8, 2), (1, 4), (3, 1))
    ]
    assert all(loaded.site.finishes(each) for each in jobs)
    told = loaded.accounting(datetime.now(UTC) - timedelta(hours=1))
    rows = [line.split("|") for line in told.splitlines()]
    expected = sum(
        int(row[4]) * int(dict(part.split("=") for part in row[5].split(","))["gres/gpu"])
        for row in rows
        if row[5]
    )
    brought = loaded.bring("usage-batches?cluster=duru", told)
    assert (expected, 0) == (brought["gpu_seconds"], brought["outside"])
    with loaded.center.store.read() as tx:
        used = sum(each.used_gpu_seconds for each in award_limits(tx, ALL))
        counted = sum(tx.usage.counted("duru").values())
    assert expected == used == counted > 0
    assert 0 == loaded.agent.work().commands


def test_three_sides_say_the_same(loaded: Running):
    """Controller, accounting and books agree on a real cluster; a counter too many is found."""
    award = loaded.only_award("b200", 100)
    job = loaded.site.submit(award.fellow, "b200:6", minutes=2, seconds=11)
    assert loaded.site.finishes(job)
    since = datetime.now(UTC) - timedelta(hours=1)
    loaded.bring("usage-batches?cluster=duru", loaded.accounting(since))
    patiently(lambda: loaded.used(award.fellow) >= 1)
    gauged = loaded.bring("usage-gauges?cluster=duru", loaded.counters())
    assert (401, 1) == (gauged["users"], gauged["strangers"])  # root has a place of its own
    limits = {user: amounts["gres/gpu"] for user, amounts in loaded.minutes().items()}
    gauges = loaded.center.get("usage-gauges?limit=500", "op").json()["items"]
    assert {**limits, "root": None} == {
        each["person"]: each["limit_gpu_minutes"] for each in gauges
    }
    compared = f"reconciliations?cluster=duru&since={since:%Y-%m-%dT%H:%M:%SZ}"
    found = loaded.bring(compared, loaded.accounting(since))
    assert ([], []) == (found["differences"], found["runaways"])
    wrong = loaded.counters().replace(*_raised(loaded.counters(), award.fellow))
    loaded.bring("usage-gauges?cluster=duru", wrong)
    (odd,) = loaded.bring(compared, loaded.accounting(since))["differences"]
    assert ("controller", "unexplained", award.fellow) == (
        odd["source"],
        odd["state"],
        odd["person"],
    )


def test_a_limit_falls_while_a_job_runs(loaded: Running):
    """What a reclaim takes can no longer be started; what runs goes on."""
    award = loaded.only_award("h200", 200)
    before = loaded.limit(award.fellow).limits.minutes["gres/gpu:h200"]
    runs = loaded.site.submit(award.fellow, "h200:8", minutes=2, seconds=60)
    assert loaded.site.reaches(runs, "RUNNING")
    hours = sum(cell.gpu_hours for cell in award.cells)
    taken = Wanted(
        kind=AwardChangeKind.RECLAIMED,
        gpu_type="H200",
        gpu_hours=hours - hours // 10,
        reason="Unused at half time.",
        since=0,
    )
    loaded.center.store.write(lambda tx: take_hours(tx, act("approver", NOW), award, taken))
    done = loaded.agent.work()
    assert (True, 1) == (done.applied, done.commands)
    after = loaded.limit(award.fellow).limits.minutes["gres/gpu:h200"]
    assert after == loaded.minutes()[award.fellow]["gres/gpu:h200"] < before
    fitted = loaded.site.submit(award.fellow, "h200:8", minutes=before // 9, seconds=1)
    assert loaded.site.reaches(fitted, "PENDING", BEYOND)
    assert "RUNNING" == loaded.site.state(runs)[0]
    loaded.site.call(("scancel", runs, fitted))


def test_drift_is_found_and_mended_at_the_next_look(loaded: Running):
    """A limit that somebody raised by hand is named, and is as planned again."""
    user = loaded.awards[0].fellow
    place = loaded.limit(user)
    words = ("sacctmgr", "-i", "modify", "user", "where", f"name={user}", "cluster=duru")
    loaded.site.call((*words, "set", "GrpTRESMins=gres/gpu=999999999"))
    done = loaded.agent.work()
    assert ([f"{place.account}/{user}"], True) == (
        [each.name for each in done.sight.drift],
        done.applied,
    )
    assert place == loaded.limit(user)
    (found,) = loaded.center.get("enforcement/drift", "op").json()["items"]
    assert "gres/gpu=999999999" in found["found"]
    assert 0 == loaded.agent.work().commands


def test_a_block_is_reserved_by_whole_nodes(loaded: Running):
    """This Slurm reserves no GPUs; once made, the reservation stands until it is not planned."""
    cluster, now = loaded.site.cluster, datetime.now(UTC)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    block = PlannedReservation(
        name="awd_block-0",
        person=loaded.awards[0].fellow,
        pool="h200",
        gpu_type="H200",
        gpus=16,
        nodes=2,
        starts_at=day,
        ends_at=day + timedelta(days=1),
    )
    plan = EnforcementPlan(
        target="duru",
        form=Form.ASSOCIATIONS,
        gpu_types=TYPES,
        people=loaded.agent.look().plan.people,
        reservations=(block,),
    )
    change = difference("duru", wanted(plan), cluster.live(plan))
    assert 1 == cluster.apply(change, cluster.reservations(plan, now))
    assert () == cluster.reservations(plan, now)
    later = replace(plan, reservations=(replace(block, ends_at=day + timedelta(days=2)),))
    assert 1 == cluster.apply(change, cluster.reservations(later, now))
    assert "NodeCnt=2" in loaded.site.call(("scontrol", "-o", "show", "reservation"))
    stranger = loaded.awards[-1].fellow
    with pytest.raises(SlurmRefused, match="reservation"):
        loaded.site.submit(
            stranger, "h200:1", minutes=1, seconds=1, more=("--reservation=awd_block-0",)
        )
    assert 1 == loaded.agent.work().commands
    assert "awd_block" not in loaded.site.call(("scontrol", "-o", "show", "reservation"))


def test_gpus_are_reserved_only_by_a_slurm_that_can(loaded: Running):
    """From 23.11 on a block is GPUs, and reads back as planned; an older one refuses the very word.

    That is why the version decides which form is written.
    """
    cluster, now = loaded.site.cluster, datetime.now(UTC)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
    gpus = PlannedReservation(
        name="awd_gpus-0",
        person=loaded.awards[0].fellow,
        pool="h200",
        gpu_type="H200",
        gpus=12,
        nodes=2,
        starts_at=day,
        ends_at=day + timedelta(days=1),
    )
    plan = replace(loaded.agent.look().plan, reservations=(gpus,))
    aim = wanted_reservations(plan, version=TRES_FROM, now=now)
    (command,) = reservation_commands(aim, {}, now=now)
    assert "TRES=gres/gpu:h200=12" in command
    if read_version(loaded.site.call(("scontrol", "-V"))) < TRES_FROM:
        with pytest.raises(SlurmRefused, match="not supported with reservations"):
            loaded.site.call(("scontrol", *command))
        return
    loaded.site.call(("scontrol", *command))
    assert () == cluster.reservations(plan, now)
    assert 1 == loaded.agent.work().commands


def test_an_award_as_qos_refuses_what_is_beyond_it(loaded: Running):
    """Jobs must name an award; one beyond it is refused at submission, one inside it runs."""
    cluster, whole = loaded.site.cluster, loaded.agent.look().plan
    person = next(each for each in whole.people if each.person == loaded.awards[0].fellow)
    small = PlannedAward(award="awd_small", usable=True, gpus=4, left={"H200": 10 * 60})
    plan = replace(whole, form=Form.QOS, people=(replace(person, awards=(small,)),))
    cluster.apply(difference("duru", wanted(plan), cluster.live(plan)))
    assert difference("duru", wanted(plan), cluster.live(plan)).is_empty
    patiently(
        lambda: "awd_small" in loaded.site.call(("scontrol", "show", "assoc_mgr", "flags=qos"))
    )
    job = loaded.site.submit(person.person, "h200:4", minutes=2, seconds=1, qos="awd_small")
    assert loaded.site.finishes(job)
    for gpus, minutes, qos in (
        ("h200:4", 9, "awd_small"),
        ("h200:8", 1, "awd_small"),
        ("h200:1", 1, "normal"),
    ):
        with pytest.raises(SlurmRefused, match=r"QOS|qos"):
            loaded.site.submit(person.person, gpus, minutes=minutes, seconds=1, qos=qos)
    other = next(each for each in loaded.awards if each.fellow != person.person).fellow
    with pytest.raises(SlurmRefused):
        loaded.site.submit(other, "h200:1", minutes=1, seconds=1)


@pytest.fixture
def by_qos(running: Running, tmp_path: Path) -> Iterator[tuple[Running, str]]:
    """The same cluster under a center that enforces by QOS, and the award of kim."""
    center = build(tmp_path)
    published(center, {}, {}, {})
    body = {"gpu_types": TYPES, "form": "qos"}
    assert 201 == center.send("PUT", "enforcement/targets/duru", "op", json=body).status_code
    award = accepted(center, "kim").removeprefix("awards/")
    agent = _agent(center, running.site, tmp_path / "agent.json")
    yield Running(center, running.site, agent, (), tuple(FELLOWS)), award
    center.close()


def test_awards_by_qos_from_acceptance_to_reclaim(by_qos: tuple[Running, str]):
    """One QOS an award: made once, metered to the GPU-second, lowered while a job of it runs."""
    running, award = by_qos
    assert running.agent.work().applied
    shown = running.site.call(("sacctmgr", "-n", "-P", "show", "qos"))
    assert [0] * 3 == [running.agent.work().commands for _ in range(3)]
    assert shown == running.site.call(("sacctmgr", "-n", "-P", "show", "qos"))
    patiently(lambda: award in running.site.call(("scontrol", "show", "assoc_mgr", "flags=qos")))
    began = datetime.now(UTC) - timedelta(minutes=5)
    ended = running.site.submit("kim", "h200:8", minutes=2, seconds=3, qos=award)
    assert running.site.finishes(ended)
    patiently(lambda: "|kim|" in running.accounting(began))
    rows = [row for row in running.accounting(began).splitlines() if row.split("|")[1] == "kim"]
    (seconds,) = (int(row.split("|")[4]) for row in rows)
    brought = running.bring("usage-batches?cluster=duru", "\n".join(rows))
    assert (8 * seconds, 0) == (brought["gpu_seconds"], brought["outside"])
    used = running.center.get(f"ledger/accounts/consumed:{award}:H200", "op").json()
    assert 8 * seconds == used["balance"] > 0
    assert 0 == running.agent.work().commands
    runs = running.site.submit("kim", "h200:8", minutes=3, seconds=60, qos=award)
    assert running.site.reaches(runs, "RUNNING")
    with running.center.store.read() as tx:
        held = tx.awards.get(ALL.scope, award)
    taken = Wanted(
        kind=AwardChangeKind.RECLAIMED,
        gpu_type="H200",
        gpu_hours=sum(cell.gpu_hours for cell in held.cells) * 9 // 10 // 8 * 8,
        reason="Unused at half time.",
        since=0,
    )
    running.center.store.write(lambda tx: take_hours(tx, act("approver", NOW), held, taken))
    done = running.agent.work()
    assert (True, 1) == (done.applied, done.commands)
    left = running.center.get(f"ledger/accounts/award:{award}:H200", "op").json()["balance"] // 60
    with pytest.raises(SlurmRefused, match=r"QOS|qos"):
        running.site.submit("kim", "h200:8", minutes=left // 8 + 2, seconds=1, qos=award)
    assert "RUNNING" == running.site.state(runs)[0]
    running.site.call(("scancel", runs))
