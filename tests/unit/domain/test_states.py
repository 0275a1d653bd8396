"""Guarded transitions: what is allowed, and what is told."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.awards import Award, AwardState, Cell
from scheduler.domain.calls import milliseconds
from scheduler.domain.directory import Group, Institute, Person
from scheduler.domain.errors import InvalidTransition, InvalidValue
from scheduler.domain.policies import differences
from scheduler.domain.pools import (
    Calendar,
    CapacityChange,
    ChangeKind,
    ChangeState,
    Pool,
    supply,
)
from scheduler.domain.requests import Ask, Endorsement, Request, RequestState
from scheduler.domain.reviews import ReviewScore, score_of
from scheduler.domain.rounds import PUBLIC, SOLVABLE, TRANSITIONS, Round, RoundState, Step
from scheduler.domain.scenarios import Scenario
from scheduler.domain.tokens import PREFIX, mint, well_formed

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SCENARIO = Scenario(
    id="scn",
    round="rnd",
    solve="slv",
    digest="d",
    policy="fair",
    policy_version=None,
    policy_author=None,
    policy_digest="p",
    snapshot="s",
    plan="pl",
    certificate="c",
    started_by="starter",
    seed=0,
    status="optimal",
    gap=0.0,
    stages=(),
    measures={},
    created_at=NOW,
)
STEPS = {
    Step.OPEN: lambda one: one.open(),
    Step.REVIEW: lambda one: one.review(),
    Step.FREEZE: lambda one: one.freeze(snapshot="s", requests=1, by="op", at=NOW),
    Step.SELECT: lambda one: one.select(SCENARIO, why="best", by="op", at=NOW),
    Step.APPROVE: lambda one: one.approve(SCENARIO, digest="d", why="yes", by="ap", at=NOW),
    Step.REJECT: lambda one: one.reject(digest="d", why="no"),
    Step.PUBLISH: lambda one: one.publish(digest="d", by="op", at=NOW, facts={}),
    Step.ACTIVATE: lambda one: one.activate(),
    Step.CLOSE: lambda one: one.close(),
    Step.SUPERSEDE: lambda one: one.supersede("rnd_2"),
}


def a_round(state: RoundState) -> Round:
    """A reallocation in a state, with the scenario selected."""
    return Round(
        id="rnd",
        call="call",
        title="Spring",
        created_by="op",
        created_at=NOW,
        state=state,
        scenario="scn",
        scenario_digest="d",
        selected_by="op",
        continues="rnd_0",
    )


@pytest.mark.parametrize(("state", "step"), list(product(RoundState, Step)))
def test_each_step_is_taken_or_refused_with_what_is_allowed(state: RoundState, step: Step) -> None:
    """The table is the machine: a step leads where it says, or the refusal lists the others."""
    round_ = a_round(state)
    if step in TRANSITIONS[state]:
        moved, told = STEPS[step](round_)
        assert TRANSITIONS[state][step] is moved.state
        assert (round_.version + 1, "rnd") == (moved.version, told.subject)
        assert told.kind.startswith("round.")
    else:
        with pytest.raises(InvalidTransition) as refusal:
            STEPS[step](round_)
        assert [str(each) for each in TRANSITIONS[state]] == refusal.value.fields["allowed"]


def test_every_state_is_reached_and_only_the_last_is_an_end() -> None:
    """From draft every state can be reached, and every state but the two ends goes on."""
    reached, frontier = set(), {RoundState.DRAFT}
    while frontier:
        reached |= frontier
        frontier = {to for state in frontier for to in TRANSITIONS[state].values()} - reached
    assert set(RoundState) == reached
    assert [RoundState.CLOSED, RoundState.SUPERSEDED] == [
        state for state in RoundState if not TRANSITIONS[state]
    ]
    assert not PUBLIC & SOLVABLE


def test_only_a_reallocation_gives_way() -> None:
    """The round of a call itself cannot be superseded, and does not say so."""
    first = replace(a_round(RoundState.FROZEN), continues=None)
    assert (Step.SELECT,) == first.allowed
    with pytest.raises(InvalidTransition):
        first.supersede("rnd_2")


def test_the_documented_machine_is_the_real_one() -> None:
    """The picture of the round in the documentation has exactly the transitions of the table."""
    text = (Path(__file__).parents[3] / "docs" / "states.md").read_text(encoding="utf-8")
    picture = text.partition("## Round")[2].partition("## ")[0]
    drawn = set(re.findall(r"(\w+) --> (\w+)", picture))
    assert drawn == {
        (str(state), str(to)) for state in RoundState for to in TRANSITIONS[state].values()
    }


def an_award(**changes) -> Award:
    """An offer of 800 of 1,200 GPU-hours."""
    return replace(
        Award(
            id="awd",
            round="rnd",
            request="req",
            scenario="scn",
            fellow="mina",
            requested=1_200_000,
            recommended=800_000,
            awarded=800_000,
            service_units=800_000,
            cells=(Cell(pool="h200", slot=0, gpu_hours=800),),
            offered_at=NOW,
        ),
        **changes,
    )


@given(st.lists(st.integers(1, 800_000), max_size=6))
def test_returns_never_exceed_what_is_held(amounts: list[int]) -> None:
    """However often hours are returned, held is awarded less returned and never negative."""
    award = an_award()
    for amount in amounts:
        if 0 < amount <= award.held and "return" in award.allowed:
            award, _ = award.give_back(amount, why="done", by="mina", at=NOW)
    assert 0 <= award.held == award.awarded - award.returned
    assert (award.state is AwardState.RETURNED) is (award.held == 0)


def test_an_award_never_exceeds_the_ask() -> None:
    """Requested ≥ recommended ≥ awarded > 0, always."""
    for wrong in ({"recommended": 1_300_000}, {"awarded": 900_000}, {"awarded": 0}):
        with pytest.raises(InvalidValue):
            an_award(**wrong)


def a_change(start: timedelta, length: timedelta, gpus: int = 8, **changes) -> CapacityChange:
    """An approved maintenance."""
    begins = datetime(2026, 4, 1, tzinfo=UTC) + start
    return replace(
        CapacityChange(
            id="chg",
            pool="h200",
            kind=ChangeKind.MAINTENANCE,
            gpus=gpus,
            starts_at=begins,
            ends_at=begins + length,
            reason="Switches.",
            state=ChangeState.APPROVED,
            proposed_by="op",
            proposed_at=NOW,
        ),
        **changes,
    )


POOL = Pool(id="h200", gpu_type="H200", nodes=4, gpus_per_node=8)
CALENDAR = Calendar(starts_on=date(2026, 4, 1), slot_hours=24_000, slots=5)


@given(st.integers(-48, 200), st.integers(1, 200), st.integers(1, 40))
def test_supply_loses_exactly_the_hours_inside_the_calendar(
    start: int, length: int, gpus: int
) -> None:
    """A maintenance takes GPUs × the hours that fall inside each slot, never below nothing."""
    change = a_change(timedelta(hours=start), timedelta(hours=length), gpus)
    hours = supply(POOL, [change], CALENDAR).gpu_hours
    expected = tuple(
        max(
            32 * 24_000
            - gpus * 1000 * len(range(max(start, 24 * slot), min(start + length, 24 * slot + 24))),
            0,
        )
        for slot in range(5)
    )
    assert expected == hours


def test_an_undated_calendar_has_its_whole_supply() -> None:
    """Without a first day no change falls into any slot; neither do changes not approved."""
    change = a_change(timedelta(), timedelta(days=1))
    undated = replace(CALENDAR, starts_on=None)
    whole = (32 * 24_000,) * 5
    assert whole == supply(POOL, [change], undated).gpu_hours
    proposed = replace(change, state=ChangeState.PROPOSED)
    assert whole == supply(POOL, [proposed], CALENDAR).gpu_hours


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(CALENDAR, slots=0),
        lambda: replace(CALENDAR, slot_hours=0),
        lambda: replace(CALENDAR, slot_hours=10**8),
        lambda: replace(POOL, su_per_gpu_hour=0),
        lambda: a_change(timedelta(), timedelta(1), gpus=10**9),
        lambda: replace(POOL, nodes=-1),
        lambda: replace(POOL, gpus_per_node=0),
        lambda: a_change(timedelta(), timedelta()),
        lambda: a_change(timedelta(), timedelta(1), gpus=0),
        lambda: a_change(timedelta(), timedelta(1), reason=""),
        lambda: Institute(id="a b", name="A"),
        lambda: Group(id="g", name="G", floor_gpu_hours=2, cap_gpu_hours=1),
        lambda: Person(id="p", name="P", email="nowhere"),
        lambda: Endorsement(id="e", request="r", number=1, by="l", at=NOW, rank=0),
        lambda: Endorsement(id="e", request="r", number=1, by="l", at=NOW, rank=10**10),
        lambda: a_score(101_000),
    ],
)
def test_values_check_themselves(make) -> None:
    """A value that breaks its own rule is never made."""
    with pytest.raises(InvalidValue):
        make()


def a_score(points: int, *, conflict: bool = False) -> ReviewScore:
    """A score in thousandths of a point."""
    return ReviewScore(
        id="rev",
        request="req",
        reviewer="kim",
        score=points,
        conflict=conflict,
        imported_by="op",
        imported_at=NOW,
    )


def test_conflicted_scores_do_not_count() -> None:
    """The score is the mean of the others, half up, and nothing without others."""
    scores = [a_score(80_000), a_score(80_001), a_score(0, conflict=True)]
    assert score_of(scores) == 80_001
    assert score_of([a_score(50_000, conflict=True)]) is None


def test_differences_are_by_dotted_key() -> None:
    """Changed, added and removed keys are told; equal ones are not."""
    found = differences({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 5}, "e": []})
    assert [("a.c", 2, 5), ("d", 3, None), ("e", None, [])] == [
        (one.key, one.before, one.after) for one in found
    ]


@given(st.binary(min_size=23, max_size=40))
def test_a_token_carries_its_own_check(entropy: bytes) -> None:
    """Every minted token is well formed, and no other last letter is."""
    text = mint(entropy)
    assert text.startswith(PREFIX)
    assert well_formed(text)
    assert not well_formed(text[:-1] + ("0" if text[-1] != "0" else "1"))


def test_a_token_needs_enough_chance() -> None:
    """Fewer than 23 bytes would be guessable, and is our own mistake."""
    with pytest.raises(ValueError, match="23"):
        mint(bytes(22))


@given(st.integers(-(10**12), 10**12))
def test_margins_are_whole_milliseconds_rounded_down(microseconds: int) -> None:
    """A margin is never overstated."""
    assert microseconds // 1000 == milliseconds(NOW, NOW + timedelta(microseconds=microseconds))


ASK = Ask(title="Folding", gpu_hours=1_000, max_gpus=1, window=(0, 1), speeds={"h200": 1000})
ACTS = {
    "edit": lambda one, step: one.edit(replace(ASK, gpu_hours=step + 1), NOW),
    "submit": lambda one, _: one.submit(NOW)[0],
    "withdraw": lambda one, _: one.withdraw("", NOW)[0],
    "eligible": lambda one, _: one.decide_eligibility(eligible=True, why="ok", at=NOW)[0],
    "ineligible": lambda one, _: one.decide_eligibility(eligible=False, why="no", at=NOW)[0],
    "award": lambda one, _: one.decide(RequestState.AWARDED, NOW),
    "reserve": lambda one, _: one.decide(RequestState.RESERVE, NOW),
}


@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=12))
def test_a_request_lives_by_its_rules(acts: list[str]) -> None:
    """Versions and submissions only grow, ends are ends, edits change no state."""
    request = Request(
        id="req",
        call="call",
        fellow="mina",
        label="req",
        created_by="mina",
        created_at=NOW,
        updated_at=NOW,
        draft=ASK,
    )
    for step, name in enumerate(acts):
        before = request
        try:
            request = ACTS[name](before, step)
        except InvalidTransition as refusal:
            refused = refusal.fields["allowed"]
        else:
            refused = None
        if refused is not None:
            assert list(before.allowed) == refused
            continue
        assert before.version + 1 == request.version
        assert request.submitted == before.submitted + (name == "submit")
        assert (request.state is before.state) or name != "edit"
        assert request.submitted > 0 or request.state in {
            RequestState.DRAFT,
            RequestState.WITHDRAWN,
        }
        assert before.state not in {RequestState.AWARDED, RequestState.WITHDRAWN}


def test_an_outcome_is_one_of_three() -> None:
    """Deciding a request into any other state is our own mistake."""
    request, _ = Request(
        id="req",
        call="call",
        fellow="mina",
        label="req",
        created_by="mina",
        created_at=NOW,
        updated_at=NOW,
        draft=ASK,
    ).submit(NOW)
    with pytest.raises(ValueError, match="no outcome"):
        request.decide(RequestState.DRAFT, NOW)
