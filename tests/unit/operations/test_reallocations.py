"""Reallocations: what is held stays, returned hours go to the reserve list, books stay exact."""

import json
from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from api.solve_child import NoPlan
from scheduler.domain.access import EVERYTHING
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.changes import AwardChangeKind, fold_cells
from scheduler.domain.errors import (
    HoldingsChanged,
    InvalidTransition,
    InvalidValue,
    NothingToFreeze,
)
from scheduler.domain.ledger import AccountKind
from scheduler.domain.pools import ChangeKind
from scheduler.domain.requests import RequestState
from scheduler.domain.rounds import Round
from scheduler.operations.awards import accept_award, explain_outcome, list_reserve, return_award
from scheduler.operations.decisions import approve_round, select_scenario
from scheduler.operations.holdings import Wanted, awards_of_call, take_hours
from scheduler.operations.ledger import check_ledger
from scheduler.operations.policies import draft_policy, lock_policy_version
from scheduler.operations.pools import (
    ProposedChange,
    approve_capacity_change,
    propose_capacity_change,
    supplies,
)
from scheduler.operations.reallocations import start_reallocation
from scheduler.operations.requests import get_request, withdraw_request
from scheduler.operations.rounds import activate_round, close_round
from scheduler.operations.usage import import_usage
from scheduler.ports.store import Transaction
from scheduler.storage.store import SqlTransaction
from scheduler.storage.tables import metadata
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    OPENS,
    POLICY,
    a_frozen_round,
    a_scenario,
    a_submitted_request,
    act,
    an_open_call,
    as_fellow,
    publish,
)
from tests.unit.operations.reallocating import a_solved_scenario, reallocate, signed
from tests.unit.operations.test_rounds import holds
from tests.unit.operations.test_usage import HOUR, a_run, held

WEEK = timedelta(days=7)
START = datetime(2026, 4, 1, tzinfo=CLOSES.tzinfo)
FULL = 32 * 168
"""GPU-hours of h200 in a slot."""
EVERYBODY = ("mina", "jun", "ara")
CUTTING = {"select": {"method": "reallocate"}, "stability": {"cut": "by_rank"}}


def a_full_round(
    tx: Transaction, *line: str, answer_days: int = 60
) -> tuple[Round, dict[str, str]]:
    """Mina and Jun hold all of h200 in every slot; some of Ara wait in line.

    Returns:
        The published round and awards by fellow.
    """
    call = an_open_call(tx, answer_days=answer_days)
    whole = {"gpu_hours": 2 * FULL, "minimum_gpu_hours": 100, "max_gpus": 16, "window": [0, 4]}
    only = {**whole, "speeds": {"h200": 1}}
    asks = [a_submitted_request(tx, call, name, **only) for name in ("mina", "jun")]
    waiting = [
        a_submitted_request(
            tx, call, "ara", title=title, **{**only, "gpu_hours": 1000, "minimum_gpu_hours": least}
        )
        for title, least in zip(line, (800, 400, 100), strict=False)
    ]
    round_ = a_frozen_round(tx, call)
    cells = [["h200", slot, 16 * 168] for slot in range(4)]
    scenario = a_scenario(
        tx,
        round_,
        {each.id: 2 * FULL for each in asks},
        tuple(each.id for each in waiting),
        cells=cells,
    )
    published = signed_by_hand(tx, round_, scenario)
    awards = {award.fellow: award.id for award in awards_of_call(tx, call.id)}
    return published, awards


def signed_by_hand(tx: Transaction, round_: Round, scenario) -> Round:
    """Publish a plan that was written by hand, which the checker does not see."""
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    return publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=holds)[0]


def an_award(tx: Transaction, id_: str) -> Award:
    """Return an award as it is."""
    return tx.awards.get(EVERYTHING, id_)


