"""Laws of every reclaim rule, shipped or drawn."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.burn import Basis, Burn, own_line
from scheduler.domain.reclaim import (
    Band,
    Checkpoint,
    Counted,
    Measure,
    Part,
    ReclaimRule,
    UseRecord,
    ahead,
    midnight,
    taking,
)

BEGINS, ENDS = date(2026, 1, 1), date(2026, 12, 31)
WEEK = timedelta(days=7)


@st.composite
def rules(draw):
    """Any rule of the vocabulary."""
    of = draw(st.sampled_from(Part))
    limits = sorted(draw(st.sets(st.integers(1, 1000), min_size=1, max_size=4)))
    takes = sorted((draw(st.integers(1, 1000)) for _ in limits), reverse=True)
    pairs = zip(limits, takes, strict=True)
    bands = tuple(Band(below=below, take=take) for below, take in pairs)
    shares = sorted(draw(st.sets(st.integers(1, 999), min_size=1, max_size=4)))
    return ReclaimRule(
        name="drawn",
        title="Drawn",
        source="chance",
        measure=draw(st.sampled_from(Measure)),
        of=of,
        counts=draw(st.sampled_from(Counted)),
        cumulative=of is not Part.UNUSED and draw(st.booleans()),
        keep_even=draw(st.booleans()),
        grace_days=draw(st.integers(0, 90)),
        notice_days=14,
        exemption_days=7,
        checkpoints=tuple(Checkpoint(at_share=share, bands=bands) for share in shares),
    )


@st.composite
def use_records(draw):
    """Any award of that year: any plan, any use, even beyond what it holds."""
    weeks = draw(st.dictionaries(st.integers(0, 51), st.integers(1, 500), min_size=1))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    line = own_line(
        (start + at * WEEK, start + (at + 1) * WEEK, hours) for at, hours in weeks.items()
    )
    initial = sum(weeks.values())
    used = draw(st.integers(0, initial * 5 // 4))
    held = draw(st.integers(0, initial * 3 // 2))
    burn = Burn(held=held, daily={BEGINS: used}, line=line)
    return UseRecord(
        initial=initial, burn=burn, since=start + draw(st.integers(-30, 300)) * WEEK / 7
    )


@given(rules(), use_records())
def test_never_more_than_is_unused_and_never_less_than_nothing(rule, use):
    """0 ≤ taken ≤ unused, at every checkpoint, whatever the rule says."""
    for day, checkpoint in rule.calendar(BEGINS, ENDS):
        found = taking(rule, checkpoint, day, use)
        assert 0 <= found.gpu_seconds <= use.burn.left
        assert (found.why_not is None) == (found.gpu_seconds > 0)


@given(rules(), use_records())
def test_the_even_balance_is_never_touched(rule, use):
    """Where the rule keeps it, what even use would have left stays."""
    for day, checkpoint in rule.calendar(BEGINS, ENDS):
        kept = replace(rule, keep_even=True)
        line, burn = use.burn.line, use.burn
        left = use.initial * (line.seconds - line.passed(midnight(day))) / line.seconds
        amount = taking(kept, checkpoint, day, use).gpu_seconds
        assert not amount or burn.left - amount >= left - 1e-6


@given(rules(), use_records())
def test_a_checkpoint_takes_once(rule, use):
    """Run again over what it left, it takes nothing more."""
    for day, checkpoint in rule.calendar(BEGINS, ENDS):
        first = taking(rule, checkpoint, day, use).gpu_seconds
        after = replace(
            use,
            burn=replace(use.burn, held=use.burn.held - first),
            taken={day: first} if first else {},
        )
        if first:
            assert 0 == taking(rule, checkpoint, day, after).gpu_seconds


@given(rules(), use_records(), st.integers(0, 1000))
def test_who_uses_more_never_loses_more(rule, use, more):
    """Use between notice and checkpoint can only lower what is taken."""
    burn = use.burn
    used = replace(burn, daily={BEGINS: burn.used + more})
    for day, checkpoint in rule.calendar(BEGINS, ENDS):
        late = taking(rule, checkpoint, day, replace(use, burn=used)).gpu_seconds
        assert late <= taking(rule, checkpoint, day, use).gpu_seconds


@given(rules(), st.lists(use_records(), max_size=5), st.randoms())
def test_the_order_of_awards_does_not_matter(rule, all_, chance):
    """Each award stands alone: shuffled, each loses the same."""
    for day, checkpoint in rule.calendar(BEGINS, ENDS):
        order = list(range(len(all_)))
        chance.shuffle(order)
        shuffled = {at: taking(rule, checkpoint, day, all_[at]).gpu_seconds for at in order}
        plain = [taking(rule, checkpoint, day, each).gpu_seconds for each in all_]
        assert plain == [shuffled[at] for at in range(len(all_))]


@given(rules(), use_records(), st.integers(-10, 370), st.sampled_from(Basis))
def test_what_lies_ahead_adds_up(rule, use, day, basis):
    """All coming checkpoints together never take more than is unused now."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    days = rule.calendar(BEGINS, ENDS)
    found = list(ahead(rule, days, use, now=now, basis=basis))
    assert [day for day, _ in days if midnight(day) >= now] == [day for day, _ in found]
    assert sum(each.gpu_seconds for _, each in found) <= use.burn.left
