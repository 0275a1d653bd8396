"""Queues of Kubernetes schedulers: valid to an API server, exact, named without collision."""

import copy
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.pace import Pace, PacedAward
from scheduler.export import kai, kueue, queues, volcano
from tests.kubernetes import CEL, SUBDOMAIN, definitions, faults, rules_of

AWARD = "awd_01jd000000000000000000000"
SLUGS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
FORMATS = (kueue, kai, volcano)


def an_award(number: int = 0, **changes) -> PacedAward:
    """Return an award of a fellow of group vision, at 2 of at most 16 GPUs."""
    given_ = {
        "award": f"{AWARD}{number}",
        "group": "vision",
        "institute": "KAIST",
        "weight": 1500,
        "paces": {"H200": Pace(even=2, most=16)},
        **changes,
    }
    return PacedAward(**given_)


PACES = st.dictionaries(
    st.text(min_size=1, max_size=200),
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(
        lambda both: Pace(even=min(both), most=max(both))
    ),
    min_size=1,
    max_size=3,
)
AWARDS = st.lists(
    st.builds(
        an_award,
        number=st.integers(0, 9),
        group=st.none() | SLUGS,
        institute=st.none() | SLUGS,
        weight=st.integers(1, 10**9),
        paces=PACES,
    ),
    max_size=4,
    unique_by=lambda each: each.award,
)


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.__name__)
@given(awards=AWARDS)
@settings(max_examples=40)
def test_every_object_is_valid(format_, awards: list[PacedAward]):
    """Whatever ids, types, weights and paces: schema, CEL rules and names of an API server hold."""
    made = format_.objects(awards)
    assert [] == list(chain.from_iterable(map(faults, made)))
    names = [(each["kind"], each["metadata"].get("namespace"), _name(each)) for each in made]
    assert len(names) == len(set(names))


def _name(made) -> str:
    name: str = made["metadata"]["name"]
    return name


def test_the_checks_are_exactly_the_rules_of_the_schemas():
    """Each CEL rule of the shipped schemas is checked, and no check has lost its rule."""
    found = {rule for each in definitions().values() for rule in rules_of(each["openAPIV3Schema"])}
    assert found == set(CEL)


def test_a_wrong_object_is_refused():
    """The checks can fail: unknown field, bad quantity, borrowing alone, missing resource."""
    (queue,) = [each for each in kueue.objects([an_award()]) if each["kind"] == "ClusterQueue"]
    assert [] == faults(queue)
    changes = (
        lambda spec: spec.update(cohort=spec.pop("cohortName")),
        lambda spec: spec.pop("cohortName"),
        lambda spec: spec["resourceGroups"][0]["coveredResources"].append("cpu"),
        lambda spec: spec["resourceGroups"][0]["flavors"].clear(),
        lambda spec: spec["resourceGroups"][0]["flavors"][0]["resources"][0].update(
            nominalQuota="8 GPUs"
        ),
        lambda spec: spec["preemption"].update(
            reclaimWithinCohort="Never", borrowWithinCohort={"policy": "LowerPriority"}
        ),
        lambda spec: spec.update(stopPolicy="Pause"),
    )
    for change in changes:
        wrong = copy.deepcopy(queue)
        change(wrong["spec"])
        assert faults(wrong), wrong["spec"]


def test_a_local_queue_keeps_its_cluster_queue():
    """The rule about a former value is checked: a local queue may not move."""
    (queue,) = [each for each in kueue.objects([an_award()]) if each["kind"] == "LocalQueue"]
    moved = copy.deepcopy(queue)
    moved["spec"]["clusterQueue"] = "another"
    assert [] == faults(queue, queue)
    assert [".spec.clusterQueue: field is immutable"] == faults(moved, queue)


def test_kueue_says_what_the_award_may_hold():
    """Nominal is the even pace, nominal and borrowing the most; an award that rests is held."""
    awards = [
        an_award(1, paces={"H200": Pace(even=2, most=16), "B200": Pace(even=0, most=0)}),
        an_award(2, paces={"H200": Pace(even=0, most=0)}, group=None, institute=None),
    ]
    made = kueue.objects(awards)
    assert [
        ("ResourceFlavor", "gpu-b200"),
        ("ResourceFlavor", "gpu-h200"),
        ("Cohort", "dure"),
        ("Cohort", queues.institute_name("KAIST")),
        ("Cohort", "group-vision"),
        ("Cohort", "ungrouped"),
        ("ClusterQueue", "awd-01jd0000000000000000000001"),
        ("ClusterQueue", "awd-01jd0000000000000000000002"),
        ("LocalQueue", "awd-01jd0000000000000000000001"),
        ("LocalQueue", "awd-01jd0000000000000000000002"),
    ] == [(each["kind"], each["metadata"]["name"]) for each in made]
    assert {"weight": "1.5"} == made[4]["spec"]["fairSharing"]
    first, second = made[6:8]
    assert ("None", "Hold") == (first["spec"]["stopPolicy"], second["spec"]["stopPolicy"])
    assert {"gpu-b200": 0, "gpu-h200": 16} == kueue.quotas(first)
    (resource,) = first["spec"]["resourceGroups"][0]["flavors"][1]["resources"]
    assert ("2", "14") == (resource["nominalQuota"], resource["borrowingLimit"])


def test_parents_hold_what_their_children_are_sure_of():
    """In KAI and Volcano a group's queue is sure of the sum of its awards' even paces."""
    awards = [an_award(1), an_award(2), an_award(3, group="robots", institute=None)]
    group, child, *_ = kai.objects(awards)[2:]
    assert ("group-vision.gpu-h200", 4) == (
        _name(group),
        group["spec"]["resources"]["gpu"]["quota"],
    )
    assert (2, 16) == tuple(child["spec"]["resources"]["gpu"][key] for key in ("quota", "limit"))
    assert "group-vision.gpu-h200" == child["spec"]["parentQueue"]
    group, child, *_ = volcano.objects(awards)[2:]
    assert {queues.GPU: "4"} == group["spec"]["deserved"]
    assert {queues.GPU: "16"} == child["spec"]["capability"]
    assert "group-vision.gpu-h200" == child["spec"]["parent"]


@given(st.lists(SLUGS | st.text(max_size=80), min_size=2, max_size=2, unique=True))
def test_two_ids_never_share_a_name(ids: list[str]):
    """Names are DNS labels, and differ where ids do."""
    names = [queues.dns_name("group", each) for each in ids]
    assert len(set(names)) == 2
    assert all(SUBDOMAIN.fullmatch(each) and "." not in each and len(each) <= 63 for each in names)


def test_ids_that_look_alike_differ():
    """Case, separators and the form of a derived name do not make two ids one."""
    derived = queues.dns_name("group", "A").removeprefix("group-")
    ids = ["a", "A", "a-b", "a_b", "a.b", "a--b", "a-B", derived, "x" * 57, "x" * 58, "x" * 64]
    names = {queues.dns_name("group", each) for each in ids}
    assert len(ids) == len(names)
    assert "group-a-b" in names
