"""What portals, dashboards and calendars are told, read back."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.plain_json import encode
from scheduler.domain.awards import Award, AwardState, Cell
from scheduler.domain.directory import Person
from scheduler.domain.messages import Language
from scheduler.domain.sheets import Sheet
from scheduler.export.calendar import calendar, escape, fold
from scheduler.export.hours import hours, hours_text
from scheduler.export.ondemand import balances
from scheduler.export.openportal import award_details
from tests.property.test_pace import BEGINS, HOUR, a_limit

OFFERED = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=28)


def a_sheet(**changes) -> Sheet:
    """Return the sheet of an accepted award of 800 of 1,000 hours."""
    award = Award(
        id="awd_1",
        round="rnd_1",
        request="req_1",
        scenario="scn_1",
        fellow="kim",
        requested=1_000_000,
        recommended=800_000,
        awarded=800_000,
        service_units=800_000,
        cells=(Cell(pool="h200", slot=0, gpu_hours=800),),
        offered_at=OFFERED,
        state=changes.pop("state", AwardState.ACCEPTED),
    )
    given_ = {
        "award": award,
        "person": Person(id="kim", name="김하나", email="kim@example.org", group="vision"),
        "group": "vision",
        "institute": "inst",
        "title": "단백질 접힘; folding, \\fast",
        "abstract": "Two\nlines.",
        "call": "call_1",
        "call_title": "Autumn",
        "digest": "ab" * 32,
        "window": (BEGINS, ENDS),
        "limits": (
            a_limit(award="awd_1", granted_gpu_seconds=800 * HOUR, used_gpu_seconds=HOUR // 3),
            a_limit(award="awd_1", gpu_type="B200", granted_gpu_seconds=HOUR // 2),
        ),
        **changes,
    }
    return Sheet(**given_)


WIRE = {
    "name": str | None,
    "template": str | None,
    "key": str | None,
    "description": str | None,
    "members": dict | None,
    "start_date": str | None,
    "end_date": str | None,
    "allocation": str | None,
    "breakdown": dict,
    "award": dict,
    "call": dict,
    "notes": list,
    "earliest_approve": str,
    "allowed_domains": list | None,
}
"""The fields of AwardDetails and their types, as its source declares them."""


def details(sheet: Sheet) -> dict:
    """Return an award as a portal gets it, through JSON."""
    told = award_details(
        sheet,
        template="gpu",
        cooling_off=timedelta(days=2),
        link=lambda path: f"https://dure.example/api/v1/{path}",
    )
    return json.loads(encode(told))


def test_award_details_have_the_wire_format():
    """Every field is there with its type; amounts are exact and dates inclusive."""
    told = details(a_sheet())
    assert set(WIRE) == set(told)
    assert all(isinstance(told[name], type_) for name, type_ in WIRE.items())
    assert ("800.5 GPUHR", {"H200": "800 GPUHR", "B200": "0.5 GPUHR"}) == (
        told["allocation"],
        told["breakdown"],
    )
    assert ("2027-01-04", "2027-01-31") == (told["start_date"], told["end_date"])
    assert {"kim@example.org": "pi"} == told["members"]
    assert "2026-12-03T09:30:00Z" == told["earliest_approve"]
    assert {"id": "awd_1", "url": "https://dure.example/api/v1/awards/awd_1"} == told["award"]
    (note,) = told["notes"]
    assert {"timestamp", "author", "text"} == set(note)
    assert "800 of 1,000 reference GPU-hours. Scenario abab" in note["text"]


def test_award_details_of_somebody_without_address_or_dates():
    """What is not known is null, as the format wants it."""
    person = Person(id="kim", name="Kim")
    told = details(a_sheet(person=person, window=None, abstract=""))
    names = ("members", "start_date", "end_date", "description")
    assert [None] * 4 == [told[name] for name in names]


def test_balances_are_what_is_left():
    """One line a fellow, award and type; hours are rounded down, never up."""
    told = json.loads(encode(balances([a_sheet()], OFFERED)), parse_float=Decimal)
    assert (1, int(OFFERED.timestamp())) == (told["version"], told["timestamp"])
    assert {"unit": "GPU-hours", "project_type": "award"} == told["config"]
    assert [
        {"user": "kim", "project": "awd_1 H200", "value": Decimal("799.666")},
        {"user": "kim", "project": "awd_1 B200", "value": Decimal("0.5")},
    ] == told["balances"]


@given(st.integers(0, 10**15))
def test_hours_never_promise_more(gpu_seconds: int):
    """Hours in text are exact or less, by less than a thousandth, in plain digits."""
    told = Decimal(hours_text(gpu_seconds))
    assert hours(gpu_seconds) == told
    assert 0 <= Decimal(gpu_seconds) - told * HOUR < Decimal("3.6")
    assert set(hours_text(gpu_seconds)) <= set("0123456789.")


def read_calendar(raw: bytes) -> list[dict[str, str]]:
    """Return the events of a calendar, read as strictly as RFC 5545 is written."""
    assert raw.endswith(b"\r\n")
    physical = raw[:-2].split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in physical)
    logical: list[bytes] = []
    for line in physical:
        line.decode("utf-8")  # no letter is cut through
        if line.startswith(b" "):
            logical[-1] += line[1:]
        else:
            logical.append(line)
    pairs = [line.decode("utf-8").partition(":") for line in logical]
    assert ("BEGIN", "VCALENDAR") == pairs[0][::2]
    assert ("END", "VCALENDAR") == pairs[-1][::2]
    assert {"VERSION": "2.0", "METHOD": "PUBLISH", "CALSCALE": "GREGORIAN"}.items() <= {
        name: value for name, _, value in pairs
    }.items()
    events: list[dict[str, str]] = []
    open_ = False
    for name, colon, value in pairs[1:-1]:
        assert colon == ":"
        assert name.isascii()
        if (name, value) == ("BEGIN", "VEVENT"):
            assert not open_
            open_, event = True, {}
        elif (name, value) == ("END", "VEVENT"):
            assert {"UID", "DTSTAMP", "DTSTART", "DTEND"} <= set(event)
            events.append(event)
            open_ = False
        elif open_:
            assert name not in event, "no property stands twice"
            event[name] = value
    assert not open_
    return events


def unescaped(text: str) -> str:
    """Return a TEXT value as it was meant; refuse what may not stand unescaped."""
    found, letters = "", iter(text)
    for letter in letters:
        assert letter not in ";,", "a separator stands unescaped"
        if letter == "\\":
            following = next(letters)
            assert following in "\\;,nN"
            found += "\n" if following in "nN" else following
        else:
            found += letter
    return found


@pytest.mark.parametrize("language", list(Language))
def test_a_calendar_is_read_back(language: Language):
    """Times are UTC, texts are what they were, and offers are tentative."""
    sheets = [a_sheet(), a_sheet(state=AwardState.OFFERED), a_sheet(state=AwardState.RETURNED)]
    first, second, third = read_calendar(calendar(sheets, language).encode())
    assert ("20270104T000000Z", "20270201T000000Z") == (first["DTSTART"], first["DTEND"])
    assert unescaped(first["SUMMARY"]).endswith(": 단백질 접힘; folding, \\fast")
    assert "800" in first["SUMMARY"]
    assert ["CONFIRMED", "TENTATIVE", "CANCELLED"] == [
        each["STATUS"] for each in (first, second, third)
    ]
    assert [] == read_calendar(calendar([a_sheet(window=None)], language).encode())


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=300)


@given(TEXTS, TEXTS)
def test_any_text_survives_escaping_and_folding(title: str, group: str):
    """Whatever a title says comes back letter by letter, in lines of at most 75 octets."""
    made = calendar([a_sheet(title=title, group=group)], Language.KOREAN)
    (event,) = read_calendar(made.encode())
    assert unescaped(event["SUMMARY"]).endswith(f": {title}")
    assert group == unescaped(event["CATEGORIES"])


def test_folding_by_octets():
    """A line of 75 octets stays whole; a letter of three octets is not cut."""
    assert ["x" * 75] == list(fold("x" * 75))
    assert ["x" * 74, " 가"] == list(fold("x" * 74 + "가"))
    assert r"a\\b\;c\,d\ne" == escape("a\\b;c,d\r\ne")
