"""Plans in Slurm's words: limits, the smallest difference, reservations, what must be set."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.slurm import SlurmCluster, SlurmRefused
from scheduler.domain.enforcement import (
    EnforcementPlan,
    Form,
    PlannedAward,
    PlannedPerson,
    PlannedReservation,
    read_plan,
)
from scheduler.export.slurm_commands import flat_file, stages
from scheduler.export.slurm_diff import SlurmDifference, difference, differences
from scheduler.export.slurm_doctor import examine
from scheduler.export.slurm_reservations import read_version
from scheduler.export.slurm_show import UnreadableSlurm, read_associations, read_config
from scheduler.export.slurm_state import wanted, whole_minutes
from tests.fake_slurm import CONFIG, FakeSlurm

HOUR = 3600
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
TYPES = {"H200": "h200", "B200": "b200"}


def an_award(name: str = "awd_1", **changes) -> PlannedAward:
    """Ten hours of H200, at most 8 GPUs at once."""
    values = {"award": name, "usable": True, "gpus": 8, "left": {"H200": 10 * HOUR}}
    return PlannedAward(**{**values, **changes})


def a_person(name: str = "mina", *awards: PlannedAward, **changes) -> PlannedPerson:
    """A fellow of the vision group at KAIST with an award."""
    values = {
        "person": name,
        "group": "vision",
        "institute": "kaist",
        "counted": {},
        "awards": awards or (an_award(f"awd_{name}"),),
    }
    return PlannedPerson(**{**values, **changes})


def a_plan(*people: PlannedPerson, **changes) -> EnforcementPlan:
    """A plan for the cluster duru."""
    values = {"target": "duru", "form": Form.ASSOCIATIONS, "gpu_types": TYPES, "people": people}
    return EnforcementPlan(**{**values, **changes})


def the_difference(slurm: FakeSlurm, plan: EnforcementPlan) -> SlurmDifference:
    """What has to happen on a cluster for a plan."""
    return difference("duru", wanted(plan), SlurmCluster(name="duru", call=slurm).live(plan))


def applied(slurm: FakeSlurm, plan: EnforcementPlan) -> int:
    """Apply a plan once and return how many commands it took."""
    return SlurmCluster(name="duru", call=slurm).apply(the_difference(slurm, plan))


def commands(change: SlurmDifference) -> list[str]:
    """The command lines of a difference."""
    return [command.line() for stage in stages(change) for command in stage]


@pytest.mark.parametrize(
    ("counted", "left", "minutes"),
    [(0, 0, 0), (0, 1, 1), (0, 60, 1), (0, 61, 2), (90, 30, 2), (119, 0, 1), (90, -60, 0)],
)
def test_minutes_never_cut_an_award(counted: int, left: int, minutes: int):
    """Rounded up while something is left, down when nothing is."""
    assert minutes == whole_minutes(counted, left)


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_limit_is_less_than_a_minute_more_than_the_award(counted: int, left: int):
    """No award is cut, and none grows by a whole minute of one GPU."""
    assert 0 <= whole_minutes(counted, left) * 60 - (counted + left) < 60


def test_a_fellow_has_one_total_over_all_awards():
    """What is counted and what is left add up; an award that is over counts as used only."""
    old = an_award("awd_0", usable=False, left={"H200": 5 * HOUR}, gpus=64)
    two = an_award("awd_2", gpus=16, left={"B200": 30 * 60})
    plan = a_plan(a_person("Mina", an_award(), old, two, counted={"H200": 7200}))
    (association,) = wanted(plan).associations.values()
    assert ("g-vision", "mina") == association.place
    assert {"gres/gpu": 750, "gres/gpu:h200": 720, "gres/gpu:b200": 30} == dict(
        association.limits.minutes
    )
    assert 16 == association.limits.per_job


def test_an_untyped_cluster_has_one_limit():
    """Where GPUs have no type the plain resource is enough."""
    plan = a_plan(a_person(), gpu_types={"H200": ""})
    (association,) = wanted(plan).associations.values()
    assert {"gres/gpu": 600} == dict(association.limits.minutes)


def test_a_first_load_is_one_file():
    """Accounts from the top down, then fellows with limits of their own, quoted, lower-case."""
    lab = replace(a_person("jun"), institute=None, group="lab")
    change = the_difference(FakeSlurm(), a_plan(a_person(), lab))
    assert ["sacctmgr -i load FILE"] == commands(change)
    assert (
        "Cluster - 'duru'\n"
        "Parent - 'root'\n"
        "Account - 'dure':Description='dure':Organization='dure'\n"
        "Parent - 'dure'\n"
        "Account - 'i-kaist':Description='i-kaist':Organization='kaist'\n"
        "Account - 'g-lab':Description='g-lab':Organization='dure'\n"
        "Parent - 'i-kaist'\n"
        "Account - 'g-vision':Description='g-vision':Organization='kaist'\n"
        "Parent - 'g-lab'\n"
        "User - 'jun':DefaultAccount='g-lab':GrpTRESMins='gres/gpu=600,gres/gpu:b200=0,"
        "gres/gpu:h200=600':MaxTRESPerJob='gres/gpu=8'\n"
        "Parent - 'g-vision'\n"
        "User - 'mina':DefaultAccount='g-vision':GrpTRESMins='gres/gpu=600,gres/gpu:b200=0,"
        "gres/gpu:h200=600':MaxTRESPerJob='gres/gpu=8'\n"
    ) == flat_file(change)


def test_fellows_with_the_same_change_are_changed_together():
    """Four hundred limits that become two take two commands, and one when all become one."""
    people = [a_person(f"f{number:03}") for number in range(400)]
    slurm = FakeSlurm()
    assert 1 == applied(slurm, a_plan(*people))
    halves = [
        replace(each, awards=(an_award(left={"H200": (2 + number % 2) * HOUR}),))
        for number, each in enumerate(people)
    ]
    assert 2 == applied(slurm, a_plan(*halves))
    assert 1 == applied(slurm, a_plan(*people))
    assert [] == commands(the_difference(slurm, a_plan(*people)))


def test_a_new_fellow_goes_below_accounts_that_are_there():
    """The way from the top is in the file, what is there is not made again."""
    slurm = FakeSlurm()
    applied(slurm, a_plan(a_person()))
    change = the_difference(slurm, a_plan(a_person(), a_person("jun")))
    assert ((), ("dure", "i-kaist", "g-vision")) == (
        change.accounts,
        tuple(each.name for each in change.above),
    )
    assert 1 == applied(slurm, a_plan(a_person(), a_person("jun")))
    assert {("g-vision", "mina"), ("g-vision", "jun")} == set(slurm.places)


def test_who_holds_nothing_any_more_is_frozen_and_can_come_back():
    """Nothing is deleted; a new award lets the same association submit again."""
    slurm = FakeSlurm()
    applied(slurm, a_plan(a_person(), a_person("jun")))
    over = a_person("jun", an_award("awd_jun", usable=False))
    change = the_difference(slurm, a_plan(a_person(), over))
    assert [
        "sacctmgr -i modify user where name=jun account=g-vision cluster=duru set GrpSubmitJobs=0"
    ] == commands(change)
    applied(slurm, a_plan(a_person(), over))
    assert the_difference(slurm, a_plan(a_person())).is_empty
    applied(slurm, a_plan(a_person(), a_person("jun")))
    assert "" == slurm.places["g-vision", "jun"]["GrpSubmitJobs"]


def test_minutes_of_an_earlier_group_count_on():
    """A fellow who moved has what is left, not the whole limit again; the old place is frozen."""
    slurm = FakeSlurm()
    moving = a_person(counted={"H200": 4 * HOUR})
    applied(slurm, a_plan(moving))
    slurm.used["g-vision", "mina"] = 240
    moved = a_plan(replace(moving, group="folding"))
    applied(slurm, moved)
    assert "0" == slurm.places["g-vision", "mina"]["GrpSubmitJobs"]
    new = slurm.places["g-folding", "mina"]["GrpTRESMins"]
    assert {"gres/gpu=600", "gres/gpu:h200=600"} <= set(new.split(","))
    slurm.used["g-folding", "mina"] = 60
    later = replace(moving, group="folding", counted={"H200": 5 * HOUR})
    left = replace(later.awards[0], left={"H200": 9 * HOUR})
    assert the_difference(slurm, a_plan(replace(later, awards=(left,)))).is_empty


def test_a_group_that_changes_its_institute_takes_its_account_along():
    """The account stands below another one; its fellows stay."""
    slurm = FakeSlurm()
    applied(slurm, a_plan(a_person()))
    plan = a_plan(a_person(institute="gist"))
    assert 2 == applied(slurm, plan)
    assert "i-gist" == slurm.accounts["g-vision"]
    assert the_difference(slurm, plan).is_empty


def test_an_award_may_be_a_qos():
    """Its limits stand on the QOS, and the fellow may name no other; used up, it is refused."""
    slurm = FakeSlurm()
    person = a_person("mina", an_award("awd_1"), an_award("awd_2", counted={"H200": 60}))
    plan = a_plan(person, form=Form.QOS)
    applied(slurm, plan)
    assert "awd_1,awd_2" == slurm.places["g-vision", "mina"]["QOS"]
    assert {"gres/gpu=601", "gres/gpu:h200=601", "gres/gpu:b200=0"} == set(
        slurm.qos["awd_2"]["GrpTRESMins"].split(",")
    )
    assert the_difference(slurm, plan).is_empty
    over = replace(person.awards[0], usable=False)
    plan = a_plan(replace(person, awards=(over, person.awards[1])), form=Form.QOS)
    applied(slurm, plan)
    assert ("awd_2", "0") == (
        slurm.places["g-vision", "mina"]["QOS"],
        slurm.qos["awd_1"]["GrpSubmitJobs"],
    )
    assert the_difference(slurm, plan).is_empty


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("seed", range(4))
def test_any_plan_is_reached_from_any_state(form: Form, seed: int):
    """Drawn plans, drawn meddling, commands that fail: in the end nothing differs, seven times."""
    chance = Random(seed)  # noqa: S311 - replayable
    slurm = FakeSlurm(fails=0.2, chance=Random(seed + 100))  # noqa: S311 - the same
    plan = a_plan()
    for _ in range(6):
        plan = a_plan(*(_drawn(chance, number) for number in range(12)), form=form)
        for each in chance.sample(list(slurm.places.values()), min(3, len(slurm.places))):
            each["GrpTRESMins"] = f"cpu=5,gres/gpu={chance.randint(0, 9)}"
        for _ in range(40):
            try:
                applied(slurm, plan)
                break
            except SlurmRefused:
                continue
        live = SlurmCluster(name="duru", call=slurm).live(plan)
        assert [] == list(differences(wanted(plan), live))
    slurm.fails = 0.0
    assert [0] * 7 == [applied(slurm, plan) for _ in range(7)]


def _drawn(chance: Random, number: int) -> PlannedPerson:
    """A fellow with up to two awards of drawn amounts, in a drawn group."""
    awards = tuple(
        an_award(
            f"awd_{number}{which}",
            usable=chance.random() < 0.8,
            gpus=chance.choice((None, 4, 8)),
            left={"H200": chance.randint(-HOUR, 9 * HOUR), "B200": chance.randint(0, HOUR)},
        )
        for which in range(chance.randint(0, 2))
    )
    return replace(a_person(f"f{number}"), awards=awards, group=chance.choice(("vision", "lab")))


def test_what_was_meddled_with_is_named():
    """Expected and found stand side by side, as Slurm writes them."""
    slurm, plan = FakeSlurm(), a_plan(a_person())
    applied(slurm, plan)
    slurm.places["g-vision", "mina"]["GrpTRESMins"] = "gres/gpu=9999,gres/gpu:h200=600"
    live = SlurmCluster(name="duru", call=slurm).live(plan)
    (found,) = differences(wanted(plan), live)
    assert ("g-vision/mina", "GrpTRESMins=gres/gpu=600,gres/gpu:b200=0") == (
        found.name,
        found.expected,
    )
    assert "GrpTRESMins=gres/gpu=9999,gres/gpu:b200=-1" == found.found
    del slurm.places["g-vision", "mina"]
    assert "–" == next(differences(wanted(plan), replace(live, associations={}))).found


def test_a_plan_survives_its_document():
    """Written and read back it is the same, in any form; another document is refused."""
    plan = a_plan(a_person(), reservations=(a_reservation(),))
    assert plan == read_plan(plan.document())
    for broken in ({}, {**plan.document(), "people": [{}]}, {**plan.document(), "form": "x"}):
        with pytest.raises(Exception, match="rule"):
            read_plan(broken)


def test_a_difference_is_data_with_a_digest():
    """The same difference has the same digest, another one another."""
    empty, full = (
        the_difference(FakeSlurm(), a_plan(*people)).document() for people in ((), (a_person(),))
    )
    assert full["digest"] == the_difference(FakeSlurm(), a_plan(a_person())).document()["digest"]
    assert empty["digest"] != full["digest"]


def test_only_what_stands_below_the_centers_account_is_looked_at():
    """Others' accounts, partition associations and limits on other resources are left alone."""
    accounts, associations = read_associations(
        "root|||||||normal\n"
        "lab|||root||||normal\n"
        "lab|mina|||gres/gpu=5|||normal\n"
        "dure|||root||||normal\n"
        "dure|jun|||cpu=7,gres/gpu=5|cpu=2||normal,awd_1\n"
        "dure|jun|big||gres/gpu=6|||normal\n"
    )
    assert {"dure"} == set(accounts)
    (jun,) = associations.values()
    assert ({"gres/gpu": 5}, None) == (dict(jun.limits.minutes), jun.limits.per_job)
    for text in ("a|b\n", "dure|jun|||gres/gpu=x|||normal\ndure|||root||||normal\n"):
        with pytest.raises(UnreadableSlurm):
            read_associations(text)


