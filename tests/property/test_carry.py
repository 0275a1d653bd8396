"""What earlier rounds left owing moves weights as the policy says, and the checker agrees."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.solving import Question, answer, written
from scheduler.carry import carried, faded
from scheduler.document import InvalidRound, parse_document
from scheduler.formulate import formulate
from scheduler.policy import InvalidPolicy, read_policy
from scheduler.round_file import read_round
from solver.canonical import canonical
from solver.checking import claims, reading
from solver.checking.carry import with_past
from solver.pipeline import Limits
from solver.verify import verify
from tests.rounds import Document, a_request, a_round, rounds

FAIR = {"name": "fair", "groups": {"weight": "weight"}, "fellows": {"weight": "weight"}}
AMOUNTS = st.integers(0, 10**6)


def policy(half_life: int = 365, cap: float = 0.5, **more: Any) -> Document:
    """A fair policy that carries what groups and fellows are owed."""
    carry = {"half_life_days": half_life, "cap": cap, "groups": True, "fellows": True}
    return parse_document(canonical({**FAIR, "carry": {**carry, **more}}))


def past(document: Document, age_days: int, amounts: list[tuple[int, int]]) -> Document:
    """An earlier round in which groups and fellows had these rights and got these amounts."""
    rows: dict[str, list[Document]] = {}
    for kind in ("groups", "fellows"):
        rows[kind] = [
            {"id": row["id"], "entitlement": right, "awarded": got}
            for row, (right, got) in zip(
                document[kind], amounts * len(document[kind]), strict=False
            )
        ]
    return {"id": f"r{age_days}", "age_days": age_days, **rows}


@st.composite
def rounds_with_a_past(draw: st.DrawFn) -> Document:
    """Draw a small round after up to three others, with some other weights."""
    document = draw(rounds())
    ages = draw(st.lists(st.integers(0, 4000), max_size=3, unique=True))
    many = st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=4)
    document["past"] = [past(document, age, draw(many)) for age in ages]
    for row in (*document["groups"], *document["fellows"]):
        row["weight"] = draw(st.sampled_from([0.001, 1, 2.5, 40]))
    return document


@settings(max_examples=200, deadline=None)
@given(rounds_with_a_past(), st.integers(1, 2000), st.sampled_from([0, 0.1, 0.5, 0.999]))
def test_the_checker_has_the_same_weights(document: Document, half_life: int, cap: float):
    """Written twice, the rule gives every group and fellow the same weight, within the cap."""
    raw, rules = parse_document(canonical(document)), policy(half_life, cap)
    plain = read_round(raw)
    ours = carried(plain, read_policy(rules))
    theirs = with_past(reading.read_round(raw), claims.read_policy(rules))
    assert {each.id: each.weight for each in ours.groups} == {
        name: each.weight for name, each in theirs.groups.items()
    }
    assert {each.id: each.weight for each in ours.fellows} == {
        name: each.weight for name, each in theirs.fellows.items()
    }
    for before, after in zip(plain.groups, ours.groups, strict=True):
        assert before.weight * (1 - cap) - 1 <= after.weight <= before.weight * (1 + cap)


@settings(max_examples=20, deadline=None)
@given(rounds_with_a_past())
def test_plans_with_a_past_are_proved(document: Document):
    """The checker, which reads weights for itself, finds every entitlement as it should be."""
    formulation = formulate(read_round(parse_document(canonical(document))), read_policy(policy()))
    found = answer(
        Question(formulation=formulation, seed=0, gap=0.001, limits=Limits()), lambda _: None
    )
    if found.is_plan:
        files = canonical(document), written(found.document), written(found.certificate)
        verdict = verify(*(parse_document(each) for each in files))
        assert [] == [witness.text for witness in verdict.witnesses]


def test_who_is_owed_is_entitled_to_more():
    """Half of last year's right was missed: the group's share rises by half of that, a year on."""
    document = a_round()
    document["requests"] = [
        a_request(gpu_hours=60, max_gpus=8, minimum_gpu_hours=0),
        a_request(id="r2", fellow="f2", gpu_hours=60, max_gpus=8, minimum_gpu_hours=0),
    ]
    one = past(document, 365, [(100, 50), (100, 100)])
    document["past"] = [one]
    snapshot = read_round(parse_document(canonical(document)))
    weights = {each.id: each.weight for each in carried(snapshot, read_policy(policy())).groups}
    assert {"g1": 1500, "g2": 1000} == weights
    now = {**past(document, 0, [(100, 50), (100, 100)]), "id": "last"}
    later = {**document, "past": [now, past(document, 365, [(100, 100)])]}
    snapshot = read_round(parse_document(canonical(later)))
    assert 1000 + 500 * 2 // 3 == carried(snapshot, read_policy(policy())).groups[0].weight
    assert 1200 == carried(snapshot, read_policy(policy(cap=0.2))).groups[0].weight
    formulation = formulate(snapshot, read_policy(policy(cap=0.2)))
    found = answer(
        Question(formulation=formulation, seed=0, gap=0.001, limits=Limits()), lambda _: None
    )
    rights = found.document["entitlements"]["groups"]
    assert 1.2 * rights["g2"] == pytest.approx(rights["g1"], abs=0.01)


def test_deficits_fade_by_half():
    """In each half-life, evenly in between; after twenty of them nothing is left."""
    assert [10**6, 750_000, 500_000, 375_000, 250_000, 0] == [
        faded(days, 100) for days in (0, 50, 100, 150, 200, 2000)
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"carry": {"half_life_days": 0, "cap": 0.5}}, "half_life_days"),
        ({"carry": {"half_life_days": 9, "cap": 1}}, "cap"),
        ({"carry": {"half_life_days": 9}}, "cap"),
        ({"groups": {"weight": "demand"}, "carry": {"half_life_days": 9, "cap": 0.5}}, "groups"),
        (
            {
                "fellows": {"weight": "score"},
                "carry": {"half_life_days": 9, "cap": 0.5, "fellows": True},
            },
            "fellows",
        ),
    ],
)
def test_a_carry_without_sense_is_refused(change: Document, field: str):
    """By the key: no half-life, no cap below one, or weights that cannot bear it."""
    with pytest.raises(InvalidPolicy, match=f"carry/{field}"):
        read_policy(parse_document(canonical({**FAIR, **change})))


def test_a_past_that_names_somebody_twice_is_refused():
    """With its place."""
    document = a_round()
    twice = past(document, 3, [(1, 1)])
    twice["groups"] *= 2
    with pytest.raises(InvalidRound, match="past/0/groups"):
        read_round(parse_document(canonical({**document, "past": [twice]})))
