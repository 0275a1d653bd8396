"""Balances as Open OnDemand shows them on its dashboard.

Source:
    Open OnDemand, balance warnings: version 1 of the JSON that `OOD_BALANCE_PATH` names.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from scheduler.domain.sheets import Sheet
from scheduler.export.hours import hours

VERSION: Final = 1


def balances(sheets: Iterable[Sheet], now: datetime) -> dict[str, Any]:
    """Return what is left of awards, a line a fellow, award and GPU type, in GPU-hours."""
    return {
        "version": VERSION,
        "timestamp": int(now.timestamp()),
        "config": {"unit": "GPU-hours", "project_type": "award"},
        "balances": [
            {
                "user": sheet.person.id,
                "project": f"{sheet.award.id} {limit.gpu_type}",
                "value": hours(limit.left_gpu_seconds),
            }
            for sheet in sheets
            for limit in sheet.limits
        ],
    }