def books_agree(tx: Transaction, call: str) -> None:
    """Cells, changes and ledger say the same, and no pool gives more than it has."""
    assert all(each.holds for each in check_ledger(tx, ALL))
    types = {pool.id: pool.gpu_type for pool in tx.pools.of(["h200", "b200"])}
    taken: Counter[tuple[int, str]] = Counter()
    for award in awards_of_call(tx, call):
        changes = tx.awards.changes([award.id])
        assert award.cells == fold_cells(*(change.cells for change in changes))
        hours: Counter[str] = Counter()
        for cell in award.cells:
            taken[cell.slot, cell.pool] += cell.gpu_hours
            hours[types[cell.pool]] += cell.gpu_hours * HOUR
        if award.state is AwardState.ACCEPTED:
            for gpu_type in types.values():
                kinds = AccountKind.AWARD, AccountKind.CONSUMED
                found = sum(held(tx, kind, award.id, gpu_type) for kind in kinds)
                assert hours[gpu_type] == found


def fits_supply(tx: Transaction, round_: Round) -> bool:
    """Return whether the supply still to come carries what is held."""
    call = tx.calls.find(round_.call)
    taken: Counter[tuple[int, str]] = Counter()
    for award in awards_of_call(tx, call.id):
        for cell in award.cells:
            taken[cell.slot, cell.pool] += cell.gpu_hours
    supplied = supplies(tx, call.terms.pools, call.terms.calendar)
    return all(
        1000 * hours <= supplied[pool].gpu_hours[slot]
        for (slot, pool), hours in taken.items()
        if slot >= round_.since
    )


def nodes_are_lost(
    tx: Transaction,
    gpus: int,
    since: datetime,
    pool: str = "h200",
    until: datetime = START + 5 * WEEK,
) -> None:
    """Two operators take GPUs off a pool, until the end unless said otherwise."""
    proposed = ProposedChange(
        pool=pool,
        kind=ChangeKind.MAINTENANCE,
        gpus=gpus,
        starts_at=since,
        ends_at=until,
        reason="They burnt.",
    )
    change = propose_capacity_change(tx, act("operator"), proposed)
    approve_capacity_change(tx, act("second"), change.id)


def test_a_decline_goes_to_the_first_in_line(tx: Transaction):
    """Who goes on keeps id and cells; nothing moves, and that is proved; the reserve is drawn."""
    round_, awards = a_full_round(tx, "First", "Second")
    accept_award(tx, as_fellow("jun", CLOSES), awards["jun"])
    before = an_award(tx, awards["jun"])
    return_award(tx, as_fellow("mina", CLOSES), awards["mina"], reason="No time.")
    going, scenario = reallocate(tx, round_, START + 2 * WEEK + timedelta(hours=84))
    assert (round_.id, 2) == (going.continues, going.since)
    (moved,) = [stage for stage in scenario.stages if stage["name"] == "moved"]
    assert (0, 0, 0) == tuple(moved[name] for name in ("objective", "bound", "gap"))
    assert before == an_award(tx, awards["jun"])
    first, second = sorted(
        (each for each in awards_of_call(tx, round_.call) if each.round == going.id),
        key=lambda each: -each.awarded,
    )
    assert (1_000_000, 1_000_000) == (first.awarded, second.awarded)
    # Half of the running slot is past, so that half of its free hours are gone.
    late = Counter(cell.slot for award in (first, second) for cell in award.cells)
    assert set(late) <= {2, 3}
    running = sum(
        cell.gpu_hours for award in (first, second) for cell in award.cells if cell.slot == 2
    )
    assert running <= 16 * 84
    assert {RequestState.AWARDED} == {
        get_request(tx, ALL, award.request).state for award in (first, second)
    }
    accept_award(tx, as_fellow("ara", START + 2 * WEEK), first.id)
    books_agree(tx, round_.call)
    assert fits_supply(tx, going)


def test_who_is_passed_over_learns_why(tx: Transaction):
    """A better rank is passed over only when it does not fit, and is told what was left."""
    round_, awards = a_full_round(tx, "First", "Second", "Third")
    mine = as_fellow("mina", CLOSES)
    return_award(tx, mine, awards["mina"], gpu_hours=500_000, reason="Less data.")
    going, _ = reallocate(tx, round_, CLOSES)
    drawn = [each for each in awards_of_call(tx, round_.call) if each.round == going.id]
    assert [496_000] == [each.awarded for each in drawn]
    entries = list_reserve(tx, ALL, going.id)
    assert [1, 2] == [each.rank for each in entries]
    told = explain_outcome(tx, ALL, entries[0].request)
    reason = told["reasons"][0]
    assert ("passed_over", 1) == (reason["code"], reason["numbers"]["behind_count"])
    assert "number 1 in line" in reason["text"]["en"]
    assert told["reserve_rank"] == 1
    books_agree(tx, round_.call)