def a_reservation(**changes) -> PlannedReservation:
    """16 GPUs of the second week."""
    values = {
        "name": "awd_1-0",
        "person": "mina",
        "pool": "h200",
        "gpu_type": "H200",
        "gpus": 16,
        "nodes": 2,
        "starts_at": NOW + timedelta(days=7),
        "ends_at": NOW + timedelta(days=14),
    }
    return PlannedReservation(**{**values, **changes})


@pytest.mark.parametrize(
    ("version", "size"),
    [("slurm-wlm 22.05.8", "NodeCnt=2"), ("slurm 23.11.0", "TRES=gres/gpu:h200=16")],
)
def test_reservations_are_of_nodes_or_of_gpus(version: str, size: str):
    """The version decides; made once, they are there, and changed or deleted by need."""
    slurm = FakeSlurm(version=version)
    cluster = SlurmCluster(name="duru", call=slurm)
    plan = a_plan(reservations=(a_reservation(),))
    (command,) = cluster.reservations(plan, NOW)
    assert (
        f"create reservation ReservationName=awd_1-0 StartTime=2026-04-08T12:00:00 {size} "
        "EndTime=2026-04-15T12:00:00 Users=mina PartitionName=h200"
    ) == " ".join(command)
    nothing = the_difference(slurm, a_plan())
    cluster.apply(replace(nothing, accounts=()), [command])
    assert () == cluster.reservations(plan, NOW)
    assert () == cluster.reservations(plan, NOW + timedelta(days=8))
    longer = a_plan(reservations=(a_reservation(ends_at=NOW + timedelta(days=21)),))
    (update,) = cluster.reservations(longer, NOW + timedelta(days=8))
    assert ("update", "EndTime=2026-04-22T12:00:00") == (update[0], update[4])
    assert (("delete", "ReservationName=awd_1-0"),) == cluster.reservations(a_plan(), NOW)
    (now,) = SlurmCluster(name="duru", call=FakeSlurm()).reservations(plan, NOW + timedelta(days=8))
    assert "StartTime=now" == now[3]


