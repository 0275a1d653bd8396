"""What holders are told of a reclaim, in Korean and English."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from scheduler.domain.ledger import SECONDS_PER_HOUR
from scheduler.domain.messages import Language
from scheduler.export.sentence import Sentence

NOTICE: Final = Sentence(
    "{on}에 {gpu_type} 미사용분이 최대 {at_most} GPU시간 회수됩니다. "
    "현재 속도로는 {expected} GPU시간입니다. "
    "보유 {held}, 사용 {used} GPU시간. 면제 신청 기한: {until}.",
    "On {on} up to {at_most} unused GPU-hours of {gpu_type} will be taken back; "
    "at the present rate {expected}. Held: {held}, used: {used} GPU-hours. "
    "An exemption can be asked until {until}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What an award may lose, in GPU-seconds, and until when that can be averted."""

    on: date
    gpu_type: str
    held: int
    used: int
    at_most: int
    expected: int
    until: date


def notice_text(loss: Loss, language: Language) -> str:
    """Return the sentences that a holder reads."""
    return NOTICE.in_language(language).format(
        on=loss.on.isoformat(),
        gpu_type=loss.gpu_type,
        until=loss.until.isoformat(),
        **{name: _hours(getattr(loss, name)) for name in ("held", "used", "at_most", "expected")},
    )


def _hours(gpu_seconds: int) -> str:
    """Return GPU-hours with two places, needless ones left out."""
    hundredths = round(gpu_seconds * 100 / SECONDS_PER_HOUR)
    text = f"{hundredths // 100:,}.{hundredths % 100:02}"
    return text.rstrip("0").rstrip(".")
