"""Reclaim rules: published examples, hand-computed ones, and files that are refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from scheduler.domain.burn import Basis, Burn, even_line
from scheduler.domain.reclaim import Pass, ReclaimRule, UseRecord, ahead, midnight, taking
from scheduler.reclaim_rule import (
    InvalidReclaimRule,
    find_rule,
    parse_rule,
    presets,
    read_rule,
    rule_document,
)

FISCAL = date(2019, 10, 1), date(2020, 10, 1)
"""NREL's year."""
CALENDAR = date(2026, 1, 1), date(2027, 1, 1)
ALCC_YEAR = date(2026, 7, 1), date(2027, 7, 1)


def use(used: int, *, initial: int, year=CALENDAR, held: int | None = None) -> UseRecord:
    """An award over a year, planned evenly, of which some is used."""
    begins, ends = (midnight(day) for day in year)
    burn = Burn(
        held=initial if held is None else held,
        daily={year[0]: used},
        line=even_line(begins, ends, initial),
    )
    return UseRecord(initial=initial, burn=burn, since=begins)


def taken(name: str, at: int, used: int, *, initial: int, year=CALENDAR, **changes) -> int:
    """Return what a preset takes at one of its checkpoints."""
    rule = find_rule(name)
    day, checkpoint = rule.calendar(*year)[at]
    given = replace(use(used, initial=initial, year=year), **changes)
    return taking(rule, checkpoint, day, given).gpu_seconds


PUBLISHED_BY_NREL = (
    (0, ((30_000, 70_000), (50_000, 50_000), (90_000, 10_000))),
    (6_000, ((15_000, 79_000), (30_000, 58_000), (75_000, 7_000))),
    (9_000, ((15_000, 76_000), (30_000, 52_000), (25_000, 48_000))),
)
"""Used a quarter of 100,000, then (removed, remaining) on each date: the nine examples."""


@pytest.mark.parametrize(("each_quarter", "examples"), PUBLISHED_BY_NREL)
def test_nrel_published_these(each_quarter: int, examples: tuple[tuple[int, int], ...]):
    """All nine examples of the FY2020 rule, each date alone, to the unit."""
    for at, (removed, remaining) in enumerate(examples):
        used = each_quarter * (at + 1)
        amount = taken("nrel_fy2020", at, used, initial=100_000, year=FISCAL)
        assert (removed, remaining) == (amount, 100_000 - used - amount)


def test_nrel_takings_are_cumulative():
    """What January took counts in April, and nothing is handed back in July."""
    rule, known = find_rule("nrel_fy2020"), use(0, initial=100_000, year=FISCAL)
    now = midnight(FISCAL[0])
    idle = ahead(rule, rule.calendar(*FISCAL), known, now=now, basis=Basis.RATE)
    assert [30_000, 20_000, 40_000] == [each.gpu_seconds for _, each in idle]
    slow = replace(known, taken={date(2020, 4, 10): 30_000})
    assert 0 == taken("nrel_fy2020", 2, 27_000, initial=100_000, year=FISCAL, taken=slow.taken)


def test_olcf_published_this():
    """1,000,000 hours of which 50,000 are used on 1 May forfeit 285,000."""
    assert 285_000 == taken("olcf", 0, 50_000, initial=1_000_000)


HAND_COMPUTED = (
    # NREL from FY2021, after a quarter of 400,000: 100,000 are planned to date.
    ("nrel", 0, 70_000, 400_000, 0),
    ("nrel", 0, 69_999, 400_000, 20_000),
    ("nrel", 0, 54_999, 400_000, 35_000),
    ("nrel", 0, 39_999, 400_000, 55_000),
    ("nrel", 0, 19_999, 400_000, 80_000),
    # NERSC: the whole shortfall against the plan.
    ("nersc", 0, 60_000, 400_000, 40_000),
    ("nersc", 0, 100_000, 400_000, 0),
    ("nersc", 2, 0, 400_000, 300_000),
    # OLCF in September, of what is left.
    ("olcf", 1, 99_999, 1_000_000, 675_000),
    ("olcf", 1, 100_000, 1_000_000, 450_000),
    ("olcf", 1, 400_000, 1_000_000, 198_000),
    ("olcf", 1, 500_000, 1_000_000, 0),
    ("olcf", 0, 149_999, 1_000_000, 127_500),
    # DeiC at half time: below 40 %, all that even use would not have left.
    ("deic", 0, 399, 1_000, 101),
    ("deic", 0, 400, 1_000, 0),
    # EMSL: never the balance that even use would have left.
    ("emsl", 0, 200, 1_000, 300),
    ("emsl", 1, 700, 1_000, 50),
    ("emsl", 1, 760, 1_000, 0),
)


@pytest.mark.parametrize(("name", "at", "used", "initial", "expected"), HAND_COMPUTED)
def test_presets_by_hand(name: str, at: int, used: int, initial: int, expected: int):
    """Each band of each preset, on the edge where there is one."""
    year = (date(2027, 1, 1), date(2027, 12, 31))  # 364 days: quarters are whole
    if name == "olcf":
        year = CALENDAR
    assert expected == taken(name, at, used, initial=initial, year=year)


@pytest.mark.parametrize(
    ("at", "used", "expected"),
    [(0, 99, 225), (0, 100, 135), (0, 250, 0), (1, 249, 375), (1, 250, 187), (1, 500, 0)],
)
def test_alcc_by_hand(at: int, used: int, expected: int):
    """Of 1,000: on 1 November and 1 March, rounded down."""
    assert expected == taken("alcc", at, used, initial=1_000, year=ALCC_YEAR)


