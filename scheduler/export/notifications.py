"""Notifications in words, Korean and English."""

from collections.abc import Mapping
from typing import Final

from scheduler.domain.messages import Language
from scheduler.domain.notifications import Notification
from scheduler.export.sentence import Sentence

WAITS: Final = Sentence(
    "두 번째 사람의 결정을 기다립니다: {subject}. 확인: dure pending list",
    "{subject} waits for a second person: dure pending list",
)
TEXTS: Final[Mapping[str, Sentence]] = {
    "award.offered": Sentence(
        "배정이 제안되었습니다: {subject}. 통지서: dure award letter {subject}",
        "You are offered award {subject}. The letter: dure award letter {subject}",
    ),
    "award.returned": Sentence("배정이 반납되었습니다: {subject}", "Award {subject} was returned."),
    "award.transferred": Sentence(
        "배정 시간이 이전되었습니다: {subject}", "Hours of award {subject} were handed on."
    ),
    "award.expired": Sentence(
        "배정 기간이 끝났습니다: {subject}", "Award {subject} is over; what was unused has lapsed."
    ),
    "request.ineligible": Sentence(
        "신청이 부적격으로 결정되었습니다: {subject}", "Request {subject} was found ineligible."
    ),
    "call.extended": Sentence(
        "공모 마감이 연장되었습니다: {subject}", "The deadline of call {subject} was moved later."
    ),
    "round.selected": Sentence(
        "승인을 기다리는 회차입니다: {subject}", "Round {subject} waits for an approver."
    ),
    "round.approved": Sentence(
        "승인되어 발표할 수 있습니다: {subject}",
        "Round {subject} is approved; it may be published.",
    ),
    "round.rejected": Sentence(
        "회차의 선택이 반려되었습니다: {subject}", "The selection of round {subject} was sent back."
    ),
    "round.published": Sentence(
        "결과가 발표되었습니다: {subject}. 통지서: dure request letter 신청번호",
        "Round {subject} is published. The letter: dure request letter REQUEST",
    ),
}


def notification_text(notification: Notification, language: Language) -> str:
    """Return what a notification says; every other kind tells of something that waits."""
    sentence = TEXTS.get(notification.kind, WAITS)
    return sentence.in_language(language).format(subject=notification.subject)
