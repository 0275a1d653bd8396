"""Awards as OpenPortal AwardDetails, as a receiving portal reads them.

Source:
    isambard-sc/openportal, `templemeads/src/grammar.rs`: AwardDetails, Link, Note, Allocation.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from scheduler.domain.amounts import number
from scheduler.domain.sheets import Sheet
from scheduler.export.hours import hours_text

ROLE: Final = "pi"
"""Role of the fellow of an award; portals agree on roles among themselves."""
UNIT: Final = "GPUHR"


def award_details(
    sheet: Sheet,
    *,
    template: str | None,
    cooling_off: timedelta,
    link: Callable[[str], str],
) -> dict[str, Any]:
    """Return an award as AwardDetails.

    Args:
        sheet: the award.
        template: of the project on the receiving portal.
        cooling_off: after its publication, in which the award may still be corrected.
        link: makes the address of a resource of the center out of its path.
    """
    granted = {each.gpu_type: each.granted_gpu_seconds for each in sheet.limits}
    window, award = sheet.window, sheet.award
    email = sheet.person.email
    return {
        "name": sheet.title or award.id,
        "template": template,
        "key": None,
        "description": sheet.abstract or None,
        "members": None if email is None else {email: ROLE},
        "start_date": None if window is None else window[0].date().isoformat(),
        "end_date": None if window is None else _last_day(window[1]),
        "allocation": f"{hours_text(sum(granted.values()))} {UNIT}",
        "breakdown": {
            gpu_type: f"{hours_text(seconds)} {UNIT}" for gpu_type, seconds in granted.items()
        },
        "award": {"id": award.id, "url": link(f"awards/{award.id}")},
        "call": {"id": sheet.call, "url": link(f"calls/{sheet.call}")},
        "notes": [_note(sheet)],
        "earliest_approve": _instant(award.offered_at + cooling_off),
        "allowed_domains": None,
    }


def _note(sheet: Sheet) -> dict[str, str]:
    """Return how the award came about, as the first note of its log."""
    award = sheet.award
    text = (
        f"{sheet.call_title}: {number(award.awarded):,} of {number(award.requested):,} reference "
        f"GPU-hours. Scenario {sheet.digest}."
    )
    return {"timestamp": _instant(award.offered_at), "author": "Dure", "text": text}


def _last_day(end: datetime) -> str:
    """Return the last day of a window that ends before an instant."""
    return (end - timedelta(microseconds=1)).date().isoformat()


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