def test_reclaimed_hours_come_from_the_reserve(tx: Transaction):
    """What a rule took back lies in the director's reserve, and the line is served from there."""
    round_, awards = a_full_round(tx, "First")
    for name in ("mina", "jun"):
        accept_award(tx, as_fellow(name, CLOSES), awards[name])
    wanted = Wanted(kind=AwardChangeKind.RECLAIMED, gpu_type="H200", gpu_hours=1000, reason="Idle.")
    take_hours(tx, act("operator", START), an_award(tx, awards["mina"]), wanted)
    assert 1000 * HOUR == held(tx, AccountKind.RESERVE, round_.call)
    call = held(tx, AccountKind.CALL, round_.call)
    reallocate(tx, round_, START)
    assert (0, call) == (
        held(tx, AccountKind.RESERVE, round_.call),
        held(tx, AccountKind.CALL, round_.call),
    )
    books_agree(tx, round_.call)


def test_lost_nodes_move_hours_and_the_books_follow(tx: Transaction):
    """With room elsewhere the least moves; awards keep their ids, and tell of the change."""
    round_, awards = a_full_round(tx)
    for name in ("mina", "jun"):
        accept_award(tx, as_fellow(name, CLOSES), awards[name])
    return_award(tx, as_fellow("jun", CLOSES), awards["jun"], gpu_hours=8 * 168_000, reason="Less.")
    nodes_are_lost(tx, 8, START + WEEK)
    supply = -held(tx, AccountKind.SUPPLY, "center")
    with pytest.raises(NoPlan) as refusal:
        reallocate(tx, round_, START)
    assert "guaranteed" in str(refusal.value.fields["conflicts"])
    return_award(
        tx, as_fellow("mina", START), awards["mina"], gpu_hours=16 * 168_000, reason="Less."
    )
    going, scenario = reallocate(tx, round_, START)
    (moved,) = [stage for stage in scenario.stages if stage["name"] == "moved"]
    assert moved["objective"] == moved["bound"] == 2 * 8 * 168
    kinds = Counter(change.kind for each in awards.values() for change in tx.awards.changes([each]))
    assert 1 <= kinds[AwardChangeKind.MOVED] <= 2
    assert supply - 3 * 8 * 168 * HOUR == -held(tx, AccountKind.SUPPLY, "center")
    books_agree(tx, round_.call)
    assert fits_supply(tx, going)


def a_line(tx: Transaction) -> tuple[Round, dict[str, str]]:
    """Mina and Jun hold all of h200 and have accepted; Ara waits for as much as Mina has.

    Returns:
        The published round and awards by fellow.
    """
    call = an_open_call(tx, answer_days=60)
    whole = {
        "gpu_hours": 2 * FULL,
        "minimum_gpu_hours": 100,
        "max_gpus": 16,
        "window": [0, 4],
        "speeds": {"h200": 1},
    }
    mina, jun, ara = (a_submitted_request(tx, call, each, **whole) for each in EVERYBODY)
    round_ = a_frozen_round(tx, call)
    cells = [["h200", slot, 16 * 168] for slot in range(4)]
    funded = {mina.id: 2 * FULL, jun.id: 2 * FULL}
    scenario = a_scenario(tx, round_, funded, (ara.id,), cells=cells)
    published = signed_by_hand(tx, round_, scenario)
    awards = {award.fellow: award.id for award in awards_of_call(tx, call.id)}
    for name, award in awards.items():
        accept_award(tx, as_fellow(name, CLOSES), award)
    return published, awards


def drawn_by(tx: Transaction, round_: Round) -> int:
    """Return the GPU-hours that a reallocation offered."""
    new = [each for each in awards_of_call(tx, round_.call) if each.round == round_.id]
    return sum(cell.gpu_hours for award in new for cell in award.cells)