def test_checkpoints_fall_where_the_rule_says():
    """Days of the year, or shares of the round; the first and the last day are none."""
    days = [day for day, _ in find_rule("alcc").calendar(*ALCC_YEAR)]
    assert [date(2026, 11, 1), date(2027, 3, 1)] == days
    half_year = date(2027, 1, 4), date(2027, 7, 5)
    assert [date(2027, 2, 18), date(2027, 4, 5), date(2027, 5, 20)] == [
        day for day, _ in find_rule("nersc").calendar(*half_year)
    ]
    assert () == find_rule("olcf").calendar(date(2027, 5, 1), date(2027, 9, 1))


def test_new_exempt_and_done_awards_pass():
    """Each says why nothing is taken."""
    rule = find_rule("nersc")
    day, checkpoint = rule.calendar(*CALENDAR)[1]
    idle = use(0, initial=1000)
    young = replace(idle, since=datetime.combine(day, datetime.min.time(), UTC) - timedelta(59))
    cases = {
        Pass.NEW: young,
        Pass.EXEMPT: replace(idle, exempt=True),
        Pass.DONE: replace(idle, taken={day: 5}),
        Pass.NOTHING_LEFT: use(0, initial=1000, held=0),
        Pass.ON_PACE: use(999, initial=1000),
    }
    for why, each in cases.items():
        found = taking(rule, checkpoint, day, each)
        assert (0, why) == (found.gpu_seconds, found.why_not)
    old = replace(young, since=young.since - timedelta(1))
    assert 1000 * 182 // 365 == taking(rule, checkpoint, day, old).gpu_seconds


def test_only_the_initial_award_counts_where_the_rule_says():
    """A supplement neither saves nor harms under NERSC's rule; under ALCC's it is measured."""
    more = use(125, initial=1000, held=2000, year=ALCC_YEAR)
    alcc, nersc = find_rule("alcc"), find_rule("nersc")
    day, checkpoint = alcc.calendar(*ALCC_YEAR)[0]
    assert 2000 == taking(alcc, checkpoint, day, more).measure
    day, checkpoint = nersc.calendar(*ALCC_YEAR)[0]
    assert 249 - 125 == taking(nersc, checkpoint, day, more).gpu_seconds


@pytest.mark.parametrize("name", presets())
def test_presets_read_back(name: str):
    """Every preset names itself, its source, and survives being written down."""
    rule = find_rule(name)
    assert name == rule.name
    assert rule == read_rule(rule_document(rule))


def test_every_published_rule_ships():
    """The presets are those that centers publish."""
    names = ("alcc", "deic", "emsl", "nersc", "nrel", "nrel_fy2020", "olcf")
    assert names == presets()


BAD = (
    (
        'measure = "plan"',
        'measure = "mood"',
        '#/measure: "mood": Must be one of award, plan, even.',
    ),
    ("grace_days = 60", "grace_days = -1", "#/grace_days: -1: Must be a whole number"),
    ("grace_days = 60", "grace_days = 400", "#/grace_days: 400: Must be at most 366 days."),
    ("grace_days = 60", "", "#/grace_days: null: Is required."),
    ("cumulative = true", "", "#/cumulative: null: Is required."),
    ("cumulative = true", "cumulative = 1", "#/cumulative: 1: Must be true or false."),
    ('of = "shortfall"', 'of = "unused"', '#/cumulative: "true": Must be false'),
    ("at_share = 0.25", "at_share = 0", '#/checkpoints/0/at_share: "0": Must be above 0'),
    ("at_share = 0.25", "at_share = 1.5", 'at_share: "1.5": Must be above 0 and at most 1.'),
    ("at_share = 0.25", 'on = "04-15"', '#/checkpoints: "…": Must all have a day'),
    ("at_share = 0.25", "", "Must have either on or at_share."),
    ("below = 1, ", "below = 1, above = 0, ", "bands/0/above: 0: Is not a key of the format."),
    ("{ below = 1, take = 1 }", "", "bands: []: Must hold bands"),
    (
        "[{ below = 1, take = 1 }]",
        "[{ below = 0.5, take = 0.5 }, { below = 1, take = 1 }]",
        "bands: [500, 1000]: Must hold bands, each higher than the last and taking no more.",
    ),
    ('title = "The', 'motto = "x"\ntitle = "The', '#/motto: "x": Is not a key of the format.'),
    ("exemption_days = 14", "exemption_days = 28", "28: Must be fewer than notice_days."),
    ("[[checkpoints]]", "[[checkpoints", "must be TOML"),
)


@pytest.mark.parametrize(("before", "after", "told"), BAD)
def test_a_broken_rule_is_refused_by_field(before: str, after: str, told: str):
    """The refusal names field, value and rule."""
    from_file = (find_rule.__globals__["PRESETS"] / "nersc.toml").read_text()
    with pytest.raises(InvalidReclaimRule) as refusal:
        parse_rule(from_file.replace(before, after, 1))
    assert told in str(refusal.value)


@pytest.mark.parametrize("day", ["02-29", "13-01", "4-15", "April"])
def test_a_checkpoint_is_a_day_of_every_year(day: str):
    """Other texts are refused."""
    text = (find_rule.__globals__["PRESETS"] / "olcf.toml").read_text()
    with pytest.raises(InvalidReclaimRule, match="on: "):
        parse_rule(text.replace("05-01", day))


def test_an_unknown_rule_is_named():
    """Presets are listed in the refusal."""
    with pytest.raises(InvalidReclaimRule, match="alcc, deic, emsl, nersc"):
        find_rule("none")


def test_a_rule_is_a_value():
    """Rules of the same text are equal."""
    rule: ReclaimRule = find_rule("nersc")
    assert rule == find_rule("nersc")
