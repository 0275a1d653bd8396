"""Windows of awards as iCalendar, which every calendar program takes.

Source:
    RFC 5545, sections 3.1 (lines, folding), 3.3.11 (text), 3.6.1 (event); all times in UTC, so no
    time zone has to be told.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from scheduler.domain.amounts import number
from scheduler.domain.awards import AwardState
from scheduler.domain.messages import Language
from scheduler.domain.sheets import Sheet
from scheduler.export.sentence import Sentence

MEDIA_TYPE: Final = "text/calendar"
LINE: Final = 75
"""Octets after which a line is folded."""
SUMMARY: Final = Sentence("배정 {hours} GPU시간: {title}", "Award of {hours} GPU-hours: {title}")
DESCRIPTION: Final = Sentence(
    "배정 {award}, 공모 {call}. 미사용 시간은 종료 시 소멸합니다.",
    "Award {award} of {call}. Hours that are not used by the end lapse.",
)
STATUS: Final = {
    AwardState.OFFERED: "TENTATIVE",
    AwardState.ACCEPTED: "CONFIRMED",
    AwardState.ACTIVE: "CONFIRMED",
}


def calendar(sheets: Iterable[Sheet], language: Language) -> str:
    """Return the windows of awards as one calendar; awards without dates have no place in it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Dure//Awards//EN", "CALSCALE:GREGORIAN"]
    lines.append("METHOD:PUBLISH")
    for sheet in sheets:
        lines += _event(sheet, language)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in fold(line))


def _event(sheet: Sheet, language: Language) -> Iterator[str]:
    if sheet.window is None:
        return
    begins_at, ends_at = sheet.window
    award = sheet.award
    fields = {
        "hours": f"{number(award.held):,}",
        "title": sheet.title,
        "award": award.id,
        "call": sheet.call_title,
    }
    yield "BEGIN:VEVENT"
    yield f"UID:{award.id}@dure"
    yield f"DTSTAMP:{_instant(award.answered_at or award.offered_at)}"
    yield f"DTSTART:{_instant(begins_at)}"
    yield f"DTEND:{_instant(ends_at)}"
    yield f"SEQUENCE:{award.version}"
    yield f"STATUS:{STATUS.get(award.state, 'CANCELLED')}"
    yield "TRANSP:TRANSPARENT"
    yield f"SUMMARY:{escape(SUMMARY.in_language(language).format_map(fields))}"
    yield f"DESCRIPTION:{escape(DESCRIPTION.in_language(language).format_map(fields))}"
    if sheet.group is not None:
        yield f"CATEGORIES:{escape(sheet.group)}"
    yield "END:VEVENT"


def escape(text: str) -> str:
    """Return text with what has a meaning in iCalendar escaped."""
    for letter in ("\\", ";", ","):
        text = text.replace(letter, f"\\{letter}")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def fold(line: str) -> Iterator[str]:
    """Yield a line in parts of at most 75 octets, never through a letter.

    Each part but the first begins with a space.
    """
    part, octets = "", 0
    for letter in line:
        size = len(letter.encode())
        if octets + size > LINE:
            yield part
            part, octets = " ", 1
        part, octets = part + letter, octets + size
    yield part


def _instant(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%SZ")