def test_supply_lost_after_it_was_promised_is_not_given_twice(tx: Transaction):
    """Half of a slot broke while it was held: those hours are still owed, and not to the line."""
    round_, awards = a_line(tx)
    nodes_are_lost(tx, 8, START, until=START + WEEK)
    returned = 16 * 168
    return_award(
        tx, as_fellow("mina", CLOSES), awards["mina"], gpu_hours=returned * 1000, reason="Less."
    )
    going, _ = reallocate(tx, round_, START + WEEK)
    assert returned - 8 * 168 == drawn_by(tx, going)
    assert -held(tx, AccountKind.SUPPLY, "center") == (4 * FULL - 8 * 168) * HOUR
    assert 0 == held(tx, AccountKind.CALL, round_.call)
    books_agree(tx, round_.call)


def test_hours_that_were_used_ahead_are_not_given_twice(tx: Transaction):
    """Mina used in the first slot what she held in two: what she leaves is what she has left."""
    round_, awards = a_line(tx)
    run = a_run(gpus=32, starts_at=START, ends_at=START + WEEK)
    import_usage(tx, act("coll", START + WEEK), [run])
    return_award(tx, as_fellow("mina", START + WEEK), awards["mina"], reason="Done.")
    going, _ = reallocate(tx, round_, START + WEEK)
    assert 2 * FULL - FULL == drawn_by(tx, going)
    assert 0 == held(tx, AccountKind.CALL, round_.call)
    books_agree(tx, round_.call)


def test_hours_that_were_used_ahead_can_be_cut(tx: Transaction):
    """Nodes break under cells whose hours are used up already: nothing is left to take."""
    round_, awards = a_line(tx)
    draft_policy(tx, act("operator", OPENS - WEEK), "cutting", "Cut by rank", CUTTING)
    lock_policy_version(tx, act("approver", OPENS - WEEK), "cutting", 1)
    run = a_run(gpus=64, starts_at=START, ends_at=START + WEEK)
    import_usage(tx, act("coll", START + WEEK), [run])
    assert 0 == held(tx, AccountKind.AWARD, awards["mina"])
    nodes_are_lost(tx, 32, START + 2 * WEEK, until=START + 3 * WEEK)
    going, _ = reallocate(tx, round_, START + WEEK, policy="cutting")
    assert 0 == held(tx, AccountKind.AWARD, awards["mina"])
    assert 16 * 168 == sum(
        -cell.gpu_hours
        for change in tx.awards.changes([awards["mina"]])
        if change.kind is AwardChangeKind.CUT
        for cell in change.cells
    )
    assert all(each.holds for each in check_ledger(tx, ALL))
    assert fits_supply(tx, going)


def test_caps_of_institutes_go_on(tx: Transaction):
    """What an institute may hold of a round is what it may hold after all reallocations."""
    capped = {**POLICY, "institutes": {"gist": {"cap_share": 0.125}}}
    draft_policy(tx, act("operator", OPENS - WEEK), "capped", "Capped", capped)
    lock_policy_version(tx, act("approver", OPENS - WEEK), "capped", 1)
    call = an_open_call(tx, answer_days=60)
    ask = {"max_gpus": 32, "window": [0, 4], "speeds": {"h200": 1}}
    for number, hours in enumerate((1344, 2016, 2016)):
        whole = {"gpu_hours": hours, "minimum_gpu_hours": hours, "title": f"Work {number}"}
        a_submitted_request(tx, call, "ara", **ask, **whole)
    round_ = a_frozen_round(tx, call)
    first = signed(tx, round_, a_solved_scenario(tx, round_, "capped", CLOSES), CLOSES)
    held_before = awards_of_call(tx, call.id)
    cap = (4 * FULL + 4 * 16 * 168 * 1.6) / 8
    assert cap - 1344 < drawn_by(tx, first) <= cap
    going, _ = reallocate(tx, first, CLOSES)
    (limit,) = json.loads(tx.documents.text(going.snapshot))["institutes"]
    assert {"id": "gist", "cap_gpu_hours": cap} == limit
    assert held_before == awards_of_call(tx, call.id)
    accept_award(tx, as_fellow("ara", CLOSES), held_before[0].id)
    return_award(tx, as_fellow("ara", CLOSES), held_before[0].id, reason="No time.")
    last, _ = reallocate(tx, going, CLOSES)
    assert drawn_by(tx, last) > 0