def test_a_version_is_needed():
    """What names no version is not guessed."""
    with pytest.raises(UnreadableSlurm):
        read_version("command not found")


@pytest.mark.parametrize(
    ("good", "bad", "setting"),
    [
        ("= duru", "= other", "ClusterName"),
        ("00:00:00", "7-00:00:00", "PriorityDecayHalfLife"),
        ("= NONE", "= MONTHLY", "PriorityUsageResetPeriod"),
        (",safe", "", "AccountingStorageEnforce"),
        (",gres/gpu:b200", "", "AccountingStorageTRES"),
        ("max_dbd_msg_action=exit", "(null)", "SlurmctldParameters"),
        ("priority/multifactor", "priority/basic", "PriorityType"),
        ("accounting_storage/slurmdbd", "accounting_storage/none", "AccountingStorageType"),
    ],
)
def test_the_doctor_names_what_makes_a_budget_leak(good: str, bad: str, setting: str):
    """A cluster that is set up well has no ailment; each setting that is not is named."""
    assert () == examine(read_config(CONFIG), cluster="duru", gpu_types=TYPES)
    (found,) = examine(read_config(CONFIG.replace(good, bad)), cluster="duru", gpu_types=TYPES)
    assert setting == found.setting
    assert found.mend.startswith(f"{setting}=")
