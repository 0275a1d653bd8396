"""How awards of a center are used: by GPU type, and what a round will leave."""

from datetime import UTC, datetime

import pytest

from scheduler.domain.access import Scope
from scheduler.domain.burn import Basis
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.errors import NotFound, UndatedRound
from scheduler.domain.pools import Calendar
from scheduler.operations.awards import list_awards
from scheduler.operations.burning import award_burns, expected, round_burns, together
from scheduler.operations.holdings import Wanted, take_hours
from scheduler.operations.usage import import_usage
from scheduler.ports.store import Transaction
from tests.unit.operations.center import ALL, act, seen
from tests.unit.operations.test_rounds import published
from tests.unit.operations.test_usage import HOUR, a_run, an_award


def test_an_award_is_set_against_its_own_plan(tx: Transaction):
    """Eighty of 800 hours are used; half of the only planned week has passed."""
    award = an_award(tx)
    import_usage(tx, act("collector"), [a_run()])
    (found,) = award_burns(tx, ALL, award.id)
    middle = datetime(2026, 4, 4, 12, tzinfo=UTC)
    will = expected(found, middle)
    assert ("vision", "H200") == (found.group, found.gpu_type)
    assert (800 * HOUR, 80 * HOUR, 400 * HOUR) == (will.held, will.used, will.due)
    assert found.burn.rate(middle).over(84 * HOUR) == 80 * HOUR
    by_rate = will.forecasts[list(Basis).index(Basis.RATE)]
    assert (160 * HOUR, 640 * HOUR, None) == (by_rate.used, by_rate.unused, by_rate.exhausts_at)


def test_an_award_without_cells_has_an_even_line(tx: Transaction):
    """Who lost every hour has nothing due, over the whole calendar."""
    award = an_award(tx)
    all_ = Wanted(
        kind=AwardChangeKind.RECLAIMED, gpu_type="H200", gpu_hours=800, reason="Idle.", since=0
    )
    changed, _ = take_hours(tx, act(), award, all_)
    (found,) = award_burns(tx, ALL, award.id)
    assert ((), 0) == (changed.cells, found.burn.held)
    line = found.burn.line
    assert (4 * 7 * 86_400, 0) == (line.seconds, line.due(line.ends_at))


def test_an_offer_counts_before_it_is_accepted(tx: Transaction):
    """What is offered is held; groups add up what their awards do."""
    round_, _, _ = published(tx)
    (found,) = round_burns(tx, ALL, round_.id)
    now = datetime(2026, 3, 20, tzinfo=UTC)
    twice = together([expected(found, now), expected(found, now)])
    assert (1600 * HOUR, 0, 0) == (twice.held, twice.used, twice.due)
    assert [1600 * HOUR, 368 * HOUR, 368 * HOUR] == [each.unused for each in twice.forecasts]


def test_who_sees_no_award_sees_no_use(tx: Transaction):
    """Another fellow's award is not there; a round shows each what is theirs."""
    round_, _, _ = published(tx)
    (award,) = list_awards(tx, ALL).items
    jun = seen(Scope(own="jun"))
    with pytest.raises(NotFound):
        award_burns(tx, jun, award.id)
    assert () == round_burns(tx, jun, round_.id)
    with pytest.raises(NotFound):
        round_burns(tx, ALL, "rnd_none")


def test_a_round_without_dates_has_no_forecast(tx: Transaction):
    """The refusal names the round."""
    undated = Calendar(starts_on=None, slot_hours=168_000, slots=4)
    round_, _, _ = published(tx, calendar=undated)
    with pytest.raises(UndatedRound, match=round_.id):
        round_burns(tx, ALL, round_.id)