def test_a_rule_cuts_by_rank(tx: Transaction):
    """What no supply carries is cut, of the worse score; the award says how much and why."""
    draft = act("operator", OPENS - WEEK)
    round_, awards = a_full_round(tx)
    draft_policy(tx, draft, "cutting", "Cut by rank", CUTTING)
    lock_policy_version(tx, act("approver", OPENS - WEEK), "cutting", 1)
    for name in ("mina", "jun"):
        accept_award(tx, as_fellow(name, CLOSES), awards[name])
    nodes_are_lost(tx, 8, START + 3 * WEEK)
    going, _ = reallocate(tx, round_, START, policy="cutting")
    cut = [
        change
        for each in awards.values()
        for change in tx.awards.changes([each])
        if change.kind is AwardChangeKind.CUT
    ]
    assert [-8 * 168_000] == [change.gpu_hours for change in cut]
    assert 2 * FULL * 1000 - 8 * 168_000 == an_award(tx, cut[0].award).held
    books_agree(tx, round_.call)
    assert fits_supply(tx, going)


def test_only_the_last_published_round_goes_on(tx: Transaction):
    """Not an unpublished one, not one that another continues, not by a policy of another kind."""
    round_, awards = a_full_round(tx, "First")
    return_award(tx, as_fellow("mina", CLOSES), awards["mina"], reason="No time.")
    open_, _ = start_reallocation(tx, act("operator", CLOSES), round_.id, "Hours came back.")
    with pytest.raises(InvalidTransition):
        start_reallocation(tx, act("operator", CLOSES), open_.id, "Again.")
    with pytest.raises(InvalidValue):
        a_solved_scenario(tx, open_, "rank_and_fund", CLOSES)
    signed(tx, open_, a_solved_scenario(tx, open_, "reallocation", CLOSES), CLOSES)
    with pytest.raises(InvalidValue):
        start_reallocation(tx, act("operator", CLOSES), round_.id, "Again.")
    with pytest.raises(InvalidValue):
        start_reallocation(tx, act("operator", START + 4 * WEEK), open_.id, "Too late.")
    for each in (open_, round_):
        activate_round(tx, act("operator", START), each.id)
        close_round(tx, act("operator", START + 4 * WEEK), each.id)
    assert all(not award.is_live for award in awards_of_call(tx, round_.call))
    books_agree(tx, round_.call)


def test_what_changed_since_the_freeze_is_not_overwritten(tx: Transaction):
    """An award that would move but was returned in part meanwhile stops the publication."""
    round_, awards = a_full_round(tx, "First")
    accept_award(tx, as_fellow("mina", CLOSES), awards["mina"])
    return_award(tx, as_fellow("mina", CLOSES), awards["mina"], gpu_hours=3_000_000, reason="Less.")
    return_award(tx, as_fellow("jun", CLOSES), awards["jun"], reason="No time.")
    nodes_are_lost(tx, 20, START)
    going, _ = start_reallocation(tx, act("operator", CLOSES), round_.id, "Nodes are lost.")
    scenario = a_solved_scenario(tx, going, "reallocation", CLOSES)
    return_award(tx, as_fellow("mina", CLOSES), awards["mina"], gpu_hours=800_000, reason="Less.")
    with pytest.raises(HoldingsChanged) as refusal:
        signed(tx, going, scenario, CLOSES)
    assert [awards["mina"]] == refusal.value.fields["awards"]


