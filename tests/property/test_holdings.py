"""What awards hold: cells and ledger never disagree, and hours go and come by their rules."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from scheduler.domain.access import EVERYTHING
from scheduler.domain.awards import Award, AwardState, Cell
from scheduler.domain.changes import AwardChangeKind, Holding, fold_cells, negative
from scheduler.domain.errors import DureError
from scheduler.domain.ledger import AccountKind
from scheduler.domain.requests import Ask
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import accept_award, return_award
from scheduler.operations.decisions import approve_round, select_scenario
from scheduler.operations.handing import Handing, propose_transfer
from scheduler.operations.holdings import Wanted, awards_of_call, free_room, take_hours
from scheduler.operations.ledger import check_ledger
from scheduler.operations.movements import Adjustment, propose_adjustment, propose_reserve
from scheduler.operations.usage import import_usage
from scheduler.storage.store import SqlTransaction
from scheduler.storage.tables import metadata
from tests.unit.operations.center import (
    CLOSES,
    a_frozen_round,
    a_scenario,
    a_submitted_request,
    act,
    an_open_call,
    as_fellow,
    publish,
)
from tests.unit.operations.test_rounds import holds
from tests.unit.operations.test_usage import HOUR, WEEK, a_run, held

POOLS = {"a": "H200", "b": "H200", "c": "B200"}


@st.composite
def holdings(draw: st.DrawFn) -> Holding:
    """An award of some gangs in some slots of three pools."""
    gang = draw(st.integers(1, 8))
    places = draw(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.integers(0, 3)),
            min_size=1,
            max_size=8,
            unique=True,
        )
    )
    cells = fold_cells(
        Cell(pool=pool, slot=slot, gpu_hours=gang * draw(st.integers(1, 5)))
        for pool, slot in places
    )
    speeds = {pool: draw(st.sampled_from([500, 1000, 1600])) for pool in POOLS}
    total = sum(cell.gpu_hours * speeds[cell.pool] for cell in cells)
    award = Award(
        id="awd",
        round="rnd",
        request="req",
        scenario="scn",
        fellow="mina",
        requested=total,
        recommended=total,
        awarded=total,
        service_units=total,
        cells=cells,
        offered_at=CLOSES,
        state=AwardState.ACCEPTED,
    )
    ask = Ask(gang_gpus=gang, max_gpus=8 * gang, speeds=speeds)
    return Holding(award=award, ask=ask, gpu_types=POOLS, slot_hours=10_000)


@given(holdings(), st.integers(0, 60), st.integers(0, 4), st.sampled_from(["H200", "B200"]))
def test_hours_go_from_the_latest_slots_in_whole_gangs(
    holding: Holding, hours: int, since: int, gpu_type: str
):
    """Never more than asked, nothing of the past or of another type, nothing later is left."""
    gone = holding.take(hours, gpu_type, since=since)
    taken = sum(cell.gpu_hours for cell in gone)
    gang = holding.ask.gang_gpus
    left = fold_cells(holding.award.cells, negative(gone))
    ours = [each for each in left if POOLS[each.pool] == gpu_type and each.slot >= since]
    assert taken <= hours
    assert all(cell.gpu_hours % gang == 0 < cell.gpu_hours for cell in (*left, *gone))
    assert all(cell.slot >= since and POOLS[cell.pool] == gpu_type for cell in gone)
    assert not ours or hours - taken < gang
    if gone:
        earliest = min((each.slot, each.pool) for each in gone)
        assert all((each.slot, each.pool) <= earliest for each in ours)
    assert holding.award.cells == fold_cells(left, gone)


@given(holdings(), st.integers(0, 10**6), st.integers(0, 60))
def test_hours_come_where_there_is_room_and_the_request_can_use_them(
    holding: Holding, seed: int, hours: int
):
    """Whole gangs, never more GPUs at once than the request can use, never beyond the room."""
    chance = Random(seed)  # noqa: S311 - replayable
    room = {(slot, pool): chance.randrange(40) for slot in range(4) for pool in POOLS}
    come = holding.give(hours, "H200", room)
    after = Counter[int]()
    for cell in fold_cells(holding.award.cells, come):
        after[cell.slot] += cell.gpu_hours
    gang, most = holding.ask.gang_gpus, 80 * holding.ask.gang_gpus
    assert sum(cell.gpu_hours for cell in come) <= hours
    assert all(after[slot] <= most for slot in range(4))
    for cell in come:
        assert 0 == cell.gpu_hours % gang
        assert "H200" == POOLS[cell.pool]
        assert cell.gpu_hours <= room[cell.slot, cell.pool]


@given(holdings(), st.integers(0, 10**5))
def test_less_than_a_gang_hour_is_left_over_by_a_return(holding: Holding, amount: int):
    """What is left covers what is still held, by less than a gang-hour of its slowest pool."""
    still = max(holding.award.held - amount, 0)
    gone = holding.take_down_to(still, since=0)
    left = fold_cells(holding.award.cells, negative(gone))
    over = holding.reference(left) - still
    slowest = min((holding.ask.speeds[each.pool] for each in left), default=1)
    assert 0 <= over < max(slowest * holding.ask.gang_gpus, 1)


def a_published_call(tx: SqlTransaction):
    """Mina and Jun of one group hold 800 and 1600 H200-hours, accepted; 400 are in reserve."""
    call = an_open_call(tx)
    mina, jun = (
        a_submitted_request(tx, call, name, max_gpus=32, gpu_hours=2000) for name in ("mina", "jun")
    )
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800, jun.id: 1600})
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=holds)
    for award in awards_of_call(tx, call.id):
        accept_award(tx, as_fellow(award.fellow, CLOSES), award.id)
    proposal, _ = propose_reserve(tx, act(), f"call:{call.id}:H200", 400 * HOUR, "For need.")
    decide_proposal(tx, act("approver"), proposal.id, approve=True, reason="Agreed.")
    return call


def at_random(tx: SqlTransaction, chance: Random, now: datetime, awards: list[Award]) -> None:
    """Do one thing that changes what an award holds, or fail to."""
    award, other = chance.sample(awards, 2)
    hours = 8 * chance.randrange(1, 40)
    match chance.randrange(5):
        case 0:
            amount = chance.choice([None, *[chance.randrange(1, 200_000)] * 9])
            return_award(tx, act(award.fellow, now), award.id, gpu_hours=amount, reason="Less.")
        case 1:
            job = str(chance.randrange(5))
            ends = now + timedelta(minutes=chance.randrange(1, 600))
            run = a_run(job=job, user=award.fellow, starts_at=now, ends_at=ends)
            import_usage(tx, act("collector", now), [run])
        case 2:
            handing = Handing(
                to=other.id, gpu_type="H200", gpu_seconds=hours * HOUR, reason="Joint."
            )
            proposal, _ = propose_transfer(tx, act("lead", now), award.id, handing)
            decide_proposal(tx, act(award.fellow, now), proposal.id, approve=True, reason="Yes.")
        case 3:
            wanted = Wanted(
                kind=AwardChangeKind.RECLAIMED, gpu_type="H200", gpu_hours=hours, reason="Idle."
            )
            take_hours(tx, act("operator", now), award, wanted)
        case _:
            seconds = chance.choice([1, -1]) * hours * HOUR
            wanted = Adjustment(gpu_type="H200", gpu_seconds=seconds, reason="Needed.")
            _, proposal, _ = propose_adjustment(tx, act("operator", now), award.id, wanted)
            decide_proposal(tx, act("second", now), proposal.id, approve=True, reason="Yes.")


def agree(tx: SqlTransaction, call) -> None:
    """Cells are the fold of their changes, and the ledger holds exactly what they say."""
    assert all(each.holds for each in check_ledger(tx, act().permit))
    taken: Counter[tuple[int, str]] = Counter()
    for award in awards_of_call(tx, call.id):
        changes = tx.awards.changes([award.id])
        assert award.cells == fold_cells(*(change.cells for change in changes))
        assert 0 <= award.held == sum(change.gpu_hours for change in changes)
        for cell in award.cells:
            taken[cell.slot, cell.pool] += cell.gpu_hours
        if award.state is AwardState.ACCEPTED:
            hours = sum(cell.gpu_hours for cell in award.cells)
            kinds = AccountKind.AWARD, AccountKind.CONSUMED
            assert hours * HOUR == sum(held(tx, kind, award.id) for kind in kinds)
    assert all(free >= 0 for free in free_room(tx, call).values())
    assert all(taken[slot, "h200"] <= 32 * 168 for slot in range(4))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_cells_and_ledger_never_disagree(seed: int):
    """After any sequence of returns, use, transfers, reclaims and adjustments, whoever refuses."""
    engine, chance = create_engine("sqlite://"), Random(seed)  # noqa: S311 - replayable
    with engine.connect() as connection:
        metadata.create_all(connection)
        tx = SqlTransaction(connection)
        call = a_published_call(tx)
        for step in range(12):
            now = WEEK + timedelta(days=step)
            awards = [tx.awards.get(EVERYTHING, each.id) for each in awards_of_call(tx, call.id)]
            nested = connection.begin_nested()
            try:
                at_random(tx, chance, now, awards)
                nested.commit()
            except DureError:
                nested.rollback()
            agree(tx, call)
    engine.dispose()
