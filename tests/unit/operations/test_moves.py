"""People move, and their awards follow the rule; what happened before stays as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest

from scheduler.domain.access import Scope
from scheduler.domain.awards import AwardState
from scheduler.domain.errors import Forbidden, InvalidValue
from scheduler.domain.ledger import AccountKind
from scheduler.domain.moves import MoveRule
from scheduler.operations.awards import accept_award, list_awards
from scheduler.operations.ledger import list_transfers
from scheduler.operations.limits import award_limits
from scheduler.operations.moves import Moving, list_moves, move_person, place_of
from scheduler.operations.stays import Stays
from scheduler.operations.usage import import_usage
from scheduler.ports.store import Transaction
from tests.unit.operations.center import ALL, CLOSES, act, as_fellow, seen
from tests.unit.operations.reallocating import reallocate
from tests.unit.operations.test_reallocations import START, a_full_round, an_award, books_agree
from tests.unit.operations.test_usage import HOUR, a_run, held

LATER = START + timedelta(days=1)


def moving(rule: MoveRule, group: str | None = "folding", **more) -> Moving:
    """Mina goes to another group of another institute."""
    return Moving(group=group, rule=rule, reason="A new post.", **more)


def moved(tx: Transaction, wish: Moving, now=LATER):
    """The administrator moves Mina."""
    return move_person(tx, act("admin", now), "mina", wish)


def test_awards_go_along(tx: Transaction):
    """They count for the new group from then on; transfers still name the old one."""
    round_, awards = a_full_round(tx)
    accept_award(tx, as_fellow("jun", CLOSES), awards["jun"])
    before = an_award(tx, awards["mina"])
    waiting = {"vision": held(tx, AccountKind.GROUP, "vision")}
    person, _ = moved(tx, moving(MoveRule.CARRY, track="startup"))
    assert ("folding", "mina") == (person.group, an_award(tx, awards["mina"]).fellow)
    assert before == an_award(tx, awards["mina"])
    # The offer waits with the new group now, and can be accepted from there.
    offered = sum(cell.gpu_hours for cell in before.cells) * HOUR
    assert waiting["vision"] - offered == held(tx, AccountKind.GROUP, "vision")
    assert offered == held(tx, AccountKind.GROUP, "folding")
    accept_award(tx, as_fellow("mina", LATER), awards["mina"])
    assert 0 == held(tx, AccountKind.GROUP, "folding")
    groups = {each.award: each.group for each in award_limits(tx, ALL)}
    assert {awards["mina"]: "folding", awards["jun"]: "vision"} == groups
    told = [each for each in list_transfers(tx, ALL).items if "group:vision" in each.debit]
    assert told
    today = place_of(tx, person)
    assert ("folding", "startup") == (today.group, today.track)
    stays = Stays(tx)
    award = an_award(tx, awards["mina"])
    before, since = (stays.at(award, at) for at in (LATER - timedelta(seconds=1), LATER))
    assert ("mina", "vision", None) == (before.fellow, before.group, before.track)
    assert ("mina", "folding", "startup") == (since.fellow, since.group, since.track)
    books_agree(tx, round_.call)


def test_awards_are_handed_to_the_group(tx: Transaction):
    """Another fellow of the group holds them: sees them, uses them; the next round knows."""
    round_, awards = a_full_round(tx, "First")
    for name in ("mina", "jun"):
        accept_award(tx, as_fellow(name, CLOSES), awards[name])
    cells = an_award(tx, awards["mina"]).cells
    person, _ = moved(tx, moving(MoveRule.HAND_OVER, None, heir="jun"))
    assert (None, False) == (person.group, person.active)
    handed = an_award(tx, awards["mina"])
    assert ("jun", cells, AwardState.ACCEPTED) == (handed.fellow, handed.cells, handed.state)
    assert 2 == len(list_awards(tx, seen(Scope(own="jun"))).items)
    assert () == list_awards(tx, seen(Scope(own="mina"))).items
    assert {"vision"} == {each.group for each in award_limits(tx, ALL)}
    used = import_usage(tx, act("collector", LATER), [a_run(user="jun", hint=(handed.id,))])
    assert 0 == used.outside
    going, _ = reallocate(tx, round_, LATER)
    assert going.continues == round_.id
    books_agree(tx, round_.call)


def test_awards_go_back(tx: Transaction):
    """What is not used is the call's again; who leaves can act no more."""
    round_, awards = a_full_round(tx)
    accept_award(tx, as_fellow("mina", CLOSES), awards["mina"])
    import_usage(tx, act("collector", START), [a_run()])
    call = held(tx, AccountKind.CALL, round_.call)
    before = an_award(tx, awards["mina"])
    _, move = moved(tx, moving(MoveRule.GIVE_BACK, None))
    after = an_award(tx, awards["mina"])
    hours = sum(cell.gpu_hours for cell in before.cells)
    assert (AwardState.RETURNED, 0) == (after.state, after.held)
    assert call + (hours - 80) * HOUR == held(tx, AccountKind.CALL, round_.call)
    assert (move,) == list_moves(tx, ALL, "mina")
    books_agree(tx, round_.call)


def test_a_move_that_no_rule_fits_is_refused(tx: Transaction):
    """Who leaves carries nothing; an heir is of the old group; a coordinator stays inside."""
    a_full_round(tx)
    for wish in (
        moving(MoveRule.CARRY, None),
        moving(MoveRule.HAND_OVER),
        moving(MoveRule.CARRY, heir="jun"),
        moving(MoveRule.HAND_OVER, heir="ara"),
        moving(MoveRule.HAND_OVER, heir="mina"),
        replace(moving(MoveRule.CARRY), reason=""),
        moving(MoveRule.CARRY, "nowhere"),
    ):
        nested = tx._connection.begin_nested()
        with pytest.raises(InvalidValue):
            moved(tx, wish)
        nested.rollback()
    inside = Scope(institutes=frozenset({"kaist"}))
    with pytest.raises(Forbidden):
        move_person(tx, act("coord", LATER, scope=inside), "mina", moving(MoveRule.GIVE_BACK))