def test_who_withdrew_from_the_line_gets_no_offer(tx: Transaction):
    """The reserve list of the next round is without them."""
    round_, awards = a_full_round(tx, "First", "Second")
    return_award(tx, as_fellow("mina", CLOSES), awards["mina"], reason="No time.")
    going, _ = start_reallocation(tx, act("operator", CLOSES), round_.id, "Hours came back.")
    scenario = a_solved_scenario(tx, going, "reallocation", CLOSES)
    (first, *_) = list_reserve(tx, ALL, round_.id)
    withdraw_request(tx, as_fellow("ara", CLOSES), first.request)
    signed(tx, going, scenario, CLOSES)
    drawn = [each for each in awards_of_call(tx, round_.call) if each.round == going.id]
    assert first.request not in {each.request for each in drawn}
    assert 1 == len(drawn)


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 10**6))
def test_random_dropouts_never_harm_who_stays(seed: int):
    """Rounds solved for real; fellows decline, return, use; nodes break; three reallocations.

    Who stays keeps everything, cell by cell where no nodes are lost; the books agree after each,
    and carry every plan, whatever was lost in past slots or used ahead of its own.
    """
    engine, chance = create_engine("sqlite://"), Random(seed)  # noqa: S311 - replayable
    with engine.connect() as connection:
        metadata.create_all(connection)
        tx = SqlTransaction(connection)
        call = an_open_call(tx, answer_days=60)
        for number in range(9):
            least = 8 * chance.randrange(10, 60)
            a_submitted_request(
                tx,
                call,
                chance.choice(["mina", "jun", "ara"]),
                title=f"Work {number}",
                gpu_hours=least + 8 * chance.randrange(300),
                minimum_gpu_hours=least,
                max_gpus=8 * chance.randrange(2, 4),
                window=chance.choice([[0, 4], [0, 3], [1, 4], [2, 4]]),
                speeds=chance.choice([{"h200": 1}, {"b200": 1.6}, {"h200": 1, "b200": 1.6}]),
            )
        round_ = a_frozen_round(tx, call)
        last = signed(tx, round_, a_solved_scenario(tx, round_, "rank_and_fund", CLOSES), CLOSES)
        for step in range(3):
            now = START + step * WEEK - timedelta(days=chance.randrange(3))
            lost = drop_out(tx, chance, call.id, now)
            if step:
                use_something(tx, chance, step, now)
            before = {award.id: award for award in awards_of_call(tx, call.id)}
            nested = connection.begin_nested()
            try:
                last, scenario = reallocate(tx, last, now)
            except NothingToFreeze:
                break
            except NoPlan:
                assert lost, "without loss there is always a plan"
                nested.rollback()
                continue
            (moved,) = [stage for stage in scenario.stages if stage["name"] == "moved"]
            for award in before.values():
                after = an_award(tx, award.id)
                assert (award.held, award.state) == (after.held, after.state)
                assert lost or award.cells == after.cells
            assert lost or 0 == moved["objective"]
            assert moved["bound"] <= moved["objective"]
            books_agree(tx, call.id)
            assert fits_supply(tx, last)
    engine.dispose()


def drop_out(tx: SqlTransaction, chance: Random, call: str, now: datetime) -> bool:
    """Let a few fellows accept, decline or return a part; return whether nodes are lost too."""
    for award in awards_of_call(tx, call):
        doing = chance.randrange(4)
        mine = act(award.fellow, now)
        if doing == 0 and "return" in award.allowed:
            return_award(tx, mine, award.id, reason="Gone.")
        elif doing == 1 and "return" in award.allowed:
            ahead = [cell for cell in award.cells if cell.slot >= 2]
            if ahead and award.held > 10_000 and not used_ahead(tx, award):
                return_award(tx, mine, award.id, gpu_hours=8_000, reason="Less.")
        elif award.state is AwardState.OFFERED:
            accept_award(tx, mine, award.id)
    lost = chance.randrange(4) == 0
    if lost:
        since = START + chance.randrange(4) * WEEK
        nodes_are_lost(tx, 8, since, chance.choice(["h200", "b200"]), until=since + 2 * WEEK)
    return lost


def used_ahead(tx: SqlTransaction, award: Award) -> bool:
    """Return whether some of what an award could give back is used already."""
    accounts = [each for each in tx.ledger.of_owner(award.id) if each.kind is AccountKind.AWARD]
    return award.state is AwardState.ACCEPTED and min(each.balance for each in accounts) < 8 * HOUR


def use_something(tx: SqlTransaction, chance: Random, step: int, now: datetime) -> None:
    """Let a fellow use much or little of what they hold in the slot before."""
    began = START + (step - 1) * WEEK
    run = a_run(
        job=f"{step}",
        user=chance.choice(EVERYBODY),
        gpu_type=chance.choice(["h200", "b200"]),
        gpus=8 * chance.randrange(1, 5),
        starts_at=began,
        ends_at=began + timedelta(days=chance.randrange(1, 5)),
    )
    import_usage(tx, act("coll", now), [run])
